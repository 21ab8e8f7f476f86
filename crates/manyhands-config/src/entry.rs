//! One server's entry: from its keys to an endpoint.
//!
//! Whatever is wrong here costs this server only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::deferred::SecretUse;
use crate::document::{Member, Node, Value, find, join, shown};
use crate::endpoint::{Endpoint, HttpEndpoint, StdioEndpoint, UnixEndpoint, is_http};
use crate::error::{EntryErrorKind, Fault, did_you_mean};
use crate::file::{EnvFiles, absolute};
use crate::keys::{self, HTTP, STDIO};
use crate::socket::{self, Socket};
use crate::variables::{Scope, Text};
use crate::warning::Warnings;

/// The keys under which clients write a URL. Gemini's `httpUrl` is the streamable one even where `url` is there too.
const URL_KEYS: [&str; 3] = ["httpUrl", "url", "serverUrl"];

/// The names of the transports, in the spelling that is recommended.
const TYPES: [&str; 4] = ["stdio", "http", "streamable-http", "sse"];

/// Reads the endpoint of the entry that stands at `path`.
pub(crate) struct Reader<'a> {
    pub(crate) path: &'a str,
    pub(crate) line: usize,
    pub(crate) entry: &'a [Member],
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) env_files: &'a EnvFiles,
    /// The secrets that were met and are not known yet.
    pub(crate) uses: RefCell<Vec<SecretUse>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Stdio,
    Http,
    Sse,
    /// A URL without a type, which says itself what it is.
    Url,
}

/// A text before and after its references were filled in.
struct Filled {
    written: String,
    value: String,
    /// Whether the value has a reference to a secret in it, so that nothing can be said of it yet.
    is_open: bool,
}

impl Reader<'_> {
    /// Decides what kind of server it is, and reads what that kind needs.
    pub(crate) fn endpoint(&self, warnings: &mut Warnings) -> Result<Endpoint, Fault> {
        let (transport, why) = self.transport()?;
        match transport {
            Transport::Stdio => {
                keys::check_unused(self.path, self.entry, &HTTP, why, warnings);
                self.stdio().map(Endpoint::Stdio)
            }
            Transport::Http | Transport::Sse | Transport::Url => {
                keys::check_unused(self.path, self.entry, &STDIO, why, warnings);
                self.remote(transport, warnings)
            }
        }
    }

    /// Whether the entry says that this server is switched off.
    pub(crate) fn disabled(&self) -> Result<bool, Fault> {
        let flag = |key: &str| match self.find(key) {
            None => Ok(None),
            Some(member) => match member.node.value {
                Value::Bool(flag) => Ok(Some(flag)),
                _ => Err(wrong(key, &member.node, "true or false")),
            },
        };
        Ok(flag("disabled")?.unwrap_or(false) || !flag("enabled")?.unwrap_or(true))
    }

    fn find(&self, key: &str) -> Option<&Member> {
        find(self.entry, key)
    }

    /// Which kind of server it is, and what says so.
    fn transport(&self) -> Result<(Transport, &'static str), Fault> {
        if let Some(declared) = self.declared()? {
            return Ok(match declared {
                Transport::Stdio => (Transport::Stdio, "this is a stdio server by its type"),
                other => (other, "this is an HTTP server by its type"),
            });
        }
        let url = URL_KEYS.iter().find_map(|key| self.find(key));
        match (self.find("command"), url) {
            (Some(_), None) => Ok((Transport::Stdio, "this server has a command")),
            (None, Some(_)) => Ok((Transport::Url, "this server has a URL")),
            (Some(_), Some(url)) => {
                let what = format!("it has both `command` and `{}`", url.key);
                Err(Fault::new(EntryErrorKind::AmbiguousEndpoint, what)
                    .at("", self.line)
                    .mend("remove one, or add \"type\": \"stdio\" or \"type\": \"http\""))
            }
            (None, None) => Err(self.no_endpoint("it has neither `command` nor `url`")),
        }
    }

    /// The kind that `type`, or else `transport`, declares.
    fn declared(&self) -> Result<Option<Transport>, Fault> {
        let Some(member) = self.find("type").or_else(|| self.find("transport")) else {
            return Ok(None);
        };
        let key = member.key.as_str();
        let Some(written) = member.node.text() else {
            return Err(wrong(key, &member.node, "a string"));
        };
        match written
            .to_ascii_lowercase()
            .replace(['-', '_'], "")
            .as_str()
        {
            "stdio" => Ok(Some(Transport::Stdio)),
            "http" | "streamablehttp" => Ok(Some(Transport::Http)),
            "sse" => Ok(Some(Transport::Sse)),
            _ => {
                let what = format!("`{}` is not a type that is known", shown(written));
                let mut mend = format!("use one of: {}", TYPES.join(", "));
                if let Some(near) = did_you_mean(written, TYPES) {
                    mend = format!("{near} Known are: {}", TYPES.join(", "));
                }
                let fault = Fault::new(EntryErrorKind::UnknownType, what).mend(mend);
                Err(fault.at(key, member.node.line))
            }
        }
    }

    fn stdio(&self) -> Result<StdioEndpoint, Fault> {
        let Some(command) = self.find("command") else {
            let fault = self.no_endpoint("it is a stdio server without a `command`");
            return Err(fault.mend("add \"command\", or correct the type"));
        };
        let command = self.text("command", &command.node).map_err(|fault| {
            let split = "write the program in `command` and the rest in `args`";
            if matches!(command.node.value, Value::List(_)) {
                fault.mend(split)
            } else {
                fault
            }
        })?;
        if command.value.trim().is_empty() {
            return Err(self.no_endpoint("its `command` is empty"));
        }
        let mut env = self.env_file()?;
        for (name, value) in self.texts("env")? {
            match value {
                Some(value) => env.insert(name, value),
                // As in VS Code, null takes away what the env file gives.
                None => env.remove(&name),
            };
        }
        let cwd = self
            .find("cwd")
            .map(|cwd| self.text("cwd", &cwd.node))
            .transpose()?;
        Ok(StdioEndpoint {
            args: self.args()?,
            env,
            cwd: cwd
                .as_ref()
                .map(|cwd| absolute(self.scope.folder, Path::new(&cwd.value))),
            written: (command.written, cwd.map(|cwd| cwd.written)),
            command: command.value,
        })
    }

    /// Reads what stands behind a URL.
    fn remote(&self, transport: Transport, warnings: &mut Warnings) -> Result<Endpoint, Fault> {
        let mut present = URL_KEYS.iter().filter_map(|key| self.find(key));
        let Some(member) = present.next() else {
            let fault = self.no_endpoint("it is an HTTP server without a `url`");
            return Err(fault.mend("add \"url\", or correct the type"));
        };
        let others: Vec<&str> = present.map(|other| other.key.as_str()).collect();
        let why = format!("`{}` is used", member.key);
        keys::check_unused(self.path, self.entry, &others, &why, warnings);
        let mut url = self.text(&member.key, &member.node)?;
        let invalid = |what: &str, mend: &str| {
            let fault = Fault::new(EntryErrorKind::InvalidUrl, what).mend(mend);
            fault.at(&member.key, member.node.line)
        };
        let socket = (!url.is_open).then(|| socket::parse(&url.value));
        let socket = socket
            .flatten()
            .transpose()
            .map_err(|what| invalid(what, "write it as in unix:///path/to/server.sock"))?;
        let mut unix_socket = None;
        match socket {
            Some(Socket {
                path,
                endpoint: None,
            }) if transport == Transport::Url => {
                let why = "no HTTP is spoken at this socket, as it has no `type`";
                keys::check_unused(self.path, self.entry, &["headers"], why, warnings);
                return Ok(Endpoint::Unix(UnixEndpoint {
                    path,
                    written: url.written,
                }));
            }
            Some(Socket { path, endpoint }) => {
                url.value = format!("http://localhost{}", endpoint.as_deref().unwrap_or("/"));
                unix_socket = Some(path);
            }
            None if url.is_open || is_http(&url.value) => {}
            None => {
                let what = "this is not an absolute http or https URL";
                return Err(invalid(
                    what,
                    "write it in full, as in https://example.com/mcp",
                ));
            }
        }
        let headers = self.texts("headers")?;
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let remote = HttpEndpoint {
            url: url.value,
            headers: headers.collect(),
            unix_socket,
            written: url.written,
        };
        Ok(match transport {
            Transport::Sse => Endpoint::Sse(remote),
            _ => Endpoint::Http(remote),
        })
    }

    fn args(&self) -> Result<Vec<String>, Fault> {
        let Some(member) = self.find("args") else {
            return Ok(Vec::new());
        };
        let Value::List(items) = &member.node.value else {
            return Err(wrong("args", &member.node, "a list of strings"));
        };
        let args = items.iter().enumerate();
        args.map(|(n, item)| Ok(self.text(&format!("args[{n}]"), item)?.value))
            .collect()
    }

    /// The texts of an object such as `env`, null being none. Numbers are texts too, as VS Code allows.
    fn texts(&self, key: &str) -> Result<BTreeMap<String, Option<String>>, Fault> {
        let Some(member) = self.find(key) else {
            return Ok(BTreeMap::new());
        };
        let Some(members) = member.node.members() else {
            return Err(wrong(key, &member.node, "an object"));
        };
        let mut texts = BTreeMap::new();
        for Member {
            key: name,
            line,
            node,
        } in members
        {
            let path = join(key, name);
            if name.is_empty() || name.contains(['=', '\0', '\n', '\r']) {
                let what = "expected a name that is not empty and holds no `=` and no line break";
                return Err(Fault::new(EntryErrorKind::InvalidValue, what).at(&path, *line));
            }
            let value = match &node.value {
                Value::Null => None,
                Value::Number(number) => Some(number.clone()),
                Value::Bool(flag) => Some(flag.to_string()),
                _ => Some(self.text(&path, node)?.value),
            };
            texts.insert(name.clone(), value);
        }
        Ok(texts)
    }

    /// The values of the env file, if the entry names one.
    fn env_file(&self) -> Result<BTreeMap<String, String>, Fault> {
        let Some(member) = self.find("envFile") else {
            return Ok(BTreeMap::new());
        };
        let Filled {
            written, is_open, ..
        } = self.text("envFile", &member.node)?;
        if is_open {
            let what =
                "the path of an env file cannot hold a secret, because trust in this file needs it";
            let fault = Fault::new(EntryErrorKind::InvalidReference, what);
            return Err(fault.at("envFile", member.node.line));
        }
        self.env_files
            .values(&written)
            .map_err(|fault| fault.at("envFile", member.node.line))
    }

    /// A section with the references in its texts filled in. Paths are those of the section.
    pub(crate) fn filled(&self, section: &Node) -> Result<Node, Fault> {
        let value = match &section.value {
            Value::Text(_) => Value::Text(self.text("", section)?.value),
            Value::List(items) => {
                let filled = items.iter().enumerate().map(|(n, item)| {
                    self.filled(item)
                        .map_err(|fault| fault.under(&format!("[{n}]")))
                });
                Value::List(filled.collect::<Result<Vec<_>, Fault>>()?)
            }
            Value::Object(members) => {
                let filled = members.iter().map(|member| {
                    let node = self.filled(&member.node);
                    let node = node.map_err(|fault| fault.under(&join("", &member.key)))?;
                    let (key, line) = (member.key.clone(), member.line);
                    Ok(Member { key, line, node })
                });
                Value::Object(filled.collect::<Result<Vec<_>, Fault>>()?)
            }
            other => other.clone(),
        };
        let line = section.line;
        Ok(Node { line, value })
    }

    /// A string with its references filled in.
    fn text(&self, path: &str, node: &Node) -> Result<Filled, Fault> {
        let Some(written) = node.text() else {
            return Err(wrong(path, node, "a string"));
        };
        let Text { value, secrets } = self
            .scope
            .fill(written)
            .map_err(|fault| fault.at(path, node.line))?;
        if value.contains('\0') {
            let what = "expected a text without NUL characters";
            return Err(Fault::new(EntryErrorKind::InvalidValue, what).at(path, node.line));
        }
        let is_open = !secrets.is_empty();
        let uses = secrets.into_iter().map(|reference| SecretUse {
            reference,
            path: path.to_owned(),
            line: node.line,
        });
        self.uses.borrow_mut().extend(uses);
        Ok(Filled {
            written: written.to_owned(),
            value: value.into_owned(),
            is_open,
        })
    }

    fn no_endpoint(&self, what: &str) -> Fault {
        Fault::new(EntryErrorKind::NoEndpoint, what)
            .at("", self.line)
            .mend("add \"command\" for a program to start, or \"url\" for a server to call")
    }
}

/// Tells that a value is of the wrong type.
pub(crate) fn wrong(path: &str, node: &Node, expected: &str) -> Fault {
    let what = format!("expected {expected}, found {}", node.kind());
    Fault::new(EntryErrorKind::InvalidValue, what).at(path, node.line)
}

/// The path of the env file that an entry names, as written and as a path.
pub(crate) fn env_file_path(node: &Node, scope: &Scope<'_>) -> Option<(String, PathBuf)> {
    let written = node.get("envFile")?.node.text()?;
    let filled = scope.fill(written).ok()?;
    let is_whole = filled.secrets.is_empty();
    is_whole.then(|| {
        let path = absolute(scope.folder, Path::new(filled.value.as_ref()));
        (written.to_owned(), path)
    })
}

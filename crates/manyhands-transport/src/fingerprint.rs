//! Which server is reached and as whom, as a digest: to find again what was learned of it. It knows no folder and no file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, absolute};

use manyhands_core::{Secret, fingerprint};

use crate::http::{HttpSettings, TlsSettings};
use crate::stdio::StdioSettings;

/// A digest of everything that decides which server is reached, and as whom.
///
/// It is made of secrets too, so it is never shown, and has no place in a file or a log: whoever has it could try
/// guesses against it. [`keyed_digest`](Self::keyed_digest) gives what may be written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Takes the digest of `parts`, for connectors that cannot tell it themselves. Where one part ends matters.
    pub fn of(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
        Self(fingerprint(&parts))
    }

    /// A digest of this fingerprint and of `more`: 64 hexadecimal digits that tell nothing to those without the `key`.
    #[must_use]
    pub fn keyed_digest(&self, key: &[u8], more: &[&str]) -> String {
        let mut parts = vec![key, self.0.as_bytes()];
        parts.extend(more.iter().map(|part| part.as_bytes()));
        // Hashed twice, as HMAC does: what is made of one digest says nothing about the digest of something longer.
        fingerprint(&[key, fingerprint(&parts).as_bytes()])
    }

    pub(crate) fn of_stdio(settings: &StdioSettings) -> Option<Self> {
        let StdioSettings {
            command,
            args,
            env,
            inherit_env,
            cwd,
        } = settings;
        let mut parts = Parts::new("stdio");
        parts.add(command);
        parts.list(args);
        parts.pairs(env);
        parts.list(inherit_env);
        // A child that is told no folder runs in ours, where another `server.js` may lie tomorrow.
        parts.path(Some(cwd.as_deref().unwrap_or(Path::new("."))))?;
        Some(parts.digest())
    }

    /// What its [`credentials`](HttpSettings::credentials) obtain is no part of it: that is found out later, and changes.
    pub(crate) fn of_http(kind: &str, settings: &HttpSettings) -> Option<Self> {
        let TlsSettings {
            ca,
            only_ca,
            cert,
            key,
        } = &settings.tls;
        let mut parts = Parts::new(kind);
        parts.add(&settings.url);
        parts.pairs(&settings.headers);
        parts.path(settings.unix_socket.as_deref())?;
        parts.add([u8::from(*only_ca)]);
        parts.count(ca.len());
        for file in ca {
            parts.path(Some(file))?;
        }
        parts.path(cert.as_deref())?;
        parts.path(key.as_deref())?;
        Some(parts.digest())
    }

    pub(crate) fn of_unix(socket: &Path) -> Option<Self> {
        let mut parts = Parts::new("unix");
        parts.path(Some(socket))?;
        Some(parts.digest())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint([hidden])")
    }
}

/// What is hashed. A list is preceded by its length, so that nothing moves from one field to the next unnoticed.
struct Parts(Vec<Vec<u8>>);

impl Parts {
    fn new(kind: &str) -> Self {
        Self(vec![kind.into()])
    }

    fn add(&mut self, part: impl AsRef<[u8]>) {
        self.0.push(part.as_ref().to_vec());
    }

    fn count(&mut self, items: usize) {
        self.add((items as u64).to_le_bytes());
    }

    fn list(&mut self, items: &[String]) {
        self.count(items.len());
        items.iter().for_each(|item| self.add(item));
    }

    fn pairs(&mut self, items: &BTreeMap<String, Secret>) {
        self.count(items.len());
        for (name, value) in items {
            self.add(name);
            self.add(value.expose());
        }
    }

    /// Adds where a path leads from here. None where the folder that we run in cannot be told.
    fn path(&mut self, path: Option<&Path>) -> Option<()> {
        self.count(path.iter().len());
        if let Some(path) = path {
            // An abstract socket lies in no folder.
            let is_abstract = path.as_os_str().as_encoded_bytes().starts_with(b"@");
            let place = if is_abstract {
                path.to_owned()
            } else {
                absolute(path).ok()?
            };
            self.add(place.as_os_str().as_encoded_bytes());
        }
        Some(())
    }

    fn digest(self) -> Fingerprint {
        Fingerprint::of(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connector, OpenError};

    fn child() -> StdioSettings {
        StdioSettings::new("sh").with_args(["a", "b"])
    }

    fn remote() -> HttpSettings {
        HttpSettings::new("https://example.com/mcp?key=1")
    }

    /// Connectors that each reach another server, or the same one as somebody else.
    fn different() -> Vec<Connector> {
        let mut inheriting = child();
        inheriting.inherit_env = vec!["B".to_owned()];
        // Looks like the length of an empty list.
        let zero = "\0".repeat(8);
        let mut ambiguous = StdioSettings::new("sh");
        ambiguous.inherit_env = vec![zero.clone()];
        let stdio = vec![
            child(),
            inheriting,
            ambiguous,
            StdioSettings::new("sh").with_args([zero]),
            child().with_args(["B"]),
            StdioSettings::new("sh").with_args(["ab"]),
            StdioSettings::new("sh").with_args(["b", "a"]),
            StdioSettings::new("zsh").with_args(["a", "b"]),
            child().with_env("B", ""),
            child().with_env("B", "1"),
            child().with_env("B", "2"),
            child().with_env("B1", ""),
            child().with_cwd("below"),
        ];
        let tls = TlsSettings::default;
        let http = [
            remote(),
            HttpSettings::new("https://example.com/mcp?key=2"),
            remote().with_header("X", "1"),
            remote().with_header("X", "2"),
            remote().with_header("X1", ""),
            remote().with_unix_socket("s"),
            remote().with_tls(tls().with_ca("s")),
            remote().with_tls(tls().with_ca("s").only_ca()),
            remote().with_tls(tls().with_identity("s", "k")),
            remote().with_tls(tls().with_identity("s", "l")),
        ];
        let sockets = ["s", "@s", "/s"].map(Connector::unix);
        let mut all: Vec<_> = stdio.into_iter().map(Connector::stdio).collect();
        all.extend(http.into_iter().map(Connector::http));
        all.push(Connector::sse(remote()));
        all.extend(sockets);
        all
    }

    #[test]
    fn all_that_decides_who_is_reached_counts() {
        let prints: Vec<_> = different().iter().map(Connector::fingerprint).collect();
        let again: Vec<_> = different().iter().map(Connector::fingerprint).collect();
        assert_eq!(prints, again);
        assert!(prints.iter().all(Option::is_some));
        for (at, one) in prints.iter().enumerate() {
            let same = prints.iter().position(|other| other == one);
            assert_eq!(same, Some(at), "{:?}", different().get(at));
        }
    }

    #[test]
    fn a_relative_path_is_told_from_the_folder_that_we_run_in() {
        let here = std::env::current_dir().unwrap();
        let stdio = |settings| Connector::stdio(settings).fingerprint();
        assert_eq!(stdio(child()), stdio(child().with_cwd(&here)));
        assert_eq!(
            stdio(child().with_cwd("below")),
            stdio(child().with_cwd(here.join("below")))
        );
        assert_eq!(
            Connector::unix("s").fingerprint(),
            Connector::unix(here.join("s")).fingerprint()
        );
    }

    #[tokio::test]
    async fn who_cannot_tell_may_be_told() {
        let prepared = Connector::prepared(|| async { Ok::<_, OpenError>(Connector::unix("s")) });
        let in_process = Connector::in_process(|_| async {});
        for connector in [prepared, in_process] {
            assert_eq!(connector.fingerprint(), None);
            let told = Fingerprint::of(["slack", "me"]);
            let connector = connector.with_fingerprint(told.clone());
            assert_eq!(connector.fingerprint(), Some(told.clone()));
            let ready = connector.ready().await.ok();
            assert_eq!(ready.and_then(|it| it.fingerprint()), Some(told));
        }
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
    }

    #[test]
    fn it_shows_nothing_of_itself() {
        let print = Fingerprint::of(["hunter2"]);
        assert_eq!(format!("{print:?}"), "Fingerprint([hidden])");
        let digest = print.keyed_digest(b"key", &["a", "b"]);
        assert_eq!(digest, print.keyed_digest(b"key", &["a", "b"]));
        assert!(!digest.contains(&print.0));
        for other in [
            print.keyed_digest(b"yek", &["a", "b"]),
            print.keyed_digest(b"key", &["ab", ""]),
            Fingerprint::of(["hunter3"]).keyed_digest(b"key", &["a", "b"]),
        ] {
            assert_ne!(digest, other);
        }
    }
}

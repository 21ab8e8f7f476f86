//! Which program is started, with which environment, and why it could not be.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::StdioSettings;
use crate::error::{ConnectErrorKind, OpenError};

/// Variables of ours that every child gets: what programs need to run at all.
///
/// Proxy settings are not among them, since they often hold a password; a
/// server that needs them names them in `inherit_env`.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "TMPDIR",
    "TEMP",
    "TMP",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// Prepares the child without starting it.
pub(super) fn build(settings: &StdioSettings) -> Result<Command, OpenError> {
    if let Some(cwd) = settings.cwd.as_deref().filter(|cwd| !cwd.is_dir()) {
        return Err(OpenError::new(
            ConnectErrorKind::Command,
            format!(
                "the directory {} that it should run in does not exist",
                cwd.display()
            ),
        )
        .with_mend("create it, or correct `cwd`"));
    }
    let mut command = Command::new(resolve(settings)?);
    command
        .args(&settings.args)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| is_inherited(name, settings)))
        .envs(
            settings
                .env
                .iter()
                .map(|(name, value)| (name, value.expose())),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cwd) = &settings.cwd {
        command.current_dir(cwd);
    }
    Ok(command)
}

/// Whether a variable's name suggests that its value is nobody's business.
pub(super) fn names_a_secret(name: &str) -> bool {
    const HINTS: &[&str] = &[
        "TOKEN", "KEY", "SECRET", "PASS", "PWD", "AUTH", "CRED", "COOKIE", "SESSION", "URL", "URI",
        "DSN", "PAT",
    ];
    let name = name.to_ascii_uppercase();
    HINTS.iter().any(|hint| name.contains(hint))
}

fn is_inherited(name: &OsStr, settings: &StdioSettings) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let same = |known: &str| {
        if cfg!(windows) {
            known.eq_ignore_ascii_case(name)
        } else {
            known == name
        }
    };
    INHERITED.iter().any(|known| same(known))
        || name.starts_with("LC_")
        || settings.inherit_env.iter().any(|known| same(known))
}

/// Finds the program the way the child's own `PATH` would, so that the reason for a failure is exact.
#[cfg(unix)]
fn resolve(settings: &StdioSettings) -> Result<PathBuf, OpenError> {
    let command = settings.command.as_str();
    if command.is_empty() {
        return Err(
            OpenError::new(ConnectErrorKind::Command, "its command is empty")
                .with_mend("set `command` to the program that starts the server"),
        );
    }
    if command.contains('/') {
        // `Command` leaves open which directory a relative path starts from once `current_dir` is set.
        let path = settings.cwd.clone().unwrap_or_default().join(command);
        let path = std::path::absolute(&path).unwrap_or(path);
        return match check(&path) {
            Found::Program => Ok(path),
            problem => Err(problem.explain(&path.display().to_string())),
        };
    }
    let path = settings
        .env
        .get("PATH")
        .map(|path| OsString::from(path.expose()));
    let path = path
        .or_else(|| std::env::var_os("PATH"))
        .unwrap_or_default();
    let mut problem = Found::Nothing;
    for candidate in std::env::split_paths(&path).map(|dir| dir.join(command)) {
        match check(&candidate) {
            Found::Program => return Ok(candidate),
            Found::Nothing => {}
            other => problem = other,
        }
    }
    Err(problem.explain(command))
}

#[cfg(not(unix))]
fn resolve(settings: &StdioSettings) -> Result<PathBuf, OpenError> {
    Ok(PathBuf::from(&settings.command))
}

/// What stands at a path.
enum Found {
    Program,
    Directory,
    NotExecutable,
    Nothing,
}

#[cfg(unix)]
fn check(path: &Path) -> Found {
    use std::os::unix::fs::PermissionsExt as _;
    match path.metadata() {
        Err(_) => Found::Nothing,
        Ok(found) if found.is_dir() => Found::Directory,
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Found::NotExecutable,
        Ok(_) => Found::Program,
    }
}

impl Found {
    fn explain(&self, command: &str) -> OpenError {
        let (cause, mend) = match self {
            Self::Directory => (
                format!("the command {command} is a directory"),
                "set `command` to the program itself".to_owned(),
            ),
            Self::NotExecutable => (
                format!("the command {command} is not executable"),
                format!("run `chmod +x {command}`, or name its interpreter as the command"),
            ),
            Self::Nothing | Self::Program => (
                format!("the command {command} was not found"),
                missing(command),
            ),
        };
        OpenError::new(ConnectErrorKind::Command, cause).with_mend(mend)
    }
}

/// What to do about a program that is not there.
fn missing(command: &str) -> String {
    let name = Path::new(command)
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or(command);
    let comes_with = match name {
        "npx" | "npm" | "node" => Some("Node.js"),
        "uvx" | "uv" => Some("uv"),
        "docker" => Some("Docker"),
        "bunx" | "bun" => Some("Bun"),
        "deno" => Some("Deno"),
        "python" | "python3" | "pip" | "pipx" => Some("Python"),
        _ => None,
    };
    match comes_with {
        Some(product) => format!("install {product}, or give the full path to {name} as `command`"),
        None if command.contains('/') => "correct the path in `command`".to_owned(),
        None => "install it, or give its full path as `command`".to_owned(),
    }
}

/// Says why the system refused to start a program that is there.
pub(super) fn explain_spawn(command: &str, error: io::Error) -> OpenError {
    let mend = match error.kind() {
        io::ErrorKind::NotFound => {
            "check the interpreter in its first line (`#!`), and that its libraries exist"
        }
        io::ErrorKind::PermissionDenied => {
            "check that the file, and the directories above it, may be executed"
        }
        io::ErrorKind::ArgumentListTooLong => "shorten `args` and `env`",
        _ if error.raw_os_error() == Some(8) => {
            "it is no program for this machine; name its interpreter as the command"
        }
        _ => "start the same command in a terminal to see more",
    };
    OpenError::new(
        ConnectErrorKind::Command,
        format!("the command {command} could not be started ({error})"),
    )
    .with_mend(mend)
    .with_source(error)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn refused(settings: &StdioSettings) -> String {
        let error = build(settings).expect_err("this cannot be started");
        format!("{error}; {}", error.mend().unwrap_or_default())
    }

    #[test]
    fn each_reason_for_not_starting_has_its_own_words() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("plain.sh");
        std::fs::write(&plain, "echo").unwrap();
        let at = |path: &Path| StdioSettings::new(path.display().to_string());

        assert!(refused(&StdioSettings::new("")).contains("command is empty"));
        assert!(
            refused(&StdioSettings::new("no-such-program-here"))
                .contains("was not found; install it")
        );
        assert!(
            refused(&StdioSettings::new("./no/such")).contains("was not found; correct the path")
        );
        assert!(refused(&at(dir.path())).contains("is a directory"));
        assert!(refused(&at(&plain)).contains("is not executable; run `chmod +x"));
        assert!(
            refused(&StdioSettings::new("sh").with_cwd("/no/such/dir")).contains("correct `cwd`")
        );
    }

    #[test]
    fn a_program_is_found_in_the_path_that_the_child_gets() {
        let settings = StdioSettings::new("sh").with_env("PATH", "/nowhere");
        assert!(refused(&settings).contains("was not found"));
        assert!(build(&StdioSettings::new("sh")).is_ok());
    }

    #[test]
    fn a_child_gets_no_variable_that_was_not_allowed() {
        let settings = StdioSettings {
            inherit_env: vec!["WANTED".into()],
            ..StdioSettings::default()
        };
        for (name, given) in [
            ("HOME", true),
            ("LC_ALL", true),
            ("WANTED", true),
            ("AWS_SECRET_ACCESS_KEY", false),
            ("HTTPS_PROXY", false),
        ] {
            assert_eq!(is_inherited(OsStr::new(name), &settings), given, "{name}");
        }
    }
}

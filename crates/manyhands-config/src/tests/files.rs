//! Files on disk: the env files they name, and where they are found.

use std::fs;
use std::path::Path;

use super::*;
use crate::trust::{TrustState, TrustStore};
use crate::{ConfigErrorKind, ConfigFile, EntryErrorKind, locate};

fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn env_wins_over_the_env_file() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".env", "A=file\nB=file\nC=file\n");
    let text = r#"{"servers": {"a": {"command": "x", "envFile": "${workspaceFolder}/.env",
                   "env": {"B": "entry", "C": null}}}}"#;
    for place in ["mcp.json", ".vscode/mcp.json"] {
        let path = write(dir.path(), place, text);
        let config = Read::from_file(&path, &variables()).unwrap();
        let Ok(Endpoint::Stdio(it)) = config.servers[0].definition.as_ref().map(|it| &it.endpoint)
        else {
            panic!("{:?}", config.servers)
        };
        assert_eq!(it.env.len(), 2, "{:?}", it.env.keys());
        assert_eq!(
            (it.env["A"].as_str(), it.env["B"].as_str()),
            ("file", "entry")
        );
    }
}

#[test]
fn a_missing_or_broken_env_file_costs_its_server_only_and_shows_no_line() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "broken.env", format!("OK=1\n{CANARY}\n"));
    let path = write(
        dir.path(),
        "mcp.json",
        r#"{"servers": {"a": {"command": "x", "envFile": "broken.env"},
            "b": {"command": "x", "envFile": "${TOKEN}.env"}, "c": {"command": "x"}}}"#,
    );
    let config = Read::from_file(&path, &variables()).unwrap();
    let error = |n: usize| config.servers[n].definition.as_ref().unwrap_err();
    assert_eq!(error(0).kind(), EntryErrorKind::EnvFile);
    assert!(
        error(0).to_string().contains("line 2 of the file"),
        "{}",
        error(0)
    );
    assert!(
        error(1)
            .to_string()
            .contains("there is no file `${TOKEN}.env`"),
        "{}",
        error(1)
    );
    assert!(!format!("{config:?}").contains(CANARY));
    assert!(config.servers[2].definition.is_ok());
}

#[test]
fn what_was_read_is_what_is_resolved() {
    let dir = tempfile::tempdir().unwrap();
    let env = write(dir.path(), ".env", "A=before\n");
    let text = r#"{"servers": {"a": {"command": "before", "envFile": ".env"}}}"#;
    let path = write(dir.path(), "mcp.json", text);
    let file = ConfigFile::read(&path, &variables()).unwrap();
    fs::write(&env, "A=after\n").unwrap();
    fs::write(&path, "{").unwrap();
    let config = Read::resolve(&file, &variables()).unwrap();
    let Ok(Endpoint::Stdio(it)) = config.servers[0].definition.as_ref().map(|it| &it.endpoint)
    else {
        panic!("{:?}", config.servers)
    };
    assert_eq!(
        (it.command.as_str(), it.env["A"].as_str()),
        ("before", "before")
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(dir.path().join("mcp.json"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(locate(dir.path(), None), None);
    let text = r#"{"servers": {"a": {"command": "x", "envFile": "mcp.json"}}}"#;
    let path = write(dir.path(), "other.json", text);
    let config = Read::from_file(&path, &variables()).unwrap();
    let error = config.servers[0].definition.as_ref().unwrap_err();
    assert_eq!(error.kind(), EntryErrorKind::EnvFile);
}

#[test]
fn a_file_is_looked_for_in_the_project_first() {
    let project = tempfile::tempdir().unwrap();
    let user = tempfile::tempdir().unwrap();
    let find = || locate(project.path(), Some(user.path())).map(|it| (it.path, it.project_local));
    assert_eq!(find(), None);
    let places = [
        ".vscode/mcp.json",
        ".cursor/mcp.json",
        ".mcp.json",
        "mcp.json",
    ];
    let own = write(user.path(), "manyhands/mcp.json", "{}");
    assert_eq!(find(), Some((own, false)));
    for place in places {
        let path = write(project.path(), place, "{}");
        assert_eq!(find(), Some((path, true)));
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut shown = String::new();
    let mut fail = |path: &Path, kind: ConfigErrorKind| {
        let error = Read::from_file(path, &variables()).unwrap_err();
        assert_eq!(error.kind(), kind);
        let text = format!("failed to {error}\n");
        shown.push_str(&text.replace(dir.path().to_str().unwrap(), "DIR"));
    };
    fail(&dir.path().join("none.json"), ConfigErrorKind::NotFound);
    fail(dir.path(), ConfigErrorKind::IsDirectory);
    let path = write(dir.path(), "latin1.json", b"{\n\"a\": \"\xe9\"}");
    fail(&path, ConfigErrorKind::NotUtf8);
    let path = write(dir.path(), "large.json", vec![0xff; (4 << 20) + 1]);
    fail(&path, ConfigErrorKind::TooLarge);
    let below = path.join("mcp.json");
    fail(&below, ConfigErrorKind::Unreadable);
    insta::assert_snapshot!(shown);
    let error = Read::from_file(&below, &variables()).unwrap_err();
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn trust_ends_when_an_env_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"{"servers": {"a": {"command": "x", "envFile": ".env"}}}"#;
    let path = write(dir.path(), "mcp.json", text);
    let store = TrustStore::new(dir.path().join("state"));
    let state = || {
        store
            .state(&ConfigFile::read(&path, &variables()).unwrap())
            .unwrap()
    };
    let trust = || {
        store
            .trust(&ConfigFile::read(&path, &variables()).unwrap())
            .unwrap()
    };
    assert_eq!(state(), TrustState::Unknown);
    trust();
    assert_eq!(state(), TrustState::Trusted);
    write(dir.path(), ".env", "");
    assert_eq!(state(), TrustState::Changed, "missing and empty differ");
    trust();
    write(dir.path(), ".env", "A=1");
    assert_eq!(state(), TrustState::Changed);
}

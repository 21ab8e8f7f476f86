//! What trust covers, and what ends it.

use super::*;
use crate::Environment;

struct Place {
    dir: tempfile::TempDir,
    store: TrustStore,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = TrustStore::new(dir.path().join("state"));
        Self { dir, store }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn state(&self, path: &Path) -> TrustState {
        self.store.state(&read(path)).unwrap()
    }
}

const EMPTY: &str = r#"{"mcpServers": {}}"#;

fn read(path: &Path) -> ConfigFile {
    ConfigFile::read(path, &Environment).unwrap()
}

#[test]
fn trust_lasts_until_the_file_changes_or_it_is_revoked() {
    let place = Place::new();
    let path = place.write("mcp.json", EMPTY);
    assert_eq!(place.state(&path), TrustState::Unknown);
    let pin = place.store.trust(&read(&path)).unwrap();
    assert!(
        pin.as_str().starts_with("sha256:") && pin.as_str().len() == 71,
        "{pin}"
    );
    assert_eq!(place.state(&path), TrustState::Trusted);
    place.write("mcp.json", "{\"mcpServers\": {} }");
    assert_eq!(place.state(&path), TrustState::Changed);
    place.write("mcp.json", EMPTY);
    assert_eq!(place.state(&path), TrustState::Trusted);
    fs::remove_file(&path).unwrap();
    assert!(place.store.revoke(&path).unwrap());
    assert!(!place.store.revoke(&path).unwrap());
    place.write("mcp.json", EMPTY);
    assert_eq!(place.state(&path), TrustState::Unknown);
}

#[test]
fn trust_in_one_file_says_nothing_about_an_equal_one() {
    let place = Place::new();
    let (one, other) = (
        place.write("a/mcp.json", EMPTY),
        place.write("b/mcp.json", EMPTY),
    );
    place.store.trust(&read(&one)).unwrap();
    assert_eq!(place.state(&one), TrustState::Trusted);
    assert_eq!(place.state(&other), TrustState::Unknown);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_trusted_file_is_not_trusted_in_another_folder() {
    let place = Place::new();
    let trusted = place.write("mine/.vscode/mcp.json", EMPTY);
    place.store.trust(&read(&trusted)).unwrap();
    let hostile = place.dir.path().join("hostile");
    fs::create_dir(&hostile).unwrap();
    std::os::unix::fs::symlink(&trusted, hostile.join("mcp.json")).unwrap();
    std::os::unix::fs::symlink(trusted.parent().unwrap(), hostile.join(".vscode")).unwrap();
    assert_eq!(place.state(&hostile.join("mcp.json")), TrustState::Unknown);
    assert_eq!(
        place.state(&hostile.join(".vscode/mcp.json")),
        TrustState::Unknown
    );
    // A link to the whole folder leads to the same place.
    std::os::unix::fs::symlink(place.dir.path().join("mine"), place.dir.path().join("same"))
        .unwrap();
    assert_eq!(
        place.state(&place.dir.path().join("same/.vscode/mcp.json")),
        TrustState::Trusted
    );
    assert_eq!(
        place.state(&place.dir.path().join("hostile/../mine/.vscode/mcp.json")),
        TrustState::Trusted
    );
}

#[cfg(unix)]
#[test]
fn the_store_is_private_and_leaves_no_draft() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let path = place.write("mcp.json", EMPTY);
    place.write("state/trust.json.new", "left over");
    place.store.trust(&read(&path)).unwrap();
    let mode = fs::metadata(place.store.path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!place.dir.path().join("state/trust.json.new").exists());
}

#[test]
fn a_corrupt_store_is_an_error_and_stays_as_it_is() {
    let place = Place::new();
    let path = place.write("mcp.json", EMPTY);
    for text in [
        "",
        "{",
        "[]",
        "\u{0}",
        r#"{"version": 2, "pins": {}}"#,
        r#"{"version": 1, "pins": 5}"#,
    ] {
        let stored = place.write("state/trust.json", text);
        let error = place.store.state(&read(&path)).unwrap_err();
        assert_eq!(error.kind(), TrustErrorKind::Corrupt, "{text}");
        assert!(place.store.trust(&read(&path)).is_err());
        assert!(place.store.revoke(&path).is_err());
        assert_eq!(fs::read_to_string(&stored).unwrap(), text);
        let shown = error
            .to_string()
            .replace(&stored.display().to_string(), "STORE");
        let expected =
            "understand the trust store STORE; remove STORE, then trust your configurations anew";
        assert_eq!(shown, expected);
    }
}

#[test]
fn a_store_that_cannot_be_written_is_an_error_with_its_cause() {
    let place = Place::new();
    let path = place.write("mcp.json", EMPTY);
    let store = TrustStore::new(path.join("state"));
    let error = store.trust(&read(&path)).unwrap_err();
    assert_eq!(error.kind(), TrustErrorKind::Inaccessible);
    assert!(error.source().is_some());
}

#[test]
fn trusting_at_the_same_time_loses_nothing() {
    let place = Place::new();
    let paths: Vec<_> = (0..8)
        .map(|n| place.write(&format!("{n}/mcp.json"), EMPTY))
        .collect();
    std::thread::scope(|scope| {
        for path in &paths {
            scope.spawn(|| place.store.trust(&read(path)).unwrap());
        }
    });
    assert!(
        paths
            .iter()
            .all(|path| place.state(path) == TrustState::Trusted)
    );
}

//! Files that include files, as teams would use it, and as somebody hostile would.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::trust::{TrustState, TrustStore};
use crate::{Config, ConfigFile, Environment};

type Read = Config<Value2, Value2>;
type Value2 = serde_json::Map<String, serde_json::Value>;

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        files
            .iter()
            .for_each(|(name, text)| place.write(name, text));
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("mcp.json")
    }

    fn file(&self) -> ConfigFile {
        ConfigFile::read(&self.path(), &Environment).unwrap()
    }

    fn config(&self) -> Read {
        Read::resolve(&self.file(), &Environment).unwrap()
    }

    /// What became of it, without the folder's name.
    fn shown(&self) -> String {
        let config = self.config();
        let mut shown = String::new();
        for server in &config.servers {
            let owner = server.owner.as_deref().unwrap_or("nobody");
            let state = match &server.definition {
                Ok(definition) => format!("{:?}", definition.endpoint),
                Err(error) => error.to_string(),
            };
            let state = state.split(", args").next().unwrap_or_default();
            shown.push_str(&format!("{} of {owner}: {state}\n", server.id));
        }
        for warning in config.warnings.iter().chain(&config.literal_secrets) {
            shown.push_str(&format!("warning: {warning}\n"));
        }
        shown.replace(&self.0.path().display().to_string(), "DIR")
    }
}

fn server(name: &str, command: &str) -> String {
    format!("{{\"mcpServers\": {{\"{name}\": {{\"command\": \"{command}\"}}}}}}")
}

fn including(include: &str) -> String {
    format!(
        "{{\"mcpServers\": {{\"own\": {{\"command\": \"own\"}}}}, \"manyhands\": {{\"include\": {include}}}}}"
    )
}

#[test]
fn files_folders_and_patterns_are_included_in_order() {
    let place = Place::new(&[
        (
            "mcp.json",
            &including(r#"[{"path": "team", "owner": "shop"}, "other-*.json", "one.json"]"#),
        ),
        ("team/b.json", &server("b", "b")),
        (
            "team/a.jsonc",
            "{\"servers\": {\"a\": {\"command\": \"a\"}}} // team a",
        ),
        ("team/.hidden.json", &server("hidden", "x")),
        ("team/notes.txt", "no"),
        ("other-1.json", &server("o1", "x")),
        ("other-2.json", &server("own", "not this")),
        ("one.json", &server("b", "not this either")),
    ]);
    insta::assert_snapshot!(place.shown());
}

#[test]
fn a_broken_fragment_costs_only_its_own_servers() {
    let place = Place::new(&[
        (
            "mcp.json",
            &including(
                r#"["team/a.json", "team/b.json", "none.json", "list.json", 5, "no-folder/*.json", "own.json"]"#,
            ),
        ),
        ("team/a.json", "{\n\"mcpServers\": {\n\"a\": }\n}"),
        (
            "team/b.json",
            "{\"mcpServers\": {\n\"b\": {\"comand\": \"x\"}, \"c\": {\"command\": \"c\", \"env\": {\"C_TOKEN\": \"canary5F2b8Xq1Z0\"}}}}",
        ),
        ("list.json", "[]"),
        ("own.json", "{"),
    ]);
    let shown = place.shown();
    assert!(!shown.contains("canary5F2b8Xq1Z0"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn relative_paths_of_a_fragment_begin_at_its_own_folder() {
    let place = Place::new(&[
        ("mcp.json", &including("\"team/a.json\"")),
        (
            "team/a.json",
            r#"{"mcpServers": {"a": {"command": "a", "envFile": ".env"}}, "manyhands": {"include": "b.json"}}"#,
        ),
        ("team/.env", "A=1\n"),
        ("team/b.json", &server("b", "b")),
    ]);
    let config = place.config();
    let endpoints: Vec<_> = config
        .servers
        .iter()
        .map(|it| it.definition.as_ref().unwrap())
        .collect();
    assert_eq!(endpoints.len(), 3);
    let crate::Endpoint::Stdio(a) = &endpoints[1].endpoint else {
        panic!("it has a command")
    };
    assert_eq!(a.env["A"], "1");
}

#[test]
fn circles_depth_and_number_have_an_end() {
    let place = Place::new(&[
        ("mcp.json", &including("[\"a.json\", \"mcp.json\"]")),
        (
            "a.json",
            "{\"manyhands\": {\"include\": [\"b.json\", \"a.json\"]}}",
        ),
        (
            "b.json",
            "{\"manyhands\": {\"include\": [\"c.json\", \"mcp.json\"]}}",
        ),
        (
            "c.json",
            "{\"mcpServers\": {\"c\": {\"command\": \"c\"}}, \"manyhands\": {\"include\": \"d.json\"}}",
        ),
        ("d.json", &server("d", "d")),
    ]);
    insta::assert_snapshot!(place.shown());
    let many = Place::new(&[("mcp.json", &including("\"team\""))]);
    for n in 0..120 {
        many.write(&format!("team/{n:03}.json"), &server(&format!("s{n}"), "x"));
    }
    let config = many.config();
    assert_eq!(config.servers.len(), 101);
    assert!(
        config
            .warnings
            .iter()
            .any(|it| it.to_string().contains("more than 100 files"))
    );
    let large = Place::new(&[("mcp.json", &including("[\"a.json\", \"b.json\"]"))]);
    for name in ["a", "b"] {
        large.write(
            &format!("{name}.json"),
            &format!("{}{}", server(name, name), " ".repeat(3 << 20)),
        );
    }
    assert!(
        large.shown().contains("more than 4 MiB together"),
        "{}",
        large.shown()
    );
}

#[test]
fn trust_covers_what_is_included() {
    let place = Place::new(&[
        ("mcp.json", &including("[\"team\", \"later.json\"]")),
        (
            "team/a.json",
            r#"{"mcpServers": {"a": {"command": "a", "envFile": ".env"}}}"#,
        ),
    ]);
    let store = TrustStore::new(place.0.path().join("state"));
    let changes = |what: &dyn Fn()| {
        store.trust(&place.file()).unwrap();
        assert_eq!(store.state(&place.file()).unwrap(), TrustState::Trusted);
        what();
        store.state(&place.file()).unwrap() == TrustState::Changed
    };
    assert!(!changes(&|| place.write("team/notes.txt", "x")));
    assert!(changes(&|| place.write("team/a.json", &server("a", "b"))));
    assert!(changes(&|| place.write("team/b.json", &server("b", "b"))));
    assert!(changes(&|| place.write("later.json", "{}")));
    assert!(changes(&|| fs::remove_file(
        place.0.path().join("team/b.json")
    )
    .unwrap()));
    place.write(
        "team/a.json",
        r#"{"mcpServers": {"a": {"command": "a", "envFile": ".env"}}}"#,
    );
    assert!(changes(&|| place.write("team/.env", "A=1")));
}

#[test]
fn trust_is_not_renewed_when_a_fragment_changed_meanwhile() {
    let place = Place::new(&[
        ("mcp.json", &including("\"a.json\"")),
        ("a.json", &server("a", "a")),
    ]);
    let store = TrustStore::new(place.0.path().join("state"));
    store.trust(&place.file()).unwrap();
    let before = place.file();
    let text = before.text().replace("own", "mine");
    place.write("mcp.json", &text);
    place.write("a.json", &server("a", "b"));
    assert!(!store.renew(&before, &place.file(), &text).unwrap());
    place.write("a.json", &server("a", "a"));
    assert!(!store.renew(&before, &place.file(), "another text").unwrap());
    assert!(store.renew(&before, &place.file(), &text).unwrap());
    assert_eq!(store.state(&place.file()).unwrap(), TrustState::Trusted);
    assert!(
        !store.renew(&before, &place.file(), &text).unwrap(),
        "before is trusted no longer"
    );
}

#[test]
fn names_fit_patterns() {
    for (pattern, name, fits) in [
        ("*", "", true),
        ("*.json", "a.json", true),
        ("*.json", "json", false),
        ("a*b*c", "aXbYbc", true),
        ("a*b*c", "aXc", false),
        ("?.json", "a.json", true),
        ("?.json", ".json", false),
    ] {
        assert_eq!(
            is_match(pattern.as_bytes(), name.as_bytes()),
            fits,
            "{pattern} {name}"
        );
    }
    let long = "a".repeat(10_000);
    assert!(!is_match(
        format!("{}b", "*a".repeat(100)).as_bytes(),
        long.as_bytes()
    ));
}

#[test]
fn pipes_are_not_waited_for() {
    #[cfg(unix)]
    {
        let place = Place::new(&[("mcp.json", &including("[\"pipe\", \"/dev/zero\"]"))]);
        let made = std::process::Command::new("mkfifo")
            .arg(place.0.path().join("pipe"))
            .status();
        assert!(made.unwrap().success());
        assert_eq!(place.config().servers.len(), 3);
    }
    assert!(matching(Path::new("/"), "none").is_ok());
}

#[test]
fn pins_that_lie_beside_files_are_no_servers() {
    let lock = r#"{"version": 1, "servers": {"pinned": {"command": "no"}}}"#;
    let of = |name: &str| format!(r#"{{"mcpServers": {{"{name}": {{"command": "{name}"}}}}}}"#);
    for include in ["teams", "teams/*.json"] {
        let main = format!(r#"{{"manyhands": {{"include": ["{include}"]}}}}"#);
        let place = Place::new(&[
            ("mcp.json", &main),
            ("teams/a.json", &of("a")),
            ("teams/a.lock.json", lock),
            ("teams/block.json", &of("b")),
        ]);
        let config = place.config();
        let ids: Vec<&str> = config.servers.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"], "{include}");
        let lock = config.lock.expect("it is a file");
        assert_eq!(lock.file_name().unwrap(), "mcp.lock.json");
        assert_eq!(
            lock.parent().unwrap(),
            place.0.path().canonicalize().unwrap()
        );
    }
}

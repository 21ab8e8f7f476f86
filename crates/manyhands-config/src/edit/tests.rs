//! What a change leaves alone, and what it refuses. The samples are written as people write them.

use std::fs;

use serde_json::{Value, json};

use super::*;

/// A file with everything that an edit could lose.
const RICH: &str = "\u{feff}// Kept by Ada.\r\n{\r\n\t\"$schema\": \"x\", // for editors\r\n\t\"mcpServers\": {\r\n\t\t// The oldest.\r\n\t\t\"crm\": { \"url\": \"https://crm.example/mcp\" }, // ask before\r\n\r\n\t\t/* two */ \"git\": {\"command\": \"git-mcp\", \"args\": [ \"-v\" ]} // last\r\n\t\t// nothing follows\r\n\t},\r\n\t\"manyhands\": {\"grace\": \"2s\"} /* the end */\r\n}\r\n";

fn draft(text: &str) -> Draft {
    Draft::parse("mcp.json", text, &SERVERS).unwrap()
}

fn with(text: &str, name: &str, entry: &Value) -> String {
    let mut draft = draft(text);
    draft.set(name, entry).unwrap();
    draft.text()
}

fn without(text: &str, name: &str) -> String {
    let mut draft = draft(text);
    assert!(draft.remove(name).unwrap());
    draft.text()
}

fn slack() -> Value {
    json!({"command": "npx", "args": ["-y", "slack-mcp"], "env": {"TOKEN": "${TOKEN}"}})
}

#[test]
fn an_entry_is_added_in_the_manner_of_the_file() {
    insta::assert_snapshot!(
        "added_rich",
        with(RICH, "slack", &slack())
            .replace('\r', "␍")
            .replace('\t', "→")
    );
    insta::assert_snapshot!("added_empty", with("", "slack", &slack()));
    insta::assert_snapshot!(
        "added_one_line",
        with(
            "{\"mcpServers\": {\"a\": {\"command\": \"a\"}}}",
            "slack",
            &slack()
        )
    );
    insta::assert_snapshot!(
        "added_no_list",
        with("{\n    \"manyhands\": {}\n}\n", "slack", &slack())
    );
    insta::assert_snapshot!(
        "added_trailing_commas",
        with(
            "{\n  \"servers\": {\n    \"a\": {\"command\": \"a\",},\n  },\n}\n",
            "slack",
            &slack()
        )
    );
    insta::assert_snapshot!(
        "added_null_list",
        with("{\"mcpServers\": null}", "slack", &json!({"command": "x"}))
    );
}

#[test]
fn an_entry_is_replaced_in_its_place() {
    insta::assert_snapshot!(
        "replaced",
        with(RICH, "crm", &slack())
            .replace('\r', "␍")
            .replace('\t', "→")
    );
}

#[test]
fn an_entry_is_removed_with_nothing_but_itself() {
    insta::assert_snapshot!(
        "removed_first",
        without(RICH, "crm").replace('\r', "␍").replace('\t', "→")
    );
    insta::assert_snapshot!(
        "removed_last",
        without(RICH, "git").replace('\r', "␍").replace('\t', "→")
    );
    assert_eq!(
        without("{\"servers\": {\"a\": {}}}", "a"),
        "{\"servers\": {}}"
    );
    let both =
        "{\"mcpServers\": {\"a\": {\"command\": \"x\"}}, \"servers\": {\"a\": {}, \"b\": {}}}";
    assert_eq!(draft(&without(both, "a")).names(), ["b"]);
    assert!(!draft(RICH).remove("none").unwrap());
}

#[test]
fn odd_names_stay_what_they_are() {
    for name in [
        "",
        "a\"b",
        "a\\b",
        "鸣潮 MCP",
        "\u{1b}[31m",
        "__proto__",
        "a\nb",
    ] {
        let text = with(RICH, name, &slack());
        assert_eq!(draft(&text).entry(name), Some(slack()), "{name:?}");
        assert_eq!(draft(&without(&text, name)).names(), ["crm", "git"]);
    }
}

#[test]
fn what_cannot_be_changed_safely_is_refused() {
    let refused = |text: &str| {
        let error = match Draft::parse("mcp.json", text, &SERVERS) {
            Ok(mut draft) => draft.set("a", &slack()).unwrap_err(),
            Err(error) => error,
        };
        format!("{:?}: failed to {error}\n", error.kind())
    };
    let shown = [
        "[]",
        "{\"mcpServers\": [",
        "{\"mcpServers\": []}",
        "{\"servers\": {\"a\": 1, \"a\": 2}}",
        "{\"servers\": {}, \"servers\": {}}",
        "// nothing",
    ];
    insta::assert_snapshot!(shown.map(refused).concat());
    let missing = draft(RICH).missing("crn");
    insta::assert_snapshot!(missing, @"change mcp.json: it has no server `crn`; did you mean `crm`?");
}

/// All comments of a text, in order.
fn comments(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    let options = jsonc_parser::CollectOptions {
        comments: jsonc_parser::CommentCollectionStrategy::Separate,
        tokens: false,
    };
    let parsed = jsonc_parser::parse_to_ast(text, &options, &strict()).unwrap();
    let mut found: Vec<_> = parsed
        .comments
        .unwrap()
        .values()
        .flat_map(|it| it.iter().cloned())
        .collect();
    found.sort_by_key(|it| jsonc_parser::common::Ranged::range(it).start);
    found.dedup();
    found.iter().map(|it| it.text().to_owned()).collect()
}

#[test]
fn no_mutation_of_a_file_panics_or_loses_what_is_not_meant() {
    let marks = [
        '"', '\\', '{', '}', ']', ',', ':', '\0', '/', '\n', '*', ' ',
    ];
    let mut changed = 0;
    for (at, c) in RICH.char_indices() {
        let (head, tail) = RICH.split_at(at);
        let rest = tail.strip_prefix(c).unwrap();
        let texts = marks
            .iter()
            .flat_map(|mark| [format!("{head}{mark}{tail}"), format!("{head}{mark}{rest}")]);
        for text in texts.chain([
            head.to_owned(),
            format!("{head}{rest}"),
            format!("{head}{head}{tail}"),
        ]) {
            let Ok(mut draft) = Draft::parse("x", &text, &SERVERS) else {
                continue;
            };
            let before = draft.entries();
            if draft.set("slack", &slack()).is_err() {
                continue;
            }
            changed += 1;
            let after = draft.entries();
            assert_eq!(
                after
                    .iter()
                    .filter(|it| it.0 != "slack")
                    .cloned()
                    .collect::<Vec<_>>(),
                before,
                "{text}"
            );
            if !text.trim_start_matches('\u{feff}').trim().is_empty() {
                assert_eq!(comments(&draft.text()), comments(&text), "{text}");
            }
            for (name, _) in before {
                let _ = draft.remove(&name);
            }
        }
    }
    assert!(changed > 1_000, "{changed}");
}

#[test]
fn a_file_is_replaced_at_once_with_its_permissions_and_behind_its_link() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mcp.json");
    fs::write(&path, "before").unwrap();
    #[cfg(unix)]
    let path = {
        use std::os::unix::fs::{PermissionsExt, symlink};
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let link = dir.path().join("link.json");
        symlink("mcp.json", &link).unwrap();
        link
    };
    let original = Original::read(&path).unwrap();
    assert_eq!(
        (original.exists(), original.text().unwrap()),
        (true, "before")
    );
    let backup = original.back_up(".backup").unwrap().unwrap();
    original.replace("after").unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("mcp.json")).unwrap(),
        "after"
    );
    assert_eq!(fs::read_to_string(&backup).unwrap(), "before");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        for file in [&path, &backup] {
            assert_eq!(
                fs::metadata(file).unwrap().permissions().mode() & 0o777,
                0o640
            );
        }
    }
    let error = original.replace("again").unwrap_err();
    assert_eq!(error.kind(), EditErrorKind::Changed);
    assert_eq!(
        fs::read_to_string(dir.path().join("mcp.json")).unwrap(),
        "after"
    );
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, if cfg!(unix) { 3 } else { 2 }, "a draft was left");
}

#[test]
fn a_new_file_is_its_owners_alone_and_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/mcp.json");
    let original = Original::read(&path).unwrap();
    assert!(!original.exists());
    let late = Original::read(&path).unwrap();
    original.replace("{}").unwrap();
    assert_eq!(
        late.replace("[]").unwrap_err().kind(),
        EditErrorKind::Changed
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let folder = Original::read(dir.path()).unwrap_err();
    assert_eq!(folder.kind(), EditErrorKind::Inaccessible);
}

#[test]
fn many_at_once_lose_nothing_silently() {
    const EACH: usize = 25;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mcp.json");
    fs::write(&path, "{}").unwrap();
    let add = |name: String| {
        for _ in 0..10_000 {
            let original = Original::read(&path).unwrap();
            let mut draft = draft(original.text().unwrap());
            draft.set(&name, &json!({"command": "x"})).unwrap();
            match original.replace(&draft.text()) {
                Ok(()) => return,
                Err(error) => assert_eq!(error.kind(), EditErrorKind::Changed),
            }
        }
        panic!("it never got its turn");
    };
    let all = |n: usize| (0..EACH).for_each(|m| add(format!("s{n}-{m}")));
    let all = &all;
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || all(n));
        }
    });
    let names = draft(&fs::read_to_string(&path).unwrap()).names();
    assert_eq!(names.len(), 8 * EACH);
}

//! `import` and `install`: servers from other clients, and manyhands in them.

use insta::assert_snapshot;

use crate::harness::{Finished, Sandbox};

/// A value that nothing may show.
const CANARY: &str = "canary5F2b8Xq1Z0";

const CURSOR: &str = r#"{
  "mcpServers": {
    "files": {"command": "npx", "args": ["-y", "files-mcp"]},
    "crm": {
      "url": "https://crm.example/mcp",
      "auth": {"CLIENT_ID": "shop", "scopes": ["read"]},
      "autoApprove": ["search"]
    },
    "secret": {"command": "s-mcp", "env": {"S_TOKEN": "canary5F2b8Xq1Z0"}},
    "bad": {"comand": "x"}
  }
}
"#;

const OURS: &str = r#"{
  // The servers of the shop.
  "mcpServers": {
    "files": {"command": "files-mcp"} // ours
  }
}
"#;

/// A folder with a configuration and Cursor's own.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_config(OURS);
    std::fs::create_dir(sandbox.path().join(".cursor")).unwrap();
    sandbox.write(".cursor/mcp.json", CURSOR);
    sandbox
}

fn shows_no_secret(finished: &Finished) {
    let shown = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!shown.contains(CANARY), "{shown}");
}

// On the others, the keyring is the user's own.
#[cfg(target_os = "linux")]
#[test]
fn servers_of_another_client_are_taken_over() {
    let sandbox = sandbox();
    let import = ["import", "--from", "cursor"];
    let dry = sandbox.configured(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(sandbox.read("mcp.json"), OURS);
    let done = sandbox.configured(&import);
    let again = sandbox.configured(&import);
    let forced = sandbox.configured(&[&import[..], &["--force", "files"]].concat());
    for finished in [&dry, &done, &again, &forced] {
        shows_no_secret(finished);
        assert_eq!(finished.code, Some(0), "{finished}");
    }
    let text = sandbox.read("mcp.json");
    assert!(!text.contains(CANARY), "{text}");
    assert_eq!(sandbox.read(".cursor/mcp.json"), CURSOR);
    assert_snapshot!(
        "import",
        format!("{dry}\n{done}\n{again}\n{forced}\n$ cat mcp.json\n{text}")
    );
}

#[test]
fn secrets_are_taken_over_plainly_only_when_somebody_says_so() {
    let sandbox = sandbox();
    let dry = sandbox.configured(&[
        "import",
        "--from",
        "cursor",
        "--plain",
        "--dry-run",
        "secret",
    ]);
    shows_no_secret(&dry);
    assert!(dry.stdout.contains("[hidden]"), "{dry}");
    let plain = sandbox.configured(&["import", "--from", "cursor", "--plain", "secret", "--json"]);
    shows_no_secret(&plain);
    assert_snapshot!("import_json", plain);
    assert!(sandbox.read("mcp.json").contains(CANARY));
}

#[cfg(target_os = "linux")]
#[test]
fn each_client_is_read_where_it_keeps_its_servers() {
    let sandbox = Sandbox::new();
    let linux = [
        (
            "claude-code",
            ".claude.json",
            r#"{"mcpServers": {"a": {"command": "a-mcp"}}, "projects": {}}"#,
        ),
        (
            "codex",
            ".codex/config.toml",
            "[mcp_servers.b]\ncommand = \"b-mcp\"\n",
        ),
        (
            "zed",
            ".zed/settings.json",
            r#"{"context_servers": {"c": {"command": "c-mcp"}}}"#,
        ),
        (
            "vscode",
            ".vscode/mcp.json",
            r#"{"servers": {"d": {"command": "d-mcp"}}}"#,
        ),
    ];
    for (client, file, text) in linux {
        std::fs::create_dir_all(sandbox.path().join(file).parent().unwrap()).unwrap();
        sandbox.write(file, text);
        let done = sandbox.run(&["--config", "ours.json", "import", "--from", client]);
        assert_eq!(done.code, Some(0), "{done}");
        assert!(done.stdout.contains("1 added"), "{done}");
    }
    sandbox.write(
        "goose.yaml",
        "extensions:\n  e: {type: stdio, cmd: e-mcp, env_keys: [E_TOKEN]}\n  f: {type: builtin}\n",
    );
    let goose = sandbox.run(&[
        "--config",
        "ours.json",
        "import",
        "--from",
        "goose",
        "--file",
        "goose.yaml",
    ]);
    let list = sandbox.run(&["--config", "ours.json", "list"]);
    assert_snapshot!("import_all", format!("{goose}\n{list}"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_imported_is_told() {
    let sandbox = sandbox();
    sandbox.write(
        "broken.toml",
        &format!("[mcp_servers\ntoken = \"{CANARY}\""),
    );
    let wrong: [&[&str]; 6] = [
        &["import", "--from", "emacs"],
        &["import", "--from", "zed"],
        &["import", "--from", "cursor", "--file", "none.json"],
        &["import", "--from", "cursor", "--file", "broken.toml"],
        &["import", "--from", "codex", "--file", "broken.toml"],
        &["import", "--from", "cursor", "flies"],
    ];
    let told = wrong.map(|args| {
        let finished = sandbox.configured(args);
        shows_no_secret(&finished);
        assert_eq!(finished.code, Some(2), "{finished}");
        finished.to_string()
    });
    assert_snapshot!("import_refused", told.join("\n"));
    assert_eq!(sandbox.read("mcp.json"), OURS);
}

/// The names of the backups here.
fn backups(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path().join(folder)).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    names
        .filter(|it| it.contains(".manyhands-backup-"))
        .collect()
}

#[test]
fn manyhands_is_put_into_another_client_once_and_nothing_else_is_touched() {
    let sandbox = sandbox();
    let install = ["install", "--into", "cursor"];
    let asked = sandbox.configured(&install);
    assert_eq!(asked.code, Some(2));
    assert_eq!(sandbox.read(".cursor/mcp.json"), CURSOR);
    assert_eq!(backups(&sandbox, ".cursor"), [""; 0]);
    let done = sandbox.configured(&[&install[..], &["--yes"]].concat());
    assert_eq!(done.code, Some(0), "{done}");
    let kept = backups(&sandbox, ".cursor");
    assert_eq!(kept.len(), 1);
    assert_eq!(sandbox.read(&format!(".cursor/{}", kept[0])), CURSOR);
    let text = sandbox.read(".cursor/mcp.json");
    let again = sandbox.configured(&[&install[..], &["--yes"]].concat());
    assert_eq!(sandbox.read(".cursor/mcp.json"), text);
    assert_eq!(backups(&sandbox, ".cursor").len(), 1);
    for finished in [&asked, &done, &again] {
        shows_no_secret(finished);
    }
    let shown =
        format!("{asked}\n{done}\n{again}").replace(&kept[0], "mcp.json.manyhands-backup-[TIME]");
    assert_snapshot!("install", shown);
}

#[test]
fn a_client_without_a_file_gets_one() {
    let sandbox = Sandbox::new();
    let codex = sandbox.run(&["install", "--into", "codex", "--yes"]);
    let text = sandbox
        .read(".codex/config.toml")
        .replace(crate::harness::MANYHANDS, "[MANYHANDS]");
    let goose = sandbox.run(&["install", "--into", "goose", "--yes"]);
    assert_eq!(goose.code, Some(2));
    assert_snapshot!(
        "install_new",
        format!("{codex}\n$ cat .codex/config.toml\n{text}\n{goose}")
    );
}

//! Logging in from a terminal, and what other commands and processes make of it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use insta::assert_snapshot;
use manyhands_testkit::ScriptedServer;
use manyhands_testkit::oauth::{AuthServer, Protected, visit};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::{Finished, Sandbox, wait};

/// A server behind a login, and a configuration that names it.
struct Guarded {
    runtime: Runtime,
    auth: AuthServer,
    mcp: Protected,
    sandbox: Sandbox,
}

impl Guarded {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = ScriptedServer::new("crm").tool(
            "leads",
            |_| json!({"content": [{"type": "text", "text": "two leads"}]}),
        );
        let (auth, mcp) = runtime.block_on(async {
            let auth = AuthServer::start().await.unwrap();
            let mcp = Protected::start(&server, &auth).await.unwrap();
            (auth, mcp)
        });
        let config = json!({"mcpServers": {"crm": {"url": mcp.url()}}});
        let sandbox = Sandbox::with_config(&config.to_string());
        Self {
            runtime,
            auth,
            mcp,
            sandbox,
        }
    }

    /// Logs in as a person does who sits at another machine: the page there, its last address pasted here.
    fn log_in(&self) -> (String, Option<i32>) {
        let args = [
            "--config",
            "mcp.json",
            "auth",
            "login",
            "crm",
            "--no-browser",
        ];
        let mut child = self.sandbox.spawn(&args, Stdio::piped());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut shown = String::new();
        let page = loop {
            let mut line = String::new();
            assert_ne!(
                stderr.read_line(&mut line).unwrap(),
                0,
                "no page was shown: {shown}"
            );
            shown += &line;
            if line.trim_start().starts_with("http") {
                break line.trim().to_owned();
            }
        };
        let redirected = self.runtime.block_on(visit(&page)).unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{redirected}").unwrap();
        stderr.read_to_string(&mut shown).unwrap();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut shown)
            .unwrap();
        let code = wait(&mut child, &args).code();
        (shown.replace(&page, "PAGE"), code)
    }

    fn run(&self, args: &[&str]) -> Finished {
        self.sandbox.configured(args)
    }

    /// Runs without what differs from run to run.
    fn transcript(&self, commands: &[&[&str]]) -> String {
        let mut text = self.sandbox.transcript(commands);
        for (url, name) in [
            (self.mcp.url(), "SERVER"),
            (self.auth.issuer(), "LOGIN-SERVER"),
        ] {
            text = text.replace(&url, name);
        }
        text
    }
}

#[test]
fn a_login_from_beginning_to_end() {
    let guarded = Guarded::new();
    let mut text = guarded.transcript(&[&["tools"], &["auth", "status"]]);
    let (shown, code) = guarded.log_in();
    write!(
        text,
        "\n$ manyhands auth login crm --no-browser\n{shown}--- exit {code:?}\n\n"
    )
    .unwrap();
    text += &guarded.transcript(&[
        &["auth", "status"],
        &["call", "crm.leads"],
        &["auth", "logout", "crm"],
        &["auth", "logout", "crm"],
        &["call", "crm.leads"],
    ]);
    assert_snapshot!("login", text);
    assert_eq!(guarded.auth.counts().revocations, 1);
}

#[test]
fn what_has_no_login_is_told() {
    let sandbox = Sandbox::beside_slack(r#""crm": {"url": "http://127.0.0.1:1/mcp"}"#);
    assert_snapshot!(
        "no_login",
        sandbox.transcript(&[
            &["auth", "login", "slack"],
            &["auth", "login", "slak"],
            &["auth", "login", "crm"],
            &["auth", "logout", "crm"],
            &["auth", "status", "--json"],
        ])
    );
}

#[cfg(unix)]
#[test]
fn a_login_is_kept_where_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let guarded = Guarded::new();
    assert_eq!(guarded.log_in().1, Some(0));
    let folder = guarded.sandbox.path().join("state_home/manyhands/logins");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn two_processes_at_the_end_of_a_token_make_one_refresh() {
    let guarded = Guarded::new();
    assert_eq!(guarded.log_in().1, Some(0));
    let folder = guarded.sandbox.path().join("state_home/manyhands/logins");
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|it| it == "json") {
            let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            for field in ["received_at", "expires_at"] {
                let field = &mut kept["login"]["tokens"][field];
                *field = (field.as_u64().unwrap() - 3600).into();
            }
            std::fs::write(path, kept.to_string()).unwrap();
        }
    }
    guarded
        .auth
        .change(|it| it.token_delay = std::time::Duration::from_millis(300));
    let args = ["--config", "mcp.json", "call", "crm.leads"];
    let children: Vec<_> = (0..4)
        .map(|_| guarded.sandbox.spawn(&args, Stdio::null()))
        .collect();
    for mut child in children {
        assert!(wait(&mut child, &args).success());
    }
    assert_eq!(guarded.auth.counts().refresh_attempts, 1);
}

#[test]
fn nothing_secret_is_written_by_any_command() {
    let guarded = Guarded::new();
    let (mut shown, _) = guarded.log_in();
    for args in [
        &["-vv", "tools"][..],
        &["-vv", "call", "crm.leads"],
        &["-vv", "doctor"],
        &["--json", "doctor"],
        &["auth", "status"],
        &["auth", "status", "--json"],
        &["-vv", "auth", "logout", "crm"],
    ] {
        let run = guarded.run(args);
        shown += &format!("{}{}", run.stdout, run.stderr);
    }
    let secrets = guarded.auth.secrets();
    assert!(secrets.len() >= 4, "{}", secrets.len());
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} is shown:\n{shown}");
    }
}

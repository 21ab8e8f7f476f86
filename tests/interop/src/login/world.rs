//! A server behind a login, who gives the tokens, and somebody's home on this machine from which the binary is run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::service::Service;
use crate::outcome::{contains, equal, holds};
use crate::plan::{Plan, manyhands};
use crate::process::{self, Ended};

/// Where a program looks for the keyring.
pub(super) const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// How many seconds an access token lives after a login; renewed ones live for two minutes.
pub(super) const LIFE: u64 = 3;
/// How long a login may take in which nobody has to think.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct World<'a> {
    plan: &'a Plan,
    home: TempDir,
    pub(super) auth: Service,
    guarded: Service,
    issuer: String,
    pub(super) url: String,
    program: PathBuf,
    config: PathBuf,
    /// What the binary finds in its environment beside its home.
    env: Vec<(&'static str, OsString)>,
}

/// How the end of a login comes back to the binary.
#[derive(Debug, Clone, Copy)]
pub(super) enum Back {
    /// The browser is on this machine.
    ByRedirect,
    /// The person pastes the address that the browser was sent to.
    ByHand,
}

impl<'a> World<'a> {
    pub(super) async fn start(plan: &'a Plan) -> Result<Self, String> {
        let home = TempDir::with_prefix("manyhands-login-").map_err(|error| error.to_string())?;
        let part = || plan.file(super::AUTH_SERVER, "");
        let mut command = Command::new(&plan.node);
        let script = plan.script("login/authorization_server.mjs");
        command.arg(script).arg(part()).arg(LIFE.to_string());
        let (mut auth, said) = Service::start("the authorization server", &mut command).await?;
        let issuer = text(&said, "/issuer");
        let mut command = Command::new(&plan.node);
        let script = plan.script("login/protected_server.mjs");
        command.arg(script).arg(part()).arg(&issuer);
        let started = Service::start("the server behind the login", &mut command).await;
        let (guarded, said) = match started {
            Ok(started) => started,
            Err(failure) => return Err(auth.end().await.err().unwrap_or(failure)),
        };
        let url = text(&said, "/url");
        let world = Self {
            plan,
            config: home.path().join("mcp.json"),
            home,
            auth,
            guarded,
            issuer,
            program: manyhands().map_err(|error| error.to_string())?,
            env: vec![("MANYHANDS_LOGINS", "file".into())],
            url,
        };
        let crm = json!({"url": world.url});
        world.configure(&json!({"crm": crm}))?;
        Ok(world)
    }

    /// Writes the servers into the configuration.
    pub(super) fn configure(&self, servers: &Value) -> Result<(), String> {
        let config = json!({"mcpServers": servers}).to_string();
        std::fs::write(&self.config, config).map_err(|error| error.to_string())
    }

    /// Runs the binary with these variables from now on.
    pub(super) fn with_env(&mut self, env: Vec<(&'static str, OsString)>) {
        self.env = env;
    }

    pub(super) fn home(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn binary(&self, words: &[&str]) -> Command {
        // Without an address, it would find the keyring of whoever runs this.
        let no_bus = format!("unix:path={}", self.home("no-bus").display());
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home("state"))
            .env(BUS, no_bus)
            .envs(self.env.iter().cloned())
            .arg("--config")
            .arg(&self.config)
            .args(words);
        command
    }

    pub(super) async fn run(&self, words: &[&str]) -> Result<Ended, String> {
        process::run(&mut self.binary(words)).await
    }

    pub(super) async fn json(&self, words: &[&str]) -> Result<Value, String> {
        let out = self.run(words).await?.success()?;
        serde_json::from_str(&out).map_err(|error| format!("expected JSON; {error}"))
    }

    /// Asks the server who we are.
    pub(super) async fn whoami(&self, wanted: &str) -> Result<(), String> {
        let out = self.run(&["call", "crm.whoami"]).await?.success()?;
        equal(&out.trim(), &wanted)
    }

    /// Logs in as a person would who reads the page's address in the terminal.
    pub(super) async fn log_in(&self, back: Back) -> Result<(), String> {
        let mut child = self
            .binary(&["auth", "login", "crm", "--no-browser"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let ended = timeout(LIMIT, self.see_through(&mut child, back)).await;
        ended.unwrap_or_else(|_| {
            let story = self.auth.story();
            holds(false, &format!("an end within {LIMIT:?}"), &story)
        })
    }

    async fn see_through(&self, child: &mut Child, back: Back) -> Result<(), String> {
        // It stays open, as a terminal does.
        let mut input = child.stdin.take();
        let mut stderr = BufReader::new(child.stderr.take().ok_or("no stderr")?);
        let mut said = String::new();
        let page = loop {
            let begin = said.len();
            let read = stderr.read_line(&mut said).await;
            let line = said.get(begin..).unwrap_or_default().trim();
            match read {
                Ok(1..) if line.starts_with(&self.issuer) => break line.to_owned(),
                Ok(1..) => {}
                _ => return holds(false, "the address of a page", &format!("{said:?}")),
            }
        };
        let how = match back {
            Back::ByRedirect => "follow",
            Back::ByHand => "stop",
        };
        let seen = self.node("login/browser.mjs", &[&page, how]).await?;
        let seen: Value = serde_json::from_str(&seen).map_err(|error| error.to_string())?;
        match back {
            Back::ByRedirect => contains(&text(&seen, "/page"), "You are logged in")?,
            Back::ByHand => {
                let pasted = format!("{}\n", text(&seen, "/url"));
                let input = input.as_mut().ok_or("no stdin")?;
                let written = input.write_all(pasted.as_bytes()).await;
                written.map_err(|error| error.to_string())?;
            }
        }
        let status = child.wait().await.map_err(|error| error.to_string())?;
        let mut out = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            let _ = stdout.read_to_string(&mut out).await;
        }
        let _ = stderr.read_to_string(&mut said).await;
        holds(
            status.success(),
            "exit code 0",
            &format!("{status}: {said:?}"),
        )?;
        equal(&out.as_str(), &"logged in to crm\n")
    }

    /// Whether the authorization server still stands by a token.
    pub(super) async fn is_active(&self, token: &str) -> Result<bool, String> {
        let told = self
            .node("login/introspect.mjs", &[&self.issuer, token])
            .await?;
        told.trim()
            .parse()
            .map_err(|_| "expected true or false".to_owned())
    }

    /// Ends a login at the authorization server, as its owner does who wants no part of it any more.
    pub(super) async fn take_back(&self, token: &str, client: &str) -> Result<(), String> {
        let words = [&self.issuer, token, client];
        let told = self.node("login/take_back.mjs", &words).await?;
        equal(&told.trim(), &"200")
    }

    async fn node(&self, script: &str, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.plan.node);
        command.arg(self.plan.script(script)).args(words);
        process::run(&mut command).await?.success()
    }

    /// The files of logins, each with its permissions.
    pub(super) fn files(&self) -> Result<Vec<(PathBuf, Value)>, String> {
        let folder = self.home("state/manyhands/logins");
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(_) => return Ok(Vec::new()),
        };
        let paths = entries.filter_map(|it| Some(it.ok()?.path()));
        let logins = paths.filter(|it| it.extension().is_some_and(|it| it == "json"));
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let login = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            Ok((path, login))
        };
        logins.map(read).collect()
    }

    /// The one file of a login.
    pub(super) fn file(&self) -> Result<(PathBuf, Value), String> {
        let mut files = self.files()?;
        equal(&files.len(), &1)?;
        files.pop().ok_or_else(|| "expected a file".to_owned())
    }

    /// Ends what was started.
    pub(super) async fn end(mut self) -> Result<(), String> {
        let guarded = self.guarded.end().await;
        self.auth.end().await.and(guarded)
    }
}

/// A text in a JSON value, empty if it is not there.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

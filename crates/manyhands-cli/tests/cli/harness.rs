//! A folder of its own for each test, the program run in it, and what a person sees of that.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::redact::redacted;

/// The program under test.
pub(crate) const MANYHANDS: &str = env!("CARGO_BIN_EXE_manyhands");
/// What stands for the program in a configuration that a test writes.
const PLACEHOLDER: &str = "@MANYHANDS@";
/// The server that every test of a broken one has beside it.
const SLACK: &str = r#""slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]}"#;
/// After this long, a program counts as stuck and is killed.
const STUCK: Duration = Duration::from_secs(60);
/// How often a process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// A folder that is home, configuration, state and working directory in one.
pub(crate) struct Sandbox(TempDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("manyhands-cli-").tempdir();
        Self(dir.unwrap())
    }

    /// A folder with this `mcp.json`; `@MANYHANDS@` in it becomes the program's path.
    pub(crate) fn with_config(text: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write("mcp.json", text);
        sandbox
    }

    /// A folder whose `mcp.json` has the demo's slack server, and these entries after it.
    pub(crate) fn beside_slack(entries: &str) -> Self {
        Self::with_config(&format!(
            "{{\n  \"mcpServers\": {{\n    {SLACK},\n    {entries}\n  }}\n}}\n"
        ))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let program = MANYHANDS.replace('\\', "\\\\");
        std::fs::write(self.path().join(name), text.replace(PLACEHOLDER, &program)).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the program on this folder's `mcp.json`.
    pub(crate) fn configured(&self, args: &[&str]) -> Finished {
        self.run(&[&["--config", "mcp.json"], args].concat())
    }

    /// Runs the program to its end, and sees that nothing of it is left.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        let mut child = self.spawn(args, Stdio::null());
        let stdout = gather(child.stdout.take());
        let stderr = gather(child.stderr.take());
        let status = wait(&mut child, args);
        #[cfg(unix)]
        crate::processes::assert_none_left(self.path());
        Finished {
            shown: format!("manyhands {}", quoted(args)),
            stdout: gathered(&stdout, args),
            stderr: gathered(&stderr, args),
            code: status.code(),
            dir: self.path().display().to_string(),
        }
    }

    /// Starts the program with nothing of our own environment but the search path.
    pub(crate) fn spawn(&self, args: &[&str], stdin: Stdio) -> Child {
        let mut command = Command::new(MANYHANDS);
        command.args(args).current_dir(self.path()).env_clear();
        // Windows starts nothing without the second.
        for name in ["PATH", "SYSTEMROOT"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.path());
        for name in [
            "CACHE_HOME",
            "CONFIG_HOME",
            "DATA_HOME",
            "RUNTIME_DIR",
            "STATE_HOME",
        ] {
            command.env(format!("XDG_{name}"), self.path().join(name.to_lowercase()));
        }
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs several commands on this folder's `mcp.json`, and tells of all.
    pub(crate) fn transcript(&self, commands: &[&[&str]]) -> String {
        let each = commands
            .iter()
            .map(|args| self.configured(args).to_string());
        each.collect::<Vec<_>>().join("\n")
    }
}

/// A run that has ended. Shown, it is what a person saw, without what differs from run to run.
pub(crate) struct Finished {
    shown: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    dir: String,
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("$ {}\n{}", self.shown, self.stdout);
        if !self.stderr.is_empty() {
            text.push_str(&format!("--- stderr\n{}", self.stderr));
        }
        match self.code {
            Some(code) => text.push_str(&format!("--- exit {code}\n")),
            None => text.push_str("--- ended by a signal\n"),
        }
        f.write_str(&redacted(&text, &self.dir))
    }
}

/// Waits for a process, and kills it when it is stuck.
pub(crate) fn wait(child: &mut Child, what: &[&str]) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > STUCK {
            let _ = child.kill();
            let _ = child.wait();
            panic!("manyhands {what:?} did not end within {STUCK:?}");
        }
        thread::sleep(POLL);
    }
}

/// Reads a pipe to its end, on a thread so that no pipe fills up while the other is read.
fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let mut pipe = pipe.unwrap();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// What was read; a grandchild that outlives the program would keep the pipe open.
fn gathered(receiver: &Receiver<Vec<u8>>, what: &[&str]) -> String {
    match receiver.recv_timeout(Duration::from_secs(5)) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(_) => panic!("after manyhands {what:?}, somebody still holds its output open"),
    }
}

/// Arguments as one would type them.
fn quoted(args: &[&str]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=+:".contains(c);
    let each = args
        .iter()
        .map(|arg| match arg.chars().all(plain) && !arg.is_empty() {
            true => (*arg).to_owned(),
            false => format!("'{arg}'"),
        });
    each.collect::<Vec<_>>().join(" ")
}

//! The real servers, and how each is started.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::plan::Plan;

/// How long the slow one does nothing before it starts.
pub(crate) const SLOW_SECONDS: u64 = 12;

/// One server of the toolkit.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    /// The installed part that it runs.
    pub(crate) part: &'static str,
}

const fn same(name: &'static str) -> Server {
    Server { name, part: name }
}

pub(crate) const SERVERS: &[Server] = &[
    same("everything"),
    same("filesystem"),
    same("memory"),
    same("gitlab"),
    same("time"),
    same("git"),
    same("sqlite"),
    same("office-word"),
    same("sequential-thinking"),
    same("kubernetes"),
    same("calculator"),
    same("excel"),
    Server {
        name: "slow",
        part: "time",
    },
];

/// Those that are installed and wanted.
pub(crate) fn all(plan: &Plan) -> impl Iterator<Item = &'static Server> {
    SERVERS.iter().filter(|server| plan.runs(server.part))
}

/// Those that are installed, each once.
pub(crate) fn distinct(plan: &Plan) -> impl Iterator<Item = &'static Server> {
    all(plan).filter(|server| server.name == server.part)
}

/// Those of these names.
pub(crate) fn named(names: &[&str]) -> impl Iterator<Item = &'static Server> {
    SERVERS.iter().filter(|server| names.contains(&server.name))
}

impl Server {
    /// Its entry in an `mcp.json`.
    pub(crate) fn entry(&self, plan: &Plan, bench: &Bench) -> Value {
        let program = |path: &str| plan.file(self.part, path);
        match self.name {
            "everything" => self.npm(plan, &["stdio"], &json!({})),
            "filesystem" => self.npm(plan, &[&bench.text("files")], &json!({})),
            "memory" => {
                let graph = json!({"MEMORY_FILE_PATH": bench.path("memory.jsonl")});
                self.npm(plan, &[], &graph)
            }
            // The token is never sent: only the list is asked for, and that is made without a network.
            "gitlab" => {
                let token = json!({"GITLAB_PERSONAL_ACCESS_TOKEN": "not-a-token"});
                self.npm(plan, &[], &token)
            }
            "sequential-thinking" => self.npm(plan, &[], &json!({})),
            // It is not to find the clusters of whoever runs this.
            "kubernetes" => {
                let main = program("node_modules/mcp-server-kubernetes/dist/index.js");
                let nowhere = json!({"HOME": bench.path("home"), "KUBECONFIG": ""});
                json!({"command": plan.node, "args": [main], "env": nowhere})
            }
            "calculator" => json!({"command": program("bin/mcp-server-calculator")}),
            "excel" => json!({
                "command": program("bin/excel-mcp-server"), "args": ["stdio"], "cwd": bench.path("files")
            }),
            "git" => json!({
                "command": program("bin/mcp-server-git"), "args": ["--repository", bench.path("repo")]
            }),
            "sqlite" => json!({
                "command": program("bin/mcp-server-sqlite"), "args": ["--db-path", bench.path("rows.db")]
            }),
            // Its log lines on stdout would otherwise wait in Python's buffer until it ends.
            "office-word" => json!({
                "command": program("bin/word_mcp_server"),
                "cwd": bench.path("files"),
                "env": {"PYTHONUNBUFFERED": "1"},
            }),
            "slow" => json!({
                "command": "sh",
                "args": ["-c", format!("sleep {SLOW_SECONDS}; exec \"$0\""), program("bin/mcp-server-time")],
            }),
            _ => json!({"command": program("bin/mcp-server-time")}),
        }
    }

    fn npm(&self, plan: &Plan, arguments: &[&str], env: &Value) -> Value {
        let package = format!("node_modules/@modelcontextprotocol/server-{}", self.part);
        let main = plan.file(self.part, &format!("{package}/dist/index.js"));
        let mut args = vec![json!(main)];
        args.extend(arguments.iter().map(|argument| json!(argument)));
        json!({"command": plan.node, "args": args, "env": env})
    }
}

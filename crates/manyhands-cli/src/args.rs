//! What can be typed.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are printed as help, where backticks would stand as they are"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use manyhands_demo::DemoServer;

/// One AI agent, many MCP servers: try them, call them, serve them all as one.
#[derive(Debug, Parser)]
#[command(
    name = "manyhands",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 the tool said no, 2 usage or configuration, 3 unavailable or timed out, 4 not authorized.\n\
                  Start with `manyhands demo`, then `manyhands tools` where your mcp.json is."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) options: Options,

    /// Logs more: -v for servers coming and going, -vv for everything; RUST_LOG overrides it
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Reads this mcp.json; without it, the project's own (once trusted) or your personal one
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Prints one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Waits this long at most for servers to start [default: 15s for lists; otherwise as long as each may take]
    #[arg(long, value_name = "DURATION", value_parser = duration, global = true)]
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what it is about: four demo servers, one question, one answer. Needs no configuration
    Demo(DemoArgs),
    /// Lists the tools of all servers under one set of names
    Tools,
    /// Lists the prompts of all servers, or gets one
    Prompts {
        /// The prompt to get, such as jira.triage_issue
        name: Option<String>,
        /// Its arguments: key=value pairs, or one JSON object
        arguments: Vec<String>,
    },
    /// Lists the resources and resource templates of all servers, or reads one
    Resources {
        /// The resource to read, such as files+file:///tmp/a.txt
        uri: Option<String>,
    },
    /// Calls one tool, starting only its server
    Call {
        /// The tool, such as slack.search_messages
        name: String,
        /// Its arguments: key=value pairs, typed by the tool's schema, or one JSON object
        arguments: Vec<String>,
    },
    /// Probes every server, and says what is wrong and what to do about it
    Doctor,
    /// Serves all servers as one MCP server
    Serve {
        /// Over standard input and output, for MCP clients that start it as a command
        #[arg(long, required = true)]
        stdio: bool,
    },
    /// Lets a configuration that came with a project be run, as it is now
    Trust {
        /// The configuration; by default the one that would be used here
        file: Option<PathBuf>,
        /// Takes the trust back
        #[arg(long)]
        revoke: bool,
    },
    /// Logs in to servers, and out of them
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Runs one of the demo's servers
    #[command(hide = true)]
    DemoServer(DemoServerArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Logs in to a server with your browser, on this machine or another
    Login {
        #[command(flatten)]
        whose: Whose,
        /// Opens no browser; open the page anywhere, and paste the address that it ends at
        #[arg(long)]
        no_browser: bool,
    },
    /// Says which servers you are logged in to
    Status {
        /// Only this server
        server: Option<String>,
    },
    /// Gives a server's tokens back, and forgets them
    Logout {
        #[command(flatten)]
        whose: Whose,
    },
}

/// Whose login is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Whose {
    /// The server, as in the configuration
    pub(crate) server: String,
    /// The login of this account of the server
    #[arg(long, value_name = "NAME", conflicts_with = "principal")]
    pub(crate) account: Option<String>,
    /// The login of this principal
    #[arg(long, value_name = "ID")]
    pub(crate) principal: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Kills this server in the middle of its call, to show what remains: slack, calendar, jira or salesforce
    #[arg(long, value_name = "SERVER", value_parser = demo_server)]
    pub(crate) fail: Option<DemoServer>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoServerArgs {
    /// slack, calendar or jira over standard input and output, salesforce over HTTP on loopback
    #[arg(value_parser = demo_server)]
    pub(crate) name: DemoServer,
    /// The port for HTTP; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How long each of its tools pretends to work
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) latency: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let quoted = serde_json::Value::from(text);
    let parsed: Result<manyhands::HumanDuration, _> = serde_json::from_value(quoted);
    parsed.map(|it| it.0).map_err(|error| error.to_string())
}

fn demo_server(text: &str) -> Result<DemoServer, String> {
    let known = DemoServer::ALL.map(DemoServer::name).join(", ");
    text.parse()
        .map_err(|_| format!("there is no such demo server; there are {known}"))
}

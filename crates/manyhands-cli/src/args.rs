//! What can be typed.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are printed as help, where backticks would stand as they are"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use manyhands::{Query, ServerId};
use manyhands_config::clients::Client;
use manyhands_demo::DemoServer;

use crate::commands::export::Format;

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
    Tools {
        /// Prints definitions for a model API in place of the list: openai, anthropic, gemini, langchain or openapi
        #[arg(long, value_name = "FORMAT", value_parser = format)]
        export: Option<Format>,
    },
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
    /// Finds the tools that a task needs, by words and by meaning, and says why each was chosen
    Find(FindArgs),
    /// Says whether models are shown a tool, a prompt or a resource, and why not
    Explain {
        /// Its name, such as slack.search_messages or slack__search_messages, or a URI
        name: String,
        /// Says too how the tool fares with this query
        #[arg(long = "for", value_name = "QUERY")]
        query: Option<String>,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Lists the groups of tools that do the same: which is put forward, which stand in for it, and why
    Groups {
        /// Proposes groups of tools that look as if they did the same, to be put into the configuration by you
        #[arg(long)]
        propose: bool,
    },
    /// Probes every server, and what embeds tools, and says what is wrong and what to do about it
    Doctor {
        /// Tells of tools that say too little of themselves: no description, parameters without a type, look-alikes
        #[arg(long, conflicts_with = "watch")]
        lint: bool,
        /// Goes on until Ctrl-C, and tells how each server is doing as that changes; exits then as it would without
        #[arg(long)]
        watch: bool,
        /// How often it asks each server, and draws anew on a terminal, where the configuration does not say
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "2s", requires = "watch")]
        every: Duration,
    },
    /// Tells which tools are no longer what was approved, shows what changed, and approves it
    #[command(
        after_help = "Exit codes: 0 no tool has changed, 1 a change waits for approval, 2 usage or configuration, 3 a server \
                            could not be asked.\n\
                            Tools are pinned in mcp.lock.json beside mcp.json; `\"manyhands\": {\"pins\": \"block\"}` keeps back those \
                            that change."
    )]
    Pins {
        #[command(subcommand)]
        command: Option<PinsCommand>,
    },
    /// Serves all servers as one MCP server
    Serve {
        /// Over standard input and output, for MCP clients that start it as a command
        #[arg(long, required = true)]
        stdio: bool,
        /// Serves only what belongs to this profile of the configuration; may be given several times
        #[arg(long = "profile", value_name = "NAME")]
        profiles: Vec<String>,
        /// Serves five tools by which a model finds all others and calls them, for many servers and short prompts
        #[arg(long)]
        search: bool,
    },
    /// Adds a server to the configuration, and leaves everything else in the file as it is
    Add(AddArgs),
    /// Takes a server out of the configuration, and leaves everything else in the file as it is
    Remove {
        /// The server, as in the configuration
        name: String,
    },
    /// Lists the servers of the configuration, without starting any
    List,
    /// Takes over the servers that another MCP client knows
    Import(ImportArgs),
    /// Puts manyhands into another MCP client, as one server in its configuration
    Install(InstallArgs),
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
pub(crate) enum PinsCommand {
    /// Shows what changed; exits with 1 where something did
    Diff {
        /// Only these tools, such as slack.search_messages
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Approves tools as they are now, and shows what changed in them
    Approve {
        /// The tools, such as slack.search_messages
        #[arg(value_name = "NAME", required_unless_present = "all")]
        names: Vec<String>,
        /// Approves all tools that are changed or new
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Forgets what tools were, without starting a server; what is seen next under such a name is pinned
    Forget {
        /// The tools, such as slack.search_messages
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
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

#[derive(Debug, clap::Args)]
pub(crate) struct FindArgs {
    /// What is wanted, in plain words, such as: urgent messages of today
    #[arg(required = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// What is wanted next, as the next step of the task; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) then: Vec<String>,
    /// Only tools with this tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Only tools of this server; may be given several times
    #[arg(long = "server", value_name = "NAME", value_parser = server)]
    pub(crate) servers: Vec<ServerId>,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
}

/// How many tools are wanted, and of which kind of task.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Only what belongs to this profile of the configuration; may be given several times
    #[arg(long = "profile", value_name = "NAME")]
    pub(crate) profiles: Vec<String>,
    /// Takes this many tools at most [default: 20, or as many as fit into the tokens]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Takes as many tools as fit into this many tokens
    #[arg(long, value_name = "N")]
    pub(crate) within_tokens: Option<usize>,
}

impl Wanted {
    /// A query with these limits.
    pub(crate) fn limit(&self, mut query: Query) -> Query {
        if let Some(tools) = self.limit {
            query = query.with_limit(tools);
        }
        match self.within_tokens {
            Some(tokens) => query.with_tokens(tokens),
            None => query,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The name to call it by
    pub(crate) name: String,
    /// The program to start, with its arguments, behind `--`
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present_any = ["url", "server_json"],
        conflicts_with_all = ["url", "server_json"]
    )]
    pub(crate) command: Vec<String>,
    /// The address of a server that is there already
    #[arg(long, conflicts_with = "server_json")]
    pub(crate) url: Option<String>,
    /// Reads what the server's author says of it in a server.json of the MCP registry; - is standard input
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) server_json: Option<PathBuf>,
    /// Takes a package of the server.json rather than an address: npm, pypi, oci or nuget
    #[arg(long, value_name = "TYPE", num_args = 0..=1, default_missing_value = "", requires = "server_json")]
    pub(crate) package: Option<String>,
    /// The transport: stdio, http or sse [default: what the command or the address says]
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "server_json")]
    pub(crate) kind: Option<String>,
    /// An HTTP header to send; may be given several times
    #[arg(long = "header", value_name = "NAME=VALUE", requires = "url")]
    pub(crate) headers: Vec<String>,
    /// A variable for the program; may be given several times
    #[arg(long, value_name = "NAME=VALUE", conflicts_with_all = ["url", "server_json"])]
    pub(crate) env: Vec<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The client: claude-desktop, claude-code, cursor, vscode, codex, goose or zed
    #[arg(long, value_name = "CLIENT", value_parser = client)]
    pub(crate) from: Client,
    /// Reads this file in place of those that the client has here
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Shows what would change in the configuration, and changes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only these servers
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    /// The client: claude-desktop, claude-code, cursor, vscode or codex
    #[arg(long, value_name = "CLIENT", value_parser = client)]
    pub(crate) into: Client,
    /// Changes this file in place of the one that the client has for you
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Does not ask before the file is changed
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// How entries are written.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Writing {
    /// Replaces what is there under the same name
    #[arg(long)]
    pub(crate) force: bool,
    /// Writes secrets into the file as they are; without it, they go to the keyring, and the file refers to them
    #[arg(long)]
    pub(crate) plain: bool,
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
    /// Kills this server in the middle of its call, to show what remains and who stands in: slack, calendar, jira or salesforce
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

fn server(text: &str) -> Result<ServerId, String> {
    ServerId::parse(text).map_err(|error| error.to_string())
}

fn format(text: &str) -> Result<Format, String> {
    let known = Format::ALL.map(|(name, _)| name).join(", ");
    Format::named(text).ok_or_else(|| format!("there is no such format; there are {known}"))
}

fn client(text: &str) -> Result<Client, String> {
    let known = Client::ALL.map(Client::name).join(", ");
    Client::named(text).ok_or_else(|| format!("there is no such client; there are {known}"))
}

fn demo_server(text: &str) -> Result<DemoServer, String> {
    let known = DemoServer::ALL.map(DemoServer::name).join(", ");
    text.parse()
        .map_err(|_| format!("there is no such demo server; there are {known}"))
}

//! `auth`: logging in to servers, and out of them.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use manyhands::{
    AuthError, LoginAnswer, LoginPage, LoginPrompt, LoginStore, LoginSummary, OAuth, OAuthSettings,
    Place, Principal, ServerId, Toolkit,
};
use manyhands_config::Endpoint;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::time::timeout;

use crate::args::{AuthCommand, Options, Whose};
use crate::failure::Failure;
use crate::load::{self, Configuration};
use crate::{logins, output};

/// The longest line that is read from a terminal.
const MAX_LINE: u64 = 64 * 1024;
/// How long a server may take to say what it wants, before the login begins without.
const FIRST_WORD: Duration = Duration::from_secs(15);

pub(crate) async fn run(options: &Options, command: AuthCommand) -> Result<ExitCode, Failure> {
    match command {
        AuthCommand::Login { whose, no_browser } => login(options, &whose, no_browser).await,
        AuthCommand::Status { server } => status(options, server).await,
        AuthCommand::Logout { whose } => logout(options, &whose).await,
    }
}

async fn login(options: &Options, whose: &Whose, no_browser: bool) -> Result<ExitCode, Failure> {
    logins::store()?;
    let id = server_id(&whose.server)?;
    let kit = kit(options, &id).await?;
    let server = id.clone();
    let prompt = LoginPrompt::new(move |page| show(server.clone(), page, !no_browser));
    let result = match (&whose.account, &whose.principal) {
        (Some(account), _) => kit.account(&id, account)?.login(prompt).await,
        (None, Some(principal)) => {
            kit.for_principal(&Principal::new(principal))
                .login(&id, prompt)
                .await
        }
        (None, None) => kit.login(&id, prompt).await,
    };
    kit.close().await;
    result.map_err(|error| about(&id, &error))?;
    said(
        options,
        &format!("logged in to {id}"),
        &json!({"server": id.as_str(), "loggedIn": true}),
    );
    Ok(ExitCode::SUCCESS)
}

async fn logout(options: &Options, whose: &Whose) -> Result<ExitCode, Failure> {
    logins::store()?;
    let id = server_id(&whose.server)?;
    let kit = kit(options, &id).await?;
    let result = match (&whose.account, &whose.principal) {
        (Some(account), _) => kit.account(&id, account)?.logout().await,
        (None, Some(principal)) => {
            kit.for_principal(&Principal::new(principal))
                .logout(&id)
                .await
        }
        (None, None) => kit.logout(&id).await,
    };
    kit.close().await;
    let was = result.map_err(|error| about(&id, &error))?;
    let text = match was {
        true => format!("logged out of {id}"),
        false => format!("nobody was logged in to {id}"),
    };
    said(
        options,
        &text,
        &json!({"server": id.as_str(), "loggedIn": false, "wasLoggedIn": was}),
    );
    Ok(ExitCode::SUCCESS)
}

/// Brings a login page before whoever sits at the terminal.
async fn show(server: ServerId, page: LoginPage, browser: bool) -> LoginAnswer {
    let opened = browser && has_display() && open::that_detached(&page.url).is_ok();
    let how = if opened {
        "Your browser should show this page"
    } else {
        "Open this page in a browser"
    };
    output::complaint(&format!("{how} to log in to {server}:\n\n  {}\n", page.url));
    output::complaint(match page.redirect_awaited {
        true => {
            "Waiting for the browser to come back to this machine. From another machine, paste here the address that it ends at:"
        }
        false => "Then paste here the address that it ends at:",
    });
    let mut line = String::new();
    let mut input = BufReader::new(tokio::io::stdin()).take(MAX_LINE);
    loop {
        line.clear();
        match input.read_line(&mut line).await {
            Ok(read) if read > 0 && line.trim().is_empty() => {}
            Ok(read) if read > 0 => return LoginAnswer::Redirected(line.trim().into()),
            // Nobody types; the browser may come back all the same.
            _ => return LoginAnswer::Opened,
        }
    }
}

/// Whether a browser that was opened could be seen.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// One login that there is or could be.
struct Row {
    server: String,
    account: Option<String>,
    login: Option<LoginSummary>,
}

async fn status(options: &Options, only: Option<String>) -> Result<ExitCode, Failure> {
    let only = only.map(|name| server_id(&name)).transpose()?;
    let store = logins::store()?;
    let config: Configuration = load::configuration(options)?;
    let mut rows = rows(&config, &store).await?;
    if let Some(only) = &only {
        if !config.servers.iter().any(|it| it.id == *only) {
            return Err(Failure::usage(format!("no server is named {only}")));
        }
        rows.retain(|row| row.server == only.as_str());
    }
    if options.json {
        output::json(&json!({"logins": rows.iter().map(document).collect::<Vec<_>>()}));
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        output::line("no server takes a login");
    }
    let rows: Vec<_> = rows.iter().map(|row| (name(row), told(row))).collect();
    output::two_columns(&rows);
    Ok(ExitCode::SUCCESS)
}

/// The logins of the configured servers, then those of servers that are no longer there.
async fn rows(config: &Configuration, store: &LoginStore) -> Result<Vec<Row>, Failure> {
    let mut kept = store.summaries().await?;
    let mut rows = Vec::new();
    for server in &config.servers {
        let Ok(definition) = &server.definition else {
            continue;
        };
        let (Endpoint::Http(remote) | Endpoint::Sse(remote)) = &definition.endpoint else {
            continue;
        };
        let Ok(oauth) = OAuth::new(&remote.url, OAuthSettings::default(), store.clone()) else {
            continue;
        };
        let (own, others) = kept
            .into_iter()
            .partition(|it| it.resource == oauth.resource());
        kept = others;
        let own: Vec<LoginSummary> = own;
        let fixed = remote
            .headers
            .keys()
            .any(|it| it.eq_ignore_ascii_case("authorization"));
        if own.is_empty() && !fixed {
            rows.push(Row {
                server: server.id.to_string(),
                account: None,
                login: None,
            });
        }
        rows.extend(own.into_iter().map(|login| Row {
            server: server.id.to_string(),
            account: login.account.clone(),
            login: Some(login),
        }));
    }
    rows.extend(kept.into_iter().map(|login| Row {
        server: login.resource.clone(),
        account: login.account.clone(),
        login: Some(login),
    }));
    Ok(rows)
}

fn name(row: &Row) -> String {
    match &row.account {
        Some(account) => output::printable(&format!("{} ({account})", row.server)),
        None => output::printable(&row.server),
    }
}

/// How a login is doing, for people.
fn told(row: &Row) -> String {
    let Some(login) = row.login.as_ref().filter(|it| it.logged_in) else {
        return "not logged in".to_owned();
    };
    let left = login.expires_at.map(|end| end.checked_sub(now()));
    let state = match left {
        _ if login.refreshable => "logged in".to_owned(),
        None => "logged in".to_owned(),
        Some(None) => "expired".to_owned(),
        Some(Some(left)) => format!("logged in for another {}", span(left)),
    };
    let place = match login.place {
        Place::Keyring => "kept in the keyring",
        Place::File => "kept in a file",
        _ => "kept in memory",
    };
    let mut text = format!("{state}, {place}, by {}", output::printable(&login.issuer));
    if !login.scopes.is_empty() {
        text.push_str(&format!(
            ", for {}",
            output::printable(&login.scopes.join(" "))
        ));
    }
    text
}

fn document(row: &Row) -> Value {
    let login = row.login.as_ref();
    json!({
        "server": row.server,
        "account": row.account,
        "loggedIn": login.is_some_and(|it| it.logged_in),
        "issuer": login.map(|it| &it.issuer),
        "scopes": login.map(|it| &it.scopes),
        "expiresAt": login.and_then(|it| it.expires_at),
        "refreshable": login.map(|it| it.refreshable),
        "place": login.map(|it| it.place),
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// A time in its largest unit.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn server_id(name: &str) -> Result<ServerId, Failure> {
    ServerId::parse(name).map_err(|error| Failure::usage(format!("failed to {error}")))
}

/// A toolkit of one server, which has had its chance to say what it wants.
async fn kit(options: &Options, id: &ServerId) -> Result<Toolkit, Failure> {
    let builder = load::quiet_builder(options)?;
    let known: Vec<String> = builder.ids().map(ToString::to_string).collect();
    let kit = builder.only(id).start();
    if kit.report().server(id.as_str()).is_none() {
        let known = known.join(", ");
        return Err(Failure::usage(format!(
            "no server is named {id}; there are {known}"
        )));
    }
    let _ = timeout(options.wait.unwrap_or(FIRST_WORD), kit.all_started()).await;
    Ok(kit)
}

fn about(id: &ServerId, error: &AuthError) -> Failure {
    Failure::from(error.clone()).about(&format!("failed to use the login of {id}"))
}

fn said(options: &Options, text: &str, document: &Value) {
    match options.json {
        true => output::json(document),
        false => output::line(text),
    }
}

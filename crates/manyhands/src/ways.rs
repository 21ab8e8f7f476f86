//! From an entry of a configuration to the ways in which its server is reached: everybody's, and those of accounts and
//! principals.

mod replicas;

use std::path::Path;
use std::sync::Arc;

use manyhands_auth::OAuth;
use manyhands_config::{Endpoint, EntryError, HttpEndpoint, ServerDefinition, StdioEndpoint};
use manyhands_core::{
    AuthError, AuthErrorKind, Authorizer, Challenge, Credentials, LoginPrompt, Secret, ServerId,
};
use manyhands_toolkit::{Account, Member, Reach};
use manyhands_transport::{
    ConnectErrorKind, Connector, Fingerprint, HttpSettings, OpenError, StdioSettings,
};
use tokio::sync::OnceCell;

use crate::access::Access;
use crate::accounts::{AccountSection, OAuthSection};
use crate::section::ServerSection;
use crate::wanted::{Unread, Wanted};

const UNKNOWN: &str = "its kind of transport is not known here";

type Definition = ServerDefinition<ServerSection>;

/// Whose way it is.
#[derive(Debug, Clone)]
enum Who {
    Everybody,
    Account(String),
    Principal(String),
}

/// A server that is reached as its definition says.
pub(crate) fn member(
    id: ServerId,
    definition: Definition,
    access: &Access,
) -> Result<Member, EntryError> {
    if !is_known(&definition) {
        return Ok(Member::broken(id, UNKNOWN, None));
    }
    if let Some((cause, mend)) = replicas::obstacle(&definition) {
        return Ok(Member::broken(id, cause, Some(mend.to_owned())));
    }
    let section = definition.settings.clone();
    let ways = Arc::new(Ways::new(id.clone(), definition, access)?);
    let mut member = Member::new(id, ways.reach(&Who::Everybody)).with_settings(section.toolkit);
    for (name, account) in section.accounts {
        let reach = ways.reach(&Who::Account(name.clone()));
        let account = Account::new(name, reach)
            .for_principals(account.principals)
            .for_roles(account.roles);
        member = member.with_account(account);
    }
    if section.per_principal {
        let ways = ways.clone();
        member = member
            .per_principal(move |principal| ways.reach(&Who::Principal(principal.id().to_owned())));
    }
    Ok(member)
}

/// All ways to one server.
struct Ways {
    id: ServerId,
    definition: Definition,
    /// What has to be read before the definition is whole.
    wanted: Option<Wanted<Definition>>,
    access: Access,
}

impl Ways {
    fn new(id: ServerId, definition: Definition, access: &Access) -> Result<Self, EntryError> {
        let wanted = definition.deferred.clone();
        let wanted = wanted
            .map(|deferred| Wanted::new(deferred, access))
            .transpose()?;
        Ok(Self {
            id,
            definition,
            wanted,
            access: access.clone(),
        })
    }

    fn reach(self: &Arc<Self>, who: &Who) -> Reach {
        let places = replicas::places(&self.definition);
        let logins = (0..places).map(|place| self.credentials(who, place));
        let logins: Vec<_> = logins.collect();
        let connector = |place: usize| {
            let login = logins.get(place).cloned().flatten();
            self.connector(who.clone(), place, login)
        };
        let reach = Reach::new(connector(0));
        let reach = (1..places).map(connector).fold(reach, Reach::with_replica);
        match replicas::everywhere(logins) {
            Some(credentials) => reach.with_credentials(credentials),
            None => reach,
        }
    }

    /// Reaches the server at one of its places at once, or with secrets that are read anew for every connection.
    fn connector(
        self: &Arc<Self>,
        who: Who,
        place: usize,
        credentials: Option<Credentials>,
    ) -> Connector {
        if self.wanted.is_none()
            && let Ok(definition) = replicas::at(self.definition.clone(), place)
            && let Some(connector) = connector(definition, &who, credentials.clone())
        {
            return connector;
        }
        let ways = self.clone();
        let fingerprint = self.fingerprint(&who);
        let prepared = Connector::prepared(move || {
            let (ways, who, credentials) = (ways.clone(), who.clone(), credentials.clone());
            async move {
                let definition = ways.whole(place).await.map_err(Unread::open_error)?;
                connector(definition, &who, credentials).ok_or_else(unknown)
            }
        });
        match fingerprint {
            Some(fingerprint) => prepared.with_fingerprint(fingerprint),
            None => prepared,
        }
    }

    /// Tells the server by its entry as it is written, with the names of secrets and not with what they hold.
    fn fingerprint(&self, who: &Who) -> Option<Fingerprint> {
        connector(self.definition.clone(), who, None)?.fingerprint()
    }

    /// What gives the header `Authorization`, where nothing else does.
    fn credentials(self: &Arc<Self>, who: &Who, place: usize) -> Option<Credentials> {
        let (Endpoint::Http(remote) | Endpoint::Sse(remote)) = &self.definition.endpoint else {
            return None;
        };
        let account = account(&self.definition.settings, who);
        let own = account.into_iter().flat_map(|it| it.headers.keys());
        let says = |name: &String| name.eq_ignore_ascii_case("authorization");
        let configured = !logs_in_alone(account, who) && remote.headers.keys().any(says);
        if configured
            || own.clone().any(says)
            || oauth_section(&self.definition.settings, who)
                .settings(Vec::new())
                .is_none()
        {
            return None;
        }
        Some(Credentials::new(Login {
            ways: self.clone(),
            who: who.clone(),
            place,
            oauth: OnceCell::new(),
        }))
    }

    /// The definition at one of the server's places, with its secrets, read anew.
    async fn whole(&self, place: usize) -> Result<Definition, Unread> {
        let definition = match &self.wanted {
            None => self.definition.clone(),
            Some(wanted) => wanted.read(&self.access).await?,
        };
        replicas::at(definition, place).map_err(Unread::Replica)
    }

    async fn oauth(&self, who: &Who, place: usize) -> Result<OAuth, AuthError> {
        let definition = self.whole(place).await.map_err(Unread::auth_error)?;
        let (Endpoint::Http(remote) | Endpoint::Sse(remote)) = &definition.endpoint else {
            return Err(AuthError::new(AuthErrorKind::Misconfigured, UNKNOWN));
        };
        let section = &definition.settings;
        let ca = section.authorities(&definition.folder);
        let settings = oauth_section(section, who).settings(ca).unwrap_or_default();
        let (account, option) = match who {
            Who::Everybody => (None, String::new()),
            Who::Account(name) => (
                Some(format!("account:{name}")),
                format!(" --account {name}"),
            ),
            Who::Principal(id) => (
                Some(format!("principal:{id}")),
                format!(" --principal {id}"),
            ),
        };
        let mend = match self.access.logins.outlives_process() {
            true => format!("run `manyhands auth login {}{option}`", self.id),
            false => format!("log in with `Toolkit::login(\"{}\")`", self.id),
        };
        let settings = settings.with_account(account).with_mend(mend);
        OAuth::new(&remote.url, settings, self.access.logins.clone())
    }
}

/// A login whose settings may hold secrets, so that it is set up when it is first used.
struct Login {
    ways: Arc<Ways>,
    who: Who,
    place: usize,
    oauth: OnceCell<OAuth>,
}

impl Login {
    async fn oauth(&self) -> Result<&OAuth, AuthError> {
        self.oauth
            .get_or_try_init(|| self.ways.oauth(&self.who, self.place))
            .await
    }
}

impl Authorizer for Login {
    async fn authorization(&self) -> Result<Option<Secret>, AuthError> {
        self.oauth().await?.authorization().await
    }

    async fn refused(&self, challenge: Challenge) -> Result<(), AuthError> {
        self.oauth().await?.refused(challenge).await
    }

    async fn login(&self, prompt: LoginPrompt) -> Result<(), AuthError> {
        self.oauth().await?.login(prompt).await
    }

    async fn logout(&self) -> Result<bool, AuthError> {
        self.oauth().await?.logout().await
    }
}

fn is_known(definition: &Definition) -> bool {
    matches!(
        definition.endpoint,
        Endpoint::Stdio(_) | Endpoint::Http(_) | Endpoint::Sse(_) | Endpoint::Unix(_)
    )
}

fn unknown() -> OpenError {
    OpenError::new(ConnectErrorKind::Settings, UNKNOWN)
}

fn account<'s>(section: &'s ServerSection, who: &Who) -> Option<&'s AccountSection> {
    match who {
        Who::Account(name) => section.accounts.get(name),
        _ => None,
    }
}

/// Whether everybody's header `Authorization` is not for this one: who has a login of their own must never come as
/// somebody else.
fn logs_in_alone(account: Option<&AccountSection>, who: &Who) -> bool {
    match who {
        Who::Everybody => false,
        Who::Account(_) => {
            let own = account.and_then(|it| it.oauth.as_ref());
            own.is_some_and(|it| it.settings(Vec::new()).is_some())
        }
        Who::Principal(_) => true,
    }
}

fn oauth_section<'s>(section: &'s ServerSection, who: &Who) -> &'s OAuthSection {
    let own = account(section, who).and_then(|it| it.oauth.as_ref());
    own.unwrap_or(&section.oauth)
}

fn connector(
    definition: Definition,
    who: &Who,
    credentials: Option<Credentials>,
) -> Option<Connector> {
    let ServerDefinition {
        endpoint,
        settings: section,
        folder,
        ..
    } = definition;
    let account = account(&section, who).cloned().unwrap_or_default();
    match endpoint {
        Endpoint::Stdio(child) => Some(Connector::stdio(stdio(child, section, account))),
        Endpoint::Http(remote) => {
            let settings = http(remote, section, &folder, account, who);
            Some(Connector::http(with(settings, credentials)))
        }
        Endpoint::Sse(remote) => {
            let settings = http(remote, section, &folder, account, who);
            Some(Connector::sse(with(settings, credentials)))
        }
        Endpoint::Unix(socket) => Some(Connector::unix(socket.path)),
        _ => None,
    }
}

fn stdio(child: StdioEndpoint, section: ServerSection, account: AccountSection) -> StdioSettings {
    let mut settings = StdioSettings::new(child.command).with_args(child.args);
    let env = child
        .env
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)));
    settings.env = env.chain(account.env).collect();
    settings.inherit_env = section.inherit_env;
    settings.cwd = child.cwd;
    settings
}

fn http(
    remote: HttpEndpoint,
    section: ServerSection,
    folder: &Path,
    account: AccountSection,
    who: &Who,
) -> HttpSettings {
    let mut settings = HttpSettings::new(remote.url);
    let alone = logs_in_alone(Some(&account), who);
    let shared = remote
        .headers
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)));
    settings.headers = shared.collect();
    // Header names are the same however they are written.
    settings.headers.retain(|name, _| {
        let replaced = account
            .headers
            .keys()
            .any(|own| own.eq_ignore_ascii_case(name));
        let everybodys = alone && name.eq_ignore_ascii_case("authorization");
        !replaced && !everybodys
    });
    settings.headers.extend(account.headers);
    settings.unix_socket = remote.unix_socket;
    section.apply(folder, &mut settings);
    settings
}

fn with(settings: HttpSettings, credentials: Option<Credentials>) -> HttpSettings {
    match credentials {
        Some(credentials) => settings.with_credentials(credentials),
        None => settings,
    }
}

#[cfg(test)]
mod tests;

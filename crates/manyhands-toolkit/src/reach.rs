//! How a server is reached, with which credentials, and for whom.

use std::fmt;
use std::sync::Arc;

use manyhands_core::{Credentials, Principal};
use manyhands_transport::Connector;

/// How a server is reached, and what stands behind its credentials.
#[derive(Debug, Clone)]
pub struct Reach {
    pub(crate) connector: Connector,
    /// The other places where the same server is.
    replicas: Vec<Connector>,
    pub(crate) credentials: Option<Credentials>,
}

impl Reach {
    /// Reaches a server by `connector`, which needs no login.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        Self {
            connector,
            replicas: Vec::new(),
            credentials: None,
        }
    }

    /// Names a further place where the same server is, and that takes a share of its calls. What it offers is taken to be
    /// the same, and so are the state that it keeps and the credentials that it wants.
    #[must_use]
    pub fn with_replica(mut self, connector: Connector) -> Self {
        self.replicas.push(connector);
        self
    }

    /// All places where the server is, each as often as it is started there.
    pub(crate) fn connectors(&self, instances: usize) -> impl Iterator<Item = &Connector> {
        let places = std::iter::once(&self.connector).chain(&self.replicas);
        places.flat_map(move |place| std::iter::repeat_n(place, instances.max(1)))
    }

    /// Names the credentials that the connector uses, so that a person can be asked to log in.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }
}

impl From<Connector> for Reach {
    fn from(connector: Connector) -> Self {
        Self::new(connector)
    }
}

/// Credentials of their own for some principals of a server: a service account.
#[derive(Debug, Clone)]
pub struct Account {
    name: String,
    principals: Vec<String>,
    roles: Vec<String>,
    reach: Reach,
}

impl Account {
    /// An account that is reached by `reach`, and that nobody uses yet.
    pub fn new(name: impl Into<String>, reach: impl Into<Reach>) -> Self {
        Self {
            name: name.into(),
            principals: Vec::new(),
            roles: Vec::new(),
            reach: reach.into(),
        }
    }

    /// Has these principals use it.
    #[must_use]
    pub fn for_principals(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.principals.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Has everybody use it who has one of these roles.
    #[must_use]
    pub fn for_roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }
}

type OfPrincipal = Arc<dyn Fn(&Principal) -> Reach + Send + Sync>;

/// Under which authorization a server is used. Connections, sessions and what a server offers are never shared between
/// two of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Authorization {
    /// Everybody's.
    Shared,
    /// That of an account.
    Account(String),
    /// That of one principal.
    Principal(String),
}

/// All ways in which one server is reached.
#[derive(Clone)]
pub(crate) struct Ways {
    shared: Reach,
    accounts: Vec<Account>,
    of_principal: Option<OfPrincipal>,
}

impl Ways {
    pub(crate) fn new(shared: Reach) -> Self {
        Self {
            shared,
            accounts: Vec::new(),
            of_principal: None,
        }
    }

    pub(crate) fn add(&mut self, account: Account) {
        self.accounts.push(account);
    }

    pub(crate) fn per_principal(&mut self, reach: OfPrincipal) {
        self.of_principal = Some(reach);
    }

    /// Under which authorization a principal uses the server: by name before by role, before a login of its own.
    pub(crate) fn authorization(&self, principal: Option<&Principal>) -> Authorization {
        let Some(principal) = principal else {
            return Authorization::Shared;
        };
        let named = |it: &&Account| it.principals.iter().any(|id| id == principal.id());
        let in_role = |it: &&Account| it.roles.iter().any(|role| principal.roles().contains(role));
        let mut accounts = self.accounts.iter();
        if let Some(account) = accounts
            .clone()
            .find(named)
            .or_else(|| accounts.find(in_role))
        {
            return Authorization::Account(account.name.clone());
        }
        match self.of_principal {
            Some(_) => Authorization::Principal(principal.id().to_owned()),
            None => Authorization::Shared,
        }
    }

    /// Whether all principals come the same way.
    pub(crate) fn are_everybodys(&self) -> bool {
        self.accounts.is_empty() && self.of_principal.is_none()
    }

    pub(crate) fn account(&self, name: &str) -> Option<Reach> {
        let account = self.accounts.iter().find(|it| it.name == name);
        account.map(|it| it.reach.clone())
    }

    pub(crate) fn reach(&self, authorization: &Authorization) -> Reach {
        let own = match authorization {
            Authorization::Shared => None,
            Authorization::Account(name) => self.account(name),
            Authorization::Principal(id) => {
                let reach = self.of_principal.as_ref();
                reach.map(|reach| reach(&Principal::new(id.clone())))
            }
        };
        own.unwrap_or_else(|| self.shared.clone())
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways")
            .field("shared", &self.shared)
            .field("accounts", &self.accounts)
            .field("per_principal", &self.of_principal.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_before_a_role_and_a_role_before_a_login_of_ones_own() {
        let reach = || Reach::new(Connector::unix("/s"));
        let mut ways = Ways::new(reach());
        ways.add(Account::new("support", reach()).for_roles(["support"]));
        ways.add(Account::new("boss", reach()).for_principals(["ada"]));
        let of = |ways: &Ways, principal: &Principal| ways.authorization(Some(principal));
        let (ada, bob) = (Principal::new("ada"), Principal::new("bob"));
        let supporting = ada.clone().with_roles(["support"]);
        assert_eq!(ways.authorization(None), Authorization::Shared);
        assert_eq!(
            of(&ways, &supporting),
            Authorization::Account("boss".to_owned())
        );
        assert_eq!(of(&ways, &bob), Authorization::Shared);
        ways.per_principal(Arc::new(move |_| reach()));
        assert_eq!(of(&ways, &bob), Authorization::Principal("bob".to_owned()));
        let bob = bob.with_roles(["other", "support"]);
        assert_eq!(
            of(&ways, &bob),
            Authorization::Account("support".to_owned())
        );
    }
}

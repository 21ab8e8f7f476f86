//! On whose behalf a call is made.

use std::fmt;
use std::sync::Arc;

/// A person or program on whose behalf calls are made, and the roles it has. Cheap to clone.
///
/// Whoever embeds Manyhands has established who it is; nothing is checked here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal(Arc<Inner>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Inner {
    id: String,
    roles: Vec<String>,
}

impl Principal {
    /// The principal known as `id`, without roles.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self(Arc::new(Inner {
            id,
            roles: Vec::new(),
        }))
    }

    /// Gives it these roles.
    #[must_use]
    pub fn with_roles(self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Arc::new(Inner {
            id: self.0.id.clone(),
            roles: roles.into_iter().map(Into::into).collect(),
        }))
    }

    /// What it is known as.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Its roles.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.0.roles
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.id)
    }
}

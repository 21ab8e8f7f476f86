//! A server that is at several URLs: where each replica is, and one login for all of them. It must not know who asks.

use std::sync::Arc;

use manyhands_config::Endpoint;
use manyhands_core::{
    AuthError, AuthErrorKind, Authorizer, Challenge, Credentials, LoginPrompt, Secret,
};
use manyhands_toolkit::MAX_REPLICAS;

use super::Definition;

/// What begins a reference to a secret, of which nothing can be said before it is read.
const SECRET: &str = "${secret:";

/// How many places a server is at.
pub(super) fn places(definition: &Definition) -> usize {
    1 + definition.settings.replicas.len()
}

/// The definition of the server as it is at one of its places, from 0; or what is wrong there.
pub(super) fn at(mut definition: Definition, place: usize) -> Result<Definition, String> {
    if let Some(further) = place.checked_sub(1)
        && let Some(url) = definition.settings.replicas.get(further)
    {
        let there = definition.endpoint.at(url.expose());
        definition.endpoint = there.map_err(|what| format!("replicas[{further}]: {what}"))?;
    }
    Ok(definition)
}

/// What keeps a server from being there several times, and what to do about it.
pub(super) fn obstacle(definition: &Definition) -> Option<(String, &'static str)> {
    let (settings, places) = (&definition.settings, places(definition));
    let is_child = matches!(definition.endpoint, Endpoint::Stdio(_));
    if places > MAX_REPLICAS {
        let cause = format!("it is at {places} URLs, and {MAX_REPLICAS} is the most");
        return Some((cause, "remove some of `replicas`"));
    }
    if is_child && places > 1 {
        let cause = "`replicas` are URLs, and it has a command".to_owned();
        return Some((cause, "say by `instances` how often it is started"));
    }
    if !is_child && settings.toolkit.instances > 1 {
        let cause = "`instances` is for a command, and it has a URL".to_owned();
        return Some((cause, "list the URLs of the others in `replicas`"));
    }
    let urls = settings.replicas.iter().zip(1..);
    let mut closed = urls.filter(|(url, _)| !url.expose().contains(SECRET));
    let wrong = closed.find_map(|(_, place)| at(definition.clone(), place).err());
    wrong.map(|cause| (cause, "write it in full, as the server's own URL"))
}

/// The logins at all places of a server. What one place gave is never shown to another.
pub(super) fn everywhere(
    all: impl IntoIterator<Item = Option<Credentials>>,
) -> Option<Credentials> {
    let all: Arc<[Credentials]> = all.into_iter().flatten().collect();
    match &*all {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(Credentials::new(Everywhere(all))),
    }
}

struct Everywhere(Arc<[Credentials]>);

impl Everywhere {
    fn none() -> AuthError {
        let cause = "each of its replicas has a login of its own";
        AuthError::new(AuthErrorKind::Misconfigured, cause)
    }
}

impl Authorizer for Everywhere {
    /// Tells by another value that somebody has logged in somewhere; it is good for no place.
    async fn authorization(&self) -> Result<Option<Secret>, AuthError> {
        let (mut known, mut refused) = (String::new(), None);
        for (place, credentials) in self.0.iter().enumerate() {
            match credentials.authorization().await {
                Ok(Some(secret)) => known += &format!("{place} {}\n", secret.expose()),
                Ok(None) => {}
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if known.is_empty() => Err(error),
            _ => Ok((!known.is_empty()).then(|| Secret::new(known))),
        }
    }

    async fn refused(&self, _: Challenge) -> Result<(), AuthError> {
        Err(Self::none())
    }

    async fn login(&self, prompt: LoginPrompt) -> Result<(), AuthError> {
        let mut missing = Vec::new();
        for credentials in &*self.0 {
            if !matches!(credentials.authorization().await, Ok(Some(_))) {
                missing.push(credentials);
            }
        }
        if missing.is_empty() {
            missing.extend(&*self.0);
        }
        for credentials in missing {
            credentials.login(prompt.clone()).await?;
        }
        Ok(())
    }

    async fn logout(&self) -> Result<bool, AuthError> {
        let mut any = false;
        for credentials in &*self.0 {
            any |= credentials.logout().await?;
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use manyhands_core::{LoginAnswer, LoginPage};

    /// A login that a prompt gives.
    struct Login(&'static str, Mutex<Option<Secret>>);

    impl Authorizer for Login {
        async fn authorization(&self) -> Result<Option<Secret>, AuthError> {
            Ok(self.1.lock().unwrap().clone())
        }

        async fn refused(&self, _: Challenge) -> Result<(), AuthError> {
            Ok(())
        }

        async fn login(&self, prompt: LoginPrompt) -> Result<(), AuthError> {
            prompt.show(LoginPage::new(self.0, false)).await;
            *self.1.lock().unwrap() = Some(Secret::new(self.0));
            Ok(())
        }

        async fn logout(&self) -> Result<bool, AuthError> {
            Ok(self.1.lock().unwrap().take().is_some())
        }
    }

    #[tokio::test]
    async fn a_login_is_made_where_it_is_missing_and_ended_everywhere() {
        let login = |url| Some(Credentials::new(Login(url, Mutex::default())));
        let (a, b) = (login("a"), login("b"));
        assert!(everywhere([None, None]).is_none());
        let all = everywhere([a.clone(), None, b.clone()]).unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let pages = shown.clone();
        let prompt = LoginPrompt::new(move |page| {
            pages.lock().unwrap().push(page.url);
            std::future::ready(LoginAnswer::Opened)
        });
        b.clone().unwrap().login(prompt.clone()).await.unwrap();
        let before = all.authorization().await.unwrap();
        all.login(prompt.clone()).await.unwrap();
        assert_eq!(*shown.lock().unwrap(), ["b", "a"]);
        assert_ne!(all.authorization().await.unwrap(), before);
        all.login(prompt).await.unwrap();
        assert_eq!(*shown.lock().unwrap(), ["b", "a", "a", "b"]);
        assert!(all.logout().await.unwrap() && !all.logout().await.unwrap());
        assert_eq!(all.authorization().await.unwrap(), None);
    }
}

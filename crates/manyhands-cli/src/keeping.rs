//! Secrets on their way from an entry into the keyring.

use manyhands::{Secret, SecretError};
use manyhands_auth::secrets::Keyring;
use manyhands_config::TakenSecret;

use crate::output;

/// What keeps secrets.
pub(crate) trait Safe {
    async fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, SecretError>;
    async fn set(&self, service: &str, account: &str, value: &Secret) -> Result<(), SecretError>;
    async fn delete(&self, service: &str, account: &str) -> Result<bool, SecretError>;
}

impl Safe for Keyring {
    async fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, SecretError> {
        Self::get(self, service, account).await
    }

    async fn set(&self, service: &str, account: &str, value: &Secret) -> Result<(), SecretError> {
        Self::set(self, service, account, value).await
    }

    async fn delete(&self, service: &str, account: &str) -> Result<bool, SecretError> {
        Self::delete(self, service, account).await
    }
}

/// Secrets that were kept, and can be given up again when the file that refers to them cannot be written.
pub(crate) struct Kept<'a, S> {
    safe: &'a S,
    /// Each secret with what was there before it.
    done: Vec<(String, String, Option<Secret>)>,
}

impl<'a, S: Safe> Kept<'a, S> {
    pub(crate) fn new(safe: &'a S) -> Self {
        Self {
            safe,
            done: Vec::new(),
        }
    }

    /// Keeps all of `secrets`, or none. What is there already gives way only when `force` says so.
    pub(crate) async fn keep(
        &mut self,
        secrets: &[TakenSecret],
        force: bool,
    ) -> Result<(), String> {
        let already = self.done.len();
        for secret in secrets {
            if let Err(failure) = self.keep_one(secret, force).await {
                self.give_up(already).await;
                return Err(failure);
            }
        }
        Ok(())
    }

    async fn keep_one(&mut self, secret: &TakenSecret, force: bool) -> Result<(), String> {
        let TakenSecret {
            service,
            account,
            value,
            ..
        } = secret;
        let refused = |error: &SecretError| unkept(secret, error);
        let before = self
            .safe
            .get(service, account)
            .await
            .map_err(|it| refused(&it))?;
        match &before {
            Some(before) if before.expose() == value.expose() => return Ok(()),
            Some(_) if !force => {
                return Err(format!(
                    "the keyring has another secret as {service}/{account}, where {} would go; replace it with `--force`",
                    output::printable(&secret.path)
                ));
            }
            _ => {}
        }
        self.safe
            .set(service, account, value)
            .await
            .map_err(|it| refused(&it))?;
        self.done.push((service.clone(), account.clone(), before));
        Ok(())
    }

    /// Puts back what was there before, from the `from`th secret on.
    pub(crate) async fn give_up(&mut self, from: usize) {
        for (service, account, before) in self.done.drain(from.min(self.done.len())..).rev() {
            let undone = match before {
                Some(before) => self.safe.set(&service, &account, &before).await,
                None => self.safe.delete(&service, &account).await.map(|_| ()),
            };
            if undone.is_err() {
                output::note(&format!(
                    "{service}/{account} stays in the keyring, where nothing refers to it"
                ));
            }
        }
    }
}

/// Says why a secret could not be kept, and what else can be done with it.
fn unkept(secret: &TakenSecret, error: &SecretError) -> String {
    format!(
        "{} cannot go to the keyring: {}; write a reference in its place, such as '${{NAME}}' for a variable of yours, or have \
         it in the file as it is with `--plain`",
        output::printable(&secret.path),
        error.cause()
    )
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use manyhands_config::take_secrets;
    use serde_json::json;

    use super::*;

    /// A keyring for one test.
    #[derive(Default)]
    struct Pocket(RefCell<BTreeMap<String, String>>);

    impl Safe for Pocket {
        async fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, SecretError> {
            let kept = self.0.borrow();
            Ok(kept.get(&format!("{service}/{account}")).map(Secret::new))
        }

        async fn set(
            &self,
            service: &str,
            account: &str,
            value: &Secret,
        ) -> Result<(), SecretError> {
            let value = value.expose().to_owned();
            self.0
                .borrow_mut()
                .insert(format!("{service}/{account}"), value);
            Ok(())
        }

        async fn delete(&self, service: &str, account: &str) -> Result<bool, SecretError> {
            let mut kept = self.0.borrow_mut();
            Ok(kept.remove(&format!("{service}/{account}")).is_some())
        }
    }

    fn secrets() -> Vec<TakenSecret> {
        let mut entry = json!({"command": "x", "env": {"A_TOKEN": "8Xq1Z0r7Tk2Lw9", "B_TOKEN": "9Xq1Z0r7Tk2Lw8"}});
        let id = manyhands::ServerId::parse("crm").unwrap();
        take_secrets(&id, &mut entry).taken
    }

    #[tokio::test]
    async fn secrets_are_kept_and_given_up_again() {
        let pocket = Pocket::default();
        let mut kept = Kept::new(&pocket);
        kept.keep(&secrets(), false).await.unwrap();
        assert_eq!(pocket.0.borrow()["crm/A_TOKEN"], "8Xq1Z0r7Tk2Lw9");
        assert_eq!(pocket.0.borrow()["crm/B_TOKEN"], "9Xq1Z0r7Tk2Lw8");
        // What is there already is neither refused nor given up.
        let mut again = Kept::new(&pocket);
        again.keep(&secrets(), false).await.unwrap();
        again.give_up(0).await;
        assert_eq!(pocket.0.borrow().len(), 2);
        kept.give_up(0).await;
        assert_eq!(pocket.0.borrow().len(), 0);
    }

    #[tokio::test]
    async fn another_secret_of_that_name_gives_way_to_force_only() {
        let pocket = Pocket::default();
        let other = Secret::new("other");
        pocket.set("crm", "B_TOKEN", &other).await.unwrap();
        let mut kept = Kept::new(&pocket);
        let failure = kept.keep(&secrets(), false).await.unwrap_err();
        assert!(
            format!("{failure:?}").contains("another secret as crm/B_TOKEN"),
            "{failure:?}"
        );
        assert_eq!(pocket.0.borrow().len(), 1, "the first was not given up");
        kept.keep(&secrets(), true).await.unwrap();
        kept.give_up(0).await;
        assert_eq!(pocket.0.borrow()["crm/B_TOKEN"], "other");
        assert_eq!(pocket.0.borrow().len(), 1);
    }
}

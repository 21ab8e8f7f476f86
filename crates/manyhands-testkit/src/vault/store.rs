//! Secrets in their versions, the tokens that open them, and those who may log in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::oauth::kept::{Kept, random};

/// How many versions of a secret are kept, which is Vault's own default.
const KEPT_VERSIONS: usize = 10;

/// One version of a secret.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) number: usize,
    /// None once it is deleted.
    pub(super) data: Option<Value>,
    pub(super) destroyed: bool,
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub(super) struct Token {
    ends: Option<Instant>,
    refused: bool,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    secrets: Kept<Vec<Version>>,
    tokens: Kept<Token>,
    pub(super) app_roles: BTreeMap<String, String>,
    pub(super) kubernetes_roles: BTreeMap<String, String>,
}

impl Store {
    pub(super) fn put(&mut self, path: &str, data: &Value) -> usize {
        let mut versions = self.secrets.get(path).cloned().unwrap_or_default();
        let number = versions.last().map_or(1, |newest| newest.number + 1);
        versions.push(Version {
            number,
            data: Some(data.clone()),
            destroyed: false,
        });
        if versions.len() > KEPT_VERSIONS {
            versions.remove(0);
        }
        self.secrets.insert(path, versions);
        number
    }

    /// A version of a secret, the newest where no number is given.
    pub(super) fn get(&self, path: &str, number: Option<usize>) -> Option<&Version> {
        let versions = self.secrets.get(path)?;
        match number {
            None => versions.last(),
            Some(number) => versions.iter().find(|version| version.number == number),
        }
    }

    pub(super) fn delete(&mut self, path: &str, destroyed: bool) {
        let newest = self.secrets.get_mut(path).and_then(|it| it.last_mut());
        if let Some(newest) = newest {
            newest.data = None;
            newest.destroyed = destroyed;
        }
    }

    /// Issues a token that lives so many seconds, or for ever.
    pub(super) fn issue(&mut self, lives: Option<u64>) -> String {
        let name = random("hvs");
        let token = Token {
            ends: end(lives),
            refused: false,
        };
        self.tokens.insert(&name, token);
        name
    }

    /// How many seconds a token still lives, with none for one that has no end; nothing where it is
    /// refused.
    pub(super) fn life(&self, name: &str) -> Option<Option<u64>> {
        let token = self.tokens.get(name).filter(|token| !token.refused)?;
        let now = Instant::now();
        match token.ends {
            Some(ends) if ends <= now => None,
            Some(ends) => Some(Some(ends.duration_since(now).as_secs())),
            None => Some(None),
        }
    }

    /// Lets a token live so many seconds from now.
    pub(super) fn renew(&mut self, name: &str, lives: u64) {
        if let Some(token) = self.tokens.get_mut(name) {
            token.ends = end(Some(lives));
        }
    }

    pub(super) fn expire_tokens(&mut self) {
        self.tokens.each(|token| token.refused = true);
    }
}

/// When a life of so many seconds ends; a life beyond what the clock can tell has no end.
fn end(lives: Option<u64>) -> Option<Instant> {
    lives.and_then(|it| Instant::now().checked_add(Duration::from_secs(it)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ten_versions_are_kept() {
        let mut store = Store::default();
        for n in 1..=11 {
            assert_eq!(store.put("a", &json!(n)), n);
        }
        let data = |number| store.get("a", number).and_then(|it| it.data.clone());
        assert_eq!(data(None), Some(json!(11)));
        assert_eq!((data(Some(1)), data(Some(2))), (None, Some(json!(2))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_lives_as_long_as_it_was_given_or_renewed() {
        let mut store = Store::default();
        let (short, root) = (store.issue(Some(10)), store.issue(None));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(store.life(&short), Some(Some(1)));
        store.renew(&short, 10);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(store.life(&short), Some(Some(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((store.life(&short), store.life(&root)), (None, Some(None)));
    }
}

//! Tokens that somebody else signed to say who we are: a platform for its workloads, an identity provider for a person.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use manyhands_core::{AuthError, AuthErrorKind, Secret};
use serde::Deserialize;

use super::failure::shown;

type Asked = BoxFuture<'static, Result<Secret, AuthError>>;

/// Gives a signed token that says who we are, whenever one is needed. Cheap to clone.
#[derive(Clone)]
pub struct Assertions(Arc<dyn Fn() -> Asked + Send + Sync>);

impl Assertions {
    /// Has `give` get a token that is good now, such as from a file that a platform keeps fresh.
    pub fn new<F, Fut>(give: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, AuthError>> + Send + 'static,
    {
        Self(Arc::new(move || give().boxed()))
    }

    pub(super) async fn next(&self) -> Result<Secret, AuthError> {
        (self.0)().await
    }
}

impl fmt::Debug for Assertions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertions")
    }
}

/// Whom a token is for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
}

/// Refuses to send an assertion to anybody but those that it is addressed to: they could use it there in our name, and a
/// server names whatever authorization server it likes.
pub(super) fn addressed(assertion: &Secret, issuer: &str) -> Result<(), AuthError> {
    let misfit = |cause: String| {
        let error = AuthError::new(AuthErrorKind::Misconfigured, cause);
        Err(error.with_mend("have it issued for the authorization server of this server"))
    };
    let Some(claims) = claims(assertion) else {
        return misfit(
            "what says who we are is no signed token that names its audience".to_owned(),
        );
    };
    let same = |it: &String| it.trim_end_matches('/') == issuer.trim_end_matches('/');
    let fits = match &claims.aud {
        Audience::One(one) => same(one),
        Audience::Several(several) => several.iter().any(same),
    };
    match fits {
        true => Ok(()),
        false => misfit(format!(
            "what says who we are is not addressed to its authorization server {}",
            shown(issuer)
        )),
    }
}

/// What a JWT claims. Its signature is for others to check.
fn claims(assertion: &Secret) -> Option<Claims> {
    let payload = assertion.expose().split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(claims: &str, issuer: &str) -> bool {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
        addressed(&Secret::new(format!("e30.{payload}.c2ln")), issuer).is_ok()
    }

    #[test]
    fn an_assertion_is_for_its_audience_alone() {
        for (claims, fit) in [
            (r#"{"aud": "https://login.example"}"#, true),
            (r#"{"aud": "https://login.example/"}"#, true),
            (
                r#"{"aud": ["https://a.example", "https://login.example"]}"#,
                true,
            ),
            (r#"{"aud": "https://login.example.evil"}"#, false),
            (r#"{"aud": "https://login.example/tenant"}"#, false),
            (r#"{"aud": []}"#, false),
            (r#"{"sub": "me"}"#, false),
            ("no JSON", false),
        ] {
            assert_eq!(fits(claims, "https://login.example"), fit, "{claims}");
        }
        let opaque = addressed(&Secret::new("opaque"), "https://login.example");
        let told = opaque.unwrap_err().to_string();
        assert_eq!(
            told,
            "what says who we are is no signed token that names its audience"
        );
    }
}

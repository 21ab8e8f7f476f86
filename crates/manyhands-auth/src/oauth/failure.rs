//! What went wrong on the way to a token, in our words. What servers say is shown only where it repeats nothing of what
//! they were sent.

use std::error::Error;

use manyhands_core::{AuthError, AuthErrorKind, Printable, clip};
use rmcp::transport::auth::AuthError as Told;

use super::http::Refusal;
use super::reach::Forbidden;

const OWN_CLIENT: &str =
    "register a client there by hand, and put its id into `manyhands.oauth.clientId`";

/// Sorts what the OAuth machinery says, beside what the server last refused.
pub(super) fn sorted(told: &Told, refusal: Option<Refusal>) -> AuthError {
    let misfit = |cause: String| AuthError::new(AuthErrorKind::Misconfigured, cause);
    match told {
        Told::DiscoveryRequestFailed { url, source } => {
            unreached(url.host_str().unwrap_or_default(), source.as_ref(), refusal)
        }
        Told::ProtectedResourceMetadataInvalid { reason, .. } => misfit(format!(
            "what it says of its login cannot be used ({})",
            shown(&reason.to_string())
        ))
        .with_mend("check the URL in the configuration, and the server's settings"),
        Told::AuthorizationServersUnavailable {
            authorization_servers,
            ..
        } => {
            let named = shown(&authorization_servers.join(", "));
            AuthError::new(
                AuthErrorKind::Unavailable,
                format!("none of its authorization servers says how to log in ({named})"),
            )
            .with_mend("try again later; check the server's settings if it stays so")
        }
        Told::AuthorizationServerMismatch {
            expected_issuer,
            received_issuer,
        } => misfit(format!(
            "an authorization server says that it is {}, where {} was expected",
            shown(received_issuer),
            shown(expected_issuer)
        ))
        .with_mend("do not log in; ask whoever runs the server"),
        Told::AuthorizationServerMissingIssuer { expected_issuer } => misfit(format!(
            "the authorization server does not say that it is {}",
            shown(expected_issuer)
        ))
        .with_mend("do not log in; ask whoever runs the server"),
        Told::PkceUnsupported => {
            misfit("its authorization server does not support PKCE with S256".to_owned())
                .with_mend("ask whoever runs the server")
        }
        Told::RegistrationFailed(_) => registration(refusal),
        Told::TokenRefreshRejected(_) => {
            AuthError::new(AuthErrorKind::LoginNeeded, "its login has ended")
        }
        #[cfg(feature = "private-key-jwt")]
        Told::JwtSigningError(_) => misfit("its private key cannot be used".to_owned())
            .with_mend("give a key in PEM form that fits its algorithm"),
        Told::NoAuthorizationSupport => misfit("the server offers no login".to_owned()),
        Told::InvalidScope(what) => misfit(format!(
            "its authorization server does not offer {}",
            shown(what)
        )),
        _ => token(refusal),
    }
}

fn registration(refusal: Option<Refusal>) -> AuthError {
    match refusal {
        Some(refusal) if is_passing(refusal.status) => {
            busy("does not register clients now", &refusal)
        }
        Some(refusal) => AuthError::new(
            AuthErrorKind::Misconfigured,
            format!(
                "its authorization server registers no client of ours ({})",
                code(&refusal)
            ),
        )
        .with_mend(OWN_CLIENT),
        None => AuthError::new(
            AuthErrorKind::Misconfigured,
            "its authorization server registers no clients",
        )
        .with_mend(OWN_CLIENT),
    }
}

/// The token endpoint gave no token.
pub(super) fn token(refusal: Option<Refusal>) -> AuthError {
    let Some(refusal) = refusal else {
        return AuthError::new(
            AuthErrorKind::Unavailable,
            "its authorization server gave no usable answer",
        )
        .with_mend("try again later");
    };
    let passing = ["temporarily_unavailable", "server_error", "slow_down"];
    if is_passing(refusal.status) || passing.contains(&refusal.error.as_str()) {
        return busy("gives no tokens now", &refusal);
    }
    let cause = format!(
        "its authorization server gave no token ({})",
        code(&refusal)
    );
    match refusal.error.as_str() {
        "invalid_client" | "unauthorized_client" => {
            AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("check `manyhands.oauth.clientId` and `clientSecret`, or log in anew")
        }
        "invalid_scope" | "invalid_target" => AuthError::new(AuthErrorKind::Misconfigured, cause)
            .with_mend("check `manyhands.oauth.scopes` and the server's URL"),
        _ => AuthError::new(AuthErrorKind::LoginNeeded, cause),
    }
}

fn busy(what: &str, refusal: &Refusal) -> AuthError {
    AuthError::new(
        AuthErrorKind::Unavailable,
        format!("its authorization server {what} (HTTP {})", refusal.status),
    )
    .with_mend("try again later")
    .with_retry_after(refusal.retry_after)
}

fn unreached(
    host: &str,
    source: &(dyn Error + Send + Sync + 'static),
    refusal: Option<Refusal>,
) -> AuthError {
    let mut inner: &(dyn Error + 'static) = source;
    let mut forbidden = inner.is::<Forbidden>();
    while let Some(source) = inner.source() {
        inner = source;
        forbidden |= inner.is::<Forbidden>();
    }
    if forbidden {
        return AuthError::new(
            AuthErrorKind::Misconfigured,
            format!(
                "its login is not looked for at {}: {}",
                shown(host),
                shown(&inner.to_string())
            ),
        )
        .with_mend("ask whoever runs the server");
    }
    match refusal {
        Some(refusal) if is_passing(refusal.status) => {
            busy("does not say how to log in now", &refusal)
        }
        _ => AuthError::new(
            AuthErrorKind::Unavailable,
            format!(
                "{} does not say how to log in ({})",
                shown(host),
                shown(&inner.to_string())
            ),
        )
        .with_mend("try again later"),
    }
}

fn is_passing(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 425 | 429)
}

fn code(refusal: &Refusal) -> String {
    let mut text = match refusal.error.as_str() {
        "" => format!("HTTP {}", refusal.status),
        error => error.to_owned(),
    };
    if !refusal.description.is_empty() {
        text.push_str(": ");
        text.push_str(&refusal.description);
    }
    text
}

pub(super) fn shown(text: &str) -> String {
    Printable(&clip(text, 160)).to_string()
}

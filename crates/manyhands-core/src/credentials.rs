//! The credentials that go with the requests to one server: where they come from, and what is done when a server
//! refuses them. Transports ask through [`Credentials`] and know nothing of how a login works.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::secret::Secret;

/// Gives the credentials of one server, on behalf of one principal.
pub trait Authorizer: Send + Sync + 'static {
    /// The value for the header `Authorization`; none where there are no credentials, and the server is asked without.
    ///
    /// Called for every request, so it answers from memory whenever it can.
    ///
    /// # Errors
    /// [`AuthError`] when there should be credentials and none can be had.
    fn authorization(&self) -> impl Future<Output = Result<Option<Secret>, AuthError>> + Send;

    /// The server refused a request for want of credentials. `Ok` means that there are better ones now, and that the
    /// request may be sent again. No person is asked for anything here.
    ///
    /// # Errors
    /// [`AuthError`] when nothing better can be had, with what a person can do about it.
    fn refused(&self, challenge: Challenge) -> impl Future<Output = Result<(), AuthError>> + Send;

    /// Logs in anew with the help of a person. Concurrent calls share one login.
    ///
    /// # Errors
    /// [`AuthError`] when the person declined, or the login failed.
    fn login(&self, prompt: LoginPrompt) -> impl Future<Output = Result<(), AuthError>> + Send;

    /// Ends the login, here and at the authorization server, and says whether there was one.
    ///
    /// # Errors
    /// [`AuthError`] when it cannot be forgotten here.
    fn logout(&self) -> impl Future<Output = Result<bool, AuthError>> + Send;
}

/// What a server answered instead of an answer: HTTP 401, or 403 for want of a permission.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Challenge {
    /// The HTTP status.
    pub status: u16,
    /// The values of its `WWW-Authenticate` headers.
    pub authenticate: Vec<String>,
    /// The value of `Authorization` that was refused; none where the request went without.
    pub used: Option<Secret>,
    /// The beginning of what it said of it, printable; often empty.
    pub text: String,
}

impl Challenge {
    /// The answer to a request that carried `used`.
    #[must_use]
    pub fn new(status: u16, authenticate: Vec<String>, used: Option<Secret>) -> Self {
        Self {
            status,
            authenticate,
            used,
            text: String::new(),
        }
    }

    /// Adds the beginning of what the server said of it, which must be printable and hold no secret.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }
}

/// A page where a person logs in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoginPage {
    /// Where to send the person's browser.
    pub url: String,
    /// Whether the browser's redirect is awaited on this machine; else the person has to bring back its URL.
    pub redirect_awaited: bool,
}

impl LoginPage {
    /// A page at `url`.
    pub fn new(url: impl Into<String>, redirect_awaited: bool) -> Self {
        Self {
            url: url.into(),
            redirect_awaited,
        }
    }
}

/// What became of a [`LoginPage`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LoginAnswer {
    /// The person was shown the page; the redirect tells the rest.
    Opened,
    /// The URL that the browser was sent to in the end, which carries the code.
    Redirected(Secret),
    /// The person does not want to log in.
    Declined,
}

type LoginFuture = Pin<Box<dyn Future<Output = LoginAnswer> + Send>>;

/// Shows login pages to a person: opens a browser, prints a link, asks within an application. Cheap to clone.
#[derive(Clone)]
pub struct LoginPrompt(Arc<dyn Fn(LoginPage) -> LoginFuture + Send + Sync>);

impl LoginPrompt {
    /// Has `show` bring a page before the person. Its future may be dropped once the redirect has arrived.
    pub fn new<F, Fut>(show: F) -> Self
    where
        F: Fn(LoginPage) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = LoginAnswer> + Send + 'static,
    {
        Self(Arc::new(move |page| Box::pin(show(page))))
    }

    /// Brings a page before the person.
    pub async fn show(&self, page: LoginPage) -> LoginAnswer {
        (self.0)(page).await
    }
}

impl fmt::Debug for LoginPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginPrompt")
    }
}

/// What kind of obstacle stands between us and usable credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// A person has to log in.
    LoginNeeded,
    /// The login does not allow it, and logging in again would not help.
    Forbidden,
    /// The authorization server, or the place where secrets are kept, does not answer now.
    Unavailable,
    /// The settings do not fit what the servers want.
    Misconfigured,
}

/// Why there are no usable credentials. It does not know the server's name, and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct AuthError {
    kind: AuthErrorKind,
    cause: String,
    mend: Option<String>,
    retry_after: Option<Duration>,
}

impl AuthError {
    /// Says what happened, as a lowercase clause such as "its login has expired".
    pub fn new(kind: AuthErrorKind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            cause: cause.into(),
            mend: None,
            retry_after: None,
        }
    }

    /// Adds what to do about it, as a lowercase clause.
    #[must_use]
    pub fn with_mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Adds how long to wait before another attempt.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// What kind of obstacle it is.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// What happened, as a lowercase clause.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to do about it, as a lowercase clause.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }

    /// How long to wait before another attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, AuthError>> + Send + 'a>>;

/// The object-safe twin of [`Authorizer`].
trait DynAuthorizer: Send + Sync {
    fn authorization(&self) -> Answer<'_, Option<Secret>>;
    fn refused(&self, challenge: Challenge) -> Answer<'_, ()>;
    fn login(&self, prompt: LoginPrompt) -> Answer<'_, ()>;
    fn logout(&self) -> Answer<'_, bool>;
}

impl<T: Authorizer> DynAuthorizer for T {
    fn authorization(&self) -> Answer<'_, Option<Secret>> {
        Box::pin(Authorizer::authorization(self))
    }

    fn refused(&self, challenge: Challenge) -> Answer<'_, ()> {
        Box::pin(Authorizer::refused(self, challenge))
    }

    fn login(&self, prompt: LoginPrompt) -> Answer<'_, ()> {
        Box::pin(Authorizer::login(self, prompt))
    }

    fn logout(&self) -> Answer<'_, bool> {
        Box::pin(Authorizer::logout(self))
    }
}

/// A handle over an [`Authorizer`]. Cheap to clone.
#[derive(Clone)]
pub struct Credentials(Arc<dyn DynAuthorizer>);

impl Credentials {
    /// Has `authorizer` give the credentials.
    pub fn new(authorizer: impl Authorizer) -> Self {
        Self(Arc::new(authorizer))
    }

    /// As [`Authorizer::authorization`].
    ///
    /// # Errors
    /// As there.
    pub async fn authorization(&self) -> Result<Option<Secret>, AuthError> {
        self.0.authorization().await
    }

    /// As [`Authorizer::refused`].
    ///
    /// # Errors
    /// As there.
    pub async fn refused(&self, challenge: Challenge) -> Result<(), AuthError> {
        self.0.refused(challenge).await
    }

    /// As [`Authorizer::login`].
    ///
    /// # Errors
    /// As there.
    pub async fn login(&self, prompt: LoginPrompt) -> Result<(), AuthError> {
        self.0.login(prompt).await
    }

    /// As [`Authorizer::logout`].
    ///
    /// # Errors
    /// As there.
    pub async fn logout(&self) -> Result<bool, AuthError> {
        self.0.logout().await
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

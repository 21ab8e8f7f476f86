//! What servers ask of us while they work: a person's input, a model's answer, the roots of a workspace.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use manyhands_core::{LoginAnswer, LoginPage, Secret, ServerId};
use serde_json::{Map, Value, json};

/// Answers what servers ask back. Without one, every question is declined at once.
///
/// Servers are told which kinds it answers, and ask accordingly. While it is at work, the clocks of the call stand
/// still; a question that nobody answered within ten minutes is cancelled.
///
/// ```
/// use manyhands_transport::{InputHandler, InputKind, InputRequest, InputResponse};
///
/// struct AlwaysYes;
///
/// impl InputHandler for AlwaysYes {
///     fn kinds(&self) -> Vec<InputKind> {
///         vec![InputKind::Form]
///     }
///
///     async fn answer(&self, request: InputRequest) -> InputResponse {
///         println!("{} asks: {}", request.server(), request.message());
///         // Fields that are left out get the default that the server's form gives.
///         InputResponse::accept(serde_json::Map::new())
///     }
/// }
/// ```
pub trait InputHandler: Send + Sync + 'static {
    /// Which kinds of question it answers.
    fn kinds(&self) -> Vec<InputKind>;

    /// Answers one question. It may be dropped at any await when the call is over.
    fn answer(&self, request: InputRequest) -> impl Future<Output = InputResponse> + Send;
}

/// A kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputKind {
    /// A form for a person to fill in (`elicitation/create`).
    Form,
    /// A page for a person to visit (`elicitation/create` in mode `url`).
    Url,
    /// Messages for a model to answer (`sampling/createMessage`).
    Sampling,
    /// The folders that the work is about (`roots/list`).
    Roots,
    /// A page where a person logs in to the server. It is we who ask, and no server is told of it.
    ///
    /// Accepting says that the person was shown the page. Where [`LoginPage::redirect_awaited`] is false, the content
    /// has to hold the URL that the browser was sent to, as `redirected`.
    Login,
}

/// One question of one server. All of it is the server's own word.
#[derive(Debug, Clone)]
pub struct InputRequest {
    server: ServerId,
    kind: InputKind,
    params: Value,
}

impl InputRequest {
    pub(crate) fn new(server: ServerId, method: &str, params: Value) -> Option<Self> {
        let kind = match method {
            "elicitation/create" if params.get("mode") == Some(&json!("url")) => InputKind::Url,
            "elicitation/create" => InputKind::Form,
            "sampling/createMessage" => InputKind::Sampling,
            "roots/list" => InputKind::Roots,
            _ => return None,
        };
        Some(Self {
            server,
            kind,
            params,
        })
    }

    fn login(server: ServerId, page: &LoginPage) -> Self {
        let message = format!("log in to {server}");
        let params =
            json!({"message": message, "url": page.url, "redirectAwaited": page.redirect_awaited});
        Self {
            server,
            kind: InputKind::Login,
            params,
        }
    }

    /// Who asks.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// What kind of question it is.
    #[must_use]
    pub fn kind(&self) -> InputKind {
        self.kind
    }

    /// What it says to the person who is asked; empty where it says nothing.
    #[must_use]
    pub fn message(&self) -> &str {
        self.params
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The whole question as the server put it, such as the form's `requestedSchema`.
    #[must_use]
    pub fn params(&self) -> &Value {
        &self.params
    }

    /// The fields of its form that have a default, with that default.
    #[must_use]
    pub fn defaults(&self) -> Map<String, Value> {
        let properties = self.params.pointer("/requestedSchema/properties");
        let fields = properties.and_then(Value::as_object).into_iter().flatten();
        fields
            .filter_map(|(name, field)| Some((name.clone(), field.get("default")?.clone())))
            .collect()
    }

    /// The answer's JSON-RPC result, or why there is none.
    pub(crate) fn result(&self, response: InputResponse) -> Result<Value, String> {
        let person = matches!(self.kind, InputKind::Form | InputKind::Url);
        Ok(match (response.0, self.kind) {
            (Kind::Accept(_), InputKind::Url) => json!({"action": "accept"}),
            (Kind::Accept(content), InputKind::Form) => {
                let mut all = self.defaults();
                all.extend(content);
                json!({"action": "accept", "content": all})
            }
            (Kind::Result(result), _) => result,
            (Kind::Decline, _) if person => json!({"action": "decline"}),
            (Kind::Cancel, _) if person => json!({"action": "cancel"}),
            (_, InputKind::Roots) => json!({"roots": []}),
            (Kind::Accept(_), _) => return Err("the answer does not fit the question".to_owned()),
            _ => return Err("the request was declined".to_owned()),
        })
    }
}

/// The answer to one question.
#[derive(Debug, Clone)]
pub struct InputResponse(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Accept(Map<String, Value>),
    Decline,
    Cancel,
    Result(Value),
}

impl InputResponse {
    /// The person filled in the form, or agreed to visit the page.
    #[must_use]
    pub fn accept(content: Map<String, Value>) -> Self {
        Self(Kind::Accept(content))
    }

    /// The person said no.
    #[must_use]
    pub fn decline() -> Self {
        Self(Kind::Decline)
    }

    /// The person went away without deciding.
    #[must_use]
    pub fn cancel() -> Self {
        Self(Kind::Cancel)
    }

    /// A result in the protocol's own form: a `CreateMessageResult`, a `ListRootsResult` or an `ElicitResult`.
    #[must_use]
    pub fn result(result: Value) -> Self {
        Self(Kind::Result(result))
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = InputResponse> + Send + 'a>>;

/// The object-safe twin of [`InputHandler`].
trait DynInputHandler: Send + Sync {
    fn kinds(&self) -> Vec<InputKind>;
    fn answer(&self, request: InputRequest) -> Answering<'_>;
}

impl<T: InputHandler> DynInputHandler for T {
    fn kinds(&self) -> Vec<InputKind> {
        InputHandler::kinds(self)
    }

    fn answer(&self, request: InputRequest) -> Answering<'_> {
        Box::pin(InputHandler::answer(self, request))
    }
}

/// A handle over an [`InputHandler`]; by default it declines everything. Cheap to clone.
#[derive(Clone, Default)]
pub struct Input(Option<Arc<dyn DynInputHandler>>);

impl Input {
    /// Has `handler` answer.
    pub fn new(handler: impl InputHandler) -> Self {
        Self(Some(Arc::new(handler)))
    }

    /// What servers are told of it, as the protocol's `ClientCapabilities`.
    pub(crate) fn capabilities(&self) -> Map<String, Value> {
        let kinds = self.0.as_ref().map(|it| it.kinds()).unwrap_or_default();
        let mut elicitation = Map::new();
        let mut capabilities = Map::new();
        for kind in kinds {
            match kind {
                InputKind::Form => drop(elicitation.insert("form".to_owned(), json!({}))),
                InputKind::Url => drop(elicitation.insert("url".to_owned(), json!({}))),
                InputKind::Sampling => drop(capabilities.insert("sampling".to_owned(), json!({}))),
                InputKind::Roots => drop(capabilities.insert("roots".to_owned(), json!({}))),
                InputKind::Login => {}
            }
        }
        if !elicitation.is_empty() {
            capabilities.insert("elicitation".to_owned(), elicitation.into());
        }
        capabilities
    }

    /// Whether it shows login pages to a person.
    #[must_use]
    pub fn logs_in(&self) -> bool {
        let kinds = self.0.as_ref().map(|it| it.kinds()).unwrap_or_default();
        kinds.contains(&InputKind::Login)
    }

    /// Shows a server's login page to a person.
    pub async fn show_login(&self, server: ServerId, page: LoginPage) -> LoginAnswer {
        let response = self.answer(InputRequest::login(server, &page)).await;
        match response.0 {
            Kind::Accept(content) => match content.get("redirected").and_then(Value::as_str) {
                Some(url) => LoginAnswer::Redirected(Secret::new(url)),
                None => LoginAnswer::Opened,
            },
            _ => LoginAnswer::Declined,
        }
    }

    pub(crate) async fn answer(&self, request: InputRequest) -> InputResponse {
        match &self.0 {
            Some(handler) if handler.kinds().contains(&request.kind) => {
                handler.answer(request).await
            }
            _ => InputResponse::decline(),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.0.as_ref().map(|it| it.kinds()).unwrap_or_default();
        f.debug_tuple("Input").field(&kinds).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, params: Value) -> InputRequest {
        InputRequest::new(ServerId::parse("s").unwrap(), method, params).unwrap()
    }

    #[test]
    fn an_accepted_form_has_its_defaults_filled_in() {
        let schema =
            json!({"properties": {"name": {"default": "Ada"}, "age": {"default": 30}, "x": {}}});
        let form = asked("elicitation/create", json!({"requestedSchema": schema}));
        let given = Map::from_iter([("age".to_owned(), json!(7))]);
        assert_eq!(
            form.result(InputResponse::accept(given)),
            Ok(json!({"action": "accept", "content": {"name": "Ada", "age": 7}}))
        );
    }

    #[tokio::test]
    async fn without_a_handler_everything_is_declined() {
        let input = Input::default();
        assert!(input.capabilities().is_empty());
        for (method, answer) in [
            ("elicitation/create", Ok(json!({"action": "decline"}))),
            ("roots/list", Ok(json!({"roots": []}))),
            (
                "sampling/createMessage",
                Err("the request was declined".to_owned()),
            ),
        ] {
            let request = asked(method, Value::Null);
            assert_eq!(request.result(input.answer(request.clone()).await), answer);
        }
    }
}

//! One question to the toolkit: resolved, checked, routed, answered.

mod absent;

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{
    Arguments, Call, CallContext, CallError, CallEvent, Capability, CapabilityKind, Completable,
    Delivery, Effect, ErrorKind, Principal, QualifiedName, Reply, Request, Secret, ServerId,
    Substitution, Transit,
};
use manyhands_registry::{ModelApi, ToolEntry, Unknown};
use manyhands_routing::Replicas;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::conversation::Scope;
use crate::effect;
use crate::fallback::{self, Attempts, StandIn};
use crate::shared::{Shared, Slot, State};
use crate::toolkit::Toolkit;
use crate::validation::{self, Validate};

/// A call that is sent when it is awaited.
#[must_use = "nothing is sent until this is awaited"]
pub struct Ask {
    kit: Toolkit,
    shared: Arc<Shared>,
    wanted: Capability,
    names: Names,
    arguments: Value,
    /// The argument that is to be completed, and what of its value is there.
    completes: Option<(String, String)>,
    context: CallContext,
    /// What it may be about.
    scope: Scope,
    /// Whether another tool of its group may answer.
    falls_back: bool,
}

/// In which form the name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// `slack.search_messages`
    Canonical,
    /// `slack__search_messages`
    Wire,
    /// As one model API has it, or canonical: models read both.
    Model(ModelApi),
}

impl Ask {
    pub(crate) fn new(kit: Toolkit, kind: CapabilityKind, name: String, arguments: Value) -> Self {
        let mut context = CallContext::default();
        context.principal = kit.principal().cloned();
        Self {
            shared: kit.shared(),
            kit,
            wanted: Capability::new(kind, name),
            names: Names::Canonical,
            arguments,
            completes: None,
            context,
            scope: Scope::default(),
            falls_back: kind == CapabilityKind::Tool,
        }
    }

    /// Asks only for what a conversation is about.
    pub(crate) fn within(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Asks for values of an argument that begin so, and not for what it is an argument of.
    pub(crate) fn completing(mut self, argument: String, value: String) -> Self {
        self.completes = Some((argument, value));
        self
    }

    /// Asks on behalf of `principal`, with the accounts and logins that are meant for it.
    pub fn on_behalf_of(mut self, principal: &Principal) -> Self {
        self.kit = self.kit.for_principal(principal);
        self.shared = self.kit.shared();
        self.context.principal = Some(principal.clone());
        self
    }

    /// Sets the longest that the answer may take in total, waiting for a starting server included.
    ///
    /// Without it, the settings of the server and the tool hold: 30 s without a sign of progress and 10 min in total, by
    /// default.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.context = self.context.with_timeout(limit);
        self
    }

    /// Has `listen` told of progress and log messages that the server sends meanwhile. It must return at once.
    pub fn on_event(mut self, listen: impl Fn(CallEvent) + Send + Sync + 'static) -> Self {
        self.context = self.context.with_listener(listen);
        self
    }

    /// Adds an entry to the request's `_meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.context = self.context.with_meta(key, value);
        self
    }

    /// Adds a header, where the server is reached over HTTP.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.context = self.context.with_header(name, value);
        self
    }

    /// Has no other tool of its group answer where this one cannot be used; see
    /// [`Settings::groups`](crate::Settings::groups).
    pub fn no_fallback(mut self) -> Self {
        self.falls_back = false;
        self
    }

    /// Takes the name as the one that model APIs see, such as `slack__search_messages`.
    pub fn by_wire_name(mut self) -> Self {
        self.names = Names::Wire;
        self
    }

    /// The name that is asked for.
    pub(crate) fn name(&self) -> &str {
        self.wanted.name()
    }

    /// Has `transit` know where the call is.
    pub(crate) fn seen_by(mut self, transit: Transit) -> Self {
        self.context.transit = Some(transit);
        self
    }

    /// Takes the name as a model wrote it.
    pub(crate) fn by_model_name(mut self, api: ModelApi) -> Self {
        self.names = Names::Model(api);
        self
    }

    async fn send(&mut self) -> Result<Reply, CallError> {
        let trace = self.context.trace;
        let kind = self.wanted.kind().as_str();
        tracing::debug!(%trace, kind, name = self.wanted.name(), "asked");
        let result = self.answer_or_fall_back().await;
        match &result {
            Ok(reply) => {
                tracing::debug!(%trace, server = %reply.server(), took = ?reply.took(), "answered");
            }
            Err(error) => tracing::debug!(%trace, code = error.kind().code(), "failed"),
        }
        self.kit.called();
        result.map_err(|error| self.advised(error).with_trace(trace))
    }

    /// Adds what can be called instead. Where others stand in, they were tried, and are not to be advised.
    fn advised(&self, error: CallError) -> CallError {
        let name = self.wanted.name();
        let stands_in = |tool: QualifiedName| self.kit.falls_back(&tool);
        if self.falls_back && QualifiedName::parse(name).is_ok_and(stands_in) {
            return error;
        }
        self.shared.advised(error, name)
    }

    async fn answer_or_fall_back(&mut self) -> Result<Reply, CallError> {
        let arguments = Arguments::try_from(std::mem::take(&mut self.arguments));
        let about =
            |wanted: &Capability, error: CallError| error.with_capability(Some(wanted.clone()));
        let arguments = arguments.map_err(|error| {
            let (kind, delivery) = (ErrorKind::InvalidArguments, Delivery::NotSent);
            let error = CallError::new(kind, delivery, error.to_string());
            about(&self.wanted, error)
        })?;
        let may_fall_back = self.falls_back && self.shared.has_groups();
        let began = may_fall_back.then(Instant::now);
        let end = began.zip(self.context.timeout);
        let end = end.map(|(began, limit)| began + limit);
        let first = self.answer(arguments.clone()).await;
        let first = first.map_err(|error| about(&self.wanted, error));
        match began {
            Some(began) => Box::pin(self.fall_back(first, &arguments, began, end)).await,
            None => first,
        }
    }

    /// Has the other tools of a group stand in for one that could not be used, on what is left of the caller's time.
    async fn fall_back(
        &mut self,
        first: Result<Reply, CallError>,
        arguments: &Arguments,
        began: Instant,
        end: Option<Instant>,
    ) -> Result<Reply, CallError> {
        let (wanted, effect) = self.named();
        let Some((wanted, cause)) = wanted.zip(fallback::cause(&first, effect)) else {
            return first;
        };
        let mut attempts = Attempts::default();
        attempts.add(wanted.server(), &first, began);
        let stand_ins = self.shared.stand_ins(&wanted.to_string());
        if stand_ins.is_empty() {
            return first;
        }
        for (before, stand_in) in stand_ins.into_iter().enumerate() {
            let began = Instant::now();
            if end.is_some_and(|end| end <= began) {
                break;
            }
            self.context.timeout = end.map(|end| end - began);
            let (ended, effect) = self.stood_in(&stand_in, arguments).await;
            let (used, trace) = (stand_in.tool, self.context.trace);
            tracing::info!(%trace, %wanted, %used, answered = ended.is_ok(), "fell back");
            attempts.add(used.server(), &ended, began);
            let again = fallback::cause(&ended, effect).is_some();
            match ended {
                Ok(reply) if !again => {
                    return Ok(reply.in_place_of_another(Substitution::new(wanted, used, cause)));
                }
                Err(error) if !fallback::did_nothing(&error, effect) => {
                    return Err(attempts.told_by(error, before + 1));
                }
                _ => {}
            }
        }
        first.map_err(|error| attempts.told_by(error, 0))
    }

    /// Calls another tool in place of the one that is wanted, as if it had been called by its name; says what such a call
    /// does. Headers go to no server that they were not meant for, and nobody is asked to log in to it.
    async fn stood_in(
        &self,
        stand_in: &StandIn,
        arguments: &Arguments,
    ) -> (Result<Reply, CallError>, Effect) {
        let wanted = Capability::new(CapabilityKind::Tool, stand_in.tool.to_string());
        let mut ask = Self {
            kit: self.kit.clone(),
            shared: self.shared.clone(),
            wanted: wanted.clone(),
            names: Names::Canonical,
            arguments: Value::Null,
            completes: None,
            context: self.context.clone(),
            scope: self.scope.clone(),
            falls_back: false,
        };
        ask.context.headers.clear();
        let ended = match stand_in.arguments(arguments).await {
            Ok(arguments) => ask.resolve_and_dispatch(arguments).await,
            Err(error) => Err(error),
        };
        let about = |error: CallError| error.with_capability(Some(wanted));
        (ended.map_err(about), ask.named().1)
    }

    /// The tool that is wanted, across all servers, and what a call of it does.
    fn named(&self) -> (Option<QualifiedName>, Effect) {
        match self.tool() {
            Ok(tool) => (Some(tool.name().clone()), self.policy(&tool).1),
            // Its server may be down, and never have said what it offers.
            Err(_) => {
                let name = QualifiedName::parse(self.wanted.name());
                (name.ok(), Effect::default())
            }
        }
    }

    /// How a call of a tool is checked, and what it does.
    fn policy(&self, tool: &ToolEntry) -> (Validate, Effect) {
        let slot = self.shared.slot(tool.name().server());
        slot.map(|it| policy(&it, tool)).unwrap_or_default()
    }

    /// Answers, after a person has logged in where the server wants that and a person can be asked.
    async fn answer(&mut self, arguments: Arguments) -> Result<Reply, CallError> {
        let first = self.resolve_and_dispatch(arguments.clone()).await;
        let wants_login = |error: &CallError| {
            error.kind() == ErrorKind::Unauthorized && error.delivery() != Delivery::Unknown
        };
        match &first {
            Err(error) if wants_login(error) => {}
            _ => return first,
        }
        let Some(slot) = self.slot().filter(|slot| self.shared.may_log_in(slot)) else {
            return first;
        };
        if let Err(error) = Box::pin(self.shared.log_in(&slot)).await {
            let told = CallError::new(ErrorKind::Unauthorized, Delivery::NotSent, error.cause());
            let advice = error.mend().unwrap_or("try again");
            return Err(told.with_advice(advice).with_server(slot.id.clone()));
        }
        self.resolve_and_dispatch(arguments).await
    }

    async fn resolve_and_dispatch(&mut self, arguments: Arguments) -> Result<Reply, CallError> {
        let known = match self.known_tool() {
            Some(known) => Some(known),
            None => {
                Box::pin(self.wait_for_offer()).await?;
                match self.wanted.kind() {
                    CapabilityKind::Tool => {
                        let tool = self.tool().map_err(|unknown| self.not_found(&unknown))?;
                        let policy = self.policy(&tool);
                        Some((tool, policy))
                    }
                    _ => None,
                }
            }
        };
        let (tool, policy) = known.unzip();
        if let Some(tool) = tool.as_ref().filter(|tool| !self.scope.allows(tool)) {
            return Err(self.outside(tool.name().server()));
        }
        let policies = tool.as_ref().zip(policy);
        let checked = policies
            .map(|(tool, (validate, _))| (tool, validate))
            .filter(|(_, validate)| *validate != Validate::Off);
        let arguments = match checked {
            Some((tool, _)) => validation::arguments(tool, arguments)?,
            None => arguments,
        };
        let (server, request) = match &tool {
            Some(tool) => call_of(tool, arguments),
            None => self
                .resolve(arguments)
                .map_err(|unknown| self.not_found(&unknown))?,
        };
        if tool.is_none() && !self.scope.allows_server(&server) {
            return Err(self.outside(&server));
        }
        let mut context = self.context.clone();
        context.effect = match policies {
            Some((_, (_, effect))) => effect,
            None => effect::of_request(&request),
        };
        let call = Call {
            server,
            request,
            context,
        };
        let reply = self.shared.router.dispatch(call).await?;
        match checked {
            Some((tool, validate)) => validation::result(tool, reply, validate),
            None => Ok(reply),
        }
    }

    /// Finds the tool that is wanted, as it is now.
    fn tool(&self) -> Result<ToolEntry, Unknown> {
        let catalogue = self.shared.catalogue.load();
        let name = self.wanted.name();
        match self.names {
            Names::Canonical => catalogue.tool(name).cloned(),
            Names::Wire => catalogue.tool_by_wire(name).cloned(),
            Names::Model(api) => {
                let by_wire = catalogue.tool_by_wire_for(api, name);
                by_wire
                    .or_else(|unknown| catalogue.tool(name).or(Err(unknown)))
                    .cloned()
            }
        }
    }

    /// The tool that is wanted with how its calls are checked and what they do, where there is nothing to wait for: its
    /// server has said since the start, or at an earlier one, that it offers it.
    fn known_tool(&self) -> Option<(ToolEntry, (Validate, Effect))> {
        if self.wanted.kind() != CapabilityKind::Tool {
            return None;
        }
        let tool = self.tool().ok()?;
        let slot = self.shared.slot(tool.name().server())?;
        let policy = slot.is_introduced().then(|| policy(&slot, &tool))?;
        Some((tool, policy))
    }

    /// Finds the server and its own name for a prompt or a resource, and what is asked of it.
    fn resolve(&self, arguments: Arguments) -> Result<(ServerId, Request), Unknown> {
        let catalogue = self.shared.catalogue.load();
        let name = self.wanted.name();
        let (server, of) = match (self.wanted.kind(), self.names) {
            (CapabilityKind::Prompt, names) => {
                let prompt = match names {
                    Names::Canonical => catalogue.prompt(name)?.name(),
                    Names::Wire => catalogue.prompt_by_wire(name)?.name(),
                    Names::Model(_) => {
                        let by_wire = catalogue.prompt_by_wire(name);
                        by_wire
                            .or_else(|unknown| catalogue.prompt(name).or(Err(unknown)))?
                            .name()
                    }
                };
                (prompt.server(), Completable::Prompt(prompt.name().into()))
            }
            _ => {
                let (server, uri) = catalogue.resource(name)?;
                (server, Completable::Resource(uri.into()))
            }
        };
        let request = match (of, self.completes.clone()) {
            (of, Some((argument, value))) => Request::Complete {
                of,
                argument,
                value,
                settled: arguments,
            },
            (Completable::Prompt(name), None) => Request::GetPrompt { name, arguments },
            (Completable::Resource(uri), None) => Request::ReadResource { uri },
        };
        Ok((server.clone(), request))
    }

    /// A server whose offer is not known yet is started and waited for, on the caller's time.
    async fn wait_for_offer(&mut self) -> Result<(), CallError> {
        let is_unknown = |slot: &Arc<Slot>| {
            !slot.is_introduced() || (slot.is_only_remembered() && !self.is_listed())
        };
        let Some(slot) = self.slot().filter(is_unknown) else {
            return Ok(());
        };
        let Some(server) = self.shared.router.supervised(&slot.id) else {
            return Ok(());
        };
        let limit = self.context.timeout.unwrap_or(slot.settings.timeout.0);
        let end = Instant::now() + limit;
        introduced(&slot, &server, end, limit).await?;
        if let Some(timeout) = &mut self.context.timeout {
            *timeout = end.saturating_duration_since(Instant::now());
        }
        Ok(())
    }

    /// Whether there is something under this name; of a resource only its server can tell.
    fn is_listed(&self) -> bool {
        match self.wanted.kind() {
            CapabilityKind::Tool => self.tool().is_ok(),
            _ => self.resolve(Arguments::default()).is_ok(),
        }
    }

    /// The server that the name points to, whether or not it offers it.
    fn slot(&self) -> Option<Arc<Slot>> {
        let name = self.wanted.name();
        if self.wanted.kind() == CapabilityKind::Resource {
            let catalogue = self.shared.catalogue.load();
            return self.shared.slot(catalogue.resource(name).ok()?.0);
        }
        if self.names != Names::Canonical {
            // Good enough to tell whom to wait for; what is called is found by table.
            let begins = |slot: &&Arc<Slot>| {
                name.strip_prefix(slot.id.as_str())
                    .is_some_and(|rest| rest.starts_with("__"))
            };
            let slots = self.shared.slots();
            let found = slots.iter().find(begins).cloned();
            if found.is_some() || self.names == Names::Wire {
                return found;
            }
        }
        self.shared
            .slot(&ServerId::parse(name.split_once('.')?.0).ok()?)
    }
}

/// How a call of a tool is checked, and what it does.
fn policy(slot: &Slot, tool: &ToolEntry) -> (Validate, Effect) {
    let settings = &slot.settings;
    (settings.validate, effect::of_tool(settings, tool))
}

fn call_of(tool: &ToolEntry, arguments: Arguments) -> (ServerId, Request) {
    let name = tool.name();
    let request = Request::CallTool {
        name: name.name().into(),
        arguments,
    };
    (name.server().clone(), request)
}

/// Waits until a server was asked what it offers.
async fn introduced(
    slot: &Slot,
    server: &Replicas,
    end: Instant,
    limit: Duration,
) -> Result<(), CallError> {
    let mut state = slot.state.subscribe();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let connection = server.connection(left).await?;
        tokio::select! {
            // The slot holds the sender, so this ends only by the introduction.
            _ = state.wait_for(State::is_told) => return Ok(()),
            // It is waited for again, on its next connection.
            _ = connection.closed() => {}
            () = sleep_until(end) => {
                let cause = format!("its server has not yet said what it offers after {limit:?}");
                return Err(CallError::new(ErrorKind::Unavailable, Delivery::NotSent, cause)
                    .with_server(slot.id.clone())
                    .with_advice("try again in a while, or raise the timeout"));
            }
        }
    }
}

impl IntoFuture for Ask {
    type Output = Result<Reply, CallError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        // A future has room for what it is given by value twice.
        Box::pin(async move { self.send().await })
    }
}

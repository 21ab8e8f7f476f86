//! What a client's requests mean for the toolkit.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, IntoFuture as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use manyhands_core::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference,
    ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
};
use manyhands_core::{CallError, CapabilityKind, Reply, ServerId};
use manyhands_registry::Catalogue;
use manyhands_toolkit::{Answer, Ask, Change, Toolkit};
use rmcp::service::{
    NotificationContext, Peer, RequestContext, SubscriptionContext, SubscriptionSink,
};
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::convert;
use crate::shown::Shown;

/// How long nothing more must change before a client is told: servers that start together come up within moments.
const QUIET: Duration = Duration::from_millis(250);
/// How long a client waits at most to be told, however much goes on changing.
const LATEST: Duration = Duration::from_secs(2);

/// Answers one client for a toolkit. Clones share the toolkit.
#[derive(Clone)]
pub(crate) struct Gateway {
    shown: Shown,
    listed: Arc<Listed>,
}

/// The newest generation of the catalogue that the client has seen, for each kind of list.
///
/// What a list held already is no news: a client that follows such a notice asks again for nothing.
#[derive(Default)]
struct Listed {
    tools: AtomicU64,
    prompts: AtomicU64,
    resources: AtomicU64,
    /// The servers whose tools were left out, since they were down.
    hidden: Mutex<BTreeSet<ServerId>>,
}

impl Listed {
    fn of(&self, kind: CapabilityKind) -> &AtomicU64 {
        match kind {
            CapabilityKind::Tool => &self.tools,
            CapabilityKind::Prompt => &self.prompts,
            _ => &self.resources,
        }
    }

    /// Notes whose tools are left out now, and says whether these are others than before.
    fn hides(&self, hidden: BTreeSet<ServerId>) -> bool {
        // A set is put in as a whole, so a panic elsewhere does no harm.
        let mut known = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = *known != hidden;
        *known = hidden;
        is_other
    }
}

impl Gateway {
    pub(crate) fn new(shown: Shown) -> Self {
        let listed = Arc::default();
        Self { shown, listed }
    }

    fn kit(&self) -> &Toolkit {
        self.shown.talk.toolkit()
    }

    /// The catalogue as the client is about to see it, once servers had their time to start.
    async fn list(&self, kind: CapabilityKind) -> Arc<Catalogue> {
        // Who lists wants to know what there is; servers that are started lazily come in a later notice.
        self.shown.talk.start_all();
        if kind != CapabilityKind::Tool || !self.shown.searches {
            self.kit().settle().await;
        }
        let catalogue = self.kit().catalogue();
        if kind == CapabilityKind::Tool {
            self.listed.hides(self.kit().hidden_servers());
        }
        self.listed
            .of(kind)
            .fetch_max(catalogue.generation(), Ordering::Relaxed);
        catalogue
    }

    /// Tells of each list that changed, until the toolkit or the listener is gone.
    ///
    /// Changes that come close together are told once, and not at all where the client has listed since.
    async fn follow(&self, listener: Listener) {
        let mut changes = self.kit().changes();
        while let Some(change) = changes.next().await {
            let mut news = News::default();
            news.add(&change);
            let latest = Instant::now() + LATEST;
            while let Ok(next) =
                timeout_at(latest.min(Instant::now() + QUIET), changes.next()).await
            {
                let Some(change) = next else { return };
                news.add(&change);
            }
            if self.listed.hides(self.kit().hidden_servers()) {
                news.0.insert(CapabilityKind::Tool, u64::MAX);
            }
            for (kind, generation) in news.0 {
                if kind == CapabilityKind::Tool && self.shown.searches {
                    // The five tools stay what they are, whatever servers do.
                    continue;
                }
                let unseen = generation > self.listed.of(kind).load(Ordering::Relaxed);
                if unseen && !listener.tell(kind).await {
                    return;
                }
            }
        }
    }

    /// Waits for an answer as long as the client does.
    async fn answer(
        &self,
        ask: Ask,
        context: &RequestContext<RoleServer>,
    ) -> Option<Result<Reply, CallError>> {
        self.until_cancelled(ask.into_future(), context).await
    }

    async fn until_cancelled<T>(
        &self,
        answer: impl Future<Output = T>,
        context: &RequestContext<RoleServer>,
    ) -> Option<T> {
        tokio::select! {
            result = answer => Some(result),
            // Dropping the question cancels it at its server; rmcp sends no answer to a cancelled request.
            () = context.ct.cancelled() => None,
        }
    }
}

impl ServerHandler for Gateway {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_completions()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("manyhands", env!("CARGO_PKG_VERSION")))
            .with_instructions(convert::instructions(&self.shown))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let catalogue = self.list(CapabilityKind::Tool).await;
        Ok(ListToolsResult::with_all_items(
            self.shown.tools(&catalogue),
        ))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.shown.tool(name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::from);
        let talk = &self.shown.talk;
        if self.shown.searches {
            let answer = talk.call_meta(&request.name, &arguments);
            let Some(answer) = self.until_cancelled(answer, &context).await else {
                return Err(cancelled());
            };
            // Whoever has read a name in a result may call it by that name too.
            if let Some(answer) = answer {
                return Ok(convert::answer(answer).into());
            }
        }
        let ask = talk.call(request.name, arguments).by_wire_name();
        Ok(match self.answer(ask, &context).await {
            Some(result) => convert::answer(result.map(Answer::Server)),
            None => return Err(cancelled()),
        }
        .into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let catalogue = self.list(CapabilityKind::Prompt).await;
        let is_about = self.shown.talk.is_about_server();
        Ok(ListPromptsResult::with_all_items(
            catalogue
                .prompts()
                .filter(|it| is_about(it.name().server()))
                .map(convert::prompt)
                .collect(),
        ))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::from);
        let ask = self
            .shown
            .talk
            .get_prompt(request.name, arguments)
            .by_wire_name();
        let result = self.answer(ask, &context).await.ok_or_else(cancelled)?;
        let mut prompt: GetPromptResult = convert::decoded(result)?;
        convert::complete(&mut prompt.result_type);
        Ok(GetPromptResponse::Complete(prompt))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let catalogue = self.list(CapabilityKind::Resource).await;
        let is_about = self.shown.talk.is_about_server();
        Ok(ListResourcesResult::with_all_items(
            catalogue
                .resources()
                .filter(|it| is_about(it.server()))
                .map(convert::resource)
                .collect(),
        ))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let catalogue = self.list(CapabilityKind::Resource).await;
        let templates = catalogue.templates();
        let is_about = self.shown.talk.is_about_server();
        let templates = templates.filter(|it| is_about(it.server()));
        let templates = templates.map(convert::template).collect();
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let ask = self.shown.talk.read_resource(request.uri);
        let result = self.answer(ask, &context).await.ok_or_else(cancelled)?;
        let mut contents: ReadResourceResult = convert::decoded(result)?;
        convert::complete(&mut contents.result_type);
        Ok(ReadResourceResponse::Complete(contents))
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let argument = (&*request.argument.name, &*request.argument.value);
        let settled = request.context.and_then(|it| it.arguments);
        let settled = settled.map_or(Value::Null, |it| it.into_iter().collect());
        let ask = match request.r#ref {
            Reference::Prompt(prompt) => {
                let ask = self
                    .shown
                    .talk
                    .complete_prompt(prompt.name, argument, settled);
                ask.by_wire_name()
            }
            Reference::Resource(template) => {
                self.kit()
                    .complete_resource(template.uri, argument, settled)
            }
            _ => return Ok(CompleteResult::default()),
        };
        let result = self.answer(ask, &context).await.ok_or_else(cancelled)?;
        convert::completion(result)
    }

    /// A handshake client is told of changes for as long as it is connected.
    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.follow(Listener::Session(context.peer)).await;
    }

    fn accepted_subscription_filter(&self, _: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let lists = SubscriptionFilter::builder()
            .tools_list_changed()
            .prompts_list_changed()
            .resources_list_changed();
        Some(lists.build())
    }

    /// A 2026-07-28 client is told of changes for as long as it listens.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let told = self.follow(Listener::Subscription(context.sink().clone()));
        tokio::select! {
            () = told => {}
            () = context.cancelled() => {}
        }
        Ok(())
    }
}

/// Which lists changed, and the newest generation that did it.
#[derive(Default)]
struct News(BTreeMap<CapabilityKind, u64>);

impl News {
    fn add(&mut self, change: &Change) {
        for kind in [
            CapabilityKind::Tool,
            CapabilityKind::Prompt,
            CapabilityKind::Resource,
        ] {
            if change.diff.touches(kind) {
                self.0.insert(kind, change.generation);
            }
        }
    }
}

/// Who is told of changes.
enum Listener {
    /// A client that shook hands and stays connected.
    Session(Peer<RoleServer>),
    /// A client of 2026-07-28 that listens.
    Subscription(SubscriptionSink),
}

impl Listener {
    /// Tells that one kind of list changed. False means that nobody listens any more.
    async fn tell(&self, kind: CapabilityKind) -> bool {
        match (self, kind) {
            (Self::Session(peer), CapabilityKind::Tool) => {
                peer.notify_tool_list_changed().await.is_ok()
            }
            (Self::Session(peer), CapabilityKind::Prompt) => {
                peer.notify_prompt_list_changed().await.is_ok()
            }
            (Self::Session(peer), _) => peer.notify_resource_list_changed().await.is_ok(),
            (Self::Subscription(sink), kind) => {
                // The sink refuses what its client did not ask for, which ends nothing.
                let _ = match kind {
                    CapabilityKind::Tool => sink.notify_tool_list_changed().await,
                    CapabilityKind::Prompt => sink.notify_prompt_list_changed().await,
                    _ => sink.notify_resource_list_changed().await,
                };
                true
            }
        }
    }
}

fn cancelled() -> ErrorData {
    ErrorData::internal_error("the client cancelled the request", None)
}

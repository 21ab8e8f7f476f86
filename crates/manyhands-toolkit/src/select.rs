//! The few tools that a task needs, chosen from what the toolkit has now. It must not know how tools are ranked.

use std::sync::{Arc, Mutex, PoisonError};

use manyhands_core::{QualifiedName, ServerId};
use manyhands_registry::{
    Catalogue, DESCRIPTION_TOKENS, Embeddings, Index, IndexOptions, ModelApi, Query, Selection,
    ServerFit, definition,
};
use serde_json::Value;

use crate::conversation::Conversation;
use crate::shared::Shared;
use crate::toolkit::Toolkit;

/// Tools that are being chosen. Nothing is started, nor asked, but an embedder where one is wanted.
#[derive(Debug, Clone)]
#[must_use = "nothing is chosen until it is asked for"]
pub struct Select {
    kit: Toolkit,
    query: Query,
    /// Whose choice it is, to be remembered there.
    conversation: Option<Conversation>,
}

impl Toolkit {
    /// Chooses the tools that a text needs, such as a person's request, or each of several texts, such as the steps of a
    /// plan: 20, where neither tokens nor their number are limited.
    ///
    /// Servers that were not started yet take part with what is remembered of them.
    ///
    /// ```no_run
    /// # fn example(kit: manyhands_toolkit::Toolkit) {
    /// use manyhands_registry::ModelApi;
    ///
    /// let tools = kit.select("urgent messages").within_tokens(8_000).for_model(ModelApi::OpenAi);
    /// for chosen in &kit.select(["find the invoice", "mail it"]).now().chosen {
    ///     println!("{}: {}", chosen.tool.name(), chosen.reason);
    /// }
    /// # }
    /// ```
    pub fn select(&self, query: impl Into<Query>) -> Select {
        Select {
            kit: self.clone(),
            query: query.into(),
            conversation: None,
        }
    }

    /// The chosen tools as one model API takes them.
    #[must_use]
    pub fn definitions(&self, selection: &Selection, api: ModelApi) -> Vec<Value> {
        let shared = self.shared();
        let estimator = shared.index_options.estimator();
        let tools = selection.chosen.iter().map(|it| &it.tool);
        tools
            .map(|tool| definition(tool, api, DESCRIPTION_TOKENS, estimator))
            .collect()
    }

    /// The servers that fit a text, or each of several, best first: those whose tools are among the ten that fit best. It
    /// goes by what is known of servers, be they running or remembered, and starts none.
    pub fn servers_for(&self, query: impl Into<Query>) -> Vec<ServerFit> {
        self.shared().index().servers(&query.into())
    }
}

impl Select {
    /// Has a conversation remember what is chosen.
    pub(crate) fn told_to(mut self, conversation: Conversation) -> Self {
        self.conversation = Some(conversation);
        self
    }

    /// Takes only tools that have one of these tags.
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query = self.query.with_tags(tags.into_iter().map(Into::into));
        self
    }

    /// Takes only tools of these servers.
    pub fn servers(mut self, servers: impl IntoIterator<Item = ServerId>) -> Self {
        self.query = self.query.with_servers(servers);
        self
    }

    /// Takes these tools first, whatever is asked.
    pub fn always_on(mut self, tools: impl IntoIterator<Item = QualifiedName>) -> Self {
        self.query = self.query.with_always_on(tools);
        self
    }

    /// Only appends to what was chosen before, which stays in its order, so that a model's prompt cache stays good.
    pub fn after(mut self, earlier: &Selection) -> Self {
        self.query = self.query.with_earlier(earlier);
        self
    }

    /// Takes no more tools than fit into so many tokens.
    pub fn within_tokens(mut self, tokens: usize) -> Self {
        self.query = self.query.with_tokens(tokens);
        self
    }

    /// Takes no more tools than these.
    pub fn at_most(mut self, tools: usize) -> Self {
        self.query = self.query.with_limit(tools);
        self
    }

    /// Chooses by words, and says why.
    #[must_use]
    pub fn now(&self) -> Selection {
        let shared = self.kit.shared();
        self.told(shared.select(&self.query))
    }

    /// Chooses by words and by meaning, where the toolkit was given an
    /// [embedder](crate::Builder::embed_by); by words alone, and saying so, where it does not answer in time.
    ///
    /// Tools that have no vector yet are embedded in the background, and found by their words until then.
    pub async fn by_meaning(&self) -> Selection {
        self.told(self.kit.shared().select_by_meaning(&self.query).await)
    }

    /// Chooses by words, and gives the tools as one model API takes them.
    #[must_use]
    pub fn for_model(mut self, api: ModelApi) -> Vec<Value> {
        self.query = self.query.with_api(api);
        self.kit.definitions(&self.now(), api)
    }

    fn told(&self, selection: Selection) -> Selection {
        if let Some(conversation) = &self.conversation {
            conversation.was_shown(&selection);
        }
        selection
    }
}

/// What tools are chosen by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choosing {
    /// What knows their meaning, where something does.
    pub(crate) embeddings: Option<Embeddings>,
    pub(crate) index: IndexOptions,
}

/// The index of the catalogue that was asked for last.
#[derive(Default)]
pub(crate) struct Indexed(Mutex<Option<(Arc<Catalogue>, Arc<Index>)>>);

impl Shared {
    /// The index of the catalogue as it is now; servers that offer what they did before are not read again.
    pub(crate) fn index(&self) -> Arc<Index> {
        // It is exchanged as a whole, so a panic elsewhere does no harm.
        let kept = self.indexed.0.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        let catalogue = self.catalogue.load_full();
        let index = match kept.take() {
            Some((of, index)) if Arc::ptr_eq(&of, &catalogue) => index,
            Some((_, index)) => Arc::new(index.updated(&catalogue, &self.about())),
            None => Arc::new(Index::new(&catalogue, &self.about())),
        };
        *kept = Some((catalogue, index.clone()));
        index
    }

    /// Chooses by words, and by meaning where something knows it.
    pub(crate) async fn select_by_meaning(&self, query: &Query) -> Selection {
        let (index, query) = (self.index(), self.as_now(query));
        match &self.meaning {
            Some(meaning) => meaning.select(&index, &query).await,
            None => index.select(&query),
        }
    }

    /// Chooses by words.
    fn select(&self, query: &Query) -> Selection {
        self.index().select(&self.as_now(query))
    }

    /// The query as it is meant now: of tools that do the same it takes one, and of servers that are hidden none.
    pub(crate) fn as_now(&self, query: &Query) -> Query {
        self.without_hidden(self.grouped(query.clone()))
    }

    /// What servers say of themselves.
    fn about(&self) -> IndexOptions {
        let slots = self.slots();
        let options = self.index_options.clone();
        slots.iter().fold(options, |options, slot| {
            let state = slot.state.borrow();
            let info = state.info.as_ref();
            let said = info.and_then(|info| info.instructions.as_deref());
            let name = info.map(|info| info.name.as_str());
            let title = slot.title.as_deref();
            let texts: Vec<&str> = [title, name, said].into_iter().flatten().collect();
            options.with_about(slot.id.clone(), &texts.join("\n"))
        })
    }
}

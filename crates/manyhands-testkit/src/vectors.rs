//! An endpoint that gives vectors as OpenAI's `/embeddings` does: one dimension for each topic whose words a text has. It
//! knows nothing of tools.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::http::{Answer, Request, Serves, serve};
use crate::record::lock;

/// How many texts are remembered; those after them are not.
const KEPT: usize = 10_000;

/// An endpoint for vectors at a port of this machine, until its last clone is dropped.
///
/// Clones are the same server. Its time is the operating system's, so tests leave the clock running.
///
/// ```
/// use manyhands_testkit::VectorServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = VectorServer::start([vec!["invoice", "remuneration"], vec!["chat"]]).await?;
/// assert!(server.url().ends_with("/v1"));
/// assert!(server.asked().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct VectorServer {
    shared: Arc<Shared>,
    _serving: Arc<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    topics: Vec<Vec<String>>,
    key: Mutex<Option<String>>,
    failure: Mutex<Option<u16>>,
    turned: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

impl VectorServer {
    /// Serves at a free port of 127.0.0.1. A topic is a list of words in lower case; a text with none of all has a
    /// dimension of its own.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start<'w>(topics: impl IntoIterator<Item = Vec<&'w str>>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let words = |topic: Vec<&str>| topic.into_iter().map(str::to_owned).collect();
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            topics: topics.into_iter().map(words).collect(),
            key: Mutex::default(),
            failure: Mutex::default(),
            turned: Mutex::default(),
            asked: Mutex::default(),
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self {
            shared,
            _serving: Arc::new(AbortOnDropHandle::new(serving)),
        })
    }

    /// Under which `/embeddings` is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.shared.address)
    }

    /// Answers only who sends this key.
    pub fn require_key(&self, key: &str) {
        *lock(&self.shared.key) = Some(key.to_owned());
    }

    /// Answers with this status from now on; none for vectors again.
    pub fn fail(&self, status: impl Into<Option<u16>>) {
        *lock(&self.shared.failure) = status.into();
    }

    /// Answers as another model would from now on: with other vectors for the same texts.
    pub fn turn(&self) {
        *lock(&self.shared.turned) = true;
    }

    /// The texts that got vectors so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Shared {
    fn vector(&self, text: &str) -> Vec<u8> {
        let text = text.to_lowercase();
        let of = |topic: &Vec<String>| u8::from(topic.iter().any(|word| text.contains(word)));
        let mut vector: Vec<u8> = self.topics.iter().map(of).collect();
        vector.push(u8::from(!vector.contains(&1)));
        if *lock(&self.turned) {
            vector.rotate_right(1);
        }
        vector
    }
}

impl Serves for Shared {
    async fn answer(&self, request: Request) -> Answer {
        let key = lock(&self.key).as_ref().map(|key| format!("Bearer {key}"));
        if key.is_some() && key.as_deref() != request.header("authorization") {
            return Answer::text(401, "");
        }
        if let Some(status) = *lock(&self.failure) {
            return Answer::text(status, "");
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let texts = body.get("input").and_then(Value::as_array);
        let texts = texts.into_iter().flatten();
        let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
        let data = texts.iter().enumerate();
        let data: Vec<Value> = data
            .map(|(at, text)| json!({"index": at, "embedding": self.vector(text)}))
            .collect();
        let mut asked = lock(&self.asked);
        let left = KEPT.saturating_sub(asked.len());
        asked.extend(texts.into_iter().take(left).map(str::to_owned));
        Answer::json(200, &json!({"data": data}))
    }
}

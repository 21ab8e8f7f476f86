//! The HTTP transport of 2024-11-05, against a server written by hand.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use manyhands::{Delivery, ErrorKind, Toolkit};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::{configured, verdict};

/// How long anything here may take.
const END: Duration = Duration::from_secs(10);

/// A server with a stream at `/sse`, and an address for messages.
#[derive(Clone)]
struct Old {
    port: u16,
    /// What the first event names; `PORT` stands for the server's.
    endpoint: &'static str,
    /// What is said to every stream; none ends them all.
    said: broadcast::Sender<Option<String>>,
    /// Method, path and `authorization` of each request; the message's method for one that carries a message.
    seen: Arc<Mutex<Vec<[String; 3]>>>,
}

impl Old {
    async fn start(endpoint: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let old = Self {
            port: listener.local_addr().unwrap().port(),
            endpoint,
            said: broadcast::channel(64).0,
            seen: Arc::default(),
        };
        let server = old.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        old
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/sse", self.port)
    }

    fn entry(&self) -> Value {
        json!({"type": "sse", "url": self.url(), "manyhands": {"restart": false}})
    }

    async fn kit(&self) -> Toolkit {
        configured(&self.entry()).connect().await.unwrap()
    }

    fn seen(&self) -> Vec<[String; 3]> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many tools were called.
    async fn called(&self, times: usize) {
        let calls = || {
            self.seen()
                .iter()
                .filter(|it| it[0] == "tools/call")
                .count()
        };
        let waiting = async {
            while calls() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(END, waiting).await.unwrap();
    }

    /// Answers one request after another, as far as they come.
    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut first, mut length, mut authorization) = (String::new(), 0, String::new());
            if stream.read_line(&mut first).await.unwrap_or(0) == 0 {
                return;
            }
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap_or(0);
                match line.trim().split_once(": ") {
                    Some(("content-length", text)) => length = text.parse().unwrap(),
                    Some(("authorization", text)) => authorization = text.to_owned(),
                    Some(_) => {}
                    None => break,
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let message: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut words = first.split(' ').map(str::to_owned);
            let (verb, path) = (words.next().unwrap(), words.next().unwrap());
            let what = word(&message, "/method").unwrap_or(&verb).to_owned();
            self.seen
                .lock()
                .unwrap()
                .push([what, path.clone(), authorization]);
            match (verb.as_str(), path.as_str()) {
                ("GET", "/sse") => return self.stream(stream).await,
                ("POST", "/messages?session=1") => {
                    let answer = self.taken(&message).await;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
                _ => {
                    let never = "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(never.as_bytes()).await.unwrap();
                }
            }
        }
    }

    async fn stream(&self, mut stream: BufReader<TcpStream>) {
        let mut said = self.said.subscribe();
        let endpoint = self.endpoint.replace("PORT", &self.port.to_string());
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hello\n\nevent: endpoint\ndata: {endpoint}\n\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        while let Ok(Some(message)) = said.recv().await {
            let event = format!("event: ping\ndata: x\n\nevent: message\ndata: {message}\n\n");
            if stream.write_all(event.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// Acts on a message, and gives the answer to its POST.
    async fn taken(&self, message: &Value) -> &'static str {
        const TAKEN: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\nAccepted";
        let result = match word(message, "/method").unwrap_or_default() {
            "initialize" => json!({"protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
                                   "serverInfo": {"name": "old", "version": "1"}}),
            "tools/list" => {
                let tool = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
                let names = [
                    "whoami",
                    "never",
                    "slow",
                    "fails",
                    "refused",
                    "forgotten",
                    "silent",
                ];
                json!({"tools": names.map(tool)})
            }
            "tools/call" => match word(message, "/params/name").unwrap() {
                "fails" => {
                    return "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops";
                }
                "refused" => return "HTTP/1.1 400 Bad Request\r\ncontent-length: 8\r\n\r\ntoo long",
                "forgotten" => return "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
                "silent" => return TAKEN,
                "never" => std::future::pending().await,
                _ => json!({"content": [{"type": "text", "text": "old"}]}),
            },
            _ => return TAKEN,
        };
        let answer = json!({"jsonrpc": "2.0", "id": message.get("id"), "result": result});
        let _ = self.said.send(Some(answer.to_string()));
        TAKEN
    }
}

fn word<'a>(message: &'a Value, at: &str) -> Option<&'a str> {
    message.pointer(at)?.as_str()
}

#[tokio::test]
async fn a_server_of_2024_is_reached_by_its_type_and_found_out_without_it() {
    let old = Old::start("/messages?session=1").await;
    let headers = json!({"Authorization": "Bearer t0k"});
    for kind in [json!("sse"), json!("http"), Value::Null] {
        old.seen.lock().unwrap().clear();
        let mut entry = json!({"url": old.url(), "headers": headers});
        if kind.is_string() {
            entry["type"] = kind.clone();
        }
        assert_eq!(super::whoami(&entry).await, "\"old\"", "{kind}");
        let seen = old.seen();
        assert!(seen.iter().all(|it| it[2] == "Bearer t0k"), "{seen:?}");
        let said: Vec<&str> = seen
            .iter()
            .filter(|it| it[1] != "/sse")
            .map(|it| it[0].as_str())
            .collect();
        assert_eq!(
            said,
            [
                "initialize",
                "notifications/initialized",
                "tools/list",
                "tools/call"
            ]
        );
        // Only where nothing says what it is, it is asked in the newer ways before.
        let asked = seen.iter().filter(|it| it[1] == "/sse").count();
        assert_eq!(asked, if kind == "sse" { 1 } else { 3 }, "{seen:?}");
    }
}

#[tokio::test]
async fn messages_are_sent_to_no_other_origin() {
    let old = Old::start("http://127.0.0.2:PORT/messages?session=s3cret").await;
    let (elsewhere, url) = (format!("http://127.0.0.2:{}/messages", old.port), old.url());
    let expected = format!(
        "it wants messages sent to {elsewhere}, which is another origin than that of {url}; \
         correct the server's own settings, often its public URL, or those of the proxy before it"
    );
    assert_eq!(verdict(&old.entry()).await, expected);
    let untyped = json!({"url": url, "manyhands": {"restart": false}});
    assert_eq!(verdict(&untyped).await, expected);
}

#[tokio::test]
async fn a_post_that_fails_ends_its_call_and_no_other() {
    let old = Old::start("http://127.0.0.1:PORT/messages?session=1").await;
    let kit = Arc::new(old.kit().await);
    let waiting = tokio::spawn({
        let kit = kit.clone();
        async move { kit.call("s.silent", json!({})).await.map(drop) }
    });
    for (tool, delivery, words) in [
        (
            "fails",
            Delivery::Unknown,
            "the server answered with HTTP 500: oops",
        ),
        (
            "refused",
            Delivery::Rejected,
            "the server answered with HTTP 400: too long",
        ),
    ] {
        let called = kit.call(format!("s.{tool}"), json!({}));
        let error = timeout(END, called).await.unwrap().unwrap_err();
        assert_eq!(error.delivery(), delivery, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(
            kit.call("s.whoami", json!({})).await.unwrap().value(),
            "old"
        );
    }
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_stream_is_gone() {
    let old = Old::start("/messages?session=1").await;
    let kit = old.kit().await;
    let error = timeout(END, kit.call("s.forgotten", json!({})))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.delivery(), Delivery::Rejected, "{error}");
    let error = timeout(END, kit.call("s.whoami", json!({})))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
}

#[tokio::test]
async fn a_post_that_is_answered_late_holds_up_nobody() {
    let old = Old::start("/messages?session=1").await;
    let kit = Arc::new(old.kit().await);
    let never: Vec<_> = (0..3)
        .map(|_| {
            let kit = kit.clone();
            tokio::spawn(async move { kit.call("s.never", json!({})).await.map(drop) })
        })
        .collect();
    old.called(3).await;
    let started = Instant::now();
    let reply = timeout(END, kit.call("s.whoami", json!({}))).await.unwrap();
    assert_eq!(reply.unwrap().value(), "old");
    assert!(started.elapsed() < END / 2);
    for call in never {
        call.abort();
    }
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end_of_the_connection() {
    let old = Old::start("/messages?session=1").await;
    let kit = Arc::new(old.kit().await);
    let waiting = tokio::spawn({
        let kit = kit.clone();
        async move { kit.call("s.silent", json!({})).await.map(drop) }
    });
    old.called(1).await;
    old.said.send(None).unwrap();
    let error = timeout(END, waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionClosed, "{error}");
    assert_eq!(error.delivery(), Delivery::Unknown);
}

#[tokio::test]
async fn a_stream_that_comes_back_is_taken_up_again() {
    let old = Old::start("/messages?session=1").await;
    let entry = json!({"type": "sse", "url": old.url()});
    let kit = configured(&entry).connect().await.unwrap();
    assert_eq!(
        kit.call("s.whoami", json!({})).await.unwrap().value(),
        "old"
    );
    old.said.send(None).unwrap();
    let again = async {
        while kit.call("s.whoami", json!({})).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(END, again).await.unwrap();
    assert_eq!(old.seen().iter().filter(|it| it[0] == "GET").count(), 2);
}

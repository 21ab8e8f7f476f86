//! Bytes of a server, during the handshake and after it: no panic, no hang, every call ends, nothing stays behind.
//!
//! The first byte says how the server behaves; the rest is cut into pieces at each `0xff`.

use std::time::Duration;

use manyhands_core::{Arguments, CallContext, CallError, ListKind, Reply, Request};
use manyhands_transport::{Connection, MAX_MESSAGE};

use crate::wire::{self, Manners};
use crate::{BORDER, Taken, assert_printable};

const LIMIT: Duration = Duration::from_secs(5);
/// A text that is made of an error and of what the server said: bounded, whatever the server says.
const MAX_TEXT: usize = 64 * 1024;

pub(crate) fn run(data: &[u8]) -> Taken {
    let Some((flags, rest)) = data.split_first() else {
        return Taken::Refused;
    };
    let manners = Manners {
        greets: flags & 1 != 0,
        hangs_up: flags & 2 != 0,
        babbles: flags & 4 != 0,
        answers: false,
    };
    let pieces = rest.split(|byte| *byte == BORDER).map(<[u8]>::to_vec);
    let connector = wire::connector(manners, pieces.collect());
    wire::paused(async {
        match connector.connect(wire::options()).await {
            Ok(connection) => talk(&connection).await,
            Err(error) => {
                assert_told(error.cause());
                assert_told(&error.to_string());
            }
        }
    });
    Taken::Read
}

async fn talk(connection: &Connection) {
    let call = Request::CallTool {
        name: "tool".into(),
        arguments: Arguments::default(),
    };
    let list = Request::List {
        kind: ListKind::Tools,
        cursor: None,
    };
    let context = || CallContext::default().with_timeout(LIMIT);
    let (first, second) = tokio::join!(
        connection.request(call.clone(), context()),
        connection.request(list, context()),
    );
    let third = connection.request(call, context()).await;
    for result in [first, second, third] {
        look_at(result);
    }
    assert_told(&connection.info().protocol);
    if let Some(words) = connection.diagnostics().last_words() {
        assert_told(words);
    }
    connection.close().await;
    assert!(connection.is_closed(), "it is open after it was closed");
}

/// Looks at a result as users do.
fn look_at(result: Result<Reply, CallError>) {
    match result {
        Ok(reply) => {
            assert!(reply.raw().get().len() <= MAX_MESSAGE);
            let _ = (reply.text(), reply.value(), reply.is_error());
            if let Some(failure) = reply.failure() {
                let _ = format!("{failure:?}");
            }
        }
        Err(error) => {
            assert_told(error.cause());
            assert_told(&error.to_string());
        }
    }
}

fn assert_told(text: &str) {
    assert!(text.len() <= MAX_TEXT, "{} bytes are told", text.len());
    assert_printable(text);
}

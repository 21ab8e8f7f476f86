//! How messages travel to one server and back: over a pipe that all share, or each in an HTTP exchange of its own.

use std::sync::Arc;

use manyhands_core::{CallContext, Delivery};

use crate::hidden::Hidden;
use crate::http::client::Client;
use crate::http::failure::HttpFailure;
use crate::pipe::Pipe;
use crate::session::clock::{Clock, Elapsed};
use crate::session::message::RpcError;
use crate::session::pending::Answer;
use crate::session::{Outbound, Session};

/// Carries requests.
#[derive(Clone)]
pub(crate) enum Link {
    Pipe(Pipe),
    Http(Arc<Client>),
}

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One of its clocks ran out.
    Elapsed(Elapsed, Delivery),
    /// The connection has ended.
    Closed(Delivery),
    /// The server answered with an error.
    Rpc(RpcError),
    /// The server answered something that nobody can use, which a lowercase fragment names.
    Unusable(String),
    /// The server gave the request up, which a lowercase fragment says.
    Cancelled(String),
    /// The server wants something that nobody here gives.
    InputRequired(String),
    /// HTTP itself failed.
    Http(HttpFailure),
    /// The server had taken the request on, and then this happened.
    TakenOn(Box<Failure>),
}

impl Link {
    /// Sends one request and waits for what the server answers, as long as the clock says.
    ///
    /// Dropping the future cancels the request at the server.
    pub(crate) async fn exchange(
        &self,
        session: &Arc<Session>,
        outbound: &Outbound<'_>,
        clock: &Arc<Clock>,
    ) -> Result<Answer, Failure> {
        let mut outcome = match self {
            Self::Pipe(pipe) => pipe.exchange(session, outbound, clock).await,
            // A box of its own: else a call through a pipe would carry the room that this takes through every layer.
            Self::Http(client) => Box::pin(client.exchange(session, outbound, clock)).await,
        };
        if has_words(&outcome) {
            Box::pin(self.hide(session, outbound.context, clock, &mut outcome)).await;
        }
        outcome
    }

    /// Takes out of what a server says of a failure the credentials that it was given.
    async fn hide(
        &self,
        session: &Session,
        context: &CallContext,
        clock: &Clock,
        outcome: &mut Result<Answer, Failure>,
    ) {
        let used = match self {
            Self::Pipe(_) => None,
            // A token may have to be renewed for that, which is on the call's time.
            Self::Http(client) => clock.run(client.authorization()).await.ok().flatten(),
        };
        let of_call = context.headers.iter().map(|(_, value)| value);
        for hidden in [
            session.diagnostics.hidden(),
            Hidden::new(of_call.chain(&used)),
        ] {
            match outcome {
                Ok(Answer::Error(error)) | Err(Failure::Rpc(error)) => {
                    hidden.take_out_of(&mut error.message);
                    hidden.take_out_of_value(&mut error.data);
                }
                Ok(Answer::Unusable(why))
                | Err(
                    Failure::Unusable(why) | Failure::Cancelled(why) | Failure::InputRequired(why),
                ) => {
                    hidden.take_out_of(why);
                }
                _ => {}
            }
        }
    }
}

/// Whether there is a text of the server's in it that says what went wrong.
fn has_words(outcome: &Result<Answer, Failure>) -> bool {
    use Failure::{Cancelled, InputRequired, Rpc, Unusable};
    match outcome {
        Ok(answer) => !matches!(answer, Answer::Result(_)),
        Err(failure) => matches!(
            failure,
            Rpc(_) | Unusable(_) | Cancelled(_) | InputRequired(_)
        ),
    }
}

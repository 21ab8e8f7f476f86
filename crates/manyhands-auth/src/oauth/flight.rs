//! One run of some work for all who ask for it meanwhile. It goes on when they go away, since what it gets may not come
//! twice.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use manyhands_core::{AuthError, AuthErrorKind};

type Outcome<T> = Result<T, AuthError>;
type Running<T> = Shared<BoxFuture<'static, Outcome<T>>>;

pub(super) struct Flight<T: Clone>(Mutex<Option<Running<T>>>);

impl<T: Clone> Default for Flight<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Joins the run that is under way, or begins one. Needs a Tokio runtime.
    pub(super) fn join<F>(&self, begin: impl FnOnce() -> F) -> Running<T>
    where
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        // What is replaced is whole at any time, so a panic elsewhere does no harm.
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref().filter(|it| it.peek().is_none()) {
            return running.clone();
        }
        let task = tokio::spawn(begin());
        let ended = task.map(|done| {
            done.unwrap_or_else(|_| {
                let cause = "the work for its credentials was cut short";
                Err(AuthError::new(AuthErrorKind::Unavailable, cause).with_mend("try again"))
            })
        });
        let begun = ended.boxed().shared();
        *running = Some(begun.clone());
        begun
    }
}

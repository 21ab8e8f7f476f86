//! Work that blocks, done on a thread of its own.
//!
//! Not on tokio's blocking pool: a runtime that ends waits for that, and a keyring that waits for a person's password,
//! or a network folder that went away, would keep the program from ending.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::error::{SecretError, SecretErrorKind};

/// Threads for one kind of blocking work, so that those which hang are few.
#[derive(Clone)]
pub(super) struct Apart {
    permits: Arc<Semaphore>,
    limit: Duration,
}

impl Apart {
    /// At most `threads` at once; no caller waits for longer than `limit`.
    pub(super) fn new(threads: usize, limit: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(threads)),
            limit,
        }
    }

    /// Does `work` apart; none where it is not done within the limit.
    ///
    /// # Cancel safety
    /// Dropped, the work goes on to its end, and nobody learns of it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, SecretError> {
        let done = tokio::time::timeout(self.limit, self.unbounded(work)).await;
        done.map_or(Ok(None), |done| done.map(Some))
    }

    async fn unbounded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SecretError> {
        let failed = |cause: &str| SecretError::new(SecretErrorKind::Unavailable, cause);
        let permit = self.permits.clone().acquire_owned().await;
        let (answer, answered) = oneshot::channel();
        let thread = std::thread::Builder::new().name("manyhands-secret".to_owned());
        thread
            .spawn(move || {
                let _ = answer.send(work());
                drop(permit);
            })
            .map_err(|_| failed("no thread could be started to read it"))?;
        answered
            .await
            .map_err(|_| failed("the thread that read it came to a bad end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_hangs_costs_its_caller_the_limit_and_the_next_one_too() {
        let apart = Apart::new(1, Duration::from_secs(10));
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let began = tokio::time::Instant::now();
        assert_eq!(apart.run(move || held.recv()).await.unwrap(), None);
        assert_eq!(began.elapsed(), Duration::from_secs(10));
        // Its thread is not free yet.
        assert_eq!(apart.permits.available_permits(), 0);
        assert_eq!(apart.run(|| 1).await.unwrap(), None);
        drop(hold);
        assert!(apart.permits.acquire().await.is_ok());
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error() {
        let apart = Apart::new(1, Duration::from_secs(10));
        let error = apart.run(|| panic!("on purpose")).await.unwrap_err();
        assert_eq!(error.kind(), SecretErrorKind::Unavailable);
        assert_eq!(apart.run(|| 1).await.unwrap(), Some(1));
    }
}

//! A token in use: what goes into the header, and when the next one is due.

use std::time::Duration;

use manyhands_core::Secret;
use tokio::time::Instant;

use crate::store::{Tokens, now};

/// A token is renewed after at least this share of its life, in percent.
const EARLIEST: u64 = 70;
/// And after this share at the latest. Between the two, chance decides, so that processes do not all come at once.
const LATEST: u64 = 90;
/// How long before its end a token counts as over, so that no request carries one that ends on the way.
const MARGIN: Duration = Duration::from_secs(5);
/// Longer than any token: 10 years. Keeps absurd answers from overflowing an instant.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

#[derive(Debug)]
pub(super) struct Live {
    pub(super) header: Secret,
    pub(super) scopes: Vec<String>,
    pub(super) received: Instant,
    /// Whether it can be renewed without a person.
    pub(super) renewable: bool,
    times: Option<Times>,
}

#[derive(Debug)]
struct Times {
    due: Instant,
    over: Instant,
}

impl Live {
    pub(super) fn new(tokens: &Tokens) -> Self {
        let moment = Instant::now();
        let seconds = now();
        let age = Duration::from_secs(seconds.saturating_sub(tokens.received_at)).min(FOR_EVER);
        let times = tokens.expires_at.map(|end| {
            let life = end.saturating_sub(tokens.received_at);
            let left = Duration::from_secs(end.saturating_sub(seconds)).min(FOR_EVER);
            let share = fastrand::u64(EARLIEST..=LATEST);
            let due =
                Duration::from_secs(life).min(FOR_EVER) * u32::try_from(share).unwrap_or(80) / 100;
            // Short lives leave no room for a margin of seconds.
            let margin = MARGIN.min(Duration::from_secs(life) / 20);
            Times {
                due: moment + due.saturating_sub(age),
                over: moment + left.saturating_sub(margin),
            }
        });
        Self {
            header: header(&tokens.access),
            scopes: tokens.scopes.clone(),
            received: moment.checked_sub(age).unwrap_or(moment),
            renewable: tokens.refresh.is_some(),
            times,
        }
    }

    /// Whether nothing needs to be done.
    pub(super) fn is_good(&self) -> bool {
        self.times.as_ref().is_none_or(|it| Instant::now() < it.due)
    }

    /// Whether no server takes it any more.
    pub(super) fn is_over(&self) -> bool {
        self.times
            .as_ref()
            .is_some_and(|it| Instant::now() >= it.over)
    }
}

/// The header that carries an access token.
pub(super) fn header(access: &str) -> Secret {
    Secret::new(format!("Bearer {access}"))
}

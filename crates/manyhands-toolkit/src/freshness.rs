//! When a connected server is asked again what it offers: soon after it says that a list has changed, however often it
//! says so, and when the time is over for which its lists were to stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use manyhands_core::ListKind;
use manyhands_discovery::ALL_LISTS;
use manyhands_transport::{Connection, ServerEvent};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

/// How long nothing more must be said for a change to be looked at.
const QUIET: Duration = Duration::from_millis(100);
/// How long a change waits at the most while more is said.
const AT_MOST: Duration = Duration::from_secs(1);
/// How long after one look the next may follow.
const PAUSE: Duration = Duration::from_millis(250);
/// How long that becomes where a server announces changes and has none, or cannot be asked.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How soon lists are looked at again by themselves, at the soonest.
const SOONEST: Duration = Duration::from_secs(60);
/// And at the latest, where a server gives a time at all.
const LATEST: Duration = Duration::from_secs(24 * 3600);

/// Follows what one connection says of its lists.
pub(crate) struct Freshness {
    events: Option<Receiver<ServerEvent>>,
    /// The lists of whose changes the server tells, so that nobody has to look.
    announced: Vec<ListKind>,
    /// How long the server said last that lists stay as they are.
    ttls: BTreeMap<ListKind, Duration>,
    /// Lists that may hold something else now.
    stale: BTreeSet<ListKind>,
    /// Since when, and when to look.
    since: Option<Instant>,
    due: Option<Instant>,
    not_before: Instant,
    pause: Duration,
    poll: Option<Instant>,
    jitter: Rng,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Changed,
    Unchanged,
    /// The lists are as they were, and are worth another look.
    Failed,
}

impl Freshness {
    /// Follows `connection` from now on, so that nothing is missed that it says while it is asked for the first time.
    pub(crate) fn new(connection: &Connection) -> Self {
        Self::following(
            connection.events(),
            connection.announced_lists().collect(),
            Rng::new(),
        )
    }

    fn following(events: Receiver<ServerEvent>, announced: Vec<ListKind>, jitter: Rng) -> Self {
        Self {
            events: Some(events),
            announced,
            ttls: BTreeMap::new(),
            stale: BTreeSet::new(),
            since: None,
            due: None,
            not_before: Instant::now(),
            pause: PAUSE,
            poll: None,
            jitter,
        }
    }

    /// Waits until it is time to look, and says at which lists. Cancel safe.
    pub(crate) async fn due(&mut self) -> Vec<ListKind> {
        loop {
            let next = [self.due, self.poll].into_iter().flatten().min();
            let timer = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            let event = async {
                match &mut self.events {
                    Some(events) => events.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = event => match event {
                    Ok(ServerEvent::ListChanged(list)) => self.mark([list]),
                    Ok(ServerEvent::NoNews) => {
                        self.announced.clear();
                        self.plan_poll();
                    }
                    Ok(_) => {}
                    // What was said is lost, and may have been anything.
                    Err(RecvError::Lagged(_)) => self.mark(ALL_LISTS),
                    Err(RecvError::Closed) => self.events = None,
                },
                () = timer => return self.take(),
            }
        }
    }

    fn mark(&mut self, lists: impl IntoIterator<Item = ListKind>) {
        let now = Instant::now();
        self.stale.extend(lists);
        let since = *self.since.get_or_insert(now);
        self.due = Some((now + QUIET).min(since + AT_MOST).max(self.not_before));
    }

    fn take(&mut self) -> Vec<ListKind> {
        let now = Instant::now();
        if self.poll.is_some_and(|poll| poll <= now) {
            self.poll = None;
            let unannounced = ALL_LISTS.iter().filter(|it| !self.announced.contains(it));
            self.stale.extend(unannounced);
        }
        (self.since, self.due) = (None, None);
        std::mem::take(&mut self.stale).into_iter().collect()
    }

    /// Notes what came of a look, which lists are worth another one, and how long the server says that lists stay as
    /// they are.
    pub(crate) fn looked(
        &mut self,
        again: &[ListKind],
        came: Look,
        ttls: &BTreeMap<ListKind, Duration>,
    ) {
        self.pause = match came {
            Look::Changed => PAUSE,
            Look::Unchanged | Look::Failed => (self.pause * 2).min(MAX_PAUSE),
        };
        self.not_before = Instant::now() + self.spread(self.pause);
        if came == Look::Failed {
            self.mark(again.iter().copied());
        }
        self.ttls.clone_from(ttls);
        self.plan_poll();
    }

    /// Who is told of changes need not look; others look, though not in step with each other.
    fn plan_poll(&mut self) {
        let of_unannounced = self
            .ttls
            .iter()
            .filter(|(it, _)| !self.announced.contains(it));
        if let Some(ttl) = of_unannounced.map(|(_, ttl)| *ttl).min() {
            let wait = self.spread(ttl.clamp(SOONEST, LATEST));
            self.poll = Some(Instant::now() + wait);
        }
    }

    fn spread(&mut self, wait: Duration) -> Duration {
        spread(wait, &mut self.jitter)
    }
}

/// A wait with up to a quarter more, by chance, so that servers are not asked in step with each other.
pub(crate) fn spread(wait: Duration, jitter: &mut Rng) -> Duration {
    wait + wait.mul_f64(jitter.f64() / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast;
    use tokio::time::timeout;

    fn freshness(announced: &[ListKind]) -> (broadcast::Sender<ServerEvent>, Freshness) {
        let (sender, events) = broadcast::channel(8);
        (
            sender,
            Freshness::following(events, announced.to_vec(), Rng::with_seed(1)),
        )
    }

    fn tools_changed(sender: &broadcast::Sender<ServerEvent>) {
        sender
            .send(ServerEvent::ListChanged(ListKind::Tools))
            .unwrap();
    }

    /// How long until the next look, and at what.
    async fn next(freshness: &mut Freshness) -> (Duration, Vec<ListKind>) {
        let before = Instant::now();
        let lists = freshness.due().await;
        (before.elapsed(), lists)
    }

    #[tokio::test(start_paused = true)]
    async fn many_changes_are_one_look() {
        let (sender, mut freshness) = freshness(&ALL_LISTS);
        for _ in 0..5 {
            tools_changed(&sender);
        }
        sender
            .send(ServerEvent::ListChanged(ListKind::Prompts))
            .unwrap();
        let (waited, lists) = next(&mut freshness).await;
        assert_eq!(lists, [ListKind::Tools, ListKind::Prompts]);
        assert!(waited >= QUIET && waited < 2 * QUIET, "{waited:?}");
        let quiet = timeout(Duration::from_secs(3600), freshness.due()).await;
        assert!(quiet.is_err(), "nothing was said: {quiet:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_stops_is_looked_at_ever_more_rarely() {
        let (sender, mut freshness) = freshness(&ALL_LISTS);
        let flood = tokio::spawn(async move {
            while sender
                .send(ServerEvent::ListChanged(ListKind::Tools))
                .is_ok()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let (waited, _) = next(&mut freshness).await;
        assert!(waited <= AT_MOST + QUIET, "{waited:?}");
        let mut looks = 0;
        let end = Instant::now() + Duration::from_secs(3600);
        while Instant::now() < end {
            freshness.looked(&[ListKind::Tools], Look::Unchanged, &BTreeMap::new());
            freshness.due().await;
            looks += 1;
        }
        assert!((48..80).contains(&looks), "{looks} looks in an hour");
        flood.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_may_have_been_anything() {
        let (sender, mut freshness) = freshness(&ALL_LISTS);
        for _ in 0..20 {
            tools_changed(&sender);
        }
        assert_eq!(next(&mut freshness).await.1, ALL_LISTS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_failed_is_made_again() {
        let (sender, mut freshness) = freshness(&ALL_LISTS);
        tools_changed(&sender);
        next(&mut freshness).await;
        freshness.looked(&[ListKind::Tools], Look::Failed, &BTreeMap::new());
        let (waited, lists) = next(&mut freshness).await;
        assert_eq!(lists, [ListKind::Tools]);
        assert!(waited >= PAUSE, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn lists_without_news_are_looked_at_when_their_time_is_over() {
        let (_sender, mut freshness) = freshness(&[]);
        for (ttl, soonest) in [
            (Duration::from_millis(1), SOONEST),
            (Duration::from_secs(600), Duration::from_secs(600)),
            (Duration::MAX, LATEST),
        ] {
            freshness.looked(
                &[],
                Look::Changed,
                &BTreeMap::from([(ListKind::Prompts, ttl)]),
            );
            let (waited, lists) = next(&mut freshness).await;
            assert_eq!(lists, ALL_LISTS);
            assert!(
                waited >= soonest && waited <= soonest.mul_f64(1.26),
                "{ttl:?}: {waited:?}"
            );
        }
        freshness.looked(&[], Look::Changed, &BTreeMap::new());
        assert!(timeout(2 * LATEST, freshness.due()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn only_lists_that_are_not_announced_are_looked_at_by_themselves() {
        let (_sender, mut freshness) = freshness(&[ListKind::Tools, ListKind::Resources]);
        let ttl = |list, seconds| (list, Duration::from_secs(seconds));
        let ttls = [ttl(ListKind::Tools, 60), ttl(ListKind::Prompts, 600)];
        freshness.looked(&[], Look::Changed, &BTreeMap::from(ttls));
        let (waited, lists) = next(&mut freshness).await;
        assert_eq!(lists, [ListKind::Prompts, ListKind::ResourceTemplates]);
        assert!(waited >= Duration::from_secs(600), "{waited:?}");
        freshness.looked(
            &[],
            Look::Changed,
            &BTreeMap::from([ttl(ListKind::Tools, 60)]),
        );
        assert!(timeout(2 * LATEST, freshness.due()).await.is_err());
    }
}

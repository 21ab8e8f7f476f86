//! The phases of a server's replicas, followed as those of one server. It must not know what is done in any of them.

use futures_util::future::select_all;
use manyhands_transport::{Phase, Phases, Supervised};

use crate::Replicas;
use crate::replicas::distance;

/// Follows the replicas of one server. One of them speaks for it: as long as that one is up it stays the same, and then
/// another one takes over that is up, or that is nearest to it.
#[derive(Debug)]
pub struct Followed {
    replicas: Replicas,
    phases: Vec<(usize, Phases)>,
    now: Vec<Phase>,
    speaker: usize,
}

/// What has happened to one replica, and to the server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Turn {
    /// The replica, by its place from 0.
    pub replica: usize,
    /// What it is doing now.
    pub phase: Phase,
    /// What the server is doing now; none where the one that speaks for it did not turn.
    pub server: Option<Phase>,
}

impl Followed {
    pub(crate) fn new(replicas: &Replicas) -> Self {
        let phases = replicas.iter().map(Supervised::phases).enumerate();
        Self {
            phases: phases.collect(),
            now: vec![Phase::Idle; replicas.len()],
            replicas: replicas.clone(),
            speaker: 0,
        }
    }

    /// The replica that speaks for the server, by its place from 0.
    #[must_use]
    pub fn speaker(&self) -> usize {
        self.speaker
    }

    /// The same, as it is kept connected.
    #[must_use]
    pub fn spokesman(&self) -> &Supervised {
        self.replica(self.speaker).unwrap_or(self.replicas.first())
    }

    /// One of the replicas, by its place from 0.
    #[must_use]
    pub fn replica(&self, replica: usize) -> Option<&Supervised> {
        self.replicas.get(replica)
    }

    /// Gives what each replica is doing now, then each turn as it comes; none after all are closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses no turn.
    pub async fn next(&mut self) -> Option<Turn> {
        loop {
            if self.phases.is_empty() {
                return None;
            }
            let all = self.phases.iter_mut();
            let all =
                all.map(|(replica, phases)| Box::pin(async { (*replica, phases.next().await) }));
            let ((replica, phase), at, _) = select_all(all).await;
            match phase {
                Some(phase) => return Some(self.turn(replica, phase)),
                None => drop(self.phases.remove(at)),
            }
        }
    }

    fn turn(&mut self, replica: usize, phase: Phase) -> Turn {
        if let Some(now) = self.now.get_mut(replica) {
            now.clone_from(&phase);
        }
        let before = self.speaker;
        if !matches!(self.now.get(before), Some(Phase::Up(_))) {
            let all = self.now.iter().enumerate();
            let nearest = all.min_by_key(|(_, phase)| distance(phase));
            self.speaker = nearest.map_or(before, |(nearest, _)| nearest);
        }
        let turned = self.speaker == replica || self.speaker != before;
        Turn {
            replica,
            phase,
            server: self.now.get(self.speaker).filter(|_| turned).cloned(),
        }
    }
}

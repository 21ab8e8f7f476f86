//! The sessions of one server over HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::fault::OddSessionId;
use crate::record::lock;
use crate::server::ScriptedServer;
use crate::session::Session;

/// How many sessions are kept; the oldest are forgotten first.
const KEPT: usize = 1_024;

#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<BTreeMap<usize, (String, Arc<Session>)>>,
    made: AtomicUsize,
}

impl Sessions {
    /// Makes a session, and says by what name it goes.
    pub(super) fn start(
        &self,
        server: &ScriptedServer,
        odd: Option<OddSessionId>,
    ) -> (String, Arc<Session>) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = name(number, odd);
        let session = Arc::new(Session::new(server));
        let mut open = lock(&self.open);
        open.insert(number, (name.clone(), session.clone()));
        while open.len() > KEPT {
            open.pop_first();
        }
        (name, session)
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Session>> {
        let open = lock(&self.open);
        let found = open.values().find(|(its, _)| its == name);
        found.map(|(_, session)| session.clone())
    }

    /// Forgets one session; says whether it was there.
    pub(super) fn forget(&self, name: &str) -> bool {
        let mut open = lock(&self.open);
        let before = open.len();
        open.retain(|_, (its, _)| its != name);
        open.len() < before
    }

    pub(super) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) -> usize {
        lock(&self.open).len()
    }
}

fn name(number: usize, odd: Option<OddSessionId>) -> String {
    let name = format!("session-{number}");
    match odd {
        None | Some(OddSessionId::Changing) => name,
        Some(OddSessionId::Empty) => String::new(),
        Some(OddSessionId::Spaces) => format!("{name}, with spaces"),
        Some(OddSessionId::Long) => format!("{name}-{}", "x".repeat(16 * 1024)),
        Some(OddSessionId::NonAscii) => format!("{name}-ünï"),
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("open", &self.open())
            .field("made", &self.made())
            .finish()
    }
}

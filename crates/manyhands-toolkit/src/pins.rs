//! Tools compared with what they were when they were first seen, and kept back where the settings want that.
//!
//! One set of pins stands behind the toolkit and all views of it: a pin is of a server's tool, whoever asks for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use manyhands_core::{Printable, ServerId, clip};
use manyhands_registry::{
    Catalogue, Changed, Lock, LockFile, LockFileError, PinReport, Stamp, Unknown,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::shared::Shared;

/// How often the file is looked at. It costs the time stamp of one file.
const EVERY: Duration = Duration::from_secs(1);
/// How many changes are remembered as told of.
const MAX_TOLD: usize = 10_000;

/// What is made of a tool that is no longer what it was when it was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pinning {
    /// Nothing is pinned or compared.
    Off,
    /// Tools are pinned when they are first seen. A change is told, and the tool stays as callable as any.
    Warn,
    /// Tools are pinned when they are first seen. A tool that has changed is kept back until the change is approved.
    Block,
}

/// Why a change could not be approved. Then nothing was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// The report has no such tool.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The file with the pins cannot be used.
    #[error(transparent)]
    File(#[from] LockFileError),
}

/// The pins of a toolkit.
pub(crate) struct Pins {
    wanted: Option<Pinning>,
    file: Option<LockFile>,
    /// Held while the file is read or written, so that what was read first is not taken for what is newest.
    disk: Mutex<()>,
    known: Mutex<Known>,
    catalogues: Mutex<Vec<Weak<Shared>>>,
}

#[derive(Default)]
struct Known {
    lock: Lock,
    /// What of it is not in the file yet.
    unwritten: Lock,
    /// Whether somebody is about to write that.
    writing: bool,
    /// The file as it was looked at last, where it was.
    looked: Option<Option<Stamp>>,
    /// Whether there was a file.
    there: bool,
    /// Why the file cannot be used now.
    unusable: Option<String>,
    told: HashSet<String>,
}

/// What came of comparing one server's tools.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) changed: Vec<Changed>,
    /// The names of the tools that are kept back.
    pub(crate) withheld: Vec<String>,
    /// Why even tools that are new are kept back, where they are.
    pub(crate) why_new: Option<String>,
}

impl Pins {
    pub(crate) fn new(wanted: Option<Pinning>, file: Option<LockFile>) -> Arc<Self> {
        let pins = Arc::new(Self {
            wanted,
            file: file.filter(|_| wanted != Some(Pinning::Off)),
            disk: Mutex::default(),
            known: Mutex::default(),
            catalogues: Mutex::default(),
        });
        pins.look_at_file();
        pins
    }

    /// Has what is in the file counted, whenever somebody changes it. None where there is no file to look at.
    pub(crate) fn follow(self: &Arc<Self>) -> Option<AbortOnDropHandle<()>> {
        self.file.as_ref()?;
        let pins = Arc::downgrade(self);
        let following = async move {
            loop {
                sleep(EVERY).await;
                let Some(pins) = pins.upgrade() else { return };
                // A disk may be far away.
                let _ = spawn_blocking(move || pins.look_at_file()).await;
            }
        };
        Some(AbortOnDropHandle::new(tokio::spawn(following)))
    }

    /// Tells `shared` whenever other pins count.
    pub(crate) fn enrol(&self, shared: &Arc<Shared>) {
        let mut catalogues = held(&self.catalogues);
        catalogues.retain(|it| it.strong_count() > 0);
        catalogues.push(Arc::downgrade(shared));
    }

    /// What is made of changes. Where nobody says so, a file that is there is heeded.
    fn policy(&self) -> Pinning {
        self.wanted
            .unwrap_or_else(|| match held(&self.known).there {
                true => Pinning::Warn,
                false => Pinning::Off,
            })
    }

    /// What servers offer now beside what is pinned.
    pub(crate) fn report(&self, catalogue: &Catalogue) -> PinReport {
        let lock = held(&self.known).lock.clone();
        lock.compare(catalogue)
    }

    /// Compares one server's tools with their pins, and pins those that are new where the server was `asked` for them.
    /// None where nothing is compared.
    pub(crate) fn compare(
        self: &Arc<Self>,
        catalogue: &Catalogue,
        server: &ServerId,
        asked: bool,
    ) -> Option<Compared> {
        let policy = self.policy();
        if policy == Pinning::Off {
            return None;
        }
        let mut known = held(&self.known);
        let report = known.lock.compare_server(catalogue, server);
        if asked && known.unusable.is_none() && !report.new.is_empty() {
            known.lock.pin_new(&report);
            self.write_soon(&mut known, &report);
        }
        report.changed.iter().for_each(|it| known.tell(it, policy));
        let unpinned = |it: &&Changed| known.lock.pin(server, it.name().name()).is_none();
        let mut compared = Compared::default();
        if policy == Pinning::Block {
            let why = match &known.unusable {
                Some(error) => Some(format!("failed to {error}")),
                None if asked => Some("it has more tools than are pinned by themselves".to_owned()),
                // It is pinned once its server is asked.
                None => None,
            };
            let new = report.new.iter().filter(|_| why.is_some());
            let new: Vec<String> = new.filter(unpinned).map(named).collect();
            compared.why_new = why.filter(|_| !new.is_empty());
            compared.withheld = report.changed.iter().map(named).chain(new).collect();
        }
        compared.changed = report.changed;
        Some(compared)
    }

    /// Pins tools as a report shows them, in the file too.
    pub(crate) fn approve(&self, report: &PinReport, names: &[&str]) -> Result<(), PinError> {
        {
            let _turn = held(&self.disk);
            match &self.file {
                Some(file) => {
                    if held(&self.known).there && file.stamp().is_none() {
                        return Err(file.is_gone().into());
                    }
                    let (lock, approved) = file.change(|lock| lock.approve(report, names))?;
                    approved?;
                    held(&self.known).adopt(lock);
                }
                None => held(&self.known).lock.approve(report, names)?,
            }
        }
        self.count_anew();
        Ok(())
    }

    /// Reads the file where it was written since.
    fn look_at_file(&self) {
        let Some(file) = &self.file else { return };
        let turn = held(&self.disk);
        // Taken before the file is read: what is written meanwhile is seen the next time.
        let stamp = file.stamp();
        let (looked, there) = {
            let mut known = held(&self.known);
            (known.looked.replace(stamp), known.there)
        };
        if looked == Some(stamp) {
            return;
        }
        let read = match there && stamp.is_none() {
            true => Err(file.is_gone()),
            false => file.read(),
        };
        let (differs, writes) = {
            let mut known = held(&self.known);
            let differs = match read {
                Ok(Some(lock)) => known.adopt(lock),
                Ok(None) => false,
                Err(error) => known.give_up(&error),
            };
            (differs, !known.unwritten.is_empty())
        };
        drop(turn);
        if differs {
            self.count_anew();
        }
        if writes {
            self.write();
        }
    }

    fn write_soon(self: &Arc<Self>, known: &mut Known, report: &PinReport) {
        if self.file.is_none() {
            return;
        }
        known.unwritten.pin_new(report);
        if !known.writing {
            known.writing = true;
            let pins = self.clone();
            // Nobody waits for a disk.
            spawn_blocking(move || pins.write());
        }
    }

    /// Writes the pins that are not in the file yet. What another program pinned before counts.
    pub(crate) fn write(&self) {
        let Some(file) = &self.file else { return };
        let turn = held(&self.disk);
        let (unwritten, there) = {
            let mut known = held(&self.known);
            known.writing = false;
            if known.unwritten.is_empty() || known.unusable.is_some() {
                return;
            }
            (std::mem::take(&mut known.unwritten), known.there)
        };
        let written = match there && file.stamp().is_none() {
            true => Err(file.is_gone()),
            false => file.change(|lock| lock.take_over(&unwritten)),
        };
        let differs = {
            let mut known = held(&self.known);
            match written {
                Ok((lock, ())) => known.adopt(lock),
                Err(error) => {
                    // They count as long as the program runs.
                    known.unwritten.take_over(&unwritten);
                    known.tell_once(&format!("tools are not pinned: failed to {error}"));
                    false
                }
            }
        };
        drop(turn);
        if differs {
            self.count_anew();
        }
    }

    /// Has every catalogue compared with the pins that count now.
    fn count_anew(&self) {
        let catalogues = held(&self.catalogues).clone();
        catalogues
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|it| it.compare_anew());
    }
}

impl Known {
    /// Takes what the file holds for what counts; says whether anything else does now.
    fn adopt(&mut self, mut lock: Lock) -> bool {
        lock.take_over(&self.unwritten);
        let differs = lock != self.lock || self.unusable.is_some() || !self.there;
        (self.unusable, self.there) = (None, true);
        self.lock = lock;
        differs
    }

    /// Keeps to what was known before; says whether that is news.
    fn give_up(&mut self, error: &LockFileError) -> bool {
        let error = error.to_string();
        self.there = true;
        if self.unusable.as_ref() == Some(&error) {
            return false;
        }
        self.tell_once(&format!(
            "nothing is pinned until this is mended: failed to {error}"
        ));
        self.unusable = Some(error);
        true
    }

    /// Writes a change to the log, unless that was done before.
    fn tell(&mut self, changed: &Changed, policy: Pinning) {
        let key = format!("{} {}", changed.name(), changed.pin().sha256());
        if self.told.len() < MAX_TOLD && self.told.insert(key) {
            let name = changed.name().to_string();
            let (name, what) = (clip(&name, 200), changed.summary());
            let then = match policy {
                Pinning::Block => "; it is kept back",
                _ => "",
            };
            tracing::warn!(
                "the tool {} has changed since it was approved: {what}{then}",
                Printable(&name)
            );
        }
    }

    fn tell_once(&mut self, text: &str) {
        if self.told.len() < MAX_TOLD && self.told.insert(text.to_owned()) {
            tracing::warn!("{text}");
        }
    }
}

fn named(changed: &Changed) -> String {
    changed.name().name().to_owned()
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is replaced as a whole, so a panic elsewhere does no harm.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

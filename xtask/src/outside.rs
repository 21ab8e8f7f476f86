//! Parts that others wrote and published, each pinned and installed once, for the commands that drive them. It must not
//! know what they are for.

mod debian;
mod install;
mod machine;
mod part;

use std::collections::BTreeMap;
use std::fs::File;

use anyhow::{Result, bail};
use xshell::Shell;

use crate::skipped::Skipped;

pub(crate) use install::{Installed, all, present};
#[cfg(test)]
pub(crate) use part::version;
pub(crate) use part::{Part, Registry, part};

/// Where the parts lie, each in a folder of its own, which bears its name.
pub(crate) const FOLDER: &str = "target/interop";

/// The reason that is no fault of ours.
pub(crate) const UNREACHABLE: &str = "registry unreachable";

/// Waits until no other run is at work in the same folder, and keeps the next one waiting as long as this is held.
pub(crate) fn alone(sh: &Shell) -> Result<File> {
    sh.create_dir(FOLDER)?;
    let file = File::create(sh.current_dir().join(FOLDER).join("lock"))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another run to end");
        file.lock()?;
    }
    Ok(file)
}

/// What missing parts mean for a run: nothing if there are none, else that it was skipped.
///
/// # Errors
/// [`Skipped`] with every reason; where the parts are required, an error for any reason but [`UNREACHABLE`].
pub(crate) fn excuse(skipped: &BTreeMap<&'static str, String>, required: bool) -> Result<()> {
    let mut reasons: Vec<&str> = skipped.values().map(String::as_str).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let ours: Vec<&str> = reasons
        .iter()
        .copied()
        .filter(|why| !why.ends_with(UNREACHABLE))
        .collect();
    if required && !ours.is_empty() {
        bail!("parts were skipped: {}", ours.join("; "));
    }
    match reasons.as_slice() {
        [] => Ok(()),
        _ if ours.is_empty() => Err(Skipped::new(UNREACHABLE).into()),
        reasons => Err(Skipped::new(reasons.join("; ")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excused(required: bool, skipped: &[(&'static str, &str)]) -> Option<anyhow::Error> {
        let skipped = skipped
            .iter()
            .map(|(part, why)| (*part, (*why).to_owned()))
            .collect();
        excuse(&skipped, required).err()
    }

    #[test]
    fn only_an_unreachable_registry_excuses_a_required_run() {
        let why = |error: anyhow::Error| {
            error
                .downcast_ref::<Skipped>()
                .map(|it| it.why().to_owned())
        };
        assert!(excused(true, &[]).is_none());
        let error = excused(true, &[("git", UNREACHABLE), ("time", UNREACHABLE)]).unwrap();
        assert_eq!(why(error).as_deref(), Some(UNREACHABLE));
        let mixed = [("git", UNREACHABLE), ("memory", "npm is missing")];
        assert_eq!(
            excused(true, &mixed).unwrap().to_string(),
            "parts were skipped: npm is missing"
        );
        assert_eq!(
            why(excused(false, &mixed).unwrap()).as_deref(),
            Some("npm is missing; registry unreachable")
        );
    }
}

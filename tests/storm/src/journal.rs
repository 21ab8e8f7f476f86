//! What servers did, as they write it down: a line for each call that was acted on, in one file for each server. It is
//! the truth that callers' outcomes are held against. It must not know how a call came there.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// What is written, unbuffered, so that nothing is lost with the process.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    /// Goes on where an earlier process ended.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("`{}` cannot be written", path.display()))?;
        Ok(Self(file))
    }

    /// Writes that a call was acted on, in one piece.
    pub(crate) fn write(&self, call: u64) -> std::io::Result<()> {
        (&self.0).write_all(format!("{call}\n").as_bytes())
    }
}

/// How often each call was acted on, by all servers together.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<u64, usize>> {
    let mut times = BTreeMap::new();
    for entry in folder.read_dir()? {
        for line in std::fs::read_to_string(entry?.path())?.lines() {
            let call = line
                .parse()
                .with_context(|| format!("`{line}` is no call"))?;
            *times.entry(call).or_default() += 1;
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_servers_and_processes_wrote_is_added_up() {
        let folder = tempfile::tempdir().unwrap();
        for (file, call) in [("a", 1), ("a", 2), ("b", 2)] {
            let journal = Journal::open(&folder.path().join(file)).unwrap();
            journal.write(call).unwrap();
        }
        let times = read(folder.path()).unwrap();
        assert_eq!(times, BTreeMap::from([(1, 1), (2, 2)]));
    }
}

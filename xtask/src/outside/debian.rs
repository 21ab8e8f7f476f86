//! Debian's packages, unpacked into a part's folder with all that they need and this machine lacks: nothing is installed,
//! and no rights are wanted. It must not know what they are for.

use anyhow::Result;
use xshell::{Shell, cmd};

use super::install::attempt;
use super::part::Part;

/// Where the packages lie unpacked, in a part's folder.
const ROOT: &str = "root";
/// Where they lie packed, until then.
const ARCHIVES: &str = "archives";

/// Downloads and unpacks in the current folder; the inner error is what apt said.
pub(super) fn fetch(sh: &Shell, part: &Part) -> Result<Result<(), String>> {
    sh.create_dir(format!("{ARCHIVES}/partial"))?;
    sh.create_dir("lists/partial")?;
    let here = sh.current_dir();
    let here = here.display();
    // Locks are those of the machine's own cache, which is not used.
    let ours = [
        format!("Dir::Cache={here}/cache"),
        format!("Dir::Cache::archives={here}/{ARCHIVES}"),
        "Debug::NoLocking=1".to_owned(),
    ];
    let mut options: Vec<&str> = ours.iter().flat_map(|it| ["-o", it]).collect();
    let first = download(sh, part, &options)?;
    if let Err(said) = first {
        // The machine's lists are old, or there are none.
        let lists = format!("Dir::State::lists={here}/lists");
        options.extend(["-o", lists.as_str()]);
        let options = options.as_slice();
        let update = attempt(cmd!(sh, "apt-get update {options...}"))?;
        let second = download(sh, part, options)?;
        if let Err(again) = second {
            let update = update.err().unwrap_or_default();
            return Ok(Err(format!("{said}\n{update}\n{again}")));
        }
    }
    let unpacked = unpack(sh)?;
    for done in [ARCHIVES, "cache", "lists"] {
        sh.remove_path(done)?;
    }
    Ok(unpacked)
}

fn download(sh: &Shell, part: &Part, options: &[&str]) -> Result<Result<(), String>> {
    let (pin, with) = (part.pin, part.with);
    attempt(cmd!(
        sh,
        "apt-get install --yes --download-only --no-install-recommends {options...} {pin} {with...}"
    ))
}

fn unpack(sh: &Shell) -> Result<Result<(), String>> {
    sh.create_dir(ROOT)?;
    for path in sh.read_dir(ARCHIVES)? {
        if path.extension().is_none_or(|it| it != "deb") {
            continue;
        }
        let unpacked = attempt(cmd!(sh, "dpkg-deb --extract {path} {ROOT}"))?;
        if unpacked.is_err() {
            return Ok(unpacked);
        }
    }
    Ok(Ok(()))
}

//! `cargo xtask interop [--json] [--only NAME] [--required] [--write]`: real servers and real clients, which nobody
//! here wrote, against Manyhands.
//!
//! This installs them and shows what came of it; `tests/interop` drives them. Registries are asked only while
//! installing; what runs then talks to pipes. It must not know what a check does.

mod install;
mod machine;
mod page;
mod parts;
mod rows;

use std::fs::File;

use crate::splice::splice;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::commands::{Usage, nearest};
use crate::skipped::Skipped;
use install::{Installed, UNREACHABLE};
use parts::{PARTS, Part};
use rows::Row;

#[derive(Default)]
struct Options {
    json: bool,
    required: bool,
    write: bool,
    only: Option<&'static Part>,
}

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    let _alone = alone(sh)?;
    let installed = install::all(sh, &parts::wanted(options.only))?;
    let printed = drive(sh, &options, &installed)?;
    let rows = rows::read(&printed)?;
    if options.json {
        println!(
            "{}",
            json!({"rows": with_versions(printed, &rows), "skipped": installed.skipped})
        );
    } else {
        print!("{}", rows::report(&rows, &installed.skipped));
    }
    if options.write {
        write(sh, &rows, &installed)?;
    }
    conclude(&options, &rows, &installed)
}

fn options(arguments: &[String]) -> Result<Options, Usage> {
    let mut options = Options::default();
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--json" => options.json = true,
            "--required" => options.required = true,
            "--write" => options.write = true,
            "--only" => {
                let name = words.next().unwrap_or_default();
                let known = || PARTS.iter().map(|part| part.name);
                let unknown = || {
                    let nearest = nearest(name, known()).unwrap_or_default();
                    let all = known().collect::<Vec<_>>().join(", ");
                    Usage(format!(
                        "no part `{name}`; the nearest is `{nearest}`, all are {all}"
                    ))
                };
                let found = PARTS.iter().find(|part| part.name == name);
                options.only = Some(found.ok_or_else(unknown)?);
            }
            other => return Err(Usage(format!("`interop` takes no `{other}`"))),
        }
    }
    if options.write && options.only.is_some() {
        return Err(Usage(
            "`--write` is for a whole run; leave out `--only`".to_owned(),
        ));
    }
    Ok(options)
}

/// Waits until no other run is at work in the same folder, and keeps the next one waiting as long as this is held.
fn alone(sh: &Shell) -> Result<File> {
    sh.create_dir("target/interop")?;
    let file = File::create(sh.current_dir().join("target/interop/lock"))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another run to end");
        file.lock()?;
    }
    Ok(file)
}

/// Builds the binary and the program that drives the parts, and runs it.
fn drive(sh: &Shell, options: &Options, installed: &Installed) -> Result<Value> {
    let plan = json!({
        "parts": installed.folders,
        "only": options.only.map(|part| part.name),
        "node": installed.node,
        "scripts": sh.current_dir().join("tests/interop/clients"),
    });
    let path = sh.current_dir().join("target/interop/plan.json");
    sh.write_file(&path, plan.to_string())?;
    cmd!(
        sh,
        "cargo build --quiet --locked -p manyhands-cli -p manyhands-interop"
    )
    .quiet()
    .run()?;
    let printed = cmd!(
        sh,
        "cargo run --quiet --locked -p manyhands-interop -- {path}"
    )
    .quiet()
    .read()
    .context("the interop program did not come to an end")?;
    serde_json::from_str(&printed).context("what the interop program printed is not JSON")
}

fn with_versions(mut printed: Value, rows: &[Row]) -> Value {
    for (value, row) in printed.as_array_mut().into_iter().flatten().zip(rows) {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("version".to_owned(), json!(row.version));
        }
    }
    printed
}

/// Renews the page. A run with gaps would take away what is known of the missing parts.
fn write(sh: &Shell, rows: &[Row], installed: &Installed) -> Result<()> {
    if !installed.skipped.is_empty() {
        bail!("`{}` is not written: parts were skipped", page::PATH);
    }
    let node = &installed.node;
    let node = cmd!(sh, "{node} --version").quiet().read()?;
    let python = cmd!(sh, "python3 --version").quiet().read()?;
    let cores = std::thread::available_parallelism()?;
    let conditions = format!("{cores} cores, Node {node}, {python}, a debug build of Manyhands.");
    let old = sh.read_file(page::PATH)?;
    sh.write_file(
        page::PATH,
        splice(&old, page::COMMAND, &page::body(rows, &conditions))?,
    )?;
    Ok(())
}

fn conclude(options: &Options, rows: &[Row], installed: &Installed) -> Result<()> {
    let failed: usize = rows.iter().map(|row| row.failures().count()).sum();
    if failed > 0 {
        bail!("{failed} checks failed; run one part alone with `cargo xtask interop --only NAME`");
    }
    let mut reasons: Vec<&str> = installed.skipped.values().map(String::as_str).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let ours: Vec<&str> = reasons
        .iter()
        .copied()
        .filter(|why| !why.ends_with(UNREACHABLE))
        .collect();
    if options.required && !ours.is_empty() {
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
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, Usage> {
        options(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_read_and_wrong_ones_are_told() {
        let both = parsed(&["--json", "--only", "git"]).unwrap();
        assert!(both.json && !both.required && both.only.unwrap().name == "git");
        let error = |words: &[&str]| parsed(words).err().unwrap().to_string();
        assert!(error(&["--only", "gti"]).starts_with("no part `gti`; the nearest is `git`"));
        assert_eq!(error(&["--fast"]), "`interop` takes no `--fast`");
        assert_eq!(
            error(&["--write", "--only", "git"]),
            "`--write` is for a whole run; leave out `--only`"
        );
        assert!(error(&["--only"]).starts_with("no part ``"));
    }

    fn concluded(required: bool, skipped: &[(&'static str, &str)]) -> Option<anyhow::Error> {
        let installed = Installed {
            folders: BTreeMap::new(),
            skipped: skipped
                .iter()
                .map(|(part, why)| (*part, (*why).to_owned()))
                .collect(),
            node: PathBuf::new(),
        };
        let options = Options {
            required,
            ..Options::default()
        };
        conclude(&options, &[], &installed).err()
    }

    #[test]
    fn only_an_unreachable_registry_excuses_a_required_run() {
        let why = |error: anyhow::Error| {
            error
                .downcast_ref::<Skipped>()
                .map(|it| it.why().to_owned())
        };
        assert!(concluded(true, &[]).is_none());
        let error = concluded(true, &[("git", UNREACHABLE), ("time", UNREACHABLE)]).unwrap();
        assert_eq!(why(error).as_deref(), Some(UNREACHABLE));
        let mixed = [("git", UNREACHABLE), ("memory", "npm is missing")];
        assert_eq!(
            concluded(true, &mixed).unwrap().to_string(),
            "parts were skipped: npm is missing"
        );
        assert_eq!(
            why(concluded(false, &mixed).unwrap()).as_deref(),
            Some("npm is missing; registry unreachable")
        );
    }
}

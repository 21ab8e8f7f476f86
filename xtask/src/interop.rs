//! `cargo xtask interop [--json] [--only NAME] [--required] [--write]`: real servers, real clients, a real authorization
//! server and a real keyring, which nobody here wrote, against Manyhands.
//!
//! This installs them and shows what came of it; `tests/interop` drives them. Registries are asked only while
//! installing; what runs then talks to pipes and to this machine. It must not know what a check does.

mod page;
mod parts;
mod rows;

use std::path::PathBuf;

use crate::splice::splice;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::commands::{Usage, nearest};
use crate::outside::{self, FOLDER, Installed, Part};
use parts::PARTS;
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
    let _alone = outside::alone(sh)?;
    let installed = outside::all(sh, &parts::wanted(options.only))?;
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

/// Writes an `mcp.json` of the real servers that are installed; none where there are none. They work in a folder beside it.
pub(crate) fn config(sh: &Shell) -> Result<Option<PathBuf>> {
    let installed = outside::present(sh, &parts::wanted(None))?;
    if installed.folders.is_empty() {
        return Ok(None);
    }
    let plan = plan(sh, None, &installed)?;
    let folder = sh.current_dir().join(FOLDER).join("servers");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    let config = cmd!(
        sh,
        "cargo run --quiet --locked -p manyhands-interop -- --config {plan} {folder}"
    )
    .quiet()
    .read()?;
    let path = folder.join("mcp.json");
    sh.write_file(&path, config)?;
    Ok(Some(path))
}

/// Builds the binary and the program that drives the parts, and runs it.
fn drive(sh: &Shell, options: &Options, installed: &Installed) -> Result<Value> {
    let path = plan(sh, options.only, installed)?;
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

/// Writes down what the program has to know.
fn plan(sh: &Shell, only: Option<&Part>, installed: &Installed) -> Result<PathBuf> {
    let plan = json!({
        "parts": installed.folders,
        "only": only.map(|part| part.name),
        "node": installed.node,
        "scripts": sh.current_dir().join("tests/interop"),
    });
    let path = sh.current_dir().join(FOLDER).join("plan.json");
    sh.write_file(&path, plan.to_string())?;
    Ok(path)
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
    outside::excuse(&installed.skipped, options.required)
}

#[cfg(test)]
mod tests {
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
}

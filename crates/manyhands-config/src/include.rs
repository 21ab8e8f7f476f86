//! Files that a configuration includes: found, read once, and held until the whole is resolved.
//!
//! A fragment is another `mcp.json`, read by the same rules. One that is broken costs only its own servers.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::document::{Document, Node, Value, shown};
use crate::error::{ConfigError, EntryErrorKind, Fault};
use crate::file::{LOCK, Material, Source, absolute, read_text};
use crate::variables::Variables;
use crate::warning::{Warning, WarningKind};

/// How deeply files may include files.
const MAX_DEPTH: usize = 3;

/// How many files a configuration may include in all.
const MAX_FILES: usize = 100;

/// How much all included files may hold together, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// The endings of files that are taken from a folder.
const ENDINGS: [&str; 2] = ["json", "jsonc"];

/// A file that is included, as it was read.
pub(crate) struct Fragment {
    /// What messages call it: the path as it came together.
    pub(crate) label: String,
    pub(crate) owner: Option<String>,
    /// The text; none where it could not be read.
    pub(crate) text: Option<String>,
    pub(crate) material: Result<Material, Fault>,
}

/// What an `include` leads to.
#[derive(Default)]
pub(crate) struct Included {
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) warnings: Vec<Warning>,
}

/// The `include` of a file, if it has one.
pub(crate) fn of(root: &Node) -> Option<&Node> {
    let section = root.get("manyhands")?;
    section.node.get("include").map(|include| &include.node)
}

/// Reads all that `document` includes, directly and by what it includes.
pub(crate) fn read(document: &Document, source: &Source, variables: &dyn Variables) -> Included {
    let mut walk = Walk {
        variables,
        seen: HashSet::new(),
        bytes: 0,
        included: Included::default(),
    };
    // The file itself, where it is one, cannot be included again.
    walk.seen.extend(Path::new(source.label()).canonicalize());
    walk.follow(document, source, None, 1);
    walk.included
}

struct Walk<'a> {
    variables: &'a dyn Variables,
    seen: HashSet<PathBuf>,
    bytes: usize,
    included: Included,
}

impl Walk<'_> {
    /// Reads what stands in one file's `include`.
    fn follow(&mut self, document: &Document, source: &Source, owner: Option<&str>, depth: usize) {
        let Some(include) = of(&document.root) else {
            return;
        };
        let items = match &include.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(include),
        };
        for item in items {
            let path = item.text().or_else(|| item.get("path")?.node.text());
            let own = item.get("owner").and_then(|it| it.node.text());
            let Some(path) = path else {
                let what = format!("expected a path, found {}", item.kind());
                self.odd(source, item.line, &what);
                continue;
            };
            if depth > MAX_DEPTH {
                let what = format!("files include files more than {MAX_DEPTH} deep");
                self.odd(source, item.line, &what);
                continue;
            }
            let owner = own.or(owner).map(shown);
            match matching(source.folder(), path) {
                Ok(files) => {
                    for file in files {
                        self.fragment(&file, owner.as_deref(), (source, item.line), depth);
                    }
                }
                Err(what) => self.odd(source, item.line, &what),
            }
        }
    }

    /// Reads one file, and what it includes.
    fn fragment(&mut self, path: &Path, owner: Option<&str>, by: (&Source, usize), depth: usize) {
        let (from, line) = by;
        let label = path.display().to_string();
        if path
            .canonicalize()
            .is_ok_and(|path| !self.seen.insert(path))
        {
            let what = format!("{} is included already", shown_path(&label));
            return self.odd(from, line, &what);
        }
        if self.included.fragments.len() == MAX_FILES {
            let what = format!(
                "more than {MAX_FILES} files are included; this one and those after it are not"
            );
            return self.odd(from, line, &what);
        }
        let source = Source::of_file(path);
        let left = MAX_BYTES.saturating_sub(self.bytes);
        // Opening a pipe would wait for somebody to write.
        let is_special = path.exists() && !path.is_file() && !path.is_dir();
        let special = || ConfigError::included(&label, "it is not a regular file");
        let read = if is_special {
            Err(special())
        } else {
            read_text(path, &label)
        };
        let read = read.and_then(|text| {
            if text.len() > left {
                let what = "the included files hold more than 4 MiB together";
                return Err(ConfigError::included(&label, what));
            }
            Ok(text)
        });
        let (text, parsed) = match read {
            Ok(text) => {
                let parsed = Material::alone(&text, source.clone(), self.variables);
                (Some(text), parsed)
            }
            Err(error) => (None, Err(error)),
        };
        self.bytes += text.as_ref().map_or(0, String::len);
        let place = self.included.fragments.len();
        self.included.fragments.push(Fragment {
            label,
            owner: owner.map(str::to_owned),
            text,
            material: Err(Fault::new(EntryErrorKind::Include, "")),
        });
        let material = parsed.map_err(|error| fault(&error)).inspect(|material| {
            self.follow(&material.document, &source, owner, depth + 1);
        });
        if let Some(fragment) = self.included.fragments.get_mut(place) {
            fragment.material = material;
        }
    }

    fn odd(&mut self, source: &Source, line: usize, what: &str) {
        let place = shown_path(source.label());
        let message = format!("manyhands.include ({place}, line {line}): {what}");
        let warning = Warning::new(WarningKind::Include, line, message);
        if self.included.warnings.len() < MAX_FILES {
            self.included.warnings.push(warning);
        }
    }
}

/// What is wrong with a file, as the fault of an entry that stands for it.
fn fault(error: &ConfigError) -> Fault {
    let mut fault = Fault::new(EntryErrorKind::Include, error.what());
    fault.line = error.line();
    fault.mend = error.mend().map(str::to_owned);
    fault
}

/// The files that a path means: a file, those in a folder, or those that a pattern in its last part fits, by name.
fn matching(folder: &Path, written: &str) -> Result<Vec<PathBuf>, String> {
    let path = absolute(folder, Path::new(written));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let (folder, pattern) = if path.is_dir() {
        (path.as_path(), None)
    } else if name.contains(['*', '?']) {
        (path.parent().unwrap_or(&path), Some(name))
    } else {
        return Ok(vec![path]);
    };
    let fits = |candidate: &str| match pattern {
        Some(pattern) => is_match(pattern.as_bytes(), candidate.as_bytes()),
        None => has_ending(candidate),
    };
    let entries = fs::read_dir(folder).map_err(|error| {
        format!(
            "{} cannot be read: {error}",
            shown_path(&folder.display().to_string())
        )
    })?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with('.') && !is_lock(name) && fits(name))
        .collect();
    names.sort();
    let files = names.into_iter().map(|name| folder.join(name));
    Ok(files.filter(|file| file.is_file()).collect())
}

/// Whether it is the name of a file with pins, which looks as if it listed servers.
fn is_lock(name: &str) -> bool {
    let stem = name.strip_suffix(LOCK);
    stem.is_some_and(|stem| stem.ends_with('.'))
}

fn has_ending(name: &str) -> bool {
    let ending = Path::new(name)
        .extension()
        .and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Whether a name fits a pattern of `*`, `?` and letters. Time is bounded by the product of their lengths.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while let Some(letter) = name.get(place) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(wanted) if wanted == letter || *wanted == b'?' => {
                at += 1;
                place += 1;
            }
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    at = *after + 1;
                    place = *from;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

fn shown_path(path: &str) -> String {
    manyhands_core::Printable(&manyhands_core::clip(path, 1_024)).to_string()
}

#[cfg(test)]
mod tests;

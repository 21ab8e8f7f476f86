//! A folder stays small, and what is not ours stays in it.

use super::*;
use crate::manifest::bounds::{MAX_BYTES, MAX_FILES, enforce};

fn aged(path: &Path, hours: u64) -> fs::File {
    let file = fs::File::create(path).unwrap();
    let time = SystemTime::now() - Duration::from_secs(hours * 3600);
    file.set_modified(time).unwrap();
    file
}

#[test]
fn the_manifests_unused_for_longest_go() {
    let case = Case::new();
    let folder = case.folder.path();
    case.write(&manifest(1)).unwrap();
    let name = |n: usize| format!("old-{n:032x}.json");
    for n in 0..MAX_FILES + 20 {
        aged(&folder.join(name(n)), n as u64 + 1);
    }
    let foreign = [
        "notes.json",
        "old-1.json",
        "a b-00000000000000000000000000000000.json",
    ];
    for name in foreign {
        aged(&folder.join(name), 100_000);
    }
    case.write(&manifest(2)).unwrap();
    let left = names(folder);
    assert!(case.read().is_some());
    // The key, and what is not ours.
    assert_eq!(left.len(), MAX_FILES + 1 + foreign.len());
    assert!(left.contains(&name(MAX_FILES - 2)) && !left.contains(&name(MAX_FILES - 1)));
    assert!(
        foreign
            .iter()
            .all(|name| left.contains(&(*name).to_owned()))
    );
}

#[test]
fn all_manifests_together_are_bounded_in_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["new", "older", "oldest"].map(|name| format!("{name}-{}.json", "0".repeat(32)));
    for (hours, name) in names.iter().enumerate() {
        let file = aged(&dir.path().join(name), hours as u64);
        file.set_len(MAX_BYTES / 2).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours as u64))
            .unwrap();
    }
    enforce(dir.path());
    assert_eq!(super::names(dir.path()), names[..2]);
}

#[test]
fn drafts_of_killed_processes_go_after_a_while() {
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    let folder = case.folder.path();
    let draft = |n: u8| case.file().with_added_extension(format!("{n:016x}.tmp"));
    let key = folder.join(format!("manifest.key.{:016x}.tmp", 5));
    drop([
        aged(&draft(1), 2),
        aged(&draft(2), 0),
        aged(&key, 2),
        aged(&folder.join("my.tmp"), 9),
    ]);
    case.write(&manifest(2)).unwrap();
    assert_eq!(
        [draft(1), draft(2), key, folder.join("my.tmp")].map(|it| it.exists()),
        [false, true, false, true]
    );
}

#[test]
fn what_is_too_large_is_not_kept_and_takes_the_last_one_along() {
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    let mut large = manifest(0);
    let item = json!([{"uri": "x:", "name": "x".repeat(1 << 20)}]);
    let item = &list(item)[0];
    large.inventory.resources = vec![Arc::clone(item); 33];
    let error = case.write(&large).unwrap_err();
    assert_eq!(error.kind(), ManifestErrorKind::TooLarge);
    assert!(
        error.to_string().contains("which would be over 32 MiB; "),
        "{error}"
    );
    assert_eq!(names(case.folder.path()), ["manifest.key"]);
}

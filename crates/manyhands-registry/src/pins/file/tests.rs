//! Many who read and change one file, and files that are not as they should be.

use std::thread::scope;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::Catalogue;
use crate::pins::PinReport;
use crate::samples::{id, offering};

struct Place {
    folder: TempDir,
    file: LockFile,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = LockFile::new(folder.path().join("mcp.lock.json"));
        Self { folder, file }
    }

    fn write(&self, text: &str) {
        fs::write(self.file.path(), text).unwrap();
    }

    /// The names of all files in the folder.
    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

/// What is new where a server offers this tool.
fn new_tool(name: &str) -> PinReport {
    let tool = json!({"name": name, "inputSchema": {}});
    let (catalogue, _) = Catalogue::new([id("s")]).with_inventory(&id("s"), &offering(&[tool]));
    Lock::default().compare(&catalogue)
}

#[test]
fn of_many_who_pin_at_once_nobody_loses_a_pin() {
    let place = Place::new();
    scope(|scope| {
        for thread in 0..8 {
            let file = LockFile::new(place.file.path());
            scope.spawn(move || {
                for n in 0..10 {
                    let report = new_tool(&format!("t{thread}-{n}"));
                    file.change(|lock| lock.pin_new(&report)).unwrap();
                }
            });
        }
    });
    let lock = place.file.read().unwrap().unwrap();
    assert_eq!(lock.pins().count(), 80);
    assert_eq!(place.files(), ["mcp.lock.json"]);
}

#[test]
fn whoever_comes_second_changes_what_the_first_one_left() {
    let place = Place::new();
    let mut calls = 0;
    let (lock, ()) = place
        .file
        .change(|lock| {
            calls += 1;
            if calls == 1 {
                // A program that asks nobody for its turn.
                let mut other = Lock::default();
                other.pin_new(&new_tool("theirs"));
                place.write(&other.to_string());
            }
            lock.pin_new(&new_tool("ours"));
        })
        .unwrap();
    assert_eq!((calls, lock.pins().count()), (2, 2));
    assert_eq!(place.file.read().unwrap().unwrap(), lock);
}

#[test]
fn a_file_that_is_not_there_is_made_by_the_first_pin_only() {
    let place = Place::new();
    assert_eq!(place.file.read(), Ok(None));
    place.file.change(|_| ()).unwrap();
    assert_eq!((place.file.stamp(), place.files().len()), (None, 0));
    let pin = |name| place.file.change(|lock| lock.pin_new(&new_tool(name)));
    pin("a").unwrap();
    let first = place.file.stamp();
    assert!(first.is_some());
    pin("a").unwrap();
    assert_eq!(place.file.stamp(), first, "nothing was there to write");
    pin("b").unwrap();
    assert_ne!(place.file.stamp(), first);
}

#[test]
fn what_cannot_be_read_is_told_by_name_and_line_and_stays() {
    let place = Place::new();
    let broken = "{\n  \"version\": 1,\n  \"servers\": {<<<<<<< HEAD\n";
    place.write(broken);
    let error = place.file.read().unwrap_err();
    assert_eq!(error.line(), Some(3));
    let text = error
        .to_string()
        .replace(place.folder.path().to_str().unwrap(), "..");
    assert!(
        text.starts_with("read the pinned tools in ../mcp.lock.json: ")
            && text.contains("at line 3"),
        "{text}"
    );
    assert_eq!(place.file.change(|_| ()).unwrap_err(), error);
    assert_eq!(fs::read_to_string(place.file.path()).unwrap(), broken);

    fs::write(place.file.path(), [0xff, 0xfe]).unwrap();
    assert!(
        place
            .file
            .read()
            .unwrap_err()
            .to_string()
            .contains("it is not UTF-8")
    );
    fs::remove_file(place.file.path()).unwrap();
    fs::create_dir(place.file.path()).unwrap();
    let error = place.file.change(|_| ()).unwrap_err().to_string();
    assert!(error.contains("it is no regular file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_stays_one_and_permissions_stay_as_they_are() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let place = Place::new();
    place
        .file
        .change(|lock| lock.pin_new(&new_tool("a")))
        .unwrap();
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(place.file.path(), mode).unwrap();
    let link = LockFile::new(place.folder.path().join("link.json"));
    symlink("mcp.lock.json", link.path()).unwrap();
    link.change(|lock| lock.pin_new(&new_tool("b"))).unwrap();
    assert!(link.path().is_symlink());
    assert_eq!(place.file.read().unwrap().unwrap().pins().count(), 2);
    let about = fs::metadata(place.file.path()).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o640);
}

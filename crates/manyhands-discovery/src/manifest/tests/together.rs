//! Threads and processes at one entry at once: nobody sees half of anything, and all agree on one key.

use std::process::{Child, Command};

use super::*;

/// Names the folder of a helper.
const FOLDER: &str = "MANYHANDS_TEST_MANIFESTS";

/// Writes and reads one entry many times over, as others do.
fn contend(folder: &ManifestFolder) {
    let server = ServerId::parse("git").unwrap();
    let print = Fingerprint::of(["git"]);
    let sizes = [0, 8, 80];
    let known = sizes.map(manifest);
    let expected = known.each_ref().map(seen);
    for manifest in known.iter().cycle().take(60) {
        folder.write(&server, &print, "me", manifest).unwrap();
        // A key of one's own would make it none.
        let read = folder.read(&server, &print, "me").unwrap();
        assert!(expected.contains(&seen(&read)));
    }
}

/// Whether only one entry was ever used, and nothing was left behind.
fn is_one_entry(folder: &Path) {
    let names = names(folder);
    assert!(
        matches!(names.as_slice(), [one, key] if one.starts_with("git-") && key == "manifest.key"),
        "{names:?}"
    );
}

#[test]
fn threads_share_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made");
    let told = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Warnings::of(|| contend(&ManifestFolder::new(&path)))))
            .collect();
        let told = threads.into_iter().map(|it| it.join().unwrap());
        told.flatten().collect::<Vec<_>>()
    });
    assert_eq!(told, [""; 0]);
    is_one_entry(&path);
}

#[test]
#[ignore = "it is what the processes of the next test do"]
fn helper() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let told = Warnings::of(|| contend(&ManifestFolder::new(folder)));
        assert_eq!(told, [""; 0]);
    }
}

#[test]
fn processes_share_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made");
    let start = |_| -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "manifest::tests::together::helper", "--ignored"])
            .env(FOLDER, &path)
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = (0..4).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    is_one_entry(&path);
}

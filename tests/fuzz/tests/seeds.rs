//! The committed seeds, and with them every input that once broke a promise: they run in each test run.

use std::path::Path;

use manyhands_fuzz::TARGETS;

#[test]
fn every_seed_is_read_without_a_panic() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(target.name);
        let mut count = 0;
        for entry in std::fs::read_dir(&folder).expect("each target has seeds") {
            let path = entry.unwrap().path();
            eprintln!("{}", path.display());
            (target.run)(&std::fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count >= 3, "{} has {count} seeds", target.name);
    }
}

#[test]
fn every_folder_of_seeds_belongs_to_a_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for entry in std::fs::read_dir(seeds).unwrap() {
        let name = entry.unwrap().file_name();
        let known = TARGETS.iter().any(|target| target.name == name);
        assert!(known, "{} names no target", name.display());
    }
}

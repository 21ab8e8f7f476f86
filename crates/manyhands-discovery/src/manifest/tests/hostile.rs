//! Files and folders that nobody should believe: each is ignored, with one warning, and mended by the next writing where
//! that can be.

use super::*;
use crate::manifest::place::MAX_FILE;

/// Changes the text of a file.
fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, change(text)).unwrap();
}

/// Changes the JSON of a file.
fn edit_json(file: &Path, change: impl FnOnce(&mut Value)) {
    edit(file, |text| {
        let mut json = serde_json::from_str(&text).unwrap();
        change(&mut json);
        json.to_string()
    });
}

/// What is done to a file, and what is said of it.
type Damage = (fn(&Path), &'static str);

const DAMAGES: &[Damage] = &[
    (|file| fs::write(file, "").unwrap(), "which is damaged"),
    (
        |file| fs::write(file, [0; 4096]).unwrap(),
        "which is damaged",
    ),
    (
        |file| fs::write(file, [0xff, 0xfe]).unwrap(),
        "which is damaged",
    ),
    (
        |file| edit(file, |text| text.chars().take(text.len() / 2).collect()),
        "which is damaged",
    ),
    (|file| edit(file, |text| text + "x"), "which is damaged"),
    (
        |file| fs::write(file, "[".repeat(100_000)).unwrap(),
        "which is damaged",
    ),
    (
        |file| fs::write(file, "{}").unwrap(),
        "which is no manifest",
    ),
    (
        |file| fs::write(file, "[null]").unwrap(),
        "which is no manifest",
    ),
    (
        |file| edit_json(file, |it| it["tools"] = json!({})),
        "which is no manifest",
    ),
    (
        |file| edit_json(file, |it| it["learned"] = json!(u64::MAX)),
        "which is no manifest",
    ),
    (
        |file| edit_json(file, |it| it["protocol"] = json!("x".repeat(1000))),
        "which is no manifest",
    ),
    (
        |file| edit_json(file, |it| it["format"] = json!(2)),
        "which is of another version",
    ),
    (
        |file| fs::write(file, r#"{"format":7}"#).unwrap(),
        "which is of another version",
    ),
    (
        |file| edit_json(file, |it| it["owner"]["server"] = json!("hub")),
        "which is about another server",
    ),
    (
        |file| edit_json(file, |it| it["owner"]["entry"] = json!("0")),
        "which is about another server",
    ),
    (
        |file| {
            fs::File::create(file)
                .unwrap()
                .set_len(MAX_FILE + 1)
                .unwrap();
        },
        "which is over",
    ),
    (
        |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        },
        "which is a folder",
    ),
];

#[cfg(unix)]
const UNIX_DAMAGES: &[Damage] = &[
    (
        |file| {
            let elsewhere = file.with_extension("moved");
            fs::rename(file, &elsewhere).unwrap();
            std::os::unix::fs::symlink(elsewhere, file).unwrap();
        },
        "which is a link",
    ),
    (
        |file| {
            fs::remove_file(file).unwrap();
            drop(std::os::unix::net::UnixListener::bind(file).unwrap());
        },
        "which is no ordinary file",
    ),
    (|file| set_mode(file, 0o620), "which others may write"),
    (|file| set_mode(file, 0o602), "which others may write"),
];

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Reads twice; gives what was warned of.
fn ignored(case: &Case) -> String {
    let told = Warnings::of(|| {
        assert!(case.read().is_none());
        assert!(case.read().is_none());
    });
    let [told] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(told.contains("; "), "no mend: {told}");
    told.clone()
}

#[test]
fn a_damaged_file_is_ignored_and_replaced() {
    let mut damages = DAMAGES.to_vec();
    #[cfg(unix)]
    damages.extend(UNIX_DAMAGES);
    for (damage, said) in damages {
        let case = Case::new();
        case.write(&manifest(1)).unwrap();
        damage(&case.file());
        let told = ignored(&case);
        assert!(told.contains(said), "{said}: {told}");
        assert!(told.contains(case.file().to_str().unwrap()), "{told}");
        if case.file().is_dir() {
            let error = case.write(&manifest(1)).unwrap_err();
            assert_eq!(error.kind(), ManifestErrorKind::Inaccessible);
        } else {
            case.write(&manifest(1)).unwrap();
            assert!(case.read().is_some(), "{said}");
        }
    }
}

#[test]
fn a_file_under_anothers_name_is_not_theirs() {
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    let mine = case.file();
    let yours = case.folder.place(&case.server, &case.print, "you");
    fs::copy(mine, yours.unwrap().unwrap().file).unwrap();
    assert!(case.folder.read(&case.server, &case.print, "you").is_none());
}

#[test]
fn a_broken_key_is_told_once_for_all_servers() {
    for key in [&[] as &[u8], &[1; 31], &[1; 33]] {
        let case = Case::new();
        case.write(&manifest(1)).unwrap();
        fs::write(case.folder.path().join("manifest.key"), key).unwrap();
        let told = Warnings::of(|| {
            for server in ["a", "b", "git"] {
                let server = ServerId::parse(server).unwrap();
                assert!(case.folder.read(&server, &case.print, "me").is_none());
            }
        });
        assert_eq!(told.len(), 1, "{told:?}");
        let error = case.write(&manifest(1)).unwrap_err().to_string();
        assert!(
            error.contains("manifest.key") && error.contains("; remove it"),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_folder_where_others_may_write_is_not_used() {
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    set_mode(case.folder.path(), 0o770);
    assert!(ignored(&case).contains("which others may write; make it yours"));
    let error = case.write(&manifest(2)).unwrap_err();
    assert_eq!(error.kind(), ManifestErrorKind::Foreign);
    set_mode(case.folder.path(), 0o755);
    assert!(case.read().is_some());
}

#[cfg(unix)]
#[test]
fn what_belongs_to_somebody_else_is_not_used() {
    let give_away = |path: &Path| std::os::unix::fs::chown(path, Some(65_534), None);
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    if give_away(&case.file()).is_err() {
        // Only root can give a file away.
        return;
    }
    assert!(ignored(&case).contains("which belongs to somebody else"));
    case.write(&manifest(1)).unwrap();
    assert!(case.read().is_some());
    give_away(case.folder.path()).unwrap();
    assert!(ignored(&case).contains("which belongs to somebody else"));
    assert!(case.write(&manifest(1)).is_err());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_a_mend() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let case = Case {
            folder: ManifestFolder::new(&path),
            ..Case::new()
        };
        let error = case.write(&manifest(1)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        assert!(
            text.ends_with(error.mend()) && !error.mend().is_empty(),
            "{text}"
        );
        assert_eq!(Warnings::of(|| assert!(case.read().is_none())).len(), 1);
    }
}

#[test]
fn items_are_read_with_the_care_of_a_servers_list() {
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    edit_json(&case.file(), |it| {
        it["tools"] = json!([
            {"name": "good", "inputSchema": {}},
            {"name": "bad"},
            {"name": "", "inputSchema": {}},
            {"name": "long", "inputSchema": {}, "description": "x".repeat(100_000)},
        ]);
        it["introduction"]["instructions"] = json!("x".repeat(1_000_000));
        it["notices"] = json!(vec![
            json!({"text": "\u{1b}[31m".repeat(2_000), "list": "x"});
            200
        ]);
    });
    let read = case.read().unwrap();
    let tools = &read.inventory.tools;
    assert_eq!(
        tools.iter().map(|it| it.name.as_ref()).collect::<Vec<_>>(),
        ["good", "long"]
    );
    assert!(tools[1].description.as_ref().unwrap().len() < 40_000);
    assert!(read.info.instructions.unwrap().len() < 70_000);
    let notices = &read.inventory.notices;
    assert!(notices.len() < 110 && notices.iter().all(|it| it.as_str().len() < 5_000));
    assert!(!notices.iter().any(|it| it.as_str().contains('\u{1b}')));
    let bad = notices
        .iter()
        .find(|it| it.as_str().starts_with("left out the tool bad"));
    assert_eq!(bad.unwrap().list(), Some(ListKind::Tools));
}

#[test]
fn a_limit_of_any_list_holds_even_if_each_item_is_fine() {
    let long = json!("x".repeat(40_000));
    for (list, name, field) in [
        ("tools", "name", "description"),
        ("prompts", "name", "title"),
        ("resources", "uri", "description"),
        ("resourceTemplates", "uriTemplate", "title"),
    ] {
        let case = Case::new();
        case.write(&manifest(1)).unwrap();
        edit_json(&case.file(), |it| {
            let mut other = it[list][0].clone();
            other[name] = json!("");
            it[list].as_array_mut().unwrap().push(other);
            it[list][0][field] = long.clone();
        });
        let (_, notices, lists) = seen(&case.read().unwrap());
        assert!(lists.to_string().len() < 36_000, "{list}");
        assert!(
            notices.iter().any(|it| it.as_str().contains(": cut its")),
            "{list}"
        );
        assert!(
            notices.iter().any(|it| it.as_str().contains("without a")),
            "{list}"
        );
    }
    let case = Case::new();
    case.write(&manifest(3)).unwrap();
    let limits = Limits {
        items: 2,
        ..Limits::default()
    };
    let strict = ManifestFolder::with_limits(case.folder.path(), limits);
    let read = strict.read(&case.server, &case.print, "me").unwrap();
    assert_eq!(read.inventory.tools.len(), 2);
    let told = read.inventory.notices.last().unwrap().as_str();
    assert_eq!(told, "stopped reading its tools after 2 items");
}

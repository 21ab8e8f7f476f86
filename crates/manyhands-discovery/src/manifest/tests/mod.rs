//! What comes back from a folder, and what of a folder nobody should believe does not.

mod bounds;
mod hostile;
mod together;

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{ListKind, Notice};
use manyhands_transport::{Connector, HttpSettings, StdioSettings};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A folder, its place, and a server with its fingerprint.
struct Case {
    dir: TempDir,
    folder: ManifestFolder,
    server: ServerId,
    print: Fingerprint,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            folder: ManifestFolder::new(dir.path().join("a/b")),
            dir,
            server: ServerId::parse("git").unwrap(),
            print: Fingerprint::of(["git", "hunter2"]),
        }
    }

    fn read(&self) -> Option<Manifest> {
        self.folder.read(&self.server, &self.print, "me")
    }

    fn write(&self, manifest: &Manifest) -> Result<(), ManifestError> {
        self.folder.write(&self.server, &self.print, "me", manifest)
    }

    /// The manifest's file, which must have been written.
    fn file(&self) -> PathBuf {
        let place = self.folder.place(&self.server, &self.print, "me");
        place.unwrap().unwrap().file
    }
}

fn list<T: DeserializeOwned>(raw: Value) -> Vec<Arc<T>> {
    let items: Vec<T> = Vec::deserialize(raw).unwrap();
    items.into_iter().map(Arc::new).collect()
}

/// A manifest with one of everything, and with `tools` tools.
fn manifest(tools: usize) -> Manifest {
    let answer = json!({
        "serverInfo": {"name": "stub\u{1b}", "version": "1"},
        "instructions": "use it\nwell",
        "capabilities": {"prompts": {}, "tools": {"listChanged": true}},
    });
    let common = json!({"title": "T", "description": "日本語 \u{0}\u{2028}", "_meta": {"z": 1, "a": [null]},
        "icons": [{"src": "data:,", "mimeType": "image/png", "sizes": ["any"], "theme": "dark"}]});
    let with = |own: Value| {
        let mut item = common.clone();
        item.as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        json!([item])
    };
    let schema =
        json!({"type": "object", "z": 0.1, "a": u64::MAX, "properties": {"b": {}, "a": true}});
    let place = json!({"name": "n", "mimeType": "text/plain",
        "annotations": {"audience": ["user"], "priority": 0.3, "lastModified": "2026-01-01T00:00:00Z"}});
    let place = |own: Value| {
        let mut place = with(place.clone());
        place[0]
            .as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        place
    };
    let tool = with(
        json!({"name": "t", "inputSchema": schema, "outputSchema": schema,
        "annotations": {"title": "T", "readOnlyHint": true, "destructiveHint": false}}),
    );
    let mut inventory = Inventory::default();
    inventory.tools = list(Value::from(vec![tool[0].clone(); tools]));
    inventory.prompts = list(with(
        json!({"name": "p", "arguments": [{"name": "a", "required": true}]}),
    ));
    inventory.resources = list(place(json!({"uri": "file:///a", "size": 5})));
    inventory.templates = list(place(json!({"uriTemplate": "file:///{a}"})));
    inventory.notices = vec![
        Notice::new("left out a tool").with_list(ListKind::Tools),
        Notice::new("odd").with_list(ListKind::ResourceTemplates),
        Notice::new("slow"),
    ];
    Manifest::new(ServerInfo::read("2025-11-25", &answer), inventory)
}

/// Everything that can be seen of a manifest but its time.
fn seen(manifest: &Manifest) -> (ServerInfo, Vec<Notice>, Value) {
    let Inventory {
        tools,
        prompts,
        resources,
        templates,
        notices,
        ..
    } = &manifest.inventory;
    let lists = json!([tools, prompts, resources, templates]);
    (manifest.info.clone(), notices.clone(), lists)
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_comes_back_as_it_was() {
    let case = Case::new();
    assert!(case.read().is_none());
    assert_eq!(names(case.dir.path()), [""; 0], "reading makes nothing");
    let mut written = manifest(2);
    written.learned = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    case.write(&written).unwrap();
    let read = case.read().unwrap();
    assert_eq!(seen(&read), seen(&written));
    assert_eq!(read.learned, written.learned);
    let empty = Manifest::new(ServerInfo::default(), Inventory::default());
    case.write(&empty).unwrap();
    assert_eq!(seen(&case.read().unwrap()), seen(&empty));
}

#[test]
fn an_item_as_deep_as_a_server_may_send_comes_back() {
    let case = Case::new();
    let deep = |depth| {
        let schema = format!("{}{}", r#"{"a":"#.repeat(depth), "1") + &"}".repeat(depth);
        format!(r#"{{"tools":[{{"name":"t","inputSchema":{schema}}}]}}"#)
    };
    let parse = |text: String| serde_json::from_str::<Value>(&text);
    let deepest = (1..200).rev().find_map(|depth| parse(deep(depth)).ok());
    let mut written = manifest(0);
    written.inventory.tools = list(deepest.unwrap()["tools"].take());
    case.write(&written).unwrap();
    assert_eq!(seen(&case.read().unwrap()), seen(&written));
}

#[test]
fn what_one_authorization_learned_is_not_shown_under_another() {
    let case = Case::new();
    let Case {
        folder,
        server,
        print,
        ..
    } = &case;
    case.write(&manifest(1)).unwrap();
    let found = |server: &ServerId, print: &Fingerprint, who| folder.read(server, print, who);
    assert!(found(server, print, "me").is_some());
    assert!(found(server, print, "you").is_none());
    assert!(found(server, &Fingerprint::of(["git"]), "me").is_none());
    assert!(found(&ServerId::parse("Git").unwrap(), print, "me").is_none());
    folder.forget(server, print, "you").unwrap();
    assert!(case.read().is_some());
    folder.forget(server, print, "me").unwrap();
    assert!(case.read().is_none());
    folder.forget(server, print, "me").unwrap();
}

#[test]
fn a_name_tells_nothing_without_the_folders_key() {
    let (one, other) = (Case::new(), Case::new());
    one.write(&manifest(1)).unwrap();
    other.write(&manifest(1)).unwrap();
    assert_ne!(one.file().file_name(), other.file().file_name());
}

#[test]
fn the_same_is_not_written_again() {
    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let set = |time| fs::File::open(case.file()).unwrap().set_modified(time);
    let modified = || fs::metadata(case.file()).unwrap().modified().unwrap();
    set(long_ago).unwrap();
    let mut later = manifest(1);
    later.learned += Duration::from_secs(500);
    case.write(&later).unwrap();
    case.read().unwrap();
    assert_eq!(modified(), long_ago);
    assert!(case.read().unwrap().learned < later.learned);
    // That it is still so is noted every hour.
    later.learned += Duration::from_secs(3600);
    case.write(&later).unwrap();
    assert!(case.read().unwrap().learned + Duration::from_secs(1) >= later.learned);
    set(long_ago).unwrap();
    case.write(&manifest(2)).unwrap();
    assert_ne!(modified(), long_ago);
    // That it is in use is noted once a day.
    let days_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
    for used in [
        |case: &Case| drop(case.read()),
        |case: &Case| case.write(&manifest(2)).unwrap(),
    ] {
        set(days_ago).unwrap();
        used(&case);
        assert!(modified() > long_ago);
    }
}

#[test]
fn nothing_secret_is_in_the_folder() {
    let case = Case::new();
    let connectors = [
        Connector::stdio(StdioSettings::new("git").with_env("TOKEN", "canary-env")),
        Connector::http(
            HttpSettings::new("https://u:canary-password@example.com/?key=canary-query")
                .with_header("X-Key", "canary-header"),
        ),
    ];
    for connector in connectors {
        let print = connector.fingerprint().unwrap();
        let written = manifest(1);
        let who = "canary-who";
        case.folder
            .write(&case.server, &print, who, &written)
            .unwrap();
        assert!(case.folder.read(&case.server, &print, who).is_some());
    }
    let folder = case.folder.path();
    assert_eq!(names(folder).len(), 3);
    for name in names(folder) {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let all = name + &String::from_utf8_lossy(&bytes);
        assert!(!all.contains("canary"), "{all}");
        assert!(
            !all.contains("TOKEN") && !all.contains("example.com"),
            "{all}"
        );
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_look_into_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let case = Case::new();
    case.write(&manifest(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(case.folder.path()), 0o700);
    for name in names(case.folder.path()) {
        assert_eq!(mode(&case.folder.path().join(&name)), 0o600, "{name}");
    }
}

/// Keeps the warnings that are given while it is there.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    fn of(work: impl FnOnce()) -> Vec<String> {
        let warnings = Self::default();
        tracing::subscriber::with_default(warnings.clone(), work);
        warnings.0.lock().unwrap().clone()
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, about: &tracing::Metadata<'_>) -> bool {
        *about.level() == tracing::Level::WARN
    }

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text<'a>(&'a mut String);
        impl tracing::field::Visit for Text<'_> {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
                *self.0 += &format!("{field}={value:?} ");
            }
        }
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().push(text);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
    fn enter(&self, _: &tracing::Id) {}
    fn exit(&self, _: &tracing::Id) {}
}

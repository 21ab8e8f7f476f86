//! Files that change while their servers are in use.

use super::*;
use manyhands_toolkit::Toolkit;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

struct Scene {
    folder: TempDir,
    kit: Toolkit,
    news: mpsc::UnboundedReceiver<Result<News, ConfigError>>,
    following: AbortHandle,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Scene {
    /// Follows an `mcp.json` in a folder with these files. None of the programs exists, so nothing is started.
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let path = folder.path().join("mcp.json");
        let watched = Watched::from_file(path, &Access::default()).expect("it is fine");
        let kit = watched.builder().start();
        let (tell, news) = mpsc::unbounded_channel();
        let told = move |it| drop(tell.send(it));
        let following = tokio::spawn(watched.follow(kit.clone(), told)).abort_handle();
        Self {
            folder,
            kit,
            news,
            following,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and gives what is said of it; none where nothing is said.
    async fn write(&mut self, name: &str, text: &str) -> Option<Result<News, ConfigError>> {
        fs::write(self.path(name), text).expect("written");
        let waited = timeout(EVERY * 5, self.news.recv()).await;
        waited.ok().map(|news| news.expect("it goes on"))
    }

    async fn told(&mut self, name: &str, text: &str) -> String {
        let news = self.write(name, text).await.expect("something is said");
        let text = news.map_or_else(|error| format!("failed to {error}"), |it| it.to_string());
        let folder = self.folder.path().display().to_string();
        text.replace(&folder, "..")
    }

    fn servers(&self) -> Vec<String> {
        let report = self.kit.report();
        let ids = report.servers.iter().map(|it| it.id.to_string());
        ids.collect()
    }
}

const TWO: &str =
    r#"{"mcpServers": {"a": {"command": "no-such-a"}, "b": {"command": "no-such-b"}}}"#;

#[tokio::test(start_paused = true)]
async fn servers_come_change_and_go_with_their_entries() {
    let mut scene = Scene::new(&[("mcp.json", TWO)]);
    let told = scene
        .told("mcp.json", r#"{"mcpServers": {"b": {"command": "no-such-b", "args": ["-v"]}, "c": {"command": "no-such-c"}}}"#)
        .await;
    assert_eq!(told, "added c; removed a; changed b");
    assert_eq!(scene.servers(), ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn what_means_the_same_changes_no_server() {
    let secret =
        r#"{"mcpServers": {"s": {"command": "no-such", "env": {"T": "${secret:env:NO_SUCH}"}}}}"#;
    let mut scene = Scene::new(&[("mcp.json", secret)]);
    let moved = format!("// said\n\n{secret}");
    let told = scene.told("mcp.json", &moved).await;
    assert_eq!(told, "nothing that concerns a server has changed");
    let other = secret.replace("env:NO_SUCH", "env:OTHER");
    assert_eq!(scene.told("mcp.json", &other).await, "changed s");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_used_is_told_once_and_changes_nothing() {
    let mut scene = Scene::new(&[("mcp.json", TWO)]);
    let told = scene.told("mcp.json", "{\"mcpServers\": {").await;
    assert!(told.starts_with("failed to read ../mcp.json"), "{told}");
    assert!(scene.news.try_recv().is_err(), "it was said already");
    assert!(timeout(EVERY * 5, scene.news.recv()).await.is_err());
    assert_eq!(scene.servers(), ["a", "b"]);
    // Whole again, and as before: there is nothing to say.
    assert!(scene.write("mcp.json", TWO).await.is_none());
    fs::remove_file(scene.path("mcp.json")).expect("removed");
    let gone = timeout(EVERY * 5, scene.news.recv()).await;
    assert!(gone.expect("it is said").expect("it goes on").is_err());
    assert_eq!(scene.servers(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_written_is_waited_for() {
    let mut scene = Scene::new(&[("mcp.json", TWO)]);
    let (half, _) = TWO.split_at(30);
    fs::write(scene.path("mcp.json"), half).expect("written");
    sleep(EVERY + SETTLED / 2).await;
    let whole = TWO.replace("no-such-b", "no-such-c");
    assert_eq!(scene.told("mcp.json", &whole).await, "changed b");
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_breaks_leaves_its_server_as_it_was() {
    let mut scene = Scene::new(&[("mcp.json", TWO)]);
    let broken = TWO.replace(r#""command": "no-such-b""#, r#""command": 5"#);
    let told = scene.told("mcp.json", &broken).await;
    assert!(
        told.starts_with("kept b as it was, since it failed to configure server `b`: command"),
        "{told}"
    );
    let cause = |scene: &Scene| {
        let report = scene.kit.report();
        let b = report.server("b").expect("it is there");
        b.status.cause().map(str::to_owned)
    };
    assert!(cause(&scene).is_some_and(|it| it.contains("no-such-b")));
    let mended = TWO.replace("no-such-b", "no-such-c");
    assert_eq!(scene.told("mcp.json", &mended).await, "changed b");
}

#[tokio::test(start_paused = true)]
async fn a_fragment_that_breaks_costs_no_running_server() {
    let main = r#"{"mcpServers": {"a": {"command": "no-such-a"}}, "manyhands": {"include": ["team.json", "more"]}}"#;
    let team = r#"{"mcpServers": {"t": {"command": "no-such-t"}}}"#;
    let mut scene = Scene::new(&[("mcp.json", main), ("team.json", team)]);
    assert!(scene.servers().contains(&"t".to_owned()));
    let told = scene.told("team.json", "{").await;
    assert!(
        told.contains("kept t as it was, since it failed to"),
        "{told}"
    );
    assert!(scene.servers().contains(&"t".to_owned()));
    let told = scene.told("team.json", r#"{"mcpServers": {}}"#).await;
    assert_eq!(told, "removed team, t");
    // A file in an included folder that was not there before.
    fs::create_dir(scene.path("more")).expect("made");
    let told = scene.told("more/new.json", team).await;
    assert!(told.contains("added t"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn settings_of_the_whole_that_wait_for_a_restart_are_named() {
    let with = |settings: &str| TWO.replacen('{', &format!(r#"{{"manyhands": {settings}, "#), 1);
    let started = with(r#"{"grace": "1s", "pins": "off"}"#);
    let mut scene = Scene::new(&[("mcp.json", &started)]);
    let changed = r#"{"grace": "1s", "pins": "off", "profiles": {"p": {"servers": ["a"]}}, "groups": {"g": ["a.x", "b.x"]}}"#;
    let told = scene.told("mcp.json", &with(changed)).await;
    assert_eq!(told, "restart to take up its changes of groups, profiles");
    let embeds = changed.replacen('{', r#"{"embeddings": {"url": "x"}, "#, 1);
    let told = scene.told("mcp.json", &with(&embeds)).await;
    assert_eq!(
        told,
        "restart to take up its changes of groups, profiles, embeddings"
    );
    scene.told("mcp.json", &with(changed)).await;
    // A change of a server says nothing of them again.
    let other = with(changed).replace("no-such-b", "no-such-c");
    assert_eq!(scene.told("mcp.json", &other).await, "changed b");
    // They are as they were at the start, so that there is nothing to take up.
    let told = scene
        .told("mcp.json", &started.replace("no-such-b", "no-such-c"))
        .await;
    assert_eq!(told, "nothing that concerns a server has changed");
}

//! Tools that change after they were approved, and tools that deceive.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use manyhands::{
    Account, Builder, CallError, Delivery, ErrorKind, FlagKind, Member, Pinning, Principal,
    Settings, Toolkit, flags,
};
use manyhands_testkit::{ScriptedServer, hostile};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::log::Log;
use crate::servers::{builder, id, polite, text};

const LONG: Duration = Duration::from_secs(300);
const TOOLS_CHANGED: &str = "notifications/tools/list_changed";

/// A rug-pull server with a second tool that stays as it is.
fn rug() -> ScriptedServer {
    hostile::rug_pull().tool("stays", |_| text("stays"))
}

fn of(servers: &[(&str, &ScriptedServer)], pins: Pinning) -> Builder {
    builder(servers).settings(Settings::default().with_pins(pins))
}

/// A folder with a file for pins.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("mcp.lock.json")
    }

    async fn kit(&self, servers: &[(&str, &ScriptedServer)], pins: Pinning) -> Toolkit {
        let kit = of(servers, pins).pins_in(self.file());
        kit.connect().await.unwrap()
    }

    /// The names in the file.
    fn pinned(&self) -> BTreeSet<String> {
        names_in(&self.file())
    }

    /// A folder in which these servers' tools are pinned: what was seen is written when a toolkit is closed.
    async fn after_a_start(servers: &[(&str, &ScriptedServer)]) -> Self {
        let place = Self::new();
        let kit = place.kit(servers, Pinning::Block).await;
        let count = kit.catalogue().tools().count();
        kit.close().await;
        assert_eq!(place.pinned().len(), count);
        place
    }
}

fn names_in(file: &Path) -> BTreeSet<String> {
    let Ok(text) = fs::read_to_string(file) else {
        return BTreeSet::new();
    };
    let lock: Value = serde_json::from_str(&text).unwrap();
    let servers = lock.get("servers").and_then(Value::as_object).unwrap();
    let servers = servers.iter();
    servers
        .flat_map(|(server, tools)| {
            let tools = tools.as_object().unwrap().keys();
            tools.map(move |tool| format!("{server}.{tool}"))
        })
        .collect()
}

async fn until(condition: impl Fn() -> bool) {
    let holding = async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, holding).await.unwrap();
}

async fn until_changed(kit: &Toolkit, count: usize) {
    until(|| kit.pin_report().changed.len() == count).await;
}

async fn called(kit: &Toolkit, tool: &str) -> Result<String, CallError> {
    let reply = kit.call(tool, json!({"a": 1, "b": 2})).await;
    reply.map(|it| it.text())
}

async fn is_kept_back(kit: &Toolkit, tool: &str) -> String {
    let error = called(kit, tool).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    assert!(kit.catalogue().tool(tool).is_err());
    error.to_string()
}

fn notices(kit: &Toolkit, server: &str) -> Vec<String> {
    kit.report().server(server).unwrap().notices.clone()
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_changes_is_told_of_or_kept_back_as_the_settings_say() {
    for pins in [Pinning::Off, Pinning::Warn, Pinning::Block] {
        let (server, good) = (rug(), polite("good"));
        let kit = of(&[("bad", &server), ("good", &good)], pins);
        let kit = kit.connect().await.unwrap();
        assert_eq!(called(&kit, "bad.add").await.unwrap(), "done");
        hostile::pull(&server);
        server.until(|it| it.asked("tools/list") == 2).await;
        sleep(Duration::from_secs(2)).await;
        let told = notices(&kit, "bad");
        match pins {
            Pinning::Off => assert_eq!(told, [""; 0]),
            _ => {
                let [told] = &told[..] else {
                    panic!("{told:?}")
                };
                assert!(
                    told.starts_with(
                        "its tool add has changed since it was approved: description: \"Adds two"
                    ),
                    "{told}"
                );
                assert!(
                    told.ends_with("; look at it with `manyhands pins diff bad.add`"),
                    "{told}"
                );
            }
        }
        if pins == Pinning::Block {
            let error = is_kept_back(&kit, "bad.add").await;
            for said in [
                "call bad.add: ",
                "the tool has changed since it was approved: description: \"",
                "and 1 more difference; look at it with `manyhands pins diff bad.add`, and approve it with `manyhands pins approve bad.add`",
            ] {
                assert!(error.contains(said), "{error}");
            }
        } else {
            assert_eq!(called(&kit, "bad.add").await.unwrap(), "done");
        }
        assert_eq!(called(&kit, "bad.stays").await.unwrap(), "stays");
        assert_eq!(called(&kit, "good.whoami").await.unwrap(), "good");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_change_is_logged_once() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = rug();
    let account = Account::new("own", server.connector()).for_principals(["ada"]);
    let member = Member::new(id("s"), server.connector()).with_account(account);
    let settings = Settings::default().with_pins(Pinning::Warn);
    let kit = Builder::default().settings(settings).member(member);
    let kit = kit.connect().await.unwrap();
    let ada = kit.for_principal(&Principal::new("ada"));
    ada.all_started().await;
    hostile::pull(&server);
    until_changed(&kit, 1).await;
    until_changed(&ada, 1).await;
    for _ in 0..3 {
        let before = server.asked("tools/list");
        server.notify(TOOLS_CHANGED, &json!({}));
        server.until(|it| it.asked("tools/list") > before).await;
    }
    let log = log.text();
    let told = "the tool s.add has changed since it was approved: description: ";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert!(!log.contains("it is kept back"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn nobody_ever_sees_what_a_blocked_tool_has_become() {
    let server = rug();
    let kit = of(&[("s", &server)], Pinning::Block)
        .connect()
        .await
        .unwrap();
    let mut changes = kit.changes();
    hostile::pull(&server);
    let looks = async {
        loop {
            let catalogue = kit.catalogue();
            match catalogue.tool("s.add") {
                Ok(tool) => assert!(!tool.definition().input_schema.contains_key("memo")),
                Err(_) => break,
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, looks).await.unwrap();
    let change = timeout(LONG, changes.next()).await.unwrap().unwrap();
    assert_eq!(
        (change.diff.removed.len(), change.diff.changed.len()),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_approved_is_what_was_shown() {
    let place = Place::new();
    let server = rug();
    let kit = place.kit(&[("s", &server)], Pinning::Block).await;
    hostile::pull(&server);
    until_changed(&kit, 1).await;
    let shown = kit.pin_report();
    let mut since = json!({"name": "add", "description": "Sends it all.", "inputSchema": {}});
    server.redefine(&since);
    server.notify(TOOLS_CHANGED, &json!({}));
    until(|| kit.pin_report() != shown).await;
    kit.approve_tools(&shown, &["s.add"]).unwrap();
    is_kept_back(&kit, "s.add").await;
    kit.approve_tools(&kit.pin_report(), &["s.add"]).unwrap();
    assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
    let error = kit.approve_tools(&shown, &["s.add", "s.ad"]).unwrap_err();
    assert_eq!(error.to_string(), "find the tool s.ad; did you mean s.add?");
    assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
    // It changes back, and that is a change too.
    since["description"] = "Adds two numbers.".into();
    server.redefine(&since);
    server.notify(TOOLS_CHANGED, &json!({}));
    until_changed(&kit, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets_nothing_and_an_approval_elsewhere_counts_at_once() {
    let server = rug();
    let place = Place::after_a_start(&[("s", &server)]).await;
    hostile::pull(&server);
    let kit = place.kit(&[("s", &server)], Pinning::Block).await;
    let mut changes = kit.changes();
    is_kept_back(&kit, "s.add").await;
    // Another program on the same file, which only tells.
    let other = place.kit(&[("s", &server)], Pinning::Warn).await;
    assert_eq!(called(&other, "s.add").await.unwrap(), "done");
    other
        .approve_tools(&other.pin_report(), &["s.add"])
        .unwrap();
    let change = timeout(Duration::from_secs(3), changes.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(change.diff.added[0].name(), "s.add");
    assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
    assert_eq!(notices(&kit, "s"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_only_remembered_is_compared_and_not_pinned() {
    let server = rug();
    let place = Place::after_a_start(&[("s", &server)]).await;
    let connector = server
        .connector()
        .with_fingerprint(manyhands::Fingerprint::of(["s"]));
    let kit = |pins, folder: &Path| {
        let builder = Builder::default().add(id("s"), connector.clone());
        builder
            .settings(Settings::default().with_pins(pins))
            .remember_in(folder.join("servers"))
    };
    hostile::pull(&server);
    let first = kit(Pinning::Off, place.0.path()).connect().await.unwrap();
    let servers = place.0.path().join("servers");
    until(|| {
        fs::read_dir(&servers).is_ok_and(|it| {
            it.flatten()
                .any(|it| it.path().extension().is_some_and(|it| it == "json"))
        })
    })
    .await;
    first.close().await;
    // What it became is remembered, and nobody has asked it yet.
    let blocked = kit(Pinning::Block, place.0.path())
        .pins_in(place.file())
        .start();
    assert!(blocked.catalogue().tool("s.add").is_err());
    assert!(blocked.catalogue().tool("s.stays").is_ok());
    is_kept_back(&blocked, "s.add").await;
    let elsewhere = Place::new();
    let fresh = kit(Pinning::Block, place.0.path())
        .pins_in(elsewhere.file())
        .start();
    assert_eq!(fresh.pin_report().new.len(), 2);
    assert_eq!(called(&fresh, "s.add").await.unwrap(), "done");
    until(|| elsewhere.pinned().len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn many_programs_on_one_file_lose_no_pin() {
    let place = Place::new();
    let servers: Vec<(String, ScriptedServer)> =
        (0..24).map(|n| (format!("s{n}"), polite("s"))).collect();
    let mut kits = Vec::new();
    for some in servers.chunks(6) {
        let some: Vec<(&str, &ScriptedServer)> = some.iter().map(|(id, it)| (&**id, it)).collect();
        kits.push(of(&some, Pinning::Block).pins_in(place.file()).start());
    }
    until(|| place.pinned().len() == 48).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(place.pinned().len(), 48);
    assert!(kits.iter().all(|kit| kit.catalogue().tools().count() == 12));
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_who_see_a_tool_for_the_first_time_the_first_one_is_right() {
    let place = Place::new();
    let (harmless, other) = (rug(), rug());
    hostile::pull(&other);
    let kit = place.kit(&[("s", &harmless)], Pinning::Block).await;
    until(|| place.pinned().len() == 2).await;
    // It has looked at the file before that was there, as it seems to it.
    let late = Place::new();
    let second = late.kit(&[("s", &other)], Pinning::Block).await;
    until(|| late.pinned().len() == 2).await;
    fs::copy(place.file(), late.file()).unwrap();
    until_changed(&second, 1).await;
    is_kept_back(&second, "s.add").await;
    assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_blocks_and_is_never_written_over() {
    let server = rug();
    let place = Place::after_a_start(&[("s", &server)]).await;
    let whole = fs::read_to_string(place.file()).unwrap();
    let broken = whole.replace("\"servers\": {", "\"servers\": {\n<<<<<<< HEAD");
    fs::write(place.file(), &broken).unwrap();
    let kit = place.kit(&[("s", &server)], Pinning::Block).await;
    for tool in ["s.add", "s.stays"] {
        let error = is_kept_back(&kit, tool).await;
        assert!(
            error.contains("mcp.lock.json: ") && error.contains("at line 4"),
            "{error}"
        );
    }
    assert!(notices(&kit, "s")[0].contains("at line 4"));
    let warned = place.kit(&[("s", &server)], Pinning::Warn).await;
    assert_eq!(called(&warned, "s.add").await.unwrap(), "done");
    sleep(LONG).await;
    assert_eq!(fs::read_to_string(place.file()).unwrap(), broken);
    let error = kit
        .approve_tools(&kit.pin_report(), &["s.add"])
        .unwrap_err();
    assert!(error.to_string().contains("at line 4"), "{error}");

    fs::write(place.file(), &whole).unwrap();
    until(|| kit.catalogue().tools().count() == 2).await;
    assert_eq!(notices(&kit, "s"), [""; 0]);
    // Broken or gone while it is in use: what is as it was goes on, and nothing else.
    for breaks in [true, false] {
        match breaks {
            true => fs::write(place.file(), &broken).unwrap(),
            false => fs::remove_file(place.file()).unwrap(),
        }
        sleep(Duration::from_secs(3)).await;
        let name = format!("more-{breaks}");
        let _ = server.clone().tool(&name, |_| text("more"));
        server.notify(TOOLS_CHANGED, &json!({}));
        until(|| kit.pin_report().new.len() == 1).await;
        assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
        is_kept_back(&kit, &format!("s.{name}")).await;
        let approving = kit.approve_tools(&kit.pin_report(), &[&format!("s.{name}")]);
        assert_eq!((approving.is_err(), place.file().exists()), (true, breaks));
        fs::write(place.file(), &whole).unwrap();
        until(|| kit.pin_report().new.is_empty()).await;
        assert_eq!(called(&kit, &format!("s.{name}")).await.unwrap(), "more");
        until(|| place.pinned().contains(&format!("s.{name}"))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_word_in_the_settings_a_file_is_heeded_and_none_is_made() {
    let server = rug();
    let place = Place::new();
    let unsaid = || builder(&[("s", &server)]).pins_in(place.file()).start();
    let kit = unsaid();
    kit.all_started().await;
    sleep(LONG).await;
    assert!(!place.file().exists());
    assert_eq!(kit.pin_report().new.len(), 2);
    // The first approval makes it, and has all tools pinned that come later.
    kit.approve_tools(&kit.pin_report(), &["s.add"]).unwrap();
    until(|| place.pinned().len() == 2).await;
    let second = unsaid();
    second.all_started().await;
    hostile::pull(&server);
    until_changed(&second, 1).await;
    assert_eq!(called(&second, "s.add").await.unwrap(), "done");
    assert_eq!(notices(&second, "s").len(), 1);
    // Off, it is neither read nor written.
    let before = fs::read(place.file()).unwrap();
    let off = place
        .kit(&[("s", &server), ("t", &polite("t"))], Pinning::Off)
        .await;
    sleep(LONG).await;
    assert_eq!(notices(&off, "s"), [""; 0]);
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written_costs_no_call() {
    let server = rug();
    let folder = tempfile::tempdir().unwrap();
    let kit =
        of(&[("s", &server)], Pinning::Block).pins_in(folder.path().join("no/such/mcp.lock.json"));
    let kit = kit.connect().await.unwrap();
    assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
    hostile::pull(&server);
    until_changed(&kit, 1).await;
    is_kept_back(&kit, "s.add").await;
    assert!(kit.approve_tools(&kit.pin_report(), &["s.add"]).is_err());
}

#[tokio::test(start_paused = true)]
async fn principals_who_are_shown_different_tools_share_one_pin() {
    let (shared, other) = (rug(), rug());
    hostile::pull(&other);
    let account = Account::new("other", other.connector()).for_principals(["ada"]);
    let member = Member::new(id("s"), shared.connector()).with_account(account);
    let settings = Settings::default().with_pins(Pinning::Block);
    let kit = Builder::default().settings(settings).member(member);
    let kit = kit.connect().await.unwrap();
    let ada = kit.for_principal(&Principal::new("ada"));
    ada.all_started().await;
    is_kept_back(&ada, "s.add").await;
    assert_eq!(called(&ada, "s.stays").await.unwrap(), "stays");
    assert_eq!(called(&kit, "s.add").await.unwrap(), "done");
    // Approved for one, it is a change for the other.
    kit.approve_tools(&ada.pin_report(), &["s.add"]).unwrap();
    assert_eq!(called(&ada, "s.add").await.unwrap(), "done");
    is_kept_back(&kit, "s.add").await;
}

#[tokio::test(start_paused = true)]
async fn tools_that_deceive_are_flagged() {
    let mail = ScriptedServer::new("mail").tool_definition(
        json!({"name": "send_message", "description": "Sends a message.", "inputSchema": {}}),
        |_| text("sent"),
    );
    let of = |server: ScriptedServer| async move {
        let kit = crate::servers::kit(&[("mail", &mail.clone()), ("evil", &server)]).await;
        let flags = flags(&kit.catalogue());
        assert!(
            flags.iter().all(|it| it.tool().server().as_str() == "evil"),
            "{flags:?}"
        );
        flags.iter().map(manyhands::Flag::kind).collect::<Vec<_>>()
    };
    let of = move |server| {
        let of = of.clone();
        async move { of(server).await }
    };
    assert_eq!(
        of(hostile::shadowing("send_message")).await,
        [FlagKind::Shadowing]
    );
    assert_eq!(
        of(hostile::homoglyph("send_message")).await,
        [FlagKind::LookAlikeName]
    );
    assert_eq!(
        of(hostile::poisoned("mail__send_message")).await,
        [
            FlagKind::HiddenCharacters,
            FlagKind::Steering,
            FlagKind::Orders
        ]
    );
    assert_eq!(of(polite("evil")).await, []);
}

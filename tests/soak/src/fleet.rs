//! The servers: those that stay, and those that come and go. It must not know how they are watched.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use manyhands::{Builder, Connector, ServerId, StdioSettings, Toolkit};
use manyhands_testkit::{Fault, ScriptedServer, Storm};
use serde_json::{Value, json};

/// A toolkit with what its scripted servers can be told to do.
pub(crate) struct Fleet {
    pub(crate) kit: Toolkit,
    pub(crate) scripted: Vec<ScriptedServer>,
}

/// Servers that stay: polite ones, faulty ones, and ones behind storms that end no connection.
pub(crate) fn steady(testkit: &Path, rng: &mut Rng) -> Fleet {
    let mut builder = Builder::default();
    let mut scripted = Vec::new();
    let faults = [
        Fault::HangsOnCall,
        Fault::WrongId,
        Fault::GarbageReply,
        Fault::ChatterOnStdout,
        Fault::AsksBack,
        Fault::AnswersInReverse(2),
        Fault::DeepReply(200),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let server = echo().fault(fault);
        builder = builder.add(id("faulty", number), server.connector());
        scripted.push(server);
    }
    for number in 0..2 {
        let server = echo();
        builder = builder.add(id("polite", number), server.connector());
        let storm = weather(rng.u64(..));
        builder = builder.add(id("stormy", number), server.stormy_connector(storm));
        scripted.push(server);
    }
    let serve = ["serve"].map(str::to_owned).to_vec();
    builder = builder.add(id("child", 0), child(testkit, serve));
    let storm = stormy_child(
        testkit,
        rng,
        &["--drop", "0.03", "--garble", "0.02", "--duplicate", "0.03"],
    );
    builder = builder.add(id("child", 1), child(testkit, storm));
    let kit = builder.start();
    Fleet { kit, scripted }
}

/// Servers that die in every way there is.
pub(crate) fn passing(testkit: &Path, rng: &mut Rng) -> Fleet {
    let quick = Duration::from_secs(2);
    let mut builder = Builder::default();
    let mut scripted = Vec::new();
    for number in 0..3 {
        let server = echo();
        let storm = weather(rng.u64(..)).cut(0.01);
        builder = builder.add(id("cut", number), server.stormy_connector(storm));
        scripted.push(server);
    }
    for (number, fault) in [
        Fault::ClosesOnCall,
        Fault::ClosesAtHandshake,
        Fault::NeverAnswersHandshake,
        Fault::EndlessPages,
    ]
    .into_iter()
    .enumerate()
    {
        let server = echo().fault(fault);
        builder = builder
            .add(id("dying", number), server.connector())
            .server(id("dying", number).as_str(), |it| it.start_timeout(quick));
        scripted.push(server);
    }
    let storm = stormy_child(testkit, rng, &["--cut", "0.01", "--delay", "0.1,200"]);
    let victim = vec!["serve".to_owned(), VICTIM.to_owned()];
    let crash = vec!["serve".to_owned(), "--fault=closes-on-call".to_owned()];
    for (number, arguments) in [storm, victim, crash].into_iter().enumerate() {
        builder = builder.add(id("child", number), child(testkit, arguments));
    }
    let nothing = Connector::stdio(StdioSettings::new("no-such-server-anywhere"));
    let kit = builder.add(id("absent", 0), nothing).start();
    Fleet { kit, scripted }
}

/// Stands in the command line of the child that is to be killed. A reply of this depth is as good as any other.
pub(crate) const VICTIM: &str = "--fault=deep-reply=77";

fn echo() -> ScriptedServer {
    ScriptedServer::new("soak").tool("echo", |arguments| {
        let text = arguments
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        json!({"content": [{"type": "text", "text": text}]})
    })
}

/// A storm that lets the handshake and the lists through.
fn weather(seed: u64) -> Storm {
    Storm::seeded(seed)
        .drop(0.03)
        .duplicate(0.03)
        .garble(0.02)
        .delay(0.05, Duration::from_millis(100))
        .sparing_first(6)
}

fn child(testkit: &Path, arguments: Vec<String>) -> Connector {
    Connector::stdio(StdioSettings::new(testkit.display().to_string()).with_args(arguments))
}

fn stormy_child(testkit: &Path, rng: &mut Rng, faults: &[&str]) -> Vec<String> {
    let seed = rng.u64(..).to_string();
    let server = testkit.display().to_string();
    let words = ["storm", "--seed", &seed, "--spare", "6"].into_iter();
    let words = words
        .chain(faults.iter().copied())
        .chain(["--", &server, "serve"]);
    words.map(str::to_owned).collect()
}

fn id(kind: &str, number: usize) -> ServerId {
    ServerId::parse(&format!("{kind}{number}")).expect("letters and a digit are a legal id")
}

//! What is put into the vocabulary's values comes out of them: the layers above have nothing else to go by.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use manyhands_core::{
    CallContext, CallError, Capability, CapabilityKind, Delivery, ErrorKind, ErrorType,
    HumanDuration, ListKind, Notice, QualifiedName, Reply, Request, Secret, ServerId, TraceId,
    assign_ids, either, nearest,
};
use schemars::SchemaGenerator;
use serde_json::json;
use serde_json::value::to_raw_value;

fn server() -> ServerId {
    ServerId::parse("my_fs").expect("a legal id")
}

#[test]
fn an_error_keeps_all_that_it_is_given() {
    let trace = TraceId::default();
    let tool = Capability::new(CapabilityKind::Tool, "my_fs.read");
    let error = CallError::new(ErrorKind::ConnectionClosed, Delivery::Unknown, "it stopped")
        .with_server(server())
        .with_capability(Some(tool.clone()))
        .with_advice("start it again")
        .with_retry_after(Some(Duration::from_secs(3)))
        .with_trace(trace)
        .with_source(io::Error::other("broken pipe"));
    assert_eq!(error.cause(), "it stopped");
    assert_eq!(error.advice(), Some("start it again"));
    assert_eq!(error.server(), Some(&server()));
    assert_eq!(error.capability(), Some(&tool));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(error.trace(), trace);
    assert_eq!(error.source().unwrap().to_string(), "broken pipe");
}

#[test]
fn the_words_that_machines_read_stay() {
    assert_eq!(ErrorKind::ConnectionClosed.code(), "connection_closed");
    assert_eq!(ErrorType::Transient.as_str(), "transient");
    assert_eq!(Delivery::NotSent.as_str(), "not_sent");
    for (kind, method, field) in [
        (ListKind::Tools, "tools/list", "tools"),
        (ListKind::Prompts, "prompts/list", "prompts"),
        (ListKind::Resources, "resources/list", "resources"),
        (
            ListKind::ResourceTemplates,
            "resources/templates/list",
            "resourceTemplates",
        ),
    ] {
        let request = Request::List { kind, cursor: None };
        assert_eq!((request.method(), kind.field()), (method, field));
        assert_eq!(request.capability(&server()), None);
    }
}

#[test]
fn a_request_says_what_it_is_for_in_the_toolkits_names() {
    let read = Request::ReadResource {
        uri: "file:///a".into(),
    };
    let wanted = Capability::new(CapabilityKind::Resource, "my.fs+file:///a");
    assert_eq!(read.capability(&server()), Some(wanted));
    let get = Request::GetPrompt {
        name: "p".into(),
        arguments: Default::default(),
    };
    let wanted = Capability::new(CapabilityKind::Prompt, "my_fs.p");
    assert_eq!(get.capability(&server()), Some(wanted));
}

#[test]
fn names_times_and_texts_are_given_back() {
    assert_eq!(assign_ids(["a  b"])[0].as_str(), "a-b");
    assert_eq!(QualifiedName::new(server(), "read").name(), "read");
    assert_eq!(Notice::new("odd").as_str(), "odd");
    let secret = Secret::from("s3cret");
    assert_eq!(secret.expose(), "s3cret");
    assert!(!format!("{secret:?}").contains("s3cret"));
    let limit = Duration::from_secs(5);
    assert_eq!(Duration::from(HumanDuration(limit)), limit);
    assert_eq!(
        CallContext::default().with_timeout(limit).timeout,
        Some(limit)
    );
    assert!(!TraceId::default().to_string().is_empty());
    let schema = SchemaGenerator::default().into_root_schema_for::<HumanDuration>();
    assert_eq!(schema.get("type"), Some(&json!("string")));
    assert_eq!(schema.get("title"), Some(&json!("Duration")));
}

#[test]
fn a_reply_says_how_long_it_took_and_gives_a_prompt_whole() {
    let prompt = json!({"messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}]});
    let took = Duration::from_millis(7);
    let reply = Reply::new(server(), to_raw_value(&prompt).unwrap(), took);
    assert_eq!(reply.took(), took);
    assert_eq!(reply.value(), prompt);
}

#[test]
fn near_names_are_found_by_their_last_part_and_listed_as_a_sentence_does() {
    assert_eq!(either(&["a"]), "a");
    assert_eq!(either(&["a", "b"]), "a or b");
    assert_eq!(either(&["a", "b", "c"]), "a, b or c");
    assert_eq!(either(&[] as &[&str]), "");
    // The same last part comes after the same whole, and three edits are too many for eight letters.
    assert_eq!(
        nearest("git.log", ["hub.log", "git.log"]),
        ["git.log", "hub.log"]
    );
    assert_eq!(nearest("abcdefgh", ["abcdexyz"]), [] as [&str; 0]);
    assert_eq!(nearest("abcdefgh", ["abcdefyz"]), ["abcdefyz"]);
    assert_eq!(nearest("abcdefghi", ["abcdefxyz"]), ["abcdefxyz"]);
    // Of those that only hold it, the shorter one first.
    let held = nearest("log", ["a_log_of_many", "the_log"]);
    assert_eq!(held, ["the_log", "a_log_of_many"]);
    // A name of 256 bytes is looked at, a longer one is not.
    let (most, more) = ("x".repeat(256), "x".repeat(257));
    assert_eq!(nearest(&most, [most.as_str()]), [most.as_str()]);
    assert_eq!(nearest(&more, [more.as_str()]), [] as [&str; 0]);
}

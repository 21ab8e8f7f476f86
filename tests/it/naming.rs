//! One set of names over all servers, there and back.

use manyhands::{Delivery, ErrorKind};
use manyhands_testkit::ScriptedServer;
use serde_json::json;

use crate::servers::{kit, polite, text};

#[tokio::test(start_paused = true)]
async fn tools_of_one_name_stay_apart() {
    let (slack, calendar) = (polite("slack"), polite("calendar"));
    let kit = kit(&[("slack", &slack), ("calendar", &calendar)]).await;
    for name in ["slack", "calendar"] {
        let reply = kit.call(format!("{name}.whoami"), json!({})).await.unwrap();
        assert_eq!(
            (reply.text().as_str(), reply.server().as_str()),
            (name, name)
        );
    }
    assert_eq!(kit.catalogue().collisions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn names_with_dots_reach_the_server_as_it_wrote_them() {
    let server = ScriptedServer::new("s").tool("admin.tools.list", |_| text("ok"));
    let kit = kit(&[("s", &server)]).await;
    assert_eq!(
        kit.call("s.admin.tools.list", json!({}))
            .await
            .unwrap()
            .text(),
        "ok"
    );
    assert_eq!(server.calls()[0].0, "admin.tools.list");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_answered_with_the_nearest_and_the_reason() {
    let server = polite("slack");
    let kit = kit(&[("slack", &server)]).await;
    for (name, expected) in [
        (
            "slack.whoam",
            "call slack.whoam: the server slack offers no such tool; did you mean slack.whoami?",
        ),
        (
            "whoami",
            "call whoami: no server offers this tool; did you mean slack.whoami?",
        ),
        (
            "jira.zzzzzzz",
            "call jira.zzzzzzz: no server offers this tool; list the tools to see what there is",
        ),
        (
            "",
            "call \"\": no server offers this tool; list the tools to see what there is",
        ),
    ] {
        let error = kit.call(name, json!({})).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::NotFound, Delivery::NotSent)
        );
        assert_eq!(error.to_string(), expected);
    }
    let hostile = "\u{1b}[2J".repeat(10_000);
    let error = kit.call(hostile, json!({})).await.unwrap_err().to_string();
    assert!(error.len() < 1_500 && !error.contains('\u{1b}'), "{error}");
}

#[tokio::test(start_paused = true)]
async fn resources_are_named_read_and_answered_across_servers() {
    let definition = json!({"uri": "file:///a+b.txt", "name": "a"});
    let contents = json!([{"uri": "file:///a+b.txt", "text": "hello"}]);
    let server = ScriptedServer::new("fs")
        .resource(definition, contents)
        .template(json!({"uriTemplate": "file:///{path}", "name": "any"}))
        .tool("link", |_| json!({"content": [{"type": "resource_link", "uri": "file:///a+b.txt", "name": "a"}]}));
    let kit = kit(&[("my_fs", &server)]).await;

    let catalogue = kit.catalogue();
    let uri = catalogue.resources().next().unwrap().uri().to_owned();
    assert_eq!(uri, "my.fs+file:///a+b.txt");
    assert_eq!(
        catalogue.templates().next().unwrap().uri(),
        "my.fs+file:///{path}"
    );

    let reply = kit.read_resource(&uri).await.unwrap();
    assert_eq!(reply.text(), "hello");
    assert_eq!(reply.parsed()["contents"][0]["uri"], uri);

    let link = kit.call("my_fs.link", json!({})).await.unwrap();
    assert_eq!(link.parsed()["content"][0]["uri"], uri);
    assert_eq!(
        kit.read_resource(link.parsed()["content"][0]["uri"].as_str().unwrap())
            .await
            .unwrap()
            .text(),
        "hello"
    );

    let error = kit.read_resource("file:///a+b.txt").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn arguments_are_completed_by_their_own_server_in_its_own_names() {
    let echo = |params: &serde_json::Value| json!({"completion": {"values": [params.to_string()]}});
    let server = ScriptedServer::new("fs")
        .prompt(json!({"name": "sum.up"}), json!({"messages": []}))
        .template(json!({"uriTemplate": "file:///{+path}", "name": "any"}))
        .completion(echo);
    let kit = kit(&[("my_fs", &server), ("other", &polite("other"))]).await;
    let asked = |reply: manyhands::Reply| -> serde_json::Value {
        let values = &reply.parsed()["completion"]["values"];
        serde_json::from_str(values[0].as_str().unwrap()).unwrap()
    };
    let argument = json!({"name": "path", "value": "a"});

    let template = kit.catalogue().templates().next().unwrap().uri().to_owned();
    let ask = kit.complete_resource(template, ("path", "a"), json!({"b": "c"}));
    let of = json!({"type": "ref/resource", "uri": "file:///{+path}"});
    assert_eq!(
        asked(ask.await.unwrap()),
        json!({"ref": of, "argument": argument, "context": {"arguments": {"b": "c"}}})
    );

    let of = json!({"type": "ref/prompt", "name": "sum.up"});
    let wire = kit.catalogue().prompts().next().unwrap().wire().to_owned();
    for ask in [
        kit.complete_prompt("my_fs.sum.up", ("path", "a"), json!({})),
        kit.complete_prompt(wire, ("path", "a"), json!({}))
            .by_wire_name(),
    ] {
        assert_eq!(
            asked(ask.await.unwrap()),
            json!({"ref": of, "argument": argument})
        );
    }

    for ask in [
        kit.complete_prompt("my_fs.sum", ("path", "a"), json!({})),
        kit.complete_resource("file:///{+path}", ("path", "a"), json!({})),
    ] {
        let error = ask.await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::NotFound, Delivery::NotSent)
        );
    }
    // A server that completes nothing says so itself.
    let ask = kit.complete_resource("other+a:{b}", ("b", ""), json!({}));
    assert_eq!(ask.await.unwrap_err().rpc_code(), Some(-32_601));
}

#[tokio::test(start_paused = true)]
async fn prompts_are_got_by_name() {
    let result =
        json!({"messages": [{"role": "user", "content": {"type": "text", "text": "summarize"}}]});
    let server = ScriptedServer::new("s").prompt(
        json!({"name": "sum", "arguments": [{"name": "channel"}]}),
        result,
    );
    let kit = kit(&[("s", &server)]).await;
    let reply = kit
        .get_prompt("s.sum", json!({"channel": "general"}))
        .await
        .unwrap();
    assert_eq!(
        reply.parsed()["messages"][0]["content"]["text"],
        "summarize"
    );
    let error = kit.get_prompt("s.sun", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "get prompt s.sun: the server s offers no such prompt; did you mean s.sum?"
    );
}

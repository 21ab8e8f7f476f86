//! Calls and answers in the shape of each API, on what real APIs give and what strangers might.

use std::time::Duration;

use manyhands_core::{Reply, ServerId};
use serde_json::json;

use super::read::{ModelCall, Style, read};
use super::*;

fn call(id: Option<&str>, name: &str, arguments: Value) -> ModelCall {
    ModelCall {
        id: id.map(str::to_owned),
        name: name.to_owned(),
        arguments: Ok(arguments),
    }
}

#[test]
fn calls_are_found_in_whatever_part_of_a_response_is_given() {
    let chat = json!({"id": "c1", "type": "function", "function": {"name": "a__b", "arguments": "{\"x\": 1}"}});
    let chat_message = json!({"role": "assistant", "content": null, "tool_calls": [chat]});
    let other = json!({"message": {"tool_calls": [{"id": "no", "function": {"name": "no"}}]}});
    let responses = json!({"type": "function_call", "call_id": "c1", "name": "a__b", "arguments": "{\"x\": 1}"});
    let used = json!({"type": "tool_use", "id": "c1", "name": "a__b", "input": {"x": 1}});
    let part = json!({"functionCall": {"id": "c1", "name": "a__b", "args": {"x": 1}}});
    let content = json!({"role": "model", "parts": [{"text": "Well,"}, part]});
    for (api, given, style) in [
        (ModelApi::OpenAi, json!([chat]), Style::Chat),
        (ModelApi::OpenAi, chat_message.clone(), Style::Chat),
        (
            ModelApi::OpenAi,
            json!({"choices": [{"message": chat_message}, other]}),
            Style::Chat,
        ),
        (
            ModelApi::OpenAi,
            json!({"output": [{"type": "reasoning"}, responses]}),
            Style::Responses,
        ),
        (
            ModelApi::Anthropic,
            json!({"content": [{"type": "text", "text": "Let me see."}, used]}),
            Style::Anthropic,
        ),
        (ModelApi::Gemini, content.clone(), Style::Gemini),
        (
            ModelApi::Gemini,
            json!({"candidates": [{"content": content}, {"content": content}]}),
            Style::Gemini,
        ),
        (
            ModelApi::Gemini,
            json!([{"id": "c1", "name": "a__b", "args": {"x": 1}}]),
            Style::Gemini,
        ),
    ] {
        let expected = call(Some("c1"), "a__b", json!({"x": 1}));
        assert_eq!(read(api, &given), (style, vec![expected]), "{given}");
    }
}

#[test]
fn arguments_that_are_no_object_are_told_and_nothing_is_an_empty_one() {
    let arguments = |given: Value| {
        let given = json!([{"id": "1", "function": {"name": "n", "arguments": given}}]);
        let (_, calls) = read(ModelApi::OpenAi, &given);
        calls.into_iter().next().unwrap().arguments
    };
    for nothing in [
        json!(null),
        json!(""),
        json!(" "),
        json!("null"),
        json!("{}"),
        json!({}),
    ] {
        assert_eq!(arguments(nothing.clone()), Ok(json!({})), "{nothing}");
    }
    for bad in [json!("{\"x\": "), json!("[1]"), json!(7), json!("\"text\"")] {
        assert!(arguments(bad.clone()).is_err(), "{bad}");
    }
    let long = arguments(json!(format!("{{\u{1b}{}", "x".repeat(5_000)))).unwrap_err();
    assert!(long.len() < 300 && !long.contains('\u{1b}'), "{long}");
}

#[test]
fn responses_that_are_built_to_hurt_end() {
    let mut deep = json!([{"functionCall": {"name": "n", "args": {}}}]);
    for _ in 0..100 {
        deep = json!({"content": deep});
    }
    assert_eq!(read(ModelApi::Gemini, &deep).1, []);
    let many = vec![json!({"functionCall": {"name": "n"}}); 10_000];
    assert_eq!(read(ModelApi::Gemini, &many.into()).1.len(), 1_024);
    for nothing in [json!(null), json!("x"), json!([[]]), json!({"content": 1})] {
        assert_eq!(read(ModelApi::Anthropic, &nothing).1, [], "{nothing}");
    }
}

fn answered(result: Result<Answer, CallError>) -> Answered {
    Answered {
        id: Some("c1".to_owned()),
        name: "a__b".to_owned(),
        result,
    }
}

fn reply(result: &Value) -> Answered {
    let raw = serde_json::value::to_raw_value(result).unwrap();
    let reply = Reply::new(ServerId::parse("a").unwrap(), raw, Duration::ZERO);
    answered(Ok(Answer::Server(reply)))
}

fn messages(style: Style, answer: Answered) -> Value {
    let answers = vec![answer];
    Dispatched { answers, style }.messages().into()
}

#[test]
fn each_api_gets_texts_and_images_where_it_takes_them() {
    let picture = || {
        reply(&json!({"content": [
            {"type": "text", "text": "Done."}, {"type": "image", "mimeType": "image/png", "data": "AAAA"},
        ]}))
    };
    assert_eq!(
        messages(Style::Chat, picture()),
        json!([
            {"role": "tool", "tool_call_id": "c1", "content": "Done.\n[an image/png]"},
            {"role": "user", "content": [
                {"type": "text", "text": "The image that a__b returned (call c1):"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ]},
        ])
    );
    assert_eq!(
        messages(Style::Responses, picture()),
        json!([{"type": "function_call_output", "call_id": "c1", "output": [
            {"type": "input_text", "text": "Done."},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        ]}])
    );
    assert_eq!(
        messages(Style::Anthropic, picture()),
        json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "is_error": false, "content": [
            {"type": "text", "text": "Done."},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ]}]}])
    );
    assert_eq!(
        messages(Style::Gemini, picture()),
        json!([{"role": "user", "parts": [
            {"functionResponse": {"id": "c1", "name": "a__b", "response": {"output": "Done.\n[an image/png]"}}},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        ]}])
    );
}

#[test]
fn a_failure_is_marked_as_one_for_each_api() {
    let failed =
        || reply(&json!({"content": [{"type": "text", "text": "no #x"}], "isError": true}));
    assert_eq!(
        messages(Style::Chat, failed())[0]["content"],
        "error: no #x"
    );
    assert_eq!(
        messages(Style::Responses, failed())[0]["output"],
        "error: no #x"
    );
    let result = &messages(Style::Anthropic, failed())[0]["content"][0];
    assert_eq!(result["is_error"], true);
    let response = &messages(Style::Gemini, failed())[0]["parts"][0]["functionResponse"];
    assert_eq!(response["response"], json!({"error": "no #x"}));

    let error = CallError::new(
        ErrorKind::Unavailable,
        Delivery::NotSent,
        "the server stopped",
    );
    let told = &messages(Style::Anthropic, answered(Err(error)))[0]["content"][0];
    let text = told["content"][0]["text"].as_str().unwrap();
    let shape: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&shape["code"], &shape["delivery"], &told["is_error"]),
        (&json!("unavailable"), &json!("not_sent"), &json!(true))
    );
}

#[test]
fn whatever_a_server_answers_is_read_as_text() {
    let said = |result: Value| messages(Style::Chat, reply(&result))[0]["content"].clone();
    for (result, expected) in [
        (
            json!({"content": [], "structuredContent": {"n": 1}}),
            "{\"n\":1}",
        ),
        (
            json!({"content": [{"type": "text", "text": "1"}], "structuredContent": {"n": 1}}),
            "1",
        ),
        (
            json!({"contents": [{"uri": "u", "text": "inside"}]}),
            "inside",
        ),
        (
            json!({"contents": [{"uri": "u", "mimeType": "application/pdf", "blob": "AAAAAAAA"}]}),
            "[application/pdf, about 6 bytes, not shown]",
        ),
        (
            json!({"content": [{"type": "audio", "mimeType": "audio/wav", "data": "AAAA"}]}),
            "[audio/wav, about 3 bytes, not shown]",
        ),
        (
            json!({"content": [{"type": "image", "mimeType": "image/svg+xml", "data": "AAAA"}]}),
            "[image/svg+xml, about 3 bytes, not shown]",
        ),
        (
            json!({"content": [{"type": "resource_link", "name": "log", "uri": "f+file:///l"}]}),
            "[resource log: f+file:///l]",
        ),
        (
            json!({"content": [{"type": "resource", "resource": {"uri": "u", "text": "in"}}]}),
            "in",
        ),
        (
            json!({"messages": [{"role": "user", "content": {"type": "text", "text": "Sum it up."}}]}),
            "user: Sum it up.",
        ),
        (
            json!({"content": [{"type": "new", "x": 1}]}),
            "{\"type\":\"new\",\"x\":1}",
        ),
        (json!({"content": [7]}), "7"),
        (json!({}), ""),
        (json!([1]), ""),
    ] {
        assert_eq!(said(result.clone()), expected, "{result}");
    }
}

#[test]
fn without_calls_there_is_nothing_to_say() {
    for style in [
        Style::Chat,
        Style::Responses,
        Style::Anthropic,
        Style::Gemini,
    ] {
        let answers = Vec::new();
        assert_eq!(Dispatched { answers, style }.messages(), [] as [Value; 0]);
    }
}

//! Tapes: how they are filled, written and read back.

use std::time::Duration;

use manyhands_testkit::{Line, Recorder, Side, Tape, TapeErrorKind};

#[tokio::test(start_paused = true)]
async fn a_tape_survives_its_text_form() {
    let recorder = Recorder::new();
    recorder.record(Side::Client, br#"{"id": 1e400, "b": [1.0]}"#);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    recorder.clone().record(Side::Server, b"no \"JSON\"\r");
    recorder.record(Side::Server, b"\xff");
    recorder.record(Side::Client, b"{\n\"split\": true}");
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    recorder.record(Side::Server, deep.as_bytes());

    let tape = recorder.tape();
    let [number, other, bytes, split, nested] = tape.entries() else {
        panic!("{tape}");
    };
    assert_eq!(
        number.line,
        Line::Json(r#"{"id": 1e400, "b": [1.0]}"#.into())
    );
    assert_eq!(
        (other.from, other.at),
        (Side::Server, Duration::from_millis(1_500))
    );
    assert_eq!(other.line, Line::Other("no \"JSON\"".into()));
    assert_eq!(bytes.line, Line::Other("\u{fffd}".into()));
    assert_eq!(split.line, Line::Json(r#"{ "split": true}"#.into()));
    assert_eq!(nested.line, Line::Json(deep));
    assert_eq!(Tape::parse(&tape.to_jsonl()), Ok(tape));
}

#[test]
fn what_is_no_tape_is_told_by_line() {
    let entry = r#"{"at_us":0,"from":"client","message":1}"#;
    let lines = |third: &str| format!("{{\"tape\":1}}\n{entry}\n{third}\n");
    for (text, kind, error) in [
        (
            "",
            TapeErrorKind::Version,
            r#"read line 1 of a tape: expected {"tape":1}"#,
        ),
        (
            r#"{"tape":2}"#,
            TapeErrorKind::Version,
            r#"read line 1 of a tape: expected {"tape":1}"#,
        ),
        (
            &lines("x"),
            TapeErrorKind::NotAnObject,
            "read line 3 of a tape: expected a JSON object",
        ),
        (
            &lines(r#"{"at_us":-1,"from":"client","message":1}"#),
            TapeErrorKind::Time,
            r#"read line 3 of a tape: expected "at_us" with a whole number of microseconds"#,
        ),
        (
            &lines(r#"{"at_us":1,"from":"nobody","message":1}"#),
            TapeErrorKind::Sender,
            r#"read line 3 of a tape: expected "from" with "client" or "server""#,
        ),
        (
            &lines(r#"{"at_us":1,"from":"client","message":1,"line":""}"#),
            TapeErrorKind::Message,
            r#"read line 3 of a tape: expected either "message" with JSON or "line" with a text"#,
        ),
    ] {
        let found = Tape::parse(text).unwrap_err();
        assert_eq!((found.kind(), found.to_string().as_str()), (kind, error));
    }
    let long = format!("{{\"tape\":1}}\n{}", format!("{entry}\n").repeat(10_001));
    let found = Tape::parse(&long).unwrap_err();
    assert_eq!(
        (found.kind(), found.line()),
        (TapeErrorKind::TooLarge, 10_002)
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_tape_ends_where_the_first_message_is_missing() {
    let recorder = Recorder::new();
    let large = vec![b'x'; 16 * 1024 * 1024];
    for line in [&large[..], &large, &large, &large, b"y", b""] {
        recorder.record(Side::Client, line);
    }
    assert_eq!(
        (recorder.tape().entries().len(), recorder.left_out()),
        (4, 2)
    );

    let recorder = Recorder::new();
    for _ in 0..10_003 {
        recorder.record(Side::Server, b"z");
    }
    assert_eq!(
        (recorder.tape().entries().len(), recorder.left_out()),
        (10_000, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_kept() {
    let recorder = Recorder::new();
    let call = br#"{"id":1,"method":"tools/call","params":{"name":"login","arguments":
        {"user":"ada","password":"hunter2","env":{"GITHUB_TOKEN":"hunter2"},
         "headers":{"Authorization":"Bearer hunter2"}},"_meta":{"progressToken":7}}}"#;
    recorder.record(Side::Client, call);
    let broken = &call[..call.len() - 36];
    recorder.record(Side::Client, broken);
    let text = recorder.tape().to_jsonl();
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(text.matches("[hidden]").count(), 6, "{text}");
    assert!(
        text.contains(r#""progressToken":7"#) && text.contains("ada"),
        "{text}"
    );
}

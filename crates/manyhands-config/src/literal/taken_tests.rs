//! What is taken out of an entry, and that nothing of it stays behind.

use manyhands_core::ServerId;
use serde_json::{Value, json};

use super::{Hidden, TakenSecrets, take_secrets};

const GITHUB: &str = "ghp_0123456789abcdefghij0123456789abcdef";
const PLAIN: &str = "8Xq1Z0r7Tk2Lw9";

fn take(entry: &Value) -> (Value, TakenSecrets) {
    let mut entry = entry.clone();
    let taken = take_secrets(&ServerId::parse("crm").unwrap(), &mut entry);
    (entry, taken)
}

fn rich() -> Value {
    json!({
        "command": "npx",
        "args": ["-y", "--token", PLAIN, format!("--api-key={PLAIN}"), "--header", format!("Authorization: Bearer {PLAIN}"), format!("x={GITHUB},{GITHUB}1")],
        "env": {
            "A_TOKEN": PLAIN, "B": format!("a {GITHUB} b"), "C_TOKEN": "${C_TOKEN}", "PORT": 1, "MODE": "fast",
            "DB": format!("postgres://me:{PLAIN}@db/x"), "KEY": "-----BEGIN PRIVATE KEY-----\nabc",
        },
        "url": format!("https://me:{PLAIN}@h.example/${{A}}/x?api_key={PLAIN}&b=1"),
        "headers": {"Authorization": format!("Bearer {PLAIN}"), "X-Api-Key": PLAIN},
        "manyhands": {"oauth": {"clientSecret": PLAIN}, "tags": [GITHUB]},
        "other": GITHUB,
    })
}

#[test]
fn secrets_are_taken_out_and_the_rest_stays_readable() {
    let (entry, found) = take(&rich());
    let kept: Vec<_> = found
        .taken
        .iter()
        .map(|it| format!("{} as {}/{}", it.path, it.service, it.account))
        .collect();
    insta::assert_snapshot!(format!(
        "{entry:#}\n{}\nleft: {:?}",
        kept.join("\n"),
        found.left
    ));
    let text = entry.to_string().replacen(GITHUB, "", 1);
    assert!(!text.contains(GITHUB) && !text.contains(PLAIN), "{text}");
    assert_eq!(take(&entry).1.taken.len(), 0);
    assert!(!format!("{found:?}").contains(PLAIN));
}

#[test]
fn what_was_taken_put_back_is_what_was_there() {
    let (entry, found) = take(&rich());
    let mut text = entry.to_string();
    for it in &found.taken {
        let quoted = Value::from(it.value.expose()).to_string();
        let reference = format!("${{secret:keyring:{}/{}}}", it.service, it.account);
        assert_eq!(text.matches(&reference).count(), 1, "{reference}");
        text = text.replace(&reference, quoted.trim_matches('"'));
    }
    assert_eq!(text, rich().to_string());
}

#[test]
fn a_secret_that_no_reference_can_stand_for_is_left_and_told() {
    let entry = json!({"command": "x", "env": {"A_TOKEN": format!("${{A:-{GITHUB}}}"), "B_TOKEN": format!("\u{1}{GITHUB}")}});
    let (after, found) = take(&entry);
    assert_eq!((after, found.taken.len()), (entry, 0));
    assert_eq!(found.left, ["env.A_TOKEN", "env.B_TOKEN"]);
}

#[test]
fn nothing_that_is_shown_has_a_secret() {
    let hidden = Hidden::of(
        &json!({"x": [rich()], "y": {"token": "a\"b\\c1D2e3"}, "z": {"z_token": format!("${{A:-{GITHUB}}}")}}),
    );
    let text = format!(
        "{} {} {PLAIN} a\"b\\c1D2e3",
        json!({"q": "a\"b\\c1D2e3"}),
        rich()
    );
    let shown = hidden.conceal(&text);
    for secret in [GITHUB, PLAIN, "c1D2e3"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("[hidden]") && shown.contains("postgres://me:"));
}

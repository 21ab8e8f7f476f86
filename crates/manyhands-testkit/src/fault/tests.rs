//! Every switch is read as the fault of its name.

use std::collections::HashSet;

use super::*;

/// `HangsOnCall` as `hangs-on-call`, and `Text(Name(Huge))` as `text-in-name`.
fn kebab(fault: &Fault) -> String {
    let debug = format!("{fault:?}");
    let families = [
        ("Handshake(", ""),
        ("List(", ""),
        ("Answer(", ""),
        ("Text(", "text-in"),
        ("Flood(", "floods"),
        ("Question(", ""),
        ("Wire(", ""),
        ("Process(", ""),
        ("Http(", "http"),
    ];
    let family = |(name, prefix): &(&str, &'static str)| Some((debug.strip_prefix(name)?, *prefix));
    let (inner, prefix) = families.iter().find_map(family).unwrap_or((&debug, ""));
    let mut name = prefix.to_owned();
    for letter in inner.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[test]
fn every_switch_is_read_as_the_fault_of_its_name() {
    let mut seen = HashSet::new();
    for switch in Fault::switches() {
        let fault: Result<Fault, _> = switch.name.parse();
        let fault = fault.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(kebab(&fault), switch.name);
        assert!(seen.insert(switch.name), "{} is there twice", switch.name);
        let sentence = switch.about.ends_with('.') && !switch.about.contains("\n");
        assert!(sentence, "{}: {}", switch.name, switch.about);
    }
}

#[test]
fn values_are_read_and_refused() {
    let list = ListKind::ResourceTemplates;
    let name = TextFault::Name(OddText::Bidi);
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    for (text, fault) in [
        (
            "fails-list=resourceTemplates:-1",
            Fault::FailsList(list, -1),
        ),
        (
            "fails-list=resourceTemplates",
            Fault::FailsList(list, INTERNAL_ERROR),
        ),
        (
            "refuses-handshake=-1:set A: now",
            Fault::RefusesHandshake(-1, "set A: now".into()),
        ),
        ("oversized-reply=9", Fault::OversizedReply(9)),
        ("text-in-name=bidi", name.into()),
        (
            &format!("http-retry-after={date}"),
            HttpFault::RetryAfter(date.into()).into(),
        ),
    ] {
        assert_eq!(text.parse(), Ok(fault));
    }
    for (text, error) in [
        ("deep-reply=x", "deep-reply does not take this value"),
        ("deep-reply=1:2", "deep-reply does not take this value"),
        ("wrong-id=1", "wrong-id does not take this value"),
        ("hang-on-call", "did you mean hangs-on-call?"),
    ] {
        let error = format!("read {text:?} as a fault: {error}");
        assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), error);
    }
}

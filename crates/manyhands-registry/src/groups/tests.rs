//! Declared groups over small catalogues: their order, its reasons, and what is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use manyhands_core::QualifiedName;
use serde_json::{Value, json};

use super::*;
use crate::samples::{id, offering};
use crate::{Catalogue, Overlays, ToolOverlay};

/// Servers `a`, `b` and `c` with one tool `t` each, of which the configuration says this, and `c` something too.
fn catalogue(said: [Value; 3]) -> Catalogue {
    let servers = ["a", "b", "c"].into_iter().zip(said);
    servers.fold(
        Catalogue::new(["a", "b", "c"].map(id)),
        |all, (server, said)| {
            let overlay: ToolOverlay = serde_json::from_value(said).unwrap();
            let tags = Some("claimed").filter(|_| server == "c");
            let tags: Vec<&str> = tags.into_iter().collect();
            let tools = [json!({"name": "t", "inputSchema": {}, "_meta": {"tags": tags}})];
            let overlays = Overlays::default().with_tool("t", overlay);
            all.with_overlays(&id(server), overlays)
                .with_inventory(&id(server), &offering(&tools))
                .0
        },
    )
}

fn plain() -> Catalogue {
    catalogue([json!({}), json!({}), json!({})])
}

fn groups(declared: Value) -> Groups {
    serde_json::from_value(declared).unwrap()
}

/// What a test knows of tools, by the ids of their servers.
#[derive(Default)]
struct Known {
    measured: BTreeMap<&'static str, Measured>,
    down: Vec<&'static str>,
}

impl ToolHealth for Known {
    fn measured(&self, tool: &QualifiedName) -> Option<Measured> {
        self.measured.get(tool.server().as_str()).copied()
    }

    fn outage(&self, tool: &QualifiedName) -> Option<String> {
        let is_down = self.down.contains(&tool.server().as_str());
        is_down.then(|| "its server is \u{1b}down".to_owned())
    }
}

fn fast(millis: u64, calls: usize) -> Measured {
    let p50 = Duration::from_millis(millis);
    Measured::new(calls, 1.0).with_latency(p50, p50 * 2)
}

fn known<const N: usize>(measured: [(&'static str, Measured); N]) -> Known {
    Known {
        measured: measured.into(),
        down: Vec::new(),
    }
}

/// The ids of the servers in the order of the only group.
fn order(ranking: &Ranking) -> String {
    let members = ranking.groups()[0].members.iter();
    members.map(|it| it.tool.server().as_str()).collect()
}

fn whys(ranking: &Ranking) -> Vec<&str> {
    let members = ranking.groups()[0].members.iter();
    members.map(|it| it.why.as_str()).collect()
}

fn problems(groups: &Groups, catalogue: &Catalogue) -> Vec<String> {
    let ranking = groups.ranked(catalogue, &(), None);
    ranking.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_plain_list_is_the_order() {
    let ranking = groups(json!({"g": ["b.t", "a.t", "c.t"]})).ranked(&plain(), &(), None);
    assert_eq!(order(&ranking), "bac");
    let told = [
        "before a.t: declared first",
        "after b.t: declared later",
        "after a.t: declared later",
    ];
    assert_eq!(whys(&ranking), told);
    let member = &ranking.groups()[0].members[0];
    assert_eq!(member.decided_by, Some(Criterion::Order));
    assert_eq!(ranking.group_of(&member.tool).unwrap().name, "g");
}

#[test]
fn both_forms_are_read_and_written_and_wrong_ones_are_told() {
    let full = json!({"g": {"tools": ["a.t", {"tool": "b.t", "arguments": "{q: .query}"}], "prefer": ["tag:Fast", "cost"]}});
    let read = groups(full);
    assert_eq!(
        read.0["g"].tools[1].arguments.as_deref(),
        Some("{q: .query}")
    );
    assert_eq!(
        read.0["g"].prefer,
        [Criterion::Tag("Fast".to_owned()), Criterion::Cost]
    );
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(groups(written), read);
    let refused = |value: Value| {
        serde_json::from_value::<Groups>(value)
            .unwrap_err()
            .to_string()
    };
    let told = refused(json!({"g": {"tools": [], "prefer": ["latancy"]}}));
    assert_eq!(
        told,
        "read `latancy` as what decides between tools: did you mean latency?"
    );
    assert!(
        refused(json!({"g": {"tools": [], "prefer": ["tag: "]}})).contains("`tag:` with a tag")
    );
    assert!(refused(json!({"g": 7})).contains("expected names of tools, or an object"));
    assert!(refused(json!({"g": {"prefer": []}})).contains("missing field `tools`"));
}

#[test]
fn the_schema_takes_what_is_read() {
    let schema = serde_json::to_value(schemars::schema_for!(Groups)).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (value, is_valid) in [
        (json!({"g": ["a.t", "b.t"]}), true),
        (
            json!({"g": {"tools": ["a.t", {"tool": "b.t"}], "prefer": ["tag:x", "order"]}}),
            true,
        ),
        (json!({"g": {"tools": ["a.t"], "prefer": ["speed"]}}), false),
        (json!({"g": "a.t"}), false),
    ] {
        assert_eq!(schema.is_valid(&value), is_valid, "{value}");
        assert_eq!(
            serde_json::from_value::<Groups>(value.clone()).is_ok(),
            is_valid,
            "{value}"
        );
    }
}

#[test]
fn what_the_configuration_says_decides_in_the_order_of_preference() {
    let all = catalogue([
        json!({"cost": "high"}),
        json!({}),
        json!({"cost": "low", "tags": ["Slow"]}),
    ]);
    let ranked = |prefer: Value| {
        let declared = json!({"g": {"tools": ["a.t", "b.t", "c.t"], "prefer": prefer}});
        groups(declared).ranked(&all, &(), None)
    };
    let by_cost = ranked(json!(["cost"]));
    assert_eq!(order(&by_cost), "cba");
    assert_eq!(whys(&by_cost)[0], "before b.t: cost low against medium");
    assert_eq!(order(&ranked(json!(["tag:slow", "cost"]))), "cba");
    let by_tag = ranked(json!(["tag:SLOW", "order"]));
    assert_eq!(order(&by_tag), "cab");
    assert_eq!(
        whys(&by_tag)[..2],
        [
            "before a.t: it has the tag SLOW",
            "after c.t: it lacks the tag SLOW"
        ]
    );
    // What a server says of its own tools promotes none.
    assert_eq!(
        whys(&ranked(json!(["tag:claimed"])))[0],
        "before b.t: no clear difference, as declared"
    );
}

#[test]
fn only_clear_differences_decide() {
    let declared = groups(json!({"g": {"tools": ["a.t", "b.t"], "prefer": ["latency"]}}));
    let order = |a: Measured, b: Measured| {
        order(&declared.ranked(&plain(), &known([("a", a), ("b", b)]), None))
    };
    assert_eq!(order(fast(400, 64), fast(200, 64)), "ba");
    // Too few calls, too small a part, too little time, and slow at times.
    assert_eq!(order(fast(400, 64), fast(200, 9)), "ab");
    assert_eq!(order(fast(400, 64), fast(310, 64)), "ab");
    assert_eq!(order(fast(30, 64), fast(12, 64)), "ab");
    let at_times = fast(200, 64).with_latency(Duration::from_millis(200), Duration::from_secs(9));
    assert_eq!(order(fast(400, 64), at_times), "ab");
    assert_eq!(order(fast(400, 64), Measured::new(64, 1.0)), "ab");
}

#[test]
fn only_more_success_than_chance_decides() {
    let declared = groups(json!({"g": {"tools": ["a.t", "b.t"], "prefer": ["success"]}}));
    let rank =
        |a: Measured, b: Measured| declared.ranked(&plain(), &known([("a", a), ("b", b)]), None);
    let failing = rank(Measured::new(64, 0.5), Measured::new(20, 1.0));
    assert_eq!(order(&failing), "ba");
    assert_eq!(
        whys(&failing)[0],
        "before a.t: answered 100% of 20 calls against 50% of 64"
    );
    // What is no rate counts as the nearest one.
    assert_eq!(
        order(&rank(Measured::new(20, 0.5), Measured::new(20, 7.0))),
        "ba"
    );
    for (calls, a, b) in [(20, 0.9, 1.0), (9_999, 0.96, 1.0), (20, f64::NAN, 1.0)] {
        let found = order(&rank(Measured::new(calls, a), Measured::new(calls, b)));
        assert_eq!(found, "ab", "{a}");
    }
}

#[test]
fn an_order_stays_until_the_difference_is_gone() {
    let declared = groups(json!({"g": {"tools": ["a.t", "b.t"], "prefer": ["latency", "order"]}}));
    let mut ranking = Ranking::default();
    let mut orders = Vec::new();
    for millis in [390, 250, 330, 290, 350, 370, 330] {
        let health = known([("a", fast(400, 64)), ("b", fast(millis, 64))]);
        ranking = declared.ranked(&plain(), &health, Some(&ranking));
        orders.push(order(&ranking));
    }
    // With nothing measured any more, what was before is better than what is declared.
    let by_latency = groups(json!({"g": {"tools": ["a.t", "b.t", "c.t"], "prefer": ["latency"]}}));
    let health = known([("a", fast(400, 64)), ("b", fast(200, 64))]);
    let earlier = by_latency.ranked(&plain(), &health, None);
    let later = by_latency.ranked(&plain(), &(), Some(&earlier));
    assert_eq!(order(&later), "bac");
    assert_eq!(
        whys(&later)[0],
        "before a.t: no clear difference, as before"
    );
    // At 370 ms the tenth is gone; at 330 ms the quarter is not there again.
    assert_eq!(orders, ["ab", "ba", "ba", "ba", "ba", "ab", "ab"]);
}

#[test]
fn a_tool_that_beats_none_of_those_between_still_passes_the_one_it_beats() {
    let declared = groups(json!({"g": {"tools": ["a.t", "b.t", "c.t"], "prefer": ["latency"]}}));
    let health = known([
        ("a", fast(400, 64)),
        ("b", fast(330, 64)),
        ("c", fast(290, 64)),
    ]);
    assert_eq!(order(&declared.ranked(&plain(), &health, None)), "cab");
}

#[test]
fn what_is_down_goes_last_and_comes_back_to_its_place() {
    let declared = groups(json!({"g": ["a.t", "b.t", "c.t"]}));
    let health = Known {
        down: vec!["a"],
        ..Known::default()
    };
    let without = declared.ranked(&plain(), &health, None);
    assert_eq!(order(&without), "bca");
    assert_eq!(
        whys(&without)[2],
        r"not available: its server is \u{1b}down"
    );
    let unordered = groups(json!({"g": {"tools": ["a.t", "b.t", "c.t"], "prefer": ["cost"]}}));
    let without = unordered.ranked(&plain(), &health, None);
    assert_eq!(
        order(&unordered.ranked(&plain(), &(), Some(&without))),
        "abc"
    );
}

#[test]
fn what_is_wrong_is_told_and_costs_only_itself() {
    let empty = id("empty");
    let all = plain().with_server(empty);
    let told = problems(
        &groups(json!({"g": ["a.t", "a.x", "d.t", "empty.t", "nonsense", "a.t", "b.t"]})),
        &all,
    );
    assert_eq!(
        told,
        [
            "the group g: a.x is no tool that there is; did you mean a.t?",
            "the group g: d.t is no tool that there is; did you mean a.t, b.t or c.t?",
            "the group g: empty.t is not there at present: its server offers no tool",
            "the group g: nonsense is no tool that there is; write it as `server.tool`",
            "the group g: a.t is in it twice; its first place counts",
        ]
    );
    let two = groups(json!({"g": ["a.t", "b.t"], "h": ["b.t", "c.t"]}));
    assert_eq!(
        problems(&two, &all),
        [
            "the group h: b.t is in the group g already, where it stays; take it out of one of them",
            "the group h: fewer than two of its tools are there, so that none comes before another",
        ]
    );
    assert_eq!(two.ranked(&all, &(), None).groups().len(), 1);
    let behind = groups(json!({"g": {"tools": ["a.t", "b.t"], "prefer": ["order", "cost"]}}));
    assert_eq!(
        problems(&behind, &all),
        ["the group g: what `prefer` has behind `order` never decides; put `order` last"]
    );
    let hidden =
        catalogue([json!({"hidden": true}), json!({}), json!({})]).with_quarantine(&id("b"), ["t"]);
    let (hidden, _) = hidden.with_inventory(
        &id("b"),
        &offering(&[json!({"name": "t", "inputSchema": {}})]),
    );
    let told = problems(&groups(json!({"g": ["a.t", "b.t"]})), &hidden);
    assert!(
        told[0].contains("a.t is hidden in the configuration")
            && told[1].contains("b.t is quarantined"),
        "{told:?}"
    );
    assert!(
        problems(&groups(json!({"\u{1b}[2J": ["\u{202e}.t"]})), &all)[0]
            .starts_with(r"the group \u{1b}[2J: \u{202e}.t is no")
    );
}

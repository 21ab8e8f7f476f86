//! The promises of wire names: legal, readable where nothing was lost, never two alike, and the business of one server alone.

use super::*;
use std::collections::HashSet;
use std::sync::Arc;

use fastrand::Rng;
use manyhands_core::{Inventory, assign_ids};
use serde_json::json;

use crate::{Catalogue, Named};

/// Names of real tools, with their servers.
const REAL: &str = include_str!("../../tests/data/real-names.txt");

fn wire(server: &str, name: &str) -> String {
    wire_name(&ServerId::parse(server).unwrap(), name)
}

#[test]
fn what_is_legal_stays_readable() {
    assert_eq!(wire("slack", "search_messages"), "slack__search_messages");
    assert_eq!(wire("s", "a-b__c"), "s__a-b__c");
}

#[test]
fn what_is_lost_is_told_apart_by_a_hash() {
    let long = "x".repeat(4_096);
    let longer = format!("{long}y");
    let names = [
        wire("s", "a.b"),
        wire("s", "a/b"),
        wire("s", "a b"),
        wire("s", "a_b"),
        wire("s", ""),
        wire("s", "日本"),
        wire("s", "日木"),
        wire("s", &long),
        wire("s", &longer),
        wire("s", "\u{202e}"),
        wire("a_", "b"),
        wire("a", "_b"),
        wire("a_", "b.c"),
        wire("a", "_b.c"),
    ];
    let unique: HashSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{names:#?}");
    assert!(
        names
            .iter()
            .all(|name| name.len() <= 64 && name.bytes().all(is_safe)),
        "{names:#?}"
    );
}

#[test]
fn each_api_gets_names_within_its_own_rules() {
    let server = ServerId::parse("s").unwrap();
    let odd = [
        "log",
        "a.b",
        "\u{202e}x",
        "",
        "1st",
        "х",
        &"y".repeat(100),
        &"z".repeat(4_096),
    ];
    for api in ModelApi::ALL {
        let names: HashSet<String> = odd
            .iter()
            .map(|name| wire_name_for(api, &server, name))
            .collect();
        assert_eq!(names.len(), odd.len(), "{names:#?}");
        let legal = |name: &String| {
            name.len() <= api.max()
                && name.bytes().all(is_safe)
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
        };
        assert!(names.iter().all(legal), "{api:?}: {names:#?}");
    }
    // What fits is kept readable where there is room for it.
    let long = "y".repeat(100);
    assert_eq!(
        wire_name_for(ModelApi::Anthropic, &server, &long),
        format!("s__{long}")
    );
    assert_ne!(
        wire_name_for(ModelApi::OpenAi, &server, &long),
        format!("s__{long}")
    );
}

#[test]
fn a_name_tells_which_servers_it_may_be_of() {
    assert_eq!(servers_in("git__log"), ["git", "git_"]);
    assert_eq!(servers_in("a___b"), ["a", "a_"]);
    assert_eq!(servers_in("git_log"), ["", ""]);
    assert_eq!(servers_in("é__x"), ["é", "é_"]);
}

/// Every real server with its tools' names, in order.
fn real() -> Vec<(ServerId, Vec<String>)> {
    let lines = REAL.lines().filter(|line| !line.starts_with('#'));
    let named: Vec<(&str, &str)> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    let of_one_server = named.chunk_by(|one, next| one.0 == next.0);
    let (keys, names): (Vec<&str>, Vec<Vec<String>>) = of_one_server
        .map(|tools| {
            let names = tools.iter().map(|(_, name)| (*name).to_owned());
            (tools[0].0, names.collect())
        })
        .unzip();
    assign_ids(keys).into_iter().zip(names).collect()
}

fn catalogue(servers: &[(ServerId, Vec<String>)]) -> Catalogue {
    let mut catalogue = Catalogue::new(servers.iter().map(|(id, _)| id.clone()));
    for (id, names) in servers {
        let mut inventory = Inventory::default();
        for name in names {
            let tool = json!({"name": name, "inputSchema": {"type": "object"}});
            let tool = serde_json::from_value(tool).unwrap();
            inventory.tools.push(Arc::new(tool));
        }
        catalogue = catalogue.with_inventory(id, &inventory).0;
    }
    catalogue
}

/// Whether a server and a name go into a name for models as they are.
fn fits(api: ModelApi, server: &ServerId, name: &str) -> bool {
    !name.is_empty()
        && server.as_str().len() + 2 + name.len() <= api.max()
        && name.bytes().all(is_safe)
}

/// What holds for all tools of all servers, whoever chose their names.
fn check(servers: &[(ServerId, Vec<String>)]) {
    let catalogue = catalogue(servers);
    let offered: HashSet<(&ServerId, &String)> = servers
        .iter()
        .flat_map(|(id, names)| names.iter().map(move |name| (id, name)))
        .collect();
    assert_eq!(catalogue.tools().count(), offered.len(), "one was left out");
    for api in ModelApi::ALL {
        let mut seen = HashSet::new();
        for tool in catalogue.tools() {
            let wire = tool.wire_for(api);
            let legal = wire.len() <= api.max()
                && wire.bytes().all(is_safe)
                && wire.starts_with(|c: char| c.is_ascii_alphabetic());
            assert!(legal, "{api:?}: {wire:?}");
            assert!(seen.insert(wire), "{api:?}: {wire:?} comes twice");
            assert_eq!(catalogue.tool_by_wire_for(api, wire), Ok(tool), "{api:?}");
            assert_eq!(catalogue.tool(&tool.name().to_string()), Ok(tool));
        }
    }
    for (server, names) in servers {
        let alone = self::catalogue(&[(server.clone(), names.clone())]);
        let of_it = catalogue.tools().filter(|it| it.name().server() == server);
        let wires = |tool: &Named<_>| ModelApi::ALL.map(|api| tool.wire_for(api).to_owned());
        let among_others: Vec<_> = of_it.map(wires).collect();
        let by_itself: Vec<_> = alone.tools().map(wires).collect();
        assert_eq!(among_others, by_itself, "{server} is named after others");
    }
}

#[test]
fn real_names_are_all_kept_as_they_are() {
    let servers = real();
    assert_eq!(servers.iter().map(|it| it.1.len()).sum::<usize>(), 1_167);
    check(&servers);
    for tool in catalogue(&servers).tools() {
        let (server, name) = (tool.name().server(), tool.name().name());
        for api in ModelApi::ALL {
            assert!(fits(api, server, name), "{}", tool.name());
            assert_eq!(tool.wire_for(api), format!("{server}__{name}"));
        }
    }
}

#[test]
fn a_date_at_the_end_is_no_mark() {
    assert_eq!(wire("s", "bash_20250124"), "s__bash_20250124");
    assert_eq!(wire("s", "at_2025012412000000"), "s__at_2025012412000000");
    assert_eq!(wire("s", "deadbeef"), "s__deadbeef");
    // One hash in forty has digits only.
    let mut marks = (0..1_000).map(|n| mark(&n.to_string(), MARK));
    assert!(marks.all(|mark| is_marked(&format!("x_{mark}"))));
}

#[test]
fn a_server_that_ends_in_an_underscore_has_marks_that_no_other_server_has() {
    let length = |wire: &str| wire.rsplit_once('_').unwrap().1.len();
    assert_eq!(length(&wire("a_", "b")), 16);
    assert_eq!(length(&wire("a", "_b.")), 8);
    assert_eq!(length(&wire("a", "_b_0123456789abcdef")), 8);
}

#[test]
fn nobody_can_take_a_name_that_anothers_hash_makes() {
    for id in ["a", "a_"] {
        for victim in ["x.y", "", "_", "日本", &"y".repeat(300), "x_0badcafe"] {
            for api in ModelApi::ALL {
                let taken = wire_name_for(api, &ServerId::parse(id).unwrap(), victim);
                let thief = taken.strip_prefix("a__").unwrap();
                let servers = [
                    (ServerId::parse(id).unwrap(), vec![victim.to_owned()]),
                    (ServerId::parse("b").unwrap(), vec![taken.clone()]),
                ];
                check(&servers);
                let mut first = servers.clone();
                // The same server or the one beside it, listed before or after its victim.
                first[1] = (ServerId::parse("a").unwrap(), vec![thief.to_owned()]);
                if id == "a" {
                    check(&[(
                        first[0].0.clone(),
                        vec![victim.to_owned(), thief.to_owned()],
                    )]);
                    check(&[(
                        first[0].0.clone(),
                        vec![thief.to_owned(), victim.to_owned()],
                    )]);
                } else {
                    check(&first);
                    first.reverse();
                    check(&first);
                }
            }
        }
    }
}

/// A name such as somebody might choose who wants it to be taken for another one.
fn hostile(rng: &mut Rng, known: &[String]) -> String {
    const PIECES: &[&str] = &[
        "",
        "_",
        "__",
        ".",
        "-",
        "a",
        "A",
        "а",
        "ａ",
        "b",
        "x_",
        "log",
        "Log",
        "lоg",
        "\u{0}",
        "\u{7}",
        "\u{1b}[2J",
        "\n",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "é",
        "e\u{301}",
        "日本",
        "💥",
        " ",
        "/",
        "+",
        "\\",
        "deadbeef",
        "_0badcafe",
        "_0123456789abcdef",
        "_20250124",
    ];
    match rng.u8(..10) {
        0 => "y".repeat(rng.usize(..4_096)),
        1 => rng.choice(PIECES).unwrap().repeat(rng.usize(..140)),
        // What another tool is named, or its server and its name, or all but its end.
        2..=4 if !known.is_empty() => {
            let name = rng.choice(known).unwrap();
            let from = rng.usize(..5).min(name.len());
            name.get(from..).unwrap_or(name).to_owned()
        }
        5 => String::from_utf8_lossy(&[rng.u8(..), rng.u8(..), b'_', rng.u8(..)]).into_owned(),
        _ => (0..rng.usize(..6))
            .map(|_| *rng.choice(PIECES).unwrap())
            .collect(),
    }
}

#[test]
fn names_that_strangers_choose_are_legal_distinct_and_their_own() {
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let real = real();
        let mut known: Vec<String> = Vec::new();
        let mut servers: Vec<(ServerId, Vec<String>)> =
            ["a", "a_", "b_", "b", "ab-_", "x_deadbeef"]
                .map(|id| (ServerId::parse(id).unwrap(), Vec::new()))
                .to_vec();
        servers.push(rng.choice(real).unwrap());
        for _ in 0..150 {
            let (id, names) = rng.choice(&mut servers).unwrap();
            let name = hostile(&mut rng, &known);
            known.extend(ModelApi::ALL.map(|api| wire_name_for(api, id, &name)));
            known.push(name.clone());
            names.push(name);
        }
        check(&servers);
    }
}

//! The catalogue's promises: names, order, generations and diffs.

use super::*;
use serde_json::json;

fn id(text: &str) -> ServerId {
    ServerId::parse(text).unwrap()
}

fn offering(tools: &[&str]) -> Inventory {
    let mut inventory = Inventory::default();
    for name in tools {
        let tool = json!({"name": name, "inputSchema": {"type": "object"}});
        inventory
            .tools
            .push(Arc::new(serde_json::from_value(tool).unwrap()));
    }
    inventory
}

fn names(catalogue: &Catalogue) -> Vec<String> {
    catalogue
        .tools()
        .map(|tool| tool.name().to_string())
        .collect()
}

#[test]
fn order_is_that_of_registration_whoever_answers_first() {
    let empty = Catalogue::new([id("b"), id("a")]);
    let (one, _) = empty.with_inventory(&id("a"), &offering(&["z", "y"]));
    let (two, _) = one.with_inventory(&id("b"), &offering(&["x"]));
    assert_eq!(names(&two), ["b.x", "a.z", "a.y"]);
}

#[test]
fn a_server_that_comes_is_last_and_one_that_goes_takes_its_names_along() {
    let (one, _) = Catalogue::new([id("a_b"), id("b")]).with_inventory(&id("b"), &offering(&["x"]));
    let added = one.with_server(id("c")).with_server(id("b"));
    let (added, _) = added.with_inventory(&id("c"), &offering(&["y"]));
    assert_eq!(names(&added), ["b.x", "c.y"]);
    let count = |server: &str| added.count(&id(server), CapabilityKind::Tool);
    assert_eq!((count("a_b"), count("b"), count("none")), (0, 1, 0));
    assert_eq!(added.resource("C+x:y").unwrap(), (&id("c"), "x:y"));

    let (fewer, nothing) = added.without_server(&id("a_b"));
    assert!(nothing.is_empty());
    assert_eq!(fewer.generation(), added.generation());
    assert!(fewer.resource("a.b+x:y").is_err());
    let (fewer, diff) = fewer.without_server(&id("b"));
    let gone = Capability::new(CapabilityKind::Tool, "b.x");
    assert_eq!((&diff.removed[..], diff.added.len()), (&[gone][..], 0));
    assert_eq!(fewer.generation(), added.generation() + 1);
    assert_eq!(fewer.tool("c.y").unwrap().wire(), "c__y");
    assert_eq!(names(&fewer), ["c.y"]);
    assert_eq!(
        names(&added),
        ["b.x", "c.y"],
        "the old snapshot is left alone"
    );
}

#[test]
fn a_name_with_dots_belongs_to_the_server_before_the_first() {
    let (catalogue, _) =
        Catalogue::new([id("s")]).with_inventory(&id("s"), &offering(&["admin.tools.list"]));
    let tool = catalogue.tool("s.admin.tools.list").unwrap();
    assert_eq!(tool.name().name(), "admin.tools.list");
    assert_eq!(catalogue.tool_by_wire(tool.wire()).unwrap(), tool);
}

#[test]
fn a_change_has_a_generation_and_a_diff_and_leaves_the_old_snapshot_alone() {
    let (before, _) = Catalogue::new([id("s")]).with_inventory(&id("s"), &offering(&["a", "b"]));
    let mut inventory = offering(&["b", "c"]);
    Arc::make_mut(&mut inventory.tools[0]).description = Some("new".into());
    let (after, diff) = before.with_inventory(&id("s"), &inventory);
    let tool = |name: &str| vec![Capability::new(CapabilityKind::Tool, name)];
    assert_eq!(
        (diff.added, diff.removed, diff.changed),
        (tool("s.c"), tool("s.a"), tool("s.b"))
    );
    assert_eq!((before.generation(), after.generation()), (1, 2));
    assert_eq!(names(&before), ["s.a", "s.b"]);

    let (same, diff) = after.with_inventory(&id("s"), &inventory);
    assert!(diff.is_empty());
    assert_eq!(same.generation(), 2);
}

#[test]
fn a_change_of_one_server_shares_what_the_others_offer() {
    let ids: Vec<ServerId> = (0..200).map(|n| id(&format!("s{n}"))).collect();
    let start = Catalogue::new(ids.iter().cloned());
    let before = ids.iter().fold(start, |catalogue, id| {
        catalogue.with_inventory(id, &offering(&["a"])).0
    });
    let (after, _) = before.with_inventory(&ids[7], &offering(&["a", "b"]));
    for (old, new) in before.servers.iter().zip(&after.servers) {
        assert_eq!(Arc::ptr_eq(&old.1, &new.1), old.0 != ids[7], "{}", old.0);
    }
    // Equal definitions that came anew are kept once.
    let definition = |catalogue: &Catalogue| catalogue.tool("s7.a").unwrap().definition().clone();
    assert!(Arc::ptr_eq(&definition(&before), &definition(&after)));
}

#[test]
fn a_second_tool_of_the_same_name_is_left_out_and_told() {
    let (catalogue, _) =
        Catalogue::new([id("s")]).with_inventory(&id("s"), &offering(&["a", "a", "b"]));
    assert_eq!(names(&catalogue), ["s.a", "s.b"]);
    assert_eq!(
        catalogue.notices(&id("s")),
        [Notice::new("left out a second tool named a")]
    );
}

#[test]
fn a_tool_that_models_could_not_tell_from_another_is_left_out_and_told() {
    // Two names that were searched for: they lose the same characters, and have the same hash.
    let (one, two) = (". $# :%", ".:: #@$");
    for (first, second) in [(one, two), (two, one)] {
        let (catalogue, _) =
            Catalogue::new([id("s")]).with_inventory(&id("s"), &offering(&[first, second, "b"]));
        assert_eq!(names(&catalogue), [&format!("s.{first}"), "s.b"]);
        let told = format!(
            "left out 1 of its tools whose names for models another one has, first {second}"
        );
        assert_eq!(catalogue.notices(&id("s")), [Notice::new(told)]);
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let empty = Catalogue::new([id("slack"), id("calendar")]);
    let (catalogue, _) = empty.with_inventory(&id("slack"), &offering(&["search_messages"]));
    let error = catalogue.tool("slack.serach_messages").unwrap_err();
    assert_eq!(
        error.to_string(),
        "find the tool slack.serach_messages; did you mean slack.search_messages?"
    );
    assert_eq!(
        catalogue.tool("x").unwrap_err().to_string(),
        "find the tool x"
    );
    assert!(
        catalogue
            .tool("nobody.search_messages")
            .unwrap_err()
            .nearest()
            .len()
            == 1
    );
}

#[test]
fn a_resource_is_found_by_its_prefix_whatever_its_case() {
    let catalogue = Catalogue::new([id("my_fs")]);
    assert_eq!(
        catalogue.resource("my.fs+file:///a+b").unwrap(),
        (&id("my_fs"), "file:///a+b")
    );
    assert_eq!(catalogue.resource("MY.FS+x").unwrap().1, "x");
    assert!(catalogue.resource("file:///a").is_err());
    assert!(catalogue.resource("my_fs+x").is_err());
}

#[test]
fn collisions_name_every_server_that_has_the_name() {
    let (one, _) = Catalogue::new([id("slack"), id("calendar")])
        .with_inventory(&id("slack"), &offering(&["search", "post"]));
    let (two, _) = one.with_inventory(&id("calendar"), &offering(&["search"]));
    assert_eq!(
        two.collisions(),
        BTreeMap::from([("search", vec![&id("slack"), &id("calendar")])])
    );
}

#[test]
fn every_kind_is_listed_found_and_compared() {
    let mut inventory = offering(&["a"]);
    inventory.prompts = vec![Arc::new(
        serde_json::from_value(json!({"name": "p"})).unwrap(),
    )];
    inventory.resources = vec![Arc::new(
        serde_json::from_value(json!({"name": "r", "uri": "file:///r"})).unwrap(),
    )];
    inventory.templates = vec![Arc::new(
        serde_json::from_value(json!({"name": "t", "uriTemplate": "file:///{t}"})).unwrap(),
    )];
    let empty = Catalogue::new([id("s")]);
    let (full, diff) = empty.with_inventory(&id("s"), &inventory);
    assert_eq!(full.servers().collect::<Vec<_>>(), [&id("s")]);
    let prompts: Vec<String> = full.prompts().map(|it| it.name().to_string()).collect();
    assert_eq!(prompts, ["s.p"]);
    let resources: Vec<&str> = full.resources().map(ResourceEntry::uri).collect();
    assert_eq!(resources, ["s+file:///r"]);
    let templates: Vec<&str> = full.templates().map(TemplateEntry::uri).collect();
    assert_eq!(templates, ["s+file:///{t}"]);
    for kind in [
        CapabilityKind::Tool,
        CapabilityKind::Prompt,
        CapabilityKind::Resource,
    ] {
        assert!(diff.touches(kind), "{kind:?}");
    }
    let (_, diff) = empty.with_inventory(&id("s"), &offering(&["a"]));
    assert!(diff.touches(CapabilityKind::Tool) && !diff.touches(CapabilityKind::Prompt));
    assert_eq!(full.tool("s.b").unwrap_err().nearest(), ["s.a"]);
    assert_eq!(full.tool("unlike").unwrap_err().nearest(), [] as [&str; 0]);
}

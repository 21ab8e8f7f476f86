//! Proposals over small catalogues, and over those of real servers. They know no threshold.

use serde_json::{Value, json};

use super::*;
use crate::samples::{all_real_tools, id, offering};

/// A tool with parameters, `!` at the end of those that are required.
fn tool(name: &str, description: &str, parameters: &[&str]) -> Value {
    let bare = |it: &&str| it.trim_end_matches('!').to_owned();
    let properties: serde_json::Map<String, Value> = parameters
        .iter()
        .map(|it| (bare(it), json!({"type": "string"})))
        .collect();
    let required: Vec<String> = parameters
        .iter()
        .filter(|it| it.ends_with('!'))
        .map(bare)
        .collect();
    let schema = json!({"type": "object", "properties": properties, "required": required});
    json!({"name": name, "description": description, "inputSchema": schema})
}

fn catalogue(servers: &[(&str, &[Value])]) -> Catalogue {
    servers
        .iter()
        .fold(Catalogue::default(), |all, (server, tools)| {
            let all = all.with_server(id(server));
            all.with_inventory(&id(server), &offering(tools)).0
        })
}

fn names(catalogue: &Catalogue) -> Vec<String> {
    let proposals = propose(catalogue);
    let names = proposals.iter().map(|it| {
        let names: Vec<String> = it.members.iter().map(|it| it.tool.to_string()).collect();
        names.join(" ")
    });
    names.collect()
}

#[test]
fn searches_of_two_services_are_one_group_with_its_mapping() {
    let all = catalogue(&[
        (
            "notion",
            &[tool(
                "search",
                "Search pages in Notion.",
                &["query!", "page_size"],
            )],
        ),
        (
            "confluence",
            &[tool(
                "confluence_search",
                "Searches Confluence pages with CQL.",
                &["cql!", "limit"],
            )],
        ),
        (
            "weather",
            &[tool("forecast", "Tells the weather.", &["city!"])],
        ),
    ]);
    let proposals = propose(&all);
    let [proposal] = proposals.as_slice() else {
        panic!("{proposals:?}")
    };
    assert_eq!(proposal.name, "search");
    let mapping = "{limit: .page_size, cql: .query} | with_entries(select(.value != null))";
    assert_eq!(proposal.members[1].arguments.as_deref(), Some(mapping));
    assert!(
        proposal
            .to_string()
            .ends_with("parameters page_size=limit, query=cql)"),
        "{proposal}"
    );
    let declared = serde_json::to_value(proposal.group()).unwrap();
    let wanted = json!({"tools": [{"tool": "notion.search"}, {"tool": "confluence.confluence_search", "arguments": mapping}], "prefer": [], "fallback": true});
    assert_eq!(declared, wanted);
}

#[test]
fn what_reads_is_never_with_what_writes_nor_are_tools_of_one_server() {
    let get = |server_reads: Option<bool>| {
        let mut tool = tool(
            "sync_file",
            "Syncs a file at a path with its copy.",
            &["path!"],
        );
        if let Some(reads) = server_reads {
            tool["annotations"] = json!({"readOnlyHint": reads});
        }
        tool
    };
    let pair = |a: Value, b: Value| names(&catalogue(&[("one", &[a]), ("two", &[b])])).len();
    assert_eq!(pair(get(Some(true)), get(Some(true))), 1);
    assert_eq!(pair(get(None), get(None)), 1);
    assert_eq!(pair(get(Some(true)), get(Some(false))), 0);
    assert_eq!(pair(get(Some(true)), get(None)), 0);
    let text = "Handles a file at a path.";
    assert_eq!(
        pair(
            tool("read_file", text, &["path!"]),
            tool("write_file", text, &["path!"])
        ),
        0
    );
    // A verb that writes counts, whatever its server says.
    let mut lying = tool("delete_file", text, &["path!"]);
    lying["annotations"] = json!({"readOnlyHint": true});
    assert_eq!(pair(lying, tool("delete_file", text, &["path!"])), 1);

    let (a, b) = (
        tool("read_file", text, &["path!"]),
        tool("fetch_file", text, &["path!"]),
    );
    assert_eq!(
        names(&catalogue(&[("one", &[a.clone(), b.clone()])])),
        [] as [&str; 0]
    );
    let three = catalogue(&[("one", &[a.clone(), b.clone()]), ("two", &[a])]);
    assert_eq!(names(&three), ["one.read_file two.read_file"]);
}

#[test]
fn what_cannot_stand_in_is_not_proposed() {
    let text = "Gets one user of the workspace.";
    let pair = |a: &[&str], b: &[&str]| {
        let (a, b) = (tool("get_user", text, a), tool("get_user", text, b));
        names(&catalogue(&[("one", &[a]), ("two", &[b])])).len()
    };
    assert_eq!(pair(&["email!"], &["email!"]), 1);
    // An id of one server means nothing to another, and what may be left out makes nothing that must be there.
    assert_eq!(pair(&["user_id!"], &["user_id!"]), 0);
    assert_eq!(pair(&["email"], &["email!"]), 0);
    assert_eq!(pair(&["email!"], &["team!"]), 0);
}

#[test]
fn a_mapping_runs_nothing_of_a_name() {
    let odd = "a\\(input)\"]|env";
    let all = catalogue(&[
        (
            "one",
            &[tool(
                "read_file",
                "Reads a file.",
                &[&format!("{odd}!"), "path!"],
            )],
        ),
        (
            "two",
            &[tool(
                "read_file",
                "Reads a file.",
                &[&format!("{odd}!"), "file-path!"],
            )],
        ),
    ]);
    let program = propose(&all)[0].members[1].arguments.clone().unwrap();
    assert_eq!(
        program,
        r#"{"a\\(input)\"]|env": .["a\\(input)\"]|env"], "file-path": .path}"#
    );
}

#[test]
fn hostile_tools_are_bounded_and_hide_nobody() {
    let flood: Vec<Value> = (0..300)
        .map(|n| {
            tool(
                &format!("read_file{}", "_".repeat(n)),
                &"file ".repeat(50),
                &["path!"],
            )
        })
        .collect();
    let file = [tool("read_file", "Reads a file at a path.", &["path!"])];
    let all = catalogue(&[("one", &file), ("flood", &flood), ("two", &file)]);
    let found = names(&all);
    assert!(
        found
            .iter()
            .any(|it| it.contains("one.read_file") && it.contains("two.read_file")),
        "{found:?}"
    );
}

#[test]
fn names_of_proposals_differ() {
    let tools = |text: &str| [tool("search", text, &["query!"])];
    let (pages, films) = (
        tools("Searches pages of the wiki."),
        tools("Finds films by their actors."),
    );
    let all = catalogue(&[("a", &pages), ("b", &pages), ("c", &films), ("d", &films)]);
    let names: Vec<String> = propose(&all).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["search", "search-2"]);
}

#[test]
fn real_tools_are_proposed_within_a_second_and_never_of_one_server() {
    let Some(catalogue) = all_real_tools() else {
        return;
    };
    let started = std::time::Instant::now();
    let all = propose(&catalogue);
    println!(
        "{} tools, {} proposals in {:?}",
        catalogue.tools().count(),
        all.len(),
        started.elapsed()
    );
    for proposal in &all {
        println!("{:.2} {}: {proposal}", proposal.score, proposal.name);
        let servers: BTreeSet<_> = proposal.members.iter().map(|it| it.tool.server()).collect();
        assert_eq!(servers.len(), proposal.members.len());
    }
}

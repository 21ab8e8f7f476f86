//! Selection over small catalogues made for one question each. They must not know how scores are computed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands_core::{Inventory, QualifiedName, model::Tool};
use serde_json::json;

use super::*;
use crate::samples::{id, overlaid};
use crate::{DESCRIPTION_TOKENS, ModelApi, Overlays, ToolOverlay, definition};

mod groups;

fn name(server: &str, tool: &str) -> QualifiedName {
    QualifiedName::new(id(server), tool)
}

fn inventory(tools: &[(&str, &str)]) -> Inventory {
    let mut inventory = Inventory::default();
    let tools = tools.iter().map(|(name, description)| {
        let tool = json!({"name": name, "description": description, "inputSchema": {}});
        Arc::new(serde_json::from_value::<Tool>(tool).unwrap())
    });
    inventory.tools = tools.collect();
    inventory
}

type Offer<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn catalogue(servers: &[Offer<'_>]) -> Catalogue {
    let empty = Catalogue::new(servers.iter().map(|(server, _)| id(server)));
    servers.iter().fold(empty, |catalogue, (server, tools)| {
        catalogue.with_inventory(&id(server), &inventory(tools)).0
    })
}

fn index(servers: &[Offer<'_>]) -> Index {
    Index::new(&catalogue(servers), &IndexOptions::default())
}

const OFFICE: &[Offer<'static>] = &[
    (
        "mail",
        &[
            ("send_message", "Sends a mail to somebody."),
            ("list_messages", "Lists the mails of a folder."),
            ("delete_message", "Deletes a mail for ever."),
        ],
    ),
    (
        "sheets",
        &[
            ("read_sheet", "Reads the cells of a spreadsheet."),
            ("write_sheet", "Writes cells of a spreadsheet."),
        ],
    ),
    (
        "files",
        &[
            ("write_file", "Writes a file."),
            ("list_directory", "Lists a directory."),
        ],
    ),
    (
        "git",
        &[
            ("log", "Shows the history of a repository."),
            ("commit", "Records changes."),
        ],
    ),
];

fn chosen(selection: &Selection) -> Vec<String> {
    let names = selection.chosen.iter().map(|it| it.tool.name().to_string());
    names.collect()
}

fn best(index: &Index, text: &str) -> String {
    let selection = index.select(&Query::new(text).with_limit(1));
    chosen(&selection).pop().unwrap_or_default()
}

#[test]
fn other_words_and_slips_of_the_pen_are_understood() {
    let index = index(OFFICE);
    for (text, wanted) in [
        ("remove an old email", "mail.delete_message"),
        ("remove a message", "mail.delete_message"),
        ("fetch the spredsheet", "sheets.read_sheet"),
        ("repo history", "git.log"),
        ("what is in the folder /srv/data", "files.list_directory"),
        ("put it into ~/notes/secret-log.txt", "files.write_file"),
    ] {
        assert_eq!(best(&index, text), wanted, "{text}");
    }
    assert_eq!(best(&index, "qwxyz"), "");
}

#[test]
fn each_errand_has_its_share_of_the_places() {
    let index = index(OFFICE);
    let clauses = Query::new("Read the cells of the spreadsheet, then send a mail.").with_limit(3);
    let steps = Query::new("read the cells of the spreadsheet")
        .with_text("send a mail")
        .with_limit(2);
    for query in [clauses, steps] {
        let names = chosen(&index.select(&query));
        for wanted in ["sheets.read_sheet", "mail.send_message"] {
            assert!(names.iter().any(|it| it == wanted), "{names:?}");
        }
    }
}

#[test]
fn a_step_that_no_tool_fits_comes_later() {
    let query = Query::new("folder of frobnicated gadgets for zumba")
        .with_text("read the cells of a spreadsheet");
    let names = chosen(&index(OFFICE).select(&query));
    assert_eq!(names[..1], ["sheets.read_sheet"]);
    assert!(
        names.iter().any(|it| it == "mail.list_messages"),
        "{names:?}"
    );
}

#[test]
fn what_is_used_together_comes_together() {
    let servers: &[Offer<'_>] = &[
        (
            "weather",
            &[("get", "Current weather."), ("list", "All of them.")],
        ),
        ("other", &[("list", "All of them.")]),
    ];
    let query = Query::new("weather").with_text("list all");
    let names = chosen(&index(servers).select(&query));
    assert_eq!(names, ["weather.get", "weather.list", "other.list"]);
}

#[test]
fn a_reason_names_words_fields_and_the_server() {
    let selection = index(OFFICE).select(&Query::new("delete emails").with_limit(1));
    let chosen = &selection.chosen[0];
    assert_eq!(chosen.score, 1.0);
    let told = chosen.reason.to_string();
    assert!(
        told.starts_with("delete in name, description; emails as mail… in description, server"),
        "{told}"
    );
    assert!(selection.considered >= 3 && selection.left_out[0].cause == LeftOutCause::Limit);
}

#[test]
fn conditions_leave_only_what_meets_them() {
    let index = index(OFFICE);
    let lists = Query::new("list").with_servers([id("files")]);
    assert_eq!(chosen(&index.select(&lists)), ["files.list_directory"]);
    let permitted = Query::new("list").with_permit(|tool| tool.name().server().as_str() != "mail");
    let names = chosen(&index.select(&permitted));
    assert!(
        names.len() == 2 && names.iter().all(|it| !it.starts_with("mail")),
        "{names:?}"
    );
    let all = Query::default().with_servers([id("git")]);
    let selection = index.select(&all);
    assert_eq!(chosen(&selection), ["git.log", "git.commit"]);
    assert_eq!(selection.chosen[0].reason, Reason::Listed);
}

#[test]
fn tags_are_a_condition_and_words_to_be_found() {
    let tool = |name: &str, tag: &str| {
        let tool = json!({"name": name, "inputSchema": {}, "_meta": {"tags": [tag]}});
        Arc::new(serde_json::from_value::<Tool>(tool).unwrap())
    };
    let mut inventory = Inventory::default();
    inventory.tools = vec![tool("one", "billing"), tool("two", "shipping")];
    let (catalogue, _) = Catalogue::new([id("s")]).with_inventory(&id("s"), &inventory);
    let index = Index::new(&catalogue, &IndexOptions::default());
    assert_eq!(best(&index, "shipping"), "s.two");
    let tagged = Query::default().with_tags(["billing".to_owned()]);
    assert_eq!(chosen(&index.select(&tagged)), ["s.one"]);
}

#[test]
fn tokens_are_kept_to_and_what_is_always_on_comes_first() {
    let index = index(OFFICE);
    let query = Query::new("mail").with_always_on([name("git", "log"), name("git", "gone")]);
    let all = index.select(&query);
    assert_eq!(all.chosen[0].reason, Reason::AlwaysOn);
    assert_eq!(all.left_out[0].cause, LeftOutCause::Gone);
    assert_eq!(
        all.tokens,
        all.chosen.iter().map(|it| it.tokens).sum::<usize>()
    );
    let room = all.chosen[0].tokens + all.chosen[1].tokens;
    let two = index.select(&query.clone().with_tokens(room));
    assert_eq!(chosen(&two), chosen(&all)[..2]);
    assert_eq!(two.left_out[1].cause, LeftOutCause::Tokens);
    let hidden = query.with_permit(|tool| tool.name().server().as_str() != "git");
    assert!(!chosen(&index.select(&hidden)).contains(&"git.log".to_owned()));
}

#[test]
fn tokens_are_those_of_what_a_model_gets() {
    let tool = json!({
        "name": "n".repeat(100), "description": "Finds. ".repeat(1_000),
        "inputSchema": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
    });
    let overlay = json!({"whenToUse": "Only now.", "examples": [{"a": "x"}]});
    let catalogue = overlaid(&[tool], overlays(&"n".repeat(100), overlay));
    let estimator = |text: &str| text.len();
    let options = IndexOptions::default().with_estimator(estimator);
    let index = Index::new(&catalogue, &options);
    for api in ModelApi::ALL {
        let selection = index.select(&Query::default().with_api(api));
        let tool = &selection.chosen[0].tool;
        let sent = definition(tool, api, DESCRIPTION_TOKENS, &estimator).to_string();
        assert_eq!(selection.tokens, sent.len(), "{api:?}");
        assert_eq!(
            index.select(&Query::default().with_api(api)).tokens,
            sent.len()
        );
    }
}

#[test]
fn a_later_selection_only_appends() {
    let index = index(OFFICE);
    let first = index.select(&Query::new("read the spreadsheet").with_limit(2));
    let query = Query::new("send a mail").with_earlier(&first).with_limit(4);
    let second = index.select(&query);
    assert_eq!(chosen(&second)[..2], chosen(&first));
    assert_eq!(second.chosen[0].reason, Reason::Kept);
    assert_eq!(chosen(&second)[2], "mail.send_message");
    let full = index.select(&Query::new("send a mail").with_earlier(&first).with_limit(2));
    assert_eq!(chosen(&full), chosen(&first));
}

#[test]
fn an_update_shares_the_servers_that_did_not_change() {
    let (before, options) = (catalogue(OFFICE), IndexOptions::default());
    let first = Index::new(&before, &options);
    let (after, _) = before.with_inventory(&id("git"), &inventory(&[("push", "Uploads commits.")]));
    let second = first.updated(&after, &options);
    let shared = first
        .parts
        .iter()
        .zip(&second.parts)
        .map(|(a, b)| Arc::ptr_eq(a, b));
    assert_eq!(shared.collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(best(&second, "push"), "git.push");
    let about = options.with_about(id("files"), "Keeps photographs.");
    let third = second.updated(&after, &about);
    assert!(!Arc::ptr_eq(&second.parts[2], &third.parts[2]));
    assert!(best(&third, "photographs").starts_with("files."));
}

#[test]
fn an_update_reads_only_what_changed_and_is_as_one_made_anew() {
    let options = IndexOptions::default().with_about(id("s"), "Reads and writes mail.");
    let offer = |catalogue: &Catalogue, tools: &[(&str, &str)]| {
        catalogue.with_inventory(&id("s"), &inventory(tools)).0
    };
    let empty = Catalogue::new([id("s")]).with_overlays(&id("s"), Overlays::default());
    let mut catalogue = offer(
        &empty,
        &[
            ("a", "read mail"),
            ("b", "write mail"),
            ("c", "send send mail"),
        ],
    );
    let mut index = Index::new(&catalogue, &options);
    let told = json!({"whenToUse": "Before you send."});
    for (tools, overlay, kept) in [
        (
            vec![("c", "send send mail"), ("new", "read"), ("a", "read mail")],
            None,
            "c a",
        ),
        (
            vec![("a", "read it"), ("new", "read"), ("c", "send send mail")],
            None,
            "new c",
        ),
        (
            vec![("a", "read it"), ("c", "send send mail")],
            Some(("c", told)),
            "a",
        ),
        (vec![], None, ""),
    ] {
        if let Some((tool, said)) = overlay {
            catalogue = catalogue.with_overlays(&id("s"), overlays(tool, said));
        }
        catalogue = offer(&catalogue, &tools);
        let next = index.updated(&catalogue, &options);
        let anew = Index::new(&catalogue, &options);
        assert_eq!(format!("{:?}", next.parts), format!("{:?}", anew.parts));
        let is_kept = |at: usize| {
            let mut before = index.parts[0].attributes.iter();
            before.any(|it| Arc::ptr_eq(it, &next.parts[0].attributes[at]))
        };
        let names = tools.iter().enumerate().filter(|(at, _)| is_kept(*at));
        let names: Vec<&str> = names.map(|(_, (name, _))| *name).collect();
        assert_eq!(names.join(" "), kept);
        index = next;
    }
}

#[test]
fn what_the_configuration_says_is_found_and_what_it_hides_is_not() {
    let tools = ["one", "two", "hidden"].map(|name| {
        json!({"name": name, "description": "Frobnicates.", "inputSchema": {}, "_meta": {"tags": ["Odd"]}})
    });
    let overlay = json!({
        "title": "Gadget", "description": "Does zumba.", "whenToUse": "Before lunch.", "tags": ["Billing"],
        "examples": [{"q": {"list": ["harbour"]}}],
    });
    let overlays = overlays("two", overlay).with_tool("hidden", said(json!({"hidden": true})));
    let index = Index::new(&overlaid(&tools, overlays), &IndexOptions::default());
    for (text, field) in [
        ("gadget", Field::Title),
        ("zumba", Field::Description),
        ("lunch", Field::WhenToUse),
        ("billing", Field::Tag),
        ("harbour", Field::Example),
    ] {
        let selection = index.select(&Query::new(text));
        assert_eq!(chosen(&selection), ["s.two"], "{text}");
        let told = selection.chosen[0].reason.to_string();
        let first = told.split(';').next().and_then(|it| it.split_once(" in "));
        assert_eq!(first.map(|it| it.1), Some(field.as_str()), "{told}");
    }
    // The server's own word gave way.
    assert_eq!(best(&index, "frobnicates"), "s.one");
    let by_tag = |tag: &str| chosen(&index.select(&Query::default().with_tags([tag.to_owned()])));
    assert_eq!(by_tag("billing"), ["s.two"]);
    assert_eq!(by_tag("odd"), ["s.one", "s.two"]);
    let always = Query::new("hidden").with_always_on([name("s", "hidden")]);
    let selection = index.select(&always);
    assert_eq!(chosen(&selection), [] as [&str; 0]);
    assert_eq!(selection.left_out[0].cause, LeftOutCause::Gone);
}

fn said(overlay: serde_json::Value) -> ToolOverlay {
    serde_json::from_value(overlay).unwrap()
}

fn overlays(tool: &str, overlay: serde_json::Value) -> Overlays {
    Overlays::default().with_tool(tool, said(overlay))
}

#[test]
fn whoever_stuffs_words_does_not_come_first() {
    let every: String = OFFICE
        .iter()
        .flat_map(|(_, tools)| *tools)
        .map(|it| format!("{} {} ", it.0, it.1))
        .collect();
    let stuffed = every.repeat(2_000);
    let names: Vec<String> = (0..100).map(|n| format!("best_{n}")).collect();
    let tools: Vec<(&str, &str)> = names
        .iter()
        .map(|it| (it.as_str(), stuffed.as_str()))
        .collect();
    let mut servers = OFFICE.to_vec();
    servers.insert(0, ("spam", &tools));
    let index = index(&servers);
    for (text, wanted) in [
        ("delete a mail", "mail.delete_message"),
        ("write cells of a spreadsheet", "sheets.write_sheet"),
        ("show the history of the repository", "git.log"),
    ] {
        assert_eq!(best(&index, text), wanted, "{text}");
    }
}

#[test]
fn hostile_queries_and_definitions_are_bounded() {
    let index = index(OFFICE);
    let long = "mail and send, list; ".repeat(100_000);
    let query = (0..1_000).fold(Query::default(), |query, _| query.with_text(long.clone()));
    assert!(!index.select(&query).chosen.is_empty() && query.texts.len() <= 16);
    let mut deep = json!({"type": "object"});
    for _ in 0..100 {
        deep = json!({"type": "object", "properties": {"p": deep}});
    }
    let tool =
        json!({"name": "\u{202e}\u{0}", "description": "\u{1b}".repeat(99), "inputSchema": deep});
    let mut odd = Inventory::default();
    odd.tools
        .push(Arc::new(serde_json::from_value(tool).unwrap()));
    let (catalogue, _) = Catalogue::new([id("odd")]).with_inventory(&id("odd"), &odd);
    let selection = Index::new(&catalogue, &IndexOptions::default()).select(&Query::new("p odd"));
    assert_eq!(selection.chosen.len(), 1);
}

#[test]
fn nothing_but_the_catalogue_decides() {
    let query = Query::new("list the mails").with_text("write it to a file");
    let (one, other) = (index(OFFICE).select(&query), index(OFFICE).select(&query));
    let told = |it: &Selection| format!("{:?}", (&it.chosen, &it.left_out));
    assert_eq!(told(&one), told(&other));
}

/// Says that everything about animals means the same, and counts the texts.
#[derive(Default, Clone)]
struct Scripted {
    texts: Arc<AtomicUsize>,
    fails: bool,
    stalls: bool,
    odd: Option<f32>,
}

impl Embedder for Scripted {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        if self.stalls {
            std::future::pending::<()>().await;
        }
        if self.fails {
            return Err(EmbedError::new("the \u{1b}[31mserver said no"));
        }
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        let animals = |text: &String| ["cat", "dog"].iter().any(|it| text.contains(it));
        let vectors = texts
            .iter()
            .map(|it| if animals(it) { [3.0, 0.0] } else { [0.0, 2.0] });
        Ok(vectors
            .map(|it| vec![it[0], self.odd.unwrap_or(it[1])])
            .collect())
    }
}

const ANIMALS: &[Offer<'static>] = &[(
    "zoo",
    &[("cats", "Feeds a cat"), ("walls", "Paints a wall")],
)];

#[tokio::test(start_paused = true)]
async fn meaning_finds_what_words_do_not() {
    let index = index(ANIMALS);
    let embeddings = Embeddings::new(Scripted::default());
    let (vectors, error) = Vectors::default().updated(&index, &embeddings).await;
    assert_eq!((vectors.len(), error), (2, None));
    let query = Query::new("my dog");
    assert!(index.select(&query).chosen.is_empty());
    let selection = index.select_by_meaning(&query, &vectors, &embeddings).await;
    assert_eq!(chosen(&selection), ["zoo.cats"]);
    assert_eq!(selection.chosen[0].reason.to_string(), "1. by meaning");
    assert_eq!(
        (selection.considered, selection.without_embedder),
        (1, None)
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_embedded() {
    let scripted = Scripted::default();
    let embeddings = Embeddings::new(scripted.clone());
    let (vectors, _) = Vectors::default()
        .updated(&index(ANIMALS), &embeddings)
        .await;
    let changed = index(&[(
        "zoo",
        &[("cats", "Feeds a cat"), ("walls", "Breaks a wall")],
    )]);
    let (vectors, _) = vectors.updated(&changed, &embeddings).await;
    assert_eq!(
        (vectors.len(), scripted.texts.load(Ordering::Relaxed)),
        (2, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn an_embedder_that_fails_or_stalls_costs_only_its_part() {
    let index = index(ANIMALS);
    let (vectors, _) = Vectors::default()
        .updated(&index, &Embeddings::new(Scripted::default()))
        .await;
    let failing = Scripted {
        fails: true,
        ..Scripted::default()
    };
    let stalling = Scripted {
        stalls: true,
        ..Scripted::default()
    };
    let odd = |number| Scripted {
        odd: Some(number),
        ..Scripted::default()
    };
    for (embedder, told) in [
        (failing, r"embed texts: the \u{1b}[31mserver said no"),
        (stalling, "embed texts: there was no answer within 2s"),
        (
            odd(f32::NAN),
            "embed texts: a vector holds a number that is not finite",
        ),
        (
            odd(f32::INFINITY),
            "embed texts: a vector holds a number that is not finite",
        ),
    ] {
        let embeddings = Embeddings::new(embedder).with_deadline(Duration::from_secs(2));
        let selection = index
            .select_by_meaning(&Query::new("cat"), &vectors, &embeddings)
            .await;
        assert_eq!(chosen(&selection), ["zoo.cats"]);
        assert_eq!(selection.without_embedder.as_deref(), Some(told));
        let (none, error) = Vectors::default().updated(&index, &embeddings).await;
        assert_eq!(
            (none.len(), error.map(|it| it.to_string()).as_deref()),
            (0, Some(told))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_there_is_can_be_used_before_all_is_embedded() {
    let index = index(ANIMALS);
    let embeddings = Embeddings::new(Scripted::default());
    let none = Vectors::default();
    assert_eq!(none.lacked_by(&index), 2);
    let (one, error) = none.grown(&index, &embeddings, 1).await;
    assert_eq!(
        (one.len(), one.is_whole(), one.lacked_by(&index), error),
        (1, false, 1, None)
    );
    let (two, error) = one.grown(&index, &embeddings, 1).await;
    assert_eq!(
        (two.len(), two.is_whole(), two.lacked_by(&index), error),
        (2, true, 0, None)
    );
}

#[tokio::test(start_paused = true)]
async fn tools_may_take_longer_than_a_query() {
    let stalling = Embeddings::new(Scripted {
        stalls: true,
        ..Scripted::default()
    });
    let embeddings = stalling.with_tools_deadline(Duration::from_secs(30));
    let start = tokio::time::Instant::now();
    let (_, error) = Vectors::default()
        .updated(&index(ANIMALS), &embeddings)
        .await;
    assert!(error.unwrap().to_string().contains("within 30s"));
    assert!(
        embeddings
            .check()
            .await
            .unwrap_err()
            .to_string()
            .contains("within 5s")
    );
    assert_eq!(start.elapsed(), Duration::from_secs(35));
}

#[test]
fn a_few_words_in_common_are_no_reason_to_start_a_server() {
    let index = index(&[
        (
            "ledger",
            &[(
                "find_invoice",
                "Finds the unpaid invoices of a customer and month.",
            )],
        ),
        (
            "chat",
            &[(
                "post_message",
                "Posts a message to a channel, such as one about the month.",
            )],
        ),
        ("mail", &[("send_mail", "Sends a mail.")]),
    ]);
    let query = "find unpaid invoices of the customer this month";
    let all = index.select(&Query::new(query));
    assert_eq!(chosen(&all), ["ledger.find_invoice", "chat.post_message"]);
    let servers = |query: Query| -> Vec<String> {
        let fits = index.servers(&query).into_iter();
        fits.map(|it| it.server.to_string()).collect()
    };
    assert_eq!(servers(Query::new(query)), ["ledger"]);
    assert_eq!(
        servers(Query::from([query, "send a mail"])),
        ["ledger", "mail"]
    );
    assert_eq!(servers(Query::new("zebra")), [""; 0]);
}

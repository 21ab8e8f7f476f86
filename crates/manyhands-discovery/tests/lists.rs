//! What becomes of a server's lists, over a connection: which are asked for, where reading stops, and what is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests end where what they prepare is not as they made it"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use manyhands_core::{Inventory, ListKind, Notice, ServerId};
use manyhands_discovery::{ALL_LISTS, Discovered, Limits, discover, refresh};
use manyhands_transport::{ConnectOptions, Connection, Connector};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

/// Answers a list's method and cursor with a result, or with an error where it is a number.
type Answers = fn(&str, Option<&str>) -> Value;

/// Serves these lists, with these capabilities.
async fn serve(io: DuplexStream, capabilities: Value, answers: Answers) {
    let (read, mut write) = tokio::io::split(io);
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        let Some(id) = message.get("id") else {
            continue;
        };
        let result = match message["method"].as_str() {
            Some("initialize") => {
                json!({"protocolVersion": "2025-11-25", "capabilities": capabilities,
                "serverInfo": {"name": "stub", "version": "1"}})
            }
            Some(method) => answers(method, message["params"]["cursor"].as_str()),
            None => continue,
        };
        let key = if result.is_number() {
            "error"
        } else {
            "result"
        };
        let content = match result {
            Value::Number(code) => json!({"code": code, "message": "no"}),
            result => result,
        };
        let answer = json!({"jsonrpc": "2.0", "id": id, key: content});
        if write
            .write_all(format!("{answer}\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn found(capabilities: Value, limits: &Limits, answers: Answers) -> Discovered {
    discover(&connected(capabilities, answers).await, limits).await
}

async fn connected(capabilities: Value, answers: Answers) -> Connection {
    let capabilities = Arc::new(capabilities);
    let connector = Connector::in_process(move |io| {
        let capabilities = Value::clone(&capabilities);
        async move { serve(io, capabilities, answers).await }
    });
    let options = ConnectOptions::new(ServerId::parse("stub").unwrap());
    connector.connect(options).await.unwrap()
}

fn notices(found: &Discovered) -> Vec<&str> {
    found.inventory.notices.iter().map(Notice::as_str).collect()
}

/// A tool for each cursor, and always one more page.
fn endless(method: &str, cursor: Option<&str>) -> Value {
    let page: u32 = cursor.map_or(0, |text| text.parse().unwrap());
    match method {
        "tools/list" => {
            json!({"tools": [tool(&format!("t{page}"))], "nextCursor": (page + 1).to_string()})
        }
        _ => json!(-32601),
    }
}

fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}

#[tokio::test(start_paused = true)]
async fn reading_stops_at_each_limit_and_says_which() {
    let tools = json!({"tools": {}});
    let mut limits = Limits::default();
    limits.pages = 3;
    let by_pages = found(tools.clone(), &limits, endless).await;
    assert_eq!(by_pages.inventory.tools.len(), 3);
    assert_eq!(
        notices(&by_pages),
        ["stopped reading its tools after 3 pages"]
    );
    let mut limits = Limits::default();
    limits.items = 2;
    let by_items = found(tools.clone(), &limits, endless).await;
    assert_eq!(by_items.inventory.tools.len(), 2);
    assert_eq!(
        notices(&by_items),
        ["stopped reading its tools after 2 items"]
    );
    let at_once = found(
        tools.clone(),
        &limits,
        |_, _| json!({"tools": [tool("a"), tool("b"), tool("c")], "nextCursor": "2"}),
    )
    .await;
    assert_eq!(at_once.inventory.tools.len(), 2);
    let mut limits = Limits::default();
    limits.bytes = 200;
    let by_bytes = found(tools, &limits, endless).await;
    assert_eq!(by_bytes.inventory.tools.len(), 3);
    assert_eq!(
        notices(&by_bytes),
        ["stopped reading its tools after 0 MiB"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_comes_again_ends_a_list_and_an_empty_one_is_none() {
    let again = found(
        json!({"tools": {}}),
        &Limits::default(),
        |_, _| json!({"tools": [tool("a")], "nextCursor": "x"}),
    )
    .await;
    assert_eq!(
        notices(&again),
        ["stopped reading its tools after a cursor that comes again"]
    );
    let empty = found(
        json!({"tools": {}}),
        &Limits::default(),
        |_, _| json!({"tools": [tool("a")], "nextCursor": ""}),
    )
    .await;
    assert_eq!((empty.inventory.tools.len(), notices(&empty).len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_offered_is_asked_for() {
    let answers: Answers = |method, _| match method {
        "tools/list" => json!({"tools": [tool("a")]}),
        "prompts/list" => json!({"prompts": [{"name": "p"}]}),
        "resources/list" => json!({"resources": [{"uri": "a:b", "name": "r"}]}),
        _ => json!({"resourceTemplates": [{"uriTemplate": "a:{b}", "name": "t"}]}),
    };
    for (capabilities, counts) in [
        (json!({"tools": {}}), [1, 0, 0, 0]),
        (json!({"prompts": {}}), [0, 1, 0, 0]),
        (json!({"resources": {}}), [0, 0, 1, 1]),
        // One that declares nothing may have been written before it was needed.
        (json!({}), [1, 0, 0, 0]),
    ] {
        let found = found(capabilities.clone(), &Limits::default(), answers)
            .await
            .inventory;
        let lengths = [
            found.tools.len(),
            found.prompts.len(),
            found.resources.len(),
            found.templates.len(),
        ];
        assert_eq!(lengths, counts, "{capabilities}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_told_unless_it_only_might_have_been_there() {
    let fails: Answers = |_, _| json!(-32603);
    let tools = found(json!({"tools": {}}), &Limits::default(), fails).await;
    assert!(tools.failure.is_some());
    let silent = found(json!({}), &Limits::default(), fails).await;
    assert!(silent.failure.is_none() && notices(&silent).is_empty());
    let prompts = found(json!({"prompts": {}}), &Limits::default(), fails).await;
    assert!(notices(&prompts)[0].starts_with("its prompts cannot be listed: "));
    // Templates are a method that many servers with resources do not know.
    let unknown = found(
        json!({"resources": {}}),
        &Limits::default(),
        |method, _| match method {
            "resources/list" => json!({"resources": []}),
            _ => json!(-32601),
        },
    )
    .await;
    assert_eq!(notices(&unknown), [] as [&str; 0]);
    let broken = found(json!({"resources": {}}), &Limits::default(), |_, _| {
        json!(-32601)
    })
    .await;
    assert_eq!(
        notices(&broken).len(),
        1,
        "resources themselves are a method that must be there"
    );
    let broken = found(
        json!({"resources": {}}),
        &Limits::default(),
        |method, _| match method {
            "resources/list" => json!({"resources": []}),
            _ => json!(-32603),
        },
    )
    .await;
    assert!(notices(&broken)[0].starts_with("its resourceTemplates cannot be listed: "));
}

#[tokio::test(start_paused = true)]
async fn what_earlier_pages_gave_is_kept_when_a_later_one_fails() {
    let found = found(
        json!({"tools": {}}),
        &Limits::default(),
        |_, cursor| match cursor {
            None => json!({"tools": [tool("a")], "nextCursor": "2"}),
            Some(_) => json!({"tools": 5}),
        },
    )
    .await;
    assert!(found.failure.is_none());
    assert_eq!(found.inventory.tools.len(), 1);
    assert_eq!(
        notices(&found),
        ["stopped reading at page 2: the answer holds no list of tools"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_cut_short_stays_as_it_was_and_is_worth_another_look() {
    let capabilities = json!({"tools": {}});
    let two_pages: Answers = |_, cursor| match cursor {
        None => json!({"tools": [tool("a")], "nextCursor": "2"}),
        Some(_) => json!({"tools": [tool("b")]}),
    };
    let torn: Answers = |_, cursor| match cursor {
        None => json!({"tools": [tool("new")], "nextCursor": "2"}),
        Some(_) => json!(-32603),
    };
    let whole = found(capabilities.clone(), &Limits::default(), two_pages).await;
    let connection = connected(capabilities, torn).await;
    let limits = Limits::default();
    let again = refresh(&connection, &limits, &ALL_LISTS, &whole.inventory).await;
    assert_eq!(again.inventory.tools, whole.inventory.tools);
    assert_eq!(again.failed, [ListKind::Tools]);
    assert!(again.failure.is_none());
    let told = notices(&again);
    assert!(
        told.len() == 1 && told[0].starts_with("its tools could not be listed anew, and are"),
        "{told:?}"
    );
    // Where nothing is known yet, half of it is better than nothing.
    let first = refresh(&connection, &limits, &ALL_LISTS, &Inventory::default()).await;
    assert_eq!(first.inventory.tools[0].name, "new");
    assert_eq!(first.failed, [ListKind::Tools]);
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_cursor_is_no_longer_known_is_read_from_its_first_page_again() {
    static CHANGED: AtomicBool = AtomicBool::new(false);
    let changes: Answers = |_, cursor| match (cursor, CHANGED.load(Ordering::Relaxed)) {
        (None, false) => json!({"tools": [tool("a")], "nextCursor": "old"}),
        (Some("old"), _) => {
            CHANGED.store(true, Ordering::Relaxed);
            json!(-32602)
        }
        (None, true) => json!({"tools": [tool("b")], "nextCursor": "new"}),
        _ => json!({"tools": [tool("c")]}),
    };
    let found = found(json!({"tools": {}}), &Limits::default(), changes).await;
    let names: Vec<&str> = found.inventory.tools.iter().map(|it| &*it.name).collect();
    assert_eq!((names, notices(&found).len()), (vec!["b", "c"], 0));
    assert!(found.failed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn how_long_lists_stay_as_they_are_is_the_shortest_time_that_their_pages_say() {
    static TTLS: std::sync::Mutex<Vec<Value>> = std::sync::Mutex::new(Vec::new());
    let says = |ttls: [Value; 2]| async move {
        let mut limits = Limits::default();
        limits.pages = 2;
        *TTLS.lock().unwrap() = ttls.into();
        let pages: Answers = |_, cursor| {
            let ttl = TTLS.lock().unwrap()[usize::from(cursor.is_some())].clone();
            let next = cursor.is_none().then_some("2");
            json!({"tools": [tool("a")], "nextCursor": next, "ttlMs": ttl, "cacheScope": "anyone"})
        };
        found(json!({"tools": {}}), &limits, pages).await.ttls
    };
    let tools = |millis| BTreeMap::from([(ListKind::Tools, Duration::from_millis(millis))]);
    for (said, understood) in [
        ([json!(2_000), json!(1_000)], tools(1_000)),
        ([json!(1_000), json!(0)], tools(1_000)),
        ([Value::Null, json!(u64::MAX)], tools(u64::MAX)),
        ([json!(0), json!(0)], BTreeMap::new()),
        ([json!(-1), json!("soon")], BTreeMap::new()),
        ([json!([1]), json!({})], BTreeMap::new()),
    ] {
        assert_eq!(says(said.clone()).await, understood, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_ends_fails_after_its_limit() {
    let mut limits = Limits::default();
    limits.list_limit = Duration::ZERO;
    let found = found(json!({"tools": {}}), &limits, endless).await;
    assert!(
        found
            .failure
            .unwrap()
            .cause()
            .starts_with("the list took longer than ")
    );
}

#[tokio::test(start_paused = true)]
async fn notices_of_all_lists_together_are_bounded_and_the_rest_is_counted() {
    let capabilities = json!({"tools": {}, "prompts": {}});
    let found = found(capabilities, &Limits::default(), |method, _| match method {
        "tools/list" => json!({"tools": vec![json!({}); 60]}),
        _ => json!({"prompts": vec![json!({}); 60]}),
    })
    .await;
    let told = notices(&found);
    assert_eq!(
        (told.len(), told.last()),
        (51, Some(&"and 70 more like these"))
    );
}

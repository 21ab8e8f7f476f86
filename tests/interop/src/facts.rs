//! What each server is asked, and what its answer has to say. The same questions go through the facade and through
//! the binary, each on a bench of its own.

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::{Bench, COMMIT, NOTE};
use crate::outcome::{Check, Row};

/// One question with its answer.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) server: &'static str,
    /// What it is, as the table says it.
    pub(crate) does: &'static str,
    pub(crate) question: Question,
    /// What the answer's text contains.
    pub(crate) answer: &'static str,
}

/// What is asked, in the server's own names.
#[derive(Debug)]
pub(crate) enum Question {
    Tool(&'static str, Value),
    Prompt(&'static str, Value),
    Resource(&'static str),
}

impl Fact {
    /// The resource's URI across all servers; no name here has a `_`, which would be written otherwise.
    pub(crate) fn uri(&self, own: &str) -> String {
        format!("{}+{own}", self.server)
    }

    pub(crate) fn name(&self, own: &str) -> String {
        format!("{}.{own}", self.server)
    }
}

/// Asks all servers at once, each its questions in their order, and puts what came of it into their rows.
pub(crate) async fn ask_all<F, A>(
    bench: &Bench,
    through: &'static str,
    rows: &mut [Row],
    ask: F,
) -> Result<()>
where
    F: Fn(Fact) -> A + Clone + Send + 'static,
    A: Future<Output = Result<(), String>> + Send,
{
    let mut tasks = JoinSet::new();
    for (index, row) in rows.iter().enumerate() {
        let (name, ask) = (row.name, ask.clone());
        let facts = facts(bench)
            .into_iter()
            .filter(move |fact| fact.server == name);
        let facts: Vec<Fact> = facts.collect();
        tasks.spawn(async move {
            let mut checks = Vec::new();
            for fact in facts {
                let does = fact.does;
                checks.push(Check::new(does, through, ask(fact).await));
            }
            (index, checks)
        });
    }
    while let Some(task) = tasks.join_next().await {
        let (index, checks) = task?;
        if let Some(row) = rows.get_mut(index) {
            row.checks.extend(checks);
        }
    }
    Ok(())
}

/// All questions, in an order in which what is written comes before it is read.
fn facts(bench: &Bench) -> Vec<Fact> {
    let all = [
        of_everything(),
        of_npm(bench),
        of_pypi(bench),
        of_documents(bench),
    ];
    all.into_iter().flatten().collect()
}

fn of_everything() -> Vec<Fact> {
    vec![
        fact(
            "everything",
            "add numbers",
            "The sum of 2 and 40 is 42",
            tool("get-sum", json!({"a": 2, "b": 40})),
        ),
        fact(
            "everything",
            "get a prompt",
            "weather in Oslo",
            Question::Prompt("args-prompt", json!({"city": "Oslo"})),
        ),
        fact(
            "everything",
            "read a resource",
            "# Everything Server",
            Question::Resource("demo://resource/static/document/architecture.md"),
        ),
        fact(
            "everything",
            "read a resource by its template",
            "Resource 1: ",
            Question::Resource("demo://resource/dynamic/text/1"),
        ),
    ]
}

fn of_npm(bench: &Bench) -> Vec<Fact> {
    let ada = json!({"entities": [
        {"name": "Ada", "entityType": "person", "observations": ["wrote the first program"]}
    ]});
    let thought = json!({
        "thought": "one is enough", "thoughtNumber": 1, "totalThoughts": 1, "nextThoughtNeeded": false
    });
    vec![
        fact(
            "filesystem",
            "read a file",
            NOTE,
            tool(
                "read_text_file",
                json!({"path": bench.path("files/note.txt")}),
            ),
        ),
        fact(
            "memory",
            "write an entity",
            "Ada",
            tool("create_entities", ada),
        ),
        fact(
            "memory",
            "read it back",
            "wrote the first program",
            tool("read_graph", json!({})),
        ),
        fact(
            "memory",
            "read it as a resource",
            "wrote the first program",
            Question::Resource("memory://knowledge-graph"),
        ),
        fact(
            "sequential-thinking",
            "think one thought",
            "\"thoughtHistoryLength\": 1",
            tool("sequentialthinking", thought),
        ),
        fact(
            "kubernetes",
            "get a prompt",
            "coredns",
            Question::Prompt("k8s-diagnose", json!({"keyword": "coredns"})),
        ),
    ]
}

fn of_pypi(bench: &Bench) -> Vec<Fact> {
    // Neither zone changes its clocks, so that the answer is the same on every day.
    let noon = json!({"source_timezone": "Asia/Kolkata", "time": "12:00", "target_timezone": "Asia/Tokyo"});
    vec![
        fact(
            "time",
            "convert a time",
            "T15:30:00+09:00",
            tool("convert_time", noon.clone()),
        ),
        fact(
            "slow",
            "wait for it, convert a time",
            "T15:30:00+09:00",
            tool("convert_time", noon),
        ),
        fact(
            "git",
            "read a log",
            COMMIT,
            tool("git_log", json!({"repo_path": bench.path("repo")})),
        ),
        fact(
            "sqlite",
            "make a table",
            "created",
            query("create_table", "CREATE TABLE notes (line TEXT)"),
        ),
        fact(
            "sqlite",
            "write a row",
            "'affected_rows': 1",
            query("write_query", "INSERT INTO notes VALUES ('kept')"),
        ),
        fact(
            "sqlite",
            "read it back",
            "'line': 'kept'",
            query("read_query", "SELECT line FROM notes"),
        ),
        fact(
            "calculator",
            "calculate",
            "42",
            tool("calculate", json!({"expression": "6 * 7"})),
        ),
    ]
}

fn of_documents(bench: &Bench) -> Vec<Fact> {
    let document = bench.path("files/note.docx");
    let minutes = json!({"filename": document, "title": "Minutes"});
    let workbook = bench.path("files/book.xlsx");
    vec![
        fact(
            "office-word",
            "write a document",
            "created successfully",
            tool("create_document", minutes),
        ),
        fact(
            "office-word",
            "read it back",
            "Minutes",
            tool("get_document_info", json!({"filename": document})),
        ),
        fact(
            "excel",
            "make a workbook",
            "book.xlsx",
            tool(
                "create_workbook",
                json!({"path": workbook, "sheets": ["Expenses"]}),
            ),
        ),
        fact(
            "excel",
            "read what is in it",
            "Expenses",
            tool("describe_workbook", json!({"path": workbook})),
        ),
    ]
}

fn fact(
    server: &'static str,
    does: &'static str,
    answer: &'static str,
    question: Question,
) -> Fact {
    Fact {
        server,
        does,
        question,
        answer,
    }
}

fn tool(name: &'static str, arguments: Value) -> Question {
    Question::Tool(name, arguments)
}

fn query(name: &'static str, text: &str) -> Question {
    tool(name, json!({"query": text}))
}

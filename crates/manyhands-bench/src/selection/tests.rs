//! The whole way from a set to its table, on a set that is small enough to grade by hand.

use serde_json::json;

use super::*;

fn grades(ranked: &[&str], labels: &[&[&str]]) -> [f64; 6] {
    let owned = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let labels: Vec<Vec<String>> = labels.iter().map(|it| owned(it)).collect();
    Grades::of(vec![grade(&owned(ranked), &labels)]).means()
}

#[test]
fn a_ranking_is_graded_by_what_it_meets_and_where() {
    let [one, five, .., ndcg] = grades(&["x", "a", "b"], &[&["a", "b"], &["c"]]);
    assert_eq!((one, five), (0.0, 0.5));
    // One of two needs is met, at the second place: 1 / log2(3) of 1 + 1 / log2(3).
    assert!((ndcg - 0.386_852_8).abs() < 1e-6, "{ndcg}");
    assert_eq!(
        grades(&["a", "c"], &[&["a"], &["c"]]),
        [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    );
}

#[test]
fn a_set_is_read_and_both_ways_find_its_tools() {
    let tool = |name: &str| json!({"server": "My Notes", "name": name, "description": "", "inputSchema": null});
    let set = json!({
        "servers": [{"name": "My Notes", "description": "Keeps notes."}],
        "tools": [tool("writeNote"), tool("deleteNote")],
        "queries": [
            {"query": "delete it", "steps": "1. delete the note\n", "labels": [["My Notes::deleteNote"]]},
            {"query": "nothing", "steps": "", "labels": []},
        ],
    });
    let set = Set::of(&set).unwrap();
    assert_eq!(set.tasks.len(), 1);
    assert_eq!(set.tasks[0].steps, ["delete the note"]);
    assert_eq!(set.tasks[0].labels, [["my-notes.deleteNote"]]);
    let table = table::render(&set, &measure(&set));
    let full = "| 1.000 | 1.000 | 1.000 ± 0.000 | 1.000 | 1.000 | 1.000 | 1.00x |";
    assert_eq!(table.matches(full).count(), 10, "{table}");
    assert_eq!(servers(&set), (1.0, 1.0));
}

#[test]
fn where_there_is_no_set_it_is_said() {
    let options = Options::parse(&["--data", "no/such/set.json"]).unwrap();
    assert_eq!(missing(&options), Some(Path::new("no/such/set.json")));
    assert!(Options::parse(&["--data"]).is_err() && Options::parse(&["--odd"]).is_err());
}

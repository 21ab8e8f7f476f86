//! Servers at URLs that answer wrongly or not at all; the good one beside them is there all the same.

use insta::assert_snapshot;

use crate::harness::Sandbox;
use crate::http::answering;

fn listed_and_examined(url: &str) -> String {
    Sandbox::beside_slack(&format!(r#""crm": {{"url": "{url}"}}"#)).transcript(&[
        &["tools"],
        &["doctor"],
        &["call", "crm.top_leads"],
    ])
}

#[test]
fn nobody_answers() {
    // The port of a service from 1988; no free port is sure to stay free.
    assert_snapshot!("unreachable", listed_and_examined("http://127.0.0.1:1/mcp"));
}

#[test]
fn it_answers_that_it_is_failing() {
    let url = answering("500 Internal Server Error", "text/plain", "boom");
    assert_snapshot!("http_500", listed_and_examined(&url));
}

#[test]
fn it_wants_credentials() {
    let url = answering("401 Unauthorized", "text/plain", "who are you?");
    assert_snapshot!("http_401", listed_and_examined(&url));
}

#[test]
fn the_path_is_wrong() {
    let url = answering("404 Not Found", "text/html", "<h1>Not here</h1>");
    assert_snapshot!("http_404", listed_and_examined(&url));
}

#[test]
fn it_is_a_web_page() {
    let url = answering("200 OK", "text/html", "<html>Welcome</html>");
    assert_snapshot!("html", listed_and_examined(&url));
}

#[test]
fn it_is_json_but_not_mcp() {
    let url = answering("200 OK", "application/json", r#"{"hello": 1}"#);
    assert_snapshot!("json_but_not_mcp", listed_and_examined(&url));
}

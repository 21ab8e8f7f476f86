//! rmcp's types reach our sources through `manyhands_core::model` only, so that core's `pub use` is the one place that
//! decides which of them are ours.

use crate::files::File;
use crate::problem::Problem;

/// The one crate whose sources may say `rmcp::model`.
const MODEL_OWNER: &str = "crates/manyhands-core";

pub(super) fn check(file: &File) -> Vec<Problem> {
    let Some(text) = file.rust() else {
        return Vec::new();
    };
    if !file.is_under("crates") || file.is_under(MODEL_OWNER) {
        return Vec::new();
    }
    model_lines(text)
        .into_iter()
        .map(|line| {
            Problem::new(
                &file.path,
                line,
                "only manyhands-core names `rmcp::model`",
                "use `manyhands_core::model`",
            )
        })
        .collect()
}

/// The lines that name `rmcp::model`, whether as a path or within `use rmcp::{..}`.
fn model_lines(text: &str) -> Vec<usize> {
    let is_path_start = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let mut lines = Vec::new();
    let mut line = 1;
    let mut pieces = text.split("rmcp::");
    let mut before = pieces.next().unwrap_or_default();
    for after in pieces {
        line += before.matches('\n').count();
        let names_model = is_model(after)
            || after
                .strip_prefix('{')
                .is_some_and(|group| group_items(group).iter().any(|item| is_model(item)));
        if names_model && is_path_start(before) {
            lines.push(line);
        }
        before = after;
    }
    lines
}

fn is_model(path: &str) -> bool {
    let rest = path.trim_start().strip_prefix("model");
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The items of a `use` group on its outermost level; `group` begins behind the opening brace.
fn group_items(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut items = Vec::new();
    let mut item = String::new();
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => item.push(c),
        }
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    items.push(item);
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    #[test]
    fn the_model_is_named_by_core_only() {
        let file = |path: &str| File::fixture(path, "//! x\n\nuse rmcp::model::Tool;\n");
        assert_eq!(
            lines(&check(&file("crates/manyhands-demo/src/lib.rs"))),
            [
                "crates/manyhands-demo/src/lib.rs:3: only manyhands-core names `rmcp::model`; use `manyhands_core::model`"
            ]
        );
        assert!(check(&file("crates/manyhands-core/src/lib.rs")).is_empty());
        assert!(check(&file("tests/it/main.rs")).is_empty());
    }

    #[test]
    fn the_model_is_found_in_use_groups_too() {
        for (text, expected) in [
            ("use rmcp::{ServiceExt, model::{Tool, Content}};\n", vec![1]),
            (
                "use rmcp::{\n    model,\n    ServiceExt,\n};\nlet x = rmcp::model::Tool;\n",
                vec![1, 5],
            ),
            (
                "use rmcp::{service::{self, model_of}, handler};\nmod model;\n",
                vec![],
            ),
            (
                "use rmcp::{service::{model}};\nuse rmcp::modeller;\n",
                vec![],
            ),
            (
                "use manyhands_core::model::Tool;\nuse our_rmcp::model::Tool;\n",
                vec![],
            ),
        ] {
            assert_eq!(model_lines(text), expected, "{text}");
        }
    }
}

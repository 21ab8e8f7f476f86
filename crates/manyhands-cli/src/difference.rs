//! What changes in a file, shown before it does.

use manyhands_config::Hidden;
use similar::{ChangeTag, TextDiff};

use crate::output::{self, green, red, stdout_has_colour};

/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// The unified difference of two texts, without their secrets and with nothing that a terminal would obey.
pub(crate) fn unified(path: &str, before: &str, after: &str, hidden: &Hidden) -> String {
    let path = output::printable(path);
    let colour = stdout_has_colour();
    let mut shown = format!("--- {path}\n+++ {path}\n");
    let difference = TextDiff::from_lines(before, after);
    for hunk in difference
        .unified_diff()
        .context_radius(CONTEXT)
        .iter_hunks()
    {
        shown.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let text = hidden.conceal(change.value().trim_end_matches(['\n', '\r']));
            let text = output::printable(&text);
            shown.push_str(&match change.tag() {
                ChangeTag::Delete => red(&format!("-{text}"), colour),
                ChangeTag::Insert => green(&format!("+{text}"), colour),
                ChangeTag::Equal => format!(" {text}"),
            });
            shown.push('\n');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_shows_no_secret_and_obeys_nothing() {
        let secret = "8Xq1Z0r7Tk2Lw9";
        let hidden = Hidden::of(&json!({"env": {"A_TOKEN": secret}}));
        let before = format!("a\nb\nc\nd\n{secret}\ne\u{1b}[31m\nf\n");
        let after = before.replace("e\u{1b}", "x\u{1b}");
        let shown = unified("FILE", &before, &after, &hidden);
        assert_eq!(
            shown,
            "--- FILE\n+++ FILE\n@@ -3,5 +3,5 @@\n c\n d\n [hidden]\n-e\\u{1b}[31m\n+x\\u{1b}[31m\n f\n"
        );
    }
}

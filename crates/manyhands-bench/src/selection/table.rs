//! The figures as a table for people. It must not know how they were taken.

use std::fmt::Write as _;

use super::data::Set;
use super::{Row, TOKENS};

pub(super) fn render(set: &Set, rows: &[Row]) -> String {
    let tools: usize = set.servers.iter().map(|it| it.tools.len()).sum();
    let mut out = format!(
        "{} tasks, {tools} tools of {} servers; recall and nDCG are means over tasks, ± is the standard error of \
         recall@10.\n\n",
        set.tasks.len(),
        set.servers.len(),
    );
    out.push_str(
        "| | recall@1 | @5 | @10 | @20 | all chosen | nDCG@5 | recall@10 beside plain |\n",
    );
    out.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    let mut plain = f64::NAN;
    for row in rows {
        let [one, five, ten, twenty, all, ndcg] = row.grades.means();
        if row.name.ends_with("BM25") {
            plain = ten;
        }
        // Writing into a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | {one:.3} | {five:.3} | {ten:.3} ± {:.3} | {twenty:.3} | {all:.3} | {ndcg:.3} | {:.2}x |",
            row.name,
            row.grades.error(),
            ten / plain,
        );
    }
    // Within the tokens there is no limit on the number of tools.
    let _ = writeln!(
        out,
        "\n\"All chosen\" is recall over 20 tools, or over what fits into {TOKENS} tokens."
    );
    out
}

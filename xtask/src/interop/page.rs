//! The generated part of `docs/reliability.md`: the rows as markdown, and where they go. Times are rounded, so that a
//! second run changes little.

use super::rows::Row;

pub(crate) const PATH: &str = "docs/reliability.md";

/// The command that the markers name.
pub(crate) const COMMAND: &str = "interop --write";

/// The tables, with the conditions under which they came about.
pub(crate) fn body(rows: &[Row], conditions: &str) -> String {
    let of = |kind: &str| -> Vec<&Row> { rows.iter().filter(|row| row.kind == kind).collect() };
    let servers = [of("server"), of("toolkit")].concat();
    format!(
        "{conditions}\n\n{}\n{}\n{}\n{}",
        table("server", "ready after", &servers),
        table("client of `manyhands serve --stdio`", "took", &of("client")),
        table("login of `manyhands auth`", "took", &of("login")),
        noticed(rows)
    )
}

fn table(what: &str, time: &str, rows: &[&Row]) -> String {
    let mut text = format!(
        "| {what} | version | protocol | tools | {time} | what was done |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let time = row
            .seconds
            .map_or("-".to_owned(), |seconds| format!("{seconds:.0} s"));
        let cells = [
            &row.name,
            &row.version,
            &row.protocol,
            &row.tools,
            &time,
            &row.done(),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

fn noticed(rows: &[Row]) -> String {
    let notes = rows.iter().flat_map(|row| {
        row.notes
            .iter()
            .map(|note| format!("- {}: {note}\n", row.name))
    });
    let notes: String = notes.collect();
    if notes.is_empty() {
        return notes;
    }
    format!("Noticed beside it:\n\n{notes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, seconds: f64) -> Row {
        Row {
            name: "a|b".into(),
            kind: kind.into(),
            version: "1".into(),
            protocol: "2025-11-25".into(),
            tools: "2".into(),
            seconds: Some(seconds),
            checks: Vec::new(),
            notes: vec!["odd".into()],
        }
    }

    #[test]
    fn the_tables_have_rounded_times_and_no_stray_bars() {
        let rows = [row("server", 1.26), row("client", 5.6), row("login", 7.2)];
        let text = body(&rows, "On 2 cores.");
        assert_eq!(
            text,
            "On 2 cores.\n\n\
             | server | version | protocol | tools | ready after | what was done |\n| --- | --- | --- | --- | --- | --- |\n\
             | a\\|b | 1 | 2025-11-25 | 2 | 1 s |  |\n\n\
             | client of `manyhands serve --stdio` | version | protocol | tools | took | what was done |\n\
             | --- | --- | --- | --- | --- | --- |\n\
             | a\\|b | 1 | 2025-11-25 | 2 | 6 s |  |\n\n\
             | login of `manyhands auth` | version | protocol | tools | took | what was done |\n\
             | --- | --- | --- | --- | --- | --- |\n\
             | a\\|b | 1 | 2025-11-25 | 2 | 7 s |  |\n\n\
             Noticed beside it:\n\n- a|b: odd\n- a|b: odd\n- a|b: odd\n"
        );
    }
}

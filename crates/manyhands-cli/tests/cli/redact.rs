//! Takes out of a text what differs from run to run and from machine to machine.

/// Replaces paths, times, ports, hashes and the version by their names.
pub(crate) fn redacted(text: &str, dir: &str) -> String {
    let text = text.replace(crate::harness::MANYHANDS, "[MANYHANDS]");
    // macOS gives the same folder a second name.
    let text = text.replace(&format!("/private{dir}"), "[DIR]");
    let text = text.replace(dir, "[DIR]");
    let text = text.replace(&format!(" {}", env!("CARGO_PKG_VERSION")), " [VERSION]");
    let text = before(&text, " s)", "[TIME]");
    let text = before(&text, " ms", "[TIME]");
    let text = after(&text, "_ms\": ", digit, "[TIME]");
    let text = after(&text, "127.0.0.1:", digit, "[PORT]");
    let text = after(&text, "os error ", digit, "[NUMBER]");
    let text = after(&text, "sha256:", hex, "[HASH]");
    let text = logged(&text);
    after(&text, "\"trace_id\": \"", hex, "[TRACE]")
}

/// Replaces the times of log lines.
fn logged(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| match line.split_once("Z  WARN ") {
            Some((time, rest)) if time.starts_with(digit) => format!("[TIME]  WARN {rest}"),
            _ => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn hex(c: char) -> bool {
    c.is_ascii_hexdigit()
}

/// Replaces the run of such characters behind each mark.
fn after(text: &str, mark: &str, part: fn(char) -> bool, name: &str) -> String {
    let mut pieces = text.split(mark);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(part);
        out.push_str(mark);
        if rest.len() < piece.len() {
            out.push_str(name);
        }
        out.push_str(rest);
    }
    out
}

/// Replaces the number and the unit before it; numbers that are lined up to the right lose their extra spaces.
fn before(text: &str, unit: &str, name: &str) -> String {
    let mut pieces = text.split(unit).peekable();
    let mut out = String::new();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            out.push_str(piece);
            break;
        }
        let head = piece.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if head.len() == piece.len() {
            out.push_str(piece);
            out.push_str(unit);
            continue;
        }
        let bare = head.trim_end_matches(' ');
        out.push_str(bare);
        if bare.len() < head.len() {
            out.push(' ');
        }
        out.push_str(name);
        out.push_str(unit.trim_start_matches([' ', 'm', 's']));
    }
    out
}

#[test]
fn what_differs_from_run_to_run_is_named_instead() {
    let text = "/tmp/x/mcp.json (0.03 s) in   12 ms at 127.0.0.1:4711/mcp, sha256:09af; 3 ms) but 4 MiB\n\
                \"took_ms\": 5, 12 msgs";
    assert_eq!(
        redacted(text, "/tmp/x"),
        "[DIR]/mcp.json ([TIME]) in [TIME] at 127.0.0.1:[PORT]/mcp, sha256:[HASH]; [TIME]) but 4 MiB\n\
         \"took_ms\": [TIME], [TIME]gs"
    );
}

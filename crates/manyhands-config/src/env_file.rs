//! The files of `KEY=VALUE` lines that an `envFile` names.
//!
//! An error tells the line and never what stands there.

use std::collections::BTreeMap;

/// Tells on which line an env file cannot be understood, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EnvFileFault {
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

/// Parses `KEY=VALUE` lines: `export ` before the key, quotes, `#` comments; the last of equal keys counts.
///
/// Values in double quotes know the escapes `\n`, `\r`, `\t`, `\"`, `\\` and
/// `\$`, values in single quotes none; both may span lines, as keys in PEM form do.
/// `$` stands for itself everywhere.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, String>, EnvFileFault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut values = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let fault = |what| EnvFileFault {
            line: line_at(text, rest),
            what,
        };
        let (line, after) = split_line(rest);
        let line = line.trim_start();
        if line.trim_end().is_empty() || line.starts_with('#') {
            rest = after;
            continue;
        }
        let Some((key, _)) = line.split_once('=') else {
            return Err(fault("expected KEY=VALUE"));
        };
        let (_, value) = rest.split_once('=').unwrap_or_default();
        let key = key.strip_prefix("export ").unwrap_or(key).trim();
        if !is_key(key) {
            return Err(fault(
                "expected a key of letters, digits and `_` before the `=`",
            ));
        }
        let (value, after) = read_value(value).map_err(fault)?;
        values.insert(key.to_owned(), value);
        rest = after;
    }
    Ok(values)
}

/// Reads a value, and gives it with what follows its line.
fn read_value(text: &str) -> Result<(String, &str), &'static str> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let (line, after) = split_line(text);
        return Ok((without_comment(line).trim().to_owned(), after));
    };
    let mut value = String::new();
    let mut chars = text.chars();
    chars.next();
    loop {
        match chars.next() {
            None => return Err("this quote is never closed"),
            Some(c) if c == quote => break,
            Some('\\') if quote == '"' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(c @ ('"' | '\\' | '$')) => value.push(c),
                Some(other) => value.extend(['\\', other]),
                None => return Err("this quote is never closed"),
            },
            Some(c) => value.push(c),
        }
    }
    let (line, after) = split_line(chars.as_str());
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        Ok((value, after))
    } else {
        Err("expected the end of the line after the closing quote")
    }
}

/// Cuts an unquoted value at a `#` that follows white space or begins it.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return line.split_at(at).0;
        }
        before = c;
    }
    line
}

fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

fn is_key(key: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !key.is_empty() && key.chars().all(legal) && !key.starts_with(|c: char| c.is_ascii_digit())
}

/// The number of the line on which `rest`, the tail of `text`, begins.
fn line_at(text: &str, rest: &str) -> usize {
    let consumed = text.len().saturating_sub(rest.len());
    text.bytes()
        .take(consumed)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = "\u{feff}# comment\r\n\r\nA=1\r\n  B = two words # comment\nexport C=\"x # \\\"y\\\"\\n\" # z\n\
                    D='a\\n$x'\nE=\nF=a#b\nG=# nothing\nH=a=b\nA=last";
        let expected = [
            pair("A", "last"),
            pair("B", "two words"),
            pair("C", "x # \"y\"\n"),
            pair("D", "a\\n$x"),
            pair("E", ""),
            pair("F", "a#b"),
            pair("G", ""),
            pair("H", "a=b"),
        ];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn a_quoted_value_may_span_lines() {
        assert_eq!(
            read("K=\"a\nb\"\nL='c\n'\n"),
            [pair("K", "a\nb"), pair("L", "c\n")]
        );
    }

    #[test]
    fn a_fault_names_its_line() {
        let line = |text: &str| parse(text).unwrap_err().line;
        assert_eq!(line("A=1\nnothing\n"), 2);
        assert_eq!(line("A=\"1\n2\"\n\n1B=2"), 4);
        assert_eq!(line("A='1\n2"), 1);
        assert_eq!(line("\n=1"), 2);
        assert_eq!(line("A=\"1\" 2"), 1);
        assert_eq!(line("A=\"\\"), 1);
        assert_eq!(line("A B=1"), 1);
    }
}

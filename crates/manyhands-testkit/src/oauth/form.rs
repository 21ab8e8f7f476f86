//! Fields as URLs and forms carry them.

use std::fmt::Write as _;

/// The fields of a query or a form, in their order, which may repeat a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let fields = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(fields.collect())
    }

    /// The value of this name; none where it is empty, as OAuth has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|it| !it.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }

    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

/// Writes a text so that it is one value in a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a text cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// Reads a value of a query or a form; what is no escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let escaped = match (first, after) {
            (b'%', [high, low, after @ ..]) => hex(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        if let Some((byte, after)) = escaped {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "a b+c%&=/é\u{1b}~";
        assert_eq!(encode("a b&é"), "a%20b%26%C3%A9");
        assert_eq!(decode(&encode(text)), text);
        assert_eq!(decode("a+b%2B%zz%4"), "a b+%zz%4");
    }

    #[test]
    fn fields_keep_their_order_and_empty_ones_are_absent() {
        let fields = Fields::parse("a=1&b=&c&a=2&&d=x%3Dy");
        assert_eq!(fields.get("a"), Some("1"));
        assert_eq!((fields.get("b"), fields.get("c")), (None, None));
        assert_eq!(fields.get("d"), Some("x=y"));
        assert_eq!(fields.into_pairs().len(), 5);
    }
}

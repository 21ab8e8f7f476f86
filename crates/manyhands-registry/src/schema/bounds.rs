//! How large a stranger's schema or value may be, counted before anything is built from it.
//!
//! The figures leave room: of 1,515 schemas of real servers the largest has 12 KiB, 567 nodes and 21 levels.

use serde_json::Value;

/// What a schema may have at most.
pub(super) const SCHEMA: Bounds = Bounds {
    bytes: 256 * 1024,
    nodes: 10_000,
    depth: 64,
    paths: 2 * 1024 * 1024,
};

/// What a value may have at most to be checked.
pub(super) const VALUE: Bounds = Bounds {
    bytes: 4 * 1024 * 1024,
    nodes: usize::MAX,
    // As deep as serde_json reads.
    depth: 128,
    paths: usize::MAX,
};

/// The most that a JSON value may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// About the length of its text.
    pub(super) bytes: usize,
    /// Values inside it, itself included.
    nodes: usize,
    /// Lists and objects inside one another.
    depth: usize,
    /// The lengths of all nodes' JSON pointers together: each compiled keyword keeps its own.
    paths: usize,
}

/// Which bound a JSON value is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Bytes,
    Nodes,
    Depth,
    Paths,
}

impl Over {
    /// What is wrong with it, as it follows "it".
    pub(super) fn reason(self, bounds: &Bounds) -> String {
        match self {
            Self::Bytes => format!("is larger than {} KiB", bounds.bytes / 1024),
            Self::Nodes => format!("has more than {} parts", bounds.nodes),
            Self::Depth => format!("is nested deeper than {} levels", bounds.depth),
            Self::Paths => "has names that are too long for how deep it is".to_owned(),
        }
    }
}

/// Looks whether `value` keeps to `bounds`, and no further than to the first that it does not keep to.
pub(super) fn keeps_to(bounds: &Bounds, value: &Value) -> Result<(), Over> {
    let mut left = Left(*bounds);
    left.take(value, 0, 0)
}

struct Left(Bounds);

impl Left {
    fn take(&mut self, value: &Value, depth: usize, path: usize) -> Result<(), Over> {
        spend(&mut self.0.nodes, 1, Over::Nodes)?;
        spend(&mut self.0.paths, path, Over::Paths)?;
        // Four stand for the marks around a value or a number's digits.
        spend(&mut self.0.bytes, 4 + text_len(value), Over::Bytes)?;
        let is_inner = value.is_array() || value.is_object();
        if is_inner && depth >= self.0.depth {
            return Err(Over::Depth);
        }
        match value {
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| self.take(item, depth + 1, path + 4)),
            Value::Object(map) => map.iter().try_for_each(|(key, inner)| {
                spend(&mut self.0.bytes, key.len(), Over::Bytes)?;
                self.take(inner, depth + 1, path + 1 + key.len())
            }),
            _ => Ok(()),
        }
    }
}

fn spend(left: &mut usize, amount: usize, over: Over) -> Result<(), Over> {
    *left = left.checked_sub(amount).ok_or(over)?;
    Ok(())
}

fn text_len(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

//! Where in a tool's definition something is, in the words of people. It must not know what is said of it.

/// Where in a definition something is, told from the inside out.
pub(crate) enum Place<'p> {
    Root,
    Inside(&'p Place<'p>, &'p str),
}

impl Place<'_> {
    fn path(&self) -> Vec<&str> {
        match self {
            Self::Root => Vec::new(),
            Self::Inside(outer, key) => {
                let mut path = outer.path();
                path.push(key);
                path
            }
        }
    }

    /// As people call it: `parameter filter.since: type` rather than a path.
    pub(crate) fn words(&self) -> String {
        let path = self.path();
        let (kind, mut rest) = match path.as_slice() {
            ["inputSchema", rest @ ..] => ("parameter", rest),
            ["outputSchema", rest @ ..] => ("result field", rest),
            other => return other.join(": "),
        };
        let mut names = Vec::new();
        while let ["properties", name, inner @ ..] = rest {
            names.push(*name);
            rest = inner;
        }
        if names.is_empty() {
            return path.join(": ");
        }
        let name = format!("{kind} {}", names.join("."));
        std::iter::once(name.as_str())
            .chain(rest.iter().copied())
            .collect::<Vec<_>>()
            .join(": ")
    }
}

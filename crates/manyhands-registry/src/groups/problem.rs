//! What is wrong with a declared group, beside the tools that there are. It must not know what comes of it.

use std::fmt;

use manyhands_core::{Printable, clip, either};

/// Something wrong with a group, which goes without it. `Display` is a sentence that names the group and the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupProblem {
    /// The group's name.
    pub group: String,
    /// The tool's name, as it is written; none where the group as a whole is meant.
    pub tool: Option<String>,
    /// What is wrong.
    pub kind: GroupProblemKind,
}

/// What can be wrong with a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupProblemKind {
    /// No server offers a tool of this name. These names come near.
    UnknownTool {
        /// Known names, best first; three at most.
        nearest: Vec<String>,
    },
    /// Its server offers no tool at present, so that nobody can say whether it has this one.
    ServerOffersNothing,
    /// The configuration hides it.
    Hidden,
    /// Its definition has changed since it was approved.
    Quarantined,
    /// The group has it twice.
    Repeated,
    /// This other group, which comes first by its name, has it.
    InGroup(String),
    /// Fewer than two tools are left, so that nothing comes before anything.
    TooFew,
    /// `order` always decides, so that what is written behind it never does.
    BehindOrder,
}

impl GroupProblem {
    pub(super) fn new(group: &str, tool: Option<&str>, kind: GroupProblemKind) -> Self {
        Self {
            group: group.to_owned(),
            tool: tool.map(str::to_owned),
            kind,
        }
    }
}

impl fmt::Display for GroupProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| Printable(&clip(text, 200)).to_string();
        write!(f, "the group {}: ", shown(&self.group))?;
        if let Some(tool) = &self.tool {
            write!(f, "{} ", shown(tool))?;
        }
        match &self.kind {
            GroupProblemKind::UnknownTool { nearest } if nearest.is_empty() => {
                f.write_str("is no tool that there is; write it as `server.tool`")
            }
            GroupProblemKind::UnknownTool { nearest } => {
                let near = shown(&either(nearest));
                write!(f, "is no tool that there is; did you mean {near}?")
            }
            GroupProblemKind::ServerOffersNothing => {
                f.write_str("is not there at present: its server offers no tool")
            }
            GroupProblemKind::Hidden => {
                f.write_str("is hidden in the configuration; show it, or take it out of the group")
            }
            GroupProblemKind::Quarantined => f.write_str(
                "is quarantined: its definition has changed since it was approved; run `manyhands pins`",
            ),
            GroupProblemKind::Repeated => f.write_str("is in it twice; its first place counts"),
            GroupProblemKind::InGroup(other) => {
                let other = shown(other);
                write!(f, "is in the group {other} already, where it stays; take it out of one of them")
            }
            GroupProblemKind::TooFew => {
                f.write_str("fewer than two of its tools are there, so that none comes before another")
            }
            GroupProblemKind::BehindOrder => {
                f.write_str("what `prefer` has behind `order` never decides; put `order` last")
            }
        }
    }
}

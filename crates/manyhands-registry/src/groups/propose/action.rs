//! What a tool's name says that it does: its verb, and to what. General English, of no product. It must not know any
//! other tool.

/// What a tool does to what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Effect {
    Reads,
    Writes,
    /// Nobody says.
    Unknown,
}

/// Verbs that mean the same, the first standing for all, and what they do.
const ACTIONS: &[(Effect, &[&str])] = &[
    (
        Effect::Reads,
        &["search", "find", "lookup", "query", "locate", "searcher"],
    ),
    (Effect::Reads, &["list", "enumerate", "ls"]),
    (
        Effect::Reads,
        &[
            "get", "fetch", "read", "retrieve", "view", "show", "describe", "getter", "display",
        ],
    ),
    (Effect::Reads, &["count"]),
    (Effect::Reads, &["compare", "diff"]),
    (Effect::Writes, &["create", "add", "make", "insert"]),
    (
        Effect::Writes,
        &["update", "edit", "modify", "change", "set", "patch"],
    ),
    (Effect::Writes, &["delete", "remove", "drop", "erase"]),
    (Effect::Writes, &["send", "post", "publish"]),
    (Effect::Writes, &["write", "save", "store", "put"]),
    (Effect::Writes, &["run", "execute", "exec"]),
    (Effect::Writes, &["move", "rename"]),
    (Effect::Writes, &["copy", "duplicate", "clone"]),
    (Effect::Writes, &["upload"]),
    (Effect::Writes, &["merge"]),
    (Effect::Writes, &["close"]),
    (Effect::Writes, &["commit"]),
    (Effect::Writes, &["push"]),
    (Effect::Writes, &["start"]),
    (Effect::Writes, &["stop", "kill", "cancel", "terminate"]),
    (Effect::Writes, &["assign"]),
    (Effect::Writes, &["approve"]),
    (Effect::Unknown, &["generate"]),
    (Effect::Unknown, &["convert", "transform"]),
    (Effect::Unknown, &["validate", "verify", "check"]),
];

/// Verbs that are HTTP methods too, and before another verb are only that.
const METHODS: [&str; 3] = ["post", "put", "patch"];

/// Words of a name that say nothing of what is acted on.
const FILLING: [&str; 6] = ["api", "content", "detail", "tool", "mcp", "current"];

/// What a name says, cut into words: the verb, what it does, and the other words.
pub(super) struct Said<'w> {
    pub(super) verb: String,
    pub(super) effect: Effect,
    pub(super) rest: Vec<&'w str>,
}

/// Reads a name, cut into words. `is_many` says whether what it acts on stands in the plural.
pub(super) fn read<'w>(words: &'w [String], is_many: bool) -> Said<'w> {
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|it| !FILLING.contains(it))
        .collect();
    let verbs: Vec<usize> = (0..words.len())
        .filter(|at| words.get(*at).is_some_and(|it| known(it).is_some()))
        .collect();
    let at = match verbs.as_slice() {
        [] => 0,
        [only] => *only,
        [first, .., last] if words.get(*first).is_some_and(|it| METHODS.contains(it)) => *last,
        [first, ..] => *first,
    };
    let word = words.get(at).copied().unwrap_or_default();
    let (effect, verb) = known(word).unwrap_or((Effect::Unknown, word));
    let method = verbs.first().filter(|first| **first != at);
    let rest = words.iter().enumerate();
    let rest = rest.filter(|(place, _)| *place != at && Some(place) != method);
    Said {
        // To get many is to list them.
        verb: if verb == "get" && is_many {
            "list"
        } else {
            verb
        }
        .to_owned(),
        effect,
        rest: rest.map(|(_, word)| *word).collect(),
    }
}

/// All verbs that mean what this one does; itself, where it is none that is known.
pub(super) fn alike(verb: &str) -> impl Iterator<Item = &str> {
    let mut actions = ACTIONS.iter();
    let all = actions.find(|(_, verbs)| verbs.contains(&verb));
    let all = all.map_or(&[] as &[&str], |(_, verbs)| *verbs);
    std::iter::once(verb).chain(all.iter().copied())
}

/// What a verb does, and the verb that stands for it.
pub(super) fn known(word: &str) -> Option<(Effect, &'static str)> {
    let mut actions = ACTIONS.iter();
    let (effect, verbs) = actions.find(|(_, verbs)| verbs.contains(&word))?;
    Some((*effect, verbs.first()?))
}

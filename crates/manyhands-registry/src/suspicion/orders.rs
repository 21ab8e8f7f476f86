//! Orders that no description needs: to forget what was said, to keep something from the user, to read keys, or given in
//! the marks of a conversation.
//!
//! It must not know other tools.

use super::words::Words;

const FORGET: [&[&str]; 3] = [
    &["ignore", "disregard", "forget", "override", "bypass"],
    &[
        "previous",
        "prior",
        "above",
        "earlier",
        "preceding",
        "existing",
        "all",
        "any",
        "your",
        "system",
        "other",
        "user's",
    ],
    &[
        "instruction",
        "instructions",
        "prompt",
        "prompts",
        "guidelines",
        "directives",
    ],
];
const KEEP_SECRET: [&[&str]; 3] = [
    &["not", "don't", "dont", "never", "without", "avoid"],
    &[
        "tell",
        "telling",
        "mention",
        "mentioning",
        "inform",
        "informing",
        "reveal",
        "revealing",
        "disclose",
        "disclosing",
    ],
    &[
        "user", "users", "human", "humans", "person", "anyone", "anybody", "them",
    ],
];
const HIDE: [&[&str]; 3] = [
    &["hide", "hidden", "conceal", "secret", "secretly"],
    &["from"],
    &["user", "users", "human", "humans"],
];
/// How many words may come between the words of an order.
const GAP: usize = 6;
/// The same for what is hidden: files are hidden from lists that users see.
const HIDE_GAP: usize = 2;

/// Marks in which models are given their own instructions, and those that imitate them.
const MARKS: [&str; 11] = [
    "<important>",
    "<system>",
    "<system-reminder>",
    "<system_prompt>",
    "<instructions>",
    "<instruction>",
    "<|im_start|>",
    "<|system|>",
    "<|start_header_id|>",
    "<<sys>>",
    "[inst]",
];

/// Files with keys, which a description has no reason to speak of beside a word for reading or sending.
const KEYS: [&str; 12] = [
    ".ssh/",
    "id_rsa",
    "id_ed25519",
    ".aws/credentials",
    ".netrc",
    ".gnupg",
    ".git-credentials",
    ".docker/config.json",
    ".cursor/mcp.json",
    "claude_desktop_config.json",
    "/etc/shadow",
    "/etc/passwd",
];
const TAKING: [&str; 21] = [
    "read",
    "reading",
    "cat",
    "open",
    "load",
    "include",
    "send",
    "sending",
    "pass",
    "provide",
    "attach",
    "upload",
    "copy",
    "content",
    "contents",
    "fetch",
    "paste",
    "access",
    "exfiltrate",
    "append",
    "encode",
];

/// Where in the text the first order begins.
pub(super) fn find(words: &Words) -> Option<usize> {
    let orders = [(FORGET, GAP), (KEEP_SECRET, GAP), (HIDE, HIDE_GAP)];
    let said = orders.iter().find_map(|(it, gap)| words.find(it, *gap));
    let said = said.or_else(|| (0..words.len()).find(|it| takes_keys(words, *it)));
    let may_be_marked = words.text().contains(['<', '[']);
    let marked = || MARKS.iter().find_map(|it| words.text().find(it));
    said.map(|it| words.place(it)).or_else(|| {
        may_be_marked
            .then(marked)?
            .map(|it| words.place_of_folded(it))
    })
}

fn takes_keys(words: &Words, at: usize) -> bool {
    let word = words.get(at);
    // Most words are none of a path, and looking closer takes time.
    if !word.contains(['/', '.', '_']) {
        return false;
    }
    let is_public = word.ends_with(".pub");
    let is_folder = word.ends_with("/.ssh");
    let is_key = is_folder || (!is_public && KEYS.iter().any(|it| word.contains(it)));
    is_key && words.around(at, 8, 8).any(|it| TAKING.contains(&it))
}

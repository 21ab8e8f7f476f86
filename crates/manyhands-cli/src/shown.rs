//! Servers as they are shown to people: what kind they are, and where, without a secret.

use manyhands::ServerId;
use manyhands_config::{Endpoint, take_secrets};
use serde_json::{Value, json};

use crate::output;

/// What stands where a secret was.
const HIDDEN: &str = "[hidden]";

/// The kind of a server, and its command or bare address.
pub(crate) fn endpoint(id: &ServerId, endpoint: &Endpoint) -> (&'static str, String) {
    match endpoint {
        Endpoint::Stdio(child) => {
            let mut entry = json!({"command": child.command, "args": child.args});
            conceal(id, &mut entry);
            let args = entry.get("args").and_then(Value::as_array);
            let words = entry
                .get("command")
                .into_iter()
                .chain(args.into_iter().flatten());
            let words: Vec<String> = words.filter_map(Value::as_str).map(quoted).collect();
            ("stdio", words.join(" "))
        }
        Endpoint::Http(remote) => ("http", address(id, &remote.url)),
        Endpoint::Sse(remote) => ("sse", address(id, &remote.url)),
        Endpoint::Unix(socket) => (
            "unix",
            output::printable(&format!("unix://{}", socket.path.display())),
        ),
        _ => ("other", String::new()),
    }
}

/// Puts a word in the place of every secret of an entry.
fn conceal(id: &ServerId, entry: &mut Value) {
    let found = take_secrets(id, entry);
    let mut text = entry.to_string();
    for it in &found.taken {
        let reference = format!("${{secret:keyring:{}/{}}}", it.service, it.account);
        text = text.replace(&reference, HIDDEN);
    }
    *entry = serde_json::from_str(&text).unwrap_or_default();
    for path in &found.left {
        let place = path.replace(['[', '.'], "/").replace(']', "");
        if let Some(value) = entry.pointer_mut(&format!("/{place}")) {
            *value = HIDDEN.into();
        }
    }
}

/// A URL without user, query and fragment, where secrets like to be.
fn address(id: &ServerId, url: &str) -> String {
    let mut entry = json!({ "url": url });
    conceal(id, &mut entry);
    let url = entry.get("url").and_then(Value::as_str).unwrap_or_default();
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let bare = match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest
                .split_once('/')
                .map_or((rest, None), |(it, path)| (it, Some(path)));
            let host = authority.rsplit('@').next().unwrap_or_default();
            let path = path.map(|path| format!("/{path}")).unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => bare.to_owned(),
    };
    output::printable(&bare)
}

/// A word as a shell would need it, so that it is clear where it ends.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:@%+,${}~[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        output::printable(&format!("'{}'", word.replace('\'', "'\\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_bare() {
        let id = ServerId::parse("a").unwrap();
        for (url, shown) in [
            ("https://a.example/mcp", "https://a.example/mcp"),
            (
                "https://me:pa55w0rd@a.example:8080/mcp?x=1#y",
                "https://a.example:8080/mcp",
            ),
            (
                "https://a.example/s/ghp_0123456789abcdefghij0123456789abcdef/mcp",
                "https://a.example/s/[hidden]/mcp",
            ),
            ("${URL}", "${URL}"),
            ("https://a.example?key=${KEY}", "https://a.example"),
        ] {
            assert_eq!(address(&id, url), shown);
        }
    }
}

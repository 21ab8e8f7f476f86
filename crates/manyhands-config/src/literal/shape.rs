//! What a secret looks like: by its own form, or by the name that it stands under.

/// Stands for a reference in a text.
pub(super) const REFERENCE: char = '\u{1}';

/// How the tokens of well-known services begin, how much follows at least, and whose they are.
const PREFIXES: [(&str, usize, &str); 40] = [
    ("ghp_", 30, "a token of GitHub"),
    ("gho_", 30, "a token of GitHub"),
    ("ghu_", 30, "a token of GitHub"),
    ("ghs_", 30, "a token of GitHub"),
    ("ghr_", 30, "a token of GitHub"),
    ("github_pat_", 22, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("xoxa-", 20, "a token of Slack"),
    ("xoxr-", 20, "a token of Slack"),
    ("xoxs-", 20, "a token of Slack"),
    ("xoxc-", 20, "a token of Slack"),
    ("xapp-", 20, "a token of Slack"),
    ("sk-ant-", 20, "a key of Anthropic"),
    ("sk-", 20, "an API key"),
    ("sk_live_", 16, "a key of Stripe"),
    ("rk_live_", 16, "a key of Stripe"),
    ("AIza", 35, "a key of Google"),
    ("ya29.", 20, "a token of Google"),
    ("GOCSPX-", 20, "a client secret of Google"),
    ("npm_", 30, "a token of npm"),
    ("pypi-", 30, "a token of PyPI"),
    ("hf_", 30, "a token of Hugging Face"),
    ("hvs.", 20, "a token of Vault"),
    ("glsa_", 30, "a token of Grafana"),
    ("lin_api_", 30, "a key of Linear"),
    ("ntn_", 30, "a token of Notion"),
    ("SG.", 40, "a key of SendGrid"),
    ("dop_v1_", 40, "a token of DigitalOcean"),
    ("shpat_", 30, "a token of Shopify"),
    ("ATATT3", 40, "a token of Atlassian"),
    ("figd_", 30, "a token of Figma"),
    ("dckr_pat_", 20, "a token of Docker"),
    ("gsk_", 30, "a key of Groq"),
    ("xai-", 30, "a key of xAI"),
    ("pplx-", 30, "a key of Perplexity"),
    ("tvly-", 20, "a key of Tavily"),
    ("fc-", 30, "a key of Firecrawl"),
    ("AGE-SECRET-KEY-1", 30, "a private key"),
];

/// What people write where a secret is to go later.
const PLACEHOLDERS: [&str; 20] = [
    "your",
    "change",
    "example",
    "placeholder",
    "dummy",
    "todo",
    "replace",
    "insert",
    "redacted",
    "xxx",
    "***",
    "...",
    "…",
    "sample",
    "fake",
    "<",
    ">",
    "here",
    "test",
    "abc123",
];

/// Passwords that databases are installed with, and that protect nothing.
const DEFAULTS: [&str; 10] = [
    "postgres", "password", "root", "admin", "guest", "secret", "mysql", "mongo", "pass", "user",
];

/// The ends of names under which secrets stand.
const NAMES: [&str; 15] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "apikey",
    "authtoken",
    "accesstoken",
    "secretkey",
    "accesskey",
    "privatekey",
    "credential",
    "credentials",
    "authorization",
];

/// What makes a `KEY` at the end of a name a secret.
const KEYS: [&str; 10] = [
    "api",
    "access",
    "secret",
    "private",
    "auth",
    "encryption",
    "signing",
    "service",
    "master",
    "subscription",
];

/// How other programs write references of their own.
const FOREIGN: [&str; 10] = [
    "env:",
    "op:",
    "vault:",
    "secret:",
    "keyring:",
    "keychain:",
    "file:",
    "cmd:",
    "ref:",
    "aws:",
];

/// The schemes of the header `Authorization`.
const SCHEMES: [&str; 4] = ["bearer ", "basic ", "token ", "apikey "];

/// What a text looks like that stands under `name`, which may be empty; none where it looks harmless.
pub(super) fn secret(name: &str, text: &str) -> Option<&'static str> {
    by_form(text)
        .or_else(|| in_url(text))
        .or_else(|| named(name, text).then_some("a secret, by the name that it stands under"))
        .or_else(|| {
            let (name, value) = assigned(text)?;
            named(name, value).then_some("a secret, by the name that stands before it")
        })
}

/// Finds secrets that need no name to be known.
fn by_form(text: &str) -> Option<&'static str> {
    if is_private_key(text) {
        return Some("a private key");
    }
    tokens(text).find_map(of_service)
}

pub(super) fn is_private_key(text: &str) -> bool {
    text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----")
}

/// What could be tokens, by their letters and length.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.split(move |c: char| !inner(c))
        .filter(|token| token.len() >= 16 && !is_placeholder(token))
}

/// Whose token it is.
pub(super) fn of_service(token: &str) -> Option<&'static str> {
    let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if token.len() == 20
        && token.chars().all(is_upper)
        && (token.starts_with("AKIA") || token.starts_with("ASIA"))
    {
        return Some("an access key of AWS");
    }
    let mut parts = token.split('.');
    let is_json = |part: Option<&str>| part.is_some_and(|it| it.starts_with("eyJ") && it.len() > 8);
    if is_json(parts.next()) && is_json(parts.next()) && parts.next().is_some() {
        return Some("a JSON web token");
    }
    let known = PREFIXES.iter().find(|(prefix, least, _)| {
        let rest = token.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.len() >= *least && has_digit(rest))
    });
    known.map(|(.., whose)| *whose)
}

/// Finds passwords and keys inside URLs.
fn in_url(text: &str) -> Option<&'static str> {
    if password_in_url(text).is_some() {
        return Some("a URL with a password");
    }
    secret_in_query(text).map(|_| "a URL with a secret")
}

/// The password before the host of a URL.
pub(super) fn password_in_url(text: &str) -> Option<&str> {
    let authority = url(text)?.split(['/', '?', '#']).next()?;
    let (user, password) = authority.rsplit_once('@')?.0.split_once(':')?;
    let counts = password.len() >= 4
        && password != user
        && !DEFAULTS.contains(&password)
        && !is_placeholder(password)
        && !password.contains(REFERENCE);
    counts.then_some(password)
}

/// The first secret in the query of a URL, with its name.
pub(super) fn secret_in_query(text: &str) -> Option<(&str, &str)> {
    let (_, query) = url(text)?.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, value)| {
        named(name, value) || (*name == "key" && value.len() >= 16 && is_plausible(value))
    })
}

/// What follows the scheme of a URL.
fn url(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split_whitespace().next()
}

/// Takes apart `--token=..`, `TOKEN=..` and `Authorization: ..`.
pub(super) fn assigned(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(['=', ':'])?;
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_name = !name.is_empty() && name.chars().all(part);
    is_name.then_some((name, value.trim_start()))
}

/// Whether `name` announces a secret, and `value` may be one.
pub(super) fn named(name: &str, value: &str) -> bool {
    announces(name) && is_plausible(without_scheme(value).trim())
}

/// The value behind a scheme such as `Bearer`.
pub(super) fn without_scheme(value: &str) -> &str {
    let lower = value.to_ascii_lowercase();
    let scheme = SCHEMES.iter().find(|scheme| lower.starts_with(**scheme));
    let bare = scheme.and_then(|scheme| value.get(scheme.len()..));
    bare.unwrap_or(value)
}

/// Whether secrets stand under such a name: `SLACK_BOT_TOKEN`, `X-Api-Key`, `clientSecret`.
fn announces(name: &str) -> bool {
    let words = words(name);
    let mut words = words.iter().rev().map(String::as_str);
    let (last, before) = (words.next().unwrap_or_default(), words.next());
    match last {
        "key" => before.is_some_and(|before| KEYS.contains(&before)),
        "pass" | "pat" => before.is_some(),
        last => NAMES.contains(&last),
    }
}

/// The words of a name in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let starts = !c.is_alphanumeric() || (was_lower && c.is_uppercase());
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value may be a secret: no word, number, path, address, reference or placeholder.
fn is_plausible(value: &str) -> bool {
    let harmless = value.len() < 8
        || value.contains(|c: char| c.is_whitespace() || c == REFERENCE)
        || value.starts_with(['/', '.', '~', '$', '%', '{', '@', '-'])
        || value.contains(r":\")
        || value.contains("://")
        || FOREIGN.iter().any(|foreign| value.starts_with(foreign))
        || value.chars().all(|c| c.is_ascii_digit() || c == '.')
        || is_email(value)
        || is_placeholder(value);
    !harmless && is_varied(value)
}

fn is_email(value: &str) -> bool {
    let parts = value.split_once('@');
    parts.is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
}

fn is_placeholder(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|it| value.contains(it))
}

/// Whether a value is more than words: letters and digits mixed, or one long row of letters.
fn is_varied(value: &str) -> bool {
    let has = |wanted: fn(char) -> bool| value.chars().skip(1).any(wanted);
    let kinds = [
        has(char::is_lowercase),
        has(char::is_uppercase),
        has(|c| c.is_ascii_digit()),
        has(|c| c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '.' | ',')),
    ];
    let kinds = kinds.into_iter().filter(|has| *has).count();
    kinds >= 2 || (value.len() >= 20 && !value.contains(['-', '_', '.']))
}

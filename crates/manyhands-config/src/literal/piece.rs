//! Which part of a text is the secret, so that the rest can stay readable: the token of `Bearer ..`, the password of a URL.

use std::ops::Range;

use super::shape;

/// The first secret in `text`, which stands under `name`; references are one [`shape::REFERENCE`] each.
pub(super) fn first(name: &str, text: &str) -> Option<Range<usize>> {
    by_form(text)
        .or_else(|| in_url(text))
        .or_else(|| shape::named(name, text).then(|| bare(text)).flatten())
        .or_else(|| {
            let (name, value) = shape::assigned(text)?;
            let inner = shape::named(name, value).then(|| bare(value)).flatten()?;
            let start = text.len() - value.len();
            Some(start + inner.start..start + inner.end)
        })
}

fn by_form(text: &str) -> Option<Range<usize>> {
    if shape::is_private_key(text) {
        return Some(0..text.len());
    }
    let token = shape::tokens(text).find(|token| shape::of_service(token).is_some())?;
    place(text, token)
}

fn in_url(text: &str) -> Option<Range<usize>> {
    if let Some(password) = shape::password_in_url(text) {
        // The same word may stand before it, as the user's name.
        let at = text.find(&format!(":{password}@"))? + 1;
        return Some(at..at + password.len());
    }
    let (name, value) = shape::secret_in_query(text)?;
    let at = text.find(&format!("{name}={value}"))? + name.len() + 1;
    Some(at..at + value.len())
}

/// What follows a scheme such as `Bearer`.
fn bare(value: &str) -> Option<Range<usize>> {
    let bare = shape::without_scheme(value).trim();
    place(value, bare)
}

fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let at = text.find(part).filter(|_| !part.is_empty())?;
    Some(at..at + part.len())
}

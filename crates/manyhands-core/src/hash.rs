//! Digests for names and pins. What is hashed, and why, its callers know.

use sha2::{Digest as _, Sha256};

/// Hashes `parts` to the full SHA-256 digest in lowercase hexadecimal (64 characters).
///
/// Each part is preceded by its length, so that moving a byte from one part to
/// the next changes the digest.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Hashes `text` to eight lowercase hexadecimal characters (32 bits), for names that people read.
#[must_use]
pub fn short_hash(text: &str) -> String {
    let mut digest = fingerprint(&[text.as_bytes()]);
    digest.truncate(8);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
    }

    #[test]
    fn a_short_hash_is_stable_and_eight_characters_long() {
        assert_eq!(short_hash("slack"), short_hash("slack"));
        assert_eq!(short_hash("slack").len(), 8);
        assert_ne!(short_hash("slack"), short_hash("Slack"));
    }
}

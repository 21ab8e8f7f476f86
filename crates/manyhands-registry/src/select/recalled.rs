//! Vectors as bytes, from one start of a program to the next. It must not know where they are kept, nor what they are of.
//!
//! The bytes are a mark, the digest of the model's identity, the dimensions, and then for each text its digest and its
//! numbers, all in little-endian order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use manyhands_core::fingerprint;

use super::embed::MAX_DIMENSIONS;

/// What the bytes begin with; another form gets another mark.
const MARK: &[u8] = b"manyhands vectors 1\n";
/// The length of a digest.
const DIGEST: usize = 64;

/// Vectors of length 1, by the digests of their texts.
pub(super) type Kept = HashMap<String, Arc<[f32]>>;

/// The vectors in `bytes`, where they are of that model. Whatever is not as it was written counts as nothing.
pub(super) fn read(bytes: &[u8], identity: &str) -> Kept {
    parts(bytes, identity).unwrap_or_default()
}

fn parts(bytes: &[u8], identity: &str) -> Option<Kept> {
    let rest = bytes.strip_prefix(MARK)?;
    let rest = rest.strip_prefix(model(identity).as_bytes())?;
    let (dimensions, rest) = rest.split_first_chunk()?;
    let dimensions = usize::try_from(u32::from_le_bytes(*dimensions)).ok()?;
    if dimensions == 0 || dimensions > MAX_DIMENSIONS {
        return None;
    }
    rest.chunks_exact(DIGEST + 4 * dimensions)
        .map(entry)
        .collect()
}

fn entry(bytes: &[u8]) -> Option<(String, Arc<[f32]>)> {
    let (key, numbers) = bytes.split_at_checked(DIGEST)?;
    let key = str::from_utf8(key).ok()?;
    let numbers = numbers
        .as_chunks()
        .0
        .iter()
        .map(|it| f32::from_le_bytes(*it));
    let vector: Arc<[f32]> = numbers.collect();
    // They were written with length 1, or 0.
    let sound = vector.iter().all(|it| it.abs() <= 1.01);
    sound.then(|| (key.to_owned(), vector))
}

/// The vectors of `now`, then those of `before`, as far as `max` bytes go.
pub(super) fn write(now: &Kept, before: &Kept, identity: &str, max: usize) -> Vec<u8> {
    let dimensions = now.values().next().map_or(0, |it| it.len());
    let sorted = |kept| BTreeMap::<&String, &Arc<[f32]>>::from_iter(kept);
    let older = before.iter().filter(|(key, _)| !now.contains_key(*key));
    let mut bytes = [MARK, model(identity).as_bytes()].concat();
    // There are no more than `MAX_DIMENSIONS`.
    bytes.extend(u32::try_from(dimensions).unwrap_or_default().to_le_bytes());
    for (key, vector) in sorted(now.iter().collect::<Vec<_>>())
        .into_iter()
        .chain(sorted(older.collect()))
    {
        let fits = bytes.len() + DIGEST + 4 * dimensions <= max;
        if fits && key.len() == DIGEST && vector.len() == dimensions {
            bytes.extend(key.as_bytes());
            bytes.extend(vector.iter().flat_map(|it| it.to_le_bytes()));
        }
    }
    bytes
}

fn model(identity: &str) -> String {
    fingerprint(&[identity.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(of: u8) -> String {
        char::from(of).to_string().repeat(DIGEST)
    }

    fn kept(keys: &[u8]) -> Kept {
        let vector: Arc<[f32]> = [0.6, -0.8].into();
        keys.iter().map(|it| (key(*it), vector.clone())).collect()
    }

    #[test]
    fn what_was_kept_is_read_by_the_same_model_only() {
        let bytes = write(&kept(b"ab"), &kept(b"bc"), "m", 10_000);
        assert_eq!(read(&bytes, "m"), kept(b"abc"));
        assert_eq!(read(&bytes, "another"), Kept::new());
        assert_eq!(read(b"", "m"), Kept::new());
    }

    #[test]
    fn what_is_too_much_is_left_out_oldest_first() {
        let all = write(&kept(b"xy"), &kept(b"ab"), "m", 10_000);
        let less = write(&kept(b"xy"), &kept(b"ab"), "m", all.len() - 1);
        assert_eq!(read(&less, "m"), kept(b"xya"));
    }

    #[test]
    fn no_bytes_are_believed_that_were_not_written() {
        let whole = write(&kept(b"ab"), &Kept::new(), "m", 10_000);
        for end in 0..whole.len() {
            assert!(read(&whole[..end], "m").len() < 2);
        }
        for number in [f32::NAN, f32::INFINITY, 7.0] {
            let mut bytes = whole.clone();
            let at = bytes.len() - 4;
            bytes[at..].copy_from_slice(&number.to_le_bytes());
            assert_eq!(read(&bytes, "m"), Kept::new(), "{number}");
        }
        let start = MARK.len() + DIGEST;
        for dimensions in [0, 8_193, u32::MAX] {
            let mut bytes = whole.clone();
            bytes[start..start + 4].copy_from_slice(&dimensions.to_le_bytes());
            assert_eq!(read(&bytes, "m"), Kept::new(), "{dimensions}");
        }
    }
}

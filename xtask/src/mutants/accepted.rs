//! The mutants that no test notices and that may stay so, each with its reason: mostly changes that change nothing.

/// A survivor, as cargo-mutants names it without its line.
pub(super) struct Accepted {
    pub(super) mutant: &'static str,
    /// One sentence.
    #[expect(dead_code, reason = "for whoever reads the list")]
    pub(super) why: &'static str,
}

const fn accepted(mutant: &'static str, why: &'static str) -> Accepted {
    Accepted { mutant, why }
}

pub(super) const ACCEPTED: &[Accepted] = &[
    accepted(
        "crates/manyhands-core/src/text.rs: replace + with * in distance",
        "both put a name that only holds the wanted one behind every near miss, the shorter first",
    ),
    accepted(
        "crates/manyhands-discovery/src/decode.rs: replace > with >= in read",
        "whether a name of exactly 1,024 bytes is taken matters to nobody, where 128 are usual at most",
    ),
    accepted(
        "crates/manyhands-discovery/src/pages.rs: replace > with >= in fetch",
        "reading stops one page earlier or later when a list is exactly as long as its limit",
    ),
    accepted(
        "crates/manyhands-registry/src/shard.rs: replace || with && in Table<T>::add",
        "one name implies the other unless two 32-bit hashes are the same, which no test can wait for",
    ),
];

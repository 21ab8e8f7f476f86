//! The one list of steps, each with its tier and its budget. It must not know how a step runs.

use std::time::Duration;

/// How much is run: each tier begins with all of the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Before each commit, from cold on two cores.
    Fast,
    /// On CI.
    Full,
    /// Once a day, without anybody waiting.
    Nightly,
}

impl Tier {
    pub(super) const ALL: [Self; 3] = [Self::Fast, Self::Full, Self::Nightly];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Full => "full",
            Self::Nightly => "nightly",
        }
    }

    /// What all steps of the tier may take together, those of the tiers before it included. It is less than the sum
    /// of their budgets, for only one step pays for a dependency's first build.
    pub(super) const fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Self::Fast => 35 * 60,
            Self::Full => 60 * 60,
            Self::Nightly => 4 * 60 * 60,
        })
    }
}

/// The reasons for which a step may be skipped without failing the run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Skips {
    Never,
    /// Only for this one.
    For(&'static str),
    /// For whatever reason it gives.
    Any,
}

impl Skips {
    pub(super) fn allow(self, why: &str) -> bool {
        match self {
            Self::Never => false,
            Self::For(reason) => why == reason,
            Self::Any => true,
        }
    }
}

pub(super) struct Step {
    /// The command of the same name is what it runs.
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    pub(super) tier: Tier,
    /// Enough on a cold machine with two cores.
    pub(super) budget: Duration,
    pub(super) skips: Skips,
}

const fn step(tier: Tier, name: &'static str, seconds: u64) -> Step {
    Step {
        name,
        arguments: &[],
        tier,
        budget: Duration::from_secs(seconds),
        skips: match tier {
            Tier::Fast => Skips::Never,
            Tier::Full | Tier::Nightly => Skips::Any,
        },
    }
}

/// Cheap steps come first: they need no compiled workspace and name the plain mistakes within a second.
pub(super) const STEPS: &[Step] = &[
    step(Tier::Fast, "fmt", 60),
    step(Tier::Fast, "tidy", 60),
    step(Tier::Fast, "layers", 60),
    step(Tier::Fast, "owners", 60),
    step(Tier::Fast, "clippy", 600),
    step(Tier::Fast, "docs", 600),
    Step {
        arguments: &["--check"],
        // It builds the binary, which the tests then find built.
        ..step(Tier::Fast, "codegen", 600)
    },
    step(Tier::Fast, "test", 900),
    step(Tier::Fast, "doctest", 600),
    step(Tier::Fast, "features", 60),
    Step {
        arguments: &["--required"],
        // What it starts comes from package registries. All else it can bring along, so all else is a failure.
        skips: Skips::For("registry unreachable"),
        ..step(Tier::Full, "interop", 900)
    },
    Step {
        arguments: &["client", "--required"],
        skips: Skips::For("registry unreachable"),
        ..step(Tier::Full, "conformance", 600)
    },
    Step {
        skips: Skips::Never,
        ..step(Tier::Full, "storm", 600)
    },
    step(Tier::Full, "each-feature", 900),
    Step {
        skips: Skips::Never,
        ..step(Tier::Full, "licences", 60)
    },
    step(Tier::Full, "advisories", 300),
    // What each runs for, and the first build before it.
    step(Tier::Nightly, "fuzz", 1_500),
    step(Tier::Nightly, "soak", 1_500),
    step(Tier::Nightly, "mutants", 5_400),
    Step {
        skips: Skips::For("registry unreachable"),
        ..step(Tier::Nightly, "peers", 1_800)
    },
];

//! A number of instances, as it is written. It must not know what is started.

use manyhands_resilience::MAX_REPLICAS;
use serde::Deserialize as _;
use serde::de::{Deserializer, Error as _, Unexpected};

/// Reads a number within the bounds.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let number = u64::deserialize(deserializer)?;
    match usize::try_from(number) {
        Ok(instances @ 1..=MAX_REPLICAS) => Ok(instances),
        _ => {
            let expected = format!("`instances` from 1 to {MAX_REPLICAS}");
            Err(D::Error::invalid_value(
                Unexpected::Unsigned(number),
                &&*expected,
            ))
        }
    }
}

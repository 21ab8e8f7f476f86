//! Figures of one turn, and their medians over all turns.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// The value at this share of the sorted list, in microseconds.
pub(crate) fn percentile(times: &[Duration], share: f64) -> f64 {
    let mut micros: Vec<f64> = times.iter().map(|it| it.as_secs_f64() * 1e6).collect();
    micros.sort_by(f64::total_cmp);
    let last = micros.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index far below what either type holds"
    )]
    let index = (last as f64 * share).round() as usize;
    micros.get(index).copied().unwrap_or_default()
}

/// Each figure's median over the turns, with all of its values, so that ratios can be taken turn by turn.
pub(crate) fn together(turns: &[Value]) -> Value {
    let keys = turns
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::keys);
    let mut all = Map::new();
    for key in keys {
        let values: Vec<f64> = turns
            .iter()
            .filter_map(|turn| turn.get(key)?.as_f64())
            .collect();
        if !values.is_empty() {
            all.insert(
                key.clone(),
                json!({"median": median(&values), "turns": values}),
            );
        }
    }
    all.into()
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians_are_values_that_were_measured() {
        let times: Vec<Duration> = (1..=101).map(Duration::from_micros).collect();
        assert!((percentile(&times, 0.5) - 51.0).abs() < 0.001);
        assert!((percentile(&times, 0.99) - 100.0).abs() < 0.001);
        assert!(percentile(&[], 0.5).abs() < 0.001);
        let turns = [
            json!({"a": 3}),
            json!({"a": 1.5}),
            json!({"a": 2, "b": null}),
        ];
        assert_eq!(
            together(&turns),
            json!({"a": {"median": 2.0, "turns": [3.0, 1.5, 2.0]}})
        );
    }
}

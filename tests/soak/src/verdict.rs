//! Whether something keeps growing. It must not know what is measured.
//!
//! The samples are taken at rest, one after each generation. The first third is warm-up: caches fill, and the
//! allocator finds its size. What is left is cut into three windows of equal length, of which only the medians
//! count, so that single samples do not decide. A gauge grows when each median is above the one before, and the last
//! one by more than an allowance above the first: a step that is made once is not growth, and neither is noise.

/// What is left of a row of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) medians: [u64; 3],
}

impl Windows {
    /// None where there is too little to judge by.
    pub(crate) fn of(samples: &[u64]) -> Option<Self> {
        let warm = samples.get(samples.len().div_ceil(3)..)?;
        let third = warm.len() / 3;
        if third == 0 {
            return None;
        }
        let mut windows = warm.chunks(third);
        let first = median(windows.next()?)?;
        let second = median(windows.next()?)?;
        let last = median(warm.get(warm.len() - third..)?)?;
        Some(Self {
            medians: [first, second, last],
        })
    }

    pub(crate) fn grows(self, allowance: u64) -> bool {
        let [first, second, last] = self.medians;
        first < second && second < last && last - first > allowance
    }
}

pub(crate) fn median(samples: &[u64]) -> Option<u64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grows(samples: &[u64], allowance: u64) -> bool {
        Windows::of(samples).unwrap().grows(allowance)
    }

    #[test]
    fn what_goes_on_growing_is_found_and_a_single_step_or_peak_is_not() {
        let leak: Vec<u64> = (0..30).collect();
        assert!(grows(&leak, 2));
        assert!(!grows(&leak, 100), "within the allowance");
        let warm_up: Vec<u64> = (0..30).map(|n| if n < 10 { n } else { 10 }).collect();
        assert!(!grows(&warm_up, 0));
        let step: Vec<u64> = (0..30).map(|n| if n < 20 { 5 } else { 9 }).collect();
        assert!(!grows(&step, 0));
        let peaks: Vec<u64> = (0..30).map(|n| if n % 7 == 0 { 100 } else { 5 }).collect();
        assert!(!grows(&peaks, 0));
        let falling: Vec<u64> = (0..30).rev().collect();
        assert!(!grows(&falling, 0));
    }

    #[test]
    fn too_few_samples_say_nothing() {
        assert_eq!(Windows::of(&[]), None);
        assert_eq!(Windows::of(&[1, 2, 3]), None);
        assert_eq!(Windows::of(&[9, 9, 1, 2, 3]).unwrap().medians, [1, 2, 3]);
    }
}

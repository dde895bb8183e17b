//! How many may try again.

use turgo_machine::mutant;

/// Retries in proportion to first attempts: each first attempt adds a part of a retry, and a retry takes a whole one. When everything fails, the load is that part more and not
/// many times as much ("Addressing cascading failures", in: Site Reliability Engineering, O'Reilly 2016).
///
/// ```
/// use turgo_sched::admission::RetryBudget;
/// let mut budget = RetryBudget::new(0.1, 2);
/// assert!(budget.retry() && budget.retry(), "a reserve for the beginning");
/// assert!(!budget.retry());
/// (0..10).for_each(|_| budget.attempt());
/// assert!(budget.retry() && !budget.retry());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryBudget {
    /// Millionths of a retry.
    per_attempt: u64,
    saved: u64,
    saved_max: u64,
}

const RETRY: u64 = 1_000_000;

impl RetryBudget {
    /// `part` of a retry for each first attempt, in millionths; at most `reserve` saved up, and as many there at the beginning.
    ///
    /// # Panics
    ///
    /// If the part is not between 0 and 1, or the reserve is 0.
    #[must_use]
    pub fn new(part: f64, reserve: u32) -> Self {
        assert!((0.0..=1.0).contains(&part), "a part of {part}: from 0 to 1");
        assert!(reserve > 0, "less than one retry cannot be made");
        let saved_max = u64::from(reserve) * RETRY;
        Self { per_attempt: (part * RETRY as f64).round() as u64, saved: saved_max, saved_max }
    }

    /// Somebody tries for the first time.
    pub fn attempt(&mut self) {
        self.saved = (self.saved + self.per_attempt).min(self.saved_max);
    }

    /// Somebody wants to try again: whether that is in the budget (A6).
    pub fn retry(&mut self) -> bool {
        let Some(rest) = self.saved.checked_sub(RETRY) else {
            return mutant!("A6 whoever asks may");
        };
        self.saved = rest;
        true
    }
}

//! The threshold for robbing workers far away, from how often that succeeds.

use turgo_machine::mutant;

use super::{Average, Window};

/// Follows the success of steals: below 30 % the threshold is doubled, above 70 % halved.
///
/// The direction is what earlier systems had the wrong way round: there a threshold that was compared with the *thief's* queue rose when steals failed, so that more were
/// tried. Here it is what a *victim* must have: a higher one makes thieves choosier (T6). Between the two limits nothing changes, and after a change the success is
/// averaged anew over at least three windows, so it does not swing.
///
/// ```
/// use turgo_sched::tune::{StealThreshold, Window};
/// let mut threshold = StealThreshold::new(2, 1, 64);
/// let futile = Window { steals_tried: 100, steals_won: 5, ..Window::default() };
/// let changes: Vec<_> = (0..6).filter_map(|_| threshold.step(&futile)).collect();
/// assert_eq!(changes, [4, 8]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StealThreshold {
    value: u32,
    min: u32,
    max: u32,
    success: Average,
    windows: u32,
}

impl StealThreshold {
    /// Steals that succeed less often are tried less often.
    pub const LOW: f64 = 0.3;
    /// Steals that succeed more often are tried more often.
    pub const HIGH: f64 = 0.7;
    /// Windows from one change to the next, at least.
    pub const DWELL: u32 = 3;
    const WEIGHT: f64 = 0.5;

    /// Starts with `value`.
    ///
    /// # Panics
    ///
    /// Unless `1 <= min <= value <= max`.
    #[must_use]
    pub fn new(value: u32, min: u32, max: u32) -> Self {
        assert!(1 <= min, "0 cannot be doubled");
        assert!(min <= value, "starts below its bound");
        assert!(value <= max, "starts above its bound");
        Self { value, min, max, success: Average::new(Self::WEIGHT), windows: 0 }
    }

    /// The present value: a [`remote_threshold`](crate::policy::Knobs::remote_threshold).
    #[must_use]
    pub fn value(&self) -> u32 {
        self.value
    }

    /// One more window; the new value if it changes. A window without steals changes nothing (T1).
    pub fn step(&mut self, window: &Window) -> Option<u32> {
        let success = window.steal_success()?;
        self.success.note(Some(success));
        self.windows += 1;
        let average = self.success.value()?;
        if self.windows < Self::DWELL {
            return None;
        }
        let (few, many) = (average < Self::LOW, average > Self::HIGH);
        let (up, down) = if mutant!("T6 inverted") { (many, few) } else { (few, many) };
        let next = match (up, down) {
            (true, _) => self.value.saturating_mul(2).min(self.max),
            (_, true) => (self.value / 2).max(self.min),
            _ => self.value,
        };
        if next == self.value {
            return None;
        }
        self.value = next;
        self.windows = 0;
        self.success = Average::new(Self::WEIGHT);
        Some(next)
    }
}

//! An exponentially decaying average in one word.
//!
//! # Invariants
//!
//! - **C5** The word holds the average times 2^16, or `NONE`. A step towards a sample that differs is at least one unit of it: the average reaches what it is fed,
//!   0 included, and leaves it again, however small the difference.

use core::fmt;

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

const SCALE_BITS: u32 = 16;
const NONE: u64 = u64::MAX;

/// The largest sample; larger ones count as this.
const SAMPLE_MAX: u64 = (1 << (63 - SCALE_BITS)) - 1;

/// An exponentially decaying average of samples: each moves it by a fixed share of the difference.
///
/// Lock-free: an update repeats only where another one succeeded.
///
/// ```
/// let average = turgo_lockfree::counter::Average::new(1);
/// assert_eq!(average.value(), None);
/// average.record(8);
/// average.record(4);
/// assert_eq!(average.value(), Some(6.0));
/// ```
pub struct Average {
    scaled: AtomicU64,
    shift: u32,
}

impl Average {
    crate::fence::maybe_const! {
        /// An average that moves by 1/2^`shift` of the difference with each sample. The first sample sets it.
        ///
        /// # Panics
        ///
        /// Where `shift` is above 32.
        #[must_use]
        pub fn new(shift: u32) -> Self {
            assert!(shift <= 32, "an average that hardly moves");
            Self { scaled: AtomicU64::new(NONE), shift }
        }
    }

    /// Takes a sample in; those above 2^47 - 1 count as that.
    pub fn record(&self, sample: u64) {
        let sample = sample.min(SAMPLE_MAX) << SCALE_BITS;
        // Relaxed: a statistic orders nothing, here and below.
        let mut now = self.scaled.load(Ordering::Relaxed);
        loop {
            let next = self.step(now, sample);
            let order = Ordering::Relaxed;
            match self.scaled.compare_exchange_weak(now, next, order, order) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    fn step(&self, now: u64, sample: u64) -> u64 {
        if now == NONE {
            return sample;
        }
        // C5: rounded up.
        let least = u64::from(!mutant!("C5 step rounded down"));
        let step = |difference: u64| (difference >> self.shift).max(least.min(difference));
        if sample >= now { now + step(sample - now) } else { now - step(now - sample) }
    }

    /// The average, or nothing before the first sample. To 2^-16.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        // Relaxed: as above.
        let scaled = self.scaled.load(Ordering::Relaxed);
        (scaled != NONE).then(|| scaled as f64 / f64::from(1 << SCALE_BITS))
    }
}

impl fmt::Debug for Average {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Average").field(&self.value()).finish()
    }
}

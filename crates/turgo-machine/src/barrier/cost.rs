//! What a heavy fence costs here, learned from the ones that are made anyway.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::clock::monotonic;

/// One call in so many is measured: two readings of the clock then cost less than a nanosecond a call.
const CALLS_PER_SAMPLE: u32 = 64;

/// A new sample counts for one part in so many.
const WEIGHT: u64 = 8;

/// A sample counts for at most so many times the mean (A5).
const RISE_MAX: u64 = 8;

/// The mean in nanoseconds; 0 before the first sample. A statistic: it orders nothing, and of two samples at once one may be lost.
static MEAN_NS: AtomicU64 = AtomicU64::new(0);

/// Calls so far, roughly: threads that count at once may lose one another's calls.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Makes the fence, and measures it when its turn has come.
#[inline]
pub(super) fn measured(fence: impl FnOnce()) {
    // Relaxed: a rough count.
    let calls = CALLS.load(Ordering::Relaxed);
    // Relaxed: as above.
    CALLS.store(calls.wrapping_add(1), Ordering::Relaxed);
    if calls.is_multiple_of(CALLS_PER_SAMPLE) { sample(fence) } else { fence() }
}

/// The mean, which is known after this.
pub(super) fn current_ns() -> u64 {
    // Relaxed: a statistic.
    let mut mean = MEAN_NS.load(Ordering::Relaxed);
    if mean == 0 {
        sample(super::system::order);
        // Relaxed: as above.
        mean = MEAN_NS.load(Ordering::Relaxed);
    }
    mean.max(1)
}

#[cold]
fn sample(fence: impl FnOnce()) {
    let start = monotonic();
    fence();
    let taken_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    // Relaxed: a statistic.
    let mean = MEAN_NS.load(Ordering::Relaxed);
    // Relaxed: as above.
    MEAN_NS.store(folded(mean, taken_ns), Ordering::Relaxed);
}

/// The mean after a sample. Rounds towards the sample, so that small means can move, too.
fn folded(mean: u64, sample: u64) -> u64 {
    let sample = sample.max(1);
    if mean == 0 {
        return sample;
    }
    let bounded = if crate::mutant!("A5 samples count in full") {
        sample
    } else {
        sample.min(mean.saturating_mul(RISE_MAX))
    };
    if bounded >= mean {
        mean + (bounded - mean).div_ceil(WEIGHT)
    } else {
        mean - (mean - bounded).div_ceil(WEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_is_the_mean() {
        assert_eq!(folded(0, 150), 150);
        assert_eq!(folded(0, 0), 1, "0 stands for unknown");
    }

    #[test]
    fn the_mean_follows_what_stays() {
        let mut mean = 150;
        for _ in 0..60 {
            mean = folded(mean, 16_000);
        }
        assert!((15_000..=16_000).contains(&mean), "{mean}");
        for _ in 0..100 {
            mean = folded(mean, 3);
        }
        assert_eq!(mean, 3);
    }

    #[test]
    fn one_preempted_fence_is_not_a_dear_one() {
        let mean = folded(150, 4_000_000);
        assert!((151..=2 * 150).contains(&mean), "A5: {mean}");
        assert!(folded(u64::MAX, u64::MAX) == u64::MAX);
    }
}

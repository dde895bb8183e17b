//! Histograms with buckets whose width grows with the value, of which every thread owns a set. Invariants: [the module above](super).
//!
//! - **C6** Values below 2^5 have a bucket each. Of the others, each power of two is cut into 2^5 buckets, so that a bucket is at most 1/32 of its lowest value
//!   wide. Every value has one bucket, and larger values have no earlier ones.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use super::thread_number::{PerThread, thread_number};

/// Buckets of a power of two, as a power of two.
const BITS: u32 = 5;

const BUCKETS: usize = ((64 - BITS + 1) << BITS) as usize;

/// The bucket of a value (C6).
fn bucket_of(value: u64) -> usize {
    if value < 1 << BITS {
        return value as usize;
    }
    let exponent = value.ilog2();
    let within = (value >> (exponent - BITS)) as usize & ((1 << BITS) - 1);
    (((exponent - BITS + 1) as usize) << BITS) + within
}

/// The lowest value of a bucket, and how many values it has.
fn range_of(bucket: usize) -> (u64, u64) {
    if bucket < 1 << BITS {
        return (bucket as u64, 1);
    }
    let shift = (bucket >> BITS) as u32 - 1;
    let within = (bucket & ((1 << BITS) - 1)) as u64;
    (((1 << BITS) + within) << shift, 1 << shift)
}

struct Buckets(Box<[AtomicU64]>);

impl Default for Buckets {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }
}

/// A histogram of 64-bit values that threads do not contend for: 15 KiB for each thread that records.
///
/// [`record`](Self::record) is wait-free, but for a thread's first, which allocates. Snapshots never miss what happened before them, and
/// are not linearizable.
///
/// ```
/// let latencies = turgo_lockfree::counter::Histogram::new();
/// (1..=1000).for_each(|ns| latencies.record(ns));
/// let snapshot = latencies.snapshot();
/// assert_eq!(snapshot.count(), 1000);
/// let median = snapshot.quantile(0.5).unwrap();
/// assert!(median.abs_diff(500) <= 500 / 64 + 1);
/// ```
pub struct Histogram {
    buckets: PerThread<Buckets>,
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: PerThread::new(Buckets::default()) }
    }

    /// Counts a value.
    #[inline]
    pub fn record(&self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts a value so many times: one that was sampled stands for those that were not.
    #[inline]
    pub fn record_many(&self, value: u64, times: u64) {
        let bucket = bucket_of(value);
        match thread_number() {
            Some(number) => {
                let slot = &self.buckets.at(number).0[bucket];
                // Relaxed: C1, only we store to it.
                let before = slot.load(Ordering::Relaxed);
                // Relaxed: a count orders nothing.
                slot.store(before.wrapping_add(times), Ordering::Relaxed);
            }
            // Relaxed: C4.
            None => {
                self.buckets.shared.0[bucket].fetch_add(times, Ordering::Relaxed);
            }
        }
    }

    /// What all threads have recorded.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let mut counts = vec![0; BUCKETS].into_boxed_slice();
        for buckets in self.buckets.all() {
            for (count, slot) in counts.iter_mut().zip(&buckets.0) {
                // Relaxed: C3.
                *count += slot.load(Ordering::Relaxed);
            }
        }
        HistogramSnapshot { counts }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

/// What a [`Histogram`] held.
#[derive(Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    counts: Box<[u64]>,
}

impl HistogramSnapshot {
    /// Values recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds the values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// What was recorded after an earlier snapshot of the same histogram. Takes time linear in the buckets.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        // C3: buckets only grow.
        let counts = self.counts.iter().zip(&earlier.counts);
        Self { counts: counts.map(|(now, then)| now.saturating_sub(*then)).collect() }
    }

    /// A value that is at most 1/64 (1.6 %) away from the one that a share `q` of all values does not exceed: 0 asks for the smallest value, 1 for the
    /// largest, and what is beyond them for the nearer of the two. Nothing where nothing was recorded, and where `q` is no number.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 || q.is_nan() {
            return None;
        }
        // A share such as 7/10000 is not exact in binary: what is above a whole rank by rounding alone is that rank.
        let exact = q.clamp(0.0, 1.0) * count as f64 * (1.0 - 4.0 * f64::EPSILON);
        // Rounded up by hand: `core` has no `ceil` for floats.
        let whole = exact as u64;
        let rank = (whole + u64::from(exact > whole as f64)).clamp(1, count);
        let mut passed = 0;
        for (bucket, here) in self.counts.iter().enumerate() {
            passed += here;
            if passed >= rank {
                let (lowest, width) = range_of(bucket);
                let inside =
                    if mutant!("C6 highest of the bucket") { width - 1 } else { (width - 1) / 2 };
                return Some(lowest + inside);
            }
        }
        None
    }
}

impl fmt::Debug for HistogramSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.quantile(1.0))
            .finish()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn what_was_there_before_is_not_in_what_came_since() {
        let histogram = Histogram::new();
        histogram.record_many(1_000_000, 5);
        let earlier = histogram.snapshot();
        histogram.record(7);
        histogram.record_many(9, 3);
        let since = histogram.snapshot().since(&earlier);
        assert_eq!(
            (since.count(), since.quantile(0.25), since.quantile(1.0)),
            (4, Some(7), Some(9))
        );
        assert_eq!(earlier.since(&earlier).quantile(0.5), None);
    }

    #[test]
    fn every_value_has_a_bucket_no_wider_than_a_32nd() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        let mut values: Vec<u64> = edges.chain([u64::MAX]).collect();
        values.sort_unstable();
        let mut last = 0;
        for value in values {
            let bucket = bucket_of(value);
            let (lowest, width) = range_of(bucket);
            assert!(bucket >= last && bucket < BUCKETS);
            assert!(lowest <= value && value - lowest < width, "{value}");
            assert!(width == 1 || width <= lowest / 32, "{value}");
            last = bucket;
        }
    }
}

//! How often: a rate in one word, and rates below rates.
//!
//! The generic cell rate algorithm (ITU-T I.371): the word holds the time at which the bucket will be full again. A request of some tokens moves it on by as many
//! intervals, and is let through if it then lies no more than a burst ahead of now. There is no refilling and no second word to agree with.
//!
//! - **B1** Within any time `t` no more than `burst + t / interval` tokens are let through. The word is changed by compare-exchange only.
//! - **B2** A request takes from its bucket and all above it, or from none: it reserves from below to above and gives back what it
//!   reserved where a bucket further up refuses.
//! - **B3** Giving back returns what the reservation still holds and not what has refilled since: the part of its own span that lies ahead of now.

use core::time::Duration;

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

/// So many tokens a second, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds until a token is there again.
    interval_ns: u64,
    /// Tokens of a full bucket.
    burst: u64,
}

impl Rate {
    /// One token per `interval`, and up to `burst` at once.
    ///
    /// # Panics
    ///
    /// If either is zero, or a full bucket takes longer to fill than 292 years.
    #[must_use]
    pub fn new(interval: Duration, burst: u64) -> Self {
        let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        assert!(interval_ns > 0, "an interval takes time");
        assert!(burst > 0, "an empty bucket lets nothing through");
        Self::checked(interval_ns, burst).expect("a bucket fills in 292 years")
    }

    /// [`new`](Self::new) for numbers from outside.
    pub(crate) fn checked(interval_ns: u64, burst: u64) -> Option<Self> {
        let full = interval_ns.checked_mul(burst)?;
        (full > 0 && full <= u64::MAX / 2).then_some(Self { interval_ns, burst })
    }

    /// Nanoseconds until a token is there again, and tokens of a full bucket.
    pub(crate) fn parts(self) -> (u64, u64) {
        (self.interval_ns, self.burst)
    }

    /// Up to `tokens` a second, and as many at once; at most 10^9. A token takes whole nanoseconds, rounded up: never more than promised.
    ///
    /// # Panics
    ///
    /// If it is zero or more than 10^9.
    #[must_use]
    pub fn per_second(tokens: u32) -> Self {
        assert!((1..=1_000_000_000).contains(&tokens), "from 1 to 10^9 tokens a second");
        Self::new(Duration::from_nanos(1_000_000_000_u64.div_ceil(tokens.into())), tokens.into())
    }
}

/// Too much at once: nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// When to try again; nothing where the bucket never holds as much.
    pub retry_after: Option<Duration>,
}

impl core::fmt::Display for Throttled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.retry_after {
            Some(after) => write!(f, "too often: try again in {after:?}"),
            None => f.write_str("more than the bucket ever holds"),
        }
    }
}

impl core::error::Error for Throttled {}

/// A rate limit, below another one or none. Taking is lock-free. Times are nanoseconds of one clock that does not go back.
///
/// ```
/// use core::time::Duration;
/// use turgo_capability::{Bucket, Rate};
/// let tenant = Bucket::root(Rate::new(Duration::from_nanos(10), 3));
/// let session = Bucket::below(&tenant, Rate::new(Duration::from_nanos(10), 2));
/// assert!(session.take(2, 0).is_ok());
/// assert!(session.take(1, 0).is_err(), "its own");
/// assert!(tenant.take(2, 0).is_err(), "two of three went to the session");
/// assert!(session.take(1, 10).is_ok());
/// ```
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    /// Nanoseconds: when it will be full.
    full_at: CachePadded<AtomicU64>,
    parent: Option<Arc<Bucket>>,
}

/// What was taken from one bucket: the end of its span.
type Reserved = u64;

impl Bucket {
    /// A full bucket by itself.
    #[must_use]
    pub fn root(rate: Rate) -> Arc<Self> {
        Self::restored(None, rate, 0)
    }

    /// A full bucket below another: what is taken from it is taken from both.
    #[must_use]
    pub fn below(parent: &Arc<Self>, rate: Rate) -> Arc<Self> {
        Self::restored(Some(Arc::clone(parent)), rate, 0)
    }

    /// A bucket as a snapshot has it.
    pub(crate) fn restored(parent: Option<Arc<Self>>, rate: Rate, full_at: u64) -> Arc<Self> {
        Arc::new(Self { rate, full_at: CachePadded::new(AtomicU64::new(full_at)), parent })
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Nanoseconds: when it will be full.
    pub(crate) fn full_at(&self) -> u64 {
        // Relaxed: the word stands for itself.
        self.full_at.load(Ordering::Relaxed)
    }

    /// Takes tokens from here and all above (B2).
    ///
    /// # Errors
    ///
    /// [`Throttled`] where one of them has too few; then nothing was taken.
    pub fn take(&self, tokens: u64, now_ns: u64) -> Result<(), Throttled> {
        let reserved = self.reserve(tokens, now_ns)?;
        if let Some(parent) = &self.parent
            && let Err(throttled) = parent.take(tokens, now_ns)
        {
            if !mutant!("B2 nothing is given back") {
                self.give_back(tokens, reserved, now_ns);
            }
            return Err(throttled);
        }
        Ok(())
    }

    /// Takes tokens from this one.
    fn reserve(&self, tokens: u64, now_ns: u64) -> Result<Reserved, Throttled> {
        let Rate { interval_ns, burst } = self.rate;
        let never = Throttled { retry_after: None };
        if tokens > burst {
            return Err(never);
        }
        let cost = tokens * interval_ns;
        // Relaxed: the word stands for itself.
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            let next = full_at.max(now_ns).checked_add(cost).ok_or(never)?;
            let ahead = next - now_ns;
            let most = burst * interval_ns;
            if ahead > most {
                return Err(Throttled { retry_after: Some(Duration::from_nanos(ahead - most)) });
            }
            if mutant!("B1 a load and a store") {
                // Relaxed: planted.
                self.full_at.store(next, Ordering::Relaxed);
                return Ok(next);
            }
            // Relaxed: as above.
            let done = self.full_at.compare_exchange_weak(
                full_at,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match done {
                Ok(_) => return Ok(next),
                Err(now) => full_at = now,
            }
        }
    }

    /// Gives tokens back, as far as their span lies ahead (B3).
    fn give_back(&self, tokens: u64, reserved: Reserved, now_ns: u64) {
        let cost = tokens * self.rate.interval_ns;
        let held = if mutant!("B3 all of it is given back") {
            cost
        } else {
            cost.min(reserved.saturating_sub(now_ns))
        };
        // Relaxed: the word stands for itself. It is at least `reserved`, which is at least `held`.
        self.full_at.fetch_sub(held, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn rate(interval_ns: u64, burst: u64) -> Rate {
        Rate::new(Duration::from_nanos(interval_ns), burst)
    }

    #[test]
    fn a_burst_and_then_one_per_interval() {
        let bucket = Bucket::root(rate(10, 3));
        assert!((0..3).all(|_| bucket.take(1, 100).is_ok()));
        let refused = bucket.take(1, 100).unwrap_err();
        assert_eq!(refused.retry_after, Some(Duration::from_nanos(10)));
        assert!(bucket.take(1, 109).is_err());
        assert!(bucket.take(1, 110).is_ok());
        assert!(bucket.take(4, 1000).is_err_and(|e| e.retry_after.is_none()));
        assert!(bucket.take(3, 1000).is_ok(), "B1: no more than a full bucket");
        assert!(bucket.take(1, 1000).is_err());
    }

    #[test]
    fn a_second_never_refills_more_than_it_says() {
        for tokens in [1, 2, 3, 7, 999_999_937, 600_000_000, 1_000_000_000] {
            let (interval_ns, burst) = Rate::per_second(tokens).parts();
            assert_eq!(burst, tokens.into());
            assert!(1_000_000_000 / interval_ns <= burst, "{tokens} a second");
        }
    }

    #[test]
    fn a_refusal_further_up_takes_nothing() {
        let tenant = Bucket::root(rate(10, 4));
        let user = Bucket::below(&tenant, rate(10, 4));
        let session = Bucket::below(&user, rate(10, 4));
        assert!(tenant.take(3, 0).is_ok());
        assert!(session.take(2, 0).is_err());
        assert!(session.reserve(4, 0).is_ok() && user.reserve(4, 0).is_ok(), "B2: both are full");
        assert!(tenant.take(1, 0).is_ok(), "B2");
    }

    #[test]
    fn what_refilled_is_not_given_back() {
        let bucket = Bucket::root(rate(10, 4));
        let reserved = bucket.reserve(2, 0).unwrap();
        assert!(bucket.reserve(2, 0).is_ok());
        bucket.give_back(2, reserved, 15);
        // At 15 the first 15 of the 40 have refilled, and 5 of the reservation were still held.
        assert_eq!(bucket.full_at.load(Ordering::Relaxed), 35, "B3");
        let late = bucket.reserve(1, 100).unwrap();
        assert!(bucket.reserve(1, 200).is_ok());
        bucket.give_back(1, late, 200);
        assert_eq!(bucket.full_at.load(Ordering::Relaxed), 210, "B3: it had refilled long ago");
    }

    #[test]
    fn threads_get_no_more_than_the_rate() {
        let tenant = Bucket::root(rate(100, 50));
        let let_through: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let session = Bucket::below(&tenant, rate(100, 30));
                    scope
                        .spawn(move || (0..5_000).filter(|at| session.take(1, *at).is_ok()).count())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(let_through <= 50 + 5_000 / 100, "B1: {let_through}");
        assert!(let_through >= 50);
    }
}

#[cfg(all(test, loom))]
mod models {
    use loom::thread;

    use super::*;
    use crate::forest::tests::explore;

    #[test]
    fn a_token_is_taken_once() {
        explore(3, || {
            let tenant = Bucket::root(Rate::new(Duration::from_nanos(10), 1));
            let session = Bucket::below(&tenant, Rate::new(Duration::from_nanos(10), 2));
            let other = Arc::clone(&tenant);
            let takes = thread::spawn(move || other.take(1, 0).is_ok());
            let taken = session.take(1, 0).is_ok();
            assert!(takes.join().unwrap() ^ taken, "B1");
            assert!(taken || session.reserve(2, 0).is_ok(), "B2");
        });
    }
}

//! Time that a test can replace: nanoseconds that never go back, from the system or advanced by hand.
//!
//! # Invariants
//!
//! - **C1** What [`Clock::now_ns`] returns never goes down, on one handle and from one handle to the next, where the second
//!   reading happens after the first.
//! - **C2** A virtual clock moves only when it is told to.

#[cfg(not(any(loom, shuttle)))]
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(all(shuttle, not(loom)))]
use shuttle::sync::Arc;

use crate::atomic::{AtomicU64, Ordering};

/// Nanoseconds since the clock was made. Handles made by `clone` read the same clock. Reading is wait-free.
///
/// ```
/// use std::time::Duration;
/// use turgo_machine::clock::{Clock, VirtualTime};
///
/// let real = Clock::real();
/// assert!(real.now_ns() <= real.now_ns());
///
/// let time = VirtualTime::new();
/// let clock = time.clock();
/// time.advance(Duration::from_micros(3));
/// assert_eq!(clock.now_ns(), 3_000);
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    Real(Instant),
    Virtual(VirtualTime),
}

impl Clock {
    /// The system's monotonic clock, from now on.
    #[must_use]
    pub fn real() -> Self {
        Self(Source::Real(monotonic()))
    }

    /// Nanoseconds since the clock was made; a virtual one says how far it was advanced. A real clock would stop after 584 years.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        match &self.0 {
            Source::Real(start) => nanoseconds(start.elapsed()),
            Source::Virtual(time) if crate::mutant!("C2 virtual time runs") => {
                time.advance(Duration::from_nanos(1))
            }
            Source::Virtual(time) => time.now_ns(),
        }
    }

    /// Whether it is advanced by hand.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Source::Virtual(_))
    }
}

/// The hand of virtual clocks: starts at 0. Clones move the same time. All operations are lock-free.
#[derive(Debug, Clone)]
pub struct VirtualTime(Arc<AtomicU64>);

impl VirtualTime {
    /// Time that stands at 0.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    /// A clock that shows this time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Source::Virtual(self.clone()))
    }

    /// Nanoseconds.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        // Acquire: sees what was written before the time was moved with Release in `advance` or `advance_to`.
        self.0.load(Ordering::Acquire)
    }

    /// Moves on by `step`, and returns the time it is then. Stops at `u64::MAX` nanoseconds.
    pub fn advance(&self, step: Duration) -> u64 {
        let step = nanoseconds(step);
        // Relaxed: the compare-exchange reads again.
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let next = if crate::mutant!("C1 virtual time wraps") {
                now.wrapping_add(step)
            } else {
                now.saturating_add(step)
            };
            // Release: publishes what came before the move to the Acquire load in `now_ns`. Relaxed: a failure is tried again.
            match self.0.compare_exchange_weak(now, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(moved) => now = moved,
            }
        }
    }

    /// Moves on to `at_ns`; does nothing where the time is later already (C1). Returns the time it is then.
    pub fn advance_to(&self, at_ns: u64) -> u64 {
        if crate::mutant!("C1 virtual time goes back") {
            // Release: as below.
            self.0.store(at_ns, Ordering::Release);
            return at_ns;
        }
        // Release: publishes what came before the move to the Acquire load in `now_ns`.
        self.0.fetch_max(at_ns, Ordering::Release).max(at_ns)
    }
}

impl Default for VirtualTime {
    fn default() -> Self {
        Self::new()
    }
}

/// The one place that reads the system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "everything else takes a `Clock`, which can be replaced"
)]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn real_time_moves_on_and_is_shared() {
        let clock = Clock::real();
        let other = clock.clone();
        let first = clock.now_ns();
        std::thread::sleep(Duration::from_millis(2));
        let second = other.now_ns();
        assert!(second >= first + 2_000_000, "{first} then {second}");
        assert!(!clock.is_virtual());
    }

    #[test]
    fn virtual_time_moves_only_by_hand() {
        let time = VirtualTime::default();
        let clock = time.clock();
        assert!(clock.is_virtual());
        assert_eq!(clock.now_ns(), 0);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(clock.now_ns(), 0, "C2");
        assert_eq!(time.advance(Duration::from_nanos(5)), 5);
        assert_eq!(clock.clone().now_ns(), 5);
        assert_eq!(time.clone().advance_to(9), 9);
        assert_eq!(clock.now_ns(), 9);
    }

    #[test]
    fn virtual_time_never_goes_back() {
        let time = VirtualTime::new();
        time.advance(Duration::from_nanos(100));
        assert_eq!(time.advance_to(40), 100);
        assert_eq!(time.now_ns(), 100);
        assert_eq!(time.advance(Duration::from_secs(u64::MAX)), u64::MAX, "stops at its end");
        assert_eq!(time.advance(Duration::from_nanos(1)), u64::MAX);
    }

    #[test]
    fn hands_that_move_at_once_lose_no_step() {
        let time = VirtualTime::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut last = 0;
                    for _ in 0..10_000 {
                        let now = time.advance(Duration::from_nanos(1));
                        assert!(now > last, "C1");
                        last = now;
                    }
                });
            }
        });
        assert_eq!(time.now_ns(), 40_000);
    }
}

//! Two stages: a rate, then capacity.

use core::fmt;
use core::time::Duration;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::reserve::{Capacity, Refused, Reservation};
use crate::resources::Resources;

/// How often, in one word: the generic cell rate algorithm (ITU-T I.371). The word holds the time at which all tokens will be back; a request moves it on by an interval
/// for each token and is let through if it then lies no more than a burst ahead of now. Lock-free.
#[derive(Debug)]
pub struct Rate {
    interval_ns: u64,
    burst: u64,
    /// Nanoseconds: when all tokens will be back.
    full_at: CachePadded<AtomicU64>,
}

impl Rate {
    /// One token per `interval`, and up to `burst` at once.
    ///
    /// # Panics
    ///
    /// If either is zero, or a burst takes longer to come back than 292 years.
    #[must_use]
    pub fn new(interval: Duration, burst: u64) -> Self {
        let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        assert!(interval_ns > 0, "an interval takes time");
        assert!(burst > 0, "without tokens nothing is let through");
        let full = interval_ns.checked_mul(burst);
        assert!(full.is_some_and(|full| full <= u64::MAX / 2), "tokens come back in 292 years");
        Self { interval_ns, burst, full_at: CachePadded::new(AtomicU64::new(0)) }
    }

    /// Takes tokens; the end of the span that they hold.
    ///
    /// # Errors
    ///
    /// How long to wait; `None` if there are never as many.
    pub(super) fn take(&self, tokens: u64, now_ns: u64) -> Result<u64, Option<Duration>> {
        if tokens > self.burst {
            return Err(None);
        }
        let (cost, most) = (tokens * self.interval_ns, self.burst * self.interval_ns);
        // Relaxed: the word stands for itself.
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            let next = full_at.max(now_ns).checked_add(cost).ok_or(None)?;
            let ahead = next - now_ns;
            if ahead > most {
                return Err(Some(Duration::from_nanos(ahead - most)));
            }
            if mutant!("A1 a load and a store") {
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

    /// Gives tokens back as far as the span that they hold lies ahead: the rest has come back by itself (A2).
    pub(super) fn give_back(&self, tokens: u64, span_end: u64, now_ns: u64) {
        let held = (tokens * self.interval_ns).min(span_end.saturating_sub(now_ns));
        // Relaxed: the word stands for itself. It is at least `span_end`, which is at least `held`.
        self.full_at.fetch_sub(held, Ordering::Relaxed);
    }
}

/// Why somebody was turned away. Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Too often: how long to wait, or `None` if it asks for more tokens than there ever are.
    TooOften(Option<Duration>),
    /// Too much.
    TooMuch(Refused),
}

impl fmt::Display for Turned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOften(Some(after)) => write!(f, "too often: try again in {after:?}"),
            Self::TooOften(None) => f.write_str("more tokens than there ever are"),
            Self::TooMuch(refused) => refused.fmt(f),
        }
    }
}

impl core::error::Error for Turned {}

/// A rate before a capacity. Times are nanoseconds of one clock that does not go back.
///
/// There is no coin to be tossed for those who are refused: what does not fit is not let in, however often it asks.
///
/// ```
/// use std::time::Duration;
/// use turgo_sched::admission::{Gate, Rate, Turned};
/// use turgo_sched::reserve::Capacity;
/// use turgo_sched::resources::{Lane, Resources};
/// let cpus = |count| Resources::NONE.with(Lane::Cpu, count);
/// let gate = Gate::new(Rate::new(Duration::from_millis(1), 2), Capacity::new(cpus(4.0)));
/// let one = gate.admit(1, cpus(3.0), 0)?;
/// assert!(matches!(gate.admit(1, cpus(3.0), 0), Err(Turned::TooMuch(_))));
/// let two = gate.admit(1, cpus(1.0), 0)?;
/// drop(one);
/// assert!(matches!(gate.admit(1, cpus(1.0), 0), Err(Turned::TooOften(Some(_)))));
/// # drop(two);
/// # Ok::<(), Turned>(())
/// ```
#[derive(Debug)]
pub struct Gate {
    rate: Rate,
    capacity: Capacity,
}

impl Gate {
    /// A gate with all tokens and all capacity free.
    #[must_use]
    pub fn new(rate: Rate, capacity: Capacity) -> Self {
        Self { rate, capacity }
    }

    /// The capacity behind the rate.
    #[must_use]
    pub fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    /// Lets a request in: tokens of the rate, then all of its demand until the guard is dropped. Lock-free.
    ///
    /// # Errors
    ///
    /// If one of the stages refuses; then neither has lost anything (A2).
    pub fn admit(
        &self,
        tokens: u64,
        need: Resources,
        now_ns: u64,
    ) -> Result<Reservation<&Capacity>, Turned> {
        let span_end = self.rate.take(tokens, now_ns).map_err(Turned::TooOften)?;
        self.capacity.reserve(need).map_err(|refused| {
            if !mutant!("A2 a refusal costs its tokens") {
                self.rate.give_back(tokens, span_end, now_ns);
            }
            Turned::TooMuch(refused)
        })
    }
}

//! How to wait for readers: first awake, then asleep for a quarter of the time slept so far, a millisecond at most.
//!
//! Sleeping by the clock, and not until a reader wakes the leader, keeps the reader's unlock at one store: a flag to look at would need a
//! full fence between the two where there is no asymmetric one. It makes a wait a quarter longer at most.

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
use core::time::Duration;

/// Rounds without giving up the processor.
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
const SPINS: u32 = 100;

/// Rounds that give the processor to whoever wants it.
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
const YIELDS: u32 = 20;

/// The longest sleep.
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
const SLEEP_MAX: Duration = Duration::from_millis(1);

/// A thread that waits.
#[derive(Default)]
pub(super) struct Wait {
    #[cfg(all(feature = "std", not(any(loom, shuttle))))]
    rounds: u32,
    #[cfg(all(feature = "std", not(any(loom, shuttle))))]
    slept: Duration,
}

impl Wait {
    /// Lets time pass.
    #[cfg(all(feature = "std", not(any(loom, shuttle))))]
    pub(super) fn pause(&mut self) {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds <= SPINS {
            core::hint::spin_loop();
        } else if self.rounds <= SPINS + YIELDS {
            turgo_machine::thread::yield_now();
        } else {
            let sleep = (self.slept / 4).clamp(Duration::from_micros(10), SLEEP_MAX);
            self.slept += sleep;
            std::thread::sleep(sleep);
        }
    }

    /// Lets another thread of the model go on.
    #[cfg(any(loom, shuttle))]
    pub(super) fn pause(&mut self) {
        turgo_machine::thread::yield_now();
    }

    /// Lets time pass.
    #[cfg(not(any(feature = "std", loom, shuttle)))]
    pub(super) fn pause(&mut self) {
        core::hint::spin_loop();
    }
}

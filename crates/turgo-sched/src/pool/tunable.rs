//! The knobs of a pool that runs: each is read and written on its own.

use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::policy::Knobs;

#[derive(Debug)]
pub(super) struct Tunable {
    spin_ns: AtomicU64,
    remote_threshold: AtomicU32,
    local_attempts: AtomicU32,
    heartbeat_ns: AtomicU64,
    quantum_ns: AtomicU64,
    grain: AtomicU32,
}

impl Tunable {
    pub(super) fn new(knobs: Knobs) -> Self {
        Self {
            spin_ns: AtomicU64::new(knobs.spin_ns),
            remote_threshold: AtomicU32::new(knobs.remote_threshold),
            local_attempts: AtomicU32::new(knobs.local_attempts),
            heartbeat_ns: AtomicU64::new(knobs.heartbeat_ns),
            quantum_ns: AtomicU64::new(knobs.quantum_ns),
            grain: AtomicU32::new(knobs.grain),
        }
    }

    /// The knobs as they are now. One that is changed meanwhile may be the old or the new.
    pub(super) fn get(&self) -> Knobs {
        // Relaxed: numbers that order nothing; here and below.
        let (long, short) = (
            |knob: &AtomicU64| knob.load(Ordering::Relaxed),
            // Relaxed: as above.
            |knob: &AtomicU32| knob.load(Ordering::Relaxed),
        );
        Knobs {
            spin_ns: long(&self.spin_ns),
            remote_threshold: short(&self.remote_threshold),
            local_attempts: short(&self.local_attempts),
            heartbeat_ns: long(&self.heartbeat_ns),
            quantum_ns: long(&self.quantum_ns),
            grain: short(&self.grain),
        }
    }

    pub(super) fn set(&self, knobs: Knobs) {
        // Relaxed: as in `get`; here and below.
        let long = |knob: &AtomicU64, value| knob.store(value, Ordering::Relaxed);
        // Relaxed: as above.
        let short = |knob: &AtomicU32, value| knob.store(value, Ordering::Relaxed);
        long(&self.spin_ns, knobs.spin_ns);
        short(&self.remote_threshold, knobs.remote_threshold);
        short(&self.local_attempts, knobs.local_attempts);
        long(&self.heartbeat_ns, knobs.heartbeat_ns);
        long(&self.quantum_ns, knobs.quantum_ns);
        short(&self.grain, knobs.grain);
    }

    /// The time between promotions, in nanoseconds.
    pub(super) fn heartbeat_ns(&self) -> u64 {
        // Relaxed: as in `get`.
        self.heartbeat_ns.load(Ordering::Relaxed)
    }

    /// How long a step may take, in nanoseconds.
    pub(super) fn quantum_ns(&self) -> u64 {
        // Relaxed: as in `get`.
        self.quantum_ns.load(Ordering::Relaxed)
    }

    /// How long a worker searches, in nanoseconds.
    pub(super) fn spin_ns(&self) -> u64 {
        // Relaxed: as in `get`.
        self.spin_ns.load(Ordering::Relaxed)
    }
}

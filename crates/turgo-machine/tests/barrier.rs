//! The asymmetric fence on real processors: many rounds of two threads that store and then load (A3, A4).
//!
//! The wrong versions fail here only now and then, because two threads seldom meet within the few nanoseconds that a store
//! buffer holds a store; they fail under loom always (`loom_barrier.rs`).
#![cfg(not(any(loom, shuttle)))]

use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::barrier::{self, Mode};
use turgo_machine::clock::Clock;
use turgo_machine::{CachePadded, thread};

/// A round takes some microseconds, most of them in the heavy fence; far more where other programs have the processors.
const ROUNDS_MAX: u32 = 30_000;
const TIME_MAX: Duration = Duration::from_secs(1);

/// What the two sides store; `seen` is what each loaded of the other.
#[derive(Debug, Default)]
struct Round {
    flags: [CachePadded<AtomicU32>; 2],
    seen: [CachePadded<AtomicU32>; 2],
    arrived: [CachePadded<AtomicU32>; 2],
    over: AtomicBool,
}

impl Round {
    /// Waits until both sides have come to step `step`.
    fn meet(&self, side: usize, step: u32) {
        // Release: publishes what this side did before to the Acquire load below, on the other side.
        self.arrived[side].store(step, Ordering::Release);
        let mut spins = 0u32;
        // Acquire: sees what the other side did before its Release store above.
        while self.arrived[1 - side].load(Ordering::Acquire) < step {
            spins += 1;
            if spins.is_multiple_of(1 << 8) { thread::yield_now() } else { thread::spin_loop() }
        }
    }

    /// Stores, fences and loads, in every round; both sides look at the outcome and clear it.
    fn run(&self, side: usize, fence: fn()) -> u32 {
        let mut both_missed = 0;
        let clock = Clock::real();
        for round in 0..ROUNDS_MAX {
            self.meet(side, 3 * round + 1);
            // The two leave `meet` some tens of nanoseconds apart, either one first: meet in the middle now and then.
            for _ in 0..round.wrapping_mul(2_654_435_761 + 40_503 * side as u32) >> 26 {
                std::hint::black_box(side);
            }
            // Relaxed: ordered by the fence below.
            self.flags[side].store(1, Ordering::Relaxed);
            fence();
            // Relaxed: ordered by the fence above.
            let seen = self.flags[1 - side].load(Ordering::Relaxed);
            // Relaxed: read after `meet`.
            self.seen[side].store(seen, Ordering::Relaxed);
            self.meet(side, 3 * round + 2);
            // Relaxed: written before `meet`.
            let all = self.seen.iter().map(|seen| seen.load(Ordering::Relaxed)).sum::<u32>();
            both_missed += u32::from(all == 0);
            // Relaxed: read after `meet`.
            self.over.fetch_or(clock.now_ns() > TIME_MAX.as_nanos() as u64, Ordering::Relaxed);
            self.meet(side, 3 * round + 3);
            // Relaxed: written before `meet` for this round, and never taken back.
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            // Relaxed: the other side stores to its own flag only.
            self.flags[side].store(0, Ordering::Relaxed);
        }
        both_missed
    }
}

#[test]
fn one_of_two_sees_the_other() {
    // Decided before the first light fence, so that the cheap one is tested.
    let mode = barrier::mode();
    let round: &'static Round = Box::leak(Box::default());
    let reader = thread::spawn(|| round.run(0, barrier::light));
    let both_missed = round.run(1, barrier::heavy);
    reader.join().expect("the reader does not panic");
    assert_eq!(both_missed, 0, "rounds in which both missed the other's store ({mode:?})");
}

#[test]
fn the_cost_of_a_heavy_fence_is_known() {
    for _ in 0..1_000 {
        barrier::heavy();
    }
    let cost = barrier::heavy_cost();
    assert!((1..1_000_000_000).contains(&cost), "{cost} ns");
    if barrier::mode() == Mode::Membarrier {
        assert!(cost >= 20, "a system call in {cost} ns");
    }
}

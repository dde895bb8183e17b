//! Whether a prefetch hint helps here: steps of dependent work, each on a random line of 128 MiB whose number is known ahead.
//!
//! `cargo run --release -p turgo-machine --example prefetch` prints nanoseconds of a step, the least of 31 rounds in turn, with the hint given 0 (no
//! hint), 1, 4 and 8 steps ahead.

use std::hint::black_box;

use turgo_machine::clock::Clock;
use turgo_machine::prefetch;

const WORDS: usize = 1 << 24;
const STEPS: usize = 1 << 17;
const AHEAD: [usize; 4] = [0, 1, 4, 8];
const ROUNDS: usize = 31;

/// Three dependent instructions, `times` over.
#[inline(always)]
fn work(mut value: u64, times: u32) -> u64 {
    for _ in 0..times {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    value
}

/// Goes through the places; returns nanoseconds of a step.
fn round(memory: &[u64], places: &[usize], times: u32, ahead: usize, clock: &Clock) -> f64 {
    let start = clock.now_ns();
    let mut value = 1;
    for (at, place) in places[..STEPS].iter().enumerate() {
        if ahead > 0 {
            prefetch::read(&raw const memory[places[at + ahead]]);
        }
        value = work(value ^ memory[*place], times);
    }
    black_box(value);
    (clock.now_ns() - start) as f64 / STEPS as f64
}

fn main() {
    let memory: Vec<u64> = (0..WORDS as u64).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15;
    let mut place = || {
        random = work(random, 1);
        random as usize % WORDS
    };
    let places: Vec<usize> = (0..STEPS + AHEAD[AHEAD.len() - 1]).map(|_| place()).collect();
    let clock = Clock::real();
    println!("work between loads  {}", AHEAD.map(|ahead| format!("ahead {ahead:>2}")).join("  "));
    for times in [0, 8, 32, 96] {
        let mut least = [f64::INFINITY; AHEAD.len()];
        for _ in 0..ROUNDS {
            for (least, ahead) in least.iter_mut().zip(AHEAD) {
                *least = least.min(round(&memory, &places, times, ahead, &clock));
            }
        }
        println!("{:>12} instr.  {}", 6 * times, least.map(|ns| format!("{ns:8.1}")).join("  "));
    }
}

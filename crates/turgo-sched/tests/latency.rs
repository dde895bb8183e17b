//! What pools measure of latency on real threads, and what their loop is told. In a process of its own, as others would take the processors away.
//!
//! That the loop climbs by what it is told is tested elsewhere, by a clock of the test's own: here others may have the processors at any time, and the slowest hundredth is theirs.

#![cfg(not(any(loom, shuttle)))]

use std::time::Duration;

use turgo_machine::clock::Clock;
use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::policy::Knobs;
use turgo_sched::tune::{Knob, Objective};

/// Spawns tasks one by one, some 200 µs apart, until so much time has passed or something is so.
fn trickle(pool: &Pool, seconds: u64, is_over: impl Fn() -> bool) {
    let clock = Clock::real();
    while clock.now_ns() < seconds * 1_000_000_000 && !is_over() {
        std::thread::sleep(Duration::from_micros(100));
        drop(pool.spawn(async {}));
    }
}

/// The median of what tasks wait that come one by one, where a worker looks for work for so long.
fn median_ns(spin_ns: u64) -> u64 {
    let machine = Topology::simulate("1x1").expect("a machine");
    let knobs = Knobs { spin_ns, ..Knobs::default() };
    let pool = Pool::builder(&machine).workers(1).knobs(knobs).latency(true).build();
    let pool = pool.expect("a thread");
    trickle(&pool, 1, || false);
    let latency = pool.statistics().latency.expect("some have begun");
    assert!(latency.p50_ns <= latency.p99_ns);
    latency.p50_ns
}

#[test]
fn who_looks_on_begins_sooner_than_who_is_woken() {
    // Others may have the processors for a while.
    let is_sooner = (0..20).any(|_| median_ns(2_000_000) < median_ns(20_000));
    assert!(is_sooner, "twenty times");
}

#[test]
fn the_loop_is_told_how_long_threads_wait() {
    let machine = Topology::simulate("1x1").expect("a machine");
    let builder = Pool::builder(&machine).workers(1).objective(Objective::Latency);
    let pool = builder.tune(Duration::from_millis(20)).build().expect("a thread");
    let report = || pool.tuning().expect("it tunes itself");
    let is_tried = || {
        let knobs = report().knobs;
        knobs.iter().any(|report| report.setting.knob == Knob::Spin && report.last.is_some())
    };
    trickle(&pool, 60, is_tried);
    assert!(is_tried(), "another value is tried after three windows of a hundred tasks");
    let told = report().signals.latency.value().expect("windows had latencies");
    assert!(told >= 1.0 && report().score.is_some_and(|score| score > 0.0), "{told}");
    pool.set_tuning(false);
    assert_eq!(pool.knobs(), Knobs::default(), "T5");
}

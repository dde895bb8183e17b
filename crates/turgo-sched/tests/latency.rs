//! What pools measure of latency on real threads, and what their loop is told. In a process of its own, as others would take the processors away.
//!
//! That the loop climbs by what it is told is tested elsewhere, by a clock of the test's own: here others may have the processors at any time, and the slowest hundredth is theirs.

#![cfg(not(any(loom, shuttle)))]

use std::time::Duration;

use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::policy::Knobs;
use turgo_sched::tune::{Knob, Objective};

/// Spawns tasks one by one, some 200 µs apart, until so many have been or something is so.
fn trickle(pool: &Pool, tasks: u64, is_over: impl Fn() -> bool) {
    for _ in 0..tasks {
        if is_over() {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
        drop(pool.spawn(async {}));
    }
}

/// What fifty tasks that come one by one see of a worker that looks for work for so long: the median of their waits in nanoseconds, and how often it slept. Nothing if none
/// has begun by then.
fn seen(spin_ns: u64) -> Option<(u64, u64)> {
    let machine = Topology::simulate("1x1").expect("a machine");
    let knobs = Knobs { spin_ns, ..Knobs::default() };
    let pool = Pool::builder(&machine).workers(1).knobs(knobs).latency(true).build();
    let pool = pool.expect("a thread");
    trickle(&pool, 50, || false);
    let statistics = pool.statistics();
    let latency = statistics.latency?;
    assert!(latency.p50_ns <= latency.p99_ns);
    Some((latency.p50_ns, statistics.total().parks))
}

#[test]
fn who_looks_on_begins_sooner_than_who_is_woken() {
    let is_sooner = || {
        let (Some(looks), Some(woken)) = (seen(2_000_000), seen(20_000)) else { return false };
        looks.0 < woken.0 && 4 * looks.1 < woken.1
    };
    // Short tries and many of them: others may have the processors for a while, and one that looks on pays for that.
    assert!((0..1_000).any(|_| is_sooner()), "a thousand times");
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
    trickle(&pool, 300_000, is_tried);
    assert!(is_tried(), "another value is tried after three windows of a hundred tasks");
    let told = report().signals.latency.value().expect("windows had latencies");
    assert!(told >= 1.0 && report().score.is_some_and(|score| score > 0.0), "{told}");
    pool.set_tuning(false);
    assert_eq!(pool.knobs(), Knobs::default(), "T5");
}

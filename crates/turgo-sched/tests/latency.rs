//! Pools that turn their knobs by what they measure on real threads. In a process of its own, as others would take the processors away.

#![cfg(not(any(loom, shuttle)))]

use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::policy::Knobs;
use turgo_sched::tune::{Knob, Objective, Phase};

/// Spawns tasks one by one, some 100 µs apart, until somebody says that it is enough.
fn trickle(pool: &Pool, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(100));
        drop(pool.spawn(async {}));
    }
}

/// Whether within so many seconds a longer spin was tried, found better, and kept.
fn learns(pool: &Pool, seconds: u32) -> bool {
    (0..seconds * 100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let report = pool.tuning().expect("it tunes itself");
        let mut knobs = report.knobs.iter();
        let spin = knobs.find(|report| report.setting.knob == Knob::Spin).expect("it turns it");
        let last_ns = report.knobs.iter().filter_map(|knob| Some(knob.last?.at_ns)).max();
        let is_on_trial = spin.last.map(|last| last.at_ns) == last_ns;
        spin.setting.value > spin.start && (report.phase != Phase::Trial || !is_on_trial)
    })
}

#[test]
fn threads_learn_to_wait_for_what_comes_one_by_one() {
    let machine = Topology::simulate("1x1").expect("a machine");
    // Others may have the processors for a while: then nothing is to be learnt.
    let has_learnt = (0..5).any(|_| {
        let builder = Pool::builder(&machine).workers(1).objective(Objective::Latency);
        let pool = builder.tune(Duration::from_millis(100)).build().expect("a thread");
        let is_over = AtomicBool::new(false);
        let has_learnt = std::thread::scope(|threads| {
            threads.spawn(|| trickle(&pool, &is_over));
            let has_learnt = learns(&pool, 20);
            pool.set_tuning(false);
            assert_eq!(pool.knobs(), Knobs::default(), "T5");
            is_over.store(true, Ordering::Relaxed);
            has_learnt
        });
        assert!(pool.statistics().latency.is_some_and(|latency| latency.tasks > 100));
        has_learnt
    });
    assert!(has_learnt, "five times twenty seconds");
}

//! Whole pools under a scheduler that picks its interleavings at random.

use std::sync::Arc;

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::clock::VirtualTime;
use turgo_machine::topology::Topology;

use crate::policy::Knobs;
use crate::pool::Pool;

/// Nobody spins, and every fork is promoted where somebody is hungry: time stands still.
pub(super) fn pool(workers: usize) -> Pool {
    let machine = Topology::simulate("1x4").expect("a machine");
    let knobs = Knobs { spin_ns: 0, heartbeat_ns: 0, ..Knobs::default() };
    let builder = Pool::builder(&machine).workers(workers).knobs(knobs);
    builder.clock(VirtualTime::new().clock()).build().expect("threads")
}

pub(super) fn check(iterations: usize, f: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(f, iterations);
}

#[test]
fn scopes_end() {
    check(100, || {
        let pool = pool(3);
        let count = Arc::new(AtomicU32::new(0));
        pool.scope(|scope| {
            for _ in 0..3 {
                let count = Arc::clone(&count);
                scope.spawn(move |scope| {
                    let inner = Arc::clone(&count);
                    scope.spawn(move |_| {
                        inner.fetch_add(1, Ordering::Relaxed);
                    });
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 6);
    });
}

fn sum(worker: &crate::Worker, from: u32, to: u32) -> u32 {
    if to - from == 1 {
        return from;
    }
    let middle = from.midpoint(to);
    let (left, right) =
        worker.join(|worker| sum(worker, from, middle), |worker| sum(worker, middle, to));
    left + right
}

#[test]
fn joins_end() {
    check(100, || {
        let pool = pool(2);
        assert_eq!(pool.install(|worker| sum(worker, 0, 8)), 28);
    });
}

#[test]
fn loops_end() {
    check(100, || {
        let pool = pool(3);
        let count = AtomicU32::new(0);
        pool.parallel_for(0..6, |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 6);
    });
}

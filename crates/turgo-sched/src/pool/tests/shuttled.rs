//! Whole pools under a scheduler that picks its interleavings at random.

use std::sync::Arc;
use std::task::Context;

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::clock::VirtualTime;
use turgo_machine::topology::Topology;

use crate::fair::Interleaving;
use crate::policy::Knobs;
use crate::pool::Pool;
use crate::task::{Budget, Rearmed, Step, TaskOptions};

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

/// Yields some times, and then says so.
struct Yielding(u32, Arc<AtomicU32>);

impl Rearmed for Yielding {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0 -= 1;
        if self.0 == 0 { Step::Done } else { Step::Again }
    }
}

/// Tasks of tenants from outside and from within, each run once, and none left where somebody sleeps.
#[test]
fn tenants_tasks_end() {
    check(100, || {
        let machine = Topology::simulate("1x4").expect("a machine");
        let knobs = Knobs { spin_ns: 0, heartbeat_ns: 0, ..Knobs::default() };
        let builder = Pool::builder(&machine).workers(2).knobs(knobs);
        let builder = builder.clock(VirtualTime::new().clock());
        let pool = builder.tenants(&[1, 2], Interleaving::Tijdeman).build().expect("threads");
        let count = Arc::new(AtomicU32::new(0));
        let of = |tenant| TaskOptions { tenant, ..TaskOptions::default() };
        let begin = |tenant| pool.spawn_rearmed(Yielding(2, Arc::clone(&count)), of(tenant));
        let handles = [begin(0), begin(1), pool.install(|_| begin(1))];
        for handle in handles {
            handle.wait().expect("it ends");
        }
        assert_eq!(count.load(Ordering::Relaxed), 6);
    });
}

//! Whole pools under a scheduler that picks its interleavings at random.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::clock::VirtualTime;
use turgo_machine::thread;
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

/// Ready when it was polled once more, as whoever has its waker sees to.
struct Woken(Option<std::sync::mpsc::Sender<Waker>>);

impl Future for Woken {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.take() {
            Some(sender) => {
                sender.send(cx.waker().clone()).expect("somebody wakes it");
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

#[test]
fn tasks_that_wait_are_woken_from_outside() {
    check(200, || {
        let pool = pool(2);
        let (give, wakers) = std::sync::mpsc::channel();
        let tasks = [0, 1].map(|number| {
            let woken = Woken(Some(give.clone()));
            pool.spawn(async move {
                woken.await;
                number
            })
        });
        for _ in &tasks {
            let waker = loop {
                match wakers.try_recv() {
                    Ok(waker) => break waker,
                    Err(_) => thread::yield_now(),
                }
            };
            waker.wake();
        }
        assert_eq!(tasks.map(|task| task.wait().expect("it ends")), [0, 1]);
    });
}

/// Two of each on the stack of the other's only worker, and no more is to be begun there than calls.
#[test]
fn pools_that_call_each_other_end() {
    check(200, || {
        let pools = [(); 2].map(|()| {
            let machine = Topology::simulate("1x1").expect("a machine");
            let knobs = Knobs { spin_ns: 0, ..Knobs::default() };
            let builder = Pool::builder(&machine).workers(1).knobs(knobs).help(1);
            Arc::new(builder.clock(VirtualTime::new().clock()).build().expect("a thread"))
        });
        let tasks = [0, 1, 0, 1].map(|at: usize| {
            let (one, other) = (Arc::clone(&pools[at]), Arc::clone(&pools[1 - at]));
            pools[at].spawn(async move { other.install(|_| one.install(|_| at)) })
        });
        assert_eq!(tasks.map(|task| task.wait().expect("it ends")), [0, 1, 0, 1]);
    });
}

#[test]
fn a_pool_is_dropped_by_whoever_is_last() {
    check(200, || {
        let pool = Arc::new(pool(2));
        let waits = pool.spawn(std::future::pending::<()>());
        let its = Arc::clone(&pool);
        let drops = pool.spawn(async move { drop(its) });
        // By its task, or by this thread; then the task may have been cancelled.
        drop(pool);
        assert!(waits.wait().expect_err("nobody can wake it").is_cancelled());
        drop(drops.wait());
    });
}

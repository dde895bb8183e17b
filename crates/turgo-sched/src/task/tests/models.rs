//! The state word and the joiner in all interleavings.

use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Arc;
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::thread::{self, Thread};

use crate::task::joiner::Joiner;
use crate::task::state::{Begin, State, Then};

struct Task {
    state: State,
    /// What it works on (T1).
    work: UnsafeCell<u32>,
    /// Its number's times in the queue.
    queued: AtomicU32,
    /// Who runs it.
    runner: Thread,
    /// What it waits for.
    signal: AtomicU32,
}

// SAFETY: T1 is what the model shows.
unsafe impl Sync for Task {}

impl Task {
    fn then(&self, then: Then) {
        if then == Then::Queue {
            assert_eq!(self.queued.swap(1, Ordering::Release), 0, "T3");
            self.runner.unpark();
        }
    }

    /// Takes the number and runs a step, as often as there is one, until the task has seen the signal.
    fn run(&self) {
        loop {
            while self.queued.swap(0, Ordering::Acquire) == 0 {
                thread::park();
            }
            assert_eq!(self.state.transition_to_running(), Begin::Run);
            // SAFETY: T1: loom reports it if there are two.
            self.work.with_mut(|work| unsafe { *work += 1 });
            if self.signal.load(Ordering::Acquire) == 2 {
                return;
            }
            self.then(self.state.transition_to_blocked());
        }
    }
}

#[test]
fn no_wake_is_lost_and_no_step_runs_twice() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let task = Arc::new(Task {
            state: State::new(),
            work: UnsafeCell::new(0),
            queued: AtomicU32::new(0),
            runner: thread::current(),
            signal: AtomicU32::new(0),
        });
        task.then(task.state.transition_to_ready());
        let wakers = [(); 2].map(|()| {
            let task = Arc::clone(&task);
            thread::spawn(move || {
                task.signal.fetch_add(1, Ordering::AcqRel);
                task.then(task.state.transition_to_woken());
            })
        });
        task.run();
        wakers.into_iter().for_each(|waker| waker.join().expect("a waker"));
    });
}

/// Counts wakes.
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn who_joins_is_woken() {
    loom::model(|| {
        let joiner = Arc::new(Joiner::new());
        let is_over = Arc::new(AtomicU32::new(0));
        let (others, over) = (Arc::clone(&joiner), Arc::clone(&is_over));
        let ender = thread::spawn(move || {
            over.store(1, Ordering::Release);
            others.wake();
        });
        let woken = std::sync::Arc::new(Woken(AtomicU32::new(0)));
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let poll = || {
            if is_over.load(Ordering::Acquire) == 0 {
                joiner.register(cx.waker());
                if is_over.load(Ordering::Acquire) == 0 {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        };
        let first = poll();
        ender.join().expect("an end");
        assert!(first.is_ready() || woken.0.load(Ordering::Acquire) > 0, "D1");
    });
}

//! On real threads.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use turgo_machine::topology::Topology;

use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Knobs, Order, Place, Policy, Priority, Source, Standard, TaskView, View};
use crate::pool::Pool;
use crate::task::{Budget, Rearmed, Step, TaskOptions, TaskState};

fn pool(workers: usize) -> Pool {
    let machine = Topology::simulate("2x4").expect("a machine");
    Pool::builder(&machine).workers(workers).build().expect("threads")
}

/// A step from a closure.
struct Steps<F>(F);

impl<F: FnMut(&mut Context<'_>, Budget<'_>) -> Step + Send + 'static> Rearmed for Steps<F> {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step {
        (self.0)(cx, budget)
    }
}

/// Pending once, and woken at once.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn futures_answer() {
    for workers in [1, 2, 4] {
        let pool = pool(workers);
        let sum = |upto: u64| async move {
            let mut sum = 0;
            for number in 0..upto {
                Yield(false).await;
                sum += number;
            }
            sum
        };
        let handles: Vec<_> = (0..200).map(|upto| pool.spawn(sum(upto))).collect();
        for (upto, handle) in (0u64..).zip(handles) {
            let answer = handle.wait().expect("an answer");
            assert_eq!(answer, upto * upto.saturating_sub(1) / 2);
        }
    }
}

#[test]
fn futures_of_any_size_answer() {
    async fn last<const N: usize>() -> u8 {
        let mut numbers = [0; N];
        for (number, place) in (0..=u8::MAX).cycle().zip(&mut numbers) {
            *place = number;
        }
        Yield(false).await;
        numbers[N - 1]
    }
    let pool = pool(2);
    assert_eq!(pool.spawn(last::<1>()).wait().expect("an answer"), 0);
    assert_eq!(pool.spawn(last::<4_000>()).wait().expect("an answer"), 159);
    assert_eq!(pool.spawn(last::<100_000>()).wait().expect("an answer"), 159);
}

#[test]
fn a_handle_is_a_future() {
    let pool = Arc::new(pool(2));
    let inner = pool.spawn(async { 20 });
    let outer = pool.spawn(async move { inner.await.expect("an answer") + 1 });
    assert_eq!(outer.wait().expect("an answer"), 21);
}

#[test]
fn a_panic_is_the_handles() {
    let pool = pool(1);
    let error = pool.spawn(async { panic!("at the disco") }).wait().expect_err("a panic");
    assert!(error.is_panic() && error.to_string().contains("at the disco"));
    let payload = error.try_into_panic().expect("a payload");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"at the disco"));
    pool.spawn(async {}).wait().expect("the pool goes on");
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_aborted_task_is_dropped() {
    let (pool, drops) = (pool(2), Arc::new(AtomicU32::new(0)));
    let held = Dropped(Arc::clone(&drops));
    let handle = pool.spawn(async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    while handle.state() != TaskState::Blocked {
        std::thread::yield_now();
    }
    handle.abort();
    assert!(handle.wait().expect_err("no answer").is_cancelled());
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

/// Waits until it is told how to end, and counts the moves that it sees from its first poll to its drop.
struct Still {
    first: Option<usize>,
    polls: u32,
    ends: Ends,
    moves: Arc<AtomicU32>,
    drops: Arc<AtomicU32>,
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy)]
enum Ends {
    Well,
    Panics,
    Never,
}

impl Still {
    fn note_place(&self) {
        let moved = self.first.is_some_and(|first| first != ptr::from_ref(self).addr());
        self.moves.fetch_add(u32::from(moved), Ordering::Relaxed);
    }
}

impl Future for Still {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.note_place();
        let here = ptr::from_ref(&*self).addr();
        // SAFETY: nothing is moved.
        let this = unsafe { self.get_unchecked_mut() };
        this.first.get_or_insert(here);
        this.polls += 1;
        match this.ends {
            Ends::Well if this.polls > 2 => Poll::Ready(()),
            Ends::Panics if this.polls > 2 => panic!("as it was told"),
            Ends::Never if this.polls > 2 => Poll::Pending,
            _ => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        self.note_place();
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_future_is_dropped_where_it_was_polled() {
    let (moves, drops) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let still = |ends| Still {
        first: None,
        polls: 0,
        ends,
        moves: Arc::clone(&moves),
        drops: Arc::clone(&drops),
        _pinned: PhantomPinned,
    };
    let pool = pool(2);
    pool.spawn(still(Ends::Well)).wait().expect("it ends well");
    assert!(pool.spawn(still(Ends::Panics)).wait().expect_err("it panics").is_panic());
    let [aborted, left] = [Ends::Never, Ends::Never].map(|ends| pool.spawn(still(ends)));
    while aborted.state() != TaskState::Blocked || left.state() != TaskState::Blocked {
        std::thread::yield_now();
    }
    aborted.abort();
    assert!(aborted.wait().expect_err("no answer").is_cancelled());
    drop(pool);
    assert!(left.wait().expect_err("no answer").is_cancelled());
    assert_eq!(drops.load(Ordering::Relaxed), 4, "each once");
    assert_eq!(moves.load(Ordering::Relaxed), 0, "T6");
}

#[test]
fn tasks_end_with_their_pool_and_wakers_outlive_it() {
    let (pool, drops) = (pool(2), Arc::new(AtomicU32::new(0)));
    let (send, wakers) = channel::<Waker>();
    let handles: Vec<_> = (0..10)
        .map(|_| {
            let (held, send) = (Dropped(Arc::clone(&drops)), send.clone());
            pool.spawn(async move {
                let _held = held;
                poll_fn(|cx| {
                    send.send(cx.waker().clone()).expect("somebody listens");
                    Poll::<()>::Pending
                })
                .await;
            })
        })
        .collect();
    let busy = pool.spawn_rearmed(
        Steps(|_: &mut Context<'_>, _: Budget<'_>| Step::Again),
        TaskOptions::default(),
    );
    let wakers: Vec<Waker> = wakers.iter().take(10).collect();
    drop(pool);
    assert_eq!(drops.load(Ordering::Relaxed), 10, "T4");
    wakers.iter().for_each(Waker::wake_by_ref);
    assert!(handles.into_iter().all(|handle| handle.wait().expect_err("no answer").is_cancelled()));
    assert!(busy.wait().expect_err("no answer").is_cancelled());
}

#[test]
fn one_step_at_a_time_and_no_wake_is_lost() {
    let pool = pool(4);
    let queue = Arc::new(Mutex::new(VecDeque::new()));
    let waker = Arc::new(Mutex::new(None::<Waker>));
    let (items, place) = (Arc::clone(&queue), Arc::clone(&waker));
    let (is_running, mut seen) = (AtomicBool::new(false), 0u32);
    let total = 20_000;
    let steps = move |cx: &mut Context<'_>, _: Budget<'_>| {
        assert!(!is_running.swap(true, Ordering::Acquire), "T1");
        *place.lock().unwrap() = Some(cx.waker().clone());
        seen += u32::from(items.lock().unwrap().pop_front().is_some());
        let rest = items.lock().unwrap().len();
        is_running.store(false, Ordering::Release);
        if seen == total {
            Step::Done
        } else if rest > 0 {
            Step::Again
        } else {
            Step::Park
        }
    };
    let handle = pool.spawn_rearmed(Steps(steps), TaskOptions::default());
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for item in 0..total / 2 {
                    queue.lock().unwrap().push_back(item);
                    if let Some(waker) = waker.lock().unwrap().as_ref() {
                        waker.wake_by_ref();
                    }
                }
            });
        }
    });
    handle.wait().expect("T2");
}

#[test]
fn those_that_yield_take_turns() {
    let pool = pool(1);
    let turns = Arc::new(Mutex::new(Vec::new()));
    // Held back until all are there.
    let (open, gate) = channel::<()>();
    let hold = pool.spawn(async move { gate.recv().expect("opened") });
    let handles: Vec<_> = (0..4)
        .map(|number| {
            let (turns, mut left) = (Arc::clone(&turns), 200);
            let steps = move |_: &mut Context<'_>, _: Budget<'_>| {
                turns.lock().unwrap().push(number);
                left -= 1;
                if left == 0 { Step::Done } else { Step::Again }
            };
            pool.spawn_rearmed(Steps(steps), TaskOptions::default())
        })
        .collect();
    open.send(()).expect("held");
    hold.wait().expect("held");
    handles.into_iter().for_each(|handle| handle.wait().expect("an end"));
    let turns = turns.lock().unwrap();
    // From outside they come in by and by.
    let first = |number| turns.iter().position(|turn| *turn == number).expect("it ran");
    let begin = (0..4).map(first).max().expect("four");
    assert!(begin <= 130, "K3: it came in after {begin} turns");
    // And they end one by one.
    for window in turns[begin..begin + 200].windows(12) {
        let most = (0..4).map(|number| window.iter().filter(|turn| **turn == number).count()).max();
        assert!(most <= Some(4), "{window:?}");
    }
}

#[test]
fn no_class_starves() {
    let pool = pool(1);
    let steps = Arc::new(AtomicUsize::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let (steps, is_over) = (Arc::clone(&steps), Arc::clone(&is_over));
            let work = move |_: &mut Context<'_>, _: Budget<'_>| {
                steps.fetch_add(1, Ordering::Relaxed);
                if is_over.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
            };
            let options = TaskOptions { priority: Priority::High, ..TaskOptions::default() };
            pool.spawn_rearmed(Steps(work), options)
        })
        .collect();
    while steps.load(Ordering::Relaxed) < 1_000 {
        std::thread::yield_now();
    }
    for priority in [Priority::Normal, Priority::Background] {
        let ran = Arc::new(AtomicUsize::new(0));
        let (note, counter) = (Arc::clone(&ran), Arc::clone(&steps));
        let before = Arc::new(AtomicUsize::new(0));
        let first = Arc::clone(&before);
        let work = move |_: &mut Context<'_>, _: Budget<'_>| {
            if first.load(Ordering::Relaxed) == 0 {
                // Queued behind nobody from here on.
                first.store(counter.load(Ordering::Relaxed), Ordering::Relaxed);
                return Step::Again;
            }
            note.store(counter.load(Ordering::Relaxed), Ordering::Relaxed);
            Step::Done
        };
        let handle =
            pool.spawn_rearmed(Steps(work), TaskOptions { priority, ..TaskOptions::default() });
        let deadline = std::time::Duration::from_secs(20);
        let start = turgo_machine::clock::Clock::real();
        while !handle.is_finished() {
            assert!(u128::from(start.now_ns()) < deadline.as_nanos(), "K3: {priority:?} starves");
            std::thread::sleep(Duration::from_micros(100));
        }
        let waited = ran.load(Ordering::Relaxed) - before.load(Ordering::Relaxed);
        assert!(waited <= 64, "K3: {priority:?} waited {waited} turns");
    }
    is_over.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|handle| handle.wait().expect("an end"));
}

#[test]
fn a_step_knows_when_its_time_is_over() {
    let machine = Topology::simulate("1x2").expect("a machine");
    let knobs = Knobs { quantum_ns: 300_000, ..Knobs::default() };
    let pool = Pool::builder(&machine).knobs(knobs).build().expect("threads");
    let work = |_: &mut Context<'_>, budget: Budget<'_>| {
        assert!(!budget.is_spent() || budget.until_ns() > 0);
        while !budget.is_spent() {
            std::hint::spin_loop();
        }
        Step::Done
    };
    pool.spawn_rearmed(Steps(work), TaskOptions::default()).wait().expect("an end");
}

/// As by default, but nobody looks at another node: what is put there stays there.
#[derive(Debug)]
struct Settled(Standard);

impl Policy for Settled {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        self.0.select(task, from, view)
    }

    fn enqueue(&self, task: &TaskView, place: Place, view: &mut View<'_>) -> Order {
        self.0.enqueue(task, place, view)
    }

    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        let source = self.0.dispatch(me, attempt, view)?;
        let of = match source {
            Source::Worker(worker, _) => view.layout.node(worker),
            Source::Node(node) => node,
        };
        (of == view.layout.node(me)).then_some(source)
    }
}

#[test]
fn tasks_with_a_home_are_put_there() {
    let machine = Topology::simulate("2x4").expect("a machine");
    let builder = Pool::builder(&machine).workers(4).policy(Settled(Standard::default()));
    let pool = builder.build().expect("threads");
    for number in 0..200u32 {
        let home = NodeIndex(number % 2);
        let who = pool.spawn_with(
            async {
                // Put there once more from within.
                Yield(false).await;
                crate::pool::current::with(|worker| worker.expect("a worker").node())
            },
            TaskOptions { home: Some(home), ..TaskOptions::default() },
        );
        assert_eq!(who.wait().expect("a node"), home);
    }
}

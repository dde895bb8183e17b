//! Deadlines, and what they and high priority leave for others.

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use turgo_machine::clock::VirtualTime;
use turgo_machine::topology::Topology;

use crate::admission::Periodic;
use crate::dag::{Context, Dag};
use crate::layout::NodeIndex;
use crate::policy::Priority;
use crate::pool::{Class, Pool};
use crate::task::{Budget, Rearmed, Step, TaskOptions};

fn pool(workers: usize) -> Pool {
    let machine = Topology::simulate("1x2").expect("a machine");
    Pool::builder(&machine).workers(workers).build().expect("threads")
}

/// A step from a closure.
struct Steps<F>(F);

impl<F> Rearmed for Steps<F>
where
    F: FnMut(&mut std::task::Context<'_>, Budget<'_>) -> Step + Send + 'static,
{
    fn run(&mut self, cx: &mut std::task::Context<'_>, budget: Budget<'_>) -> Step {
        (self.0)(cx, budget)
    }
}

#[test]
fn nodes_run_by_their_deadlines() {
    let pool = pool(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut dag = Dag::new();
    let gate = dag.node(|_| ()).id();
    for at in 0..200u64 {
        let order = Arc::clone(&order);
        let deadline = at * 77 % 200;
        dag.node(move |_: &Context<'_>| order.lock().unwrap().push(deadline))
            .after(gate)
            .deadline(Duration::from_millis(1 + deadline));
    }
    pool.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
    let order = std::mem::take(&mut *order.lock().unwrap());
    assert_eq!(order, (0..200).collect::<Vec<u64>>(), "U1");
}

/// Tasks that want every turn, until they are told to end; how many turns they had.
fn flood(pool: &Pool, options: TaskOptions) -> (Arc<AtomicUsize>, Arc<AtomicBool>) {
    let (turns, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for _ in 0..3 {
        let (turns, is_over) = (Arc::clone(&turns), Arc::clone(&is_over));
        let work = move |_: &mut std::task::Context<'_>, _: Budget<'_>| {
            turns.fetch_add(1, Ordering::Relaxed);
            if is_over.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
        };
        drop(pool.spawn_rearmed(Steps(work), options));
    }
    while turns.load(Ordering::Relaxed) < 1_000 {
        std::thread::yield_now();
    }
    (turns, is_over)
}

#[test]
fn nothing_starves_behind_what_is_urgent() {
    let urgent = TaskOptions { priority: Priority::High, ..TaskOptions::default() };
    let due = TaskOptions { deadline: Some(Duration::from_nanos(1)), ..urgent };
    for options in [urgent, due] {
        let pool = pool(1);
        let (turns, is_over) = flood(&pool, options);
        let mut dag = Dag::new();
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (note, counter) = (Arc::clone(&begun), Arc::clone(&turns));
        let first =
            dag.node(move |_| note.store(counter.load(Ordering::Relaxed), Ordering::Relaxed)).id();
        // One of them goes on without a queue, the others lie in the deque.
        for _ in 0..3 {
            let (note, counter) = (Arc::clone(&ended), Arc::clone(&turns));
            dag.node(move |_| note.store(counter.load(Ordering::Relaxed), Ordering::Relaxed))
                .after(first);
        }
        let run = pool.run(&dag.seal().expect("no cycle"));
        for _ in 0..20_000 {
            if run.is_over() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_run = run.is_over();
        is_over.store(true, Ordering::Relaxed);
        assert!(is_run, "K3: the deque starves");
        let waited = ended.load(Ordering::Relaxed) - begun.load(Ordering::Relaxed);
        assert!(waited <= 3 * 16, "K3: {waited} turns for two in the deque");
    }
}

#[test]
fn every_class_outside_comes_first_in_its_round() {
    for first in [Class::High, Class::Normal, Class::Background] {
        assert!((0..8).any(|round| Class::order(round)[0] == first), "K3: {first:?}");
    }
    for round in 0..8 {
        let mut order = Class::order(round).map(|class| class as usize);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2], "no class is left out");
    }
}

#[test]
fn a_job_that_ends_late_is_counted() {
    let pool = pool(1);
    let options =
        TaskOptions { deadline: Some(Duration::from_millis(1)), ..TaskOptions::default() };
    let slow = |_: &mut std::task::Context<'_>, _: Budget<'_>| {
        std::thread::sleep(Duration::from_millis(3));
        Step::Done
    };
    pool.spawn_rearmed(Steps(slow), options).wait().expect("it ends");
    assert_eq!(pool.statistics().total().late, 1);
}

/// A task that is woken from outside, waits again at once, and counts how often it ran.
fn job(runs: &Arc<AtomicU32>, waker: &Arc<Mutex<Option<Waker>>>) -> impl Rearmed {
    let (runs, place) = (Arc::clone(runs), Arc::clone(waker));
    Steps(move |cx: &mut std::task::Context<'_>, _: Budget<'_>| {
        *place.lock().unwrap() = Some(cx.waker().clone());
        runs.fetch_add(1, Ordering::Relaxed);
        Step::Park
    })
}

#[test]
fn what_is_promised_is_done_in_time() {
    let pool = pool(2);
    let ms = 1_000_000;
    let task = Periodic { period_ns: 500 * ms, deadline_ns: 500 * ms, cost_ns: 100 * ms };
    let promises: Vec<_> = (0..9).map_while(|_| pool.promise(NodeIndex(0), task).ok()).collect();
    assert_eq!(promises.len(), 9, "9 x 0.2 is 2 less 0.2");
    assert!(pool.promise(NodeIndex(0), task).is_err(), "A4");
    // A thousand tasks that each take a millisecond at a time: in turn with them, a job would wait for half a second.
    let is_over = Arc::new(AtomicBool::new(false));
    for _ in 0..1_000 {
        let is_over = Arc::clone(&is_over);
        drop(pool.spawn_rearmed(
            Steps(move |_: &mut std::task::Context<'_>, _: Budget<'_>| {
                std::thread::sleep(Duration::from_millis(1));
                if is_over.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
            }),
            TaskOptions::default(),
        ));
    }
    let (runs, waker) = (Arc::new(AtomicU32::new(0)), Arc::default());
    let options = TaskOptions {
        deadline: Some(Duration::from_millis(350)),
        home: Some(NodeIndex(0)),
        ..TaskOptions::default()
    };
    let handle = pool.spawn_rearmed(job(&runs, &waker), options);
    for round in 1..=8 {
        for _ in 0..5_000 {
            if runs.load(Ordering::Relaxed) == round {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(runs.load(Ordering::Relaxed), round, "it waits behind those without a deadline");
        // It may still be on its way to waiting: then it is woken while it runs.
        let waker = waker.lock().unwrap().clone();
        waker.expect("it left one").wake();
    }
    is_over.store(true, Ordering::Relaxed);
    handle.abort();
    assert_eq!(pool.statistics().total().late, 0, "it had far more time than it needs");
    let [first, ..] = &promises[..] else { panic!("there are nine") };
    assert!(first.measured(300 * ms).is_err(), "A5");
    drop(promises);
    assert!(pool.promise(NodeIndex(0), task).is_ok(), "what was promised is over");
}

/// A job of three steps that takes 3 ms where 1 ms was said, and then one that takes less.
#[test]
fn what_a_promised_job_takes_is_measured() {
    let (time, ms) = (VirtualTime::new(), 1_000_000);
    let machine = Topology::simulate("1x1").expect("a machine");
    let pool = Pool::builder(&machine).clock(time.clock()).build().expect("a thread");
    let said = |cost_ns| Periodic { period_ns: 10 * ms, deadline_ns: 8 * ms, cost_ns };
    let promise = pool.promise(NodeIndex(0), said(ms)).expect("there is room");
    let other = pool.promise(NodeIndex(0), said(6 * ms)).expect("there is room: 7 of 8");
    assert!(pool.promise(NodeIndex(0), said(2 * ms)).is_err());
    let (runs, waker) = (Arc::new(AtomicU32::new(0)), Arc::<Mutex<Option<Waker>>>::default());
    let (counted, place) = (Arc::clone(&runs), Arc::clone(&waker));
    let steps = Steps(move |cx: &mut std::task::Context<'_>, _: Budget<'_>| {
        time.advance(Duration::from_millis(1));
        *place.lock().unwrap() = Some(cx.waker().clone());
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Step::Again,
            2 => Step::Park,
            _ => Step::Done,
        }
    });
    let (tell, told) = std::sync::mpsc::channel();
    let handle = promise.spawn(steps, move |overload| tell.send(overload).expect("the test waits"));
    let overload = told.recv_timeout(Duration::from_secs(20)).expect("A7: 9 of 8");
    assert!((overload.density - 9.0 / 8.0).abs() < 1e-9, "{overload}");
    drop(other);
    assert!(pool.promise(NodeIndex(0), said(6 * ms)).is_err(), "3 of 8 are taken");
    assert!(pool.promise(NodeIndex(0), said(5 * ms)).is_ok());
    waker.lock().unwrap().take().expect("it left one").wake();
    handle.wait().expect("it ends");
    assert!(told.try_recv().is_err(), "the second job was short");
    assert_eq!(pool.statistics().total().late, 0, "it had 8 ms");
    assert!(pool.promise(NodeIndex(0), said(8 * ms)).is_ok(), "the promise ended with the task");
}

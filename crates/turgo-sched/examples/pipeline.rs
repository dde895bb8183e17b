//! Three stages of re-armed tasks, as a streaming engine has them: two sources, two counters, one sink. Edges are bounded channels, so whoever is
//! ahead waits for room; each instance has a home node, and moves with its state when the worker there is busy with something else.
//!
//! To show that for certain, each of the two workers is kept busy in turn, while every instance must go on at the other. Counters take from the sources in turn, as event
//! time would have it: an instance that stood still would hold up all others.

#![cfg(not(any(loom, shuttle)))]

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, mpsc as threads};
use std::task::{Context, Poll};
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU64, Ordering};
use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::layout::NodeIndex;
use turgo_sched::task::{Budget, JoinHandle, Rearmed, Step, TaskOptions};
use turgo_sync::mpsc::{OwnedPermit, Receiver, Sender, channel, error::SendError};
use turgo_sync::oneshot;

const SOURCES: usize = 2;
const COUNTERS: usize = 2;
const WORKERS: usize = 2;
const INSTANCES: usize = SOURCES + COUNTERS + 1;
const NUMBERS: u64 = 64;

/// Batches on an edge.
const ROOM: usize = 4;

/// Batches between the sources and the sink: on the edges, and one in the hands of each instance.
const ON_THE_WAY_MAX: usize = (SOURCES * COUNTERS + COUNTERS) * ROOM + INSTANCES;

/// What all instances write down.
#[derive(Default)]
struct Seen {
    is_enough: AtomicBool,
    on_the_way: AtomicU64,
    /// Batches for each counter, by source.
    produced: [AtomicU64; SOURCES],
    /// How often each source found no room.
    waits: [AtomicU64; SOURCES],
    /// Steps of each instance on each worker.
    steps: [[AtomicU64; WORKERS]; INSTANCES],
}

impl Seen {
    fn step(&self, instance: usize) {
        self.steps[instance][this_worker()].fetch_add(1, Ordering::Relaxed);
    }

    fn steps_on(&self, worker: usize) -> [u64; INSTANCES] {
        std::array::from_fn(|instance| self.steps[instance][worker].load(Ordering::Relaxed))
    }
}

/// The pool's threads are named `pipeline-0` and `pipeline-1`.
fn this_worker() -> usize {
    let thread = std::thread::current();
    let number = thread.name().and_then(|name| name.strip_prefix("pipeline-"));
    number.and_then(|number| number.parse().ok()).expect("a worker of the pool")
}

struct Batch {
    sequence: u64,
    numbers: Vec<u64>,
}

fn numbers(source: usize, sequence: u64, counter: usize) -> Vec<u64> {
    let first = (sequence * SOURCES as u64 + source as u64) * COUNTERS as u64 + counter as u64;
    (first * NUMBERS..(first + 1) * NUMBERS).collect()
}

type Room = OwnedPermit<Batch>;

/// The end of an edge that batches go into. It keeps its place in the queue for room from one step to the next.
struct Outlet {
    sender: Sender<Batch>,
    #[expect(clippy::type_complexity, reason = "a future without a name")]
    waiting: Option<Pin<Box<dyn Future<Output = Result<Room, SendError<()>>> + Send>>>,
}

impl Outlet {
    fn new(sender: Sender<Batch>) -> Self {
        Self { sender, waiting: None }
    }

    /// Room for one batch; if there is none, the task is woken when there is.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Room> {
        if self.waiting.is_none()
            && let Ok(room) = self.sender.clone().try_reserve_owned()
        {
            return Poll::Ready(room);
        }
        let sender = &self.sender;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sender.clone().reserve_owned()));
        waiting.as_mut().poll(cx).map(|room| {
            self.waiting = None;
            room.expect("the next stage takes all there is")
        })
    }
}

struct Source {
    number: usize,
    sequence: u64,
    /// The counter that is next.
    to: usize,
    outlets: Vec<Outlet>,
    seen: Arc<Seen>,
}

impl Rearmed for Source {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step {
        self.seen.step(self.number);
        while !budget.is_spent() {
            if self.to == 0 && self.seen.is_enough.load(Ordering::Relaxed) {
                self.seen.produced[self.number].store(self.sequence, Ordering::Relaxed);
                return Step::Done;
            }
            let Poll::Ready(room) = self.outlets[self.to].poll_room(cx) else {
                self.seen.waits[self.number].fetch_add(1, Ordering::Relaxed);
                return Step::Park;
            };
            let before = self.seen.on_the_way.fetch_add(1, Ordering::Relaxed);
            assert!(before < ON_THE_WAY_MAX as u64, "{before} batches are on the way");
            let sequence = self.sequence;
            room.send(Batch { sequence, numbers: numbers(self.number, sequence, self.to) });
            self.to = (self.to + 1) % COUNTERS;
            self.sequence += u64::from(self.to == 0);
        }
        Step::Again
    }
}

/// Takes a batch from each source in turn, and hands on how many numbers there were so far, and their sum.
struct Counter {
    number: usize,
    /// None where the source has ended.
    inlets: Vec<Option<Receiver<Batch>>>,
    next: usize,
    /// What each source sends next: the state, with the count and the sum.
    expected: [u64; SOURCES],
    count: u64,
    sum: u64,
    sent: u64,
    /// What was counted and not handed on.
    outgoing: Option<Batch>,
    outlet: Outlet,
    seen: Arc<Seen>,
}

impl Counter {
    fn count(&mut self, batch: &Batch) {
        assert_eq!(batch.sequence, self.expected[self.next], "a batch or the state was lost");
        self.expected[self.next] += 1;
        self.count += batch.numbers.len() as u64;
        self.sum += batch.numbers.iter().sum::<u64>();
        self.outgoing = Some(Batch { sequence: self.sent, numbers: vec![self.count, self.sum] });
        self.sent += 1;
    }
}

impl Rearmed for Counter {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step {
        self.seen.step(SOURCES + self.number);
        while !budget.is_spent() {
            if let Some(batch) = self.outgoing.take() {
                let Poll::Ready(room) = self.outlet.poll_room(cx) else {
                    self.outgoing = Some(batch);
                    return Step::Park;
                };
                room.send(batch);
                self.next = (self.next + 1) % SOURCES;
            }
            let Some(inlet) = &mut self.inlets[self.next] else {
                if self.inlets.iter().all(Option::is_none) {
                    return Step::Done;
                }
                self.next = (self.next + 1) % SOURCES;
                continue;
            };
            match inlet.poll_recv(cx) {
                Poll::Ready(Some(batch)) => self.count(&batch),
                Poll::Ready(None) => self.inlets[self.next] = None,
                Poll::Pending => return Step::Park,
            }
        }
        Step::Again
    }
}

/// Keeps the last that each counter said.
struct Sink {
    inlets: Vec<Option<Receiver<Batch>>>,
    latest: [(u64, u64); COUNTERS],
    total: Option<oneshot::Sender<(u64, u64)>>,
    seen: Arc<Seen>,
}

impl Rearmed for Sink {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step {
        self.seen.step(INSTANCES - 1);
        for (inlet, latest) in self.inlets.iter_mut().zip(&mut self.latest) {
            while let Some(receiver) = inlet {
                if budget.is_spent() {
                    return Step::Again;
                }
                match receiver.poll_recv(cx) {
                    Poll::Ready(Some(batch)) => {
                        *latest = (batch.numbers[0], batch.numbers[1]);
                        self.seen.on_the_way.fetch_sub(1, Ordering::Relaxed);
                    }
                    Poll::Ready(None) => *inlet = None,
                    Poll::Pending => break,
                }
            }
        }
        if self.inlets.iter().any(Option::is_some) {
            return Step::Park;
        }
        let total = self.latest.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        // The caller waits for it, or has panicked.
        self.total.take().map(|caller| caller.send(total));
        Step::Done
    }
}

/// Starts all instances, each at home on a node.
fn start(pool: &Pool, seen: &Arc<Seen>, total: oneshot::Sender<(u64, u64)>) -> Vec<JoinHandle<()>> {
    let home =
        |node: usize| TaskOptions { home: Some(NodeIndex(node as u32)), ..Default::default() };
    let mut outlets: [Vec<Outlet>; SOURCES] = Default::default();
    let (mut tasks, mut inlets) = (Vec::new(), Vec::new());
    for number in 0..COUNTERS {
        let mut from_sources = Vec::new();
        for outlets in &mut outlets {
            let (sender, receiver) = channel(ROOM);
            outlets.push(Outlet::new(sender));
            from_sources.push(Some(receiver));
        }
        let (sender, receiver) = channel(ROOM);
        inlets.push(Some(receiver));
        let counter = Counter {
            number,
            inlets: from_sources,
            next: 0,
            expected: [0; SOURCES],
            count: 0,
            sum: 0,
            sent: 0,
            outgoing: None,
            outlet: Outlet::new(sender),
            seen: Arc::clone(seen),
        };
        tasks.push(pool.spawn_rearmed(counter, home(number)));
    }
    let seen = || Arc::clone(seen);
    let sink = Sink { inlets, latest: Default::default(), total: Some(total), seen: seen() };
    tasks.push(pool.spawn_rearmed(sink, home(0)));
    for (number, outlets) in outlets.into_iter().enumerate() {
        let source = Source { number, sequence: 0, to: 0, outlets, seen: seen() };
        tasks.push(pool.spawn_rearmed(source, home(number)));
    }
    tasks
}

/// A worker that is kept busy, until this is dropped.
struct Busy {
    worker: usize,
    _end: threads::Sender<()>,
}

fn keep_busy(pool: &Pool) -> Result<Busy, Box<dyn Error>> {
    let (tell, told) = threads::channel();
    let (end, ended) = threads::channel::<()>();
    let task = pool.spawn(async move {
        // What no task should do: its worker can run nothing else meanwhile.
        tell.send(this_worker()).expect("the caller waits");
        let _ = ended.recv();
    });
    // It goes on alone.
    drop(task);
    Ok(Busy { worker: told.recv_timeout(PATIENCE)?, _end: end })
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until every instance has made fifty more steps on this worker.
fn all_go_on_at(worker: usize, seen: &Seen) {
    let before = seen.steps_on(worker);
    let gone_on = |(now, before): (u64, u64)| now >= before + 50;
    for _ in 0..PATIENCE.as_millis() {
        if seen.steps_on(worker).into_iter().zip(before).all(gone_on) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("steps on worker {worker}: {before:?}, and later {:?}", seen.steps_on(worker));
}

fn main() -> Result<(), Box<dyn Error>> {
    // Two nodes with a worker each, whatever there is.
    let machine = Topology::simulate("2x1")?;
    let pool = Pool::builder(&machine).workers(WORKERS).name("pipeline").build()?;
    let seen = Arc::new(Seen::default());
    let (tell, total) = oneshot::channel();
    let tasks = start(&pool, &seen, tell);

    let first = keep_busy(&pool)?;
    all_go_on_at(1 - first.worker, &seen);
    // It has to be the other one.
    let second = keep_busy(&pool)?;
    assert_ne!(first.worker, second.worker);
    let freed = first.worker;
    drop(first);
    all_go_on_at(freed, &seen);
    drop(second);

    seen.is_enough.store(true, Ordering::Relaxed);
    for task in tasks {
        task.wait()?;
    }
    let (count, sum) = total.blocking_recv()?;
    let produced = seen.produced.each_ref().map(|of_one| of_one.load(Ordering::Relaxed));
    let all = (0..SOURCES).flat_map(|source| (0..produced[source]).map(move |at| (source, at)));
    let all =
        all.flat_map(|(source, at)| (0..COUNTERS).flat_map(move |to| numbers(source, at, to)));
    assert_eq!(count, produced.iter().sum::<u64>() * COUNTERS as u64 * NUMBERS);
    assert_eq!(sum, all.sum::<u64>());
    assert_eq!(seen.on_the_way.load(Ordering::Relaxed), 0);
    let waits = seen.waits.each_ref().map(|of_one| of_one.load(Ordering::Relaxed));
    assert!(waits.iter().all(|&waits| waits > 0), "nobody waited for room: {waits:?}");

    println!(
        "{count} numbers; sources found no room {waits:?} times; steps of sources, counters, sink:"
    );
    (0..WORKERS).for_each(|worker| println!("  worker {worker}: {:?}", seen.steps_on(worker)));
    Ok(())
}

#[test]
fn the_example_runs() {
    main().expect("it runs");
}

//! What is measured: the work of each group, and the structures without locks under it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread;

use turgo_lockfree::RcuCell;
use turgo_lockfree::counter::Counter;
use turgo_lockfree::deque::{Steal, Worker};
use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::queue::{ArrayQueue, MsQueue, SegmentQueue};
use turgo_lockfree::ring::spsc;
use turgo_lockfree::stack::TreiberStack;
use turgo_machine::atomic::{AtomicU64, Ordering};

use crate::bench::answer::{Answer, Number};
use crate::bench::args::CoreGroup;
use crate::bench::core::locked::{Guarded, Locked, channel, locked_thieves};

/// One structure under the work of its group.
pub(super) struct Case {
    pub(super) group: CoreGroup,
    pub(super) name: &'static str,
    work: fn(threads: usize, operations: u64) -> io::Result<u64>,
}

/// In a group the lock comes last.
pub(super) static CASES: [Case; 17] = [
    case(CoreGroup::Queue, "SegmentQueue", pairs::<SegmentQueue<u64>>),
    case(CoreGroup::Queue, "MsQueue", pairs::<MsQueue<u64>>),
    case(CoreGroup::Queue, "ArrayQueue", pairs::<ArrayQueue<u64>>),
    case(CoreGroup::Queue, "Mutex<VecDeque>", pairs::<Locked<VecDeque<u64>>>),
    case(CoreGroup::Stack, "TreiberStack", pairs::<TreiberStack<u64>>),
    case(CoreGroup::Stack, "Mutex<Vec>", pairs::<Locked<Vec<u64>>>),
    case(CoreGroup::Deque, "deque", thieves),
    case(CoreGroup::Deque, "deque of a Mutex", locked_thieves),
    case(CoreGroup::Ring, "ring::spsc", ring),
    case(CoreGroup::Ring, "mpsc::sync_channel", channel),
    case(CoreGroup::Map, "RcuHashMap", lookups::<RcuHashMap<u64, u64>>),
    case(CoreGroup::Map, "RwLock<HashMap>", lookups::<Guarded<HashMap<u64, u64>>>),
    case(CoreGroup::Cell, "RcuCell", readings::<RcuCell<u64>>),
    case(CoreGroup::Cell, "RwLock<Arc>", readings::<Guarded<Arc<u64>>>),
    case(CoreGroup::Counter, "Counter", counts::<Counter>),
    case(CoreGroup::Counter, "AtomicU64", counts::<AtomicU64>),
    case(CoreGroup::Counter, "Mutex<u64>", counts::<Locked<u64>>),
];

const fn case(
    group: CoreGroup,
    name: &'static str,
    work: fn(usize, u64) -> io::Result<u64>,
) -> Case {
    Case { group, name, work }
}

impl Case {
    /// How many threads it runs on where `threads` are asked for.
    pub(super) fn threads(&self, threads: usize) -> usize {
        if self.group == CoreGroup::Ring { 2 } else { threads }
    }

    /// Each thread does `operations`; the answer is what they found, added up.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(super) fn run(&self, threads: usize, operations: u64) -> io::Result<Answer> {
        let sum = (self.work)(self.threads(threads), operations)?;
        Ok(Answer::row(vec![Number::Int(i128::from(sum))]))
    }

    /// What [`Case::run`] has to find.
    pub(super) fn answer(&self, threads: usize, operations: u64) -> Answer {
        let threads = self.threads(threads) as u64;
        let numbers = operations * (operations - 1) / 2;
        let sum = match self.group {
            CoreGroup::Queue | CoreGroup::Stack => threads * numbers,
            CoreGroup::Deque | CoreGroup::Ring => numbers,
            CoreGroup::Map => {
                threads * (0..operations).map(|operation| key(operation) + 1).sum::<u64>()
            }
            CoreGroup::Cell | CoreGroup::Counter => threads * operations,
        };
        Answer::row(vec![Number::Int(i128::from(sum))])
    }
}

/// Runs `work` on each of `threads` threads, and adds up what they answer.
pub(super) fn on_threads(threads: usize, work: impl Fn(u64) -> u64 + Sync) -> io::Result<u64> {
    let works = (0..threads).map(|thread| {
        let work = &work;
        Box::new(move || work(thread as u64)) as Box<dyn FnOnce() -> u64 + Send + '_>
    });
    together(works.collect())
}

/// Runs each piece of work on a thread of its own, and adds up what they answer.
pub(super) fn together(works: Vec<Box<dyn FnOnce() -> u64 + Send + '_>>) -> io::Result<u64> {
    thread::scope(|scope| {
        let spawn =
            |work| thread::Builder::new().name("bench-core".into()).spawn_scoped(scope, work);
        let threads = works.into_iter().map(spawn).collect::<io::Result<Vec<_>>>()?;
        let join = |thread: thread::ScopedJoinHandle<'_, u64>| match thread.join() {
            Ok(sum) => sum,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok(threads.into_iter().map(join).sum())
    })
}

/// Asks until there is an answer: somebody else is about to give it.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = ask() {
            return found;
        }
        thread::yield_now();
    }
}

/// Queues and stacks.
pub(super) trait Heap: Sync {
    fn make() -> Self;
    fn push(&self, value: u64);
    fn pop(&self) -> Option<u64>;
}

/// Each thread puts in a number and takes one out.
fn pairs<H: Heap>(threads: usize, operations: u64) -> io::Result<u64> {
    let heap = H::make();
    on_threads(threads, |_| {
        let pair = |number| {
            heap.push(number);
            until(|| heap.pop())
        };
        (0..operations).map(pair).sum()
    })
}

macro_rules! heap {
    ($type:ty, $make:expr, |$heap:ident, $value:ident| $push:expr, $pop:expr) => {
        impl Heap for $type {
            fn make() -> Self {
                $make
            }

            fn push(&self, $value: u64) {
                let $heap = self;
                $push;
            }

            fn pop(&self) -> Option<u64> {
                let $heap = self;
                $pop
            }
        }
    };
}

heap!(SegmentQueue<u64>, Self::new(), |queue, number| queue.push(number), queue.pop());
heap!(MsQueue<u64>, Self::new(), |queue, number| queue.push(number), queue.pop());
// It is never full: a thread has one number in it at most, and there are 256 threads at most.
heap!(
    ArrayQueue<u64>,
    Self::new(1024),
    |queue, number| queue.push(number).expect("it has room"),
    queue.pop()
);
heap!(TreiberStack<u64>, Self::new(), |stack, number| stack.push(number), stack.pop());
/// Numbers that an owner pushes before it pops again.
const BURST: u64 = 64;

/// One thread pushes and pops in bursts, the others steal; each number is found once.
fn thieves(threads: usize, operations: u64) -> io::Result<u64> {
    let worker = Worker::new_lifo();
    let done = AtomicU64::new(0);
    let mut works: Vec<Box<dyn FnOnce() -> u64 + Send + '_>> = Vec::new();
    for _ in 1..threads {
        let (stealer, done) = (worker.stealer(), &done);
        works.push(Box::new(move || {
            stolen(done, operations, || match stealer.steal() {
                Steal::Success(number) => Some(number),
                Steal::Empty | Steal::Retry => None,
            })
        }));
    }
    let done = &done;
    works.push(Box::new(move || owned(done, operations, |n| worker.push(n), || worker.pop())));
    together(works)
}

pub(super) fn owned(
    done: &AtomicU64,
    operations: u64,
    push: impl Fn(u64),
    pop: impl Fn() -> Option<u64>,
) -> u64 {
    let mut sum = 0;
    for from in (0..operations).step_by(BURST as usize) {
        (from..operations.min(from + BURST)).for_each(&push);
        let mut found = 0;
        while let Some(number) = pop() {
            sum += number;
            found += 1;
        }
        // Relaxed: a count alone; the threads are joined before anything is read that they wrote.
        done.fetch_add(found, Ordering::Relaxed);
    }
    sum
}

/// Steals until all have been found.
pub(super) fn stolen(done: &AtomicU64, operations: u64, steal: impl Fn() -> Option<u64>) -> u64 {
    let mut sum = 0;
    // Relaxed: as in `owned`.
    while done.load(Ordering::Relaxed) < operations {
        match steal() {
            Some(number) => {
                sum += number;
                done.fetch_add(1, Ordering::Relaxed);
            }
            None => thread::yield_now(),
        }
    }
    sum
}

/// Items that wait between two threads.
pub(super) const WAITING: usize = 1024;

fn ring(_threads: usize, operations: u64) -> io::Result<u64> {
    let (mut producer, mut consumer) = spsc::new(WAITING);
    together(vec![
        Box::new(move || {
            (0..operations).for_each(|number| until(|| producer.push(number).ok()));
            0
        }),
        Box::new(move || (0..operations).map(|_| until(|| consumer.pop())).sum()),
    ])
}

/// Keys of a map, all that [`key`] makes; one operation in [`CHANGE`] puts a value anew.
const KEYS: u64 = 1 << 16;
const CHANGE: u64 = 20;

/// The key of an operation, as if drawn at random.
fn key(operation: u64) -> u64 {
    operation.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48
}

pub(super) trait Map: Sync {
    fn make(entries: impl Iterator<Item = (u64, u64)>) -> Self;
    fn look_up(&self, key: u64) -> Option<u64>;
    fn put(&self, key: u64, value: u64);
}

/// Each thread looks keys up; of a key one more is its value.
fn lookups<M: Map>(threads: usize, operations: u64) -> io::Result<u64> {
    let map = M::make((0..KEYS).map(|key| (key, key + 1)));
    on_threads(threads, |_| {
        let one = |operation| {
            let key = key(operation);
            if operation % CHANGE == 0 {
                map.put(key, key + 1);
            }
            map.look_up(key).unwrap_or(0)
        };
        (0..operations).map(one).sum()
    })
}

impl Map for RcuHashMap<u64, u64> {
    fn make(entries: impl Iterator<Item = (u64, u64)>) -> Self {
        let map = Self::with_capacity(KEYS as usize);
        entries.for_each(|(key, value)| map.put(key, value));
        map
    }

    fn look_up(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

pub(super) trait Cell: Sync {
    fn make(value: u64) -> Self;
    fn value(&self) -> u64;
    fn replace(&self, value: u64);
}

/// Each thread reads a value; one reading in a thousand comes behind a replacement by its like.
fn readings<C: Cell>(threads: usize, operations: u64) -> io::Result<u64> {
    let cell = C::make(1);
    on_threads(threads, |_| {
        let one = |operation| {
            if operation % 1000 == 0 {
                cell.replace(1);
            }
            cell.value()
        };
        (0..operations).map(one).sum()
    })
}

impl Cell for RcuCell<u64> {
    fn make(value: u64) -> Self {
        Self::new(value)
    }

    fn value(&self) -> u64 {
        self.read(|value| *value)
    }

    fn replace(&self, value: u64) {
        self.store(value);
    }
}

pub(super) trait Count: Default + Sync {
    fn one_more(&self);
    fn count(&self) -> u64;
}

fn counts<C: Count>(threads: usize, operations: u64) -> io::Result<u64> {
    let counter = C::default();
    let count = |_| {
        (0..operations).for_each(|_| counter.one_more());
        0
    };
    on_threads(threads, count)?;
    Ok(counter.count())
}

impl Count for Counter {
    fn one_more(&self) {
        self.increment();
    }

    fn count(&self) -> u64 {
        self.sum()
    }
}

impl Count for AtomicU64 {
    fn one_more(&self) {
        // Relaxed: a count alone, read when the threads have been joined.
        self.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
}

//! Queues that many push to and many pop from.
//!
//! `pair`: each thread pushes one and pops one. `burst`: 64 pushes, then 64 pops; a figure is per pair, too. `pass`: even
//! threads push, odd ones pop; a figure is per item. What is popped is added up: every thread pops as much as it pushed.

use std::collections::VecDeque;

use concurrent_queue::ConcurrentQueue;
use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::queue::{ArrayQueue, MsQueue, SegmentQueue};
use turgo_lockfree::reclaim::Reclaim;

use crate::baselines::epoch_queue::EpochQueue;
use bench_harness::{Case, Work};
use bench_harness::{shared, two_sided};

/// What all queues can do. `pop` may find nothing for a moment.
trait Queue: Send + Sync + 'static {
    fn make() -> Self;
    fn push(&self, value: u64);
    fn pop(&self) -> Option<u64>;
}

macro_rules! each {
    ($work:ident) => {
        vec![
            Case { name: "turgo SegmentQueue", make: $work::<SegmentQueue<u64>> },
            Case { name: "turgo MsQueue", make: $work::<MsQueue<u64>> },
            Case { name: "turgo MsQueue, hazard", make: $work::<MsQueue<u64, Hazard>> },
            Case { name: "turgo ArrayQueue", make: $work::<ArrayQueue<u64>> },
            Case { name: "ArrayQueue crossbeam", make: $work::<crossbeam_queue::ArrayQueue<u64>> },
            Case { name: "SegQueue crossbeam", make: $work::<crossbeam_queue::SegQueue<u64>> },
            Case { name: "MS queue, epoch", make: $work::<EpochQueue<u64>> },
            Case { name: "concurrent-queue bounded", make: $work::<Bounded> },
            Case { name: "concurrent-queue", make: $work::<ConcurrentQueue<u64>> },
            Case { name: "kanal", make: $work::<Kanal> },
            Case { name: "Mutex std", make: $work::<std::sync::Mutex<VecDeque<u64>>> },
            Case { name: "Mutex parking_lot", make: $work::<parking_lot::Mutex<VecDeque<u64>>> },
        ]
    };
}

pub(crate) fn pair() -> Vec<Case> {
    each!(pairs)
}

pub(crate) fn burst() -> Vec<Case> {
    each!(bursts)
}

/// For an even number of threads.
pub(crate) fn pass() -> Vec<Case> {
    each!(passes)
}

fn pairs<Q: Queue>(threads: usize) -> Vec<Work> {
    shared(threads, Q::make(), |queue, operations| {
        (0..operations)
            .map(|_| {
                queue.push(1);
                next(queue)
            })
            .sum()
    })
}

fn bursts<Q: Queue>(threads: usize) -> Vec<Work> {
    shared(threads, Q::make(), |queue, operations| {
        (0..operations / 64)
            .map(|_| {
                (0..64).for_each(|_| queue.push(1));
                (0..64).map(|_| next(queue)).sum::<u64>()
            })
            .sum()
    })
}

fn passes<Q: Queue>(threads: usize) -> Vec<Work> {
    let push = |queue: &Q, operations| {
        (0..operations).for_each(|_| queue.push(1));
        operations
    };
    two_sided(threads, Q::make(), push, |queue, operations| {
        (0..operations).map(|_| next(queue)).sum()
    })
}

/// Waits for a value: as many are pushed as are popped.
fn next(queue: &impl Queue) -> u64 {
    loop {
        match queue.pop() {
            Some(value) => return value,
            None => std::hint::spin_loop(),
        }
    }
}

/// Slots of bounded queues.
const SLOTS: usize = 1024;

impl Queue for SegmentQueue<u64> {
    fn make() -> Self {
        Self::new()
    }

    fn push(&self, value: u64) {
        self.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl<R: Reclaim + Default + 'static> Queue for MsQueue<u64, R> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Queue for ArrayQueue<u64> {
    fn make() -> Self {
        Self::new(SLOTS)
    }

    fn push(&self, value: u64) {
        while self.push(value).is_err() {
            std::hint::spin_loop();
        }
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Queue for crossbeam_queue::ArrayQueue<u64> {
    fn make() -> Self {
        Self::new(SLOTS)
    }

    fn push(&self, value: u64) {
        while self.push(value).is_err() {
            std::hint::spin_loop();
        }
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Queue for crossbeam_queue::SegQueue<u64> {
    fn make() -> Self {
        Self::new()
    }

    fn push(&self, value: u64) {
        self.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Queue for EpochQueue<u64> {
    fn make() -> Self {
        Self::new()
    }

    fn push(&self, value: u64) {
        self.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

struct Bounded(ConcurrentQueue<u64>);

impl Queue for Bounded {
    fn make() -> Self {
        Self(ConcurrentQueue::bounded(SLOTS))
    }

    fn push(&self, value: u64) {
        while self.0.push(value).is_err() {
            std::hint::spin_loop();
        }
    }

    fn pop(&self) -> Option<u64> {
        self.0.pop().ok()
    }
}

impl Queue for ConcurrentQueue<u64> {
    fn make() -> Self {
        Self::unbounded()
    }

    fn push(&self, value: u64) {
        self.push(value).expect("it is open");
    }

    fn pop(&self) -> Option<u64> {
        self.pop().ok()
    }
}

struct Kanal(kanal::Sender<u64>, kanal::Receiver<u64>);

impl Queue for Kanal {
    fn make() -> Self {
        let (sender, receiver) = kanal::unbounded();
        Self(sender, receiver)
    }

    fn push(&self, value: u64) {
        self.0.send(value).expect("it is open");
    }

    fn pop(&self) -> Option<u64> {
        self.1.try_recv().expect("it is open")
    }
}

impl Queue for std::sync::Mutex<VecDeque<u64>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.lock().expect("nobody panics").push_back(value);
    }

    fn pop(&self) -> Option<u64> {
        self.lock().expect("nobody panics").pop_front()
    }
}

impl Queue for parking_lot::Mutex<VecDeque<u64>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.lock().push_back(value);
    }

    fn pop(&self) -> Option<u64> {
        self.lock().pop_front()
    }
}

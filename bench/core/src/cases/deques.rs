//! Work-stealing deques, seen by their owner and by thieves. What is taken is added up.
//!
//! `lifo pair`, `fifo pair`: the owner pushes one and takes one. `lifo burst`, `fifo burst`: 64 and 64. `steal`: the owner pushes, a
//! thief on the same thread takes one. `batch`: 32 are pushed onto 32 that lie there, a thief moves 32 to a deque of its own in one call
//! and takes them there; a figure is per item. `thief`: the owner pushes two and takes one while a thief on another thread takes
//! the rest; a figure is per item.

use std::collections::VecDeque;
use std::sync::Arc;

use turgo_lockfree::deque::{Stealer, Worker};

use bench_harness::{Case, Work};

/// The owner's end.
trait Owner: Send + Sized + 'static {
    type Thief: Send + 'static;

    fn lifo() -> (Self, Self::Thief);
    fn fifo() -> (Self, Self::Thief);
    fn push(&mut self, value: u64);
    fn take(&mut self) -> Option<u64>;
    /// Nothing, also where another thief was in the way.
    fn steal(thief: &Self::Thief) -> Option<u64>;
    /// Moves up to 32 to `to`.
    fn steal_batch(thief: &Self::Thief, to: &mut Self);
}

macro_rules! each {
    ($work:ident) => {
        vec![
            Case { name: "turgo Worker", make: $work::<Worker<u64>> },
            Case { name: "crossbeam-deque", make: $work::<crossbeam_deque::Worker<u64>> },
            Case { name: "st3", make: $work::<St3> },
            Case { name: "Mutex std", make: $work::<Locked> },
        ]
    };
}

pub(crate) fn lifo_pair() -> Vec<Case> {
    each!(lifo_pairs)
}

pub(crate) fn fifo_pair() -> Vec<Case> {
    each!(fifo_pairs)
}

pub(crate) fn lifo_burst() -> Vec<Case> {
    each!(lifo_bursts)
}

pub(crate) fn fifo_burst() -> Vec<Case> {
    each!(fifo_bursts)
}

pub(crate) fn steal() -> Vec<Case> {
    each!(steals)
}

pub(crate) fn batch() -> Vec<Case> {
    each!(batches)
}

/// For two threads.
pub(crate) fn thief() -> Vec<Case> {
    each!(thieves)
}

fn lifo_pairs<O: Owner>(threads: usize) -> Vec<Work> {
    pairs(threads, O::lifo)
}

fn fifo_pairs<O: Owner>(threads: usize) -> Vec<Work> {
    pairs(threads, O::fifo)
}

/// Each thread has a deque of its own.
fn pairs<O: Owner>(threads: usize, make: fn() -> (O, O::Thief)) -> Vec<Work> {
    alone(threads, move || {
        let (mut owner, _thief) = make();
        Box::new(move |operations| {
            (0..operations)
                .map(|_| {
                    owner.push(1);
                    owner.take().expect("nobody steals")
                })
                .sum()
        })
    })
}

fn lifo_bursts<O: Owner>(threads: usize) -> Vec<Work> {
    bursts(threads, O::lifo)
}

fn fifo_bursts<O: Owner>(threads: usize) -> Vec<Work> {
    bursts(threads, O::fifo)
}

fn bursts<O: Owner>(threads: usize, make: fn() -> (O, O::Thief)) -> Vec<Work> {
    alone(threads, move || {
        let (mut owner, _thief) = make();
        Box::new(move |operations| {
            (0..operations / 64)
                .map(|_| {
                    (0..64).for_each(|_| owner.push(1));
                    (0..64).map(|_| owner.take().expect("nobody steals")).sum::<u64>()
                })
                .sum()
        })
    })
}

fn steals<O: Owner>(threads: usize) -> Vec<Work> {
    alone(threads, || {
        let (mut owner, thief) = O::lifo();
        Box::new(move |operations| {
            (0..operations)
                .map(|_| {
                    owner.push(1);
                    O::steal(&thief).expect("nobody else steals")
                })
                .sum()
        })
    })
}

fn batches<O: Owner>(threads: usize) -> Vec<Work> {
    alone(threads, || {
        let (mut owner, thief) = O::lifo();
        let (mut other, _) = O::lifo();
        (0..32).for_each(|_| owner.push(1));
        Box::new(move |operations| {
            (0..operations / 32)
                .map(|_| {
                    (0..32).for_each(|_| owner.push(1));
                    O::steal_batch(&thief, &mut other);
                    (0..32).map(|_| other.take().expect("half of 64 were moved")).sum::<u64>()
                })
                .sum()
        })
    })
}

fn thieves<O: Owner>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 2, "an owner and a thief");
    let (mut owner, thief) = O::lifo();
    let mut left = 0;
    let own = move |operations: u64| {
        for _ in 0..operations {
            owner.push(1);
            owner.push(1);
            left += 2 - owner.take().unwrap_or(0);
        }
        // The thief takes `operations`; what it and the takes above missed goes now, so that windows are alike.
        left -= operations;
        while left > 64 {
            left -= owner.take().unwrap_or(1).min(left);
        }
        operations
    };
    let steal = move |operations| {
        (0..operations)
            .map(|_| {
                loop {
                    match O::steal(&thief) {
                        Some(value) => break value,
                        None => std::hint::spin_loop(),
                    }
                }
            })
            .sum()
    };
    vec![Box::new(own), Box::new(steal)]
}

fn alone(threads: usize, make: impl Fn() -> Work) -> Vec<Work> {
    (0..threads).map(|_| make()).collect()
}

impl Owner for Worker<u64> {
    type Thief = Stealer<u64>;

    fn lifo() -> (Self, Self::Thief) {
        let owner = Self::new_lifo();
        let thief = owner.stealer();
        (owner, thief)
    }

    fn fifo() -> (Self, Self::Thief) {
        let owner = Self::new_fifo();
        let thief = owner.stealer();
        (owner, thief)
    }

    fn push(&mut self, value: u64) {
        Self::push(self, value);
    }

    fn take(&mut self) -> Option<u64> {
        self.pop()
    }

    fn steal(thief: &Self::Thief) -> Option<u64> {
        thief.steal().success()
    }

    fn steal_batch(thief: &Self::Thief, to: &mut Self) {
        _ = thief.steal_batch(to);
    }
}

impl Owner for crossbeam_deque::Worker<u64> {
    type Thief = crossbeam_deque::Stealer<u64>;

    fn lifo() -> (Self, Self::Thief) {
        let owner = Self::new_lifo();
        let thief = owner.stealer();
        (owner, thief)
    }

    fn fifo() -> (Self, Self::Thief) {
        let owner = Self::new_fifo();
        let thief = owner.stealer();
        (owner, thief)
    }

    fn push(&mut self, value: u64) {
        Self::push(self, value);
    }

    fn take(&mut self) -> Option<u64> {
        self.pop()
    }

    fn steal(thief: &Self::Thief) -> Option<u64> {
        thief.steal().success()
    }

    fn steal_batch(thief: &Self::Thief, to: &mut Self) {
        _ = thief.steal_batch(to);
    }
}

enum St3 {
    Lifo(st3::lifo::Worker<u64>),
    Fifo(st3::fifo::Worker<u64>),
}

enum St3Thief {
    Lifo(st3::lifo::Stealer<u64>),
    Fifo(st3::fifo::Stealer<u64>),
}

impl Owner for St3 {
    type Thief = St3Thief;

    fn lifo() -> (Self, Self::Thief) {
        let owner = st3::lifo::Worker::new(8192);
        let thief = owner.stealer();
        (Self::Lifo(owner), St3Thief::Lifo(thief))
    }

    fn fifo() -> (Self, Self::Thief) {
        let owner = st3::fifo::Worker::new(8192);
        let thief = owner.stealer();
        (Self::Fifo(owner), St3Thief::Fifo(thief))
    }

    fn push(&mut self, value: u64) {
        let mut kept = value;
        // It is bounded: the owner waits for thieves.
        while let Err(back) = match self {
            Self::Lifo(owner) => owner.push(kept),
            Self::Fifo(owner) => owner.push(kept),
        } {
            kept = back;
        }
    }

    fn take(&mut self) -> Option<u64> {
        match self {
            Self::Lifo(owner) => owner.pop(),
            Self::Fifo(owner) => owner.pop(),
        }
    }

    fn steal(thief: &Self::Thief) -> Option<u64> {
        thread_local! {
            static TO: (st3::lifo::Worker<u64>, st3::fifo::Worker<u64>) =
                (st3::lifo::Worker::new(64), st3::fifo::Worker::new(64));
        }
        TO.with(|(lifo, fifo)| match thief {
            St3Thief::Lifo(thief) => thief.steal_and_pop(lifo, |_| 1).ok().map(|(value, _)| value),
            St3Thief::Fifo(thief) => thief.steal_and_pop(fifo, |_| 1).ok().map(|(value, _)| value),
        })
    }

    fn steal_batch(thief: &Self::Thief, to: &mut Self) {
        match (thief, to) {
            (St3Thief::Lifo(thief), Self::Lifo(to)) => _ = thief.steal(to, |n| n.min(64) / 2),
            (St3Thief::Fifo(thief), Self::Fifo(to)) => _ = thief.steal(to, |n| n.min(64) / 2),
            _ => unreachable!("both ends are made together"),
        }
    }
}

struct Locked {
    items: Arc<std::sync::Mutex<VecDeque<u64>>>,
    lifo: bool,
}

impl Locked {
    fn new(lifo: bool) -> (Self, <Self as Owner>::Thief) {
        let items = Arc::default();
        (Self { items: Arc::clone(&items), lifo }, items)
    }
}

impl Owner for Locked {
    type Thief = Arc<std::sync::Mutex<VecDeque<u64>>>;

    fn lifo() -> (Self, Self::Thief) {
        Self::new(true)
    }

    fn fifo() -> (Self, Self::Thief) {
        Self::new(false)
    }

    fn push(&mut self, value: u64) {
        self.items.lock().expect("nobody panics").push_back(value);
    }

    fn take(&mut self) -> Option<u64> {
        let mut items = self.items.lock().expect("nobody panics");
        if self.lifo { items.pop_back() } else { items.pop_front() }
    }

    fn steal(thief: &Self::Thief) -> Option<u64> {
        thief.lock().expect("nobody panics").pop_front()
    }

    fn steal_batch(thief: &Self::Thief, to: &mut Self) {
        let mut items = thief.lock().expect("nobody panics");
        let half = items.len() / 2;
        to.items.lock().expect("nobody panics").extend(items.drain(..half.min(32)));
    }
}

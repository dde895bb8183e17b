//! Histories of the deques: an owner and two or three thieves, under real threads or shuttle's schedules.

use turgo_lockfree::deque::{BoundedWorker, Steal, Stealer, Worker};
use turgo_machine::thread;

use crate::lincheck::spec::{Deque, DequeCall, DequeResult};
use crate::lincheck::{Clock, History, Recorder, check};
use crate::shared::Shared;
use crate::threads::{Round, histories};

/// The owner's side of either deque.
trait Owned: Send + 'static {
    fn push(&self, value: u32) -> Result<(), u32>;
    fn pop(&self) -> Option<u32>;
    fn stealer(&self) -> Stealer<u32>;
}

impl Owned for Worker<u32> {
    fn push(&self, value: u32) -> Result<(), u32> {
        Self::push(self, value);
        Ok(())
    }

    fn pop(&self) -> Option<u32> {
        Self::pop(self)
    }

    fn stealer(&self) -> Stealer<u32> {
        Self::stealer(self)
    }
}

impl Owned for BoundedWorker<u32> {
    fn push(&self, value: u32) -> Result<(), u32> {
        Self::push(self, value)
    }

    fn pop(&self) -> Option<u32> {
        Self::pop(self)
    }

    fn stealer(&self) -> Stealer<u32> {
        Self::stealer(self)
    }
}

fn stolen<T>(steal: Steal<T>, success: impl FnOnce(T) -> DequeResult) -> DequeResult {
    match steal {
        Steal::Empty => DequeResult::Empty,
        Steal::Retry => DequeResult::Retry,
        Steal::Success(item) => success(item),
    }
}

/// A batch of up to 4, in the order it was stolen in: one claim.
fn steal_batch(stealer: &Stealer<u32>, own: &Worker<u32>, lifo: bool) -> DequeResult {
    stolen(stealer.steal_batch_with_limit(own, 4), |()| {
        let mut items: Vec<u32> = std::iter::from_fn(|| own.pop()).collect();
        if lifo {
            items.reverse();
        }
        DequeResult::Batch(items)
    })
}

fn judge<W: Owned>(spec: Deque, round: Round, worker: W) {
    let (threads, operations) = round.size();
    let clock = Shared::new(Clock::new());
    let steal = |index: u32| {
        let (stealer, clock) = (worker.stealer(), clock.share());
        thread::spawn(move || {
            let (mut calls, mut random) = (Recorder::new(&clock), round.random(index));
            let own = Worker::new_fifo();
            for _ in 0..operations {
                if random.below(2) == 0 {
                    calls.record(DequeCall::Steal, || stolen(stealer.steal(), DequeResult::Stolen));
                } else {
                    calls.record(DequeCall::StealBatch, || steal_batch(&stealer, &own, spec.lifo));
                }
            }
            calls.finish()
        })
    };
    let thieves: Vec<_> = (1..threads).map(steal).collect();
    let (mut calls, mut random) = (Recorder::new(&clock), round.random(0));
    for value in 0..2 * operations {
        if random.below(5) < 3 {
            calls.record(DequeCall::Push(value), || match worker.push(value) {
                Ok(()) => DequeResult::Pushed,
                Err(_) => DequeResult::Full,
            });
        } else {
            calls.record(DequeCall::Pop, || DequeResult::Popped(worker.pop()));
        }
    }
    let mut logs = vec![calls.finish()];
    logs.extend(thieves.into_iter().map(|thief| thief.join().expect("a thief has panicked")));
    clock.free();
    let history = History::new(logs);
    if let Err(rejected) = check(&spec, &history) {
        panic!("{rejected:?}\n{history:#?}");
    }
}

const SPEC: Deque = Deque { lifo: true, bound: None, batch_max: 4 };

#[test]
fn deque_histories_are_linearizable_lifo() {
    histories(|round| judge(SPEC, round, Worker::new_lifo()));
}

#[test]
fn deque_histories_are_linearizable_fifo() {
    histories(|round| judge(Deque { lifo: false, ..SPEC }, round, Worker::new_fifo()));
}

#[test]
fn deque_histories_are_linearizable_bounded() {
    histories(|round| {
        judge(Deque { bound: Some(3), ..SPEC }, round, BoundedWorker::new_lifo(3));
    });
}

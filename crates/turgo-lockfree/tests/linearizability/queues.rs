//! Histories of the queues and the stack, under real threads or shuttle's schedules.

use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::queue::{ArrayQueue, MsQueue, SegmentQueue};
use turgo_lockfree::rcu::Rcu;
use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::stack::TreiberStack;

use crate::lincheck::Recorder;
use crate::lincheck::spec::{Queue, QueueCall, QueueResult, Stack, StackCall, StackResult};
use crate::threads::{Round, histories, linearizable};

type Calls<'a> = Recorder<'a, QueueCall, QueueResult>;

fn pushed(result: Result<(), u32>) -> QueueResult {
    if result.is_ok() { QueueResult::Pushed } else { QueueResult::Full }
}

/// One thread's mix of all operations of a bounded queue. Values are told apart by thread and number.
fn bounded_mix(
    queue: &ArrayQueue<u32>,
    calls: &mut Calls<'_>,
    thread: u32,
    round: Round,
    force: bool,
) {
    let mut random = round.random(thread);
    for number in 0..round.size().1 {
        let value = thread * 1000 + number * 4;
        match random.below(if force { 7 } else { 6 }) {
            0 | 1 => calls.record(QueueCall::Push(value), || pushed(queue.push(value))),
            2 | 3 => calls.record(QueueCall::Pop, || QueueResult::Popped(queue.pop())),
            4 => calls.record_all(|| {
                let mut items = vec![value, value + 1];
                let count = queue.push_batch(&mut items);
                (0..count as u32)
                    .map(|n| (QueueCall::Push(value + n), QueueResult::Pushed))
                    .collect()
            }),
            5 => calls.record_all(|| {
                let mut out = Vec::new();
                queue.pop_batch(2, &mut out);
                out.into_iter()
                    .map(|item| (QueueCall::Pop, QueueResult::Popped(Some(item))))
                    .collect()
            }),
            _ => calls.record(QueueCall::ForcePush(value), || {
                QueueResult::Displaced(queue.force_push(value))
            }),
        }
    }
}

#[test]
fn array_queue_histories_are_linearizable() {
    for capacity in [1, 2, 3] {
        histories(move |round| {
            linearizable(
                &Queue { bound: Some(capacity) },
                || ArrayQueue::new(capacity),
                round.size().0,
                move |queue, calls, thread| bounded_mix(queue, calls, thread, round, false),
            );
        });
    }
}

#[test]
fn array_queue_histories_with_displacement_are_linearizable() {
    histories(|round| {
        linearizable(
            &Queue { bound: Some(2) },
            || ArrayQueue::new(2),
            round.size().0,
            move |queue, calls, thread| bounded_mix(queue, calls, thread, round, true),
        );
    });
}

/// What the unbounded queues have in common.
trait Unbounded: Default + Send + Sync + 'static {
    fn push(&self, value: u32);
    fn push_two(&self, values: [u32; 2]);
    fn pop(&self) -> Option<u32>;
    fn pop_two(&self) -> Vec<u32>;
    fn len(&self) -> Option<usize>;
}

impl<R: Reclaim + Default + 'static> Unbounded for MsQueue<u32, R> {
    fn push(&self, value: u32) {
        Self::push(self, value);
    }

    fn push_two(&self, values: [u32; 2]) {
        self.push_batch(values);
    }

    fn pop(&self) -> Option<u32> {
        Self::pop(self)
    }

    fn pop_two(&self) -> Vec<u32> {
        let mut out = Vec::new();
        self.pop_batch(2, &mut out);
        out
    }

    fn len(&self) -> Option<usize> {
        Some(Self::len(self))
    }
}

impl Unbounded for SegmentQueue<u32> {
    fn push(&self, value: u32) {
        Self::push(self, value);
    }

    fn push_two(&self, values: [u32; 2]) {
        self.push_batch(values);
    }

    fn pop(&self) -> Option<u32> {
        Self::pop(self)
    }

    fn pop_two(&self) -> Vec<u32> {
        let mut out = Vec::new();
        self.pop_batch(2, &mut out);
        out
    }

    /// Its length counts pushes that are under way.
    fn len(&self) -> Option<usize> {
        None
    }
}

#[test]
fn segment_queue_histories_are_linearizable() {
    judge_unbounded::<SegmentQueue<u32>>();
}

fn judge_unbounded<Q: Unbounded>() {
    histories(|round| {
        let (threads, operations) = round.size();
        linearizable(&Queue { bound: None }, Q::default, threads, move |queue, calls, thread| {
            let mut random = round.random(thread);
            for number in 0..operations {
                let value = thread * 1000 + number * 4;
                match random.below(7) {
                    0 | 1 => calls.record(QueueCall::Push(value), || {
                        queue.push(value);
                        QueueResult::Pushed
                    }),
                    2 | 3 => calls.record(QueueCall::Pop, || QueueResult::Popped(queue.pop())),
                    4 => calls.record_all(|| {
                        queue.push_two([value, value + 1]);
                        [value, value + 1]
                            .map(|value| (QueueCall::Push(value), QueueResult::Pushed))
                            .into()
                    }),
                    5 => calls.record_all(|| {
                        let popped = |item| (QueueCall::Pop, QueueResult::Popped(Some(item)));
                        queue.pop_two().into_iter().map(popped).collect()
                    }),
                    _ => {
                        if queue.len().is_some() {
                            calls.record(QueueCall::Len, || {
                                QueueResult::Len(queue.len().expect("it has one"))
                            });
                        }
                    }
                }
            }
        });
    });
}

#[test]
fn ms_queue_histories_are_linearizable_with_rcu() {
    judge_unbounded::<MsQueue<u32, Rcu>>();
}

#[test]
fn ms_queue_histories_are_linearizable_with_hazard_pointers() {
    judge_unbounded::<MsQueue<u32, Hazard>>();
}

#[test]
fn stack_histories_are_linearizable() {
    stack_histories::<Rcu>();
    stack_histories::<Hazard>();
}

fn stack_histories<R: Reclaim + Default + 'static>() {
    histories(|round| {
        let (threads, operations) = round.size();
        linearizable(
            &Stack,
            TreiberStack::<u32, R>::default,
            threads,
            move |stack, calls, thread| {
                let mut random = round.random(thread);
                for number in 0..operations {
                    let value = thread * 1000 + number * 4;
                    match random.below(8) {
                        0..3 => calls.record(StackCall::Push(value), || {
                            stack.push(value);
                            StackResult::Pushed
                        }),
                        3..6 => calls.record(StackCall::Pop, || StackResult::Popped(stack.pop())),
                        6 => calls.record(StackCall::PushAll(vec![value, value + 1]), || {
                            stack.push_all([value, value + 1]);
                            StackResult::Pushed
                        }),
                        _ => calls.record(StackCall::TakeAll, || {
                            StackResult::Taken(stack.take_all().collect())
                        }),
                    }
                }
            },
        );
    });
}

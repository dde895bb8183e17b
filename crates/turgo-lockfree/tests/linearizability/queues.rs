//! Histories of the queues, under real threads or shuttle's schedules.

use turgo_lockfree::queue::ArrayQueue;

use crate::lincheck::Recorder;
use crate::lincheck::spec::{Queue, QueueCall, QueueResult};
use crate::threads::{Random, histories, linearizable};

type Calls<'a> = Recorder<'a, QueueCall, QueueResult>;

fn pushed(result: Result<(), u32>) -> QueueResult {
    if result.is_ok() { QueueResult::Pushed } else { QueueResult::Full }
}

/// One thread's mix of all operations of a bounded queue. Values are told apart by thread and number.
fn bounded_mix(
    queue: &ArrayQueue<u32>,
    calls: &mut Calls<'_>,
    thread: u32,
    operations: u32,
    force: bool,
) {
    let mut random = Random::new(thread);
    for number in 0..operations {
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
            let (threads, operations) = round.size();
            linearizable(
                &Queue { bound: Some(capacity) },
                round,
                || ArrayQueue::new(capacity),
                threads,
                move |queue, calls, thread| bounded_mix(queue, calls, thread, operations, false),
            );
        });
    }
}

#[test]
fn array_queue_histories_with_displacement_are_linearizable() {
    histories(|round| {
        let (threads, operations) = round.size();
        linearizable(
            &Queue { bound: Some(2) },
            round,
            || ArrayQueue::new(2),
            threads,
            move |queue, calls, thread| bounded_mix(queue, calls, thread, operations, true),
        );
    });
}

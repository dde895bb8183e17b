//! Histories chosen by bytes: which structure, what each thread does, and where threads are switched.
//!
//! Under shuttle the last bytes are the schedule: the same bytes are the same history, so that a fuzzer can look for a bad one and keep it.
//! With real threads they say how long each waits before an operation. What is missing counts as 0: any bytes are a history.

use std::sync::Arc;

use turgo_lockfree::deque::{Steal, Worker};
use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::queue::{ArrayQueue, MsQueue, SegmentQueue};
use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::stack::TreiberStack;
use turgo_lockfree::{RcuCell, hazard, rcu};
use turgo_machine::thread;

use crate::lincheck::spec::{
    Deque, DequeCall, DequeResult, MapCall, MapEntry, MapResult, Queue, QueueCall, QueueResult,
    Register, RegisterCall, RegisterResult, Stack, StackCall, StackResult,
};
use crate::lincheck::{Clock, History, Recorder, check};
use crate::shared::Shared;
use crate::threads::{linearizable, linearizable_by};

/// The most operations of a thread, and the most choices of a schedule.
const OPERATIONS_MAX: usize = 6;
const CHOICES_MAX: usize = 400;

/// What some bytes mean.
#[derive(Debug)]
struct Plan {
    kind: u8,
    /// What each thread does.
    calls: Vec<Vec<u8>>,
    /// Where threads are switched, or how long they wait.
    choices: Vec<u8>,
}

impl Plan {
    fn of(bytes: &[u8]) -> Self {
        let mut bytes = bytes.iter().copied();
        let mut next = || bytes.next().unwrap_or(0);
        let (kind, threads) = (next(), 2 + next() % 2);
        let mut thread = || {
            let count = 1 + usize::from(next()) % OPERATIONS_MAX;
            (0..count).map(|_| next()).collect()
        };
        let calls = (0..threads).map(|_| thread()).collect();
        Self { kind, calls, choices: bytes.take(CHOICES_MAX).collect() }
    }

    fn threads(&self) -> u32 {
        self.calls.len() as u32
    }

    /// A thread's calls, with a value for each that no other call has.
    fn calls(&self, thread: u32) -> impl Iterator<Item = (u8, u32)> + '_ {
        let calls = &self.calls[thread as usize];
        calls.iter().zip((thread * 100..).step_by(2)).map(move |(call, value)| {
            self.wait(thread, value);
            (*call, value)
        })
    }

    /// With real threads, waits as the bytes say.
    fn wait(&self, thread: u32, value: u32) {
        if cfg!(not(shuttle)) {
            let choice =
                self.choices.get((thread * 7 + value) as usize % self.choices.len().max(1));
            (0..choice.copied().unwrap_or(0)).for_each(|_| thread::spin_loop());
        }
    }
}

/// Any bytes are a history that is linearizable.
///
/// # Panics
///
/// Where it is not.
pub(crate) fn hold(bytes: &[u8]) {
    let plan = Arc::new(Plan::of(bytes));
    #[cfg(shuttle)]
    {
        let scheduler = schedule::Chosen::new(plan.choices.clone());
        let runner = shuttle::Runner::new(scheduler, shuttle::Config::new());
        runner.run(move || run(&plan));
    }
    #[cfg(not(shuttle))]
    run(&plan);
}

fn run(plan: &Arc<Plan>) {
    let bounded = Some(2);
    match plan.kind % 12 {
        0 => queue(plan, None, || MsQueue::new_in(rcu::Domain::new())),
        1 => queue(plan, None, || MsQueue::new_in(hazard::Domain::new())),
        2 => queue(plan, None, SegmentQueue::new),
        3 => queue(plan, bounded, || ArrayQueue::new(2)),
        4 => stack(plan, rcu::Domain::new()),
        5 => stack(plan, hazard::Domain::new()),
        6 => deque(plan, Worker::new_lifo(), true),
        7 => deque(plan, Worker::new_fifo(), false),
        8 => map(plan, rcu::Domain::new()),
        9 => map(plan, hazard::Domain::new()),
        10 => cell(plan, rcu::Domain::new()),
        _ => cell(plan, hazard::Domain::new()),
    }
}

/// What the queues have in common.
trait Pushes: Send + Sync + 'static {
    fn push(&self, value: u32) -> QueueResult;
    fn pop(&self) -> Option<u32>;
    /// A second way to push.
    fn push_other(&self, value: u32) -> (QueueCall, QueueResult);
}

macro_rules! pushes {
    ($type:ident $(, $reclaim:ident)?) => {
        impl$(<$reclaim: Reclaim + 'static>)? Pushes for $type<u32 $(, $reclaim)?> {
            fn push(&self, value: u32) -> QueueResult {
                $type::push(self, value);
                QueueResult::Pushed
            }

            fn pop(&self) -> Option<u32> {
                $type::pop(self)
            }

            fn push_other(&self, value: u32) -> (QueueCall, QueueResult) {
                self.push_batch([value]);
                (QueueCall::Push(value), QueueResult::Pushed)
            }
        }
    };
}

pushes!(MsQueue, R);
pushes!(SegmentQueue);

impl Pushes for ArrayQueue<u32> {
    fn push(&self, value: u32) -> QueueResult {
        if Self::push(self, value).is_ok() { QueueResult::Pushed } else { QueueResult::Full }
    }

    fn pop(&self) -> Option<u32> {
        Self::pop(self)
    }

    fn push_other(&self, value: u32) -> (QueueCall, QueueResult) {
        (QueueCall::ForcePush(value), QueueResult::Displaced(self.force_push(value)))
    }
}

fn queue<Q: Pushes>(plan: &Arc<Plan>, bound: Option<usize>, object: impl FnOnce() -> Q) {
    let calls_of = Arc::clone(plan);
    linearizable(&Queue { bound }, object, plan.threads(), move |queue, calls, thread| {
        for (call, value) in calls_of.calls(thread) {
            match call % 5 {
                0 | 1 => calls.record(QueueCall::Push(value), || queue.push(value)),
                2 => calls.record_all(|| vec![queue.push_other(value)]),
                _ => calls.record(QueueCall::Pop, || QueueResult::Popped(queue.pop())),
            }
        }
    });
}

fn stack<R: Reclaim + 'static>(plan: &Arc<Plan>, domain: R) {
    let calls_of = Arc::clone(plan);
    let object = || TreiberStack::new_in(domain);
    linearizable(&Stack, object, plan.threads(), move |stack, calls, thread| {
        for (call, value) in calls_of.calls(thread) {
            match call % 6 {
                0 | 1 => calls.record(StackCall::Push(value), || {
                    stack.push(value);
                    StackResult::Pushed
                }),
                2 => calls.record(StackCall::PushAll(vec![value, value + 1]), || {
                    stack.push_all([value, value + 1]);
                    StackResult::Pushed
                }),
                3 => calls
                    .record(StackCall::TakeAll, || StackResult::Taken(stack.take_all().collect())),
                _ => calls.record(StackCall::Pop, || StackResult::Popped(stack.pop())),
            }
        }
    });
}

/// The first thread owns the deque, the others steal.
fn deque(plan: &Arc<Plan>, worker: Worker<u32>, lifo: bool) {
    let clock = Shared::new(Clock::new());
    let steal = |index: u32| {
        let (stealer, clock, plan) = (worker.stealer(), clock.share(), Arc::clone(plan));
        thread::spawn(move || {
            let mut calls = Recorder::new(&clock);
            let stolen = |steal| match steal {
                Steal::Empty => DequeResult::Empty,
                Steal::Retry => DequeResult::Retry,
                Steal::Success(item) => DequeResult::Stolen(item),
            };
            for _ in plan.calls(index) {
                calls.record(DequeCall::Steal, || stolen(stealer.steal()));
            }
            calls.finish()
        })
    };
    let thieves: Vec<_> = (1..plan.threads()).map(steal).collect();
    let mut calls = Recorder::new(&clock);
    for (call, value) in plan.calls(0) {
        if call % 5 < 3 {
            calls.record(DequeCall::Push(value), || {
                worker.push(value);
                DequeResult::Pushed
            });
        } else {
            calls.record(DequeCall::Pop, || DequeResult::Popped(worker.pop()));
        }
    }
    let mut logs = vec![calls.finish()];
    logs.extend(thieves.into_iter().map(|thief| thief.join().expect("a thief has panicked")));
    clock.free();
    let (spec, history) = (Deque { lifo, bound: None, batch_max: 1 }, History::new(logs));
    if let Err(rejected) = check(&spec, &history) {
        panic!("{rejected:?}\n{history:#?}");
    }
}

fn map<R: Reclaim + 'static>(plan: &Arc<Plan>, domain: R) {
    let calls_of = Arc::clone(plan);
    let object = || RcuHashMap::new_in(0, std::hash::BuildHasherDefault::default(), domain);
    let run = move |map: &Map<R>, calls: &mut Recorder<'_, MapCall, MapResult>, thread| {
        for (call, value) in calls_of.calls(thread) {
            let key = u32::from(call >> 4) % 3;
            match call % 4 {
                0 => calls.record(MapCall::Get(key), || MapResult(map.get(&key))),
                1 => calls.record(MapCall::Remove(key), || {
                    let mut before = None;
                    let removed = map.remove_if(&key, |old| {
                        before = Some(*old);
                        true
                    });
                    MapResult(before.filter(|_| removed))
                }),
                _ => calls.record(MapCall::Insert(key, value), || {
                    let mut before = None;
                    map.upsert(key, |old| {
                        before = old.copied();
                        value
                    });
                    MapResult(before)
                }),
            }
        }
    };
    linearizable_by(&MapEntry, MapCall::key, object, plan.threads(), run);
}

/// Hashes alike in every run.
type Map<R> = RcuHashMap<
    u32,
    u32,
    std::hash::BuildHasherDefault<std::collections::hash_map::DefaultHasher>,
    R,
>;

fn cell<R: Reclaim + 'static>(plan: &Arc<Plan>, domain: R) {
    let calls_of = Arc::clone(plan);
    let object = || RcuCell::new_in(0, domain);
    linearizable(&Register, object, plan.threads(), move |cell, calls, thread| {
        for (call, value) in calls_of.calls(thread) {
            match call % 4 {
                0 => calls
                    .record(RegisterCall::Load, || RegisterResult::Value(cell.read(|now| *now))),
                1 => calls.record(RegisterCall::Store(value), || {
                    cell.store(value);
                    RegisterResult::Stored
                }),
                2 => calls
                    .record(RegisterCall::Swap(value), || RegisterResult::Value(*cell.swap(value))),
                _ => calls.record(RegisterCall::Add(1), || {
                    RegisterResult::Value(*cell.rcu(|now| now.wrapping_add(1)))
                }),
            }
        }
    });
}

#[cfg(shuttle)]
mod schedule {
    //! A schedule that bytes choose.

    use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

    /// One execution; a byte for each step where there is a choice.
    pub(super) struct Chosen {
        choices: std::vec::IntoIter<u8>,
        began: bool,
    }

    impl Chosen {
        pub(super) fn new(choices: Vec<u8>) -> Self {
            Self { choices: choices.into_iter(), began: false }
        }
    }

    impl Scheduler for Chosen {
        fn new_execution(&mut self) -> Option<Schedule> {
            let first = !std::mem::replace(&mut self.began, true);
            first.then(|| Schedule::new(0))
        }

        /// Stays with the current thread for the lower half of the bytes; without bytes until it waits.
        fn next_task(
            &mut self,
            runnable: &[&Task],
            current: Option<TaskId>,
            is_yielding: bool,
        ) -> Option<TaskId> {
            let at = current.and_then(|id| runnable.iter().position(|task| task.id() == id));
            let choice = if runnable.len() > 1 { self.choices.next() } else { None };
            let next = match (at, choice) {
                (Some(at), Some(0..128) | None) if !is_yielding => at,
                (at, None) => at.map_or(0, |at| (at + 1) % runnable.len()),
                (_, Some(choice)) => usize::from(choice) % runnable.len(),
            };
            Some(runnable[next].id())
        }

        fn next_u64(&mut self) -> u64 {
            0
        }
    }
}

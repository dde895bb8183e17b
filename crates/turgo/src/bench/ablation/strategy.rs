//! The strategies: our shape, and the same with one lock put back.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;

use super::groups::{Groups, Row};

/// Rows that wait for one worker, whatever they come in.
const WAITING_ROWS: usize = 256 << 10;

/// Where the state of groups is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Each worker has its own; they are merged at the end.
    Owned,
    /// One engine, locked for each batch.
    Engine,
    /// One table of accumulators, locked for each row.
    Accumulator,
}

/// One way to do it.
#[derive(Debug)]
pub(super) struct Strategy {
    pub(super) name: &'static str,
    /// In one line.
    pub(super) what: &'static str,
    state: State,
    /// Rows of a message to a worker; `None`: a batch.
    message_rows: Option<usize>,
    /// The count of rows is shared and locked for each.
    shared_count: bool,
}

const OURS: Strategy = Strategy {
    name: "ours",
    what: "batches through a queue, a state for each worker, merged at the end; counted by batch",
    state: State::Owned,
    message_rows: None,
    shared_count: false,
};

/// Ours first.
pub(super) static STRATEGIES: [Strategy; 5] = [
    OURS,
    Strategy {
        name: "engine in a RwLock",
        what: "all workers share one engine, and write to it under its lock, a batch at a time",
        state: State::Engine,
        ..OURS
    },
    Strategy {
        name: "channel of rows",
        what: "each row is sent by itself through Mutex<VecDeque> and Condvar",
        message_rows: Some(1),
        ..OURS
    },
    Strategy {
        name: "shared accumulators",
        what: "all workers add to one Mutex<HashMap>, a row at a time",
        state: State::Accumulator,
        ..OURS
    },
    Strategy {
        name: "locked metadata",
        what: "each row is counted in one Mutex that all workers share",
        shared_count: true,
        ..OURS
    },
];

impl Strategy {
    /// Aggregates `batches` on `workers` threads; also says how many rows were counted.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(super) fn run(&self, batches: &[Vec<Row>], workers: usize) -> io::Result<(Groups, u64)> {
        let queues: Vec<Queue<'_>> = (0..workers).map(|_| Queue::default()).collect();
        let shared = Shared::default();
        let owned = thread::scope(|scope| {
            // Whatever happens to this thread, the workers must see an end.
            let closing = Close(&queues);
            let mut threads = Vec::new();
            for (worker, queue) in queues.iter().enumerate() {
                let builder = thread::Builder::new().name(format!("ablation-{worker}"));
                let shared = &shared;
                threads.push(builder.spawn_scoped(scope, move || self.work(queue, shared))?);
            }
            for (at, batch) in batches.iter().enumerate() {
                let queue = &queues[at % workers];
                let rows = self.message_rows.unwrap_or(batch.len());
                batch.chunks(rows).for_each(|rows| queue.send(rows));
            }
            drop(closing);
            let join = |thread: thread::ScopedJoinHandle<'_, _>| match thread.join() {
                Ok(owned) => owned,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            io::Result::Ok(threads.into_iter().map(join).collect::<Vec<_>>())
        })?;
        let Shared { engine, accumulators, count } = shared;
        let mut groups = engine.into_inner().unwrap_or_else(PoisonError::into_inner);
        groups.merge(accumulators.into_inner().unwrap_or_else(PoisonError::into_inner));
        let mut counted = count.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (own, count) in owned {
            groups.merge(own);
            counted += count;
        }
        Ok((groups, counted))
    }

    /// A worker's life: what it knows itself, and how many rows it has counted by itself.
    fn work(&self, queue: &Queue<'_>, shared: &Shared) -> (Groups, u64) {
        let (mut own, mut counted) = (Groups::default(), 0);
        while let Some(rows) = queue.receive() {
            match self.state {
                State::Owned => rows.iter().for_each(|row| own.add(row)),
                State::Engine => {
                    let mut engine = shared.engine.write().unwrap_or_else(PoisonError::into_inner);
                    rows.iter().for_each(|row| engine.add(row));
                }
                State::Accumulator => rows.iter().for_each(|row| {
                    shared.accumulators.lock().unwrap_or_else(PoisonError::into_inner).add(row);
                }),
            }
            if self.shared_count {
                for _ in rows {
                    *shared.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                }
            } else {
                counted += rows.len() as u64;
            }
        }
        (own, counted)
    }
}

/// What a strategy may share.
#[derive(Debug, Default)]
struct Shared {
    // LOCK: taken per batch by a strategy that is there to be compared with having none.
    engine: RwLock<Groups>,
    // LOCK: taken per row by a strategy that is there to be compared with having none.
    accumulators: Mutex<Groups>,
    // LOCK: taken per row by a strategy that is there to be compared with having none.
    count: Mutex<u64>,
}

/// What waits for a worker.
#[derive(Debug, Default)]
struct Waiting<'a> {
    messages: VecDeque<&'a [Row]>,
    rows: usize,
    closed: bool,
}

/// A bounded queue of one sender and one receiver.
#[derive(Debug, Default)]
struct Queue<'a> {
    // LOCK: taken once per message: a batch, or a row where that is the strategy.
    waiting: Mutex<Waiting<'a>>,
    // LOCK: the worker waits here for rows.
    arrived: Condvar,
    // LOCK: the sender waits here for room.
    room: Condvar,
}

impl<'a> Queue<'a> {
    fn lock(&self) -> MutexGuard<'_, Waiting<'a>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, rows: &'a [Row]) {
        let mut waiting = self.lock();
        while waiting.rows >= WAITING_ROWS {
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.rows += rows.len();
        waiting.messages.push_back(rows);
        drop(waiting);
        self.arrived.notify_one();
    }

    fn receive(&self) -> Option<&'a [Row]> {
        let mut waiting = self.lock();
        loop {
            if let Some(rows) = waiting.messages.pop_front() {
                waiting.rows -= rows.len();
                drop(waiting);
                self.room.notify_one();
                return Some(rows);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Closes queues when it is dropped.
struct Close<'a, 'b>(&'a [Queue<'b>]);

impl Drop for Close<'_, '_> {
    fn drop(&mut self) {
        for queue in self.0 {
            queue.lock().closed = true;
            queue.arrived.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::groups::Data;
    use super::*;

    #[test]
    fn every_strategy_gives_the_same_answer() {
        for data in [Data::Windows, Data::Groups] {
            let (rows, batches) = (40_000, data.batches(40_000));
            for strategy in &STRATEGIES {
                for workers in [1, 3] {
                    let (groups, counted) = strategy.run(&batches, workers).unwrap();
                    let difference = data.answer(rows).difference(&groups.answer());
                    assert_eq!(difference, None, "{} over {}", strategy.name, data.name());
                    assert_eq!(counted, rows);
                }
            }
        }
    }
}

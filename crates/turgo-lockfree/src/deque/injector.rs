//! Where work comes in from outside: a queue that anybody pushes to and workers steal from.

use core::fmt;

use super::steal::Steal;
use super::stealer::{BATCH_MAX, Destination};
use crate::queue::SegmentQueue;

/// A first-in-first-out queue to hand tasks to workers, with the methods of crossbeam-deque's type of the same name.
///
/// Lock-free and linearizable: a [`SegmentQueue`]. A steal here never asks to be tried again. A batch is several steals one after the other,
/// of which one step takes as many as lie in one of the queue's segments.
///
/// ```
/// use turgo_lockfree::deque::{Injector, Steal, Worker};
///
/// let injector = Injector::new();
/// (1..=4).for_each(|task| injector.push(task));
/// let worker = Worker::new_lifo();
/// assert_eq!(injector.steal_batch_and_pop(&worker), Steal::Success(1));
/// assert_eq!(worker.pop(), Some(2));
/// ```
pub struct Injector<T> {
    queue: SegmentQueue<T>,
}

impl<T> Injector<T> {
    crate::fence::maybe_const! {
        /// An empty injector. The first push allocates.
        #[must_use]
        pub fn new() -> Self {
            Self { queue: SegmentQueue::new() }
        }
    }

    /// Adds a task.
    pub fn push(&self, task: T) {
        self.queue.push(task);
    }

    /// Takes the oldest task.
    pub fn steal(&self) -> Steal<T> {
        self.queue.pop().map_or(Steal::Empty, Steal::Success)
    }

    /// Takes half of the tasks, rounded up and at most 32, and pushes them to `dest`, which will pop the oldest first. Where `dest` is bounded and
    /// full this is [`Steal::Empty`].
    pub fn steal_batch(&self, dest: &impl Destination<T>) -> Steal<()> {
        self.steal_batch_with_limit(dest, BATCH_MAX)
    }

    /// As [`steal_batch`](Self::steal_batch), with another limit.
    ///
    /// # Panics
    ///
    /// Where `limit` is 0.
    pub fn steal_batch_with_limit(&self, dest: &impl Destination<T>, limit: usize) -> Steal<()> {
        assert!(limit > 0);
        let room = dest.make_room(limit.min(self.len().div_ceil(2)));
        match dest.owner().take_in(room, |wanted, put| self.queue.pop_some(wanted, put)) {
            0 => Steal::Empty,
            _ => Steal::Success(()),
        }
    }

    /// Takes a batch as [`steal_batch`](Self::steal_batch) does and gives its oldest task.
    pub fn steal_batch_and_pop(&self, dest: &impl Destination<T>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, BATCH_MAX)
    }

    /// As [`steal_batch_and_pop`](Self::steal_batch_and_pop), with another limit.
    ///
    /// # Panics
    ///
    /// Where `limit` is 0.
    pub fn steal_batch_with_limit_and_pop(
        &self,
        dest: &impl Destination<T>,
        limit: usize,
    ) -> Steal<T> {
        assert!(limit > 0);
        let more = (limit - 1).min(self.len().saturating_sub(1) / 2);
        // Room first: a task that was taken must not be lost where memory runs out.
        let room = dest.make_room(more);
        let Some(first) = self.queue.pop() else { return Steal::Empty };
        dest.owner().take_in(room, |wanted, put| self.queue.pop_some(wanted, put));
        Steal::Success(first)
    }

    /// Whether there was nothing to steal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Tasks in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }
}

impl<T> Default for Injector<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Injector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Injector { .. }")
    }
}

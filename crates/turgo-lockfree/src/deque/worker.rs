//! The owner's handle of a deque that grows.

use core::fmt;

use super::owner::Owner;
use super::shared::Order;
use super::stealer::Stealer;

/// Slots of a new deque.
const SLOTS: u32 = if cfg!(loom) { 2 } else { 64 };

/// The owner of a deque that grows, with the methods of crossbeam-deque's type of the same name.
///
/// `push` is wait-free but where it has to grow; then it copies all items, once per doubling. `pop` is wait-free, and repeats nothing. Chase and Lev 2005; see
/// the [module](super) for what differs.
///
/// It can move to another thread where `T: Send`, and has one owner at a time: it is not `Sync`.
///
/// ```
/// use turgo_lockfree::deque::{Steal, Worker};
///
/// let worker = Worker::new_lifo();
/// let stealer = worker.stealer();
/// (1..=3).for_each(|task| worker.push(task));
/// assert_eq!(worker.pop(), Some(3));
/// assert_eq!(stealer.steal(), Steal::Success(1));
/// ```
pub struct Worker<T> {
    pub(super) owner: Owner<T>,
}

impl<T> Worker<T> {
    /// A deque whose owner pops what it pushed last.
    #[must_use]
    pub fn new_lifo() -> Self {
        Self { owner: Owner::new(Order::Lifo, SLOTS) }
    }

    /// A deque whose owner pops what it pushed first.
    #[must_use]
    pub fn new_fifo() -> Self {
        Self { owner: Owner::new(Order::Fifo, SLOTS) }
    }

    /// A handle to steal with.
    #[must_use]
    pub fn stealer(&self) -> Stealer<T> {
        Stealer::of(&self.owner)
    }

    /// Adds an item.
    ///
    /// # Panics
    ///
    /// Where the deque would need more than 2^30 slots.
    #[inline]
    pub fn push(&self, value: T) {
        if let Err(value) = self.owner.put_below(self.owner.slots(), value) {
            self.push_anew(value);
        }
    }

    #[cold]
    fn push_anew(&self, value: T) {
        if self.owner.room(self.owner.slots(), 1) == 0 {
            self.owner.grow(1);
        }
        self.owner.put(value);
    }

    /// Takes an item: the newest or the oldest, as the deque was made.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.owner.pop()
    }

    /// Whether there was nothing in the deque.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Items in the deque; thieves can only make it less.
    #[must_use]
    pub fn len(&self) -> usize {
        self.owner.len()
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Worker { .. }")
    }
}

//! The owner's handle of a deque that does not grow.

use core::fmt;

use turgo_machine::mutant;

use super::owner::Owner;
use super::shared::Order;
use super::stealer::Stealer;

/// The owner of a deque with room for a fixed number of items: [`push`](Self::push) gives back what does not fit.
///
/// Wait-free, and allocates only when it is made. Otherwise as [`Worker`](super::Worker); its thieves are the same.
///
/// ```
/// let worker = turgo_lockfree::deque::BoundedWorker::new_lifo(1);
/// assert_eq!(worker.push('a'), Ok(()));
/// assert_eq!(worker.push('b'), Err('b'));
/// assert_eq!(worker.pop(), Some('a'));
/// ```
pub struct BoundedWorker<T> {
    pub(super) owner: Owner<T>,
    pub(super) capacity: u32,
}

impl<T> BoundedWorker<T> {
    /// A deque for up to `capacity` items whose owner pops what it pushed last.
    ///
    /// # Panics
    ///
    /// Where `capacity` is 0 or above 2^30.
    #[must_use]
    pub fn new_lifo(capacity: usize) -> Self {
        Self::new(Order::Lifo, capacity)
    }

    /// A deque for up to `capacity` items whose owner pops what it pushed first.
    ///
    /// # Panics
    ///
    /// Where `capacity` is 0 or above 2^30.
    #[must_use]
    pub fn new_fifo(capacity: usize) -> Self {
        Self::new(Order::Fifo, capacity)
    }

    fn new(order: Order, capacity: usize) -> Self {
        assert!(capacity > 0, "a deque without room");
        assert!(capacity <= 1 << 30, "a deque past 2^30 items");
        let capacity = u32::try_from(capacity).expect("it is at most 2^30");
        Self { owner: Owner::new(order, capacity.next_power_of_two()), capacity }
    }

    /// A handle to steal with.
    #[must_use]
    pub fn stealer(&self) -> Stealer<T> {
        Stealer::of(&self.owner)
    }

    /// Adds an item.
    ///
    /// # Errors
    ///
    /// Gives the item back where the deque is full.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), T> {
        self.owner.put_below(self.capacity, value).or_else(|value| self.push_anew(value))
    }

    #[cold]
    fn push_anew(&self, value: T) -> Result<(), T> {
        let is_full = self.owner.room(self.capacity, 1) == 0;
        if is_full && !mutant!("D8 bounded push overwrites") {
            return Err(value);
        }
        self.owner.put(value);
        Ok(())
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

    /// Items the deque can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }
}

impl<T> fmt::Debug for BoundedWorker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("BoundedWorker { .. }")
    }
}

//! The thieves' handle, and the deques that stolen batches go to.

use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use super::bounded::BoundedWorker;
use super::owner::Owner;
use super::shared::Shared;
use super::steal::Steal;
use super::worker::Worker;

/// The most items a batch takes where the caller names no limit.
pub(super) const BATCH_MAX: usize = 32;

/// Steals from a deque, from any thread and together with others.
///
/// Lock-free: a steal takes a bounded number of steps and fails with [`Steal::Retry`] only where another thread took an item. Linearizable.
/// Chase and Lev 2005; see the [module](super) for what differs.
pub struct Stealer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Stealer<T> {
    pub(super) fn of(owner: &Owner<T>) -> Self {
        Self { shared: Arc::clone(&owner.shared) }
    }

    /// Whether there was nothing in the deque.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Items in the deque at some instant during the call.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Steals the oldest item.
    pub fn steal(&self) -> Steal<T> {
        self.shared.steal()
    }

    /// Steals half of the items, rounded up and at most 32, and pushes them to `dest`. Its owner pops them in the order in which theirs would have.
    ///
    /// `dest` is a [`Worker`], or a [`BoundedWorker`], to which no more go than fit: where that is full, this is [`Steal::Empty`].
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
        let owner = dest.owner();
        if Arc::ptr_eq(&self.shared, &owner.shared) {
            return if owner.len() == 0 { Steal::Empty } else { Steal::Success(()) };
        }
        match dest.make_room(limit.min(self.len().div_ceil(2))) {
            0 => Steal::Empty,
            room => owner.steal_from(&self.shared, room, false).map(|_| ()),
        }
    }

    /// Steals a batch as [`steal_batch`](Self::steal_batch) does and gives the item of it that would be popped first.
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
        let owner = dest.owner();
        if Arc::ptr_eq(&self.shared, &owner.shared) {
            return owner.pop().map_or(Steal::Empty, Steal::Success);
        }
        match dest.make_room(limit.min(self.len().div_ceil(2))) {
            // One needs no room: it is given back.
            0 => self.steal(),
            room => owner
                .steal_from(&self.shared, room, true)
                .map(|first| first.expect("a batch has at least one item")),
        }
    }
}

/// A deque that stolen batches go to: [`Worker`] or [`BoundedWorker`], or what leads to one as a reference, a box or a lock's guard does.
pub trait Destination<T>: sealed::Destination<T> {}

impl<T> Destination<T> for Worker<T> {}
impl<T> Destination<T> for BoundedWorker<T> {}
impl<T, P: Deref<Target: Destination<T>>> Destination<T> for P {}

pub(super) mod sealed {
    //! What stealing needs of the deque it fills.

    use super::super::owner::Owner;

    #[allow(unnameable_types, private_interfaces, reason = "nobody else may implement it")]
    pub trait Destination<T> {
        fn owner(&self) -> &Owner<T>;

        /// Makes room for `wanted` items; how many fit then, at most as many.
        fn make_room(&self, wanted: usize) -> u32;
    }
}

#[allow(private_interfaces, reason = "nobody else may implement it")]
impl<T> sealed::Destination<T> for Worker<T> {
    fn owner(&self) -> &Owner<T> {
        &self.owner
    }

    fn make_room(&self, wanted: usize) -> u32 {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        if self.owner.room(self.owner.slots(), wanted) < wanted {
            self.owner.grow(wanted);
        }
        wanted
    }
}

#[allow(private_interfaces, reason = "nobody else may implement it")]
impl<T> sealed::Destination<T> for BoundedWorker<T> {
    fn owner(&self) -> &Owner<T> {
        &self.owner
    }

    fn make_room(&self, wanted: usize) -> u32 {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        self.owner.room(self.capacity, wanted).min(wanted)
    }
}

#[allow(private_interfaces, reason = "nobody else may implement it")]
impl<T, P: Deref<Target: Destination<T>>> sealed::Destination<T> for P {
    fn owner(&self) -> &Owner<T> {
        self.deref().owner()
    }

    fn make_room(&self, wanted: usize) -> u32 {
        self.deref().make_room(wanted)
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Stealer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Stealer { .. }")
    }
}

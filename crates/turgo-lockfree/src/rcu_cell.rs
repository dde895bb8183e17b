//! A cell whose value is replaced as a whole while others read it: `arc-swap`'s shape over [`Reclaim`], without reference counts.
//!
//! - **C1** The node in the cell is in no other place. Whoever swaps it out is its only owner and retires it; so what a shield has validated
//!   against the cell is protected (R2).
//! - **C2** A guard or shield of another domain protects nothing here: every function that takes one checks it.

#[cfg(test)]
mod tests;

use core::fmt;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use crate::rcu::Rcu;
use crate::reclaim::{Atomic, Owned, ReadGuard, Reclaim, Shared, Shield};

/// A value that is read in place and replaced as a whole.
///
/// [`read`](Self::read) is wait-free with RCU and lock-free with hazard pointers, as is [`load`](Self::load). Writers
/// are lock-free; what they replace is freed when its readers have left.
///
/// ```
/// use turgo_lockfree::RcuCell;
/// let limits: RcuCell<Vec<u32>> = RcuCell::new(vec![1]);
/// limits.rcu(|old| old.iter().copied().chain([2]).collect());
/// assert_eq!(limits.read(|now| now.len()), 2);
/// ```
pub struct RcuCell<T: Send + Sync + 'static, R: Reclaim = Rcu> {
    node: Atomic<T>,
    reclaim: R,
}

impl<T: Send + Sync + 'static> RcuCell<T> {
    /// A cell of the default RCU domain.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::new_in(value, Rcu)
    }
}

impl<T: Send + Sync + 'static, R: Reclaim> RcuCell<T, R> {
    /// A cell of a domain.
    #[must_use]
    pub fn new_in(value: T, reclaim: R) -> Self {
        Self { node: Atomic::new(value), reclaim }
    }

    /// The domain.
    pub fn domain(&self) -> &R {
        &self.reclaim
    }

    /// A guard to [`load`](Self::load) with.
    pub fn enter(&self) -> R::Guard<'_> {
        self.reclaim.enter()
    }

    /// The value, for as long as the shield is not used otherwise.
    ///
    /// # Panics
    ///
    /// If `guard` or `shield` belongs to another domain.
    #[inline]
    pub fn load<'c, 'g, 's>(
        &'c self,
        guard: &'g R::Guard<'c>,
        shield: &'s mut <R::Guard<'c> as ReadGuard>::Shield<'g>,
    ) -> &'s T {
        let owns = self.reclaim.owns(guard) || mutant!("C2 guard of another domain");
        assert!(owns, "the guard belongs to another domain");
        let protects = self.reclaim.protects(shield) || mutant!("C2 shield of another domain");
        assert!(protects, "the shield belongs to another domain");
        // SAFETY: C1, and the cell is never empty.
        unsafe { shield.protect(&self.node).deref() }
    }

    /// Calls `f` with the value.
    #[inline]
    pub fn read<U>(&self, f: impl FnOnce(&T) -> U) -> U {
        let guard = self.reclaim.enter();
        let mut shield = guard.shield();
        // SAFETY: C1, and the cell is never empty.
        f(unsafe { shield.protect(&self.node).deref() })
    }

    /// A copy of the value.
    pub fn load_full(&self) -> T
    where
        T: Clone,
    {
        self.read(T::clone)
    }

    /// Replaces the value.
    pub fn store(&self, value: T) {
        drop(self.swap(value));
    }

    /// Replaces the value and returns the one before, which readers may still be reading.
    pub fn swap(&self, value: T) -> Replaced<'_, T, R> {
        if mutant!("C1 swapped in two steps") {
            // Acquire, then Release: as below.
            let old = self.node.load(Ordering::Acquire);
            self.node.store(Owned::new(value).into_shared(), Ordering::Release);
            return self.replaced(old);
        }
        // AcqRel: publishes the node to the Acquire of readers; the old one is ours with all that was written to it.
        let old = self.node.swap(Owned::new(value), Ordering::AcqRel);
        self.replaced(old)
    }

    /// Replaces the value if it is still `current`, the very one that [`load`](Self::load) returned.
    ///
    /// # Errors
    ///
    /// `value`, where the cell holds another one.
    pub fn compare_exchange(&self, current: &T, value: T) -> Result<Replaced<'_, T, R>, T> {
        // Relaxed: only compared.
        let now = self.node.load(Ordering::Relaxed);
        if !core::ptr::eq(now.as_ptr(), current) {
            return Err(value);
        }
        // AcqRel: as in `swap`. Relaxed: what is stored instead is not used.
        let exchanged =
            self.node.compare_exchange(now, Owned::new(value), Ordering::AcqRel, Ordering::Relaxed);
        match exchanged {
            Ok(_) => Ok(self.replaced(now)),
            Err(error) => Err(error.new.into_inner()),
        }
    }

    /// Replaces the value by what `f` makes of it, and calls `f` again where somebody else was faster. Returns the one before. `f` runs in a read
    /// section; what it made in vain is dropped outside.
    pub fn rcu(&self, mut f: impl FnMut(&T) -> T) -> Replaced<'_, T, R> {
        loop {
            let guard = self.reclaim.enter();
            let mut shield = guard.shield();
            let current = shield.protect(&self.node);
            // SAFETY: C1, and the cell is never empty.
            let new = Owned::new(f(unsafe { current.deref() }));
            // AcqRel: as in `swap`. Relaxed: it is protected again before it is used.
            let exchanged =
                self.node.compare_exchange(current, new, Ordering::AcqRel, Ordering::Relaxed);
            let in_vain = match exchanged {
                // SAFETY: C1, the exchange made it ours, and nobody frees what is ours.
                Ok(_) => return self.replaced(unsafe { current.rebind() }),
                Err(error) => error.new,
            };
            drop(shield);
            drop(guard);
            drop(in_vain);
        }
    }

    /// What was swapped out of the cell.
    fn replaced(&self, old: Shared<'_, T>) -> Replaced<'_, T, R> {
        // SAFETY: C1, whoever calls this swapped it out.
        let node = unsafe { old.into_owned() };
        Replaced { node: Some(node), reclaim: &self.reclaim }
    }
}

/// A value that was replaced in an [`RcuCell`]. Readers may still be reading it, so it can be read and not moved out. Dropping it retires it.
pub struct Replaced<'c, T: Send + Sync + 'static, R: Reclaim> {
    /// Always there until the drop.
    node: Option<Owned<T>>,
    reclaim: &'c R,
}

impl<T: Send + Sync + 'static, R: Reclaim> core::ops::Deref for Replaced<'_, T, R> {
    type Target = T;

    fn deref(&self) -> &T {
        self.node.as_ref().expect("the node is taken by the drop only")
    }
}

impl<T: fmt::Debug + Send + Sync + 'static, R: Reclaim> fmt::Debug for Replaced<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replaced").field(&**self).finish()
    }
}

impl<T: Send + Sync + 'static, R: Reclaim> Drop for Replaced<'_, T, R> {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            // SAFETY: C1, it was swapped out, so no reader finds it any more.
            unsafe { self.reclaim.retire(node) };
        }
    }
}

impl<T: Send + Sync + 'static, R: Reclaim> Drop for RcuCell<T, R> {
    fn drop(&mut self) {
        // SAFETY: C1, and `&mut` means that nobody reads.
        drop(unsafe { self.node.take() });
    }
}

impl<T: fmt::Debug + Send + Sync + 'static, R: Reclaim> fmt::Debug for RcuCell<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|value| f.debug_tuple("RcuCell").field(value).finish())
    }
}

impl<T: Default + Send + Sync + 'static, R: Reclaim + Default> Default for RcuCell<T, R> {
    fn default() -> Self {
        Self::new_in(T::default(), R::default())
    }
}

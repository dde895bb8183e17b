//! When a shared node may be freed: one trait over hazard pointers and RCU, so that a structure is written once.
//!
//! A structure holds [`Atomic`] pointers. To read one it enters a [`Reclaim`], takes a [`Shield`] from the guard and protects the pointer
//! with it; what it unlinks it retires. Structures are written to the weaker promise, that of hazard pointers: *one shield
//! protects one node, from the moment it is validated against the place it was read from*. Every such structure is right with RCU,
//! too, where the guard protects everything and a shield costs nothing.
//!
//! # Invariants
//!
//! - **R1** [`Shield::protect`] returns a pointer that was in `src` *after* the protection was published, with all that the writer did before it
//!   stored it.
//! - **R2** A node retired after it was unlinked is not freed while a shield protects it that validated it before it was unlinked, nor (where
//!   [`Reclaim::REGION`]) while a guard lives that was entered before.
//! - **R3** [`Reclaim::retire_raw`] runs nodes only outside of every read section of the calling thread, with no internal lock held; a guard's
//!   drop never does. So a structure retires after it has dropped its guard.
//! - **R4** Retiring never allocates: nodes carry a header.
//!
//! ```
//! use turgo_lockfree::reclaim::{ReadGuard, Reclaim, Shield};
//! use turgo_lockfree::{Atomic, Owned, hazard::Hazard, rcu::Rcu};
//! use turgo_machine::atomic::Ordering;
//!
//! fn replace<R: Reclaim>(reclaim: &R, cell: &Atomic<String>, text: &str) -> usize {
//!     let guard = reclaim.enter();
//!     let mut shield = guard.shield();
//!     // SAFETY: the shield protects the node for as long as the reference lives.
//!     let before = unsafe { shield.protect(cell).deref() }.len();
//!     drop(shield);
//!     drop(guard);
//!     let old = cell.swap(Owned::new(text.to_string()), Ordering::AcqRel);
//!     // SAFETY: the swap made us the only owner, and no reader finds the node any more.
//!     unsafe { reclaim.retire(old.into_owned()) };
//!     before
//! }
//!
//! let mut cell = Atomic::new("first".to_string());
//! assert_eq!(replace(&Rcu, &cell, "second"), 5);
//! assert_eq!(replace(&Hazard, &cell, "third"), 6);
//! // SAFETY: nobody else knows the cell.
//! drop(unsafe { cell.take() });
//! ```

#[cfg(loom)]
mod life;
mod pointer;
mod retired;
#[cfg(test)]
pub(crate) mod tests;

pub use pointer::{Atomic, CompareExchangeError, Owned, Pointer, Shared};
#[cfg(feature = "std")]
pub(crate) use retired::Node;
pub use retired::Retired;
pub(crate) use retired::{Header, List, SharedList, caught};

/// The pointer was replaced before it was protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed;

impl core::fmt::Display for Changed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the pointer was replaced before it was protected")
    }
}

impl core::error::Error for Changed {}

/// What a domain has done so far. Each number is exact once its threads are quiet; while they run they were true at some time, not
/// at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimStats {
    /// Nodes and callbacks given to the domain.
    pub retired: u64,
    /// Those that were freed or called.
    pub reclaimed: u64,
    /// Bytes of the allocations given to the domain.
    pub retired_bytes: u64,
    /// Bytes of those that were freed.
    pub reclaimed_bytes: u64,
    /// The most that was seen waiting at one time, in nodes; looked at once a batch.
    pub pending_max: u64,
    /// Heavy fences.
    pub heavy_fences: u64,
    /// Drops and callbacks that panicked.
    pub panics: u64,
    /// Records of threads, in use or waiting for the next thread.
    pub records: u64,
    /// Grace periods that ended (RCU).
    pub grace_periods: u64,
    /// The time they took together, in nanoseconds (RCU).
    pub grace_ns_total: u64,
    /// The longest of them, in nanoseconds (RCU).
    pub grace_ns_max: u64,
    /// Stalls reported (RCU).
    pub stalls: u64,
    /// Nodes retired inside a read section with the hard cap reached (RCU).
    pub overflows: u64,
}

impl ReclaimStats {
    /// Nodes that wait to be freed.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.retired.saturating_sub(self.reclaimed)
    }

    /// Bytes of the nodes that wait to be freed.
    #[must_use]
    pub fn pending_bytes(&self) -> u64 {
        self.retired_bytes.saturating_sub(self.reclaimed_bytes)
    }
}

/// Decides when retired nodes are freed.
///
/// Implemented by the handles of the default domains, [`Rcu`](crate::rcu::Rcu) and [`Hazard`](crate::hazard::Hazard), by
/// the domains [`rcu::Domain`](crate::rcu::Domain) and [`hazard::Domain`](crate::hazard::Domain), and by references to them.
///
/// # Safety
///
/// Implementations keep R1 to R3, and [`owns`](Self::owns) and [`protects`](Self::protects) are true only of what came from this very domain:
/// safe functions rely on it.
pub unsafe trait Reclaim: Send + Sync {
    /// Whether a guard protects everything that is read under it, not only what a shield protects.
    const REGION: bool;

    /// What a reader holds while it reads.
    type Guard<'d>: ReadGuard
    where
        Self: 'd;

    /// Begins to read.
    fn enter(&self) -> Self::Guard<'_>;

    /// Whether `guard` came from this domain.
    fn owns<'d>(&'d self, guard: &Self::Guard<'d>) -> bool;

    /// Whether what `shield` protects is safe from this domain while a guard of it lives. Shields of all domains of a kind have one type, so a
    /// shield need not come from the guard that it is used with.
    fn protects<'d, 'g>(&'d self, shield: &<Self::Guard<'d> as ReadGuard>::Shield<'g>) -> bool
    where
        Self::Guard<'d>: 'g;

    /// Frees a node once no reader can hold it.
    ///
    /// # Safety
    ///
    /// The node is unlinked: no thread that begins to read it from now on can reach it, and nobody else retires or frees it. Whoever may still read it
    /// does so under a guard of this domain, and in a [`Cohort`](crate::hazard::Cohort) not beyond the cohort. Running it later, on any thread, is right for what
    /// is in it.
    unsafe fn retire_raw(&self, node: Retired);

    /// Frees a node of any type once no reader can hold it.
    ///
    /// # Safety
    ///
    /// As for [`retire`](Self::retire), but for the type: dropping the value later, on any thread, is right:
    /// either it is `Send + 'static`, or nothing is left in it to drop, or the caller waits until that has happened.
    unsafe fn retire_unchecked<T>(&self, node: Owned<T>) {
        // SAFETY: the caller's promise.
        let node = unsafe { node.into_retired() };
        // SAFETY: as above.
        unsafe { self.retire_raw(node) };
    }

    /// Frees a node once no reader can hold it.
    ///
    /// # Safety
    ///
    /// The node is unlinked: no thread that begins to read it from now on can reach it. Whoever may still read it does so under a guard of
    /// this domain, and in a [`Cohort`](crate::hazard::Cohort) not beyond the cohort.
    unsafe fn retire<T: Send + 'static>(&self, node: Owned<T>) {
        // SAFETY: unlinked by the caller's promise, and the value may be dropped anywhere at any time.
        unsafe { self.retire_unchecked(node) };
    }

    /// What the domain has done so far.
    fn stats(&self) -> ReclaimStats;

    /// Frees what can be freed without waiting, of what this thread and ended threads have retired.
    fn flush(&self);
}

/// A reader's hold on a domain. Not `Send`: it belongs to the thread that entered. Leaking one is safe and, with RCU, stalls the domain.
pub trait ReadGuard {
    /// What protects one node.
    type Shield<'g>: Shield
    where
        Self: 'g;

    /// A shield that protects nothing yet.
    fn shield(&self) -> Self::Shield<'_>;
}

/// Protects one node at a time.
///
/// # Safety
///
/// Implementations keep R1 and R2.
pub unsafe trait Shield {
    /// Reads `src` and protects the node it finds. Lock-free with hazard pointers: it tries again when a writer came between;
    /// wait-free with RCU.
    ///
    /// The shield lets go of what it protected before. A node in a structure may be protected only through a place that was still linked when
    /// this returned, or its successors may be gone already: check that as the structure's algorithm says.
    fn protect<'s, T>(&'s mut self, src: &Atomic<T>) -> Shared<'s, T>;

    /// Protects `expected` if `src` still holds it, tag included. Wait-free.
    ///
    /// # Errors
    ///
    /// [`Changed`] where `src` holds something else; the shield protects nothing then.
    fn try_protect<'s, T>(
        &'s mut self,
        expected: Shared<'_, T>,
        src: &Atomic<T>,
    ) -> Result<Shared<'s, T>, Changed>;

    /// Exchanges what two shields protect.
    fn swap(&mut self, other: &mut Self);

    /// Protects nothing any more.
    fn reset(&mut self);
}

/// A handle of a domain does what the domain does.
macro_rules! forward {
    ($handle:ty) => {
        // SAFETY: everything is done by the domain itself.
        unsafe impl<R: Reclaim> Reclaim for $handle {
            const REGION: bool = R::REGION;
            type Guard<'d>
                = R::Guard<'d>
            where
                Self: 'd;

            fn enter(&self) -> Self::Guard<'_> {
                (**self).enter()
            }

            fn owns<'d>(&'d self, guard: &Self::Guard<'d>) -> bool {
                (**self).owns(guard)
            }

            fn protects<'d, 'g>(
                &'d self,
                shield: &<Self::Guard<'d> as ReadGuard>::Shield<'g>,
            ) -> bool
            where
                Self::Guard<'d>: 'g,
            {
                (**self).protects(shield)
            }

            unsafe fn retire_raw(&self, node: Retired) {
                // SAFETY: the caller's promise.
                unsafe { (**self).retire_raw(node) };
            }

            fn stats(&self) -> ReclaimStats {
                (**self).stats()
            }

            fn flush(&self) {
                (**self).flush();
            }
        }
    };
}

forward!(&R);
forward!(alloc::sync::Arc<R>);

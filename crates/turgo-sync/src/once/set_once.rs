//! A cell that somebody sets and others wait for.
//!
//! # Invariants
//!
//! - **N1** The gate's number goes from empty to being set to set. The value is written by who made it *being set*, before it is *set*; it is read by
//!   who has seen that, or owns the cell.
//! - **N2** Who is refused comes after the value that is there instead.

use core::error::Error;
use core::fmt;
use core::mem::MaybeUninit;

use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::access::{Access, Shared};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::gate::{Gate, Gated};
use crate::patience::Patience;

const EMPTY: u64 = 0;
const SETTING: u64 = 1;
const SET: u64 = 2;

/// A value that is set once, and tasks that wait for it.
///
/// # Progress
///
/// Reading a value that is there is wait-free, and beginning to wait never waits for another thread. Setting waits for another who sets at the same
/// moment, while he moves his value into place. Dropping a future that is queued, and polling it with the waker of another task, wait for whoever holds the
/// queue, who handles at most 32 waiters meanwhile. Nothing is allocated.
///
/// # Cancel safety
///
/// A future that is dropped leaves the queue and nothing else.
///
/// ```
/// use std::sync::Arc;
/// use turgo_sync::SetOnce;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let cell = Arc::new(SetOnce::new());
/// tokio::spawn({
///     let cell = cell.clone();
///     async move { cell.set(7).unwrap() }
/// });
/// assert_eq!(*cell.wait().await, 7);
/// # });
/// ```
pub struct SetOnce<T, A: Access> {
    gate: Gate<A>,
    /// N1.
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: N1: the value comes from the one thread that writes it, and is shared afterwards.
unsafe impl<T: Send + Sync> Sync for SetOnce<T, Shared> {}

/// The cell has a value already; here is the other one back.
#[derive(Debug, PartialEq, Eq)]
pub struct SetOnceError<T>(pub T);

impl<T> fmt::Display for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetOnceError")
    }
}

impl<T: fmt::Debug> Error for SetOnceError<T> {}

impl<T, A: Access> SetOnce<T, A> {
    /// Without a value.
    #[must_use]
    pub fn new() -> Self {
        Self { gate: Gate::new(EMPTY), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// With a value, or without.
    #[must_use]
    pub fn new_with(value: Option<T>) -> Self {
        value.map_or_else(Self::new, Self::from)
    }

    /// Whether it has a value.
    #[must_use]
    #[inline]
    pub fn initialized(&self) -> bool {
        self.gate.now().number() == SET
    }

    /// The value, if there is one. Wait-free.
    #[must_use]
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: N1.
        self.initialized().then(|| self.value.with(|value| unsafe { &*value.cast::<T>() }))
    }

    /// Sets the value, and lets go all who wait for it.
    ///
    /// # Errors
    ///
    /// The value, if there is one already. It can be [got](Self::get) then.
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        let begin = |now: Gated| (now.number() == EMPTY).then(|| now.transition_to_number(SETTING));
        if !self.gate.change(begin).1 {
            let patience = Patience::new();
            while !self.initialized() && !mutant!("N2 refused before it is there") {
                patience.wait();
            }
            return Err(SetOnceError(value));
        }
        let end = |now: Gated| Some(now.transition_to_next_generation(SET));
        if mutant!("N1 set before it is written") {
            self.gate.change(end);
        }
        // SAFETY: N1.
        self.value.with_mut(|place| unsafe { place.cast::<T>().write(value) });
        self.gate.change(end);
        Ok(())
    }

    /// The value, if there is one.
    pub fn into_inner(self) -> Option<T> {
        if !self.initialized() {
            return None;
        }
        // So that `drop` finds no value.
        self.gate.change(|now| Some(now.transition_to_number(EMPTY)));
        // SAFETY: N1, it was set, and nobody else has the cell.
        Some(self.value.with_mut(|value| unsafe { value.cast::<T>().read() }))
    }

    /// Waits for the value. Cancel safe: see [the type](Self#cancel-safety).
    pub async fn wait(&self) -> &T {
        let now = self.gate.now();
        if now.number() != SET {
            self.gate.pass(now).await;
        }
        self.get().expect("the only generation ends when it is set")
    }
}

#[cfg(feature = "std")]
impl<T> SetOnce<T, Shared> {
    /// [`wait`](Self::wait) for a thread, which sleeps meanwhile. Not for tasks of an executor.
    pub fn blocking_wait(&self) -> &T {
        block_on(self.wait())
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<T> SetOnce<T, $access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new() -> Self {
                Self {
                    gate: Gate::<$access>::const_new(EMPTY),
                    value: UnsafeCell::new(MaybeUninit::uninit()),
                }
            }

            /// With a value, for statics.
            #[must_use]
            pub const fn const_new_with(value: T) -> Self {
                Self {
                    gate: Gate::<$access>::const_new(SET),
                    value: UnsafeCell::new(MaybeUninit::new(value)),
                }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<T, A: Access> Drop for SetOnce<T, A> {
    fn drop(&mut self) {
        if self.initialized() {
            // SAFETY: N1, nobody uses the cell afterwards.
            self.value.with_mut(|value| unsafe { value.cast::<T>().drop_in_place() });
        }
    }
}

impl<T, A: Access> From<T> for SetOnce<T, A> {
    fn from(value: T) -> Self {
        Self { gate: Gate::new(SET), value: UnsafeCell::new(MaybeUninit::new(value)) }
    }
}

impl<T, A: Access> Default for SetOnce<T, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone, A: Access> Clone for SetOnce<T, A> {
    fn clone(&self) -> Self {
        Self::new_with(self.get().cloned())
    }
}

impl<T: PartialEq, A: Access> PartialEq for SetOnce<T, A> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq, A: Access> Eq for SetOnce<T, A> {}

impl<T: fmt::Debug, A: Access> fmt::Debug for SetOnce<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnce").field("value", &self.get()).finish()
    }
}

//! A cell that is set by whoever needs its value first.
//!
//! # Invariants
//!
//! - **O1** The value is written by who has the one permit, once, before the flag is set; it is read by who has seen the flag, or owns the cell.
//! - **O2** Who has the permit and sets no value, because his work failed, panicked or was dropped, gives it to the next.
//! - **O3** The permits are closed after the flag is set. So who is told so finds a value.

use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::mem::{self, MaybeUninit};

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::access::{Access, Shared, Word};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::fairness::Fifo;
use crate::permits::{Permits, Refused};

const UNSET: u64 = 0;
const SET: u64 = 1;

/// A value that is made when it is first needed, by a task that may await meanwhile.
///
/// Others who need it wait. If the one who makes it fails, panics or is dropped, the next of them makes it, with its own means.
///
/// # Progress
///
/// Reading a value that is there is wait-free. Otherwise as [`Semaphore`](crate::semaphore::Semaphore), of which this is one with a single permit.
///
/// # Cancel safety
///
/// A future that is dropped loses its place in the queue, or its turn, which goes to the next; what its own closure did so far is lost.
///
/// ```
/// use turgo_sync::OnceCell;
///
/// static CELL: OnceCell<u32> = OnceCell::const_new();
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// assert_eq!(*CELL.get_or_init(|| async { 1 + 1 }).await, 2);
/// assert_eq!(*CELL.get_or_init(|| async { unreachable!() }).await, 2);
/// # });
/// ```
pub struct OnceCell<T, A: Access> {
    /// Whether there is a value.
    flag: A::Word,
    permits: Permits<Fifo, A>,
    /// O1.
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: O1: the value comes from the one thread that writes it, and is shared afterwards.
unsafe impl<T: Send + Sync> Sync for OnceCell<T, Shared> {}

/// The cell was not set; here is the value back.
#[derive(Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// It has a value.
    AlreadyInitializedError(T),
    /// Somebody is making its value.
    InitializingError(T),
}

impl<T> SetError<T> {
    /// Whether it has a value.
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, Self::AlreadyInitializedError(_))
    }

    /// Whether somebody is making its value.
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, Self::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyInitializedError(_) => "AlreadyInitializedError",
            Self::InitializingError(_) => "InitializingError",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

impl<T, A: Access> OnceCell<T, A> {
    /// Without a value.
    #[must_use]
    pub fn new() -> Self {
        Self {
            flag: A::Word::new(UNSET),
            permits: Permits::new(1),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
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
        // Acquire: comes after the value that the Release in `Turn::set` published.
        self.flag.load(Ordering::Acquire) == SET
    }

    /// The value, if there is one. Wait-free.
    #[must_use]
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: O1, the flag is set.
        self.initialized().then(|| self.value.with(|value| unsafe { &*value.cast::<T>() }))
    }

    /// The value, if there is one; nobody else can have it.
    #[must_use]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        let set = self.initialized();
        // SAFETY: O1, the flag is set, and the cell is borrowed mutably.
        set.then(|| self.value.with_mut(|value| unsafe { &mut *value.cast::<T>() }))
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// The value, if the cell has one or somebody is making one.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.permits.try_take(1) {
            Ok(()) => {
                Turn(self).set(value);
                Ok(())
            }
            Err(_) if self.initialized() => Err(SetError::AlreadyInitializedError(value)),
            Err(_) => Err(SetError::InitializingError(value)),
        }
    }

    /// The value; made by `f` if there is none and nobody else makes one.
    ///
    /// If `f` awaits this cell it waits for ever. Cancel safe: see [the type](Self#cancel-safety).
    pub async fn get_or_init<F, Fut>(&self, f: F) -> &T
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        match self.get_or_try_init(|| async { Ok::<T, Infallible>(f().await) }).await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// The value; made by `f` if there is none and nobody else makes one.
    ///
    /// If `f` awaits this cell it waits for ever. Cancel safe: see [the type](Self#cancel-safety).
    ///
    /// # Errors
    ///
    /// That of `f`. The cell has no value then, and the next who waits makes it.
    pub async fn get_or_try_init<E, F, Fut>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        match self.turn().await {
            Some(turn) => Ok(turn.set(f().await?)),
            None => Ok(self.get().expect("O3: it was set before it was closed")),
        }
    }

    /// Waits for the turn to make the value; nothing if somebody has made it.
    async fn turn(&self) -> Option<Turn<'_, T, A>> {
        let taken = match self.permits.try_take(1) {
            Err(Refused::Short) => self.permits.take(1).await,
            taken => taken,
        };
        taken.is_ok().then_some(Turn(self))
    }

    /// The value, if there is one.
    pub fn into_inner(mut self) -> Option<T> {
        self.take()
    }

    /// Takes the value out, if there is one. The cell is as new afterwards.
    pub fn take(&mut self) -> Option<T> {
        let cell = mem::take(self);
        if !cell.initialized() {
            return None;
        }
        // Relaxed: nobody else has the cell, and `drop` must not find a value.
        cell.flag.store(UNSET, Ordering::Relaxed);
        // SAFETY: O1, the flag was set, and says now that there is no value any more.
        Some(cell.value.with_mut(|value| unsafe { value.cast::<T>().read() }))
    }
}

/// The permit of a cell.
struct Turn<'a, T, A: Access>(&'a OnceCell<T, A>);

impl<'a, T, A: Access> Turn<'a, T, A> {
    fn set(self, value: T) -> &'a T {
        let cell = self.0;
        mem::forget(self);
        if mutant!("O1 the flag first") {
            cell.flag.store(SET, Ordering::Release);
        }
        if mutant!("O3 closed first") {
            cell.permits.close();
        }
        // SAFETY: O1, we have the permit.
        cell.value.with_mut(|place| unsafe { place.cast::<T>().write(value) });
        // Release: the value comes before the Acquire in `initialized`.
        cell.flag.store(SET, Ordering::Release);
        cell.permits.close();
        cell.get().expect("it was set on the line above")
    }
}

impl<T, A: Access> Drop for Turn<'_, T, A> {
    fn drop(&mut self) {
        if !mutant!("O2 the turn is lost") {
            self.0.permits.give(1);
        }
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl<T> OnceCell<T, Shared> {
    /// [`get_or_init`](Self::get_or_init) for a thread, which sleeps while somebody else makes the value.
    pub fn blocking_get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        block_on(self.get_or_init(|| async { f() }))
    }

    /// [`get_or_try_init`](Self::get_or_try_init) for a thread, which sleeps while somebody else makes the value.
    ///
    /// # Errors
    ///
    /// That of `f`.
    pub fn blocking_get_or_try_init<E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        block_on(self.get_or_try_init(|| async { f() }))
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<T> OnceCell<T, $access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new() -> Self {
                Self {
                    flag: <$access as Access>::Word::new(UNSET),
                    permits: Permits::<Fifo, $access>::const_new(1),
                    value: UnsafeCell::new(MaybeUninit::uninit()),
                }
            }

            /// With a value, for statics.
            #[must_use]
            pub const fn const_new_with(value: T) -> Self {
                Self {
                    flag: <$access as Access>::Word::new(SET),
                    permits: Permits::<Fifo, $access>::const_new(0),
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

impl<T, A: Access> Drop for OnceCell<T, A> {
    fn drop(&mut self) {
        if let Some(value) = self.get_mut() {
            let value: *mut T = value;
            // SAFETY: O1, the flag is set, and nobody uses the cell afterwards.
            unsafe { value.drop_in_place() };
        }
    }
}

impl<T, A: Access> From<T> for OnceCell<T, A> {
    fn from(value: T) -> Self {
        Self {
            flag: A::Word::new(SET),
            permits: Permits::new(0),
            value: UnsafeCell::new(MaybeUninit::new(value)),
        }
    }
}

impl<T, A: Access> Default for OnceCell<T, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone, A: Access> Clone for OnceCell<T, A> {
    fn clone(&self) -> Self {
        Self::new_with(self.get().cloned())
    }
}

impl<T: PartialEq, A: Access> PartialEq for OnceCell<T, A> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq, A: Access> Eq for OnceCell<T, A> {}

impl<T: fmt::Debug, A: Access> fmt::Debug for OnceCell<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish()
    }
}

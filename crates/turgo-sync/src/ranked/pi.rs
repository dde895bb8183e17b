//! A mutex for threads of different priorities: who has it runs with the priority of the most urgent thread that waits for it.
//!
//! Without that a thread of low priority that has the lock is kept from running by one of middle priority, and one of high priority waits for
//! both (Sha, Rajkumar and Lehoczky, IEEE Transactions on Computers 1990). The kernel does it: `FUTEX_LOCK_PI`.
//!
//! # Invariants
//!
//! - **I1** Who has the lock stands in the word, and takes himself out; if the word says that somebody waits in the kernel, the kernel does, and
//!   names the next.
//! - **I2** The lock of a thread that ended is taken over by whoever wants it next, and who takes it over is told. It is taken only from a thread that
//!   the kernel says does not exist, and only if the word names it before and after.
//! - **I3** A mutex inherits from its first use on or never: all threads agree on what its state is.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use turgo_machine::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::futex::{self, PiError};
use turgo_machine::mutant;

use super::typed::BlockingLock;
use crate::access::Shared;
use crate::block::block_on;
use crate::fairness::Barging;
use crate::mutex::TryLockError;
use crate::permits::Permits;

/// How often threads waited in the kernel.
static WAITS: AtomicU64 = AtomicU64::new(0);
/// How often a lock was waited for, or tried, without inheritance because the system has none.
static FALLBACKS: AtomicU64 = AtomicU64::new(0);

const UNKNOWN: u8 = 0;
const YES: u8 = 1;
const NO: u8 = 2;
/// Whether the system has it. Written with one value only (I3), so no access orders anything.
static SUPPORTED: AtomicU8 = AtomicU8::new(UNKNOWN);

/// What became of priority inheritance in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inheritance {
    /// Whether the system has it.
    pub supported: bool,
    /// How often a thread waited in the kernel, which lent its priority to the owner.
    pub waits: u64,
    /// How often a lock was taken without, because the system has none.
    pub fallbacks: u64,
}

/// What became of priority inheritance in this process, so far.
#[must_use]
pub fn inheritance() -> Inheritance {
    // Relaxed: numbers that order nothing.
    let (waits, fallbacks) = (WAITS.load(Ordering::Relaxed), FALLBACKS.load(Ordering::Relaxed));
    Inheritance { supported: is_supported(), waits, fallbacks }
}

fn is_supported() -> bool {
    // Relaxed, here and below: I3.
    match SUPPORTED.load(Ordering::Relaxed) {
        UNKNOWN => {
            let free = AtomicU32::new(0);
            let supported = futex::try_lock_pi(&free).is_ok();
            SUPPORTED.store(if supported { YES } else { NO }, Ordering::Relaxed);
            supported
        }
        supported => supported == YES,
    }
}

/// The thread that had the lock ended without giving it back. What it left may be half done.
pub struct OwnerDied<G> {
    guard: G,
}

impl<G> OwnerDied<G> {
    /// The guard, for who can make the value whole or knows that it is.
    pub fn into_inner(self) -> G {
        self.guard
    }
}

impl<G> fmt::Debug for OwnerDied<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerDied").finish_non_exhaustive()
    }
}

impl<G> fmt::Display for OwnerDied<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the thread that had the lock ended without giving it back")
    }
}

impl<G> Error for OwnerDied<G> {}

/// A mutex for threads that lends its owner the priority of who waits, where the system can.
///
/// Not for tasks: a guard stays on its thread. Where the system has no such locks this is a [`Mutex`](crate::Mutex) that lets running threads pass;
/// [`inheritance`] says so and counts.
///
/// # Progress
///
/// Blocking. Nobody about: one exchange each for taking and giving back. Otherwise the kernel serves threads by priority.
///
/// ```
/// use turgo_sync::ranked::PiMutex;
///
/// let mutex = PiMutex::new(1);
/// *mutex.lock().expect("its owner lives") += 1;
/// assert_eq!(*mutex.lock().expect("its owner lives"), 2);
/// ```
pub struct PiMutex<T: ?Sized> {
    /// I1. Defined by the kernel.
    word: AtomicU32,
    /// Whether it may inherit at all.
    inherits: bool,
    /// Instead of the word, where the system cannot.
    fallback: Permits<Barging, Shared>,
    value: UnsafeCell<T>,
}

// SAFETY: owning the mutex is owning the value.
unsafe impl<T: ?Sized + Send> Send for PiMutex<T> {}
// SAFETY: I1: one thread at a time has the value.
unsafe impl<T: ?Sized + Send> Sync for PiMutex<T> {}

/// A locked [`PiMutex`]. It is given back when this is dropped, on the thread that took it.
#[must_use = "the mutex is unlocked when this is dropped"]
#[clippy::has_significant_drop]
pub struct PiMutexGuard<'a, T: ?Sized> {
    mutex: &'a PiMutex<T>,
    /// As if it had the value; and the kernel takes the lock back from its owner alone.
    stays: PhantomData<*mut T>,
}

// SAFETY: sharing it shares the value.
unsafe impl<T: ?Sized + Sync> Sync for PiMutexGuard<'_, T> {}

impl<T> PiMutex<T> {
    /// An unlocked mutex.
    pub const fn new(value: T) -> Self {
        Self::with(value, true)
    }

    /// An unlocked mutex that does not inherit, as where the system cannot. To measure what that changes.
    pub const fn without_inheritance(value: T) -> Self {
        Self::with(value, false)
    }

    const fn with(value: T, inherits: bool) -> Self {
        let fallback = Permits::<Barging, Shared>::const_new(1);
        Self { word: AtomicU32::new(0), inherits, fallback, value: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> PiMutex<T> {
    /// Waits for the lock.
    ///
    /// # Errors
    ///
    /// If the thread that had it ended without giving it back: with the guard. Told once.
    ///
    /// # Panics
    ///
    /// If this thread has it already, or waits in a circle of such mutexes: the kernel sees both.
    pub fn lock(&self) -> Result<PiMutexGuard<'_, T>, OwnerDied<PiMutexGuard<'_, T>>> {
        if !self.inherits() {
            _ = block_on(self.fallback.take_single());
            return Ok(self.guard());
        }
        let me = futex::thread_id();
        // Acquire: after the Release of who gave it back. Relaxed: the kernel looks again.
        if self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return Ok(self.guard());
        }
        self.wait(me)
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    ///
    /// If somebody has it, be it a thread that has ended.
    pub fn try_lock(&self) -> Result<PiMutexGuard<'_, T>, TryLockError> {
        let taken = if self.inherits() {
            // Acquire: after the Release of who gave it back. Relaxed: it is not had then.
            self.word
                .compare_exchange(0, futex::thread_id(), Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        } else {
            self.fallback.try_take_single().is_ok()
        };
        if taken { Ok(self.guard()) } else { Err(TryLockError::new()) }
    }

    fn inherits(&self) -> bool {
        let inherits = self.inherits && is_supported();
        if self.inherits && !inherits {
            // Relaxed: a number that orders nothing.
            FALLBACKS.fetch_add(1, Ordering::Relaxed);
        }
        inherits
    }

    fn guard(&self) -> PiMutexGuard<'_, T> {
        PiMutexGuard { mutex: self, stays: PhantomData }
    }

    /// Waits in the kernel, or takes the place of an owner that has ended.
    #[cold]
    fn wait(&self, me: u32) -> Result<PiMutexGuard<'_, T>, OwnerDied<PiMutexGuard<'_, T>>> {
        // Relaxed: a number that orders nothing.
        WAITS.fetch_add(1, Ordering::Relaxed);
        loop {
            // Relaxed: compared again below.
            let before = self.word.load(Ordering::Relaxed);
            match futex::lock_pi(&self.word) {
                Ok(()) => break,
                Err(PiError::Again) => {}
                Err(PiError::NoOwner) if self.take_over(before, me) => {
                    return Err(OwnerDied { guard: self.guard() });
                }
                Err(PiError::NoOwner) => {}
                Err(error) => panic!("a mutex cannot be waited for: {error}"),
            }
        }
        // Acquire: the kernel exchanged the word after the Release of who gave it back.
        if self.word.load(Ordering::Acquire) & futex::OWNER_DIED == 0 {
            return Ok(self.guard());
        }
        // Relaxed: it is ours, and we came after the last owner by the load above.
        self.word.fetch_and(!futex::OWNER_DIED, Ordering::Relaxed);
        if mutant!("I2 nobody is told") {
            return Ok(self.guard());
        }
        Err(OwnerDied { guard: self.guard() })
    }

    /// Puts this thread in the place of one that has ended. I2.
    fn take_over(&self, before: u32, me: u32) -> bool {
        let owner = before & futex::OWNER;
        if owner == 0 || futex::is_thread(owner) {
            return false;
        }
        let next = me | before & futex::WAITERS;
        // Acquire: whatever that thread did is long done. Relaxed: somebody else was quicker.
        self.word.compare_exchange(before, next, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn give_back(&self) {
        if !(self.inherits && is_supported()) {
            return self.fallback.give_single();
        }
        if mutant!("I1 given back by a store") {
            // Release: as below.
            self.word.store(0, Ordering::Release);
            return;
        }
        let me = futex::thread_id();
        // Release: to the Acquire of who takes it. Relaxed: the kernel does it then.
        if self.word.compare_exchange(me, 0, Ordering::Release, Ordering::Relaxed).is_ok() {
            return;
        }
        // Release: to the Acquire in `wait`, by way of what the kernel makes of this word. The bit is there: somebody waits.
        self.word.fetch_or(futex::WAITERS, Ordering::Release);
        loop {
            match futex::unlock_pi(&self.word) {
                Ok(()) => return,
                Err(PiError::Again) => {}
                Err(error) => panic!("a mutex cannot be given back: {error}"),
            }
        }
    }
}

impl<T: ?Sized> BlockingLock for PiMutex<T> {
    type Guard<'a>
        = Result<PiMutexGuard<'a, T>, OwnerDied<PiMutexGuard<'a, T>>>
    where
        Self: 'a;

    fn lock(&self) -> Self::Guard<'_> {
        self.lock()
    }

    fn try_lock(&self) -> Option<Self::Guard<'_>> {
        self.try_lock().ok().map(Ok)
    }
}

impl<T: ?Sized> Deref for PiMutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: I1, this thread has the lock.
        self.mutex.value.with(|value| unsafe { &*value })
    }
}

impl<T: ?Sized> DerefMut for PiMutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: I1, this thread has the lock.
        self.mutex.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized> Drop for PiMutexGuard<'_, T> {
    fn drop(&mut self) {
        self.mutex.give_back();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for PiMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for PiMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: only to be shown.
        let owner = self.word.load(Ordering::Relaxed) & futex::OWNER;
        f.debug_struct("PiMutex").field("owner", &owner).finish_non_exhaustive()
    }
}

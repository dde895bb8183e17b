//! Locks whose level is a number, and the witness who sees in which order threads take them.

use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::ptr;

use alloc::vec::Vec;

use turgo_machine::atomic::{AtomicPtr, Ordering};
use turgo_machine::mutant;
use turgo_machine::thread::thread_local;

use super::typed::BlockingLock;

thread_local! {
    /// What this thread holds, in the order of taking. K2.
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// A `fn(&Violation)`, or null. Written once.
static HOOK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

fn hook() -> Option<fn(&Violation)> {
    // Acquire: after what came before the Release in `set_hook`.
    let hook = HOOK.load(Ordering::Acquire);
    // SAFETY: nothing but such a function is stored there.
    (!hook.is_null()).then(|| unsafe { mem::transmute::<*mut (), fn(&Violation)>(hook) })
}

/// How far inside a lock is: locks are taken in the order of their levels, lower ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u32);

impl Level {
    /// No level: a lock that is never compared with others.
    pub const NONE: Self = Self(0);

    /// A level; nought is [`NONE`](Self::NONE).
    #[must_use]
    pub const fn new(level: u32) -> Self {
        Self(level)
    }
}

/// A lock that a thread holds, or wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What it is called.
    pub name: &'static str,
    /// Its level.
    pub level: Level,
    /// Where it is.
    pub address: usize,
    /// Where it was asked for.
    pub place: &'static Location<'static>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, level: Level(level), address, place } = self;
        write!(f, "`{name}` of level {level} (at {address:#x}) asked for at {place}")
    }
}

/// A lock was asked for that must not be waited for by who holds the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What was asked for.
    pub wanted: Held,
    /// What the thread held, in the order of taking.
    pub held: Vec<Held>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "locks in the wrong order: {}, while this thread holds", self.wanted)?;
        self.held.iter().rev().try_for_each(|held| write!(f, "\n  {held}"))
    }
}

/// Has violations told to `hook` instead of ending in a panic, and has them looked for in release builds, too. Once in a program.
///
/// # Errors
///
/// If there is a hook already.
pub fn set_hook(hook: fn(&Violation)) -> Result<(), fn(&Violation)> {
    let (none, some) = (ptr::null_mut(), hook as *mut ());
    // Release: to the Acquire in `hook`. Relaxed: there is one.
    let set = HOOK.compare_exchange(none, some, Ordering::Release, Ordering::Relaxed);
    set.map(|_| ()).map_err(|_| hook)
}

/// A lock with a level, which a witness looks after.
///
/// In debug builds, or with a [hook](set_hook), each thread keeps a list of what it holds and where it asked for it. A lock whose level is below
/// that of one that is held, or the same and whose address is below, is a [`Violation`]: it is told to the hook, and without one it is a panic,
/// before anything is waited for. [`try_lock`](Self::try_lock) waits for nobody and so is never one, but what it takes counts.
///
/// In release builds without a hook that is one load.
///
/// ```
/// use turgo_sync::Mutex;
/// use turgo_sync::ranked::{Level, Watched};
///
/// let table = Watched::new(Mutex::new(1), "table", Level::new(1));
/// let page = Watched::new(Mutex::new(2), "page", Level::new(2));
/// let table = table.lock();
/// assert_eq!(**table + **page.lock(), 3);
/// ```
#[derive(Debug)]
pub struct Watched<L: ?Sized> {
    name: &'static str,
    level: Level,
    lock: L,
}

impl<L> Watched<L> {
    /// Has a lock looked after under a name that reports use.
    pub const fn new(lock: L, name: &'static str, level: Level) -> Self {
        Self { name, level, lock }
    }
}

impl<L: BlockingLock + ?Sized> Watched<L> {
    /// Waits for the lock.
    ///
    /// # Panics
    ///
    /// Where locks are taken in the wrong order and that is watched; see [the type](Self).
    #[track_caller]
    pub fn lock(&self) -> WatchedGuard<'_, L> {
        // No closure: its place would be here, not the caller's.
        let watched = if is_watched() { Some(self.entry()) } else { None };
        if let Some(wanted) = &watched
            && let Some(violation) = violation(wanted)
        {
            report(&violation);
        }
        let guard = self.lock.lock();
        WatchedGuard::new(guard, watched)
    }

    /// Takes the lock if nobody has it.
    #[track_caller]
    pub fn try_lock(&self) -> Option<WatchedGuard<'_, L>> {
        let is_kept = is_watched() && !mutant!("K2 a try is not kept");
        let watched = if is_kept { Some(self.entry()) } else { None };
        Some(WatchedGuard::new(self.lock.try_lock()?, watched))
    }

    #[track_caller]
    fn entry(&self) -> Held {
        let address = ptr::from_ref(self).addr();
        Held { name: self.name, level: self.level, address, place: Location::caller() }
    }
}

fn is_watched() -> bool {
    cfg!(debug_assertions) || hook().is_some()
}

/// What is wrong with waiting for this now.
fn violation(wanted: &Held) -> Option<Violation> {
    let before = |held: &Held| {
        if held.level == Level::NONE || wanted.level == Level::NONE {
            // The same lock again would never be had, whatever its level.
            held.address != wanted.address
        } else if mutant!("K4 peers in any order") {
            held.level <= wanted.level
        } else {
            (held.level, held.address) < (wanted.level, wanted.address)
        }
    };
    // Nothing where the thread is ending and its list is gone.
    let held = HELD.try_with(|held| held.borrow().clone()).unwrap_or_default();
    (!held.iter().all(before)).then_some(Violation { wanted: *wanted, held })
}

#[cold]
fn report(violation: &Violation) {
    match hook() {
        Some(hook) => hook(violation),
        None if mutant!("K3 nothing is said") => {}
        None => panic!("{violation}"),
    }
}

/// A [`Watched`] lock that is held, until this is dropped. It stays on its thread, whose list has it.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct WatchedGuard<'a, L: BlockingLock + ?Sized + 'a> {
    guard: L::Guard<'a>,
    watched: Option<Held>,
    stays: PhantomData<*mut ()>,
}

impl<'a, L: BlockingLock + ?Sized> WatchedGuard<'a, L> {
    fn new(guard: L::Guard<'a>, watched: Option<Held>) -> Self {
        if let Some(held) = watched {
            // Nothing to do where the thread is ending.
            _ = HELD.try_with(|list| list.borrow_mut().push(held));
        }
        Self { guard, watched, stays: PhantomData }
    }
}

impl<'a, L: BlockingLock + ?Sized + 'a> Deref for WatchedGuard<'a, L> {
    type Target = L::Guard<'a>;

    fn deref(&self) -> &L::Guard<'a> {
        &self.guard
    }
}

impl<'a, L: BlockingLock + ?Sized + 'a> DerefMut for WatchedGuard<'a, L> {
    fn deref_mut(&mut self) -> &mut L::Guard<'a> {
        &mut self.guard
    }
}

impl<'a, L: BlockingLock + ?Sized + 'a> Drop for WatchedGuard<'a, L> {
    fn drop(&mut self) {
        let Some(held) = mem::take(&mut self.watched) else { return };
        _ = HELD.try_with(|list| {
            let mut list = list.borrow_mut();
            // From the end: locks are mostly given back in the other order.
            if let Some(last) = list.iter().rposition(|entry| entry.address == held.address) {
                list.remove(last);
            }
        });
    }
}

impl<'a, L: BlockingLock + ?Sized + 'a> fmt::Debug for WatchedGuard<'a, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedGuard").field("watched", &self.watched).finish_non_exhaustive()
    }
}

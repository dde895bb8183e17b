//! Locks that the kernel knows the owner of, so that it can lend him the priority of whoever waits: `FUTEX_LOCK_PI`, `futex(2)`.
//!
//! The word of such a lock is the kernel's to define: nought where it is free, else the [number](thread_id) of the thread that has it, with
//! [`WAITERS`] where somebody waits in the kernel and [`OWNER_DIED`] where its owner ended without giving it back.
//!
//! Elsewhere than on Linux, and in models, every call answers [`PiError::Unsupported`].

use core::fmt;

use crate::atomic::AtomicU32;

/// In the word: somebody waits in the kernel, so that giving back is a call.
pub const WAITERS: u32 = 0x8000_0000;
/// In the word: the owner ended without giving it back.
pub const OWNER_DIED: u32 = 0x4000_0000;
/// In the word: which thread has it.
pub const OWNER: u32 = 0x3fff_ffff;

/// Why the kernel refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PiError {
    /// There is no such call: an old kernel, another system, or a filter that forbids it.
    Unsupported,
    /// The caller has it already, or waits for somebody who waits for the caller.
    Deadlock,
    /// The thread that the word names does not exist.
    NoOwner,
    /// The word changed meanwhile, or the owner is just ending: to be tried again.
    Again,
    /// Anything else: the number of the error.
    Other(i32),
}

impl fmt::Display for PiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("the system has no futexes with priority inheritance"),
            Self::Deadlock => f.write_str("waiting would never end"),
            Self::NoOwner => f.write_str("the owner does not exist"),
            Self::Again => f.write_str("to be tried again"),
            Self::Other(code) => write!(f, "error {code} of the system"),
        }
    }
}

impl std::error::Error for PiError {}

/// Waits until the calling thread has the lock. The kernel writes the word.
///
/// # Errors
///
/// See [`PiError`]. The caller does not have it then.
pub fn lock_pi(word: &AtomicU32) -> Result<(), PiError> {
    system::call(word, system::LOCK)
}

/// Gives the lock back, to the waiter with the highest priority if there is one. The kernel writes the word.
///
/// # Errors
///
/// See [`PiError`]: [`PiError::Again`] in particular.
pub fn unlock_pi(word: &AtomicU32) -> Result<(), PiError> {
    system::call(word, system::UNLOCK)
}

/// Takes the lock if it is free, or its owner has ended. The kernel writes the word.
///
/// # Errors
///
/// See [`PiError`]. [`PiError::Again`] where somebody has it.
pub fn try_lock_pi(word: &AtomicU32) -> Result<(), PiError> {
    system::call(word, system::TRY_LOCK)
}

/// Whether a thread of this process has that number.
#[must_use]
pub fn is_thread(id: u32) -> bool {
    system::is_thread(id)
}

/// The number by which the kernel knows the calling thread; nought where there are no such locks. Asked once for each thread, and anew in the child of a
/// fork, whose thread has another one.
#[must_use]
pub fn thread_id() -> u32 {
    system::thread_id()
}

#[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
mod system {
    use std::cell::Cell;
    use std::io;

    use super::PiError;
    use crate::atomic::{AtomicBool, AtomicU32, Ordering};

    pub(super) const LOCK: libc::c_int = libc::FUTEX_LOCK_PI | libc::FUTEX_PRIVATE_FLAG;
    pub(super) const UNLOCK: libc::c_int = libc::FUTEX_UNLOCK_PI | libc::FUTEX_PRIVATE_FLAG;
    pub(super) const TRY_LOCK: libc::c_int = libc::FUTEX_TRYLOCK_PI | libc::FUTEX_PRIVATE_FLAG;

    pub(super) fn call(word: &AtomicU32, operation: libc::c_int) -> Result<(), PiError> {
        let (value, forever) = (0, std::ptr::null::<libc::timespec>());
        // SAFETY: the word is there while the call lasts, and is only changed atomically.
        let answer =
            unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, forever) };
        if answer == 0 {
            return Ok(());
        }
        Err(match io::Error::last_os_error().raw_os_error().unwrap_or_default() {
            libc::ENOSYS | libc::EPERM if operation != UNLOCK => PiError::Unsupported,
            libc::EDEADLK => PiError::Deadlock,
            libc::ESRCH => PiError::NoOwner,
            libc::EAGAIN | libc::EINTR => PiError::Again,
            other => PiError::Other(other),
        })
    }

    pub(super) fn is_thread(id: u32) -> bool {
        let process = std::process::id();
        // SAFETY: signal nought is not sent; the call only says whether there is somebody to send it to.
        let answer = unsafe { libc::syscall(libc::SYS_tgkill, process, id, 0) };
        answer == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
    }

    thread_local! {
        /// Nought before the kernel was asked. Without a destructor, so that it is there for as long as its thread.
        static ID: Cell<u32> = const { Cell::new(0) };
    }

    pub(super) fn thread_id() -> u32 {
        let known = ID.get();
        if known == 0 { ask() } else { known }
    }

    #[cold]
    fn ask() -> u32 {
        // SAFETY: it takes nothing and cannot fail.
        let id = unsafe { libc::gettid() }.cast_unsigned();
        if forks_are_told() {
            ID.set(id);
        }
        id
    }

    /// Makes the child of a fork forget the number of the thread that forked. False where there is no room to note that.
    fn forks_are_told() -> bool {
        /// Whether that is noted. Two threads may do so at once; forgetting twice is forgetting.
        static TOLD: AtomicBool = AtomicBool::new(false);

        extern "C" fn forget() {
            ID.set(0);
        }

        // Acquire: pairs with the Release below: the note comes before the number that it is for.
        if !TOLD.load(Ordering::Acquire) {
            // SAFETY: `forget` is there for as long as the process, and only stores a number of its own thread.
            if unsafe { libc::pthread_atfork(None, None, Some(forget)) } != 0 {
                return false;
            }
            // Release: as above.
            TOLD.store(true, Ordering::Release);
        }
        true
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, shuttle, miri)))))]
mod system {
    use super::PiError;
    use crate::atomic::AtomicU32;

    pub(super) const LOCK: i32 = 0;
    pub(super) const UNLOCK: i32 = 1;
    pub(super) const TRY_LOCK: i32 = 2;

    pub(super) fn call(_word: &AtomicU32, _operation: i32) -> Result<(), PiError> {
        Err(PiError::Unsupported)
    }

    pub(super) fn is_thread(_id: u32) -> bool {
        false
    }

    pub(super) fn thread_id() -> u32 {
        0
    }
}

#[cfg(all(test, target_os = "linux", not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::atomic::Ordering;

    #[test]
    fn the_kernel_writes_who_has_it() {
        let word = AtomicU32::new(0);
        lock_pi(&word).expect("nobody has it");
        // Relaxed: one thread.
        assert_eq!(word.load(Ordering::Relaxed), thread_id());
        assert_eq!(lock_pi(&word), Err(PiError::Deadlock));
        unlock_pi(&word).expect("it is ours");
        // Relaxed: one thread.
        assert_eq!(word.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_child_of_a_fork_has_a_number_of_its_own() {
        let parent = thread_id();
        // SAFETY: the child compares numbers, locks a word of its own and ends: it allocates nothing.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let word = AtomicU32::new(thread_id());
            let is_own = thread_id() != parent && unlock_pi(&word).is_ok();
            // SAFETY: it ends the child at once.
            unsafe { libc::_exit(i32::from(!is_own)) };
        }
        let mut status = 0;
        // SAFETY: `status` is ours.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status}");
        assert_eq!(thread_id(), parent);
    }

    #[test]
    fn an_owner_that_does_not_exist_is_told() {
        let word = AtomicU32::new(OWNER);
        assert!(is_thread(thread_id()) && !is_thread(OWNER));
        assert_eq!(lock_pi(&word), Err(PiError::NoOwner));
        assert_eq!(unlock_pi(&word), Err(PiError::Other(libc::EPERM)));
    }
}

//! Which processors a thread may run on.
//!
//! # Invariants
//!
//! - **F1** A guard puts back the set that was in force when it was made, on the thread that made it: it cannot be sent to another.
//! - **F2** Sets hold all the numbers the kernel can have, not only the first 1,024 of `cpu_set_t`.

use std::io;
use std::marker::PhantomData;

use crate::topology::{CpuId, CpuSet, Id};

/// A thread, as the system numbers it: for as long as it lives. After its end the number may be another one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadId(i32);

impl ThreadId {
    /// The calling thread's.
    #[must_use]
    pub fn current() -> Self {
        Self(system::thread())
    }
}

/// What system calls take for the thread that makes them.
const CALLING: ThreadId = ThreadId(0);

/// Words of a set that holds every number (F2).
const WORDS: usize = CpuId::LIMIT as usize / 64;

const _: () = assert!(WORDS * 64 == CpuId::LIMIT as usize, "F2");

/// The processors the calling thread may run on.
///
/// # Errors
///
/// Where the kernel has no such call, or refuses it (`seccomp`).
pub fn current() -> io::Result<CpuSet> {
    of(CALLING)
}

/// As [`current`], of another thread.
///
/// # Errors
///
/// As [`current`], and if there is no such thread.
pub fn of(thread: ThreadId) -> io::Result<CpuSet> {
    let mut words = vec![0u64; WORDS];
    system::get(thread, &mut words)?;
    Ok(CpuSet::of_words(words))
}

/// Lets the calling thread run on these processors only, and moves it there. Threads it starts from now on inherit the set.
///
/// # Errors
///
/// If none of them is one the process may use ([`io::ErrorKind::InvalidInput`]), or where the kernel refuses.
pub fn set(cpus: &CpuSet) -> io::Result<()> {
    set_of(CALLING, cpus)
}

/// As [`set`], for another thread. One that sleeps begins on one of these when it wakes up.
///
/// # Errors
///
/// As [`set`], and if there is no such thread.
pub fn set_of(thread: ThreadId, cpus: &CpuSet) -> io::Result<()> {
    system::set(thread, cpus.words())
}

/// The processor that the calling thread runs on: where it was a moment ago, unless it is [pinned](pin). Takes some ten nanoseconds.
///
/// # Errors
///
/// Where the system does not say ([`io::ErrorKind::Unsupported`]).
pub fn processor() -> io::Result<CpuId> {
    let number = system::processor()?;
    u32::try_from(number).map(CpuId).map_err(|_| io::Error::last_os_error())
}

/// Keeps the calling thread on one processor until the guard is dropped.
///
/// ```
/// use turgo_machine::affinity;
/// let before = affinity::current()?;
/// let cpu = before.first().expect("a thread may run somewhere");
/// {
///     let _pinned = affinity::pin(cpu)?;
///     assert_eq!(affinity::current()?.len(), 1);
/// }
/// assert_eq!(affinity::current()?, before);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// As [`set`].
pub fn pin(cpu: CpuId) -> io::Result<Pinned> {
    restrict(&CpuSet::from_iter([cpu]))
}

/// As [`pin`], to a set of processors.
///
/// # Errors
///
/// As [`set`].
pub fn restrict(cpus: &CpuSet) -> io::Result<Pinned> {
    let before = current()?;
    set(cpus)?;
    Ok(Pinned { before, thread: PhantomData })
}

/// Keeps a thread where [`pin`] or [`restrict`] put it; puts back its old set when dropped (F1).
///
/// If the kernel refuses to put it back, because the process has lost those processors meanwhile, the thread stays where it is.
#[derive(Debug)]
#[must_use = "the old set is put back when this is dropped"]
pub struct Pinned {
    before: CpuSet,
    /// A raw pointer is not `Send`, so neither is the guard (F1).
    thread: PhantomData<*const ()>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if !crate::mutant!("F1 affinity stays") {
            // Refused only where the process may use none of the old processors any more: then there is nothing to put back.
            let _ = set(&self.before);
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    //! The calls of Linux, with sets of any size.

    use std::io;

    use super::ThreadId;

    pub(super) fn thread() -> i32 {
        // SAFETY: takes nothing, and returns a number.
        unsafe { libc::gettid() }
    }

    pub(super) fn get(thread: ThreadId, words: &mut [u64]) -> io::Result<()> {
        // SAFETY: the kernel writes at most the given number of bytes to `words`, which has as many.
        let written = unsafe {
            let (bytes, words) = (size_of_val(words), words.as_mut_ptr());
            libc::syscall(libc::SYS_sched_getaffinity, thread.0, bytes, words)
        };
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub(super) fn processor() -> io::Result<i32> {
        // SAFETY: takes nothing, and returns a number.
        Ok(unsafe { libc::sched_getcpu() })
    }

    pub(super) fn set(thread: ThreadId, words: &[u64]) -> io::Result<()> {
        // SAFETY: the kernel reads the given number of bytes from `words`, which has as many.
        let done = unsafe {
            let (bytes, words) = (size_of_val(words), words.as_ptr());
            libc::syscall(libc::SYS_sched_setaffinity, thread.0, bytes, words)
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Other systems have no such calls, or only hints.

    use std::io::{Error, ErrorKind, Result};

    use super::ThreadId;

    pub(super) fn thread() -> i32 {
        0
    }

    pub(super) fn get(_thread: ThreadId, _words: &mut [u64]) -> Result<()> {
        Err(Error::from(ErrorKind::Unsupported))
    }

    pub(super) fn processor() -> Result<i32> {
        Err(Error::from(ErrorKind::Unsupported))
    }

    pub(super) fn set(_thread: ThreadId, _words: &[u64]) -> Result<()> {
        Err(Error::from(ErrorKind::Unsupported))
    }
}

#[cfg(all(test, target_os = "linux", not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_runs_where_it_was_put() {
        let before = current().expect("a set");
        for cpu in before.iter() {
            let pinned = pin(cpu).expect("a processor of ours");
            assert_eq!(current().expect("a set").to_string(), cpu.to_string());
            assert_eq!(processor().expect("the kernel knows"), cpu);
            drop(pinned);
            assert_eq!(current().expect("a set"), before, "F1");
        }
    }

    /// The other thread sleeps, and says where it is when it has woken up.
    #[test]
    fn a_thread_that_sleeps_wakes_up_where_it_was_sent() {
        use std::sync::mpsc::channel;
        let before = current().expect("a set");
        for cpu in before.iter() {
            let (tell, told) = channel();
            let other = crate::thread::spawn(move || {
                tell.send(ThreadId::current()).expect("somebody asks");
                crate::thread::park();
                processor().expect("the kernel knows")
            });
            let number = told.recv().expect("it says so");
            assert_eq!(of(number).expect("a set"), before);
            set_of(number, &CpuSet::from_iter([cpu])).expect("a processor of ours");
            other.thread().unpark();
            assert_eq!(other.join().expect("an answer"), cpu);
        }
        assert_eq!(current().expect("a set"), before, "ours is what it was");
    }

    #[test]
    fn guards_nest() {
        let before = current().expect("a set");
        let (first, last) = (before.first().expect("one"), before.iter().last().expect("one"));
        let outer = pin(first).expect("a processor of ours");
        {
            let _inner = pin(last).expect("a processor of ours");
            assert!(current().expect("a set").contains(last));
        }
        assert_eq!(current().expect("a set"), CpuSet::from_iter([first]));
        drop(outer);
        assert_eq!(current().expect("a set"), before);
    }

    #[test]
    fn a_processor_that_is_not_there_is_refused() {
        let before = current().expect("a set");
        let error = pin(CpuId(8191)).expect_err("no machine of ours has so many");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(
            set(&CpuSet::new()).expect_err("nowhere to run").kind(),
            io::ErrorKind::InvalidInput
        );
        assert_eq!(current().expect("a set"), before);
    }
}

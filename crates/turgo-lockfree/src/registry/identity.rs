//! Who owns a record, for reports of stalls.
//!
//! A report reads this while the owner may change: every word is an atomic of its own, so that it may mix two names and never
//! reads anything else. All accesses are Relaxed for that reason: nothing is ordered by them.

use alloc::string::String;

use turgo_machine::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Words of a name: 24 bytes, and Linux keeps 15.
const WORDS: usize = 3;

/// Name and number of a thread.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    name: [AtomicU64; WORDS],
    thread: AtomicU64,
    /// An address that is this thread's while it lives, to tell one's own records from those of others.
    key: AtomicUsize,
}

impl Identity {
    /// The calling thread is the owner. Models know no names: every word would be one more place to switch threads.
    pub(crate) fn set(&self) {
        if cfg!(loom) {
            return;
        }
        let bytes = thread_name();
        for (word, chunk) in self.name.iter().zip(bytes.chunks_exact(8)) {
            let value = u64::from_ne_bytes(chunk.try_into().expect("chunks of eight bytes"));
            // Relaxed: as the header says, here and below.
            word.store(value, Ordering::Relaxed);
        }
        self.thread.store(thread_number(), Ordering::Relaxed);
        self.key.store(thread_key(), Ordering::Relaxed);
    }

    /// Nobody is.
    pub(crate) fn clear(&self) {
        if cfg!(loom) {
            return;
        }
        // Relaxed: as the header says.
        self.key.store(0, Ordering::Relaxed);
    }

    /// Whether the calling thread is the owner.
    pub(crate) fn is_current(&self) -> bool {
        let key = thread_key();
        // Relaxed: where it is ours we wrote it.
        key != 0 && self.key.load(Ordering::Relaxed) == key
    }

    /// The owner's name; empty where it has none.
    pub(crate) fn name(&self) -> String {
        let mut bytes = [0; WORDS * 8];
        for (word, chunk) in self.name.iter().zip(bytes.chunks_exact_mut(8)) {
            // Relaxed: as the header says.
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        let len = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    /// The owner's number, as the operating system counts threads; 0 where that is not known.
    pub(crate) fn thread(&self) -> u64 {
        // Relaxed: as the header says.
        self.thread.load(Ordering::Relaxed)
    }
}

/// The beginning of the name of this thread.
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
fn thread_name() -> [u8; WORDS * 8] {
    let mut bytes = [0; WORDS * 8];
    if let Some(name) = std::thread::current().name() {
        let len = name.len().min(bytes.len());
        bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
    }
    bytes
}

#[cfg(not(all(feature = "std", not(any(loom, shuttle)))))]
fn thread_name() -> [u8; WORDS * 8] {
    [0; WORDS * 8]
}

/// The kernel's number of this thread: the last part of `PID/task/TID`.
#[cfg(all(feature = "std", target_os = "linux", not(any(loom, shuttle))))]
fn thread_number() -> u64 {
    std::fs::read_link("/proc/thread-self")
        .ok()
        .and_then(|path| path.file_name()?.to_str()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(not(all(feature = "std", target_os = "linux", not(any(loom, shuttle)))))]
fn thread_number() -> u64 {
    0
}

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
fn thread_key() -> usize {
    std::thread_local!(static KEY: u8 = const { 0 });
    KEY.with(|key| core::ptr::from_ref(key).addr())
}

#[cfg(not(all(feature = "std", not(any(loom, shuttle)))))]
fn thread_key() -> usize {
    0
}

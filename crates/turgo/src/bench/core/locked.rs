//! The peers of `turgo bench core`: what one would write with the standard library's locks.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};

use turgo_machine::atomic::AtomicU64;

use super::cases::{Cell, Count, Heap, Map, WAITING, on_threads, owned, stolen, together};

/// Something behind a lock.
#[derive(Default)]
pub(super) struct Locked<T>(
    // LOCK: a peer that is measured.
    Mutex<T>,
);

/// Something behind a lock that many may hold to read.
pub(super) struct Guarded<T>(
    // LOCK: a peer that is measured.
    RwLock<T>,
);

impl<T> Locked<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heap for Locked<VecDeque<u64>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.lock().push_back(value);
    }

    fn pop(&self) -> Option<u64> {
        self.lock().pop_front()
    }
}

impl Heap for Locked<Vec<u64>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.lock().push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.lock().pop()
    }
}

/// As `thieves` of the cases, over a deque behind a lock.
pub(super) fn locked_thieves(threads: usize, operations: u64) -> io::Result<u64> {
    let deque = Locked::<VecDeque<u64>>::default();
    let done = AtomicU64::new(0);
    on_threads(threads, |thread| match thread {
        0 => owned(&done, operations, |n| deque.lock().push_back(n), || deque.lock().pop_back()),
        _ => stolen(&done, operations, || deque.lock().pop_front()),
    })
}

/// As `ring` of the cases, over a channel of the standard library.
pub(super) fn channel(_threads: usize, operations: u64) -> io::Result<u64> {
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    together(vec![
        Box::new(move || {
            (0..operations).for_each(|number| sender.send(number).expect("the receiver waits"));
            0
        }),
        Box::new(move || receiver.iter().sum()),
    ])
}

impl Map for Guarded<HashMap<u64, u64>> {
    fn make(entries: impl Iterator<Item = (u64, u64)>) -> Self {
        Self(RwLock::new(entries.collect()))
    }

    fn look_up(&self, key: u64) -> Option<u64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    fn put(&self, key: u64, value: u64) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }
}

impl Cell for Guarded<Arc<u64>> {
    fn make(value: u64) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    fn value(&self) -> u64 {
        **self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, value: u64) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl Count for Locked<u64> {
    fn one_more(&self) {
        *self.lock() += 1;
    }

    fn count(&self) -> u64 {
        *self.lock()
    }
}

//! Locks that threads hold briefly: for a few assignments, a walk through a list, or a user's closure where there is no other way; never across an await.
//!
//! They are the crate's own, so loom sees them. Where they are held by others a thread spins shortly and then sleeps; without `std` it spins.

use crate::access::Shared;
use crate::fairness::{Barging, Fifo};
use crate::patience::Patience;
use crate::{mutex, rwlock};

/// A mutex that is held briefly.
pub(crate) type Mutex<T> = mutex::Mutex<T, Barging, Shared>;
/// It, locked.
pub(crate) type MutexGuard<'a, T> = mutex::MutexGuard<'a, T, Barging, Shared>;
/// A read-write lock that is held briefly.
pub(crate) type RwLock<T> = rwlock::RwLock<T, Fifo, Shared>;
/// It, read.
pub(crate) type ReadGuard<'a, T> = rwlock::RwLockReadGuard<'a, T, Fifo, Shared>;
/// It, written.
pub(crate) type WriteGuard<'a, T> = rwlock::RwLockWriteGuard<'a, T, Fifo, Shared>;

/// How often it is tried before a thread goes to sleep.
const TRIES_MAX: usize = if cfg!(any(loom, shuttle)) { 1 } else { 6 };

macro_rules! lock {
    ($name:ident, $try:ident, $blocking:ident, $lock:ident, $guard:ident) => {
        pub(crate) fn $name<T>(lock: &$lock<T>) -> $guard<'_, T> {
            let patience = Patience::new();
            for _ in 0..TRIES_MAX {
                if let Ok(guard) = lock.$try() {
                    return guard;
                }
                patience.wait();
            }
            #[cfg(feature = "std")]
            {
                lock.$blocking()
            }
            #[cfg(not(feature = "std"))]
            loop {
                if let Ok(guard) = lock.$try() {
                    return guard;
                }
                patience.wait();
            }
        }
    };
}

lock!(lock, try_lock, blocking_lock, Mutex, MutexGuard);
lock!(read, try_read, blocking_read, RwLock, ReadGuard);
lock!(write, try_write, blocking_write, RwLock, WriteGuard);

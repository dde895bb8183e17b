//! Locks that threads hold briefly: for a few assignments, a walk through a list, or a user's closure where there is no other way; never across an await.
//!
//! They are the crate's own, so loom sees them. Where they are held by others a thread spins shortly and then sleeps; without `std` it spins. Where there
//! are no others they are held by a caller of the one who asks, or by a guard of that thread: it panics, because waiting would never end.

use crate::access::Access;
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::fairness::{Barging, Fifo};
use crate::patience::Patience;
use crate::{mutex, rwlock};

/// A mutex that is held briefly.
pub(crate) type Mutex<T, A> = mutex::Mutex<T, Barging, A>;
/// It, locked.
pub(crate) type MutexGuard<'a, T, A> = mutex::MutexGuard<'a, T, Barging, A>;
/// A read-write lock that is held briefly.
pub(crate) type RwLock<T, A> = rwlock::RwLock<T, Fifo, A>;
/// It, read.
pub(crate) type ReadGuard<'a, T, A> = rwlock::RwLockReadGuard<'a, T, Fifo, A>;
/// It, written.
pub(crate) type WriteGuard<'a, T, A> = rwlock::RwLockWriteGuard<'a, T, Fifo, A>;

/// How often it is tried before a thread goes to sleep.
const TRIES_MAX: usize = if cfg!(any(loom, shuttle)) { 1 } else { 6 };

macro_rules! lock {
    ($name:ident, $try:ident, $lock:ident, $guard:ident) => {
        pub(crate) fn $name<T, A: Access>(lock: &$lock<T, A>) -> $guard<'_, T, A> {
            let patience = Patience::new();
            for _ in 0..TRIES_MAX {
                if let Ok(guard) = lock.$try() {
                    return guard;
                }
                assert!(A::HAS_OTHERS, "held by this thread, which would wait for itself");
                patience.wait();
            }
            #[cfg(feature = "std")]
            {
                block_on(lock.$name())
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

lock!(lock, try_lock, Mutex, MutexGuard);
lock!(read, try_read, RwLock, ReadGuard);
lock!(write, try_write, RwLock, WriteGuard);

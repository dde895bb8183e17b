//! An event that stays until it is cleared, for those who come from compio-sync, whose `Condvar` is one.
//!
//! Most programs name [`turgo_sync::Event`](crate::Event), or [`turgo_sync::local::Event`](crate::local::Event) for the tasks of one thread. Both are
//! the type of this module.
//!
//! # Invariants
//!
//! - **E1** Each change from cleared to set ends a generation of the gate. So who waits when it is set is let go, even if it is cleared before he
//!   looks.

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

use core::fmt;

use turgo_machine::mutant;

use crate::access::Access;
#[cfg(feature = "std")]
use crate::access::Shared;
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::gate::Gate;

const CLEARED: u64 = 0;
const SET: u64 = 1;

/// Something that has happened or has not. Once it has, nobody waits any more until it is [cleared](Self::clear).
///
/// # Progress
///
/// Setting, clearing and beginning to wait never wait for another thread. Dropping a future that is queued, and polling it with the waker of another
/// task, wait for whoever holds the queue, who handles at most 32 waiters meanwhile. Nothing is allocated.
///
/// # Cancel safety
///
/// A future that is dropped leaves the queue and nothing else.
///
/// ```
/// use turgo_sync::Event;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let ready = Event::new();
/// assert!(!ready.is_set());
/// ready.set();
/// ready.wait().await;
/// ready.wait().await;
/// ready.clear();
/// assert!(!ready.is_set());
/// # });
/// ```
pub struct Event<A: Access> {
    gate: Gate<A>,
}

impl<A: Access> Event<A> {
    /// It has not happened.
    #[must_use]
    pub fn new() -> Self {
        Self { gate: Gate::new(CLEARED) }
    }

    /// It has happened: lets go all who wait, and all who will until it is [cleared](Self::clear). Answers whether it had not before.
    ///
    /// What was done before this call is visible to those who are let go by it.
    pub fn set(&self) -> bool {
        self.gate
            .change(|now| {
                if now.number() == SET {
                    None
                } else if mutant!("E1 only the flag") {
                    Some(now.transition_to_number(SET))
                } else {
                    Some(now.transition_to_next_generation(SET))
                }
            })
            .1
    }

    /// The same as [`set`](Self::set), by its name in compio-sync.
    pub fn notify_all(&self) {
        self.set();
    }

    /// The same as [`set`](Self::set), by its name in compio-sync: there, too, the flag stays, so that nobody who comes later waits. Those who wait
    /// already are all let go, not one of them.
    pub fn notify_one(&self) {
        self.set();
    }

    /// It has not happened any more. Those who were let go stay so. Answers whether it had.
    pub fn clear(&self) -> bool {
        self.gate.change(|now| (now.number() == SET).then(|| now.transition_to_number(CLEARED))).1
    }

    /// Whether it has happened and was not cleared.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.gate.now().number() == SET
    }

    /// Waits until it has happened.
    ///
    /// Who waits when it is [set](Self::set) is let go even if it is cleared at once. The wait begins at the first poll. Cancel safe: see
    /// [the type](Self#cancel-safety).
    pub async fn wait(&self) {
        let now = self.gate.now();
        if now.number() != SET {
            self.gate.pass(now).await;
        }
    }
}

#[cfg(feature = "std")]
impl Event<Shared> {
    /// [`wait`](Self::wait) for a thread, which sleeps meanwhile. Not for tasks of an executor.
    pub fn blocking_wait(&self) {
        block_on(self.wait());
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Event<$access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new() -> Self {
                Self { gate: Gate::<$access>::const_new(CLEARED) }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> Default for Event<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> fmt::Debug for Event<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}

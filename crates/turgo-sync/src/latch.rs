//! Counting down: a [`Latch`] once, from a number that is known; a [`WaitGroup`] as often as there is work, from a number that grows with it.
//!
//! Most programs name [`turgo_sync::Latch`](crate::Latch) and [`turgo_sync::WaitGroup`](crate::WaitGroup), or those of
//! [`turgo_sync::local`](crate::local) for the tasks of one thread. They are the types of this module.
//!
//! # Invariants
//!
//! - **L1** The gate's number is how many are to come. The exchange that makes it zero ends a generation: who waits is let go even if more is
//!   added before he looks.
//! - **L2** The number never goes below zero and never beyond what the gate holds: who would make it do so panics, and nothing has changed.

#[cfg(test)]
mod tests;

use core::fmt;

use turgo_machine::mutant;

use crate::access::Access;
#[cfg(feature = "std")]
use crate::access::Shared;
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::gate::{Gate, NUMBER_MAX};

/// Lets all go when it was counted down to zero, and stays so. The shape is that of `std::latch` in C++20.
///
/// # Progress
///
/// Counting down and beginning to wait never wait for another thread. Dropping a future that is queued, and polling it with the waker of
/// another task, wait for whoever holds the queue, who handles at most 32 waiters meanwhile. Nothing is allocated.
///
/// # Cancel safety
///
/// A future that is dropped leaves the queue and nothing else; what was counted stays counted.
///
/// ```
/// use turgo_sync::Latch;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let latch = Latch::new(2);
/// latch.count_down();
/// assert!(!latch.try_wait());
/// latch.count_down();
/// latch.wait().await;
/// # });
/// ```
pub struct Latch<A: Access> {
    count: Countdown<A>,
}

/// Waits for work that was [added](Self::add) until it is [done](Self::done). It can be used again. The shape is that of Go's `sync.WaitGroup`.
///
/// Work must be added before somebody waits for it, so not by the task that does it but by the one that starts it. Progress and cancel safety are
/// those of [`Latch`].
///
/// ```
/// use std::sync::Arc;
/// use turgo_sync::WaitGroup;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let group = Arc::new(WaitGroup::new());
/// for _ in 0..3 {
///     group.add(1);
///     let group = group.clone();
///     tokio::spawn(async move {
///         let _done = group.done_on_drop();
///     });
/// }
/// group.wait().await;
/// assert_eq!(group.count(), 0);
/// # });
/// ```
pub struct WaitGroup<A: Access> {
    count: Countdown<A>,
}

/// Says that work of a [`WaitGroup`] is [done](WaitGroup::done) when this is dropped, also by a panic.
#[must_use = "the work is done when this is dropped"]
pub struct WaitGroupGuard<'a, A: Access> {
    group: &'a WaitGroup<A>,
}

/// How many are to come, and who waits for them.
struct Countdown<A: Access> {
    gate: Gate<A>,
}

impl<A: Access> Countdown<A> {
    #[track_caller]
    fn new(count: usize) -> Self {
        assert!(count as u64 <= NUMBER_MAX, "a count may not be more than {NUMBER_MAX}");
        Self { gate: Gate::new(count as u64) }
    }

    #[track_caller]
    fn down(&self, n: usize) {
        let n = n as u64;
        let (now, changed) = self.gate.change(|now| {
            let left = if mutant!("L2 below zero") {
                now.number().saturating_sub(n)
            } else {
                now.number().checked_sub(n)?
            };
            Some(if left == 0 && n > 0 && !mutant!("L1 only the number") {
                now.transition_to_next_generation(0)
            } else {
                now.transition_to_number(left)
            })
        });
        assert!(changed, "{n} is more than there are to come: {}", now.number());
    }

    #[track_caller]
    fn up(&self, n: usize) {
        let (now, changed) = self.gate.change(|now| {
            let sum = now.number().checked_add(n as u64).filter(|sum| *sum <= NUMBER_MAX)?;
            Some(now.transition_to_number(sum))
        });
        assert!(changed, "{} and {n} are more than {NUMBER_MAX}", now.number());
    }

    fn get(&self) -> usize {
        self.gate.now().number() as usize
    }

    async fn wait(&self) {
        let now = self.gate.now();
        if now.number() > 0 {
            self.gate.pass(now).await;
        }
    }
}

impl<A: Access> Latch<A> {
    /// For so many. With zero nobody ever waits.
    ///
    /// # Panics
    ///
    /// If `count` is more than 2^30 - 1.
    #[must_use]
    #[track_caller]
    pub fn new(count: usize) -> Self {
        Self { count: Countdown::new(count) }
    }

    /// One has come.
    ///
    /// # Panics
    ///
    /// If all have come already.
    #[track_caller]
    pub fn count_down(&self) {
        self.count.down(1);
    }

    /// So many have come.
    ///
    /// # Panics
    ///
    /// If that is more than are still to come. Nothing is counted then.
    #[track_caller]
    pub fn count_down_by(&self, n: usize) {
        self.count.down(n);
    }

    /// How many are still to come.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// Whether all have come.
    #[must_use]
    pub fn try_wait(&self) -> bool {
        self.count() == 0
    }

    /// Waits until all have come. What those who came did before is visible afterwards. Cancel safe: see [the type](Self#cancel-safety).
    pub async fn wait(&self) {
        self.count.wait().await;
    }

    /// Comes, and waits for the others. It comes at the first poll, once, and a future that is dropped later has come.
    ///
    /// # Panics
    ///
    /// If all have come already.
    pub async fn arrive_and_wait(&self) {
        self.count_down();
        self.wait().await;
    }
}

impl<A: Access> WaitGroup<A> {
    /// Without work.
    #[must_use]
    pub fn new() -> Self {
        Self { count: Countdown::new(0) }
    }

    /// Adds work.
    ///
    /// # Panics
    ///
    /// If that makes more than 2^30 - 1. Nothing is added then.
    #[track_caller]
    pub fn add(&self, n: usize) {
        self.count.up(n);
    }

    /// One piece of work is done.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn done(&self) {
        self.count.down(1);
    }

    /// Says that one piece of work is [done](Self::done) when what this answers is dropped.
    pub fn done_on_drop(&self) -> WaitGroupGuard<'_, A> {
        WaitGroupGuard { group: self }
    }

    /// How much work is not done.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// Waits until there is no work. Who waits when the last piece is done goes on even if more is added at once. What those who did the work did
    /// before is visible afterwards. Cancel safe.
    pub async fn wait(&self) {
        self.count.wait().await;
    }
}

impl<A: Access> Drop for WaitGroupGuard<'_, A> {
    fn drop(&mut self) {
        self.group.done();
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl Latch<Shared> {
    /// [`wait`](Self::wait) for a thread, which sleeps meanwhile.
    pub fn blocking_wait(&self) {
        block_on(self.wait());
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl WaitGroup<Shared> {
    /// [`wait`](Self::wait) for a thread, which sleeps meanwhile.
    pub fn blocking_wait(&self) {
        block_on(self.wait());
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Latch<$access> {
            /// The same as [`new`](Self::new), for statics.
            ///
            /// # Panics
            ///
            /// If `count` is more than 2^30 - 1.
            #[must_use]
            #[track_caller]
            pub const fn const_new(count: usize) -> Self {
                assert!(count as u64 <= NUMBER_MAX, "more than a latch can count");
                Self { count: Countdown { gate: Gate::<$access>::const_new(count as u64) } }
            }
        }

        impl WaitGroup<$access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new() -> Self {
                Self { count: Countdown { gate: Gate::<$access>::const_new(0) } }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> Default for WaitGroup<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> fmt::Debug for Latch<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("count", &self.count()).finish()
    }
}

impl<A: Access> fmt::Debug for WaitGroup<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("count", &self.count()).finish()
    }
}

impl<A: Access> fmt::Debug for WaitGroupGuard<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroupGuard").field("group", self.group).finish()
    }
}

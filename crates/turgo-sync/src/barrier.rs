//! Barriers, with the names, signatures and results of `tokio::sync::Barrier`.
//!
//! Most programs name [`turgo_sync::Barrier`](crate::Barrier), or [`turgo_sync::local::Barrier`](crate::local::Barrier) for the tasks of one thread. Both
//! are the type of this module.
//!
//! # Invariants
//!
//! - **B1** The gate's number is how many wait for this round. Who gives up takes himself out of it in an exchange that sees his round still on: not
//!   later, when he would be missing in another round.
//! - **B2** The exchange of the last to come ends the round and starts the next with nobody. So a round has one leader, and nobody counts in two.

#[cfg(test)]
mod tests;

use core::fmt;

use turgo_machine::mutant;

use crate::access::Access;
#[cfg(feature = "std")]
use crate::access::Shared;
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::gate::{Gate, Gated, NUMBER_MAX};

/// Lets tasks go on when so many have come. It starts again by itself.
///
/// # Progress
///
/// Coming never waits for another thread. Dropping a future that is queued, and polling it with the waker of another task, wait for whoever
/// holds the queue, who handles at most 32 waiters meanwhile. Nothing is allocated.
///
/// # Cancel safety
///
/// A wait that is dropped has not come: unless its round is complete already, the barrier waits for somebody else in its place. (tokio's counts it all the
/// same.)
///
/// ```
/// use std::sync::Arc;
/// use turgo_sync::Barrier;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let barrier = Arc::new(Barrier::new(2));
/// let other = tokio::spawn({
///     let barrier = barrier.clone();
///     async move { barrier.wait().await.is_leader() }
/// });
/// let leads = barrier.wait().await.is_leader();
/// assert!(leads != other.await.unwrap(), "one of them");
/// # });
/// ```
pub struct Barrier<A: Access> {
    gate: Gate<A>,
    parties: u64,
}

/// What a [`Barrier`] answers to those who waited.
#[derive(Debug, Clone)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this is the one of the round who leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl<A: Access> Barrier<A> {
    /// For `n` tasks. Zero is as good as one: nobody waits.
    ///
    /// # Panics
    ///
    /// If `n` is more than 2^30 - 1.
    #[must_use]
    #[track_caller]
    pub fn new(n: usize) -> Self {
        let parties = n.max(1) as u64;
        assert!(parties <= NUMBER_MAX, "a barrier may not have more than {NUMBER_MAX} parties");
        Self { gate: Gate::new(0), parties }
    }

    /// Waits until as many have come as there are parties. The last one leads, and goes on at once.
    ///
    /// It comes at the first poll. Cancel safe: see [the type](Self#cancel-safety).
    pub async fn wait(&self) -> BarrierWaitResult {
        let (came, _) = self.gate.change(|now| {
            let number = now.number() + 1;
            Some(if number == self.parties {
                let next = if mutant!("B2 the count goes on") { 1 } else { 0 };
                now.transition_to_next_generation(next)
            } else {
                now.transition_to_number(number)
            })
        });
        if came.number() + 1 == self.parties {
            return BarrierWaitResult(true);
        }
        let seat = Seat { barrier: self, came };
        self.gate.pass(came).await;
        drop(seat);
        BarrierWaitResult(false)
    }
}

/// Somebody who has come; dropped, he leaves, unless his round is over.
struct Seat<'a, A: Access> {
    barrier: &'a Barrier<A>,
    came: Gated,
}

impl<A: Access> Drop for Seat<'_, A> {
    fn drop(&mut self) {
        if mutant!("B1 who gives up is counted") {
            return;
        }
        self.barrier.gate.change(|now| {
            let on = now.generation() == self.came.generation()
                || now.number() > 0 && mutant!("B1 taken out of another round");
            on.then(|| now.transition_to_number(now.number() - 1))
        });
    }
}

#[cfg(feature = "std")]
impl Barrier<Shared> {
    /// [`wait`](Self::wait) for a thread, which sleeps meanwhile. Not for tasks of an executor.
    pub fn blocking_wait(&self) -> BarrierWaitResult {
        block_on(self.wait())
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Barrier<$access> {
            /// The same as [`new`](Self::new), for statics.
            ///
            /// # Panics
            ///
            /// If `n` is more than 2^30 - 1.
            #[must_use]
            #[track_caller]
            pub const fn const_new(n: usize) -> Self {
                assert!(n as u64 <= NUMBER_MAX, "more parties than a barrier may have");
                let parties = if n == 0 { 1 } else { n as u64 };
                Self { gate: Gate::<$access>::const_new(0), parties }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> fmt::Debug for Barrier<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("waiting", &self.gate.now().number())
            .finish()
    }
}

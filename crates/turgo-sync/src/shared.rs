//! The primitives for tasks on any thread.

use crate::access::Shared;
use crate::fairness::Fifo;
use crate::semaphore;

/// Gives out a number of permits, and lets tasks wait for them.
pub type Semaphore<F = Fifo> = semaphore::Semaphore<F, Shared>;
/// Permits of a [`Semaphore`], which go back when this is dropped.
pub type SemaphorePermit<'a, F = Fifo> = semaphore::SemaphorePermit<'a, F, Shared>;
/// Permits of a [`Semaphore`] together with a share of it.
pub type OwnedSemaphorePermit<F = Fifo> = semaphore::OwnedSemaphorePermit<F, Shared>;

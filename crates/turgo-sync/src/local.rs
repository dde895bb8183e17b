//! The primitives for tasks of one thread: the same source over cells instead of atomics, neither `Send` nor `Sync`.
//!
//! Owned permits and guards own a share of an [`Rc`](alloc::rc::Rc).

use crate::access::Local;
use crate::fairness::Fifo;
use crate::semaphore;
pub use crate::semaphore::{AcquireError, TryAcquireError};

/// Gives out a number of permits, and lets tasks wait for them.
pub type Semaphore<F = Fifo> = semaphore::Semaphore<F, Local>;
/// Permits of a [`Semaphore`], which go back when this is dropped.
pub type SemaphorePermit<'a, F = Fifo> = semaphore::SemaphorePermit<'a, F, Local>;
/// Permits of a [`Semaphore`] together with a share of it.
pub type OwnedSemaphorePermit<F = Fifo> = semaphore::OwnedSemaphorePermit<F, Local>;

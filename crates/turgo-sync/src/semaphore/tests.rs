//! Tests of the semaphore, and through it of permits and the queue.

#[cfg(loom)]
mod loom;
#[cfg(all(shuttle, not(loom)))]
mod shuttle;
#[cfg(not(any(loom, shuttle)))]
mod unit;

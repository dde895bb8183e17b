//! RCU alone.

#[cfg(not(any(loom, shuttle)))]
mod exit;
#[cfg(not(any(loom, shuttle)))]
mod limits;
#[cfg(loom)]
mod loom;
#[cfg(loom)]
mod loom_faults;
#[cfg(not(any(loom, shuttle)))]
mod reentry;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
#[cfg(not(any(loom, shuttle)))]
mod unit;

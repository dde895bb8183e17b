//! Hazard pointers alone.

#[cfg(not(any(loom, shuttle)))]
pub(crate) mod exit;
#[cfg(loom)]
mod loom;
#[cfg(loom)]
mod loom_faults;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
#[cfg(not(any(loom, shuttle)))]
mod unit;

//! Hazard pointers alone.

#[cfg(not(any(loom, shuttle)))]
pub(crate) mod exit;
#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod unit;

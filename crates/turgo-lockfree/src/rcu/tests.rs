//! RCU alone.

#[cfg(not(any(loom, shuttle)))]
mod exit;
#[cfg(not(any(loom, shuttle)))]
mod limits;
#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod unit;

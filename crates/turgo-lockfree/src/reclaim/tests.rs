//! What every domain must do, tried on a stack of canaries.

#[cfg(not(loom))]
pub(crate) mod canary;
#[cfg(loom)]
pub(crate) mod probe;
#[cfg(all(shuttle, not(loom)))]
mod shuttle;
#[cfg(not(loom))]
pub(crate) mod stack;
#[cfg(not(any(loom, shuttle)))]
mod stress;
#[cfg(not(any(loom, shuttle)))]
mod tags;

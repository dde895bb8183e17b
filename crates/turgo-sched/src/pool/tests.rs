//! Tests of pools with real threads, and of what runs in checkers.

#[cfg(not(any(loom, shuttle)))]
mod flood;
#[cfg(not(any(loom, shuttle)))]
mod graphs;
#[cfg(not(any(loom, shuttle)))]
mod hostile;
#[cfg(not(any(loom, shuttle)))]
mod needs;
#[cfg(not(any(loom, shuttle)))]
mod patience;
#[cfg(not(any(loom, shuttle)))]
mod policies;
#[cfg(all(shuttle, not(loom)))]
mod shuttled;
#[cfg(not(any(loom, shuttle)))]
mod stress;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
#[cfg(not(any(loom, shuttle)))]
mod tenants;
#[cfg(not(any(loom, shuttle)))]
mod tuned;
#[cfg(not(any(loom, shuttle)))]
mod urgency;
#[cfg(not(any(loom, shuttle)))]
mod waits;

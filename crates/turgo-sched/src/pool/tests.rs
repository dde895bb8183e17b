//! Tests of pools with real threads, and of what runs in checkers.

#[cfg(not(any(loom, shuttle)))]
mod graphs;
#[cfg(all(shuttle, not(loom)))]
mod shuttled;
#[cfg(not(any(loom, shuttle)))]
mod stress;

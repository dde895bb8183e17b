//! Task graphs: their parts, and whole runs.

#[cfg(loom)]
mod models;
#[cfg(not(any(loom, shuttle)))]
mod on_pool;
#[cfg(not(any(loom, shuttle)))]
mod sequences;
#[cfg(not(any(loom, shuttle)))]
mod threads;
#[cfg(not(any(loom, shuttle)))]
mod unit;

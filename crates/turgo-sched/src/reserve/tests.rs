//! Conservation, in sequences, with threads and in models.

use super::*;

#[cfg(loom)]
mod models;
#[cfg(not(any(loom, shuttle)))]
mod sequences;

/// A capacity of two lanes.
fn pair(first: f32, second: f32) -> Resources {
    Resources::NONE.with(Lane::Cpu, first).with(Lane::Memory, second)
}

//! What carries a task graph: tasks and worker threads, rings between instances, sources and sinks.
//!
//! Operators are called by a [`chain::Chain`], one per instance. A chain is a [`task::Task`]: it runs
//! until it has nothing to do or has used its budget, never blocks, and is woken by the rings it
//! reads and writes. Blocking input and output happens in [`source`] and [`sink`] threads; the
//! clock is read by a [`timer`].

pub(crate) mod build;
pub(crate) mod chain;
pub(crate) mod checkpoint;
pub(crate) mod dispenser;
pub(crate) mod executor;
pub(crate) mod inlet;
pub(crate) mod letters;
pub(crate) mod outlet;
pub(crate) mod pace;
pub(crate) mod ring;
pub(crate) mod scan;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod task;
pub(crate) mod timer;

#[cfg(test)]
mod tests;

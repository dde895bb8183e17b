//! loom models of the structures: every interleaving and every reordering the memory model allows, within a bound of preemptions.

#![cfg(loom)]

mod claims;
mod deques;
mod lists;
mod rings;

/// Explores `model` with up to `preemptions` preemptions.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

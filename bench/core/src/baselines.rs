//! The structures of `turgo-lockfree` over crossbeam's epochs: what another kind of reclamation alone would change.

pub(crate) mod epoch_queue;
pub(crate) mod epoch_stack;

//! What threads did: for each operation its call, its result and two stamps.
//!
//! # Invariants
//!
//! - **L1** All stamps of a history come from one counter, so "returned before the other was called" is a comparison. A stamp
//!   is taken before the operation starts and after it has returned: an interval is never shorter than the operation.
//! - **L2** A thread's operations are in its own order, and neither their calls nor their returns decrease. A batch may be recorded as
//!   several operations with the same two stamps: they keep their order.

use turgo_machine::atomic::{AtomicU64, Ordering};

/// The stamp of a return that did not happen: later than all.
pub(crate) const PENDING: u64 = u64::MAX;

/// Something a thread did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation<C, R> {
    pub(crate) call: C,
    /// Without it the operation had not returned when the history was taken: it may have had its effect or not.
    pub(crate) result: Option<R>,
    pub(crate) called: u64,
    pub(crate) returned: u64,
}

impl<C, R> Operation<C, R> {
    pub(crate) fn new(call: C, result: R, called: u64, returned: u64) -> Self {
        Self { call, result: Some(result), called, returned }
    }

    pub(crate) fn pending(call: C, called: u64) -> Self {
        Self { call, result: None, called, returned: PENDING }
    }
}

/// The operations of all threads, each thread's in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History<C, R> {
    pub(crate) threads: Vec<Vec<Operation<C, R>>>,
}

impl<C, R> History<C, R> {
    pub(crate) fn new(threads: Vec<Vec<Operation<C, R>>>) -> Self {
        Self { threads }
    }

    pub(crate) fn operations(&self) -> usize {
        self.threads.iter().map(Vec::len).sum()
    }
}

/// The counter of L1.
#[derive(Debug)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn tick(&self) -> u64 {
        // SeqCst: one order of all stamps, and no access of an operation moves out of its interval on the machines we run on.
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// One thread's part of a history.
#[derive(Debug)]
pub(crate) struct Recorder<'a, C, R> {
    clock: &'a Clock,
    operations: Vec<Operation<C, R>>,
}

impl<'a, C, R> Recorder<'a, C, R> {
    pub(crate) fn new(clock: &'a Clock) -> Self {
        Self { clock, operations: Vec::with_capacity(256) }
    }

    /// Runs an operation and notes it.
    pub(crate) fn record(&mut self, call: C, run: impl FnOnce() -> R) {
        let called = self.clock.tick();
        let result = run();
        let returned = self.clock.tick();
        self.operations.push(Operation::new(call, result, called, returned));
    }

    /// Runs one call that amounts to several operations one after the other (L2).
    pub(crate) fn record_all(&mut self, run: impl FnOnce() -> Vec<(C, R)>) {
        let called = self.clock.tick();
        let all = run();
        let returned = self.clock.tick();
        let noted = |(call, result)| Operation::new(call, result, called, returned);
        self.operations.extend(all.into_iter().map(noted));
    }

    pub(crate) fn finish(self) -> Vec<Operation<C, R>> {
        self.operations
    }
}

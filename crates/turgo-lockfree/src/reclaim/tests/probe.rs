//! A value for models: loom sees every read of it and its end, and reports two that are not ordered.

use turgo_machine::cell::UnsafeCell;

/// What loom watches. It is leaked, so that reading it after its end is a failed assertion and nothing worse.
#[derive(Debug)]
pub(crate) struct Cell(UnsafeCell<bool>);

// SAFETY: loom checks the accesses; finding those that race is what it is for.
unsafe impl Sync for Cell {}
// SAFETY: as above.
unsafe impl Send for Cell {}

/// A value that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Probe(&'static Cell);

impl Probe {
    pub(crate) fn new() -> Self {
        Self(Box::leak(Box::new(Cell(UnsafeCell::new(true)))))
    }

    /// For looking at the value after its end.
    pub(crate) fn cell(&self) -> &'static Cell {
        self.0
    }

    pub(crate) fn check(&self) {
        self.0.check();
    }
}

impl Cell {
    /// A reader reads.
    pub(crate) fn check(&self) {
        assert!(self.is_alive(), "a freed value was read");
    }

    pub(crate) fn is_alive(&self) -> bool {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.0.with(|alive| unsafe { *alive })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.0.with_mut(|alive| {
            // SAFETY: loom checks that nobody else reads or writes meanwhile.
            let alive = unsafe { &mut *alive };
            assert!(*alive, "a value was freed twice");
            *alive = false;
        });
    }
}

/// Explores a model with so many preemptions.
pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(f);
}

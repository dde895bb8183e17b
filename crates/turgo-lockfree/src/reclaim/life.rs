//! In models, whether a node was freed: loom sees every look at a node and its end, and reports two that are not ordered.

use turgo_machine::cell::UnsafeCell;

/// What loom watches of a node.
#[derive(Debug)]
pub(super) struct Life(UnsafeCell<bool>);

impl Life {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(true))
    }

    /// Somebody looks at the node.
    pub(super) fn check(&self) {
        // SAFETY: loom reports whoever writes meanwhile.
        let alive = self.0.with(|alive| unsafe { *alive });
        assert!(alive, "a freed node is read");
    }

    /// The node is freed.
    pub(super) fn end(&self) {
        self.check();
        // SAFETY: loom reports whoever reads or writes meanwhile.
        self.0.with_mut(|alive| unsafe { *alive = false });
    }
}

//! Windows that have been emitted and still take rows, where lateness is allowed.
//!
//! A window is emitted [`Aggregate::lateness`] before the watermark reaches its end. From then on the
//! sum of its panes stands here, and is what states for it are added to, until the watermark closes
//! it. States for windows that have not been emitted go to panes, as ever.
//!
//! - E1. A window is summed up once, when it is emitted: the keys of panes name no window that has been.
//!   So a row counts once in each of its windows, here or there.
//! - E2. What a window is here is what has left of it, but for the changes that are held, which
//!   remember what has left. They leave before a watermark closes windows, before a barrier and at the
//!   end.
//! - E3. Which windows have been emitted follows from the watermark, and so do versions in between; what
//!   they come to is the sum of all rows that are not late, whenever it was emitted first.
//!
//! [`Aggregate::lateness`]: crate::graph::Aggregate::lateness

use arrow::array::RecordBatch;

use super::{PANE_COLUMNS, Pane, PaneKey, PaneStore, pieces};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Panes};
use crate::operator::held::{Held, Leaving};

/// A window that has been emitted.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) pane: Pane,
    held: Held,
}

impl Shown {
    /// As it has been emitted.
    pub(super) fn new(pane: Pane) -> Self {
        Self { pane, held: Held::default() }
    }
}

impl PaneStore {
    /// The windows that states of pane `key` count in: those that have been emitted, each as its end
    /// and its start, and the pane that stands for the others.
    fn counted_in(&self, key: PaneKey) -> (Vec<PaneKey>, Option<PaneKey>) {
        match self.aggregate.panes {
            Panes::Time { windows, .. } => {
                let (pane, first) = key;
                let shown = windows.ends_after(pane, first - 1);
                let shown = shown.take_while(|end| *end <= self.emitted);
                let shown = shown.map(|end| (end, windows.start(end))).collect();
                let open = windows.ends_after(pane, self.emitted.max(first - 1)).next();
                (shown, open.map(|first| (pane, first)))
            }
            Panes::Attached { .. } if key.0 <= self.emitted => (vec![key], None),
            Panes::Attached { .. } | Panes::Whole | Panes::Session { .. } => (vec![], Some(key)),
        }
    }

    /// Adds states to where they count: windows that have been emitted, and panes.
    pub(super) fn merge_late(&mut self, states: &RecordBatch) -> Result<()> {
        for piece in pieces(states)? {
            let (shown, open) = self.counted_in(piece.pane);
            for window in shown {
                self.revise(window, &piece.rows)?;
            }
            if let Some(pane) = open {
                self.merge_pane(pane, &piece.rows)?;
            }
        }
        Ok(())
    }

    /// Adds states to a window that has been emitted, and holds what they change.
    fn revise(&mut self, window: PaneKey, states: &RecordBatch) -> Result<()> {
        if window.0 <= self.closed {
            return Err(EngineError::internal(format!(
                "rows for window {window:?} came after it had been closed"
            )));
        }
        let mut groups = std::mem::take(&mut self.groups);
        let keys = &states.columns()[PANE_COLUMNS..PANE_COLUMNS + self.aggregate.keys.len()];
        let Shown { pane, held } = self.shown_window(window)?;
        let known = pane.table.len();
        pane.table.intern(keys, states.num_rows(), &mut groups)?;
        held.note(pane, keys, &groups, known)?;
        pane.add(&groups, &states.columns()[PANE_COLUMNS + keys.len()..])?;
        self.groups = groups;
        Ok(())
    }

    /// A window that has been emitted; one without rows until now is empty.
    fn shown_window(&mut self, window: PaneKey) -> Result<&mut Shown> {
        Ok(match self.shown.entry(window) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Shown::new(Pane::new(&self.aggregate)?))
            }
        })
    }

    /// Takes back the states of a window that had been emitted when they were frozen.
    pub(super) fn restore_shown(&mut self, states: &RecordBatch) -> Result<()> {
        for piece in pieces(states)? {
            self.emitted = self.emitted.max(piece.pane.0);
            let mut groups = std::mem::take(&mut self.groups);
            let keys = self.aggregate.keys.len();
            self.shown_window(piece.pane)?.pane.merge(keys, &piece.rows, &mut groups)?;
            self.groups = groups;
        }
        Ok(())
    }

    /// Hands the changes that windows hold to `send`, in order of their end and some windows at a time.
    ///
    /// # Errors
    /// Those of the aggregate functions and of `send`.
    pub(in crate::operator) fn take_changes(
        &mut self,
        mut send: impl FnMut(&Aggregate, Leaving) -> Result<()>,
    ) -> Result<()> {
        let mut leaving = Leaving::default();
        for (key, Shown { pane, held }) in &mut self.shown {
            leaving.add(&self.aggregate, (*key, pane), held, true)?;
            if leaving.is_full() {
                send(&self.aggregate, std::mem::take(&mut leaving))?;
            }
        }
        send(&self.aggregate, leaving)
    }

    /// Whether changes are held.
    pub(in crate::operator) fn holds_changes(&self) -> bool {
        self.shown.values().any(|shown| !shown.held.is_empty())
    }
}

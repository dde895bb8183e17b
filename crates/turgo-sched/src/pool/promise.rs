//! Promises of a pool: tasks that come again and again, and are done in time.

use std::fmt;
use std::sync::{Arc, MutexGuard, PoisonError};

use crate::admission::{Admitted, Deadlines, Overload, Periodic};
use crate::layout::NodeIndex;

use super::Pool;
use super::shared::Shared;

/// A node's promise to have a task done in time, each time that it comes, until this is dropped.
///
/// It says that all that the node has promised can be kept; the task itself is spawned with that [home](crate::task::TaskOptions::home) and
/// [deadline](crate::task::TaskOptions::deadline).
#[must_use = "a promise ends when it is dropped"]
pub struct Promise {
    shared: Arc<Shared>,
    node: NodeIndex,
    admitted: Admitted,
}

impl Pool {
    /// Promises to do a task in time on a node, if it can with all else that it has promised: see [`Deadlines::shared`] for the test.
    ///
    /// The test is for tasks that can be interrupted and have the processors for themselves. Here each runs to the end of its step, and so does whatever else runs on the
    /// node: the longest step of any of them is to be subtracted from the deadline beforehand (Baruah, "The non-preemptive scheduling of periodic tasks upon
    /// multiprocessors", Real-Time Systems 32, 2006), and of 64 turns ten are for others.
    ///
    /// # Errors
    ///
    /// The node has promised too much to promise this as well.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn promise(&self, node: NodeIndex, task: Periodic) -> Result<Promise, Overload> {
        let (_, admitted) = promised(&self.shared, node).admit(task)?;
        Ok(Promise { shared: Arc::clone(&self.shared), node, admitted })
    }
}

fn promised(shared: &Shared, node: NodeIndex) -> MutexGuard<'_, Deadlines> {
    // LOCK: see the field. Nobody panics with it.
    shared.node(node).promised.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Promise {
    /// The task took so long once: if that is more than was said, it counts from now on.
    ///
    /// # Errors
    ///
    /// The node has then promised too much: what to give up is the caller's choice.
    pub fn measured(&self, took_ns: u64) -> Result<(), Overload> {
        promised(&self.shared, self.node).measured(self.admitted, took_ns)
    }

    /// The node that made it.
    #[must_use]
    pub fn node(&self) -> NodeIndex {
        self.node
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        promised(&self.shared, self.node).remove(self.admitted);
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").field("node", &self.node).finish_non_exhaustive()
    }
}

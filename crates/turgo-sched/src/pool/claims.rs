//! A node's capacity: taken for a task's whole need before it starts, and given back when it has ended.
//!
//! Who does not fit stands in [line](crate::admission::Line), and whoever gives something back lets in those whose turn it is.
//!
//! # Invariants
//!
//! - **Q1** Whoever gives back looks at the line afterwards, and whoever was refused looks once more after lining up. So nobody stands in line while what the first of the
//!   line needs is free and all is quiet.
//! - **Q2** While somebody stands in line, whoever comes lines up, and nobody is let in before the one whose turn it is: who has waited longest of all, or of the tenant that has least.
//! - **Q3** What a task has taken is given back once, before anybody is told that it has ended: also if it failed, panicked or was cancelled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turgo_machine::atomic::{AtomicU32, Ordering, fence};
use turgo_machine::mutant;

use crate::admission::Line;
use crate::layout::NodeIndex;
use crate::policy::{Order, Place, TaskView};
use crate::reserve::{Capacity, Refused};
use crate::resources::Resources;

use super::worker::Worker;

/// Tasks of a run that were let in while they stood in line: the number of the node whose capacity they hold, from 1.
pub(crate) type Grants = Arc<[AtomicU32]>;

/// A task that stands in line.
#[derive(Debug)]
pub(crate) struct Claim {
    /// How it is queued when it is let in.
    pub(crate) task: TaskView,
    /// Its position among the grants.
    pub(crate) index: usize,
    pub(crate) grants: Grants,
}

/// What a node has, and who waits for it. Lock-free while nobody waits, but for tenants.
#[derive(Debug)]
pub(crate) struct Claims {
    capacity: Capacity,
    /// How many stand in line; written under the lock.
    waiting: AtomicU32,
    has_tenants: bool,
    // LOCK: taken by tasks that are refused, and by those that end while somebody waits; with tenants by all that need something, twice each.
    line: Mutex<Line<Claim>>,
}

impl Claims {
    /// For tenants with these weights, if there are any.
    pub(super) fn new(capacity: Resources, weights: Option<&[u32]>) -> Self {
        Self {
            capacity: Capacity::new(capacity),
            waiting: AtomicU32::new(0),
            has_tenants: weights.is_some(),
            // LOCK: see the field.
            line: Mutex::new(Line::new(capacity, weights)),
        }
    }

    pub(crate) fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    fn line(&self) -> MutexGuard<'_, Line<Claim>> {
        // LOCK: see the field. Nobody panics with it.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all that a task needs, unless somebody stands in line or it does not fit; whether it has.
    ///
    /// # Errors
    ///
    /// It would not fit if nobody else held anything.
    pub(crate) fn take(&self, need: Resources, tenant: u32) -> Result<bool, Refused> {
        self.capacity.could_fit(need)?;
        let line = self.has_tenants.then(|| self.line());
        // Relaxed: who lines up meanwhile was no earlier than this task.
        let is_late = self.waiting.load(Ordering::Relaxed) > 0 && !mutant!("Q2 newcomers overtake");
        let is_taken = !is_late && self.capacity.hold(need).is_ok();
        if is_taken && let Some(mut line) = line {
            line.take(tenant, need);
        }
        Ok(is_taken)
    }

    /// Lines up a task that was refused. Answers who is to be queued now, having been let in: it may be among them.
    #[must_use]
    pub(crate) fn line_up(&self, claim: Claim) -> Vec<Claim> {
        let mut line = self.line();
        let TaskView { tenant, need, .. } = claim.task;
        line.push(tenant, need, claim);
        self.count(&line);
        if mutant!("Q1 no second look") {
            return Vec::new();
        }
        // SeqCst: pairs with the one in `give`: whoever gives sees the line, or what is given is seen here (Q1).
        fence(Ordering::SeqCst);
        self.let_in(&mut line)
    }

    /// Gives back what a task had taken. Answers who is to be queued now.
    #[must_use]
    pub(crate) fn give(&self, need: Resources, tenant: u32) -> Vec<Claim> {
        self.capacity.unhold(need);
        if self.has_tenants {
            let mut line = self.line();
            line.give_back(tenant, need);
            return self.let_in(&mut line);
        }
        // SeqCst: pairs with the one in `line_up`.
        fence(Ordering::SeqCst);
        // Relaxed: the fence above.
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        self.let_in(&mut self.line())
    }

    /// Takes for those whose turn it is, as long as they fit (Q2).
    fn let_in(&self, line: &mut Line<Claim>) -> Vec<Claim> {
        let granted = line.let_in(&self.capacity);
        self.count(line);
        granted
    }

    /// How many of each tenant stand in line.
    pub(super) fn in_line(&self) -> Vec<u64> {
        self.line().by_tenant()
    }

    fn count(&self, line: &Line<Claim>) {
        // Relaxed: the fences above, and the lock.
        self.waiting.store(crate::layout::small(line.len()), Ordering::Relaxed);
    }
}

impl Worker {
    /// Gives back what a tenant's task had taken of a node.
    pub(crate) fn give_back(&self, node: NodeIndex, need: Resources, tenant: u32) {
        if mutant!("Q3 nothing is given back") {
            return;
        }
        self.let_in(node, self.shared.node(node).claims.give(need, tenant));
    }

    /// Queues those who were let in.
    pub(crate) fn let_in(&self, node: NodeIndex, granted: Vec<Claim>) {
        for Claim { task, index, grants } in granted {
            // Relaxed: published by the queue.
            grants[index].store(node.0 + 1, Ordering::Relaxed);
            let order = if task.deadline_ns == u64::MAX { Order::Oldest } else { Order::Deadline };
            self.shared.put(&task, Place::Node(node), order, Some(self));
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

//! A node's capacity: taken for a task's whole need before it starts, and given back when it has ended.
//!
//! A task that does not fit does not start and blocks nobody: it lines up, and whoever gives something back lets those start that fit now, in the order of the line. So
//! nobody holds a part while it waits for another, which is why no two tasks can wait for each other; and nobody who needs much is overtaken for ever by those who
//! need little, which is paid for with capacity that lies idle behind the first of the line.
//!
//! Where tenants share the pool there is a line for each, and the next one is the first of the tenant whose dominant share over its weight is the smallest (Ghodsi et al., "Dominant resource
//! fairness", NSDI 2011), of equals of the one that has waited longest. If that one does not fit, nobody is let in before it. So nobody starves who needs much: take a task `c`
//! that is the first of its tenant's line. No other task of that tenant is let in before it, and those that run end; so at last the tenant holds nothing, and its share is the smallest there
//! is. From then on only such go before it that are of tenants without any share, too, and have waited longer than `c`: each time one that was there before, so that happens
//! finitely often. After that nobody is let in before `c`, all who hold something end, and `c` fits. Then it is the turn of the one behind it.
//!
//! # Invariants
//!
//! - **Q1** Whoever gives back looks at the line afterwards, and whoever was refused looks once more after lining up. So nobody stands in line while what the first of the
//!   line needs is free and all is quiet.
//! - **Q2** While somebody stands in line, whoever comes lines up, and nobody is let in before the one whose turn it is: who has waited longest of all, or of the tenant that has least.
//! - **Q3** What a task has taken is given back once, before anybody is told that it has ended: also if it failed, panicked or was cancelled.
//! - **Q4** Whose turn it is does not depend on who fits. So everyone who stands in line is let in, as long as tasks end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turgo_machine::atomic::{AtomicU32, Ordering, fence};
use turgo_machine::mutant;

use crate::admission::{Tenant, Tenants};
use crate::fair::present;
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
    line: Mutex<Line>,
}

/// Who waits.
#[derive(Debug)]
struct Line {
    /// By tenant; one line for all where nobody asks whose a task is. Each with its number among all who lined up.
    lines: Vec<VecDeque<(u64, Claim)>>,
    came: u64,
    /// What each tenant has.
    tenants: Tenants,
}

impl Line {
    fn tenant(&self, tenant: u32) -> Tenant {
        Tenant(present(tenant, self.lines.len()))
    }

    fn push(&mut self, claim: Claim) {
        let (Tenant(tenant), number) = (self.tenant(claim.task.tenant), self.came);
        self.came += 1;
        self.lines[tenant as usize].push_back((number, claim));
    }

    fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// The tenant whose turn it is, of those for whom `may` says so.
    fn next(&self, may: impl Fn(&Claim) -> bool) -> Option<usize> {
        let first = |tenant: usize| self.lines[tenant].front().filter(|(_, claim)| may(claim));
        let share = |tenant: usize| self.tenants.share(self.tenant(crate::layout::small(tenant)));
        let waiting = (0..self.lines.len()).filter_map(|tenant| {
            let (number, _) = first(tenant)?;
            Some((share(tenant).unwrap_or(0.0), *number, tenant))
        });
        let next = waiting.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        next.map(|(.., tenant)| tenant)
    }
}

impl Claims {
    /// For tenants with these weights, if there are any.
    pub(super) fn new(capacity: Resources, weights: Option<&[u32]>) -> Self {
        let mut tenants = Tenants::new(capacity);
        for (tenant, &weight) in (0..).zip(weights.unwrap_or_default()) {
            tenants.add(Tenant(tenant), weight as f32);
        }
        let lines = (0..weights.map_or(1, <[u32]>::len)).map(|_| VecDeque::new()).collect();
        Self {
            capacity: Capacity::new(capacity),
            waiting: AtomicU32::new(0),
            has_tenants: weights.is_some(),
            // LOCK: see the field.
            line: Mutex::new(Line { lines, came: 0, tenants }),
        }
    }

    pub(crate) fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    fn line(&self) -> MutexGuard<'_, Line> {
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
            let tenant = line.tenant(tenant);
            line.tenants.take(tenant, need);
        }
        Ok(is_taken)
    }

    /// Lines up a task that was refused. Answers who is to be queued now, having been let in: it may be among them.
    #[must_use]
    pub(crate) fn line_up(&self, claim: Claim) -> Vec<Claim> {
        let mut line = self.line();
        line.push(claim);
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
            let tenant = line.tenant(tenant);
            line.tenants.give_back(tenant, need);
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

    /// Takes for those whose turn it is, as long as they fit (Q2, Q4).
    fn let_in(&self, line: &mut Line) -> Vec<Claim> {
        let mut granted = Vec::new();
        let may = |claim: &Claim| {
            !mutant!("Q4 whoever fits is next") || claim.task.need.fits(self.capacity.free())
        };
        while let Some(tenant) = line.next(may) {
            let fits = |(_, first): &(u64, Claim)| self.capacity.hold(first.task.need).is_ok();
            if !line.lines[tenant].front().is_some_and(fits) {
                break;
            }
            granted.extend(line.lines[tenant].pop_front().map(|(_, claim)| claim));
            if let Some(Claim { task, .. }) = granted.last() {
                line.tenants.take(line.tenant(task.tenant), task.need);
            }
        }
        self.count(line);
        granted
    }

    /// How many of each tenant stand in line.
    pub(super) fn in_line(&self) -> Vec<u64> {
        self.line().lines.iter().map(|line| line.len() as u64).collect()
    }

    fn count(&self, line: &Line) {
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

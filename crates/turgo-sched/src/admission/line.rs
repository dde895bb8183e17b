//! Who stands in line for a node's capacity, and who is let in. Pools and simulated machines have the same lines.
//!
//! A task that does not fit does not start and blocks nobody: it lines up, and whoever gives something back lets those start that fit now, in the order of the line. So
//! nobody holds a part while it waits for another, which is why no two tasks can wait for each other; and nobody who needs much is overtaken for ever by those who
//! need little, which is paid for with capacity that lies idle behind the first of the line.
//!
//! Where tenants share the node there is a line for each, and the next one is the first of the tenant whose dominant share over its weight is the smallest (Ghodsi et al., "Dominant resource
//! fairness", NSDI 2011), of equals of the one that was let in the longest ago. If that one does not fit, nobody is let in before it.
//!
//! # How long one waits
//!
//! Let `k` tenants share the node, and `L` be the longest time for which a task holds what it was let in for. Then whoever is the first of its tenant's line is let in after `(k + 1) L` at most, however long
//! the lines of others are and however much it needs. Proof: no other task of its tenant is let in before it, and those that hold something have ended after `L`. From then on its tenant's share is the smallest
//! there is. So only such go before it whose tenants have no share either, and were let in longer ago; whoever is let in was let in last, so each of the `k - 1` others goes before it once at most (Q5). While one of
//! these, or it itself, is next and does not fit nobody is let in, so all who hold something have ended after `L`, and it fits. That makes `L` and then `k` times `L`.
//!
//! # Invariants
//!
//! - **Q4** Whose turn it is does not depend on who fits. So everyone who stands in line is let in, as long as tasks end.
//! - **Q5** While a tenant holds nothing and waits, each other tenant is let in once before it at most.

use std::collections::VecDeque;

use turgo_machine::mutant;

use super::{Tenant, Tenants};
use crate::fair::present;
use crate::layout::small;
use crate::reserve::Capacity;
use crate::resources::Resources;

/// The lines of a node. Letting one in is O(tenants²), all else O(tenants).
#[derive(Debug)]
pub(crate) struct Line<T> {
    /// By tenant; one for all where nobody asks whose a task is.
    queues: Vec<Queue<T>>,
    /// How many have come to stand in line, and how many have been given what they need.
    came: u64,
    went: u64,
    /// What each tenant has.
    tenants: Tenants,
}

/// A tenant's line.
#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<Waiting<T>>,
    /// How many had been given what they need when one of this tenant was, the last time.
    served: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    /// Its place among all who came.
    number: u64,
    need: Resources,
    task: T,
}

impl<T> Line<T> {
    /// Nobody in line for this capacity, which is shared by tenants with these weights, or by nobody in particular.
    ///
    /// # Panics
    ///
    /// If there is a list of weights without any, or with one that is 0.
    pub(crate) fn new(capacity: Resources, weights: Option<&[u32]>) -> Self {
        let mut tenants = Tenants::new(capacity);
        for (tenant, &weight) in (0..).zip(weights.unwrap_or_default()) {
            tenants.add(Tenant(tenant), weight as f32);
        }
        let count = weights.map_or(1, <[u32]>::len);
        assert!(count > 0, "there is a tenant for what says nothing");
        let queue = || Queue { waiting: VecDeque::new(), served: 0 };
        Self { queues: (0..count).map(|_| queue()).collect(), came: 0, went: 0, tenants }
    }

    fn tenant(&self, tenant: u32) -> u32 {
        present(tenant, self.queues.len())
    }

    /// A task stands in line, behind those of its tenant.
    pub(crate) fn push(&mut self, tenant: u32, need: Resources, task: T) {
        let (tenant, number) = (self.tenant(tenant), self.came);
        self.came += 1;
        self.queues[tenant as usize].waiting.push_back(Waiting { number, need, task });
    }

    /// How many stand in line.
    pub(crate) fn len(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiting.len()).sum()
    }

    /// How many of each tenant stand in line.
    pub(crate) fn by_tenant(&self) -> Vec<u64> {
        self.queues.iter().map(|queue| queue.waiting.len() as u64).collect()
    }

    /// A tenant's task has got what it needs.
    pub(crate) fn take(&mut self, tenant: u32, need: Resources) {
        let tenant = self.tenant(tenant);
        self.went += 1;
        self.queues[tenant as usize].served = self.went;
        self.tenants.take(Tenant(tenant), need);
    }

    /// A tenant's task has given back what it had.
    pub(crate) fn give_back(&mut self, tenant: u32, need: Resources) {
        self.tenants.give_back(Tenant(self.tenant(tenant)), need);
    }

    /// Takes of this capacity for those whose turn it is, as long as they fit (Q4). Answers who they are, in their order.
    pub(crate) fn let_in(&mut self, capacity: &Capacity) -> Vec<T> {
        let mut granted = Vec::new();
        let may =
            |need: Resources| !mutant!("Q4 whoever fits is next") || need.fits(capacity.free());
        while let Some(tenant) = self.next(may) {
            let fits = |first: &mut Waiting<T>| capacity.hold(first.need).is_ok();
            let queue = &mut self.queues[tenant as usize].waiting;
            let Some(Waiting { need, task, .. }) = queue.pop_front_if(fits) else { break };
            self.take(tenant, need);
            granted.push(task);
        }
        granted
    }

    /// The tenant whose turn it is, of those for whose first need `may` says so.
    fn next(&self, may: impl Fn(Resources) -> bool) -> Option<u32> {
        let waiting = self.queues.iter().enumerate().filter_map(|(tenant, queue)| {
            let tenant = small(tenant);
            let first = queue.waiting.front().filter(|first| may(first.need))?;
            let share = self.tenants.share(Tenant(tenant)).unwrap_or(0.0);
            let served = if mutant!("Q5 of equals who came first") { 0 } else { queue.served };
            Some((share, (served, first.number), tenant))
        });
        let next = waiting.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        next.map(|(.., tenant)| tenant)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

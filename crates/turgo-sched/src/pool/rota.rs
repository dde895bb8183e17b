//! The tasks of a node in a pool with tenants: each class has a queue in which tenants take turns.
//!
//! In such a pool this is the one queue of a node for all that has no deadline, and is no closure or fork of a worker's own: long-lived tasks, nodes of graphs, and closures from
//! outside, which are those of tenant 0. Tasks are taken one at a time, so that the order of turns is kept. What has a deadline comes [first](super::due), whoever's it is, and is paid for
//! with turns all the same.
//!
//! A worker says how long each task took that it got here, less the time in which that one only waited, and less what was run meanwhile for other tenants.
//!
//! # Invariants
//!
//! - **X1** A bit of `some` is set exactly while the queue of its class holds a task, when nobody has the lock. It is written before the fence of the push that follows, so whoever lies
//!   down afterwards finds the task (S2, S3).
//! - **X2** Each task that was taken is paid for once, by the worker that took it, when it has stopped; what others paid for meanwhile is not counted again.

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(all(shuttle, not(loom)))]
use shuttle::sync::{Mutex, MutexGuard};
use std::sync::PoisonError;
#[cfg(not(any(loom, shuttle)))]
use std::sync::{Mutex, MutexGuard};

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;

use crate::fair::{Had, Interleaving, Turns, present};
use crate::layout::NodeIndex;
use crate::statistics::TenantStatistics;

use super::class::{CLASSES, Class};
use super::shared::Shared;
use super::worker::Worker;

/// Who shares a pool, and how.
#[derive(Debug, Clone)]
pub(super) struct Tenancy {
    /// By number; none of them is 0.
    pub(super) weights: Box<[u32]>,
    pub(super) interleaving: Interleaving,
}

/// A node's queues. Pushing, taking and paying block for another thread's doing so, which is O(tenants).
#[derive(Debug)]
pub(super) struct Rota {
    /// A bit for each class.
    some: AtomicU32,
    // LOCK: three times for each step of a task in a pool with tenants, for as long as it takes to see whose turn it is.
    classes: Mutex<[Turns; CLASSES]>,
}

/// Who pays for the task that a worker has just taken, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payer {
    node: NodeIndex,
    class: Class,
    tenant: u32,
}

impl Rota {
    /// The queues of one of `nodes` nodes.
    pub(super) fn new(tenancy: &Tenancy, node: u32, nodes: u32, seed: u64) -> Self {
        let Tenancy { weights, interleaving } = tenancy;
        let turns = |class: usize| {
            // Each class has random numbers of its own.
            let seed = seed.wrapping_add(class as u64);
            Turns::new(*interleaving, weights, node, nodes, seed)
        };
        // LOCK: see the field.
        Self { some: AtomicU32::new(0), classes: Mutex::new(std::array::from_fn(turns)) }
    }

    fn classes(&self) -> MutexGuard<'_, [Turns; CLASSES]> {
        // LOCK: see the field. Nobody panics with it.
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a task. Whoever does notifies.
    pub(super) fn push(&self, class: Class, tenant: u32, id: u32) {
        let mut classes = self.classes();
        classes[class as usize].push(tenant, id);
        self.write(&classes);
    }

    /// The next task of a class, and whose it is. It is to be [paid](Self::pay) for.
    pub(super) fn pop(&self, class: Class) -> Option<(u32, u32)> {
        if !self.has(class) {
            return None;
        }
        let mut classes = self.classes();
        let taken = classes[class as usize].pop();
        self.write(&classes);
        taken
    }

    /// A task begins that has not waited here. It is to be [paid](Self::pay) for.
    pub(super) fn begin(&self, class: Class, tenant: u32) {
        self.classes()[class as usize].begin(tenant);
    }

    /// A task that was taken has stopped (X2).
    fn pay(&self, class: Class, tenant: u32, ran_ns: u64) {
        self.classes()[class as usize].end(tenant, ran_ns);
    }

    /// X1.
    fn write(&self, classes: &[Turns; CLASSES]) {
        let bit = |class: Class| if classes[class as usize].len() > 0 { class.bit() } else { 0 };
        let some = Class::ALL.into_iter().map(bit).fold(0, |bits, bit| bits | u32::from(bit));
        if mutant!("X1 the word stays") {
            return;
        }
        // Relaxed: the lock orders the writers; the fence of the push (S2) and that of who lies down (S3) pair.
        self.some.store(some, Ordering::Relaxed);
    }

    fn has(&self, class: Class) -> bool {
        // Relaxed: X1.
        self.some.load(Ordering::Relaxed) & u32::from(class.bit()) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: X1.
        self.some.load(Ordering::Relaxed) == 0
    }

    /// How many wait. Takes the lock only if there are any.
    pub(super) fn len(&self) -> usize {
        if self.is_empty() { 0 } else { self.classes().iter().map(Turns::len).sum() }
    }

    /// What each tenant has had, class by class, all at one moment.
    pub(super) fn had(&self) -> Vec<Vec<Had>> {
        self.classes().iter().map(|turns| turns.had().collect()).collect()
    }
}

impl Worker {
    /// The next task of a class at a node, if that has tenants.
    #[cold]
    pub(super) fn take_turn_of_tenants(&self, at: NodeIndex, class: Class) -> Option<u32> {
        let (tenant, id) = self.shared.node(at).rota.as_ref()?.pop(class)?;
        self.payer.set(Some(Payer { node: at, class, tenant }));
        Some(id)
    }

    /// The most urgent of a node's tasks with deadlines; if there are tenants, its tenant pays for it.
    #[cold]
    pub(super) fn pop_due(&self, at: NodeIndex, class: Class) -> Option<u32> {
        let (id, tenant) = self.shared.node(at).due.pop(class)?;
        self.begin_out_of_turn(at, class, tenant);
        Some(id)
    }

    /// A task was taken that has not waited for a turn: its tenant pays for it, if there are tenants.
    pub(super) fn begin_out_of_turn(&self, at: NodeIndex, class: Class, tenant: u32) {
        if let Some(rota) = &self.shared.node(at).rota {
            rota.begin(class, tenant);
            self.payer.set(Some(Payer { node: at, class, tenant }));
        }
    }

    /// Calls `f`, which is the task that was just taken, and has its tenant pay for it (X2).
    pub(super) fn paid(&self, f: impl FnOnce()) {
        let Some(payer) = self.payer.take() else { return f() };
        let (start_ns, around) = (self.now_ns(), self.paying.replace(Some(payer)));
        let (apart_ns, began_ns) = (self.apart_ns.replace(0), self.began_ns.replace(start_ns));
        f();
        let whole_ns = self.now_ns().saturating_sub(start_ns);
        let apart_ns_within = self.apart_ns.replace(apart_ns + whole_ns);
        let apart_ns_within =
            if mutant!("X2 what others paid is paid again") { 0 } else { apart_ns_within };
        self.paying.set(around);
        self.began_ns.set(began_ns);
        if let Some(rota) = &self.shared.node(payer.node).rota {
            rota.pay(payer.class, payer.tenant, whole_ns.saturating_sub(apart_ns_within));
        }
    }

    /// Calls `f`, in which the task that runs only waits.
    pub(super) fn unpaid<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.paying.get().is_none() {
            return f();
        }
        let start_ns = self.now_ns();
        let result = f();
        let waited_ns = self.now_ns().saturating_sub(start_ns);
        self.apart_ns.set(self.apart_ns.get() + waited_ns);
        result
    }

    /// Whether a task of this tenant may go on where the one ended that runs now: it is the same one's, and the turn is not used up.
    pub(crate) fn is_turn_of(&self, tenant: u32) -> bool {
        let is_its =
            self.paying.get().is_some_and(|payer| payer.tenant == self.shared.tenant(tenant));
        is_its && self.now_ns().saturating_sub(self.began_ns.get()) < crate::fair::TURN_NS
    }
}

impl Shared {
    /// A tenant that is there.
    pub(crate) fn tenant(&self, tenant: u32) -> u32 {
        present(tenant, self.tenancy.as_ref().map_or(0, |all| all.weights.len()))
    }

    /// What each tenant has had, of all nodes and classes together.
    pub(super) fn tenant_statistics(&self) -> Vec<TenantStatistics> {
        let weights = self.tenancy.iter().flat_map(|tenancy| &tenancy.weights);
        let of = |&weight| TenantStatistics { weight, ..TenantStatistics::default() };
        let mut all: Vec<TenantStatistics> = weights.map(of).collect();
        for node in &self.nodes {
            let had = node.rota.iter().flat_map(Rota::had).flat_map(|had| (0..).zip(had));
            for (tenant, Had { steps, ran_ns, queued, lag }) in had {
                let one: &mut TenantStatistics = &mut all[tenant];
                one.steps += steps;
                one.ran_ns += ran_ns;
                one.waiting += queued;
                one.lag = if lag.abs() > one.lag.abs() { lag } else { one.lag };
            }
            all.iter_mut().zip(node.claims.in_line()).for_each(|(one, count)| one.waiting += count);
        }
        all
    }

    /// Whether tenants share the pool.
    #[inline]
    pub(crate) fn has_tenants(&self) -> bool {
        self.tenancy.is_some()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;

//! What tasks need while they run: taken whole before they begin, with the lines of pools (V8). A node has one of everything; who needs more than that gets all there is.

use turgo_machine::mutant;

use super::{Happening, Phase, World};
use crate::admission::Line;
use crate::dag::TaskId;
use crate::layout::NodeIndex;
use crate::policy::Order;
use crate::reserve::Capacity;
use crate::resources::Resources;
use crate::sim::costs::Costs;

/// What is held of each node, and who stands in line for it.
#[derive(Debug)]
pub(super) struct Claims {
    nodes: Vec<Node>,
    /// The node of which a task holds something, or did when it ran.
    holds: Vec<Option<NodeIndex>>,
}

#[derive(Debug)]
struct Node {
    capacity: Capacity,
    line: Line<u32>,
}

impl Claims {
    /// For tenants with these weights.
    pub(super) fn new(nodes: usize, tasks: usize, weights: &[u32]) -> Self {
        let whole = Resources::WHOLE;
        let node =
            || Node { capacity: Capacity::new(whole), line: Line::new(whole, Some(weights)) };
        Self { nodes: (0..nodes).map(|_| node()).collect(), holds: vec![None; tasks] }
    }
}

impl World<'_> {
    /// What a task says that it needs, and for whom it is taken; most say nothing.
    fn claim_of(&self, task: u32) -> (Resources, u32) {
        let profile = self.workload.shape().profile(TaskId(task));
        let need = profile.need.0.map(|amount| if amount < 1.0 { amount.max(0.0) } else { 1.0 });
        let tenant = if mutant!("V8 one line for all") { 0 } else { profile.tenant };
        (Resources(need), tenant)
    }

    /// Takes what a task needs before it begins on `worker`; where that does not fit it stands in line, and the worker looks for something else.
    pub(super) fn claim(&mut self, worker: u32, task: u32, mut at_ns: u64) -> bool {
        let (need, tenant) = self.claim_of(task);
        let is_let_in = self.claims.holds[task as usize].is_some();
        if need == Resources::NONE || is_let_in || mutant!("V8 nobody stands in line") {
            return true;
        }
        let here = self.workers[worker as usize].node;
        let node = self.view_of(task).home.unwrap_or(here);
        let there = &mut self.claims.nodes[node.0 as usize];
        // Who needs little does not overtake who needs much.
        let is_late = there.line.len() > 0 && !mutant!("V8 newcomers overtake");
        if !is_late && there.capacity.hold(need).is_ok() {
            there.line.take(tenant, need);
            self.claims.holds[task as usize] = Some(node);
            return true;
        }
        there.line.push(tenant, need, task);
        // It may be its tenant's turn.
        at_ns = self.let_in(node, worker, at_ns);
        let worker_there = &mut self.workers[worker as usize];
        worker_there.phase = Phase::Busy;
        worker_there.inline = 0;
        self.loads.parked[worker as usize] = false;
        self.at(at_ns, Happening::Look { worker });
        false
    }

    /// A task is over: gives back what it held, and lets in those whose turn it is and who fit now. Returns when the worker has done so.
    pub(super) fn give_back(&mut self, worker: u32, task: u32, at_ns: u64) -> u64 {
        let Some(node) = self.claims.holds[task as usize] else { return at_ns };
        let (need, tenant) = self.claim_of(task);
        let there = &mut self.claims.nodes[node.0 as usize];
        there.capacity.unhold(need);
        there.line.give_back(tenant, need);
        self.let_in(node, worker, at_ns)
    }

    /// Those whose turn it is take what they need, and are queued.
    fn let_in(&mut self, node: NodeIndex, worker: u32, mut at_ns: u64) -> u64 {
        let there = &mut self.claims.nodes[node.0 as usize];
        for task in there.line.let_in(&there.capacity) {
            self.claims.holds[task as usize] = Some(node);
            at_ns = self.queue(task, node, worker, at_ns);
        }
        at_ns
    }

    /// Queues a task that has what it needs.
    fn queue(&mut self, task: u32, node: NodeIndex, worker: u32, mut at_ns: u64) -> u64 {
        let view = self.view_of(task);
        let order = if view.deadline_ns == u64::MAX { Order::Oldest } else { Order::Deadline };
        let here = self.workers[worker as usize].node;
        let distance = self.simulation.layout.distance(here, node);
        self.spend(Costs::at(self.simulation.costs.shared_ns, distance), &mut at_ns);
        self.queued += 1;
        self.pushes += 1;
        self.shared[node.0 as usize].push(task, &view, order);
        self.tally.pushed(node, view.tenant);
        self.loads.shared[node.0 as usize] += 1;
        self.notify(node, Some(worker), at_ns)
    }
}

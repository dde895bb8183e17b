//! What tasks need while they run: taken whole before they begin, as in pools (V8). A node has one of everything; who needs more than that gets all there is.

use std::collections::VecDeque;

use turgo_machine::mutant;

use super::{Happening, Phase, World};
use crate::dag::TaskId;
use crate::layout::NodeIndex;
use crate::policy::Order;
use crate::resources::Resources;
use crate::sim::costs::Costs;

/// Sums of 32-bit fractions may be off by this much.
const SLACK: f32 = 1e-4;

/// What is held of each node, and who stands in line for it.
#[derive(Debug)]
pub(super) struct Claims {
    nodes: Vec<Node>,
    /// The node of which a task holds something, or did when it ran.
    holds: Vec<Option<NodeIndex>>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    held: Resources,
    holders: u32,
    line: VecDeque<u32>,
}

impl Node {
    /// Takes all of it, or nothing.
    fn take(&mut self, need: Resources) -> bool {
        let mut all = self.held;
        all += need;
        let room = Resources(Resources::WHOLE.0.map(|amount| amount + SLACK));
        // Who is alone fits.
        let fits = self.holders == 0 || all.fits(room) || mutant!("V8 nobody stands in line");
        if fits {
            self.held = all;
            self.holders += 1;
        }
        fits
    }

    fn give(&mut self, need: Resources) {
        self.holders -= 1;
        self.held =
            if self.holders == 0 { Resources::NONE } else { self.held.saturating_sub(need) };
    }
}

impl Claims {
    pub(super) fn new(nodes: usize, tasks: usize) -> Self {
        Self { nodes: vec![Node::default(); nodes], holds: vec![None; tasks] }
    }
}

impl World<'_> {
    /// What a task says that it needs; most say nothing.
    fn claim_of(&self, task: u32) -> Resources {
        self.workload.shape().profile(TaskId(task)).need
    }

    /// Takes what a task needs before it begins on `worker`; where that does not fit it stands in line, and the worker looks for something else.
    pub(super) fn claim(&mut self, worker: u32, task: u32, at_ns: u64) -> bool {
        let need = self.claim_of(task);
        if need == Resources::NONE || self.claims.holds[task as usize].is_some() {
            return true;
        }
        let here = self.workers[worker as usize].node;
        let node = self.view_of(task).home.unwrap_or(here);
        let there = &mut self.claims.nodes[node.0 as usize];
        // Who needs little does not overtake who needs much.
        let is_late = !there.line.is_empty() && !mutant!("V8 newcomers overtake");
        if !is_late && there.take(need) {
            self.claims.holds[task as usize] = Some(node);
            return true;
        }
        there.line.push_back(task);
        let worker_there = &mut self.workers[worker as usize];
        worker_there.phase = Phase::Busy;
        worker_there.inline = 0;
        self.loads.parked[worker as usize] = false;
        self.at(at_ns, Happening::Look { worker });
        false
    }

    /// A task is over: gives back what it held, and lets in those who fit now, in the order of the line. Returns when the worker has done so.
    pub(super) fn give_back(&mut self, worker: u32, task: u32, mut at_ns: u64) -> u64 {
        let Some(node) = self.claims.holds[task as usize] else { return at_ns };
        let need = self.claim_of(task);
        self.claims.nodes[node.0 as usize].give(need);
        while let Some(&first) = self.claims.nodes[node.0 as usize].line.front() {
            let need = self.claim_of(first);
            let there = &mut self.claims.nodes[node.0 as usize];
            if !there.take(need) {
                break;
            }
            there.line.pop_front();
            self.claims.holds[first as usize] = Some(node);
            at_ns = self.let_in(first, node, worker, at_ns);
        }
        at_ns
    }

    /// Queues a task that has what it needs.
    fn let_in(&mut self, task: u32, node: NodeIndex, worker: u32, mut at_ns: u64) -> u64 {
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

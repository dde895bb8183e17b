//! Tasks: begun, over, handed out.

use turgo_machine::mutant;

use super::{Happening, Phase, Simulation, World};
use crate::dag::TaskId;
use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Order, Place};
use crate::sim::costs::Costs;
use crate::trace::Kind;

/// Successors that run inline before queues get their turn, as in the pool.
const INLINE_MAX: u32 = 64;

/// How far a worker is with telling the successors of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) worker: u32,
    task: u32,
    index: usize,
    /// The successor that runs next.
    inline: Option<u32>,
    /// The successor that is to be handed out now.
    ready: Option<u32>,
}

impl World<'_> {
    /// A worker begins a task at `at_ns`, having paid for getting it, unless what it needs is taken.
    pub(super) fn begin(&mut self, worker: u32, task: u32, at_ns: u64) {
        if !self.claim(worker, task, at_ns) {
            return;
        }
        let node = self.workers[worker as usize].node;
        self.workers[worker as usize].phase = Phase::Busy;
        self.loads.parked[worker as usize] = false;
        let need = self.need_of(task);
        self.loads.demand[worker as usize] += need;
        self.loads.used[node.0 as usize] += need;
        let view = self.view_of(task);
        if self.simulation.policy.watches() {
            let me = WorkerId(worker);
            self.ask(Some(worker), at_ns, |policy, asks| policy.running(&view, me, asks));
        }
        let Simulation { costs, layout, .. } = self.simulation;
        let run_ns = self.tally.cost_ns(&view, node, layout, costs);
        self.tally.begun(task, at_ns - self.ready_ns[task as usize]);
        self.note(at_ns, worker, Kind::Begin, task);
        self.charge(run_ns);
        self.at(at_ns + run_ns, Happening::Done { worker, task });
    }

    /// Time that a worker is busy for.
    pub(super) fn charge(&mut self, ns: u64) {
        self.tally.busy_ns += ns;
    }

    /// A worker has run a task: hands out what became ready, and goes on.
    pub(super) fn done(&mut self, worker: u32, task: u32) {
        let at_ns = self.now_ns;
        self.note(at_ns, worker, Kind::End, task);
        self.left -= 1;
        self.tally.over(task);
        let node = self.workers[worker as usize].node;
        let need = self.need_of(task);
        let freed = |sum: &mut crate::resources::Resources| *sum = sum.saturating_sub(need);
        freed(&mut self.loads.demand[worker as usize]);
        freed(&mut self.loads.used[node.0 as usize]);
        if self.simulation.policy.watches() {
            let view = self.view_of(task);
            let (me, ran_ns) = (WorkerId(worker), view.cost_ns);
            self.ask(Some(worker), at_ns, |policy, asks| policy.stopping(&view, me, ran_ns, asks));
        }
        let release = Release { worker, task, index: 0, inline: None, ready: None };
        let given_ns = self.give_back(worker, task, at_ns);
        if given_ns > at_ns {
            self.at(given_ns, Happening::Release(release));
        } else {
            self.release(release);
        }
    }

    /// Goes on telling the successors of a task that it is over. What one of them costs the others wait for: where a task is handed out, time has come as far.
    pub(super) fn release(&mut self, mut release: Release) {
        let Release { worker, task, .. } = release;
        let workload = self.workload;
        let mut at_ns = self.now_ns;
        if let Some(next) = release.ready.take() {
            at_ns = self.hand_out(next, Some(worker), at_ns);
        }
        let may_inline = self.workers[worker as usize].inline < INLINE_MAX;
        let successors = workload.shape().successors(TaskId(task));
        while let Some(&next) = successors.get(release.index) {
            release.index += 1;
            self.spend(self.simulation.costs.edge_ns, &mut at_ns);
            let waits = &mut self.waits[next as usize];
            let all = workload.shape().predecessors(TaskId(next));
            let is_ready =
                if mutant!("V2 the first arrival hands out") { *waits == all } else { *waits == 1 };
            *waits -= 1;
            if !is_ready {
                continue;
            }
            self.ready_ns[next as usize] = at_ns;
            if release.inline.is_none() && may_inline && self.stays(next, worker, at_ns) {
                release.inline = Some(next);
            } else {
                release.ready = Some(next);
                self.at(at_ns, Happening::Release(release));
                return;
            }
        }
        match release.inline {
            Some(next) => {
                self.workers[worker as usize].inline += 1;
                self.begin(worker, next, at_ns);
                if mutant!("V3 a worker goes on beside its task") {
                    self.look(worker, at_ns);
                }
            }
            None => {
                self.workers[worker as usize].inline = 0;
                self.look(worker, at_ns);
            }
        }
    }

    /// Adds to the time at which a worker does its next thing.
    pub(super) fn spend(&mut self, ns: u64, at_ns: &mut u64) {
        self.charge(ns);
        *at_ns += ns;
    }

    /// Whether a task that became ready on `worker` would be its next one.
    fn stays(&mut self, task: u32, worker: u32, at_ns: u64) -> bool {
        let view = self.view_of(task);
        self.put(task, &view, Some(worker), at_ns) == (Place::Here, Order::Newest)
    }

    /// Puts a task that is ready where the policy says; returns when `from` has done so.
    pub(super) fn hand_out(&mut self, task: u32, from: Option<u32>, mut at_ns: u64) -> u64 {
        let view = self.view_of(task);
        let (place, order) = self.put(task, &view, from, at_ns);
        self.queued += 1;
        self.pushes += 1;
        let costs = self.simulation.costs;
        // P3: a place that is not there is replaced.
        let place = match (place, from) {
            (Place::Worker(WorkerId(to)), _) if to as usize >= self.workers.len() => {
                Place::Node(NodeIndex(0))
            }
            (Place::Node(NodeIndex(to)), _) if to as usize >= self.shared.len() => {
                Place::Node(NodeIndex(0))
            }
            (Place::Here, None) => Place::Node(NodeIndex(0)),
            (place, _) => place,
        };
        match (place, from) {
            (Place::Here, Some(worker)) => {
                self.spend(costs.deque_ns, &mut at_ns);
                let queue = &mut self.workers[worker as usize].queue;
                queue.push(task, view.priority, view.deadline_ns, order);
                self.loads.queued[worker as usize] += 1;
                self.loads.demand[worker as usize] += view.need;
                let node = self.workers[worker as usize].node;
                self.notify(node, from, at_ns)
            }
            (Place::Worker(WorkerId(to)), _) => {
                let node = self.workers[to as usize].node;
                self.pay_way(costs.shared_ns, from, node, &mut at_ns);
                self.workers[to as usize].inbox.push_back(task);
                self.loads.queued[to as usize] += 1;
                self.loads.demand[to as usize] += view.need;
                self.rouse(to, from, at_ns)
            }
            (Place::Node(node), _) => {
                self.pay_way(costs.shared_ns, from, node, &mut at_ns);
                self.shared[node.0 as usize].push(task, &view, order);
                self.tally.pushed(node, view.tenant);
                self.loads.shared[node.0 as usize] += 1;
                self.notify(node, from, at_ns)
            }
            (Place::Here, None) => unreachable!("replaced above"),
        }
    }

    /// Pays for an operation on another's queue; the outside pays nothing.
    fn pay_way(&mut self, cost_ns: u64, from: Option<u32>, to: NodeIndex, at_ns: &mut u64) {
        if let Some(from) = from {
            let here = self.workers[from as usize].node;
            let distance = self.simulation.layout.distance(here, to);
            self.spend(Costs::at(cost_ns, distance), at_ns);
        }
    }
}

//! Workers that look for something to do, wait, rest and are woken.

use turgo_machine::mutant;

use super::{Fault, Happening, Phase, World};
use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Amount, Source};
use crate::sim::costs::Costs;
use crate::sim::replay::Answer;
use crate::trace::Kind;

/// Turns after which what came from outside comes first, as in the pool.
const OUTSIDE_EVERY: u32 = 61;

impl World<'_> {
    /// A worker takes what it has, or begins to search.
    pub(super) fn look(&mut self, number: u32, mut at_ns: u64) {
        let costs = self.simulation.costs;
        let worker = &mut self.workers[number as usize];
        worker.turn = worker.turn.wrapping_add(1);
        let first_outside = worker.turn.is_multiple_of(OUTSIDE_EVERY);
        let outside = |world: &mut Self| {
            let task = world.workers[number as usize].inbox.pop_front();
            task.map(|task| (task, costs.shared_ns))
        };
        let own = |world: &mut Self| {
            let task = world.workers[number as usize].queue.pop();
            task.map(|task| (task, costs.deque_ns))
        };
        let found = if first_outside {
            outside(self).or_else(|| own(self))
        } else {
            own(self).or_else(|| outside(self))
        };
        if let Some((task, cost_ns)) = found {
            self.queued -= 1;
            self.unload(number, task);
            at_ns = self.leave(number, at_ns);
            self.spend(cost_ns, &mut at_ns);
            self.begin(number, task, at_ns);
            return;
        }
        if self.workers[number as usize].phase != Phase::Searching {
            let node = self.workers[number as usize].node;
            self.idle[node.0 as usize].searching += 1;
            self.workers[number as usize].phase = Phase::Searching;
            self.workers[number as usize].since_ns = at_ns;
        }
        self.search(number, 0, at_ns);
    }

    /// One task less in a worker's queues.
    fn unload(&mut self, worker: u32, task: u32) {
        self.loads.queued[worker as usize] -= 1;
        let demand = self.loads.demand[worker as usize];
        self.loads.demand[worker as usize] = demand.saturating_sub(self.need_of(task));
    }

    /// Goes through places that are empty, to one that is not or to the end of the search.
    fn search(&mut self, worker: u32, first: u32, mut at_ns: u64) {
        let pushes = self.pushes;
        let costs = self.simulation.costs;
        let me = WorkerId(worker);
        if self.queued == 0 {
            // Wherever it looks there is nothing: one look stands for all of them.
            self.probe(costs.probe_ns, &mut at_ns);
            self.at(at_ns, Happening::Vain { worker, pushes });
            return;
        }
        let mut attempt = first;
        loop {
            // A list of decisions has every place that was looked at.
            if attempt > 0 && !self.log.is_kept() {
                attempt += self.pass(worker, &mut at_ns);
            }
            let source =
                self.ask(Some(worker), at_ns, |policy, asks| policy.dispatch(me, attempt, asks));
            let answer = Answer::Look { attempt, source };
            let source = match self.decide(Some(worker), at_ns, answer) {
                Answer::Look { source, .. } => source,
                _ => source,
            };
            let Some(source) = source else { break };
            let node = match source {
                Source::Worker(victim, _) => self.simulation.layout.node(victim),
                Source::Node(node) => node,
            };
            let here = self.workers[worker as usize].node;
            let distance = self.simulation.layout.distance(here, node);
            if self.is_empty(source) {
                if here != node && matches!(source, Source::Worker(..)) {
                    self.tally.tried_far(1, false);
                }
                self.probe(Costs::at(costs.probe_ns, distance), &mut at_ns);
                self.ask(Some(worker), at_ns, |policy, asks| policy.found(me, source, 0, asks));
                attempt += 1;
                continue;
            }
            let way_ns = match source {
                Source::Worker(..) => costs.steal_ns,
                Source::Node(_) => costs.shared_ns,
            };
            self.probe(Costs::at(way_ns, distance), &mut at_ns);
            self.at(at_ns, Happening::Take { worker, source, attempt });
            return;
        }
        // A search that looks nowhere takes time all the same, or time would stand still.
        self.probe(costs.probe_ns.max(1), &mut at_ns);
        self.at(at_ns, Happening::Vain { worker, pushes });
    }

    /// Goes past workers that have nothing, many at once: what it takes depends only on how many of each node there are (V9).
    fn pass(&mut self, worker: u32, at_ns: &mut u64) -> u32 {
        let (simulation, me) = (self.simulation, WorkerId(worker));
        let mut passed = std::mem::take(&mut self.passed);
        let mut count = |workers: &[WorkerId]| {
            let node = |&worker: &WorkerId| simulation.layout.node(worker).0 as usize;
            for run in workers.chunk_by(|one, next| node(one) == node(next)) {
                passed[node(&run[0])] += run.len() as u64;
            }
        };
        let attempts =
            self.ask(Some(worker), *at_ns, |policy, asks| policy.pass(me, asks, &mut count));
        let here = self.workers[worker as usize].node;
        for (node, count) in (0..).map(NodeIndex).zip(&mut passed) {
            let looks = std::mem::take(count);
            if node != here {
                self.tally.tried_far(looks, false);
            }
            let near = if mutant!("V9 all nodes are as near") { here } else { node };
            let distance = simulation.layout.distance(here, near);
            self.probe(looks * Costs::at(simulation.costs.probe_ns, distance), at_ns);
        }
        self.passed = passed;
        attempts
    }

    fn probe(&mut self, ns: u64, at_ns: &mut u64) {
        self.tally.search_ns += ns;
        *at_ns += ns;
    }

    fn is_empty(&self, source: Source) -> bool {
        match source {
            Source::Worker(victim, _) => self.loads.queued[victim.0 as usize] == 0,
            Source::Node(node) => self.loads.shared[node.0 as usize] == 0,
        }
    }

    /// A worker has come to a place, and takes what is left there.
    pub(super) fn take(&mut self, worker: u32, source: Source, attempt: u32) {
        let tasks = match source {
            Source::Worker(victim, amount) => self.rob(worker, victim, amount),
            Source::Node(node) => self.shared[node.0 as usize].pop().into_iter().collect(),
        };
        let (me, at_ns) = (WorkerId(worker), self.now_ns);
        let taken = crate::layout::small(tasks.len());
        self.ask(Some(worker), at_ns, |policy, asks| policy.found(me, source, taken, asks));
        let here = self.workers[worker as usize].node;
        if let Source::Worker(victim, _) = source
            && self.simulation.layout.node(victim) != here
        {
            self.tally.tried_far(1, taken > 0);
        }
        let Some((&first, others)) = tasks.split_first() else {
            self.search(worker, attempt + 1, at_ns);
            return;
        };
        self.queued -= 1;
        match source {
            Source::Worker(victim, _) => {
                let there = self.simulation.layout.node(victim);
                self.tally.stole(taken, here != there);
                self.note(at_ns, worker, Kind::Steal, victim.0);
            }
            Source::Node(node) => {
                self.tally.picked(node, self.view_of(first).tenant);
                self.loads.shared[node.0 as usize] -= 1;
                if node != here {
                    self.tally.stole(1, true);
                }
            }
        }
        let mut at_ns = at_ns;
        let lost = usize::from(mutant!("V2 a steal loses its last task"));
        for &task in &others[..others.len().saturating_sub(lost)] {
            self.spend(self.simulation.costs.moved_ns, &mut at_ns);
            let view = self.view_of(task);
            let queue = &mut self.workers[worker as usize].queue;
            queue.push(task, view.priority, view.deadline_ns, crate::policy::Order::Newest);
            self.loads.queued[worker as usize] += 1;
            self.loads.demand[worker as usize] += view.need;
        }
        at_ns = self.leave(worker, at_ns);
        self.begin(worker, first, at_ns);
    }

    /// Takes the oldest of a worker's queue, or half of it.
    fn rob(&mut self, thief: u32, victim: WorkerId, amount: Amount) -> Vec<u32> {
        let queued = self.loads.queued[victim.0 as usize] as usize;
        let count = match amount {
            Amount::One => 1,
            Amount::Half => queued.div_ceil(2).min(Amount::HALF_MAX),
        };
        let there = &mut self.workers[victim.0 as usize];
        let next = || there.queue.pop_oldest().or_else(|| there.inbox.pop_front());
        let tasks: Vec<u32> =
            std::iter::repeat_with(next).map_while(|task| task).take(count).collect();
        debug_assert!(victim.0 != thief || tasks.is_empty(), "nobody robs himself");
        tasks.iter().for_each(|&task| self.unload(victim.0, task));
        tasks
    }

    /// A worker stops searching because it has something to do; if nobody else of its node searches, it looks whether there is more.
    fn leave(&mut self, number: u32, at_ns: u64) -> u64 {
        let worker = &mut self.workers[number as usize];
        if worker.phase != Phase::Searching {
            return at_ns;
        }
        worker.phase = Phase::Busy;
        self.loads.parked[number as usize] = false;
        let node = worker.node;
        self.idle[node.0 as usize].searching -= 1;
        if self.queued == 0 {
            return at_ns;
        }
        let at_ns = self.notify(node, Some(number), at_ns);
        if self.idle.len() > 1 { self.spread(number, at_ns) } else { at_ns }
    }

    /// A worker that ends its search calls one of another node, if the policy says so.
    fn spread(&mut self, number: u32, at_ns: u64) -> u64 {
        let me = WorkerId(number);
        let node = self.ask(Some(number), at_ns, |policy, asks| policy.spread(me, asks));
        let node = match self.decide(Some(number), at_ns, Answer::Spread { node }) {
            Answer::Spread { node } => node,
            _ => node,
        };
        // P3: a node that is not there is passed over.
        match node {
            Some(node) if (node.0 as usize) < self.idle.len() => {
                self.notify(node, Some(number), at_ns)
            }
            _ => at_ns,
        }
    }

    /// A search has found nothing.
    pub(super) fn vain(&mut self, number: u32, pushes: u64) {
        let now_ns = self.now_ns;
        let since_ns = self.workers[number as usize].since_ns;
        let until_ns = since_ns.saturating_add(self.simulation.knobs.spin_ns);
        let patient = now_ns < until_ns;
        let own = self.loads.queued[number as usize] > 0;
        if own || (self.queued > 0 && (self.pushes != pushes || patient)) {
            self.look(number, now_ns);
            return;
        }
        let node = self.workers[number as usize].node.0 as usize;
        self.idle[node].searching -= 1;
        self.loads.parked[number as usize] = true;
        if patient {
            self.workers[number as usize].phase = Phase::Waiting;
            self.workers[number as usize].waits_ns = now_ns;
            self.idle[node].waiting.push(number);
            self.at(until_ns, Happening::Rest { worker: number, since_ns });
        } else {
            self.park(number, node);
        }
    }

    fn park(&mut self, number: u32, node: usize) {
        self.workers[number as usize].phase = Phase::Parked;
        self.idle[node].parked.push(number);
        self.tally.parks += 1;
        self.note(self.now_ns, number, Kind::Park, 0);
    }

    /// A worker has waited long enough, if it waits still.
    pub(super) fn rest(&mut self, number: u32, since_ns: u64) {
        let worker = &self.workers[number as usize];
        if worker.phase != Phase::Waiting || worker.since_ns != since_ns {
            return;
        }
        let node = worker.node.0 as usize;
        self.tally.waiting_ns += self.now_ns - worker.waits_ns;
        self.idle[node].waiting.retain(|&other| other != number);
        self.park(number, node);
    }

    /// Something was pushed on a node: one of those who have nothing to do there begins to search, unless somebody does; if all are busy, one of the
    /// nearest node where that is not so. Returns when `from` has done its part.
    pub(super) fn notify(&mut self, node: NodeIndex, from: Option<u32>, at_ns: u64) -> u64 {
        if mutant!("V4 nobody is woken") && from.is_some() {
            return at_ns;
        }
        let simulation = self.simulation;
        for &near in simulation.layout.nearest(node) {
            let idle = &self.idle[near.0 as usize];
            if idle.searching > 0 {
                return at_ns;
            }
            if let Some(&worker) = idle.waiting.last().or_else(|| idle.parked.last()) {
                return self.rouse(worker, from, at_ns);
            }
        }
        at_ns
    }

    /// A worker that has nothing to do begins to search.
    pub(super) fn rouse(&mut self, number: u32, from: Option<u32>, mut at_ns: u64) -> u64 {
        let costs = self.simulation.costs;
        let phase = self.workers[number as usize].phase;
        let node = self.workers[number as usize].node.0 as usize;
        let looks_ns = match phase {
            Phase::Busy | Phase::Searching => return at_ns,
            Phase::Waiting => {
                self.idle[node].waiting.retain(|&other| other != number);
                // Who rouses it may be ahead of the time.
                self.tally.waiting_ns += at_ns - self.workers[number as usize].waits_ns;
                at_ns + costs.probe_ns
            }
            Phase::Parked => {
                self.idle[node].parked.retain(|&other| other != number);
                self.tally.wakes += 1;
                if from.is_some() {
                    self.spend(costs.wake_ns, &mut at_ns);
                }
                let rises_ns = at_ns + costs.rise_ns + self.late_ns();
                self.note(rises_ns, number, Kind::Wake, 0);
                rises_ns
            }
        };
        self.idle[node].searching += 1;
        self.loads.parked[number as usize] = false;
        let worker = &mut self.workers[number as usize];
        worker.phase = Phase::Searching;
        worker.since_ns = looks_ns;
        self.at(looks_ns, Happening::Look { worker: number });
        at_ns
    }

    /// By how much a worker that is woken now rises late.
    fn late_ns(&self) -> u64 {
        let late = |fault: &Fault| match *fault {
            Fault::LateWakes { from_ns, until_ns, extra_ns }
                if (from_ns..until_ns).contains(&self.now_ns) =>
            {
                extra_ns
            }
            _ => 0,
        };
        self.simulation.faults.iter().map(late).sum()
    }
}

//! What a simulated run comes to.

use super::costs::Costs;
use super::replay::Decision;
use super::workload::Workload;
use crate::layout::{Layout, NodeIndex, WorkerId};
use crate::policy::TaskView;
use crate::statistics::jain;
use crate::trace::Event;

/// Counts that are kept while a workload runs.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) busy_ns: u64,
    pub(super) search_ns: u64,
    pub(super) waiting_ns: u64,
    pub(super) stalled_ns: u64,
    migration_ns: u64,
    with_home: u64,
    at_home: u64,
    pub(super) wakes: u64,
    pub(super) parks: u64,
    steals: u64,
    moved: u64,
    moved_far: u64,
    far_tried: u64,
    far_won: u64,
    latencies: Vec<u32>,
    turns: Turns,
    begun: Vec<bool>,
    over: Vec<bool>,
    hash: u64,
    events: Option<Vec<Event>>,
}

impl Tally {
    pub(super) fn new(workload: &Workload, nodes: usize, traced: bool) -> Self {
        let tasks = workload.shape().len();
        Self {
            busy_ns: 0,
            search_ns: 0,
            waiting_ns: 0,
            stalled_ns: 0,
            migration_ns: 0,
            with_home: 0,
            at_home: 0,
            wakes: 0,
            parks: 0,
            steals: 0,
            moved: 0,
            moved_far: 0,
            far_tried: 0,
            far_won: 0,
            latencies: Vec::with_capacity(tasks),
            turns: Turns::new(workload, nodes),
            begun: vec![false; tasks],
            over: vec![false; tasks],
            hash: 0xcbf2_9ce4_8422_2325,
            events: traced.then(Vec::new),
        }
    }

    pub(super) fn note(&mut self, event: Event) {
        let words =
            [event.at_ns, u64::from(event.worker.0), event.kind as u64, u64::from(event.subject)];
        for word in words {
            // FNV-1a over words instead of bytes.
            self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
            self.hash ^= self.hash >> 29;
        }
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }

    /// How long a task runs on this node, with the way of its data.
    pub(super) fn cost_ns(
        &mut self,
        task: &TaskView,
        node: NodeIndex,
        layout: &Layout,
        costs: &Costs,
    ) -> u64 {
        let near_ns = costs.data_ns(task.bytes, 10);
        let distance = task.home.map_or(10, |home| layout.distance(node, home));
        let data_ns = costs.data_ns(task.bytes, distance);
        if let Some(home) = task.home {
            self.with_home += 1;
            self.at_home += u64::from(home == node);
        }
        self.migration_ns += data_ns - near_ns;
        costs.task_ns + data_ns + costs.run_ns(task.cost_ns)
    }

    pub(super) fn begun(&mut self, task: u32, waited_ns: u64) {
        assert!(!std::mem::replace(&mut self.begun[task as usize], true), "V2: task {task} twice");
        self.latencies.push(u32::try_from(waited_ns).unwrap_or(u32::MAX));
    }

    /// A task came into a shared queue: where tenants take turns.
    pub(super) fn pushed(&mut self, node: NodeIndex, tenant: u32) {
        self.turns.pushed(node.0 as usize, tenant);
    }

    /// A task was taken from a shared queue.
    pub(super) fn picked(&mut self, node: NodeIndex, tenant: u32) {
        self.turns.picked(node.0 as usize, tenant);
    }

    pub(super) fn over(&mut self, task: u32) {
        assert!(!std::mem::replace(&mut self.over[task as usize], true), "V2: task {task} twice");
    }

    pub(super) fn stole(&mut self, tasks: u32, far: bool) {
        self.steals += 1;
        self.moved += u64::from(tasks);
        self.moved_far += if far { u64::from(tasks) } else { 0 };
    }

    /// A worker has looked into queues of so many of other nodes.
    pub(super) fn tried_far(&mut self, looks: u64, won: bool) {
        self.far_tried += looks;
        self.far_won += if won { looks } else { 0 };
    }

    pub(super) fn outcome(
        mut self,
        workers: u32,
        makespan_ns: u64,
        workload: &Workload,
        costs: &Costs,
    ) -> Outcome {
        let shape = workload.shape();
        let alone = |cost_ns: u64, bytes: u64| costs.run_ns(cost_ns) + costs.data_ns(bytes, 10);
        let cost = |task: u32| {
            let profile = &shape.profiles()[task as usize];
            alone(profile.cost_ns, profile.bytes)
        };
        let work_ns = (0..crate::layout::small(shape.len())).map(cost).sum();
        let span_ns = shape.span_by(cost).length_ns;
        self.latencies.sort_unstable();
        let percentile = |share: f64| {
            let last = self.latencies.len().saturating_sub(1);
            let at = (last as f64 * share).round() as usize;
            self.latencies.get(at).copied().map_or(0, u64::from)
        };
        Outcome {
            workers,
            tasks: crate::layout::small(shape.len()),
            makespan_ns,
            measured_ns: None,
            work_ns,
            span_ns,
            busy_ns: self.busy_ns,
            search_ns: self.search_ns,
            waiting_ns: self.waiting_ns,
            stalled_ns: self.stalled_ns,
            migration_ns: self.migration_ns,
            with_home: self.with_home,
            at_home: self.at_home,
            wakes: self.wakes,
            parks: self.parks,
            steals: self.steals,
            moved: self.moved,
            moved_far: self.moved_far,
            far_tried: self.far_tried,
            far_won: self.far_won,
            latency_p50_ns: percentile(0.5),
            latency_p99_ns: percentile(0.99),
            is_open: workload.is_open(),
            lag: self.turns.lag(),
            jain: self.turns.jain(),
            hash: self.hash,
            events: self.events.unwrap_or_default(),
            decisions: Vec::new(),
            differing: 0,
        }
    }
}

/// How far tenants were from their shares, as long as each of them had tasks in every node's queue: without a choice nobody can be fair.
#[derive(Debug)]
struct Turns {
    shares: Vec<f64>,
    /// By node and tenant.
    waiting: Vec<Vec<u32>>,
    had: Vec<u64>,
    picks: u64,
    is_over: bool,
    lag: f64,
}

impl Turns {
    fn new(workload: &Workload, nodes: usize) -> Self {
        let weights = workload.weights();
        let total: f64 = weights.iter().copied().map(f64::from).sum();
        Self {
            shares: weights.iter().map(|&weight| f64::from(weight) / total).collect(),
            waiting: vec![vec![0; weights.len()]; nodes],
            had: vec![0; weights.len()],
            picks: 0,
            is_over: false,
            lag: 0.0,
        }
    }

    fn pushed(&mut self, node: usize, tenant: u32) {
        if let Some(waiting) = self.waiting[node].get_mut(tenant as usize) {
            *waiting += 1;
        }
    }

    fn picked(&mut self, node: usize, tenant: u32) {
        self.is_over |= self.waiting.iter().flatten().any(|&waiting| waiting == 0);
        if let Some(waiting) = self.waiting[node].get_mut(tenant as usize) {
            *waiting -= 1;
        }
        if self.is_over || self.shares.len() < 2 {
            return;
        }
        self.picks += 1;
        self.had[tenant as usize] += 1;
        for (share, &had) in self.shares.iter().zip(&self.had) {
            let lag = (self.picks as f64 * share - had as f64).abs();
            self.lag = self.lag.max(lag);
        }
    }

    fn lag(&self) -> Option<f64> {
        (self.shares.len() > 1).then_some(self.lag)
    }

    /// Of what each had for each unit of its share.
    fn jain(&self) -> Option<f64> {
        if self.shares.len() < 2 || self.picks == 0 {
            return None;
        }
        jain(self.had.iter().zip(&self.shares).map(|(&had, share)| had as f64 / share))
    }
}

/// What came of a simulated run. Times are nanoseconds of virtual time; sums are over all workers.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How many workers there were.
    pub workers: u32,
    /// How many tasks were run: all.
    pub tasks: u32,
    /// When the last task was over.
    pub makespan_ns: u64,
    /// What the run took on threads, if it is one that was [gone along](super::Simulation::replay).
    pub measured_ns: Option<u64>,
    /// T1: what the tasks take one after the other with their data near.
    pub work_ns: u64,
    /// Tinf: what the longest path takes.
    pub span_ns: u64,
    /// What workers did: tasks, their data, queues, what they took and woke.
    pub busy_ns: u64,
    /// What workers spent on looking for work.
    pub search_ns: u64,
    /// How long workers waited awake after they had found nothing.
    pub waiting_ns: u64,
    /// What faults took from workers.
    pub stalled_ns: u64,
    /// What data took longer because it was not near.
    pub migration_ns: u64,
    /// Tasks whose home is a node of the machine.
    pub with_home: u64,
    /// Those of them that ran there.
    pub at_home: u64,
    /// Workers woken from sleep.
    pub wakes: u64,
    /// Workers that went to sleep.
    pub parks: u64,
    /// Times that somebody was robbed.
    pub steals: u64,
    /// Tasks that were taken from others.
    pub moved: u64,
    /// Those of them that came from another node.
    pub moved_far: u64,
    /// Looks into queues of workers of other nodes, while something was queued somewhere.
    pub far_tried: u64,
    /// Those of them that got something.
    pub far_won: u64,
    /// From when a task is ready to when it begins: the median.
    pub latency_p50_ns: u64,
    /// The same: one in a hundred waits longer.
    pub latency_p99_ns: u64,
    /// Whether tasks came from outside over time. Then the makespan says when the last came, and efficiency little.
    pub is_open: bool,
    /// How many picks from shared queues, of all nodes together, a tenant was away from its share at most while all had tasks in all of them; `None` if there is one only.
    pub lag: Option<f64>,
    /// [Jain's index](jain) over the same time: 1 if what tenants had is as their shares.
    pub jain: Option<f64>,
    /// The hash of all events.
    pub hash: u64,
    /// All events in the order in which they were made, if they were asked for.
    pub events: Vec<Event>,
    /// All decisions, if they were to be recorded.
    pub decisions: Vec<Decision>,
    /// Decisions that the policy would have made otherwise than those that were replayed.
    pub differing: u64,
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl Outcome {
    /// How many times faster than one worker with all data near.
    #[must_use]
    pub fn speed_up(&self) -> f64 {
        ratio(self.work_ns, self.makespan_ns)
    }

    /// The speed-up for each worker.
    #[must_use]
    pub fn efficiency(&self) -> f64 {
        self.speed_up() / f64::from(self.workers)
    }

    /// The best efficiency that the graph allows: its longest path takes as long as it takes.
    #[must_use]
    pub fn efficiency_max(&self) -> f64 {
        let even_ns = ratio(self.work_ns, u64::from(self.workers));
        even_ns / even_ns.max(self.span_ns as f64).max(1.0)
    }

    /// The share of tasks that ran at home, of those that have one.
    #[must_use]
    pub fn local(&self) -> Option<f64> {
        (self.with_home > 0).then(|| ratio(self.at_home, self.with_home))
    }

    /// The share of tasks that were taken from another node.
    #[must_use]
    pub fn remote_steals(&self) -> f64 {
        ratio(self.moved_far, u64::from(self.tasks))
    }

    /// What far data cost, as a share of the work.
    #[must_use]
    pub fn migration(&self) -> f64 {
        ratio(self.migration_ns, self.work_ns)
    }

    /// The share of the workers' time for which they were awake and had nothing to do.
    #[must_use]
    pub fn awake(&self) -> f64 {
        let whole_ns = u64::from(self.workers) * self.makespan_ns;
        ratio(self.search_ns + self.waiting_ns, whole_ns)
    }

    /// Tasks per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        1e9 * ratio(u64::from(self.tasks), self.makespan_ns)
    }

    /// The worker that ran a task last, by the trace.
    #[must_use]
    pub fn ran_by(&self, task: u32) -> Option<WorkerId> {
        let begins =
            |event: &&Event| event.kind == crate::trace::Kind::Begin && event.subject == task;
        self.events.iter().rev().find(begins).map(|event| event.worker)
    }
}

//! Where a task goes that has become ready.

use turgo_machine::mutant;

use super::search::threshold;
use super::{Order, Place, TaskView, View};
use crate::layout::{NodeIndex, WorkerId};

/// How a place is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// With the worker that made it ready; from outside, in a node's shared queue. O(1).
    Here,
    /// On the node of its data: with the worker that made it ready if it is there, else with an idle worker there, else in the node's shared queue. A task
    /// that names no home goes where it ran the last time, or stays. O(workers of the node).
    Home,
    /// As [`Home`](Self::Home), but if nobody there is idle and the shared queue there is longer than the way is worth, to an idle worker of the nearest node
    /// that has one. O(workers).
    HomeThenNear,
    /// As [`Home`](Self::Home), but a worker elsewhere that made it ready leaves it in the node's shared queue, whoever is idle there: it wakes one worker of the node and not one for
    /// each task. O(1), from outside O(workers of the node).
    HomeQueue,
    /// An older baseline: with whoever has the fewest tasks, wherever. O(workers).
    LeastLoaded,
}

impl Placement {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Here, Self::Home, Self::HomeThenNear, Self::HomeQueue, Self::LeastLoaded];

    /// A short name, as tables print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Home => "home",
            Self::HomeThenNear => "home-then-near",
            Self::HomeQueue => "home-queue",
            Self::LeastLoaded => "least-loaded",
        }
    }

    /// The place for a task that has become ready on `from`, or outside.
    pub(super) fn select(
        self,
        task: &TaskView,
        from: Option<WorkerId>,
        view: &mut View<'_>,
    ) -> Place {
        match self {
            Self::Here => here(from, view),
            Self::Home | Self::HomeThenNear | Self::HomeQueue => self.home(task, from, view),
            Self::LeastLoaded => least_loaded(from, view),
        }
    }

    fn home(self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        let last = task.last.filter(|worker| (worker.0 as usize) < view.layout.workers());
        let named = task.home.filter(|node| (node.0 as usize) < view.layout.nodes());
        let home = named.or_else(|| last.map(|worker| view.layout.node(worker)));
        let home = if mutant!("H1 the home is not asked for") { None } else { home };
        let Some(home) = home else { return here(from, view) };
        if from.is_some_and(|from| view.layout.node(from) == home) {
            return Place::Here;
        }
        if self == Self::HomeQueue && from.is_some() {
            return Place::Node(home);
        }
        // The caches of whoever ran it may still hold what it needs.
        let warm =
            last.filter(|&worker| view.layout.node(worker) == home && view.loads.parked(worker));
        if let Some(worker) = warm.or_else(|| idle(home, view)) {
            return Place::Worker(worker);
        }
        if self == Self::HomeThenNear
            && let Some(worker) = near(home, view)
        {
            return Place::Worker(worker);
        }
        Place::Node(home)
    }
}

fn here(from: Option<WorkerId>, view: &mut View<'_>) -> Place {
    if from.is_some() {
        return Place::Here;
    }
    // From outside: to someone who is idle, the nodes in turn.
    let nodes = u32::try_from(view.layout.nodes()).unwrap_or(1);
    let node = NodeIndex(view.memory.next % nodes);
    view.memory.next = view.memory.next.wrapping_add(1);
    idle(node, view).map_or(Place::Node(node), Place::Worker)
}

/// A worker of the node that is parked and has nothing in its queue.
fn idle(node: NodeIndex, view: &View<'_>) -> Option<WorkerId> {
    let is_idle =
        |worker: &&WorkerId| view.loads.parked(**worker) && view.loads.queued(**worker) == 0;
    view.layout.on_node(node).iter().find(is_idle).copied()
}

/// An idle worker of the nearest other node for which the way pays.
fn near(home: NodeIndex, view: &View<'_>) -> Option<WorkerId> {
    let waiting = view.loads.shared(home);
    let is_worth = |node: &&NodeIndex| {
        waiting >= threshold(view.knobs.remote_threshold, view.layout.distance(home, **node))
    };
    let nodes = view.layout.nearest(home).iter().skip(1).take_while(is_worth);
    nodes.filter_map(|&node| idle(node, view)).next()
}

fn least_loaded(from: Option<WorkerId>, view: &View<'_>) -> Place {
    let load = |worker: WorkerId| (view.loads.queued(worker), !view.loads.parked(worker));
    let first = from.unwrap_or(WorkerId(0));
    let (mut best, mut least) = (first, load(first));
    for &next in view.layout.by_distance(first) {
        // Nobody has less than who sleeps.
        if least == (0, false) {
            break;
        }
        let its = load(next);
        if its < least {
            (best, least) = (next, its);
        }
    }
    if from == Some(best) { Place::Here } else { Place::Worker(best) }
}

/// Where in its queue a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queueing {
    /// First what became ready last: its data is in the caches, and queues stay short.
    Newest,
    /// In turn.
    Oldest,
    /// Tasks with a deadline by it; tasks that run again in turn, so that none keeps its worker to itself; others the newest first.
    ByKind,
}

impl Queueing {
    pub(super) fn order(self, task: &TaskView) -> Order {
        match self {
            Self::Newest => Order::Newest,
            Self::Oldest => Order::Oldest,
            Self::ByKind if task.deadline_ns != u64::MAX => Order::Deadline,
            Self::ByKind if task.last.is_some() => Order::Oldest,
            Self::ByKind => Order::Newest,
        }
    }
}

//! The policy of a pool that was given none: near before far, and half of what is there.

use crate::layout::WorkerId;
use crate::policy::{Amount, Order, Place, Policy, Source, TaskView, View};

/// Tasks go to their home, or to the node where they ran last. Workers look at their own node's shared queue, then all workers by distance, then the shared queues of other nodes by distance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hierarchical;

impl Policy for Hierarchical {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        let last = task.last.map(|worker| view.layout.node(worker));
        let here = from.map(|worker| view.layout.node(worker));
        match task.home.or(last) {
            Some(node) if here != Some(node) => Place::Node(node),
            _ => Place::Here,
        }
    }

    fn enqueue(&self, _task: &TaskView, _place: Place, _view: &mut View<'_>) -> Order {
        Order::Oldest
    }

    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        let nodes = view.layout.nearest(view.layout.node(me));
        let workers = view.layout.by_distance(me);
        let attempt = attempt as usize;
        if attempt == 0 {
            return Some(Source::Node(nodes[0]));
        }
        if let Some(victim) = workers.get(attempt - 1) {
            return Some(Source::Worker(*victim, Amount::Half));
        }
        nodes.get(attempt - workers.len()).map(|node| Source::Node(*node))
    }
}

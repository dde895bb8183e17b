//! The policy of a pool that was given none: near before far, and half of what is there.

use crate::layout::WorkerId;
use crate::policy::{Amount, Order, Place, Policy, Source, TaskView, View};

/// Own node's shared queue, then all workers by distance, then the shared queues of other nodes by distance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hierarchical;

impl Policy for Hierarchical {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        let here = from.or(task.last).map(|worker| view.layout.node(worker));
        match (task.home, here) {
            (Some(home), Some(here)) if from.is_some() && home == here => Place::Here,
            (Some(home), _) => Place::Node(home),
            (None, _) if from.is_some() => Place::Here,
            (None, Some(last)) => Place::Node(last),
            (None, None) => Place::Here,
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

//! Shared queues in which tenants take turns.

use super::queues::Queue;
use crate::fair::{Interleaving, TURN_NS, Turns};
use crate::policy::{Order, TaskView};

/// A node's shared queue.
#[derive(Debug)]
pub(super) enum Shared {
    /// By class and deadline, and else in turn.
    InTurn(Queue),
    /// As in pools, but a task is a turn.
    Fair(Turns),
}

impl Shared {
    /// The queue of one of `nodes` nodes.
    ///
    /// # Panics
    ///
    /// If a pair is asked for and there are not two tenants.
    pub(super) fn new(
        interleaving: Interleaving,
        weights: &[u32],
        node: u32,
        nodes: u32,
        seed: u64,
    ) -> Self {
        match interleaving {
            Interleaving::InTurn => Self::InTurn(Queue::default()),
            _ => Self::Fair(Turns::new(interleaving, weights, node, nodes, seed)),
        }
    }

    pub(super) fn push(&mut self, task: u32, view: &TaskView, order: Order) {
        match self {
            Self::InTurn(queue) => {
                let order = if order == Order::Deadline { order } else { Order::Newest };
                queue.push(task, view.priority, view.deadline_ns, order);
            }
            Self::Fair(turns) => turns.push(view.tenant, task),
        }
    }

    pub(super) fn pop(&mut self) -> Option<u32> {
        match self {
            Self::InTurn(queue) => queue.pop_oldest(),
            Self::Fair(turns) => {
                let (tenant, task) = turns.pop()?;
                turns.end(tenant, TURN_NS);
                Some(task)
            }
        }
    }
}

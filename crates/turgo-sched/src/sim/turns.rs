//! Shared queues in which tenants take turns.

use std::collections::VecDeque;

use super::queues::Queue;
use crate::fair::{
    BeattyPair, Chairman, Client, GoldenLottery, Hybrid, Interleave, Lottery, Side, Stride,
};
use crate::policy::{Order, TaskView};
use crate::random::Random;

/// How tenants take turns at a node's shared queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Interleaving {
    /// As they come: nobody asks whose task it is.
    #[default]
    InTurn,
    /// [`Lottery`].
    Lottery,
    /// [`GoldenLottery`].
    Golden,
    /// [`Hybrid`]: four of five by lottery.
    Hybrid,
    /// [`Stride`].
    Stride,
    /// [`Chairman`].
    Tijdeman,
    /// [`BeattyPair`], for two tenants; all nodes in the same phase.
    Beatty,
    /// The same, each node in a phase of its own.
    BeattyPhases,
}

impl Interleaving {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::InTurn,
        Self::Lottery,
        Self::Golden,
        Self::Hybrid,
        Self::Stride,
        Self::Tijdeman,
        Self::Beatty,
        Self::BeattyPhases,
    ];

    /// A short name, as tables print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InTurn => "in-turn",
            Self::Lottery => "lottery",
            Self::Golden => "golden-lottery",
            Self::Hybrid => "hybrid-80-20",
            Self::Stride => "stride",
            Self::Tijdeman => "tijdeman",
            Self::Beatty => "beatty",
            Self::BeattyPhases => "beatty-phases",
        }
    }

    /// Whether it is for two tenants only.
    #[must_use]
    pub const fn is_pair(self) -> bool {
        matches!(self, Self::Beatty | Self::BeattyPhases)
    }
}

/// A node's shared queue.
#[derive(Debug)]
pub(super) enum Shared {
    InTurn(Queue),
    Clients { lists: Vec<VecDeque<u32>>, members: Members },
    Pair { lists: [VecDeque<u32>; 2], pair: BeattyPair },
}

/// Who of the tenants has something queued.
#[derive(Debug)]
pub(super) struct Members {
    turns: Box<dyn Interleave>,
    clients: Vec<Option<Client>>,
    weights: Vec<u32>,
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
        let random = || Random::new(seed, u64::from(node) | 1 << 40);
        let turns: Box<dyn Interleave> = match interleaving {
            Interleaving::InTurn => return Self::InTurn(Queue::default()),
            Interleaving::Lottery => Box::new(Lottery::new(random())),
            Interleaving::Golden => Box::new(GoldenLottery::new()),
            Interleaving::Hybrid => Box::new(Hybrid::new(random())),
            Interleaving::Stride => Box::new(Stride::new()),
            Interleaving::Tijdeman => Box::new(Chairman::new()),
            Interleaving::Beatty | Interleaving::BeattyPhases => {
                let &[first, second] = weights else { panic!("a pair is for two tenants") };
                let pair = BeattyPair::new(first, second);
                let phased = interleaving == Interleaving::BeattyPhases;
                let pair = if phased { pair.on_node(node, nodes) } else { pair };
                return Self::Pair { lists: Default::default(), pair };
            }
        };
        let lists = vec![VecDeque::new(); weights.len()];
        let clients = vec![None; weights.len()];
        Self::Clients { lists, members: Members { turns, clients, weights: weights.to_vec() } }
    }

    pub(super) fn push(&mut self, task: u32, view: &TaskView, order: Order) {
        let tenant = view.tenant as usize;
        match self {
            Self::InTurn(queue) => {
                let order = if order == Order::Deadline { order } else { Order::Newest };
                queue.push(task, view.priority, view.deadline_ns, order);
            }
            Self::Clients { lists, members } => {
                let tenant = tenant % lists.len();
                lists[tenant].push_back(task);
                if members.clients[tenant].is_none() {
                    members.clients[tenant] = Some(members.turns.add(members.weights[tenant]));
                }
            }
            Self::Pair { lists, .. } => lists[tenant % 2].push_back(task),
        }
    }

    pub(super) fn pop(&mut self) -> Option<u32> {
        match self {
            Self::InTurn(queue) => queue.pop_oldest(),
            Self::Clients { lists, members } => {
                let picked = members.turns.pick()?;
                let is_picked = |client: &Option<Client>| *client == Some(picked);
                let tenant = members.clients.iter().position(is_picked)?;
                let task = lists[tenant].pop_front();
                if lists[tenant].is_empty() {
                    // Who has nothing to do leaves, and comes back without lag.
                    members.turns.remove(picked);
                    members.clients[tenant] = None;
                }
                task
            }
            Self::Pair { lists: [first, second], pair } => {
                // A turn is for those who want one: while one side has nothing, nobody counts.
                match (first.is_empty(), second.is_empty()) {
                    (false, false) if pair.pick() == Side::First => first.pop_front(),
                    (false, true) => first.pop_front(),
                    _ => second.pop_front(),
                }
            }
        }
    }
}

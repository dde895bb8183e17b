//! The order in which a worker that has nothing looks for work.
//!
//! A search has four parts, and [`Memory::cursor`](super::Memory::cursor) counts through them:
//!
//! 1. the shared queue of the worker's own node;
//! 2. the picks of [`Victims`], near ones and then far ones for a policy that knows of nodes;
//! 3. for such a policy: all workers of its node, then what is far away and [worth it](super::Knobs::remote_threshold);
//! 4. everything else, whatever it is worth.
//!
//! A place may come twice in a search; with [`Reach::Everything`] none is left out, which is P2.

use turgo_machine::mutant;

use super::{Amount, Source, Victims, View};
use crate::layout::{NodeIndex, WorkerId};

/// Whether a search knows of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All workers are alike.
    Blind,
    /// Its own node first: at least [`local_attempts`](super::Knobs::local_attempts) attempts there if the node has other workers. Then others, but only
    /// those that have at least [`remote_threshold`](super::Knobs::remote_threshold) tasks for every 10 of their distance.
    Aware,
}

/// Where a search ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// When it has looked everywhere: the policy is work-conserving.
    Everything,
    /// Far away it looks into shared queues and robs those above the threshold only: for a while workers may have nothing to do although there is work, which can pay
    /// where data is far away. Every task is still run, by the owner of its queue.
    Threshold,
}

/// A step of a search.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Look(Source),
    Skip,
    End,
}

/// How one worker searches.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) me: WorkerId,
    pub(super) victims: Victims,
    pub(super) scope: Scope,
    pub(super) reach: Reach,
    pub(super) amount: Amount,
}

impl Search {
    /// The next place to look at. O(1) amortised over a search, but for the victims' picks and a step from node to node.
    pub(super) fn next(&self, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        if attempt == 0 {
            view.memory.cursor = 0;
            view.memory.start = self.victims.start(view.random, view.memory);
        }
        loop {
            let step = self.step(view.memory.cursor, view);
            if step == Step::End {
                return None;
            }
            view.memory.cursor = view.memory.cursor.saturating_add(1);
            if let Step::Look(source) = step {
                return Some(source);
            }
        }
    }

    fn step(&self, cursor: u32, view: &mut View<'_>) -> Step {
        let home = view.layout.node(self.me);
        let Some(position) = cursor.checked_sub(1) else { return Step::Look(Source::Node(home)) };
        let picks = self.victims.picks(&view.knobs);
        let parts = if self.scope == Scope::Aware { 2 } else { 1 };
        match position.checked_sub(picks * parts) {
            None => self.pick(position >= picks, view),
            Some(position) if self.scope == Scope::Aware => self.aware(position, view),
            Some(position) => self.blind(position, view),
        }
    }

    /// A pick: near, or far.
    fn pick(&self, is_far: bool, view: &mut View<'_>) -> Step {
        let layout = view.layout;
        let others = layout.by_distance(self.me);
        let (near, far) = others.split_at(self.peers(view));
        let among = match (self.scope, is_far) {
            (Scope::Blind, _) => others,
            (Scope::Aware, false) => near,
            (Scope::Aware, true) => far,
        };
        match self.victims.pick(self.me, among, view) {
            Some(victim) if !is_far || self.is_worth(victim, view) => self.rob(victim),
            _ => Step::Skip,
        }
    }

    /// Workers of the same node, without this one.
    fn peers(&self, view: &View<'_>) -> usize {
        view.layout.on_node(view.layout.node(self.me)).len() - 1
    }

    /// One after another, beginning with the node of its own.
    fn aware(&self, position: u32, view: &View<'_>) -> Step {
        let (others, peers) = (view.layout.by_distance(self.me), self.peers(view));
        let (near, far) = others.split_at(peers);
        // Where a node has fewer workers than attempts are to be made, it is gone round more than once.
        let rounds = if near.is_empty() { 0 } else { near.len().max(self.rounds(view)) };
        let position = position as usize;
        if position < rounds {
            return self.rob(self.rotated(near, position, view));
        }
        let (nodes, position) = (view.layout.nodes() - 1, position - rounds);
        let of_part = far.len() + nodes;
        if position < of_part {
            return self.remote(far, position, false, view);
        }
        let position = position - of_part;
        let last = if mutant!("P2 the last one is left out") { of_part - 1 } else { of_part };
        if position < last {
            return self.remote(far, position, true, view);
        }
        Step::End
    }

    fn rounds(&self, view: &View<'_>) -> usize {
        if self.is_sweep() { view.knobs.attempts() as usize } else { 0 }
    }

    /// Whether the victims are chosen by going from one to the next.
    fn is_sweep(&self) -> bool {
        matches!(self.victims, Victims::Circular | Victims::Hierarchical)
    }

    /// What is far away: workers, then shared queues; all of it or what is worth it.
    fn remote(&self, far: &[WorkerId], position: usize, is_last: bool, view: &View<'_>) -> Step {
        let everything = is_last && self.reach == Reach::Everything;
        if position < far.len() {
            let victim = self.rotated(far, position, view);
            let is_candidate = everything || !is_last && self.is_worth(victim, view);
            // A policy that balances now and then robs nobody in between.
            return if is_candidate && !self.is_periodic() { self.rob(victim) } else { Step::Skip };
        }
        let node = view.layout.nearest(view.layout.node(self.me))[1 + position - far.len()];
        if is_last || view.loads.shared(node) >= self.threshold(node, view) {
            Step::Look(Source::Node(node))
        } else {
            Step::Skip
        }
    }

    /// One after another, from anywhere.
    fn blind(&self, position: u32, view: &View<'_>) -> Step {
        let others = view.layout.workers() - 1;
        let position = position as usize;
        if position < others {
            if self.is_periodic() {
                return Step::Skip;
            }
            let step = if mutant!("P2 drawn with replacement") {
                (view.memory.start as usize).wrapping_mul(position | 1).wrapping_mul(0x9e37_79b1)
            } else {
                view.memory.start as usize + position
            };
            // By number, not by distance: a circle over all but this one.
            let victim = (self.me.0 as usize + 1 + step % others) % view.layout.workers();
            return self.rob(WorkerId(u32::try_from(victim).unwrap_or(0)));
        }
        match view.layout.nearest(view.layout.node(self.me)).get(1 + position - others) {
            Some(&node) => Step::Look(Source::Node(node)),
            None => Step::End,
        }
    }

    fn is_periodic(&self) -> bool {
        matches!(self.victims, Victims::Periodic { .. })
    }

    /// The workers beginning with the one this search begins with.
    fn rotated(&self, workers: &[WorkerId], position: usize, view: &View<'_>) -> WorkerId {
        workers[(view.memory.start as usize + position) % workers.len()]
    }

    fn rob(&self, victim: WorkerId) -> Step {
        Step::Look(Source::Worker(victim, self.amount))
    }

    /// Whether a worker far away has enough for the way to pay.
    fn is_worth(&self, victim: WorkerId, view: &View<'_>) -> bool {
        view.loads.queued(victim) >= self.threshold(view.layout.node(victim), view)
    }

    fn threshold(&self, node: NodeIndex, view: &View<'_>) -> u32 {
        if mutant!("N1 distance does not count") {
            return 1;
        }
        threshold(
            view.knobs.remote_threshold,
            view.layout.distance(view.layout.node(self.me), node),
        )
    }
}

/// Tasks that a queue at this distance must have for the way to pay: the knob for each 10 of distance, rounded up, at least 1.
pub(super) fn threshold(knob: u32, distance: u32) -> u32 {
    let tasks = (u64::from(knob) * u64::from(distance)).div_ceil(10);
    u32::try_from(tasks).unwrap_or(u32::MAX).max(1)
}

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

use super::{Amount, Memory, Source, Victims, View};
use crate::layout::{NodeIndex, WorkerId, small};

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
    /// So many places are none to look at.
    Skip(u32),
    End,
}

/// What a place of a search is part of.
#[derive(Debug)]
enum Part<'a> {
    /// The shared queue of its own node.
    Home,
    Pick {
        is_far: bool,
    },
    /// From one worker to the next, from the `position`-th in this circle up to the `end`-th.
    Workers {
        circle: &'a [WorkerId],
        position: usize,
        end: usize,
        whom: Whom,
    },
    /// The shared queue of another node, by its nearness; if it is worth it or anyway.
    Queue {
        rank: usize,
        anyway: bool,
    },
    End,
}

/// Who of the workers in a circle is robbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    Everybody,
    /// Those who have enough for their distance.
    Worth,
    Nobody,
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
            let (gone, source) = match self.step(view.memory.cursor, view) {
                Step::Look(source) => (1, Some(source)),
                Step::Skip(places) => (places, None),
                Step::End => return None,
            };
            view.memory.cursor = view.memory.cursor.saturating_add(gone);
            if source.is_some() {
                return source;
            }
        }
    }

    /// Goes past workers that have nothing, where everybody is asked in turn; whom it would have asked is told to `passed` (P4).
    pub(super) fn pass(&self, view: &mut View<'_>, passed: &mut dyn FnMut(&[WorkerId])) -> u32 {
        let mut count = 0;
        while let Part::Workers { circle, position, end, whom: Whom::Everybody } =
            self.part(view.memory.cursor, view)
        {
            let ahead = self.ahead(circle, position, end, view);
            let busy = view.loads.first_busy(ahead);
            let empty = &ahead[..busy.unwrap_or(ahead.len())];
            if !empty.is_empty() {
                let gone = small(empty.len());
                passed(empty);
                count += if mutant!("P4 one more is gone past") { gone + 1 } else { gone };
                view.memory.cursor = view.memory.cursor.saturating_add(gone);
                view.memory.failures = view.memory.failures.saturating_add(gone);
                self.gone(view.memory);
            }
            if busy.is_some() {
                break;
            }
        }
        count
    }

    /// A place has been looked at.
    pub(super) fn gone(&self, memory: &mut Memory) {
        if self.victims == Victims::Circular {
            // The next search goes on with the next one in the circle; the cursor has counted the own node's queue as well.
            memory.next = memory.start.wrapping_add(memory.cursor.saturating_sub(1));
        }
    }

    fn step(&self, cursor: u32, view: &mut View<'_>) -> Step {
        match self.part(cursor, view) {
            Part::Home => Step::Look(Source::Node(view.layout.node(self.me))),
            Part::Pick { is_far } => self.pick(is_far, view),
            Part::Workers { circle, position, end, whom } => {
                let ahead = self.ahead(circle, position, end, view);
                match whom {
                    Whom::Everybody => self.rob(ahead[0]),
                    Whom::Worth if self.is_worth(ahead[0], view) => self.rob(ahead[0]),
                    // Who has nothing is not worth it.
                    Whom::Worth => {
                        let rest = &ahead[1..];
                        Step::Skip(1 + small(view.loads.first_busy(rest).unwrap_or(rest.len())))
                    }
                    Whom::Nobody => Step::Skip(small(end - position)),
                }
            }
            Part::Queue { rank, anyway } => {
                let node = view.layout.nearest(view.layout.node(self.me))[rank];
                if anyway || view.loads.shared(node) >= self.threshold(node, view) {
                    Step::Look(Source::Node(node))
                } else {
                    Step::Skip(1)
                }
            }
            Part::End => Step::End,
        }
    }

    fn part<'a>(&self, cursor: u32, view: &View<'a>) -> Part<'a> {
        let Some(position) = cursor.checked_sub(1) else { return Part::Home };
        let picks = self.victims.picks(&view.knobs);
        let parts = if self.scope == Scope::Aware { 2 } else { 1 };
        match position.checked_sub(picks * parts) {
            None => Part::Pick { is_far: position >= picks },
            Some(position) if self.scope == Scope::Aware => self.aware(position as usize, view),
            Some(position) => self.blind(position as usize, view),
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
            _ => Step::Skip(1),
        }
    }

    /// Workers of the same node, without this one.
    fn peers(&self, view: &View<'_>) -> usize {
        view.layout.on_node(view.layout.node(self.me)).len() - 1
    }

    /// One after another, beginning with the node of its own.
    fn aware<'a>(&self, position: usize, view: &View<'a>) -> Part<'a> {
        let (others, peers) = (view.layout.by_distance(self.me), self.peers(view));
        let (near, far) = others.split_at(peers);
        // Where a node has fewer workers than attempts are to be made, it is gone round more than once.
        let rounds = if near.is_empty() { 0 } else { near.len().max(self.rounds(view)) };
        if position < rounds {
            return Part::Workers { circle: near, position, end: rounds, whom: Whom::Everybody };
        }
        let (nodes, position) = (view.layout.nodes() - 1, position - rounds);
        let of_part = far.len() + nodes;
        if position < of_part {
            return self.remote(far, position, false);
        }
        let position = position - of_part;
        let last = if mutant!("P2 the last one is left out") { of_part - 1 } else { of_part };
        if position < last { self.remote(far, position, true) } else { Part::End }
    }

    fn rounds(&self, view: &View<'_>) -> usize {
        if self.is_sweep() { view.knobs.attempts() as usize } else { 0 }
    }

    /// Whether the victims are chosen by going from one to the next.
    fn is_sweep(&self) -> bool {
        matches!(self.victims, Victims::Circular | Victims::Hierarchical)
    }

    /// What is far away: workers, then shared queues; all of it or what is worth it. A policy that balances now and then robs nobody in between.
    fn remote<'a>(&self, far: &'a [WorkerId], position: usize, is_last: bool) -> Part<'a> {
        let whom = match (is_last, self.reach) {
            _ if self.is_periodic() => Whom::Nobody,
            (false, _) => Whom::Worth,
            (true, Reach::Everything) => Whom::Everybody,
            (true, Reach::Threshold) => Whom::Nobody,
        };
        match position.checked_sub(far.len()) {
            None => Part::Workers { circle: far, position, end: far.len(), whom },
            Some(after) => Part::Queue { rank: 1 + after, anyway: is_last },
        }
    }

    /// One after another, from anywhere. By number, not by distance: a circle over all but this one.
    fn blind<'a>(&self, position: usize, view: &View<'a>) -> Part<'a> {
        let circle = view.layout.by_number(self.me);
        let whom = if self.is_periodic() { Whom::Nobody } else { Whom::Everybody };
        match position.checked_sub(circle.len()) {
            None => Part::Workers { circle, position, end: circle.len(), whom },
            Some(after) if after + 1 < view.layout.nodes() => {
                Part::Queue { rank: 1 + after, anyway: true }
            }
            Some(_) => Part::End,
        }
    }

    fn is_periodic(&self) -> bool {
        matches!(self.victims, Victims::Periodic { .. })
    }

    /// The workers of a circle from a position on, counted from where this search begins, up to its end or to where the circle is bent.
    fn ahead<'a>(
        &self,
        circle: &'a [WorkerId],
        position: usize,
        end: usize,
        view: &View<'_>,
    ) -> &'a [WorkerId] {
        let start = view.memory.start as usize;
        let step = if mutant!("P2 drawn with replacement") {
            start.wrapping_mul(position | 1).wrapping_mul(0x9e37_79b1)
        } else {
            start + position
        };
        let at = step % circle.len();
        &circle[at..circle.len().min(at + end - position)]
    }

    fn rob(&self, victim: WorkerId) -> Step {
        Step::Look(Source::Worker(victim, self.amount))
    }

    /// Whether a worker far away has enough for the way to pay.
    fn is_worth(&self, victim: WorkerId, view: &View<'_>) -> bool {
        view.loads.queued(victim) >= self.threshold(view.layout.node(victim), view)
    }

    pub(super) fn threshold(&self, node: NodeIndex, view: &View<'_>) -> u32 {
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

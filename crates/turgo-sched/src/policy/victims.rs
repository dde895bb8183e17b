//! Whom to rob: one pick among some workers.

use turgo_machine::clock::Clock;
use turgo_machine::mutant;

use super::{Knobs, Memory, View};
use crate::layout::WorkerId;
use crate::random::Random;

/// How a victim is chosen. A pick may find nobody worth robbing; what happens then is the [search's](super::Scope) affair.
///
/// Costs are those of a pick among `n` workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Victims {
    /// Anyone, each as likely (Blumofe, Leiserson, "Scheduling multithreaded computations by work stealing", JACM 1999). O(1).
    Random,
    /// One after another in a circle that goes on where the last search ended. O(1).
    Circular,
    /// Whoever was robbed with success the last time, then as [`Random`](Self::Random). O(1).
    Affinity,
    /// The busier of two that were drawn (Mitzenmacher, "The power of two choices in randomized load balancing", TPDS 2001). O(1).
    TwoChoices,
    /// The nearest first: threads of the same core, of the same cache, of the same node, then by distance. O(1).
    Hierarchical,
    /// Whoever has the most tasks, if that is at least 2 more than the thief has. O(n).
    MostLoaded,
    /// Whoever's surplus over the thief uses best what the thief's node has free: the packing score of `max(0, demand of the victim - demand of the thief)`
    /// against it. The positive part makes the difference: a length would be as great for an emptier victim as for a fuller one. O(n).
    Weighted,
    /// A sequence of low discrepancy: the fractional parts of multiples of the golden ratio, shifted by node. It spreads probes more evenly than random numbers do. O(1).
    Golden,
    /// An older baseline: in four of five searches a lottery with a ticket for each queued task, in the fifth the golden sequence. O(n).
    Hybrid,
    /// An older baseline: a worker looks at others only after this many nanoseconds have passed since it last did, and then takes from the most loaded one if
    /// that has twice the mean. Leaves work lying about in between. O(n).
    Periodic {
        /// Nanoseconds from one look to the next.
        every_ns: u64,
    },
}

/// 2^32 divided by the golden ratio, rounded to an odd number.
const GOLDEN: u32 = 0x9e37_79b9;

impl Victims {
    /// All, with the period that the older baseline had.
    pub const ALL: [Self; 10] = [
        Self::Random,
        Self::Circular,
        Self::Affinity,
        Self::TwoChoices,
        Self::Hierarchical,
        Self::MostLoaded,
        Self::Weighted,
        Self::Golden,
        Self::Hybrid,
        Self::Periodic { every_ns: 100_000_000 },
    ];

    /// A short name, as tables print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Circular => "circular",
            Self::Affinity => "affinity",
            Self::TwoChoices => "two-choices",
            Self::Hierarchical => "hierarchical",
            Self::MostLoaded => "most-loaded",
            Self::Weighted => "weighted",
            Self::Golden => "golden",
            Self::Hybrid => "hybrid-80-20",
            Self::Periodic { .. } => "periodic",
        }
    }

    /// How many picks a search begins with, before it looks at one worker after another.
    pub(super) fn picks(self, knobs: &Knobs) -> u32 {
        match self {
            Self::Circular | Self::Hierarchical => 0,
            Self::Affinity | Self::MostLoaded | Self::Weighted => 1,
            Self::Periodic { .. } => 1,
            Self::Random | Self::TwoChoices | Self::Golden | Self::Hybrid => {
                knobs.attempts().max(1)
            }
        }
    }

    /// Where in a circle of workers the part of a search begins that looks at one after another.
    pub(super) fn start(self, random: &mut Random, memory: &Memory) -> u32 {
        if mutant!("P1 the clock of the machine decides") {
            return Clock::real().now_ns() as u32;
        }
        match self {
            // By distance, or from where the last one ended.
            Self::Hierarchical => 0,
            Self::Circular => memory.next,
            // Not all at the same one.
            _ => random.next_u64() as u32,
        }
    }

    /// A victim among `among`, which does not hold `me`.
    pub(super) fn pick(
        self,
        me: WorkerId,
        among: &[WorkerId],
        view: &mut View<'_>,
    ) -> Option<WorkerId> {
        let any = |random: &mut Random| nth(among, random.below(count(among)));
        match self {
            Self::Circular | Self::Hierarchical => None,
            Self::Random => any(view.random),
            Self::Affinity => view.memory.last_victim.filter(|last| among.contains(last)),
            Self::TwoChoices => {
                let (one, other) = (any(view.random)?, any(view.random)?);
                let (a, b) = (view.loads.queued(one), view.loads.queued(other));
                (a.max(b) > 0).then_some(if a >= b { one } else { other })
            }
            Self::MostLoaded => {
                let (victim, queued) = most_loaded(among, view)?;
                (queued >= view.loads.queued(me).saturating_add(2)).then_some(victim)
            }
            Self::Weighted => weighted(me, among, view),
            Self::Golden => golden(me, among, view),
            Self::Hybrid if view.random.below(5) > 0 => lottery(among, view),
            Self::Hybrid => golden(me, among, view),
            Self::Periodic { every_ns } => {
                let now_ns = view.now.ns();
                if now_ns.saturating_sub(view.memory.balanced_ns) < every_ns {
                    return None;
                }
                view.memory.balanced_ns = now_ns;
                let (victim, queued) = most_loaded(among, view)?;
                let total: u64 =
                    among.iter().map(|&worker| u64::from(view.loads.queued(worker))).sum();
                // Twice the mean over all, the thief with nothing among them.
                let is_imbalanced = u64::from(queued) * (among.len() as u64 + 1) >= 2 * total;
                (queued > 1 && is_imbalanced).then_some(victim)
            }
        }
    }
}

fn count(workers: &[WorkerId]) -> u32 {
    u32::try_from(workers.len()).unwrap_or(u32::MAX)
}

fn nth(workers: &[WorkerId], position: u32) -> Option<WorkerId> {
    workers.get(position as usize).copied()
}

fn most_loaded(among: &[WorkerId], view: &View<'_>) -> Option<(WorkerId, u32)> {
    let queued = |&worker: &WorkerId| (worker, view.loads.queued(worker));
    // Of equals the first, which is the nearest.
    among.iter().map(queued).reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn weighted(me: WorkerId, among: &[WorkerId], view: &View<'_>) -> Option<WorkerId> {
    let (mine, free) = (view.loads.demand(me), view.loads.free(view.layout.node(me)));
    let score = |&worker: &WorkerId| {
        let theirs = view.loads.demand(worker);
        let surplus = if mutant!("W1 a symmetric imbalance") {
            theirs.saturating_sub(mine) + mine.saturating_sub(theirs)
        } else {
            theirs.saturating_sub(mine)
        };
        (worker, surplus.dot(free))
    };
    let busy = among.iter().filter(|&&worker| view.loads.queued(worker) > 0);
    let best = busy.map(score).reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.filter(|(_, score)| *score > 0.0).map(|(worker, _)| worker)
}

/// Ticket by ticket: a worker with three tasks is drawn three times as often as one with one.
fn lottery(among: &[WorkerId], view: &mut View<'_>) -> Option<WorkerId> {
    let queued = |worker: &WorkerId| view.loads.queued(*worker);
    let tickets = among.iter().map(queued).fold(0u32, u32::saturating_add);
    let mut drawn = view.random.below(tickets);
    // A queue may have shrunk since the tickets were counted in a view that is not frozen: then nobody is drawn.
    among.iter().copied().find(|worker| {
        let queued = view.loads.queued(*worker);
        let is_drawn = drawn < queued;
        drawn = drawn.saturating_sub(queued);
        is_drawn
    })
}

fn golden(me: WorkerId, among: &[WorkerId], view: &mut View<'_>) -> Option<WorkerId> {
    view.memory.next = view.memory.next.wrapping_add(1);
    // Nodes are apart by a part of the circle each, so that those of one do not follow those of another.
    let nodes = u32::try_from(view.layout.nodes()).unwrap_or(u32::MAX);
    let phase = view.layout.node(me).0.wrapping_mul(u32::MAX / nodes.max(1));
    let position = view.memory.next.wrapping_mul(GOLDEN).wrapping_add(phase);
    nth(among, ((u64::from(position) * u64::from(count(among))) >> 32) as u32)
}

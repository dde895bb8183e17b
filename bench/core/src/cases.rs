//! What is compared, group by group, and what a group must show.

pub(crate) mod counters;
pub(crate) mod deques;
pub(crate) mod maps;
pub(crate) mod queues;
pub(crate) mod reads;
pub(crate) mod retires;
pub(crate) mod stacks;

use crate::measure::Case;

/// How many threads a group can be run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    Any,
    /// Half of them do one thing and half another.
    Even,
    /// Each has a structure of its own.
    One,
    Two,
}

impl Threads {
    pub(crate) fn allow(self, threads: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Even => threads.is_multiple_of(2),
            Self::One => threads == 1,
            Self::Two => threads == 2,
        }
    }
}

/// Implementations that do the same work.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) threads: Threads,
    pub(crate) cases: fn() -> Vec<Case>,
}

/// A bound for one of ours, as a share of a peer's time in the same run.
pub(crate) struct Gate {
    pub(crate) group: &'static str,
    pub(crate) threads: usize,
    pub(crate) ours: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) share_max: f64,
}

pub(crate) const GROUPS: [Group; 16] = [
    Group { name: "read", threads: Threads::Any, cases: reads::cases },
    Group { name: "retire", threads: Threads::Any, cases: retires::cases },
    Group { name: "queue pair", threads: Threads::Any, cases: queues::pair },
    Group { name: "queue burst", threads: Threads::One, cases: queues::burst },
    Group { name: "queue pass", threads: Threads::Even, cases: queues::pass },
    Group { name: "stack pair", threads: Threads::Any, cases: stacks::pair },
    Group { name: "deque lifo pair", threads: Threads::One, cases: deques::lifo_pair },
    Group { name: "deque fifo pair", threads: Threads::One, cases: deques::fifo_pair },
    Group { name: "deque lifo burst", threads: Threads::One, cases: deques::lifo_burst },
    Group { name: "deque steal", threads: Threads::One, cases: deques::steal },
    Group { name: "deque batch", threads: Threads::One, cases: deques::batch },
    Group { name: "deque thief", threads: Threads::Two, cases: deques::thief },
    Group { name: "map read", threads: Threads::Any, cases: maps::reads },
    Group { name: "map read of many", threads: Threads::One, cases: maps::reads_of_many },
    Group { name: "map mix", threads: Threads::Any, cases: maps::mix },
    Group { name: "counter", threads: Threads::Any, cases: counters::cases },
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 7] = [
    gate("read", 1, "turgo Rcu", "kovan", 0.9),
    gate("read", 1, "turgo HazardPointer held", "haphazard held", 0.15),
    gate("retire", 1, "turgo Rcu", "crossbeam-epoch", 0.7),
    gate("map read", 1, "turgo RcuHashMap", "papaya", 1.25),
    gate("map mix", 2, "turgo RcuHashMap", "papaya", 0.5),
    gate("counter", 1, "turgo Counter", "AtomicU64", 0.3),
    gate("counter", 2, "turgo Counter", "AtomicU64", 0.1),
];

const fn gate(
    group: &'static str,
    threads: usize,
    ours: &'static str,
    peer: &'static str,
    share_max: f64,
) -> Gate {
    Gate { group, threads, ours, peer, share_max }
}

//! What is compared, group by group, and what a group must show.

pub(crate) mod counters;
pub(crate) mod deques;
pub(crate) mod maps;
pub(crate) mod parts;
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

pub(crate) const GROUPS: [Group; 18] = [
    Group { name: "parts", threads: Threads::Any, cases: parts::cases },
    Group { name: "read", threads: Threads::Any, cases: reads::cases },
    Group { name: "retire", threads: Threads::Any, cases: retires::cases },
    Group { name: "queue pair", threads: Threads::Any, cases: queues::pair },
    Group { name: "queue burst", threads: Threads::One, cases: queues::burst },
    Group { name: "queue pass", threads: Threads::Even, cases: queues::pass },
    Group { name: "stack pair", threads: Threads::Any, cases: stacks::pair },
    Group { name: "deque lifo pair", threads: Threads::One, cases: deques::lifo_pair },
    Group { name: "deque fifo pair", threads: Threads::One, cases: deques::fifo_pair },
    Group { name: "deque lifo burst", threads: Threads::One, cases: deques::lifo_burst },
    Group { name: "deque fifo burst", threads: Threads::One, cases: deques::fifo_burst },
    Group { name: "deque steal", threads: Threads::One, cases: deques::steal },
    Group { name: "deque batch", threads: Threads::One, cases: deques::batch },
    Group { name: "deque thief", threads: Threads::Two, cases: deques::thief },
    Group { name: "map read", threads: Threads::Any, cases: maps::reads },
    Group { name: "map read of many", threads: Threads::One, cases: maps::reads_of_many },
    Group { name: "map mix", threads: Threads::Any, cases: maps::mix },
    Group { name: "counter", threads: Threads::Any, cases: counters::cases },
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 21] = [
    gate("read", 1, "turgo Rcu", "kovan", 0.9),
    gate("read", 1, "turgo HazardPointer held", "haphazard held", 0.15),
    gate("retire", 1, "turgo Rcu", "crossbeam-epoch", 0.7),
    gate("queue pair", 1, "turgo MsQueue", "MS queue, epoch", 0.85),
    gate("queue pair", 2, "turgo MsQueue", "MS queue, epoch", 1.1),
    gate("queue pair", 1, "turgo SegmentQueue", "SegQueue crossbeam", 0.8),
    gate("queue pair", 2, "turgo SegmentQueue", "SegQueue crossbeam", 1.0),
    gate("queue burst", 1, "turgo SegmentQueue", "SegQueue crossbeam", 0.8),
    gate("queue pass", 2, "turgo SegmentQueue", "SegQueue crossbeam", 1.0),
    gate("stack pair", 1, "turgo TreiberStack", "Treiber, epoch", 0.75),
    gate("stack pair", 2, "turgo TreiberStack", "Treiber, epoch", 0.75),
    gate("deque lifo pair", 1, "turgo Worker", "crossbeam-deque", 1.0),
    gate("deque fifo pair", 1, "turgo Worker", "crossbeam-deque", 1.0),
    gate("deque lifo burst", 1, "turgo Worker", "crossbeam-deque", 1.0),
    gate("deque fifo burst", 1, "turgo Worker", "crossbeam-deque", 1.0),
    gate("deque batch", 1, "turgo Worker", "crossbeam-deque", 0.65),
    gate("deque thief", 2, "turgo Worker", "crossbeam-deque", 1.0),
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

//! What is compared, group by group, and what a group must show.

pub(crate) mod counters;
pub(crate) mod deques;
pub(crate) mod maps;
pub(crate) mod parts;
pub(crate) mod queues;
pub(crate) mod reads;
pub(crate) mod retires;
pub(crate) mod stacks;

use bench_harness::{Gate, Group, Threads};

pub(crate) const GROUPS: [Group; 18] = [
    Group::new("parts", Threads::Any, parts::cases),
    Group::new("read", Threads::Any, reads::cases),
    Group::new("retire", Threads::Any, retires::cases),
    Group::new("queue pair", Threads::Any, queues::pair),
    Group::new("queue burst", Threads::One, queues::burst),
    Group::new("queue pass", Threads::Even, queues::pass),
    Group::new("stack pair", Threads::Any, stacks::pair),
    Group::new("deque lifo pair", Threads::One, deques::lifo_pair),
    Group::new("deque fifo pair", Threads::One, deques::fifo_pair),
    Group::new("deque lifo burst", Threads::One, deques::lifo_burst),
    Group::new("deque fifo burst", Threads::One, deques::fifo_burst),
    Group::new("deque steal", Threads::One, deques::steal),
    Group::new("deque batch", Threads::One, deques::batch),
    Group::new("deque thief", Threads::Two, deques::thief),
    Group::new("map read", Threads::Any, maps::reads),
    Group::new("map read of many", Threads::One, maps::reads_of_many),
    Group::new("map mix", Threads::Any, maps::mix),
    Group::new("counter", Threads::Any, counters::cases),
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 21] = [
    Gate::new("read", 1, "turgo Rcu", "kovan", 0.9),
    Gate::new("read", 1, "turgo HazardPointer held", "haphazard held", 0.15),
    Gate::new("retire", 1, "turgo Rcu", "crossbeam-epoch", 0.7),
    Gate::new("queue pair", 1, "turgo MsQueue", "MS queue, epoch", 0.85),
    Gate::new("queue pair", 2, "turgo MsQueue", "MS queue, epoch", 1.1),
    Gate::new("queue pair", 1, "turgo SegmentQueue", "SegQueue crossbeam", 0.8),
    Gate::new("queue pair", 2, "turgo SegmentQueue", "SegQueue crossbeam", 1.0),
    Gate::new("queue burst", 1, "turgo SegmentQueue", "SegQueue crossbeam", 0.8),
    Gate::new("queue pass", 2, "turgo SegmentQueue", "SegQueue crossbeam", 1.0),
    Gate::new("stack pair", 1, "turgo TreiberStack", "Treiber, epoch", 0.75),
    Gate::new("stack pair", 2, "turgo TreiberStack", "Treiber, epoch", 0.75),
    Gate::new("deque lifo pair", 1, "turgo Worker", "crossbeam-deque", 1.0),
    Gate::new("deque fifo pair", 1, "turgo Worker", "crossbeam-deque", 1.0),
    Gate::new("deque lifo burst", 1, "turgo Worker", "crossbeam-deque", 1.0),
    Gate::new("deque fifo burst", 1, "turgo Worker", "crossbeam-deque", 1.0),
    Gate::new("deque batch", 1, "turgo Worker", "crossbeam-deque", 0.65),
    Gate::new("deque thief", 2, "turgo Worker", "crossbeam-deque", 1.0),
    Gate::new("map read", 1, "turgo RcuHashMap", "papaya", 1.25),
    Gate::new("map mix", 2, "turgo RcuHashMap", "papaya", 0.5),
    Gate::new("counter", 1, "turgo Counter", "AtomicU64", 0.3),
    Gate::new("counter", 2, "turgo Counter", "AtomicU64", 0.1),
];

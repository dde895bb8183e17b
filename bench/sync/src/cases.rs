//! What is compared, group by group, and what a group must show.

pub(crate) mod contended;
pub(crate) mod handed;
pub(crate) mod notified;
pub(crate) mod polls;
pub(crate) mod uncontended;

use crate::measure::Case;

/// How many threads a group can be run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    One,
    Two,
}

impl Threads {
    pub(crate) fn allow(self, threads: usize) -> bool {
        match self {
            Self::One => threads == 1,
            Self::Two => threads == 2,
        }
    }
}

/// Implementations that do the same work.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) threads: Threads,
    /// Whether threads sleep while they wait.
    pub(crate) sleeps: bool,
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

pub(crate) const GROUPS: [Group; 10] = [
    group("semaphore", Threads::One, uncontended::semaphores),
    group("mutex", Threads::One, uncontended::mutexes),
    group("local mutex", Threads::One, uncontended::local_mutexes),
    group("hand-off", Threads::One, handed::semaphores),
    group("wake one", Threads::One, notified::one),
    group("wake all", Threads::One, notified::all),
    group("cancel", Threads::One, notified::cancel),
    group("semaphore of ten", Threads::Two, uncontended::semaphores_of_ten),
    Group { sleeps: true, ..group("contended mutex", Threads::Two, contended::mutexes) },
    Group { sleeps: true, ..group("contended semaphore", Threads::Two, contended::semaphores) },
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 14] = [
    gate("semaphore", 1, "turgo Fifo", "tokio", 0.65),
    gate("semaphore", 1, "turgo Barging", "tokio", 0.5),
    gate("mutex", 1, "turgo Fifo", "tokio", 0.65),
    gate("mutex", 1, "turgo Barging", "tokio", 0.5),
    gate("local mutex", 1, "turgo local", "Cell", 1.5),
    gate("hand-off", 1, "turgo Fifo", "tokio", 0.55),
    gate("hand-off", 1, "turgo Barging", "tokio", 0.65),
    gate("wake one", 1, "turgo", "tokio", 1.0),
    gate("wake all", 1, "turgo", "tokio", 1.0),
    gate("cancel", 1, "turgo", "tokio", 1.0),
    gate("semaphore of ten", 2, "turgo Fifo", "tokio", 0.4),
    gate("contended mutex", 2, "turgo Barging", "tokio", 0.05),
    gate("contended mutex", 2, "turgo Barging", "synchrony", 2.0),
    gate("contended semaphore", 2, "turgo Barging", "tokio", 0.05),
];

const fn group(name: &'static str, threads: Threads, cases: fn() -> Vec<Case>) -> Group {
    Group { name, threads, sleeps: false, cases }
}

const fn gate(
    group: &'static str,
    threads: usize,
    ours: &'static str,
    peer: &'static str,
    share_max: f64,
) -> Gate {
    Gate { group, threads, ours, peer, share_max }
}

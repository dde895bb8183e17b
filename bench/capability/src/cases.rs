//! What is compared, group by group, and what a group must show.

mod checks;
mod grants;
mod maps;

use crate::measure::Case;

/// How many threads a group can be run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    Any,
    One,
}

impl Threads {
    pub(crate) fn allow(self, threads: usize) -> bool {
        self == Self::Any || threads == 1
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

pub(crate) const GROUPS: [Group; 6] = [
    Group { name: "check one", threads: Threads::Any, cases: checks::one },
    Group { name: "check 1 k", threads: Threads::One, cases: checks::thousand },
    Group { name: "check 100 k", threads: Threads::One, cases: checks::hundred_thousand },
    Group { name: "check 1 M", threads: Threads::One, cases: checks::million },
    Group { name: "check with changes", threads: Threads::Any, cases: checks::with_changes },
    Group { name: "delegate and revoke", threads: Threads::Any, cases: grants::pairs },
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 4] = [
    gate("check one", "turgo, depth 1", "dashmap", 0.1),
    gate("check one", "turgo, depth 8", "dashmap", 0.1),
    gate("check one", "turgo, depth 64", "dashmap", 0.1),
    gate("delegate and revoke", "turgo", "dashmap", 2.0),
];

const fn gate(group: &'static str, ours: &'static str, peer: &'static str, share_max: f64) -> Gate {
    Gate { group, threads: 1, ours, peer, share_max }
}

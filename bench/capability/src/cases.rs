//! What is compared, group by group, and what a group must show.

pub(crate) mod chained;
mod checks;
mod grants;
mod maps;
mod revoker;
mod tokens;
mod trials;

use bench_harness::{Gate, Group, Threads};

pub(crate) const GROUPS: [Group; 12] = [
    Group::new("check one", Threads::Any, checks::one),
    Group::new("check 1 k", Threads::One, checks::thousand),
    Group::new("check 100 k", Threads::One, checks::hundred_thousand),
    Group::new("check 1 M", Threads::One, checks::million),
    Group::new("check with changes", Threads::Any, checks::with_changes),
    Group::new("beside 1 k revocations a second", Threads::One, revoker::thousand),
    Group::new("beside 100 k revocations a second", Threads::One, revoker::hundred_thousand),
    Group::new("delegate and revoke", Threads::Any, grants::pairs),
    Group::new("tokens", Threads::One, tokens::tokens),
    Group::new("trials over 16", Threads::One, trials::sixteen),
    Group::new("trials over 1 k", Threads::One, trials::thousand),
    Group::new("trials over 100 k", Threads::One, trials::hundred_thousand),
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 4] = [
    gate("check one", "turgo, depth 1", "dashmap", 0.1),
    gate("check one", "turgo, depth 8", "dashmap", 0.1),
    gate("check one", "turgo, depth 64", "dashmap", 0.1),
    gate("delegate and revoke", "turgo", "dashmap", 2.0),
];

const fn gate(group: &'static str, ours: &'static str, peer: &'static str, share_max: f64) -> Gate {
    Gate::new(group, 1, ours, peer, share_max)
}

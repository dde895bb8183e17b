//! What can be chosen for a domain.

use crate::fence::nodes_per_heavy;
use crate::reclaim::ReclaimStats;

/// Who frees nodes and runs callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Executor {
    /// The thread that retires, when its batch is full and it is in no read section.
    #[default]
    Inline,
    /// Whoever calls `poll`.
    Cooperative,
    /// A thread of the domain, which is started when there is something to do and ends when there has been nothing for a second.
    #[cfg(feature = "std")]
    Background,
}

/// How a domain works. A limit of 0 is none.
///
/// Nodes behind a reader that stops cannot be freed, so RCU cannot bound them: a limit only says what happens then. Above a
/// soft limit `retire` hurries grace periods on. At a hard limit `try_retire` refuses the node, and `retire` waits for readers, outside
/// of a read section, or queues the node and counts an overflow, inside of one. A `retire` that hurries or waits runs what may be run itself, whatever
/// the executor. Limits are looked at when a batch is full,
/// so each thread may exceed them by one batch; with a hard limit a batch is an eighth of it at most. What an idle thread has retired counts, but only
/// that thread can free it before it ends: `retire` does not wait for it, and `try_retire` may refuse because of it.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Who runs what was retired.
    pub executor: Executor,
    /// How many nodes a thread retires before it looks at the grace period; 0 is as many as bring the heavy fence, as measured on this
    /// machine, to 16 ns each: between 1,024 and 8,192.
    pub batch: usize,
    /// Nodes that may wait before grace periods are hurried on.
    pub soft_max: usize,
    /// Nodes that may wait at all.
    pub hard_max: usize,
    /// Bytes that may wait before grace periods are hurried on.
    pub soft_bytes_max: usize,
    /// Bytes that may wait at all.
    pub hard_bytes_max: usize,
    /// A grace period older than this, in nanoseconds, is reported as stalled; 0 is never.
    pub stall_after_ns: u64,
    /// The time in nanoseconds since some moment; never goes back. Asked while a grace period is driven: it must not call the domain, nor panic, which
    /// would leak what was about to be freed.
    pub clock: fn() -> u64,
}

impl Config {
    pub(super) const DEFAULT: Self = Self {
        executor: Executor::Inline,
        batch: 0,
        soft_max: 0,
        hard_max: 0,
        soft_bytes_max: 0,
        hard_bytes_max: 0,
        stall_after_ns: 10_000_000_000,
        clock: monotonic_ns,
    };

    /// After how many nodes a thread looks at the grace period.
    pub(super) fn step(&self) -> usize {
        let limits = [self.soft_max, self.hard_max].into_iter().filter(|&max| max > 0);
        let batch = if self.batch == 0 { nodes_per_heavy() } else { self.batch };
        limits.map(|max| max / 8).fold(batch, usize::min).max(1)
    }

    pub(super) fn is_limited(&self) -> bool {
        self.soft_max | self.hard_max | self.soft_bytes_max | self.hard_bytes_max != 0
    }

    pub(super) fn is_above_soft(&self, stats: &ReclaimStats) -> bool {
        is_above(stats, self.soft_max, self.soft_bytes_max) || self.is_above_hard(stats)
    }

    pub(super) fn is_above_hard(&self, stats: &ReclaimStats) -> bool {
        is_above(stats, self.hard_max, self.hard_bytes_max)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn is_above(stats: &ReclaimStats, nodes_max: usize, bytes_max: usize) -> bool {
    let above = |now: u64, max: usize| max != 0 && now >= max as u64;
    above(stats.pending(), nodes_max) || above(stats.pending_bytes(), bytes_max)
}

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
fn monotonic_ns() -> u64 {
    // LOCK: taken once, for the clock that counts from then.
    static CLOCK: std::sync::OnceLock<turgo_machine::clock::Clock> = std::sync::OnceLock::new();
    CLOCK.get_or_init(turgo_machine::clock::Clock::real).now_ns()
}

/// No time passes: grace periods take none and never stall.
#[cfg(not(all(feature = "std", not(any(loom, shuttle)))))]
fn monotonic_ns() -> u64 {
    0
}

//! Whether all workers run the tasks of a graph, or one at a time: what was faster.
//!
//! A task that takes less than the way of a line from one processor to another is not worth giving away: each of its successors counts its arrivals in a word that
//! workers then pull to and fro. So a graph remembers what its runs took. Where tasks have turned out to be short, one of its next runs is run
//! [alone](super), which is either faster or not, and that decides. A run that finds its tasks longer than expected
//! [opens up](Credit) and goes on with all workers.
//!
//! What it is not: a promise. Graphs that run on several pools mix what they remember of them; they are run rightly either way.
//!
//! # Invariants
//!
//! - **G1** No run is alone unless one with all workers took little time for its tasks.
//! - **G2** Where both ways are known the faster one is taken, and the other one once in [`AGAIN`] runs, so that it is not remembered for ever as it once was.

use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};
use turgo_machine::mutant;

/// Tasks of a graph that may be run alone; with fewer, what waking takes is the most of a run.
const TASKS_MIN: u64 = 256;
/// What a task takes at most, of all workers together, in a run after which running alone is tried.
const TASK_NS_MAX: u64 = 500;
/// The way that is not the faster one is tried once in so many runs.
const AGAIN: u32 = 32;

/// So many times as long as before is slower by far.
const FAR: u64 = 8;

/// Tasks between two looks at the clock in a run that is alone.
pub(super) const TURN: u32 = 16;
/// What a task may take in such a run on average; longer ones are worth giving away.
const ALONE_TASK_NS_MAX: u64 = 250;
/// What its tasks may take beyond that before the run opens up.
const CREDIT_NS_MAX: u64 = 50_000;
/// What a turn is counted as at most: one long one is an interrupt, or somebody else had the processor; two are long tasks.
const TURN_NS_MAX: u64 = 40_000;

/// Who runs the tasks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// All workers.
    Shared,
    /// One worker at a time.
    Alone,
}

/// What runs of a graph took, in nanoseconds; 0 while there was none.
#[derive(Debug, Default)]
pub(super) struct Pace {
    shared_ns: AtomicU64,
    alone_ns: AtomicU64,
    runs: AtomicU32,
}

impl Pace {
    /// The way for the next run. Wait-free.
    pub(super) fn choose(&self, tasks: usize, workers: usize) -> Way {
        // Relaxed, all: hints.
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let shared_ns = self.shared_ns.load(Ordering::Relaxed);
        decide(shared_ns, self.alone_ns.load(Ordering::Relaxed), tasks as u64, workers as u64, run)
    }

    /// A run of which no task failed took so long. Wait-free.
    pub(super) fn record(&self, way: Way, makespan_ns: u64) {
        let ns = match way {
            Way::Shared => &self.shared_ns,
            Way::Alone => &self.alone_ns,
        };
        // Relaxed, both: a hint; of two runs that end at once one may be forgotten.
        let before_ns = ns.load(Ordering::Relaxed);
        ns.store(blend(before_ns, makespan_ns), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
impl Pace {
    pub(super) fn has_been_alone(&self) -> bool {
        // Relaxed: for tests that look when all is quiet.
        self.alone_ns.load(Ordering::Relaxed) > 0
    }
}

/// How long the tasks of a run that is alone may still take.
pub(super) struct Credit {
    left_ns: u64,
    turn_start_ns: u64,
}

impl Credit {
    pub(super) fn new() -> Self {
        Self { left_ns: CREDIT_NS_MAX, turn_start_ns: 0 }
    }

    /// A turn begins; what was between it and the last one does not count.
    pub(super) fn begin(&mut self, now_ns: u64) {
        self.turn_start_ns = now_ns;
    }

    /// A turn ends and the next one begins; whether its tasks are worth giving away.
    pub(super) fn is_used_up(&mut self, now_ns: u64) -> bool {
        let took_ns = now_ns.saturating_sub(self.turn_start_ns).min(TURN_NS_MAX);
        let left_ns = self.left_ns + u64::from(TURN) * ALONE_TASK_NS_MAX;
        let rest_ns = left_ns.checked_sub(took_ns);
        self.left_ns = rest_ns.unwrap_or(0).min(CREDIT_NS_MAX);
        self.turn_start_ns = now_ns;
        rest_ns.is_none() && !mutant!("D12 a run stays alone")
    }
}

/// What is remembered after another run. What is faster than before is believed at once, and what is slower by far: tasks have become longer. What is somewhat
/// slower is believed in steps of an eighth: somebody else may have had the processor.
fn blend(before_ns: u64, took_ns: u64) -> u64 {
    if took_ns <= before_ns || took_ns / FAR >= before_ns {
        return took_ns;
    }
    took_ns.min(before_ns + before_ns / 8)
}

fn decide(shared_ns: u64, alone_ns: u64, tasks: u64, workers: u64, run: u32) -> Way {
    let all_ns = shared_ns.saturating_mul(workers);
    let is_short = shared_ns > 0 && all_ns / tasks.max(1) <= TASK_NS_MAX;
    if tasks < TASKS_MIN || !(is_short || mutant!("G1 long tasks are run alone")) {
        return Way::Shared;
    }
    if alone_ns == 0 {
        return Way::Alone;
    }
    let is_again = run % AGAIN == AGAIN - 1;
    if (alone_ns < shared_ns) == is_again && !mutant!("G2 alone whatever it takes") {
        Way::Shared
    } else {
        Way::Alone
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_faster_way_is_taken_and_the_other_one_tried_again() {
        let ways = |shared_ns, alone_ns| -> Vec<Way> {
            (0..AGAIN).map(|run| decide(shared_ns, alone_ns, 1_000, 2, run)).collect()
        };
        let mostly = |way, other| {
            let mut ways = vec![way; AGAIN as usize];
            ways[AGAIN as usize - 1] = other;
            ways
        };
        assert_eq!(ways(80_000, 40_000), mostly(Way::Alone, Way::Shared), "G2");
        assert_eq!(ways(40_000, 80_000), mostly(Way::Shared, Way::Alone), "G2");
        assert!(ways(80_000, 0).iter().all(|&way| way == Way::Alone), "it has to be tried");
    }

    #[test]
    fn long_tasks_and_small_graphs_are_shared() {
        assert_eq!(decide(0, 0, 1_000, 2, 0), Way::Shared, "G1: nothing is known");
        assert_eq!(decide(250_000, 0, 1_000, 2, 0), Way::Alone);
        assert_eq!(decide(251_000, 1, 1_000, 2, 0), Way::Shared, "G1: 502 ns a task");
        assert_eq!(decide(20_000, 1, 100, 2, 0), Way::Shared);
        assert_eq!(decide(1, 1, 0, 2, 0), Way::Shared);
    }

    #[test]
    fn an_interrupt_is_forgiven_and_a_long_task_is_not() {
        let mut credit = Credit::new();
        credit.begin(1_000);
        let turns = |credit: &mut Credit, start_ns, turns: &[u64]| -> Vec<bool> {
            let ends = turns.iter().scan(start_ns, |now_ns, turn_ns| {
                *now_ns += turn_ns;
                Some(*now_ns)
            });
            ends.map(|now_ns| credit.is_used_up(now_ns)).collect()
        };
        assert_eq!(turns(&mut credit, 1_000, &[600, 30_000, 600, 600, 25_000]), [false; 5]);
        // Four milliseconds in which somebody else had the processor are forgiven once, but not at the next turn, too.
        let mut credit = Credit::new();
        assert_eq!(turns(&mut credit, 0, &[600, 4_000_000, 600, 600]), [false; 4]);
        assert_eq!(turns(&mut credit, 4_001_800, &[80_000]), [true]);
        // Four microseconds for sixteen tasks are all right for ever, six are not.
        let mut credit = Credit::new();
        assert_eq!(turns(&mut credit, 0, &[4_000; 100]), [false; 100]);
        assert!(turns(&mut credit, 400_000, &[6_000; 26])[25]);
    }

    #[test]
    fn one_slow_run_is_not_believed() {
        let after = |runs: &[u64]| {
            let pace = Pace::default();
            runs.iter().for_each(|&took_ns| pace.record(Way::Alone, took_ns));
            assert_eq!(pace.shared_ns.load(Ordering::Relaxed), 0);
            pace.alone_ns.load(Ordering::Relaxed)
        };
        assert_eq!(after(&[100, 80]), 80);
        assert_eq!(after(&[80, 600]), 90);
        assert_eq!(after(&[80, 85]), 85);
        assert_eq!(after(&[80, 640]), 640, "tasks have become longer");
    }
}

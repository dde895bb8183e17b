//! A class that floods all workers, and another one that gets its share all the same. What a class gets on one worker to the turn is in `task::tests`, and on the
//! simulated machine, to the event, in `sim::tests::flood`.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicUsize, Ordering};
use turgo_machine::clock::Clock;
use turgo_machine::topology::Topology;

use crate::policy::Priority;
use crate::pool::Pool;
use crate::task::{Budget, Rearmed, Step, TaskOptions};

const WORKERS: usize = 2;
/// As many of the few's that a worker that has lost its processor for a while does not count for much.
const STEPS: usize = 20_000;
/// Without a step of theirs for so long the few starve, also where a sanitizer makes each step many times as long.
const STARVED_NS: u64 = 60_000_000_000;

/// Counts its steps until it is told to end.
struct Stepping {
    steps: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Rearmed for Stepping {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        self.steps.fetch_add(1, Ordering::Relaxed);
        if self.is_over.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
    }
}

/// A pool in which tasks take turns, by what they say of themselves.
struct Flooded {
    pool: Pool,
    is_over: Arc<AtomicBool>,
}

impl Flooded {
    fn new() -> Self {
        let machine = Topology::simulate("1x2").expect("a machine");
        let pool = Pool::builder(&machine).workers(WORKERS).build().expect("threads");
        Self { pool, is_over: Arc::new(AtomicBool::new(false)) }
    }

    /// So many tasks that never have enough; the number of their steps together.
    fn add(&self, tasks: usize, options: TaskOptions) -> Arc<AtomicUsize> {
        let steps = Arc::new(AtomicUsize::new(0));
        for _ in 0..tasks {
            let (steps, is_over) = (Arc::clone(&steps), Arc::clone(&self.is_over));
            drop(self.pool.spawn_rearmed(Stepping { steps, is_over }, options));
        }
        steps
    }

    /// How many steps the many make for each of the few, of which `steps` are waited for. Meanwhile as urgent ones come from outside, and end at once.
    fn steps_beside(
        &self,
        (many, few): (&AtomicUsize, &AtomicUsize),
        steps: usize,
        options: TaskOptions,
    ) -> usize {
        // All are there, and have been shared out.
        wait_for(few, 100, || ());
        let before = (many.load(Ordering::Relaxed), few.load(Ordering::Relaxed));
        wait_for(few, before.1 + steps, || {
            for _ in 0..16 {
                drop(self.pool.spawn_with(async {}, options));
            }
        });
        let after = (many.load(Ordering::Relaxed), few.load(Ordering::Relaxed));
        (after.0 - before.0) / (after.1 - before.1)
    }
}

/// Waits for so many steps, and calls `meanwhile` again and again.
fn wait_for(steps: &AtomicUsize, count: usize, meanwhile: impl Fn()) {
    let (mut clock, mut before) = (Clock::real(), 0);
    loop {
        let now = steps.load(Ordering::Relaxed);
        if now >= count {
            return;
        }
        if now > before {
            (clock, before) = (Clock::real(), now);
        }
        assert!(clock.now_ns() < STARVED_NS, "K3: it starves");
        meanwhile();
        std::thread::sleep(Duration::from_micros(100));
    }
}

impl Drop for Flooded {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_flood_of_urgent_tasks_leaves_the_others_their_turns() {
    // A turn in 64 on a worker, and in 16; half of that where all of a class are on one of them; four times as many, for whatever else the machine does.
    for (priority, turns) in [(Priority::Background, 64), (Priority::Normal, 16)] {
        let flooded = Flooded::new();
        let urgent = TaskOptions { priority: Priority::High, ..TaskOptions::default() };
        let many = flooded.add(64, urgent);
        let few = flooded.add(4, TaskOptions { priority, ..TaskOptions::default() });
        // The middle one of three: while the system keeps one worker from running, only the other one's tasks make steps.
        let mut measured = [0; 3].map(|_| flooded.steps_beside((&many, &few), STEPS, urgent));
        measured.sort_unstable();
        let beside = measured[1];
        let bound = turns * WORKERS * 4;
        assert!(beside <= bound, "K3: {beside} urgent steps for one of {priority:?}");
        // It is a flood: the few do not get more than they should, either.
        assert!(beside >= 1, "{priority:?} is as urgent");
    }
}

#[test]
fn a_tenants_task_waits_for_one_step_of_each_of_anothers() {
    let flooded = Flooded::new();
    let tenant = |tenant| TaskOptions { tenant, ..TaskOptions::default() };
    let many = flooded.add(100, tenant(1));
    let few = flooded.add(1, tenant(2));
    // Each is a round of all.
    let beside = flooded.steps_beside((&many, &few), STEPS / 4, tenant(1));
    // Two queues of a hundred, and those from outside, which are a few in each round; four times as many.
    let bound = 100 * WORKERS * 4;
    assert!(beside <= bound, "{beside} steps of a hundred tasks for one of the other");
}

//! A worker suspended in the middle of a steal, of going to sleep, or of waking somebody: all tasks are run by the others but the one in its hand, and one that was found by
//! whoever it is waking or has taken the place of (S1, S5).
//!
//! One thing may wait for it: a push that wakes *somebody* relies on a searcher, or on one who is waking another, and that may be the one that is suspended
//! (S1, S4), or whom it is about to wake. So the others are woken by name here, as what is sent to a certain worker does; whoever is awake then runs everything. The steps of the
//! sleep protocol alone are gone through in `sleep::tests::suspended`, those of the deques in their crate.

use std::sync::Arc;
use std::time::Duration;

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::topology::Topology;

use crate::layout::WorkerId;
use crate::pause::Pause;
use crate::policy::{Knobs, Order, Place, Policy, Source, Standard, TaskView, View};
use crate::pool::Pool;
use crate::task::TaskOptions;

const WORKERS: u32 = 4;
/// The one that is suspended.
const STUCK: u32 = 0;
/// A second is 20,000 times this.
const NAP: Duration = Duration::from_micros(50);
/// Naps after which something is held up: a minute, on machines that are busy with something else.
const NAPS_MAX: u32 = 1_200_000;

/// A tenant's number, less one, is the worker that its tasks are sent to; those of 0 stay where they are made.
#[derive(Debug)]
struct Named(Standard);

impl Policy for Named {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        match task.tenant.checked_sub(1) {
            Some(worker) => Place::Worker(WorkerId(worker)),
            None => self.0.select(task, from, view),
        }
    }

    fn enqueue(&self, task: &TaskView, place: Place, view: &mut View<'_>) -> Order {
        self.0.enqueue(task, place, view)
    }

    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        self.0.dispatch(me, attempt, view)
    }
}

/// A pool, and how many tasks it was given and has run.
struct Counted {
    pool: Arc<Pool>,
    given: Arc<AtomicU32>,
    run: Arc<AtomicU32>,
}

impl Counted {
    fn new() -> Self {
        let machine = Topology::simulate("1x4").expect("a machine");
        // Whoever finds nothing lies down at once.
        let knobs = Knobs { spin_ns: 0, ..Knobs::default() };
        let pool = Pool::builder(&machine).workers(WORKERS as usize).knobs(knobs);
        let pool = pool.policy(Named(Standard::default())).build().expect("threads");
        let none = || Arc::new(AtomicU32::new(0));
        Self { pool: Arc::new(pool), given: none(), run: none() }
    }

    fn left(&self) -> u32 {
        // Acquire: what was given by those that have run is counted.
        let run = self.run.load(Ordering::Acquire);
        self.given.load(Ordering::Relaxed) - run
    }

    /// A task for a certain worker, which calls `first` there and leaves some more where it is run.
    fn give(&self, to: u32, children: u32, first: impl FnOnce() + Send + 'static) {
        let (pool, run) = (Arc::clone(&self.pool), Arc::clone(&self.run));
        let given = Arc::clone(&self.given);
        self.given.fetch_add(1, Ordering::Relaxed);
        let parent = async move {
            first();
            for _ in 0..children {
                given.fetch_add(1, Ordering::Relaxed);
                let run = Arc::clone(&run);
                drop(pool.spawn(async move {
                    std::hint::black_box((0..2_000u32).sum::<u32>());
                    run.fetch_add(1, Ordering::Release);
                }));
            }
            drop(pool);
            run.fetch_add(1, Ordering::Release);
        };
        drop(
            self.pool.spawn_with(parent, TaskOptions { tenant: to + 1, ..TaskOptions::default() }),
        );
    }

    /// Whether it comes to that, in time.
    fn comes_to(&self, is_so: impl Fn() -> bool) -> bool {
        (0..NAPS_MAX).any(|_| {
            let so = is_so();
            if !so {
                std::thread::sleep(NAP);
            }
            so
        })
    }
}

/// Suspends a worker at a place and has the others work.
fn suspend_at(place: &'static str) {
    let counted = Counted::new();
    let pause = Pause::new();
    // Whoever runs it is suspended: others may have come first where the one it was sent to was asleep.
    counted.give(STUCK, 16, pause.arm(place));
    // Bursts on one worker, so that the others steal, wake each other and lie down again.
    let is_reached = (0..10_000).any(|_| {
        (0..WORKERS).for_each(|worker| counted.give(worker, 16, || ()));
        counted.comes_to(|| pause.is_reached() || counted.left() <= 1) && pause.is_reached()
    });
    assert!(is_reached, "nobody comes to `{place}`");
    for round in 0..50 {
        (0..WORKERS).for_each(|worker| counted.give(worker, 16, || ()));
        // What the suspended one has in its hand, and the one that it is waking.
        let is_done = counted.comes_to(|| {
            (0..WORKERS).for_each(|worker| counted.pool.shared.sleep.wake(WorkerId(worker)));
            counted.left() <= 2
        });
        assert!(is_done, "`{place}`, round {round}: {} tasks are held up", counted.left());
        assert!(pause.is_reached(), "it is suspended still");
    }
    drop(pause);
    assert!(counted.comes_to(|| counted.left() == 0), "`{place}`: what it had is lost");
    // Nobody is left on the way: who pushes and who sleeps agree again.
    let asleep = || {
        (0..WORKERS).filter(|&worker| counted.pool.shared.sleep.is_asleep(WorkerId(worker))).count()
    };
    assert!(
        counted.comes_to(|| asleep() == WORKERS as usize),
        "`{place}`: {} asleep {:?}",
        asleep(),
        counted.pool.shared.sleep
    );
    counted.give(2, 16, || ());
    assert!(counted.comes_to(|| counted.left() == 0), "`{place}`: nobody wakes up");
}

#[test]
fn a_worker_suspended_in_a_steal_holds_up_nobody() {
    for place in ["sweep", "stolen", "taken"] {
        suspend_at(place);
    }
}

#[test]
fn a_worker_suspended_on_its_way_to_sleep_or_from_it_holds_up_nobody() {
    for place in ["lie down", "lain down", "leave"] {
        suspend_at(place);
    }
}

#[test]
fn a_worker_suspended_while_it_wakes_another_holds_up_nobody() {
    for place in ["notify", "wake", "token"] {
        suspend_at(place);
    }
}

//! Pools that turn their knobs.

use std::sync::{Arc, mpsc};
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU64, Ordering};
use turgo_machine::clock::VirtualTime;
use turgo_machine::topology::Topology;

use crate::layout::WorkerId;
use crate::policy::Knobs;
use crate::pool::Ready;
use crate::pool::{Builder, Pool};
use crate::task::{Budget, Rearmed, Step, TaskOptions};
use crate::tune::{Knob, KnobReport, Objective, Phase, Reason};

const WINDOW: Duration = Duration::from_millis(1);

/// A pool on two nodes whose only worker is in the middle of a task, with others waiting behind it: the test closes the windows in its place, by a clock of its own.
struct Held {
    pool: Pool,
    time: VirtualTime,
    release: Option<mpsc::Sender<()>>,
}

impl Held {
    fn new(build: impl FnOnce(Builder<'_>) -> Builder<'_>) -> Self {
        let time = VirtualTime::new();
        let machine = Topology::simulate("2x2").expect("a machine");
        let builder = Pool::builder(&machine).workers(3).clock(time.clock()).tune(WINDOW);
        let pool = build(builder).build().expect("threads");
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let (begun, begins) = mpsc::channel();
        for _ in 0..3 {
            let (held, begun) = (Arc::clone(&held), begun.clone());
            drop(pool.spawn(async move {
                begun.send(()).expect("the test waits");
                // Ends when the test has hung up.
                let _ = held.lock().map(|held| held.recv());
            }));
        }
        (0..3).for_each(|_| begins.recv().expect("it begins"));
        for _ in 0..3 {
            drop(pool.spawn(async {}));
        }
        Self { pool, time, release: Some(release) }
    }

    /// Time passes in which so many tasks are done.
    fn pass(&self, for_ns: u64, tasks: u64) {
        self.pool.shared.seat(WorkerId(0)).tally.tasks.add(tasks);
        let now_ns = self.time.advance(Duration::from_nanos(for_ns));
        self.pool.shared.control(|| now_ns);
    }

    /// Windows in which as many tasks are done in a millisecond as `rate` says of the knobs; answers how many knobs were different from one window to the next at most.
    fn windows(&self, windows: u32, rate: impl Fn(&Knobs) -> f64) -> usize {
        let mut most = 0;
        for _ in 0..windows {
            let before = self.pool.knobs();
            self.pass(1_000_000, rate(&before) as u64);
            let after = self.pool.knobs();
            let differ = |report: &&KnobReport| {
                report.setting.knob.get(&before) != report.setting.knob.get(&after)
            };
            most = most.max(self.pool.statistics().knobs.iter().filter(differ).count());
        }
        most
    }

    /// A window in which so many tasks begin, all of them after this time.
    fn waits(&self, tasks: u64, waited_ns: u64) {
        let waits = self.pool.shared.waits.as_ref().expect("latency is measured");
        (0..tasks).for_each(|_| waits.begun(Ready::at(1, false), || 1 + waited_ns));
        self.pass(1_000_000, 1_000);
    }

    /// Windows in which all tasks wait as long as `waited_ns` says of the knobs.
    fn windows_of_waits(&self, windows: u32, waited_ns: impl Fn(&Knobs) -> u64) {
        (0..windows).for_each(|_| self.waits(200, waited_ns(&self.pool.knobs())));
    }

    fn report(&self, knob: Knob) -> KnobReport {
        let knobs = self.pool.statistics().knobs;
        knobs.into_iter().find(|report| report.setting.knob == knob).expect("every knob")
    }

    fn phase(&self) -> Option<Phase> {
        self.pool.tuning().map(|report| report.phase)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release.take());
        // Those who search look at this clock to see when to lie down.
        self.time.advance(Duration::from_secs(1));
    }
}

/// Best where workers spin for 80 µs.
fn likes_80_us(knobs: &Knobs) -> f64 {
    let off = (knobs.spin_ns as f64 / 80_000.0).log2();
    100_000.0 / (1.0 + off * off / 8.0)
}

/// What the statistics say, in the form of knobs.
fn reported(pool: &Pool) -> Knobs {
    let mut knobs = Knobs::default();
    let reports = pool.statistics().knobs;
    reports.iter().for_each(|report| report.setting.knob.set(&mut knobs, report.setting.value));
    knobs
}

#[test]
fn it_finds_the_value_that_is_best_and_says_so() {
    let held = Held::new(|builder| builder);
    let most = held.windows(1_000, likes_80_us);
    assert_eq!(most, 1, "T2: one knob at a time");
    assert_eq!(held.pool.knobs().spin_ns, 80_000, "G2");
    assert_eq!(reported(&held.pool), held.pool.knobs(), "G2");
    let spin = held.report(Knob::Spin);
    assert_eq!((spin.setting.value, spin.start), (80_000, 20_000));
    let last = spin.last.expect("it was turned");
    assert_eq!(last.to, 80_000);
    assert!(
        last.at_ns > 0 && last.at_ns.is_multiple_of(1_000_000),
        "at the end of a window: {last:?}"
    );
    // What it does not turn stands where it stood, and is reported all the same.
    assert_eq!(held.pool.statistics().knobs.len(), 6);
    assert_eq!(held.report(Knob::Quantum).last, None);
}

#[test]
fn what_was_good_is_looked_for_again_when_it_is_so_no_more() {
    let held = Held::new(|builder| builder);
    held.windows(1_000, likes_80_us);
    held.windows(1_000, |knobs| likes_80_us(&Knobs { spin_ns: knobs.spin_ns * 16, ..*knobs }));
    assert_eq!(held.pool.knobs().spin_ns, 5_000);
}

#[test]
fn the_kill_switch_brings_everything_back_at_once() {
    let held = Held::new(|builder| builder);
    held.windows(1_000, likes_80_us);
    assert_ne!(held.pool.knobs(), Knobs::default());
    held.pool.set_tuning(false);
    assert_eq!(held.pool.knobs(), Knobs::default(), "T5");
    assert_eq!(held.report(Knob::Spin).last.map(|last| last.reason), Some(Reason::SwitchedOff));
    held.windows(200, likes_80_us);
    assert_eq!(held.pool.knobs(), Knobs::default(), "off is off");
    assert_eq!(held.phase(), Some(Phase::Off));
    held.pool.set_tuning(true);
    held.windows(1_000, likes_80_us);
    assert_eq!(held.pool.knobs().spin_ns, 80_000);
}

#[test]
fn a_window_is_not_closed_before_its_time() {
    let held = Held::new(|builder| builder);
    held.windows(1, likes_80_us);
    for _ in 0..900 {
        // A thousandth of a window: each by itself would look very good, or very bad.
        held.pass(1_000, u64::from(held.time.now_ns().is_multiple_of(7_000)) * 5_000);
    }
    assert!(held.pool.statistics().knobs.iter().all(|report| report.last.is_none()), "G1");
    assert_eq!(held.phase(), Some(Phase::Baseline));
}

/// The shorter the heartbeat, the quantum and the grain, the more tasks the same work is.
fn pieces(knobs: &Knobs) -> f64 {
    1e12 / (knobs.heartbeat_ns as f64).sqrt() / (knobs.quantum_ns as f64).sqrt()
}

#[test]
fn pieces_of_work_are_not_taken_for_work() {
    let held = Held::new(|builder| builder);
    held.windows(500, pieces);
    let Knobs { heartbeat_ns, quantum_ns, grain, .. } = Knobs::default();
    let now = held.pool.knobs();
    let now = (now.heartbeat_ns, now.quantum_ns, now.grain);
    assert_eq!(now, (heartbeat_ns, quantum_ns, grain), "G3");
}

#[test]
fn who_says_how_much_is_done_is_believed() {
    let rows = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&rows);
    let held = Held::new(|builder| builder.progress(move || counted.load(Ordering::Relaxed)));
    for _ in 0..1_500 {
        let quantum_ns = held.pool.knobs().quantum_ns;
        let off = (quantum_ns as f64 / 4_000_000.0).log2();
        rows.fetch_add((100_000.0 / (1.0 + off * off / 8.0)) as u64, Ordering::Relaxed);
        held.windows(1, pieces);
    }
    assert_eq!(held.pool.knobs().quantum_ns, 4_000_000);
}

#[test]
fn a_panic_of_who_says_how_much_is_done_ends_the_tuning() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let held = Held::new(|builder| {
        builder.progress(move || {
            assert!(!broken.load(Ordering::Relaxed), "on purpose");
            0
        })
    });
    held.windows(10, likes_80_us);
    is_broken.store(true, Ordering::Relaxed);
    held.windows(10, likes_80_us);
    assert_eq!((held.phase(), held.pool.knobs()), (Some(Phase::Off), Knobs::default()));
}

#[test]
fn knobs_that_somebody_sets_are_a_new_beginning() {
    let held = Held::new(|builder| builder);
    held.windows(50, likes_80_us);
    let knobs = Knobs { spin_ns: 0, remote_threshold: 4, ..Knobs::default() };
    held.pool.set_knobs(knobs);
    assert_eq!((held.pool.knobs(), reported(&held.pool)), (knobs, knobs), "G2");
    let threshold = held.report(Knob::RemoteThreshold);
    assert_eq!((threshold.start, threshold.last), (4, None));
    held.windows(500, likes_80_us);
    assert_eq!(held.pool.knobs().spin_ns, 0, "beyond the tuner's bounds: left as it is");
}

struct Busy(Arc<AtomicBool>);

impl Rearmed for Busy {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        std::hint::black_box((0..200u32).sum::<u32>());
        if self.0.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
    }
}

#[test]
fn workers_close_the_windows_between_their_tasks() {
    let machine = Topology::simulate("2x2").expect("a machine");
    let pool = Pool::builder(&machine).workers(2).tune(WINDOW).build().expect("threads");
    let is_over = Arc::new(AtomicBool::new(false));
    for _ in 0..64 {
        drop(pool.spawn_rearmed(Busy(Arc::clone(&is_over)), TaskOptions::default()));
    }
    let is_turned = || pool.statistics().knobs.iter().any(|report| report.last.is_some());
    let is_seen = (0..20_000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        is_turned()
    });
    assert!(is_seen, "nothing was tried in twenty seconds");
    pool.set_tuning(false);
    assert_eq!(pool.knobs(), Knobs::default(), "T5");
    is_over.store(true, Ordering::Relaxed);
}

/// Tasks come one by one, more than 80 µs apart: whoever sleeps by then has to be woken.
fn one_by_one(knobs: &Knobs) -> u64 {
    if knobs.spin_ns > 80_000 { 1_000 } else { 60_000 }
}

#[test]
fn by_latency_it_spins_as_long_as_that_pays() {
    let held = Held::new(|builder| builder.objective(Objective::Latency));
    held.windows_of_waits(500, one_by_one);
    assert_eq!(held.pool.knobs().spin_ns, 160_000, "the first value that is long enough");
    let report = held.pool.tuning().expect("it tunes itself");
    assert!(report.kept > 0 && report.score.is_some_and(|score| score > 0.9e6), "{report:?}");
    let told = report.signals.latency.value().expect("it was told");
    assert!((900.0..10_000.0).contains(&told), "it was 60,000 before: {told}");
    held.pool.set_tuning(false);
    assert_eq!(held.pool.knobs(), Knobs::default(), "T5");
}

#[test]
fn by_latency_steps_become_shorter_where_others_wait_for_them() {
    let held = Held::new(|builder| builder.objective(Objective::Latency));
    held.windows_of_waits(500, |knobs| knobs.quantum_ns.max(125_000));
    assert_eq!(held.pool.knobs().quantum_ns, 125_000);
}

#[test]
fn a_window_of_few_waits_goes_on() {
    let held = Held::new(|builder| builder.objective(Objective::Latency));
    let told = || held.pool.tuning().and_then(|report| report.signals.latency.value());
    held.waits(60, 5_000);
    assert_eq!(told(), None, "G4");
    held.waits(60, 5_000);
    assert!(
        told().is_some_and(|told| (told - 5_000.0).abs() < 100.0),
        "both together: {told:?}",
        told = told()
    );
}

#[test]
fn what_ran_at_home_is_told() {
    let held = Held::new(|builder| builder);
    let tally = &held.pool.shared.seat(WorkerId(1)).tally;
    tally.local.add(3);
    tally.remote.add(1);
    held.pass(1_000_000, 100);
    let told = held.pool.tuning().and_then(|report| report.signals.local_ratio.value());
    assert_eq!(told, Some(0.75));
}

#[test]
fn a_pool_that_does_not_tune_itself_reports_its_knobs() {
    let machine = Topology::simulate("1x1").expect("a machine");
    let pool = Pool::builder(&machine).workers(1).build().expect("a thread");
    pool.set_tuning(false);
    let knobs = Knobs { spin_ns: 7, grain: 3, ..Knobs::default() };
    pool.set_knobs(knobs);
    assert_eq!((pool.knobs(), reported(&pool)), (knobs, knobs));
    assert_eq!(pool.tuning(), None);
}

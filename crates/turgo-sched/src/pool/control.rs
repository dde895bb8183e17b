//! The control loop of a pool: a [`Tuner`] that is fed with what the workers count, and turns the pool's knobs.
//!
//! It has no thread. A worker that begins to look for work, or has had sixty-one turns, looks at the clock; the first one after the end of a window closes the window
//! and makes the tuner's step. In an idle pool nothing happens, and nobody wakes up for it.
//!
//! What is to become better is how much is done in a second, [unless](super::Builder::objective) somebody wants something else. A pool counts the tasks that it takes from queues, which
//! says how much is done only as long as the same work is as many tasks: a shorter heartbeat, quantum or grain cuts the work into more of them. So those three are turned only where
//! somebody [says](super::Builder::progress) how much is done, or where that does not matter because latency alone does.
//!
//! # Invariants
//!
//! - **G1** A window is closed once, by one worker, and not before its time.
//! - **G2** What the tuner says that a knob is, it is in the pool.
//! - **G3** A knob that changes how many tasks the same work is, is not turned by the number of tasks.
//! - **G4** Where latency counts, a window goes on until [`WAITS_MIN`] tasks have begun in it: fewer have no slowest hundredth.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use turgo_lockfree::counter::HistogramSnapshot;
use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::layout::{NodeIndex, WorkerId, small};
use crate::policy::{Knobs, Loads};
use crate::statistics::Latency;
use crate::tune::{
    Change, Config, Knob, KnobReport, Objective, Phase, Report, Setting, Tuner, Window,
};

use super::panics::forget_panic;
use super::shared::Shared;
use super::tunable::Tunable;
use super::waits::Waits;

/// Tasks that have to begin in a window before their latency is judged.
const WAITS_MIN: u64 = 100;

/// How much has been done so far, for whoever knows better than the pool.
pub(super) struct Done(pub(super) Box<dyn Fn() -> u64 + Send + Sync>);

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done(..)")
    }
}

/// The loop's state.
#[derive(Debug)]
pub(super) struct Control {
    every_ns: u64,
    /// When the window ends.
    ends_ns: AtomicU64,
    done: Option<Done>,
    objective: Objective,
    // LOCK: taken once a window, by a worker that does not wait for it, and by who asks or switches from outside.
    steering: Mutex<Steering>,
}

#[derive(Debug)]
struct Steering {
    tuner: Tuner,
    /// The counts at the beginning of the window.
    before: Counts,
    /// The waits at the beginning of the window, if they are measured.
    waits: Option<HistogramSnapshot>,
}

/// What all workers have counted so far.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    at_ns: u64,
    done: u64,
    tasks: u64,
    steals_tried: u64,
    steals_won: u64,
    local: u64,
    remote: u64,
}

impl Control {
    /// For a pool that begins with these knobs on so many nodes, with windows of at least this length.
    pub(super) fn new(
        knobs: &Knobs,
        nodes: usize,
        every: Duration,
        done: Option<Done>,
        objective: Objective,
    ) -> Self {
        let tuner = tuner(knobs, nodes, done.is_some(), objective);
        Self {
            every_ns: u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).max(1),
            ends_ns: AtomicU64::new(0),
            done,
            objective,
            // LOCK: see the field.
            steering: Mutex::new(Steering { tuner, before: Counts::default(), waits: None }),
        }
    }

    fn steering(&self) -> MutexGuard<'_, Steering> {
        // LOCK: see the field. Nobody panics with it.
        self.steering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the window if it is over, and turns a knob if the tuner says so.
    #[cold]
    fn close(&self, shared: &Shared, now_ns: u64) {
        // LOCK: see the field. Whoever does not get it leaves it to the one who has.
        let Ok(mut steering) = self.steering.try_lock() else { return };
        // Relaxed: written under the lock. Somebody may have closed it meanwhile (G1).
        let is_over = now_ns >= self.ends_ns.load(Ordering::Relaxed);
        if !is_over && !mutant!("G1 every look is a window") {
            return;
        }
        // Relaxed: as above.
        self.ends_ns.store(now_ns.saturating_add(self.every_ns), Ordering::Relaxed);
        let waits = shared.waits.as_ref().map(Waits::snapshot);
        let since = waits.as_ref().zip(steering.waits.as_ref()).map(|(now, then)| now.since(then));
        let since = since.or_else(|| waits.clone());
        let begun = since.as_ref().map_or(0, HistogramSnapshot::count);
        let is_enough = begun >= WAITS_MIN || mutant!("G4 a few will do");
        if self.objective.needs_latency() && !is_enough {
            return;
        }
        let Some(now) = self.counts(shared, now_ns) else {
            return steering.restore(shared, now_ns);
        };
        steering.waits = waits;
        let latency_ns = since.and_then(|since| since.quantile(0.99));
        let window = Window {
            // What was measured is not nothing.
            latency_ns: latency_ns.map_or(0, |latency_ns| latency_ns.max(1)),
            ..steering.window(shared, now)
        };
        if let Some(change) = steering.tuner.step(&window, now_ns) {
            carry_out(&shared.tunable, change);
        }
    }

    /// What is counted now; nothing if whoever says how much is done panics.
    fn counts(&self, shared: &Shared, at_ns: u64) -> Option<Counts> {
        let mut counts = Counts { at_ns, ..Counts::default() };
        for seat in &shared.seats {
            counts.tasks += seat.tally.tasks.get();
            counts.steals_tried += seat.tally.steals_tried.get();
            counts.local += seat.tally.local.get();
            counts.remote += seat.tally.remote.get();
            counts.steals_won += seat.tally.steals_local.get() + seat.tally.steals_remote.get();
        }
        counts.done = match &self.done {
            None => counts.tasks,
            Some(Done(done)) => catch_unwind(AssertUnwindSafe(done)).map_err(forget_panic).ok()?,
        };
        Some(counts)
    }
}

/// A tuner of those knobs that matter on so many nodes, are within their bounds, and do not change what is counted (G3).
fn tuner(knobs: &Knobs, nodes: usize, is_done_said: bool, objective: Objective) -> Tuner {
    let is_counted = objective != Objective::Latency && !is_done_said;
    let is_turned = |setting: &Setting| {
        let is_within = setting.knob.get(knobs) == Some(setting.value);
        is_within
            && match setting.knob {
                Knob::RemoteThreshold | Knob::LocalAttempts => nodes > 1,
                Knob::Heartbeat | Knob::Quantum | Knob::Grain => {
                    !is_counted || mutant!("G3 every knob is turned")
                }
                Knob::Spin | Knob::Other(_) => true,
            }
    };
    let settings = Setting::of(knobs).into_iter().filter(is_turned).collect();
    Tuner::new(settings, Config { objective, ..Config::default() })
}

/// G2.
fn carry_out(tunable: &Tunable, change: Change) {
    if mutant!("G2 a change is not carried out") {
        return;
    }
    let mut knobs = tunable.get();
    change.knob.set(&mut knobs, change.to);
    tunable.set(knobs);
}

impl Steering {
    /// What was counted since the last window, which ends here.
    fn window(&mut self, shared: &Shared, now: Counts) -> Window {
        let before = std::mem::replace(&mut self.before, now);
        let workers = (0..small(shared.layout.workers())).map(WorkerId);
        let nodes = (0..small(shared.layout.nodes())).map(NodeIndex);
        let queued = workers.map(|worker| shared.queued(worker));
        let queued = queued.chain(nodes.map(|node| shared.shared(node)));
        Window {
            length_ns: now.at_ns.saturating_sub(before.at_ns),
            tasks: now.done.saturating_sub(before.done),
            // As they are now: a sample.
            queued: queued.map(f64::from).sum(),
            steals_tried: now.steals_tried - before.steals_tried,
            steals_won: now.steals_won - before.steals_won,
            switches: now.tasks - before.tasks,
            local: now.local - before.local,
            remote: now.remote - before.remote,
            ..Window::default()
        }
    }

    /// Switches the tuner off, and brings all knobs back to the beginning at once.
    fn restore(&mut self, shared: &Shared, now_ns: u64) {
        self.tuner.switch(false);
        while let Some(change) = self.tuner.step(&Window::default(), now_ns) {
            carry_out(&shared.tunable, change);
        }
    }
}

impl Shared {
    /// Gives the control loop, if there is one, the chance to close its window. Wait-free while that is not over.
    #[inline]
    pub(super) fn control(&self, now_ns: impl FnOnce() -> u64) {
        let Some(control) = &self.control else { return };
        let now_ns = now_ns();
        // Relaxed: a hint; it is asked again under the lock.
        let is_over = now_ns >= control.ends_ns.load(Ordering::Relaxed);
        if is_over || mutant!("G1 every look is a window") {
            control.close(self, now_ns);
        }
    }

    /// As [`Pool::set_tuning`](super::Pool::set_tuning).
    pub(super) fn set_tuning(&self, is_on: bool) {
        let Some(control) = &self.control else { return };
        let mut steering = control.steering();
        if is_on {
            steering.tuner.switch(true);
        } else {
            steering.restore(self, self.clock.now_ns());
        }
    }

    /// What the control loop does and has done, if there is one.
    pub(super) fn tuning(&self) -> Option<Report> {
        self.control.as_ref().map(|control| control.steering().tuner.report())
    }

    /// How long tasks waited, if that is measured and some have begun.
    pub(super) fn latency(&self) -> Option<Latency> {
        let waits = self.waits.as_ref()?.snapshot();
        let (p50_ns, p99_ns) = (waits.quantile(0.5)?, waits.quantile(0.99)?);
        Some(Latency { tasks: waits.count(), p50_ns, p99_ns })
    }

    /// Sets the knobs for whoever runs the pool: a new beginning for the control loop.
    pub(super) fn set_knobs(&self, knobs: Knobs) {
        let Some(control) = &self.control else { return self.tunable.set(knobs) };
        let mut steering = control.steering();
        let is_on = steering.tuner.report().phase != Phase::Off;
        let (nodes, is_done_said) = (self.layout.nodes(), control.done.is_some());
        steering.tuner = tuner(&knobs, nodes, is_done_said, control.objective);
        steering.tuner.switch(is_on);
        self.tunable.set(knobs);
    }

    /// Every knob: its value, its beginning and its last change. Those that nobody turns are as they were set.
    pub(super) fn knob_reports(&self) -> Vec<KnobReport> {
        let (knobs, tuned) = (self.knobs(), self.tuning().map(|report| report.knobs));
        let report = |setting: Setting| {
            let is_it = |report: &&KnobReport| report.setting.knob == setting.knob;
            let turned = tuned.iter().flatten().find(is_it).copied();
            turned.unwrap_or_else(|| {
                let value = setting.knob.get(&knobs).unwrap_or(setting.value);
                KnobReport { setting: Setting { value, ..setting }, start: value, last: None }
            })
        };
        Setting::of(&knobs).into_iter().map(report).collect()
    }
}

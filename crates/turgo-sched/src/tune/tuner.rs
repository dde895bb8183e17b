//! The loop that turns knobs.

use std::fmt;

use turgo_machine::mutant;

use super::{Knob, Setting, Signals, Window};

/// What is to become better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// Tasks per second, while some wait (T7).
    Throughput,
    /// The time from ready to run, the 99th percentile: less is better.
    Latency,
    /// Tasks per second, halved where the latency is this many nanoseconds: `throughput / (1 + latency / target)`.
    Both {
        /// The latency that costs half.
        target_ns: u64,
    },
}

impl Objective {
    /// Whether a window in which no latency was measured says nothing.
    #[must_use]
    pub fn needs_latency(self) -> bool {
        !matches!(self, Self::Throughput)
    }

    /// How good a window was, more being better; `None` if it does not say.
    #[must_use]
    pub fn score(self, window: &Window) -> Option<f64> {
        // At least one task waiting on average: workers had something to do.
        let is_busy = window.queued >= 1.0 || mutant!("T7 idle windows count");
        let throughput = window.throughput().filter(|_| is_busy);
        let score = match self {
            Self::Throughput => throughput?,
            Self::Latency => 1e9 / window.latency()?,
            Self::Both { target_ns } => {
                throughput? / (1.0 + window.latency()? / target_ns.max(1) as f64)
            }
        };
        score.is_finite().then_some(score)
    }
}

/// How careful to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// What is to become better.
    pub objective: Objective,
    /// The gain that a change has to bring, as a part of what there was; in the second round half of it, divided by the number of knobs.
    pub gain: f64,
    /// Windows in a row that have to show it.
    pub windows: u32,
    /// Windows without a change after a knob was turned back and forth.
    pub freeze: u32,
    /// Windows without a change once nothing brings a gain; a loss of more than `gain` in as many windows in a row as have to show one ends it earlier.
    pub rest: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { objective: Objective::Throughput, gain: 0.05, windows: 3, freeze: 10, rest: 100 }
    }
}

/// Why a knob was turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// To see whether it brings a gain.
    Trial,
    /// It did not.
    Rejected,
    /// Back to the best that was seen, as the knob was turned back and forth.
    Oscillation,
    /// The tuner was switched off.
    SwitchedOff,
}

/// A knob is to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub knob: Knob,
    /// What it was.
    pub from: u64,
    /// What it is to be.
    pub to: u64,
    /// Why.
    pub reason: Reason,
    /// When, in nanoseconds of the caller's clock.
    pub at_ns: u64,
}

/// What a tuner is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phase {
    /// It measures how good things are as they are.
    Baseline,
    /// It tries another value.
    Trial,
    /// Nothing brings a gain.
    Rest,
    /// A knob was turned back and forth.
    Frozen,
    /// It is switched off.
    Off,
}

/// A knob as a report shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnobReport {
    /// Which, its bounds and its present value.
    pub setting: Setting,
    /// What it was at the beginning.
    pub start: u64,
    /// Its last change.
    pub last: Option<Change>,
}

/// What a tuner does and has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What it is doing.
    pub phase: Phase,
    /// Every knob.
    pub knobs: Vec<KnobReport>,
    /// The averages of the signals.
    pub signals: Signals,
    /// How good things are, and the best that was seen, as the objective has it.
    pub score: Option<f64>,
    /// The best that was seen since the last shift.
    pub best: Option<f64>,
    /// Changes that were kept.
    pub kept: u64,
    /// Changes that were taken back.
    pub rejected: u64,
    /// How often a knob was left alone because it was turned back and forth.
    pub freezes: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, kept, rejected, freezes, .. } = self;
        writeln!(f, "{phase:?}: {kept} kept, {rejected} taken back, {freezes} freezes")?;
        for KnobReport { setting, start, last } in &self.knobs {
            write!(f, "{:<18} {:>12} (first {start})", setting.knob.name(), setting.value)?;
            match last {
                Some(Change { from, reason, at_ns, .. }) => {
                    writeln!(f, " from {from} at {at_ns} ns: {reason:?}")?;
                }
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// `settle` windows to be skipped, then means of `windows`.
    Baseline { settle: u32, seen: Seen },
    /// The value before the trial, and the windows that were better.
    Trial { from: u64, settle: u32, seen: Seen },
    /// Windows that are left, and bad ones in a row.
    Rest { left: u32, bad: u32 },
    /// Back to the best, then windows that are left.
    Frozen { left: u32 },
}

/// Windows under the same values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    windows: u32,
    sum: f64,
    min: f64,
    max: f64,
}

impl Seen {
    const NOTHING: Self = Self { windows: 0, sum: 0.0, min: f64::INFINITY, max: 0.0 };

    fn and(self, score: f64) -> Self {
        Self {
            windows: self.windows + 1,
            sum: self.sum + score,
            min: self.min.min(score),
            max: self.max.max(score),
        }
    }

    fn mean(self) -> f64 {
        self.sum / f64::from(self.windows.max(1))
    }
}

/// What is remembered of a knob.
#[derive(Debug, Clone)]
struct Turned {
    setting: Setting,
    start: u64,
    last: Option<Change>,
    /// Whether the last value that was kept was larger than the one before.
    up: bool,
    /// The values it was turned away from, and how often it came back to one of them.
    left: Vec<u64>,
    returns: u32,
}

/// Turns knobs one at a time, keeps what pays, and stops when nothing does. See the [module](super) for what it promises.
///
/// From the present value of a knob all others are tried, the nearest first, each until a window shows no gain. When no value of any knob brings
/// [`Config::gain`], a second round looks for what several knobs might still bring together: a part of that from each, if twice as many windows show it above
/// their noise. Then it rests. Values are a factor of 2 apart, which makes them few.
///
/// ```
/// use turgo_sched::policy::Knobs;
/// use turgo_sched::tune::{Config, Setting, Tuner, Window};
/// let mut knobs = Knobs::default();
/// let mut tuner = Tuner::new(Setting::of(&knobs), Config::default());
/// let window = Window { length_ns: 1_000_000, tasks: 500, queued: 7.0, ..Window::default() };
/// for now_ns in (0..10).map(|at| at * 1_000_000) {
///     if let Some(change) = tuner.step(&window, now_ns) {
///         change.knob.set(&mut knobs, change.to);
///     }
/// }
/// print!("{}", tuner.report());
/// ```
#[derive(Debug, Clone)]
pub struct Tuner {
    config: Config,
    knobs: Vec<Turned>,
    state: State,
    is_on: bool,
    /// The knob whose turn it is, the values of it still to be tried, and knobs in a row without a gain.
    at: usize,
    candidates: Vec<u64>,
    futile: usize,
    /// Whether gains too small for the first round are looked for.
    is_fine: bool,
    baseline: Seen,
    best: Option<(f64, Vec<u64>)>,
    signals: Signals,
    kept: u64,
    rejected: u64,
    freezes: u64,
}

/// Windows that are skipped after a change.
const SETTLE: u32 = 1;

/// How often a knob comes back to a value before it is left alone.
const RETURNS_MAX: u32 = 3;

impl Tuner {
    /// Tunes these knobs, beginning with their present values.
    #[must_use]
    pub fn new(settings: Vec<Setting>, config: Config) -> Self {
        let turned = |setting: Setting| Turned {
            setting,
            start: setting.value,
            last: None,
            up: true,
            left: Vec::new(),
            returns: 0,
        };
        Self {
            config,
            knobs: settings.into_iter().map(turned).collect(),
            state: State::Baseline { settle: 0, seen: Seen::NOTHING },
            is_on: true,
            at: 0,
            candidates: Vec::new(),
            futile: 0,
            is_fine: false,
            baseline: Seen::NOTHING,
            best: None,
            signals: Signals::new(1.0 / 16.0),
            kept: 0,
            rejected: 0,
            freezes: 0,
        }
    }

    /// The kill switch: off, the next steps bring every knob back to its first value, one at a time; then nothing changes until it is on again (T5).
    pub fn switch(&mut self, on: bool) {
        if on && !self.is_on {
            self.explore(0);
            self.best = None;
        }
        self.is_on = on;
    }

    /// One more window; the change to make, if any. It counts as made.
    pub fn step(&mut self, window: &Window, now_ns: u64) -> Option<Change> {
        self.signals.note(window);
        if !self.is_on {
            return self.restore(now_ns, Reason::SwitchedOff);
        }
        if let State::Frozen { left } = self.state {
            if let Some(change) = self.restore(now_ns, Reason::Oscillation) {
                return Some(change);
            }
            match left.checked_sub(1) {
                Some(left) => self.state = State::Frozen { left },
                None => {
                    for turned in &mut self.knobs {
                        turned.left.clear();
                        turned.returns = 0;
                    }
                    self.explore(0);
                }
            }
            return None;
        }
        let score = self.config.objective.score(window)?;
        self.judge(score, now_ns)
    }

    /// A window that says how good it was.
    fn judge(&mut self, score: f64, now_ns: u64) -> Option<Change> {
        match self.state {
            State::Baseline { settle: settle @ 1.., seen } => {
                self.state = State::Baseline { settle: settle - 1, seen };
                None
            }
            State::Baseline { seen, .. } => {
                let seen = seen.and(score);
                self.state = State::Baseline { settle: 0, seen };
                if seen.windows < self.windows() {
                    return None;
                }
                self.measured(seen);
                self.next_trial(now_ns)
            }
            State::Trial { from, settle: settle @ 1.., seen } => {
                self.state = State::Trial { from, settle: settle - 1, seen };
                None
            }
            State::Trial { from, seen, .. } => self.tried(from, seen, score, now_ns),
            State::Rest { left, bad } => {
                let limit = self.baseline.mean() * (1.0 - self.config.gain);
                let bad = if score < limit { bad + 1 } else { 0 };
                if bad >= self.config.windows {
                    // What was best is so no more.
                    self.best = None;
                    self.explore(0);
                } else if left == 0 {
                    self.explore(0);
                } else {
                    self.state = State::Rest { left: left - 1, bad };
                }
                None
            }
            State::Frozen { .. } => None,
        }
    }

    /// Windows that have to agree.
    fn windows(&self) -> u32 {
        if self.is_fine { self.config.windows * 2 } else { self.config.windows }
    }

    /// What each window of a trial has to reach, and what their mean has to.
    fn limits(&self) -> (f64, f64) {
        let baseline = self.baseline.mean();
        if !self.is_fine {
            let limit = (baseline * (1.0 + self.config.gain)).max(self.baseline.max);
            return (limit, limit);
        }
        let noise = self.baseline.max - self.baseline.min;
        let gain = baseline * self.config.gain / (2.0 * self.knobs.len() as f64);
        (baseline, baseline + gain.max(noise))
    }

    /// Begins anew from the present values, after some windows.
    fn explore(&mut self, settle: u32) {
        self.state = State::Baseline { settle, seen: Seen::NOTHING };
        self.candidates.clear();
        self.futile = 0;
        self.is_fine = false;
    }

    /// How good the present values are.
    fn measured(&mut self, seen: Seen) {
        self.baseline = seen;
        if self.best.as_ref().is_none_or(|(best, _)| seen.mean() > *best) {
            self.best = Some((seen.mean(), self.values()));
        }
    }

    fn values(&self) -> Vec<u64> {
        self.knobs.iter().map(|turned| turned.setting.value).collect()
    }

    /// A window of a trial, in which the value before it was `from`.
    fn tried(&mut self, from: u64, seen: Seen, score: f64, now_ns: u64) -> Option<Change> {
        let (each, mean) = self.limits();
        let seen = seen.and(score);
        let enough = if mutant!("T3 one good window is enough") { 1 } else { self.windows() };
        let is_worse = score <= each || seen.windows >= enough && seen.mean() <= mean;
        if is_worse && !mutant!("T3 whatever is tried is kept") {
            self.rejected += 1;
            return self.rejected_trial(from, now_ns);
        }
        if seen.windows < enough {
            self.state = State::Trial { from, settle: 0, seen };
            return None;
        }
        self.kept += 1;
        self.futile = 0;
        self.measured(seen);
        let turned = &mut self.knobs[self.at];
        let value = turned.setting.value;
        turned.up = value > from;
        turned.returns += u32::from(turned.left.contains(&value));
        if !turned.left.contains(&from) {
            turned.left.push(from);
        }
        if turned.returns >= RETURNS_MAX && !mutant!("T4 never left alone") {
            self.freezes += 1;
            self.state = State::Frozen { left: self.config.freeze };
            return None;
        }
        // On from here, in the same direction first.
        self.candidates = turned.setting.others(turned.up);
        self.candidates.reverse();
        self.next_candidate(now_ns)
    }

    /// Tries the next value of the same knob, or sets it back.
    fn rejected_trial(&mut self, from: u64, now_ns: u64) -> Option<Change> {
        if let Some(to) = self.candidates.pop() {
            self.state = State::Trial { from, settle: SETTLE, seen: Seen::NOTHING };
            return Some(self.turn(self.at, to, Reason::Trial, now_ns));
        }
        self.state = State::Baseline { settle: SETTLE, seen: Seen::NOTHING };
        let change = self.turn(self.at, from, Reason::Rejected, now_ns);
        self.leave_knob();
        Some(change)
    }

    /// No value of the knob is better: the next one.
    fn leave_knob(&mut self) {
        self.at = (self.at + 1) % self.knobs.len();
        self.futile += 1;
    }

    /// After a baseline: the first value of the knob whose turn it is, or a rest if all had theirs.
    fn next_trial(&mut self, now_ns: u64) -> Option<Change> {
        if self.futile >= self.knobs.len() {
            if self.is_fine {
                self.state = State::Rest { left: self.config.rest, bad: 0 };
                return None;
            }
            self.is_fine = true;
            self.futile = 0;
            self.state = State::Baseline { settle: 0, seen: Seen::NOTHING };
            return None;
        }
        let turned = &self.knobs[self.at];
        self.candidates = turned.setting.others(turned.up);
        self.candidates.reverse();
        self.next_candidate(now_ns)
    }

    fn next_candidate(&mut self, now_ns: u64) -> Option<Change> {
        let Some(to) = self.candidates.pop() else {
            self.leave_knob();
            self.state = State::Baseline { settle: 0, seen: Seen::NOTHING };
            return None;
        };
        let from = self.knobs[self.at].setting.value;
        self.state = State::Trial { from, settle: SETTLE, seen: Seen::NOTHING };
        Some(self.turn(self.at, to, Reason::Trial, now_ns))
    }

    /// The next knob that is not where it should go back to: the best, or the beginning.
    fn restore(&mut self, now_ns: u64, reason: Reason) -> Option<Change> {
        if reason == Reason::SwitchedOff && mutant!("T5 left as it is") {
            return None;
        }
        let goal = match (&self.best, reason) {
            (Some((_, best)), Reason::Oscillation) => best.clone(),
            (None, Reason::Oscillation) => return None,
            _ => self.knobs.iter().map(|turned| turned.start).collect(),
        };
        let at = (0..self.knobs.len()).find(|&at| self.knobs[at].setting.value != goal[at])?;
        Some(self.turn(at, goal[at], reason, now_ns))
    }

    fn turn(&mut self, at: usize, to: u64, reason: Reason, at_ns: u64) -> Change {
        let turned = &mut self.knobs[at];
        let change =
            Change { knob: turned.setting.knob, from: turned.setting.value, to, reason, at_ns };
        turned.setting.value = to;
        turned.last = Some(change);
        change
    }

    /// What it does and has done, knob by knob.
    #[must_use]
    pub fn report(&self) -> Report {
        let phase = match self.state {
            _ if !self.is_on => Phase::Off,
            State::Baseline { .. } => Phase::Baseline,
            State::Trial { .. } => Phase::Trial,
            State::Rest { .. } => Phase::Rest,
            State::Frozen { .. } => Phase::Frozen,
        };
        let knob = |turned: &Turned| KnobReport {
            setting: turned.setting,
            start: turned.start,
            last: turned.last,
        };
        Report {
            phase,
            knobs: self.knobs.iter().map(knob).collect(),
            signals: self.signals,
            score: (self.baseline.windows > 0).then(|| self.baseline.mean()),
            best: self.best.as_ref().map(|(score, _)| *score),
            kept: self.kept,
            rejected: self.rejected,
            freezes: self.freezes,
        }
    }
}

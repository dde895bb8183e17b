//! What happened in a window of time, and averages over windows.

use turgo_machine::mutant;

/// Counts of one window, each from zero (T1).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Window {
    /// How long it was, in nanoseconds.
    pub length_ns: u64,
    /// Tasks that ended.
    pub tasks: u64,
    /// Tasks waiting in all queues, the mean over the window.
    pub queued: f64,
    /// Steals that were tried.
    pub steals_tried: u64,
    /// Steals that got something.
    pub steals_won: u64,
    /// Changes from one task to another.
    pub switches: u64,
    /// Tasks that ran on the node of their data.
    pub local: u64,
    /// Tasks that ran elsewhere.
    pub remote: u64,
    /// Hits of the cache that is tuned, if one is.
    pub cache_hits: u64,
    /// Lookups in it.
    pub cache_lookups: u64,
    /// The 99th percentile of the time from ready to run, in nanoseconds; 0 where nothing was measured.
    pub latency_ns: u64,
}

impl Window {
    /// Tasks per second.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        ratio(self.tasks as f64 * 1e9, self.length_ns as f64)
    }

    /// The part of the steals that got something.
    #[must_use]
    pub fn steal_success(&self) -> Option<f64> {
        ratio(self.steals_won as f64, self.steals_tried as f64)
    }

    /// Changes between tasks per second.
    #[must_use]
    pub fn switch_rate(&self) -> Option<f64> {
        ratio(self.switches as f64 * 1e9, self.length_ns as f64)
    }

    /// The part of the tasks that ran on the node of their data.
    #[must_use]
    pub fn local_ratio(&self) -> Option<f64> {
        ratio(self.local as f64, (self.local + self.remote) as f64)
    }

    /// The part of the lookups that hit.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        ratio(self.cache_hits as f64, self.cache_lookups as f64)
    }

    /// The 99th percentile of the time from ready to run, in nanoseconds, where measured.
    #[must_use]
    pub fn latency(&self) -> Option<f64> {
        (self.latency_ns > 0).then_some(self.latency_ns as f64)
    }
}

/// A part of a whole, where there is one (T1).
fn ratio(part: f64, whole: f64) -> Option<f64> {
    if mutant!("T1 a part of nothing") {
        return Some(part / whole);
    }
    (whole > 0.0).then(|| part / whole)
}

/// An exponential moving average: each new value weighs as much as `weight` says, the first one all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    weight: f64,
    value: Option<f64>,
}

impl Average {
    /// Nothing yet.
    ///
    /// # Panics
    ///
    /// If the weight is not above 0 and at most 1.
    #[must_use]
    pub fn new(weight: f64) -> Self {
        assert!(weight > 0.0 && weight <= 1.0, "a weight of {weight}: above 0, at most 1");
        Self { weight, value: None }
    }

    /// One more value; one that is not known changes nothing.
    pub fn note(&mut self, value: Option<f64>) {
        let Some(value) = value else { return };
        let before = self.value.unwrap_or(value);
        let mut next = before + self.weight * (value - before);
        if mutant!("T8 rounded to integers") {
            next = next.floor();
        }
        self.value = Some(next);
    }

    /// The average, once there was a value.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.value
    }
}

/// All signals of windows, averaged; `None` until a window knew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signals {
    /// Tasks waiting.
    pub queued: Average,
    /// The part of the steals that got something.
    pub steal_success: Average,
    /// Changes between tasks per second.
    pub switch_rate: Average,
    /// The part of the tasks that ran on the node of their data.
    pub local_ratio: Average,
    /// The part of the lookups that hit.
    pub hit_ratio: Average,
    /// Tasks per second.
    pub throughput: Average,
    /// Nanoseconds from ready to run.
    pub latency: Average,
}

impl Signals {
    /// Averages in which each window weighs this much.
    ///
    /// # Panics
    ///
    /// If the weight is not above 0 and at most 1.
    #[must_use]
    pub fn new(weight: f64) -> Self {
        let average = Average::new(weight);
        Self {
            queued: average,
            steal_success: average,
            switch_rate: average,
            local_ratio: average,
            hit_ratio: average,
            throughput: average,
            latency: average,
        }
    }

    /// One more window.
    pub fn note(&mut self, window: &Window) {
        self.queued.note(Some(window.queued));
        self.steal_success.note(window.steal_success());
        self.switch_rate.note(window.switch_rate());
        self.local_ratio.note(window.local_ratio());
        self.hit_ratio.note(window.hit_ratio());
        self.throughput.note(window.throughput());
        self.latency.note(window.latency());
    }
}

//! What can be turned.

use turgo_machine::mutant;

use crate::policy::Knobs;

/// Which knob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Knob {
    /// [`Knobs::spin_ns`].
    Spin,
    /// [`Knobs::remote_threshold`].
    RemoteThreshold,
    /// [`Knobs::local_attempts`].
    LocalAttempts,
    /// [`Knobs::heartbeat_ns`].
    Heartbeat,
    /// [`Knobs::quantum_ns`].
    Quantum,
    /// [`Knobs::grain`].
    Grain,
    /// Anything else, such as the entries of a cache: whoever has it follows the [changes](super::Change).
    Other(&'static str),
}

impl Knob {
    /// A short name, as reports print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin_ns",
            Self::RemoteThreshold => "remote_threshold",
            Self::LocalAttempts => "local_attempts",
            Self::Heartbeat => "heartbeat_ns",
            Self::Quantum => "quantum_ns",
            Self::Grain => "grain",
            Self::Other(name) => name,
        }
    }

    /// Its value in a pool's knobs; `None` for one that is elsewhere.
    #[must_use]
    pub fn get(self, knobs: &Knobs) -> Option<u64> {
        Some(match self {
            Self::Spin => knobs.spin_ns,
            Self::RemoteThreshold => knobs.remote_threshold.into(),
            Self::LocalAttempts => knobs.local_attempts.into(),
            Self::Heartbeat => knobs.heartbeat_ns,
            Self::Quantum => knobs.quantum_ns,
            Self::Grain => knobs.grain.into(),
            Self::Other(_) => return None,
        })
    }

    /// Sets it in a pool's knobs, at most to what fits; a knob that is elsewhere is left to whoever has it.
    pub fn set(self, knobs: &mut Knobs, value: u64) {
        let small = u32::try_from(value).unwrap_or(u32::MAX);
        match self {
            Self::Spin => knobs.spin_ns = value,
            Self::RemoteThreshold => knobs.remote_threshold = small,
            Self::LocalAttempts => knobs.local_attempts = small,
            Self::Heartbeat => knobs.heartbeat_ns = value,
            Self::Quantum => knobs.quantum_ns = value,
            Self::Grain => knobs.grain = small,
            Self::Other(_) => {}
        }
    }
}

/// A knob with its bounds and its present value. Values are those that doubling and halving the first one lead to, within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Which.
    pub knob: Knob,
    /// The smallest value, at least 1.
    pub min: u64,
    /// The largest value.
    pub max: u64,
    /// The present value; that of the beginning when given to a tuner.
    pub value: u64,
}

impl Setting {
    /// A knob that starts with `value`.
    ///
    /// # Panics
    ///
    /// Unless `1 <= min <= value <= max`.
    #[must_use]
    pub fn new(knob: Knob, min: u64, value: u64, max: u64) -> Self {
        assert!(1 <= min, "0 cannot be doubled");
        assert!(min <= value, "{} starts below its bound", knob.name());
        assert!(value <= max, "{} starts above its bound", knob.name());
        Self { knob, min, max, value }
    }

    /// The pool's knobs, from their present values, with bounds that are wide but harmless.
    #[must_use]
    pub fn of(knobs: &Knobs) -> Vec<Self> {
        let bounds = [
            (Knob::Spin, 1_000, 1_000_000),
            (Knob::RemoteThreshold, 1, 64),
            (Knob::LocalAttempts, 1, 64),
            (Knob::Heartbeat, 10_000, 10_000_000),
            (Knob::Quantum, 10_000, 100_000_000),
            (Knob::Grain, 1, 65_536),
        ];
        let setting = |(knob, min, max): (Knob, u64, u64)| {
            let value = knob.get(knobs)?.clamp(min, max);
            Some(Self::new(knob, min, value, max))
        };
        bounds.into_iter().filter_map(setting).collect()
    }

    /// The values it can have besides the present one: the nearest first, of equally near ones the larger first if `up`.
    pub(super) fn others(&self, up: bool) -> Vec<u64> {
        let max = if mutant!("T2 bounds are not kept") { u64::MAX >> 8 } else { self.max };
        let larger: Vec<u64> =
            std::iter::successors(Some(self.value), |value| value.checked_mul(2))
                .skip(1)
                .take_while(|value| *value <= max)
                .collect();
        let smaller: Vec<u64> = std::iter::successors(Some(self.value), |value| Some(value / 2))
            .skip(1)
            .take_while(|value| *value >= self.min)
            .collect();
        let (first, second) = if up { (larger, smaller) } else { (smaller, larger) };
        let mut others = Vec::with_capacity(first.len() + second.len());
        for step in 0..first.len().max(second.len()) {
            others.extend(first.get(step));
            others.extend(second.get(step));
        }
        others
    }
}

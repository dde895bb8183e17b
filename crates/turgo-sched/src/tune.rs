//! One control loop for all that can be tuned while a pool runs.
//!
//! An executor counts what happens in a [`Window`] of time and hands it to [`Tuner::step`], which says what to change, if anything. There is no thread and no clock in here: the
//! same loop tunes a pool and a simulated machine.
//!
//! - [`Tuner`] climbs: it tries another value of one knob, keeps it if that pays, sets it back if not.
//! - [`StealThreshold`] follows one signal instead: few steals that succeed call for a higher threshold, so that fewer are tried.
//! - [`Bandit`] chooses among things that have no order, such as the arms of an [`Adaptive`](crate::policy::Adaptive) policy.
//! - What memory costs is measured once and not tuned: [`Layout::measured`](crate::layout::Layout::measured) replaces firmware's distances by those of a
//!   [probe](turgo_machine::latency::Probe), and [`Builder::measured_distances`](crate::pool::Builder::measured_distances) does so for a pool.
//!
//! # Invariants
//!
//! - **T1** A ratio of a window in which there is nothing to divide by is not known, and changes nothing. Each window is counted from zero: what was long ago does not weigh on
//!   what is.
//! - **T2** One knob is changed at a time, and stays within its bounds.
//! - **T3** A change is kept only if each of [`windows`](Config::windows) windows in turn was better by more than [`gain`](Config::gain) than before it, and
//!   than any window before it; otherwise it is taken back. Where no change is so good, twice as many windows may show a smaller gain that is above their noise.
//! - **T4** A knob that has come back three times to values it had been turned away from is left alone, at the best that was seen, for
//!   [`freeze`](Config::freeze) windows.
//! - **T5** Switched off, every knob goes back to where it was at the beginning and stays there.
//! - **T6** A threshold for stealing rises when steals fail, and falls when they succeed.
//! - **T7** A window in which nothing waited says nothing about throughput: less was done because there was less to do.
//! - **T8** An average can come back from zero, and go back to it.
//! - **B1** No arm of a bandit is forgotten, and one that has become the best is found.

mod bandit;
mod knob;
mod threshold;
mod tuner;
mod window;

pub use bandit::Bandit;
pub use knob::{Knob, Setting};
pub use threshold::StealThreshold;
pub use tuner::{Change, Config, KnobReport, Objective, Phase, Reason, Report, Tuner};
pub use window::{Average, Signals, Window};

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

//! A machine that is not there: the policies of [`policy`](crate::policy) on one to a thousand simulated cores.
//!
//! Discrete events in virtual time: a heap of (nanosecond, sequence number), workers as state machines, and decisions made by the same code that runs on
//! threads, which sees simulated loads. The [`Layout`](crate::layout::Layout) comes from any topology; what things cost is a plain table, [`Costs`], with what they
//! are said to cost by those who measured it, or measured on the machine at hand by [`calibrate`]. The graphs are [`Shape`](crate::dag::Shape)s:
//! those of sealed graphs, or [made up](Workload).
//!
//! What it is not: a model of caches, of memory bandwidth that is shared, or of frequencies. A task takes its cost, plus the way of its bytes from their
//! node; that is all it knows about memory.
//!
//! # Workers
//!
//! A worker that has run a task hands out what became ready: the first task that is to stay runs next, without a queue; the others go where the policy says. Then it
//! takes from its own queue, its inbox, and where the policy's search leads. A search whose places are empty now is gone through in one event,
//! and takes the time that all its looks cost. A worker that finds nothing waits, sees what is pushed within a probe's time, and parks when
//! [`spin_ns`](crate::policy::Knobs::spin_ns) is over. Pushing wakes at most one parked worker of the node where nobody searches, and of the nearest other if all
//! there are busy; who was the last to search and found something wakes the next, and one of another node if the policy says so.
//!
//! # Invariants
//!
//! - **V1** Virtual time never goes back, and events of the same nanosecond happen in the order in which they were made. So a seed determines a run to
//!   the last event, which the hash of its trace shows.
//! - **V2** Every task runs once: not before those it comes after, and none is left when nothing happens any more.
//! - **V3** No worker does two things at a time: what the workers were busy with sums up to the costs that were charged, and fits into the makespan.
//! - **V4** The makespan is at most `T1/P + c * Tinf` for a policy that conserves work, with what queues, steals and wakes cost added to each task.
//! - **V5** A fault delays its worker and nobody else: tasks it has queued can be stolen meanwhile.
//! - **V6** A run that is replayed with the policy that made its decisions is the same run, and no answer differs.
//! - **V7** A run of threads that is gone along has each task on the worker that ran it, and each worker's tasks in their order; a recording that no whole run of this graph can
//!   have left is refused.
//! - **V8** What tasks that run need together is never more than their nodes have. Who does not fit stands in line, holding nothing, and who comes later lines up behind those of its tenant: the lines are those
//!   of pools, with their order and their bound ([`admission`](crate::admission)).
//! - **V9** A search that goes past many places at once is the same as one that goes from each to the next: to the nanosecond, and to the last count.

mod ablation;
#[cfg(not(any(loom, shuttle)))]
mod calibrate;
mod costs;
mod follow;
mod generate;
mod hands;
mod learning;
mod outcome;
mod progress;
mod queues;
mod replay;
mod table;
mod targets;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod turns;
mod workload;
mod world;

pub use crate::trace::chrome_json;
pub use ablation::{Ablation, AblationError, Contender, Role, Row, Tuning, policy_named, tunings};
#[cfg(not(any(loom, shuttle)))]
pub use calibrate::{Calibration, CalibrationError, Prediction, calibrate};
pub use costs::Costs;
pub use follow::ReplayError;
pub use outcome::Outcome;
pub use progress::{Progress, Teller};
pub use replay::{Answer, Decision};
pub use table::{rows_json, rows_text};
pub use targets::{Target, targets};
pub use workload::{Workload, WorkloadError};
pub use world::{Fault, Simulation};

//! Task graphs: tasks that run when those they come after are over.
//!
//! A [`Dag`] is put together, sealed into a [`Graph`], which finds a cycle and names it, and then run as often as one likes: on this thread
//! with [`Graph::run_here`], which is also what other ways of running are compared with, or on a pool. A task may fail, by an error or a panic,
//! and [`OnFailure`] says what becomes of those that come after it. A graph that was given [`room`](Dag::room) may grow while it runs.
//!
//! What it is not: a place for tasks that wait. A task that has begun runs to its end; what waits for data belongs into a re-armed task.
//!
//! The counting of arrivals is as old as data flow machines; the cost of a task that says nothing about itself is one atomic operation for each edge.
//! Running a graph is lock-free but for tasks that fail and tasks that add to the graph, which take a lock that no reader takes.
//!
//! A graph whose tasks are shorter than the way of a line between processors may be run *alone* on a pool: one worker at a time runs what is ready, and
//! counts without atomic exchanges. Which way is faster a graph finds out from its runs; a run whose tasks turn out to be longer goes on with all workers.
//! While a run is alone it makes progress only as its worker's thread does, so it is blocking, not lock-free.
//!
//! # Invariants
//!
//! - **D1** A task is handed out once: by whoever takes its count of arrivals to zero. Nobody adds to a count that is zero.
//! - **D2** What the predecessors of a task did happens before it begins.
//! - **D3** The poison of a failure is in a task's word before the arrival that goes with it, so whoever begins the task sees it. A poisoned task is
//!   not run, and poisons its successors.
//! - **D4** A graph is sealed without a cycle, and no edge closes one while it runs; the error names all of its tasks.
//! - **D5** An edge that was added while the graph runs is delivered once: by the task where it begins, when that ends, or by the adder, if the
//!   task was over. The edge is published before the bit that says so, which the end of the task takes with it.
//! - **D6** An edge is added only to a task that still waits, and which then waits for the edge, too.
//! - **D7** A run is over when all tasks are that nothing comes after, those that were added among them; whatever else there is comes
//!   before one of these.
//! - **D8** The panic of a task stays within it: it is that task's failure, and the worker goes on.
//! - **D9** After a cancellation, every task still ends once, and none begins that did not see it. So the run ends, too.
//! - **D10** Who reads progress, states and names writes nothing, and takes no lock: states are words, additions are read under RCU.
//! - **D11** All tasks of a run completed if none failed and nobody stopped it. So a report of it looks at no task until it is asked about one.
//! - **D12** While a run is alone, its ready tasks are in no queue, but in a list; the one number that stands for that list is in one queue at most. Whoever
//!   runs it is the only one who writes words of the run, and whoever is next got the number, or a task, from a queue. A run that takes too
//!   long alone queues its list, and never is alone again.
//!
//! ```
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use std::sync::Arc;
//! use turgo_sched::dag::{Context, Dag};
//!
//! let sum = Arc::new(AtomicU32::new(0));
//! let add = |number| {
//!     let sum = Arc::clone(&sum);
//!     move |_: &Context<'_>| { sum.fetch_add(number, Ordering::Relaxed); }
//! };
//! let mut dag = Dag::new();
//! let left = dag.node(add(1)).name("left").id();
//! let right = dag.node(add(2)).name("right").id();
//! dag.node(add(3)).after(left).after(right);
//! let graph = dag.seal().expect("no cycle");
//! let report = graph.run_here().expect("nothing fails");
//! assert_eq!((sum.load(Ordering::Relaxed), report.completed), (6, 3));
//! graph.run_here().expect("once more");
//! assert_eq!(sum.load(Ordering::Relaxed), 12);
//! ```

mod body;
mod build;
mod dynamic;
mod execution;
mod on_pool;
mod order;
mod pace;
mod report;
mod shape;
mod state;
#[cfg(test)]
mod tests;

pub use build::{Dag, Graph, Node, OnFailure, Outcome};
pub use dynamic::EditError;
pub use execution::Context;
pub use on_pool::Run;
pub use report::{Failure, Progress, Report, RunError, TaskFailure, TaskReport};
pub use shape::{Cycle, Profile, Shape, Span, TaskId};
pub use state::State;

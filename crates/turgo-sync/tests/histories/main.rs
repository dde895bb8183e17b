//! What threads saw of each primitive, judged by a sequential model of it: under shuttle's schedules and with threads of the machine.
//!
//! Waiting is recorded as two operations, as Scherer and Scott (2004) propose for objects whose operations wait: one that asks, and takes a place in
//! the queue where it is not answered at once, and one that is answered or gives up. So the order of those who wait is part of a model's state. Each
//! has one instant between its call and its return at which it takes effect; who finds them is the checker of `turgo-lockfree`, whose files are taken
//! in here, because crates of one rank do not see each other.

#![cfg(not(loom))]
#![allow(dead_code, reason = "the checker serves several targets; none uses all of it")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod barriers;
mod cells;
mod locks;
mod messages;
mod models;
mod notifications;
mod queues;
mod semaphores;
mod shots;
mod waiting;
mod watched;

#[cfg(not(shuttle))]
mod planted;

#[path = "../../../turgo-lockfree/tests/linearizability/lincheck.rs"]
mod lincheck;
#[path = "../../../turgo-lockfree/tests/linearizability/shared.rs"]
mod shared;
#[path = "../../../turgo-lockfree/tests/linearizability/threads.rs"]
mod threads;

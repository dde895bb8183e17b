//! What is compared, group by group, and what a group must show.

pub(crate) mod channels;
pub(crate) mod contended;
pub(crate) mod handed;
pub(crate) mod notified;
pub(crate) mod oneshots;
pub(crate) mod plan;
pub(crate) mod polls;
pub(crate) mod spread;
pub(crate) mod tasks;
pub(crate) mod uncontended;

use bench_harness::{Gate, Group, Threads};

pub(crate) const GROUPS: [Group; 34] = [
    Group::new("semaphore", Threads::One, uncontended::semaphores),
    Group::new("mutex", Threads::One, uncontended::mutexes),
    Group::new("local mutex", Threads::One, uncontended::local_mutexes),
    Group::new("hand-off", Threads::One, handed::semaphores),
    Group::new("single waiter", Threads::One, notified::single),
    Group::new("wake one", Threads::One, notified::one),
    Group::new("wake all", Threads::One, notified::all),
    Group::new("cancel", Threads::One, notified::cancel),
    Group::new("semaphore of ten", Threads::Two, uncontended::semaphores_of_ten),
    Group::new("10 tasks", Threads::One, tasks::ten_tasks),
    Group::new("50 tasks", Threads::One, tasks::fifty_tasks),
    Group::new("100 tasks", Threads::One, tasks::hundred_tasks),
    Group::new("500 tasks", Threads::One, tasks::five_hundred_tasks),
    Group::new("holding, 10 tasks", Threads::One, tasks::ten_tasks_that_hold),
    Group::new("holding, 50 tasks", Threads::One, tasks::fifty_tasks_that_hold),
    Group::new("holding, 100 tasks", Threads::One, tasks::hundred_tasks_that_hold),
    Group::new("holding, 500 tasks", Threads::One, tasks::five_hundred_tasks_that_hold),
    Group::new("mixed tasks", Threads::One, tasks::mixture),
    Group::new("plan, alone", Threads::One, plan::alone),
    Group::new("plan, contended", Threads::Two, plan::contended).sleeping(),
    Group::new("contended mutex", Threads::Two, contended::mutexes).sleeping(),
    Group::new("contended semaphore", Threads::Two, contended::semaphores).sleeping(),
    Group::new("oneshot", Threads::One, oneshots::sent),
    Group::new("oneshot awaited", Threads::One, oneshots::awaited),
    Group::new("channel, one thread", Threads::One, channels::bounded_alone),
    Group::new("unbounded, one thread", Threads::One, channels::unbounded_alone),
    Group::new("channel", Threads::Two, channels::bounded).sleeping(),
    Group::new("unbounded", Threads::Two, channels::unbounded).sleeping(),
    Group::new("channel, 4 senders", Threads::Two, channels::bounded_of_four).sleeping(),
    Group::new("unbounded, 4 senders", Threads::Two, channels::unbounded_of_four).sleeping(),
    Group::new("ping-pong", Threads::Two, channels::ping_pong).sleeping(),
    Group::new("broadcast", Threads::One, spread::broadcasts),
    Group::new("watch", Threads::One, spread::watches),
    Group::new("child token", Threads::One, spread::tokens),
];

/// Bounds that a run is held against. A goal of DESIGN's table each.
pub(crate) const GATES: [Gate; 21] = [
    Gate::new("semaphore", 1, "turgo Fifo", "tokio", 0.65),
    Gate::new("semaphore", 1, "turgo Barging", "tokio", 0.5),
    Gate::new("mutex", 1, "turgo Fifo", "tokio", 0.65),
    Gate::new("mutex", 1, "turgo Barging", "tokio", 0.5),
    Gate::new("local mutex", 1, "turgo local", "Cell", 1.5),
    Gate::new("hand-off", 1, "turgo Fifo", "tokio", 0.55),
    Gate::new("hand-off", 1, "turgo Barging", "tokio", 0.65),
    Gate::new("wake one", 1, "turgo", "tokio", 1.0),
    Gate::new("wake all", 1, "turgo", "tokio", 1.0),
    Gate::new("cancel", 1, "turgo", "tokio", 1.0),
    Gate::new("semaphore of ten", 2, "turgo Fifo", "tokio", 0.4),
    Gate::new("plan, contended", 2, "turgo Barging", "parking_lot + AtomicWaker", 0.7),
    Gate::new("contended mutex", 2, "turgo Barging", "tokio", 0.05),
    Gate::new("contended mutex", 2, "turgo Barging", "synchrony", 2.0),
    Gate::new("contended semaphore", 2, "turgo Barging", "tokio", 0.05),
    Gate::new("oneshot", 1, "turgo", "tokio", 0.65),
    Gate::new("oneshot awaited", 1, "turgo", "tokio", 0.65),
    Gate::new("channel", 2, "turgo", "tokio", 0.35),
    Gate::new("channel, 4 senders", 2, "turgo", "tokio", 0.2),
    Gate::new("unbounded", 2, "turgo", "tokio", 0.35),
    Gate::new("unbounded, 4 senders", 2, "turgo", "tokio", 0.2),
];

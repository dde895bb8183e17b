//! Threads that run tasks: where everything of this crate that runs begins.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use turgo_machine::topology::Topology;

use crate::layout::{Layout, NodeIndex};
use crate::policy::{Knobs, TaskView};
use crate::run::Runnable;
use crate::scope::Scope;
use crate::statistics::{Statistics, WorkerStatistics};
use crate::task::{self, JoinHandle, Polled, Rearmed, Stepped, TaskOptions};
use crate::trace::Event;
use crate::tune::Report;

mod asking;
mod builder;
mod calls;
mod claims;
mod class;
mod control;
mod countdown;
pub(crate) mod current;
mod due;
mod install;
mod panics;
mod promise;
mod rota;
mod search;
mod shared;
#[cfg(test)]
mod tests;
mod threads;
mod tunable;
mod waits;
mod worker;

pub use builder::{BuildError, Builder};
pub use promise::Promise;
pub use worker::Worker;

pub(crate) use claims::{Claim, Grants};
pub(crate) use class::Class;
pub(crate) use countdown::Countdown;
pub(crate) use panics::{FirstPanic, Payload, contain, forget_panic};
pub(crate) use shared::Shared;
#[cfg(all(test, loom))]
pub(crate) use shared::persist;
pub(crate) use waits::Ready;

/// The largest future, in bytes, that lies in its task's cell: each is copied into it, and its place is kept as long as its handle.
const WITHIN_MAX: usize = 4_096;

/// Workers, each with a thread of its own, and what they share.
///
/// ```
/// use turgo_machine::topology::Topology;
/// use turgo_sched::pool::Pool;
///
/// let machine = Topology::simulate("1x2")?;
/// let pool = Pool::builder(&machine).build()?;
/// let mut counts = [0u64; 8];
/// pool.scope(|scope| {
///     for (number, count) in (0..).zip(&mut counts) {
///         scope.spawn(move |_| *count = number * number);
///     }
/// });
/// assert_eq!(counts.iter().sum::<u64>(), 140);
/// let (four, nine) = pool.join(|_| 2 * 2, |_| 3 * 3);
/// assert_eq!(four + nine, 13);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Its methods move the caller's closure to a worker and wait, unless the caller is one of its workers already: then they run it there. A caller that is a worker
/// of another pool goes on working for that one while it waits.
///
/// When it is dropped, what is queued is still run, long-lived tasks are cancelled where they would run next or wait, and the threads are joined. Dropped by one of its own
/// workers, it waits for none of them: all that is done by them, and by the last of them what is left. A worker of another pool that drops it does nothing else meanwhile, so none of its tasks may need that one.
///
/// *Pools that call each other* may do so in any circle: a worker that waits for another pool begins tasks of its own meanwhile, up to [`help`](Builder::help) on top of each other, and beyond that
/// only what workers of other pools call. So its stack has room for as many more calls as tasks of those pools may have begun. With a `help` of 0 a task that calls waits until somebody else comes
/// to its closure: then let one of two pools call the other, or spawn and await.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<threads::Handle>,
}

impl Pool {
    /// A pool for this machine.
    pub fn builder(machine: &Topology) -> Builder<'_> {
        Builder::new(machine)
    }

    /// Calls `f` on a worker and answers what it does.
    ///
    /// # Panics
    ///
    /// As `f` does.
    pub fn install<R: Send>(&self, f: impl FnOnce(&Worker) -> R + Send) -> R {
        install::install(&self.shared, f)
    }

    /// As [`Worker::scope`].
    ///
    /// # Panics
    ///
    /// As [`Worker::scope`].
    pub fn scope<'scope, R: Send>(&self, f: impl FnOnce(&Scope<'scope>) -> R + Send) -> R {
        self.install(|worker| worker.scope(f))
    }

    /// As [`Worker::join`].
    ///
    /// # Panics
    ///
    /// As [`Worker::join`].
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Worker) -> RA + Send,
        B: FnOnce(&Worker) -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.install(|worker| worker.join(a, b))
    }

    /// As [`Worker::parallel_for`].
    ///
    /// # Panics
    ///
    /// As [`Worker::parallel_for`].
    pub fn parallel_for(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        self.install(|worker| worker.parallel_for_by_ref(range, &body));
    }

    /// As [`Worker::parallel_for_chunks`].
    ///
    /// # Panics
    ///
    /// As [`Worker::parallel_for_chunks`].
    pub fn parallel_for_chunks<F>(&self, range: Range<usize>, chunk: usize, body: F)
    where
        F: Fn(Range<usize>, &Worker) + Sync,
    {
        self.install(|worker| worker.parallel_for_chunks(range, chunk, &body));
    }

    /// Runs a future on the pool's workers. Its state, the future and its outcome share one allocation; a future of more than 4 KiB has one of its own, which goes when it ends.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_with(future, TaskOptions::default())
    }

    /// As [`spawn`](Self::spawn), with a priority and a home.
    pub fn spawn_with<F>(&self, future: F, options: TaskOptions) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if size_of::<F>() > WITHIN_MAX {
            self.spawn_work(Polled(Box::pin(future)), options)
        } else {
            self.spawn_work(Polled(future), options)
        }
    }

    /// Runs a task in steps: see [`Rearmed`].
    pub fn spawn_rearmed(&self, task: impl Rearmed, options: TaskOptions) -> JoinHandle<()> {
        self.spawn_work(Stepped(task), options)
    }

    fn spawn_work<W: task::Work>(&self, work: W, options: TaskOptions) -> JoinHandle<W::Output> {
        current::with(|worker| {
            let worker = worker.filter(|worker| worker.is_of(&self.shared));
            task::spawn(&self.shared, worker, work, options)
        })
    }

    /// Which worker is where.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    /// The knobs as they are now.
    #[must_use]
    pub fn knobs(&self) -> Knobs {
        self.shared.knobs()
    }

    /// Turns the knobs, while the pool runs. If it [tunes](Builder::tune) itself, that begins anew from them; a knob that is set beyond the tuner's bounds is left as it is.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.shared.set_knobs(knobs);
    }

    /// The kill switch for [tuning](Builder::tune): off, all knobs are at once what they were at the beginning, and stay so until it is switched on again. A pool that does not tune
    /// itself is not changed by it.
    pub fn set_tuning(&self, is_on: bool) {
        self.shared.set_tuning(is_on);
    }

    /// What tuning does and has done, if the pool [tunes](Builder::tune) itself.
    #[must_use]
    pub fn tuning(&self) -> Option<Report> {
        self.shared.tuning()
    }

    /// What it has done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let layout = &self.shared.layout;
        let nodes = (0..layout.nodes()).map(|node| NodeIndex(node as u32));
        let workers = (0..layout.workers()).map(|worker| crate::layout::WorkerId(worker as u32));
        Statistics {
            workers: self
                .shared
                .seats
                .iter()
                .map(|seat| WorkerStatistics::of(&seat.tally))
                .collect(),
            knobs: self.shared.knob_reports(),
            node_of: workers.map(|worker| layout.node(worker)).collect(),
            wakeups: nodes.map(|node| self.shared.sleep.wakeups(node)).collect(),
            latency: self.shared.latency(),
            tenants: self.shared.tenant_statistics(),
        }
    }

    /// The events that were recorded, if it was built with a trace: worker by worker, the oldest first.
    #[must_use]
    pub fn trace(&self) -> Vec<Event> {
        self.shared.trace.as_ref().map(crate::trace::Trace::events).unwrap_or_default()
    }

    /// The clock that its workers read.
    pub(crate) fn clock(&self) -> turgo_machine::clock::Clock {
        self.shared.clock.clone()
    }

    /// Numbers for `nodes` nodes: see [`run`](crate::run).
    pub(crate) fn reserve(&self, run: Arc<dyn Runnable>, first: u32, nodes: u32) -> u32 {
        self.shared.arena.reserve(run, first, nodes)
    }

    /// Whether the policy is to be asked about tasks that say nothing about themselves.
    pub(crate) fn asks_of_plain(&self) -> bool {
        self.shared.is_asked_of_plain
    }

    /// If what is decided about nodes of graphs is written down, a simulated machine like the one it runs on.
    pub(crate) fn recorded_on(&self) -> Option<&Arc<str>> {
        self.shared.recorded_on.as_ref()
    }

    /// Whether tenants share it.
    pub(crate) fn has_tenants(&self) -> bool {
        self.shared.has_tenants()
    }

    /// Whether the policy, the trace or a recording is told of every task, or tenants pay for them.
    pub(crate) fn is_observed(&self) -> bool {
        self.shared.is_observed
    }

    /// Queues a task where the policy says, from any thread.
    pub(crate) fn put(&self, task: &TaskView) {
        let (place, order) = self.shared.select(task, None);
        self.shared.put(task, place, order, None);
    }

    /// Queues numbers for a node, from any thread, and tells its workers once.
    pub(crate) fn inject_all(&self, node: NodeIndex, ids: impl IntoIterator<Item = u32>) {
        self.shared.inject_all(node, ids);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let is_own =
            current::with(|worker| worker.is_some_and(|worker| worker.is_of(&self.shared)));
        if is_own {
            // One that it waited for may be waiting for what it runs itself.
            self.shared.orphan();
            return self.shared.close();
        }
        self.shared.close();
        self.threads.drain(..).for_each(threads::Handle::join);
        // SAFETY: the workers have ended, and who could call a method of this pool or of one of its scopes has, too; promises ask (A8).
        unsafe { self.shared.dissolve() };
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = &self.shared.layout;
        f.debug_struct("Pool")
            .field("workers", &layout.workers())
            .field("nodes", &layout.nodes())
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

//! A task's cell: its state, its work, and where it runs. Invariants: [the module above](super).

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::arena::{self, Slot};
use crate::layout::WorkerId;
use crate::policy::TaskView;
use crate::pool::{Ready, Shared, Worker, contain};

use super::joiner::Joiner;
use super::state::{Begin, End, State, Then};
use super::work::{Outcome, Work};
use super::{JoinError, JoinHandle, TaskOptions, TaskState};

/// No worker has run it yet.
const NOBODY: u32 = u32::MAX;

struct Cell<W: Work> {
    state: State,
    joiner: Joiner,
    shared: Arc<Shared>,
    /// The number of its slot.
    id: u32,
    options: TaskOptions,
    /// The worker that ran it the last time.
    last: AtomicU32,
    /// When its present job should be done, in nanoseconds of the pool's clock; `u64::MAX` if never.
    due_ns: AtomicU64,
    /// When it became ready, if that is measured and no step has begun since: the bits of a [`Ready`].
    ready: AtomicU64,
    stage: UnsafeCell<Stage<W>>,
}

enum Stage<W: Work> {
    Working(W),
    Ended(Result<W::Output, JoinError>),
    Taken,
}

// SAFETY: T1 and T5 say who touches the stage; what is in it is `Send`.
unsafe impl<W: Work> Sync for Cell<W> {}
// SAFETY: as above.
unsafe impl<W: Work> Send for Cell<W> {}

/// What is in a task's slot: the cell, of which the slot owns a share, and how it ends with its pool.
pub(crate) struct Held {
    cell: *const (),
    dissolve: unsafe fn(*const ()),
}

impl Held {
    /// Ends the task, for whoever ends its pool.
    ///
    /// # Safety
    ///
    /// No worker of the pool is left, and the slot is read once.
    pub(crate) unsafe fn dissolve(self) {
        // SAFETY: the caller's promise; the cell is what the function is for.
        unsafe { (self.dissolve)(self.cell) };
    }
}

/// What a handle needs of a cell.
pub(super) trait Joinable<T>: Send + Sync {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>>;
    fn abort(&self);
    fn id(&self) -> u32;
    fn state(&self) -> TaskState;
}

/// Makes a task, and queues it.
pub(crate) fn spawn<W: Work>(
    shared: &Arc<Shared>,
    worker: Option<&Worker>,
    work: W,
    options: TaskOptions,
) -> JoinHandle<W::Output> {
    let (id, slot) = match worker {
        Some(worker) => worker.purse.take(&shared.arena),
        None => shared.arena.take_outside(),
    };
    let cell = Arc::new(Cell::new(shared, id, work, options));
    let held = Arc::into_raw(Arc::clone(&cell)).cast();
    // SAFETY: N1, the slot is ours; it fits, and `run` reads one.
    unsafe { slot.fill(run::<W>, Held { cell: held, dissolve: dissolve::<W> }) };
    slot.mark_task();
    cell.then(cell.state.transition_to_ready(), worker);
    JoinHandle { task: cell, outcome: std::marker::PhantomData }
}

/// Makes a task of a pool that has ended: it is cancelled, and has no number.
pub(crate) fn spawn_cancelled<W: Work>(
    shared: &Arc<Shared>,
    work: W,
    options: TaskOptions,
) -> JoinHandle<W::Output> {
    let cell = Arc::new(Cell::new(shared, arena::NONE, work, options));
    cell.cancel();
    JoinHandle { task: cell, outcome: std::marker::PhantomData }
}

/// Runs a step.
///
/// # Safety
///
/// The slot holds a cell of `W` whose number was taken from a queue (T3).
unsafe fn run<W: Work>(slot: &Slot, id: u32, worker: &Worker) {
    // SAFETY: N1; the share stays in the slot.
    let held = unsafe { slot.read::<Held>() };
    let cell = held.cell.cast::<Cell<W>>();
    // SAFETY: the slot's share keeps it until `end` below.
    let cell = ManuallyDrop::new(unsafe { Arc::from_raw(cell) });
    // Relaxed: a hint for the next waker.
    cell.last.store(worker.id().0, Ordering::Relaxed);
    let begin = cell.state.transition_to_running();
    let ended = if begin == Begin::Cancel || worker.shared.is_closed() {
        cell.cancel();
        true
    } else {
        cell.step(worker)
    };
    if ended {
        // SAFETY: N1 and T4: nobody queues it any more, so the slot is ours.
        unsafe { slot.clear() };
        worker.purse.give(&worker.shared.arena, id, slot);
        // It may be the last share, with an outcome that nobody asked for.
        contain(|| drop(ManuallyDrop::into_inner(cell)));
    }
}

/// # Safety
///
/// As for [`Held::dissolve`]; the pointer is a share of a `Cell<W>`.
unsafe fn dissolve<W: Work>(cell: *const ()) {
    // SAFETY: the caller's promise.
    let cell = unsafe { Arc::from_raw(cell.cast::<Cell<W>>()) };
    if cell.state.transition_to_dissolved() {
        cell.cancel();
    }
    contain(|| drop(cell));
}

impl<W: Work> Cell<W> {
    fn new(shared: &Arc<Shared>, id: u32, work: W, options: TaskOptions) -> Self {
        Self {
            state: State::new(),
            joiner: Joiner::new(),
            shared: Arc::clone(shared),
            id,
            options,
            last: AtomicU32::new(NOBODY),
            due_ns: AtomicU64::new(u64::MAX),
            ready: AtomicU64::new(Ready::UNKNOWN.bits()),
            stage: UnsafeCell::new(Stage::Working(work)),
        }
    }

    /// Runs a step of the running task; whether it has ended.
    fn step(self: &Arc<Self>, worker: &Worker) -> bool {
        // SAFETY: the waker's share is the slot's, which outlives the step.
        let waker = ManuallyDrop::new(Waker::from(unsafe { Arc::from_raw(Arc::as_ptr(self)) }));
        let mut cx = Context::from_waker(&waker);
        let shared = &*worker.shared;
        self.note_begun(worker);
        let watched = worker.begins(|| self.view());
        let step = self.stage.with_mut(|stage| {
            // SAFETY: T1.
            let Stage::Working(work) = (unsafe { &mut *stage }) else {
                unreachable!("T4: an ended task is not queued")
            };
            // SAFETY: T6.
            let work = unsafe { Pin::new_unchecked(work) };
            catch_unwind(AssertUnwindSafe(|| work.step(&mut cx, shared)))
        });
        worker.stops(watched);
        match step {
            Ok(Outcome::Again) => {
                self.renew(|due_ns, now_ns| now_ns >= due_ns);
                let Then::Queue = self.state.transition_to_again() else {
                    unreachable!("T3: who has more to do is queued")
                };
                self.shared.queue_task(&self.view(), Some(worker));
            }
            Ok(Outcome::Park) => {
                self.note_end(worker);
                self.then(self.state.transition_to_blocked(), Some(worker));
            }
            Ok(Outcome::Done(output)) => {
                self.note_end(worker);
                self.end(Ok(output), End::Completed);
                return true;
            }
            Err(payload) => {
                self.end(Err(JoinError::panicked(payload)), End::Failed);
                return true;
            }
        }
        false
    }

    fn cancel(&self) {
        self.end(Err(JoinError::cancelled()), End::Cancelled);
    }

    /// Drops the work, and keeps the outcome for the handle.
    fn end(&self, outcome: Result<W::Output, JoinError>, end: End) {
        self.stage.with_mut(|stage| {
            // SAFETY: T1, we made it RUNNING, or nobody else has it.
            let stage = unsafe { &mut *stage };
            if mutant!("T6 ended work is moved") {
                let work = std::mem::replace(stage, Stage::Ended(outcome));
                return contain(|| drop(work));
            }
            // Dropped where it is, also if that panics.
            contain(|| *stage = Stage::Ended(outcome));
        });
        self.state.transition_to_ended(end);
        self.joiner.wake();
    }

    /// Queues it where the policy says, if it is to be queued.
    fn then(&self, then: Then, worker: Option<&Worker>) {
        if then == Then::Queue {
            self.renew(|_, _| true);
            self.note_ready(worker);
            self.shared.queue_task(&self.view(), worker);
        }
    }

    /// Sets the time of the job that begins, if it is to be done in time. Called by whoever queues it, or runs it.
    fn renew(&self, is_to: impl FnOnce(u64, u64) -> bool) {
        let Some(deadline) = self.options.deadline else { return };
        let now_ns = self.shared.clock.now_ns();
        // Relaxed, both: one thread at a time does this (T1, T3), and the queue publishes it.
        if is_to(self.due_ns.load(Ordering::Relaxed), now_ns) {
            let deadline_ns = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX);
            self.due_ns.store(now_ns.saturating_add(deadline_ns), Ordering::Relaxed);
        }
    }

    /// It is about to be queued by whoever has woken it, or spawned it.
    fn note_ready(&self, worker: Option<&Worker>) {
        let ready = self.shared.ready(worker);
        if ready != Ready::UNKNOWN {
            // Relaxed: as in `renew`.
            self.ready.store(ready.bits(), Ordering::Relaxed);
        }
    }

    /// A step begins.
    fn note_begun(&self, worker: &Worker) {
        if let Some(home) = self.options.home {
            worker.tally_home(home);
        }
        let Some(waits) = &worker.shared.waits else { return };
        // Relaxed, both: as in `renew`.
        let ready = Ready::of(self.ready.load(Ordering::Relaxed));
        if ready != Ready::UNKNOWN && !mutant!("Y1 the time stays") {
            self.ready.store(Ready::UNKNOWN.bits(), Ordering::Relaxed);
        }
        waits.begun(ready, || worker.now_ns());
    }

    /// A job has ended: counts it if that is later than it should.
    fn note_end(&self, worker: &Worker) {
        // Relaxed: as in `renew`.
        let due_ns = self.due_ns.load(Ordering::Relaxed);
        if due_ns != u64::MAX && worker.now_ns() > due_ns {
            worker.tally_late();
        }
    }

    /// What it says about itself.
    fn view(&self) -> TaskView {
        // Relaxed: a hint.
        let last = self.last.load(Ordering::Relaxed);
        TaskView {
            home: self.options.home,
            last: (last != NOBODY).then_some(WorkerId(last)),
            tenant: self.options.tenant,
            priority: self.options.priority,
            // Relaxed: as in `renew`.
            deadline_ns: self.due_ns.load(Ordering::Relaxed),
            ..TaskView::plain(self.id)
        }
    }

    /// Queues it, from any thread.
    fn then_anywhere(&self, then: Then) {
        if then == Then::Queue {
            crate::pool::current::with(|worker| {
                self.then(then, worker.filter(|worker| worker.is_of(&self.shared)));
            });
        }
    }
}

impl<W: Work> Wake for Cell<W> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.then_anywhere(self.state.transition_to_woken());
    }
}

impl<W: Work> Joinable<W::Output> for Cell<W> {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<W::Output, JoinError>> {
        if !self.state.is_ended() {
            self.joiner.register(cx.waker());
            if !self.state.is_ended() {
                return Poll::Pending;
            }
        }
        let stage = self.stage.with_mut(|stage| {
            // SAFETY: T5, and there is one handle.
            std::mem::replace(unsafe { &mut *stage }, Stage::Taken)
        });
        match stage {
            Stage::Ended(outcome) => Poll::Ready(outcome),
            Stage::Working(_) | Stage::Taken => panic!("a handle was polled after it had answered"),
        }
    }

    fn abort(&self) {
        self.then_anywhere(self.state.transition_to_aborted());
    }

    fn id(&self) -> u32 {
        self.id
    }

    fn state(&self) -> TaskState {
        self.state.get()
    }
}

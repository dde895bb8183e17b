//! Moving a closure to a worker and waiting for it.
//!
//! # Invariants
//!
//! - **L1** The closure, its result and what it is waited with lie in the caller's frame, which ends after the worker's last access to it: setting what is waited for.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::thread::{self, Thread};

use crate::arena::Slot;
use crate::layout::NodeIndex;

use super::class::Class;
use super::countdown::Countdown;
use super::current;
use super::panics::Payload;
use super::shared::Shared;
use super::waits::Ready;
use super::worker::Worker;

/// What is in the caller's frame.
struct Frame<F, R> {
    f: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<Result<R, Payload>>>,
    waiting: Waiting,
    ready: Ready,
}

/// Who waits.
enum Waiting {
    /// A thread of no pool.
    Thread { thread: Thread, is_over: AtomicBool },
    /// A worker of another pool.
    Worker { pool: Arc<Shared>, countdown: Countdown },
}

/// Calls `f` on a worker of the pool.
pub(super) fn install<R: Send>(shared: &Arc<Shared>, f: impl FnOnce(&Worker) -> R + Send) -> R {
    current::with(|worker| match worker {
        Some(worker) if worker.is_of(shared) => f(worker),
        worker => send(shared, worker, f),
    })
}

fn send<F, R>(shared: &Arc<Shared>, caller: Option<&Worker>, f: F) -> R
where
    F: FnOnce(&Worker) -> R + Send,
    R: Send,
{
    let waiting = match caller {
        None => Waiting::Thread { thread: thread::current(), is_over: AtomicBool::new(false) },
        Some(caller) => {
            let countdown = Countdown::new(caller.id);
            countdown.begin_own();
            Waiting::Worker { pool: Arc::clone(&caller.shared), countdown }
        }
    };
    let ready = shared.ready(None);
    let frame =
        Frame { f: UnsafeCell::new(Some(f)), result: UnsafeCell::new(None), waiting, ready };
    let place = &raw const frame;
    match (&frame.waiting, caller) {
        (Waiting::Worker { countdown, .. }, Some(caller)) => {
            // SAFETY: L1, it is begun once, and what is in the frame may be used by another thread.
            unsafe { shared.call(place.cast(), begin::<F, R>) };
            caller.wait_elsewhere(countdown);
        }
        (Waiting::Thread { is_over, .. }, _) => {
            let (id, slot) = shared.arena.take_outside();
            // SAFETY: N1, the slot is ours; a pointer fits, and `run` reads one.
            unsafe { slot.fill(run::<F, R>, place) };
            shared.inject(NodeIndex(0), Class::Normal, id);
            // Acquire: pairs with the Release in `end`.
            while !is_over.load(Ordering::Acquire) {
                thread::park();
            }
        }
        (Waiting::Worker { .. }, None) => unreachable!("a worker waits on its own thread"),
    }
    let result = frame.result.into_inner();
    match result.expect("a closure that has ended has a result") {
        Ok(result) => result,
        Err(payload) => resume_unwind(payload),
    }
}

/// # Safety
///
/// The slot holds a pointer to a `Frame<F, R>` that waits for this (L1), and is run once.
unsafe fn run<F, R>(slot: &Slot, id: u32, worker: &Worker)
where
    F: FnOnce(&Worker) -> R + Send,
    R: Send,
{
    // SAFETY: N1.
    let frame = unsafe { slot.read::<*const Frame<F, R>>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: the caller's promise.
    unsafe { begin::<F, R>(frame.cast(), worker) };
}

/// Calls the closure in a frame, and tells whoever waits.
///
/// # Safety
///
/// The pointer is to a `Frame<F, R>` that waits for this (L1), and it is called once.
unsafe fn begin<F, R>(frame: *const (), worker: &Worker)
where
    F: FnOnce(&Worker) -> R + Send,
    R: Send,
{
    // SAFETY: L1.
    let frame = unsafe { &*frame.cast::<Frame<F, R>>() };
    if let Some(waits) = &worker.shared.waits {
        waits.begun(frame.ready, || worker.now_ns());
    }
    // SAFETY: only we touch it.
    let f = unsafe { (*frame.f.get()).take() };
    let f = f.expect("a closure is called once");
    let result = catch_unwind(AssertUnwindSafe(|| f(worker)));
    // SAFETY: only we touch it before the caller is told.
    unsafe { *frame.result.get() = Some(result) };
    frame.waiting.end();
}

impl Waiting {
    /// Tells whoever waits; the last access to the frame.
    fn end(&self) {
        match self {
            Self::Thread { thread, is_over } => {
                let thread = thread.clone();
                // Release: hands the result to the Acquire in `send`.
                is_over.store(true, Ordering::Release);
                thread.unpark();
            }
            Self::Worker { pool, countdown } => {
                // The caller's pool may end as soon as the caller is told.
                let pool = Arc::clone(pool);
                pool.end_elsewhere(countdown);
            }
        }
    }
}

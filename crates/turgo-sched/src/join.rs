//! Forks: two closures of which one may be run by somebody else.
//!
//! After Acar, Charguéraud, Guatto, Rainey and Sieczkowski, "Heartbeat scheduling: provable efficiency for nested parallelism" (PLDI 2018): a fork is an entry in a list
//! on the stack, which costs a few stores, and is made a task only now and then, the oldest first, as that is the largest. Their beat comes from a timer;
//! here a fork looks at a word that says whether anybody has nothing to do, and only then, once in a while, at the clock. So nothing
//! beats where nobody is hungry, and a program that has ended its forks has no heartbeat.
//!
//! # Invariants
//!
//! - **J1** The list holds the forks of the worker's stack that are not promoted, the oldest first; only the worker touches it. A frame takes its own fork off before it
//!   ends; when a frame looks at its fork, all newer ones are gone, so the fork is the newest or was promoted.
//! - **J2** What a fork points to lives until its frame ends, and a frame whose fork was promoted ends after the task has, also when it unwinds.
//! - **J3** A promoted fork is run by whoever takes its number, exactly once; its frame never runs it inline.
//! - **J4** Where frames that wait run nothing but their own, forks that are older than a scope are not promoted before it ends: they would be pushed above the level at which it began (K4), and
//!   it would run them while it waits. A fork or a loop that waits was promoted itself, when its deque was empty and nothing older could be promoted, so it never finds such a one.

use std::cell::Cell;
use std::cell::UnsafeCell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use turgo_machine::mutant;

use crate::arena::Slot;
use crate::pool::{Countdown, Payload, Worker, contain, forget_panic};
use crate::trace::Kind;

mod loops;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

/// The most forks that pass between two looks at the clock.
const STRIDE_MAX: u32 = 32;

/// An entry of the list. It is part of a frame.
pub(crate) struct Fork {
    older: Cell<*const Fork>,
    newer: Cell<*const Fork>,
    /// Gives a part of the fork away; false if there is nothing to give.
    promote: unsafe fn(*const Fork, &Worker) -> bool,
}

/// A worker's list of forks, and when the last one was promoted.
pub(crate) struct Forks {
    /// Before the oldest; in a box, so that forks can point to it.
    #[expect(dead_code, reason = "it keeps what they point to")]
    end: Box<Fork>,
    /// The newest of those that are not promoted for now (J4), or the end.
    held: Cell<*const Fork>,
    newest: Cell<*const Fork>,
    /// Forks that pass without a look at the clock.
    skip: Cell<u32>,
    stride: Cell<u32>,
    looked_ns: Cell<u64>,
    promoted_ns: Cell<u64>,
}

unsafe fn never(_: *const Fork, _: &Worker) -> bool {
    false
}

impl Fork {
    fn new(promote: unsafe fn(*const Fork, &Worker) -> bool) -> Self {
        Self { older: Cell::new(ptr::null()), newer: Cell::new(ptr::null()), promote }
    }
}

impl Forks {
    pub(crate) fn new() -> Self {
        let end = Box::new(Fork::new(never));
        let (held, newest) = (Cell::new(&raw const *end), Cell::new(&raw const *end));
        Self {
            end,
            held,
            newest,
            skip: Cell::new(0),
            stride: Cell::new(1),
            looked_ns: Cell::new(0),
            promoted_ns: Cell::new(0),
        }
    }

    /// Adds the newest.
    ///
    /// # Safety
    ///
    /// The pointer was made of one to the whole frame, so that the frame can be reached by it; the fork stays where it is until it was removed (J2).
    #[inline(always)]
    unsafe fn push(&self, fork: *const Fork) {
        let newest = self.newest.get();
        // SAFETY: the caller's promise.
        unsafe { &*fork }.older.set(newest);
        // SAFETY: J1 and J2, it is in the list.
        unsafe { &*newest }.newer.set(fork);
        self.newest.set(fork);
    }

    /// Removes the fork if it is still in the list: then it is the newest (J1).
    #[inline(always)]
    fn pop(&self, fork: &Fork) -> bool {
        let is_there = ptr::eq(self.newest.get(), fork);
        if is_there {
            self.newest.set(fork.older.get());
        }
        is_there
    }

    /// Removes a fork from wherever it is in the list.
    fn remove(&self, fork: &Fork) {
        let older = fork.older.get();
        if ptr::eq(self.newest.get(), fork) {
            self.newest.set(older);
        } else {
            let newer = fork.newer.get();
            // SAFETY: J1 and J2, the neighbours are in the list.
            unsafe { &*older }.newer.set(newer);
            // SAFETY: as above.
            unsafe { &*newer }.older.set(older);
        }
    }

    /// The forks that may be promoted, the oldest first.
    fn oldest_first(&self) -> impl Iterator<Item = *const Fork> {
        let mut at = self.held.get();
        std::iter::from_fn(move || {
            if ptr::eq(at, self.newest.get()) {
                return None;
            }
            // SAFETY: J1 and J2, it is in the list, as what is held is not promoted (J4), and there is a newer one.
            at = unsafe { &*at }.newer.get();
            Some(at)
        })
    }
}

impl Worker {
    /// Calls `f`, in which no fork is promoted that is there already, where frames that wait run only their own (J4).
    pub(crate) fn hold_forks<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.helps() || mutant!("J4 what is older than a scope is promoted in it") {
            return f();
        }
        let before = self.forks.held.replace(self.forks.newest.get());
        let result = f();
        self.forks.held.set(before);
        result
    }

    /// Gives work away if somebody has nothing to do and it is time.
    #[inline(always)]
    pub(crate) fn beat(&self) {
        if self.is_somebody_hungry() {
            let skip = self.forks.skip.get();
            if skip == 0 {
                self.beat_slow();
            } else {
                self.forks.skip.set(skip - 1);
            }
        }
    }

    #[cold]
    fn beat_slow(&self) {
        let forks = &self.forks;
        let now_ns = self.now_ns();
        let heartbeat_ns = self.shared.heartbeat_ns();
        // As many forks pass unseen as are sure to take much less than a heartbeat.
        let since = now_ns.wrapping_sub(forks.looked_ns.replace(now_ns));
        let stride = forks.stride.get();
        forks.stride.set(if since < heartbeat_ns / 32 {
            (stride * 2).min(STRIDE_MAX)
        } else if since < heartbeat_ns / 8 {
            stride
        } else {
            1
        });
        forks.skip.set(forks.stride.get() - 1);
        let is_early = now_ns.wrapping_sub(forks.promoted_ns.get()) < heartbeat_ns;
        if is_early || self.has_own() {
            return;
        }
        for fork in forks.oldest_first() {
            // SAFETY: J1 and J2, it is in the list.
            let promote = unsafe { (*fork).promote };
            // SAFETY: as above; the function is the fork's.
            if unsafe { promote(fork, self) } {
                forks.promoted_ns.set(now_ns);
                self.tally_promotion();
                return;
            }
        }
    }

    /// Runs `a` here, and `b` here as well or elsewhere at the same time; answers when both have ended. Each gets the worker that runs it.
    ///
    /// A fork that nobody takes costs some two nanoseconds. See [`Pool::join`](crate::Pool::join) for one that needs no worker.
    ///
    /// # Panics
    ///
    /// When both have ended, as one of them did; as `a` did if both panicked. `b` may not have been run if `a` panicked.
    #[inline]
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Worker) -> RA,
        B: FnOnce(&Worker) -> RB + Send,
        RB: Send,
    {
        let frame = Frame {
            fork: Fork::new(promote::<B, RB>),
            b: UnsafeCell::new(ManuallyDrop::new(b)),
            given: UnsafeCell::new(MaybeUninit::uninit()),
        };
        // SAFETY: `Unwinding` or the code behind it removes it before the frame ends.
        unsafe { self.forks.push((&raw const frame).cast()) };
        if cfg!(turgo_without = "fast_path") {
            // SAFETY: it was pushed just now, by a pointer to the whole frame.
            unsafe { promote::<B, RB>((&raw const frame).cast(), self) };
        } else {
            self.beat();
        }
        let unwinding = Unwinding { worker: self, frame: &frame };
        let ra = a(self);
        std::mem::forget(unwinding);
        if self.forks.pop(&frame.fork) {
            // SAFETY: J3, nobody else takes it.
            let b = unsafe { frame.take() };
            return (ra, b(self));
        }
        match frame.wait(self) {
            Ok(rb) => (ra, rb),
            Err(payload) => resume_unwind(payload),
        }
    }
}

/// A fork's place on the stack.
#[repr(C)]
struct Frame<B, RB> {
    fork: Fork,
    b: UnsafeCell<ManuallyDrop<B>>,
    /// Written where the fork is promoted.
    given: UnsafeCell<MaybeUninit<Given<RB>>>,
}

/// What is needed of a fork that was promoted.
struct Given<RB> {
    countdown: Countdown,
    /// The level of the owner's deque below the task.
    level: u32,
    result: UnsafeCell<Option<Result<RB, Payload>>>,
}

impl<B, RB> Frame<B, RB> {
    /// The closure.
    ///
    /// # Safety
    ///
    /// It is taken once (J3).
    #[inline(always)]
    unsafe fn take(&self) -> B {
        // SAFETY: J3, nobody else touches it.
        let b = unsafe { &mut *self.b.get() };
        // SAFETY: J3, once.
        unsafe { ManuallyDrop::take(b) }
    }

    /// What came of a fork that was promoted.
    #[cold]
    fn wait(&self, worker: &Worker) -> Result<RB, Payload> {
        let given = self.given.get().cast::<Given<RB>>();
        // SAFETY: it was promoted, and so this was written, by this thread.
        let shared = unsafe { &*given };
        worker.wait(&shared.countdown, shared.level);
        // SAFETY: the task has ended (J2), and the countdown's Acquire comes after what it wrote.
        let given = unsafe { given.read() };
        given.result.into_inner().expect("a task that has ended has a result")
    }
}

/// Ends a frame whose first half panicked.
struct Unwinding<'a, B, RB> {
    worker: &'a Worker,
    frame: &'a Frame<B, RB>,
}

impl<B, RB> Drop for Unwinding<'_, B, RB> {
    #[cold]
    fn drop(&mut self) {
        if self.worker.forks.pop(&self.frame.fork) {
            // SAFETY: J3, nobody else takes it.
            let b = unsafe { self.frame.take() };
            return contain(|| drop(b));
        }
        if mutant!("J2 a panic does not wait") {
            return;
        }
        match self.frame.wait(self.worker) {
            Ok(result) => contain(|| drop(result)),
            Err(payload) => forget_panic(payload),
        }
    }
}

/// Makes a task of a fork.
///
/// # Safety
///
/// The fork is part of a `Frame<B, RB>`, in the list of this worker.
unsafe fn promote<B, RB>(fork: *const Fork, worker: &Worker) -> bool
where
    B: FnOnce(&Worker) -> RB + Send,
    RB: Send,
{
    let frame = fork.cast::<Frame<B, RB>>();
    // SAFETY: J2, the frame lives.
    let frame = unsafe { &*frame };
    worker.forks.remove(&frame.fork);
    let countdown = Countdown::new(worker.id);
    countdown.begin_own();
    let given = Given { countdown, level: worker.level(), result: UnsafeCell::new(None) };
    // SAFETY: nobody else touches it before it is queued.
    unsafe { (*frame.given.get()).write(given) };
    let (id, slot) = worker.purse.take(&worker.shared.arena);
    // SAFETY: N1, the slot is ours; a pointer fits, and `run_given` reads one.
    unsafe { slot.fill(run_given::<B, RB>, &raw const *frame) };
    worker.trace(Kind::Promote, id);
    worker.push(id);
    true
}

/// Runs a fork that was promoted.
///
/// # Safety
///
/// The slot holds a pointer to a `Frame<B, RB>` that waits for it (J2), and is run once (J3).
unsafe fn run_given<B, RB>(slot: &Slot, id: u32, worker: &Worker)
where
    B: FnOnce(&Worker) -> RB + Send,
    RB: Send,
{
    // SAFETY: N1.
    let frame = unsafe { slot.read::<*const Frame<B, RB>>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: J2, it waits for us.
    let frame = unsafe { &*frame };
    // SAFETY: J3.
    let b = unsafe { frame.take() };
    let result = catch_unwind(AssertUnwindSafe(|| b(worker)));
    // SAFETY: written when it was promoted, and read by its owner after the countdown.
    let given = unsafe { &*frame.given.get() };
    // SAFETY: as above.
    let given = unsafe { given.assume_init_ref() };
    // SAFETY: J3, only we write it, and the owner reads it after the countdown.
    unsafe { *given.result.get() = Some(result) };
    given.countdown.end_as(worker);
}

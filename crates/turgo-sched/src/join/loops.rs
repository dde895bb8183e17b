//! Loops over ranges, of which whoever has nothing to do gets the back half.
//!
//! A loop is a fork that can be promoted again and again: each time the back half of what is left becomes a task, which is a loop of its own. After Tzannes, Caragea, Barua
//! and Vishkin, "Lazy binary-splitting" (PPoPP 2010), with the heartbeat of the module above instead of a look at the deque.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::arena::Slot;
use crate::pool::{Countdown, FirstPanic, Worker};
use crate::trace::Kind;

use super::Fork;

/// Iterations between two looks, where [`PLENTY`] are left.
const BLOCK: usize = 8;

/// Iterations of which a few more or less do not matter.
const PLENTY: usize = 512;

/// What all pieces of a loop share.
struct Whole<'a, F> {
    body: &'a F,
    /// The fewest iterations of a piece.
    grain: usize,
    /// So many times as many are run between two looks, where plenty are left.
    block: usize,
    panic: FirstPanic,
}

/// A piece of a loop on somebody's stack.
#[repr(C)]
struct Piece<'a, F> {
    fork: Fork,
    whole: &'a Whole<'a, F>,
    next: Cell<usize>,
    end: Cell<usize>,
    countdown: Countdown,
}

/// A piece that was given away, in its slot.
struct Given<'a, F> {
    from: *const Piece<'a, F>,
    range: Range<usize>,
}

impl Worker {
    /// Calls `body` once with each number of the range, here and, where others have nothing to do, elsewhere at the same time.
    ///
    /// Nothing is split before somebody has nothing to do, so there is no number of pieces to choose. [`Knobs::grain`](crate::policy::Knobs) is the fewest
    /// iterations that are given away.
    ///
    /// # Panics
    ///
    /// When all that were begun have ended, as the first that panicked did. Iterations that were not begun by then may be left out.
    pub fn parallel_for<F: Fn(usize) + Sync>(&self, range: Range<usize>, body: F) {
        let grain = self.shared.knobs().grain.max(1) as usize;
        self.parallel(range, grain, BLOCK, |chunk, _: &Worker| chunk.for_each(&body));
    }

    /// As [`parallel_for`](Self::parallel_for), with up to `chunk` numbers at a time, so that the body's own loop runs at full speed.
    ///
    /// # Panics
    ///
    /// As `parallel_for`, and where `chunk` is 0.
    pub fn parallel_for_chunks<F>(&self, range: Range<usize>, chunk: usize, body: F)
    where
        F: Fn(Range<usize>, &Worker) + Sync,
    {
        assert!(chunk > 0, "a chunk of nothing never ends");
        self.parallel(range, chunk, 1, body);
    }

    #[inline]
    fn parallel<F>(&self, range: Range<usize>, grain: usize, block: usize, body: F)
    where
        F: Fn(Range<usize>, &Worker) + Sync,
    {
        let whole = Whole { body: &body, grain, block, panic: FirstPanic::new() };
        run(&whole, range, self);
        whole.panic.throw();
    }
}

/// Runs a piece, and waits for those that were cut off it.
fn run<F>(whole: &Whole<'_, F>, range: Range<usize>, worker: &Worker)
where
    F: Fn(Range<usize>, &Worker) + Sync,
{
    if range.is_empty() || whole.panic.is_some() {
        return;
    }
    let piece = Piece {
        fork: Fork::new(promote::<F>),
        whole,
        next: Cell::new(range.start),
        end: Cell::new(range.end),
        countdown: Countdown::new(worker.id),
    };
    let level = worker.level();
    // SAFETY: removed below, before the frame ends.
    unsafe { worker.forks.push((&raw const piece).cast()) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| piece.iterate(worker))) {
        whole.panic.keep(payload);
    }
    let is_there = worker.forks.pop(&piece.fork);
    debug_assert!(is_there, "J1: a loop stays in the list");
    if !piece.countdown.is_over() {
        worker.wait(&piece.countdown, level);
    }
}

impl<F> Piece<'_, F>
where
    F: Fn(Range<usize>, &Worker) + Sync,
{
    #[inline(always)]
    fn iterate(&self, worker: &Worker) {
        let Whole { body, grain, block, .. } = *self.whole;
        loop {
            let (next, end) = (self.next.get(), self.end.get());
            if next >= end {
                return;
            }
            // A look costs about as much as a short iteration; where few are left, each may be long.
            let step = if end - next >= PLENTY { grain.saturating_mul(block) } else { grain };
            let stop = end.min(next.saturating_add(step));
            // Before the beat, so that every piece makes progress, however often it is cut.
            self.next.set(stop);
            worker.beat();
            body(next..stop, worker);
        }
    }
}

/// Cuts the back half off a piece.
///
/// # Safety
///
/// The fork is part of a `Piece<F>`, in the list of this worker.
unsafe fn promote<F>(fork: *const Fork, worker: &Worker) -> bool
where
    F: Fn(Range<usize>, &Worker) + Sync,
{
    let from = fork.cast::<Piece<'_, F>>();
    // SAFETY: J2, the frame lives.
    let piece = unsafe { &*from };
    let (next, end) = (piece.next.get(), piece.end.get());
    let left = end.saturating_sub(next);
    if left < piece.whole.grain || piece.whole.panic.is_some() {
        return false;
    }
    let middle = next + left / 2;
    piece.end.set(middle);
    piece.countdown.begin_own();
    let (id, slot) = worker.purse.take(&worker.shared.arena);
    // SAFETY: N1, the slot is ours; three words fit, and `run_given` reads them.
    unsafe { slot.fill(run_given::<F>, Given { from, range: middle..end }) };
    worker.trace(Kind::Promote, id);
    worker.push(id);
    true
}

/// Runs a piece that was cut off.
///
/// # Safety
///
/// The slot holds a `Given<F>` whose piece waits for it (J2), and is run once (J3).
unsafe fn run_given<F>(slot: &Slot, id: u32, worker: &Worker)
where
    F: Fn(Range<usize>, &Worker) + Sync,
{
    // SAFETY: N1.
    let given = unsafe { slot.read::<Given<'_, F>>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: J2, it waits for us.
    let from = unsafe { &*given.from };
    run(from.whole, given.range, worker);
    from.countdown.end_as(worker);
}

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

/// Between two looks grains are run for at least this time, where enough are left, and for less than the other: a look with its clock costs some 40 ns, and whoever has nothing to do waits for it.
const LOOK_NS: u64 = 2_000;
const LOOK_LATE_NS: u64 = 8_000;

/// The most grains between two looks.
const BLOCK_MAX: usize = 1_024;

/// The share of what is left that is run without a look: the next iteration may be longer than all before it.
const SHARE: usize = 64;

/// What all pieces of a loop share.
struct Whole<'a, F, C> {
    body: &'a F,
    /// Calls the body. It gets it as an argument, and not as a part of itself: what an argument refers to is known not to change meanwhile, so the body's captures are read once for each
    /// block and not in each iteration.
    call: C,
    /// The fewest iterations of a piece.
    grain: usize,
    /// The most grains between two looks.
    block_max: usize,
    panic: FirstPanic,
}

/// A piece of a loop on somebody's stack.
#[repr(C)]
struct Piece<'a, F, C> {
    fork: Fork,
    whole: &'a Whole<'a, F, C>,
    next: Cell<usize>,
    end: Cell<usize>,
    countdown: Countdown,
}

/// A piece that was given away, in its slot.
struct Given<'a, F, C> {
    from: *const Piece<'a, F, C>,
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
        self.parallel_for_by_ref(range, &body);
    }

    /// As [`parallel_for`](Self::parallel_for).
    #[inline]
    pub(crate) fn parallel_for_by_ref<F: Fn(usize) + Sync>(&self, range: Range<usize>, body: &F) {
        let grain = self.shared.knobs().grain.max(1) as usize;
        let each = |body: &F, block: Range<usize>, _: &Worker| block.for_each(body);
        self.parallel(range, grain, BLOCK_MAX, body, each);
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
        self.parallel(range, chunk, 1, &body, |body, chunk, worker| body(chunk, worker));
    }

    #[inline]
    fn parallel<F, C>(&self, range: Range<usize>, grain: usize, block_max: usize, body: &F, call: C)
    where
        F: Sync,
        C: Fn(&F, Range<usize>, &Worker) + Sync,
    {
        let whole = Whole { body, call, grain, block_max, panic: FirstPanic::new() };
        run(&whole, range, self);
        whole.panic.throw();
    }
}

/// Runs a piece, and waits for those that were cut off it.
fn run<F, C>(whole: &Whole<'_, F, C>, range: Range<usize>, worker: &Worker)
where
    F: Sync,
    C: Fn(&F, Range<usize>, &Worker) + Sync,
{
    if range.is_empty() || whole.panic.is_some() {
        return;
    }
    let piece = Piece {
        fork: Fork::new(promote::<F, C>),
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

impl<F, C> Piece<'_, F, C>
where
    F: Sync,
    C: Fn(&F, Range<usize>, &Worker) + Sync,
{
    #[inline(always)]
    fn iterate(&self, worker: &Worker) {
        let Whole { body, ref call, grain, block_max, .. } = *self.whole;
        let share = grain.saturating_mul(SHARE);
        let (mut block, mut then_ns) = (1usize, worker.now_ns());
        loop {
            let (next, end) = (self.next.get(), self.end.get());
            if next >= end {
                return;
            }
            let left = end - next;
            while block > 1 && block.saturating_mul(share) > left {
                block /= 2;
            }
            let stop = end.min(next.saturating_add(grain.saturating_mul(block)));
            // Before the beat, so that every piece makes progress, however often it is cut.
            self.next.set(stop);
            worker.beat();
            call(body, next..stop, worker);
            if block_max > 1 && left / 2 >= share {
                let now_ns = worker.now_ns();
                let took_ns = now_ns.wrapping_sub(then_ns);
                block = match took_ns {
                    ..LOOK_NS => (block * 2).min(block_max),
                    LOOK_NS..LOOK_LATE_NS => block,
                    LOOK_LATE_NS.. => block.div_ceil(2),
                };
                then_ns = now_ns;
            }
        }
    }
}

/// Cuts the back half off a piece.
///
/// # Safety
///
/// The fork is part of a `Piece<F, C>`, in the list of this worker.
unsafe fn promote<F, C>(fork: *const Fork, worker: &Worker) -> bool
where
    F: Sync,
    C: Fn(&F, Range<usize>, &Worker) + Sync,
{
    let from = fork.cast::<Piece<'_, F, C>>();
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
    unsafe { slot.fill(run_given::<F, C>, Given { from, range: middle..end }) };
    worker.trace(Kind::Promote, id);
    worker.push(id);
    true
}

/// Runs a piece that was cut off.
///
/// # Safety
///
/// The slot holds a `Given<F, C>` whose piece waits for it (J2), and is run once (J3).
unsafe fn run_given<F, C>(slot: &Slot, id: u32, worker: &Worker)
where
    F: Sync,
    C: Fn(&F, Range<usize>, &Worker) + Sync,
{
    // SAFETY: N1.
    let given = unsafe { slot.read::<Given<'_, F, C>>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: J2, it waits for us.
    let from = unsafe { &*given.from };
    run(from.whole, given.range, worker);
    from.countdown.end_as(worker);
}

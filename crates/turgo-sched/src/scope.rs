//! Closures that may borrow from the frame that waits for them.
//!
//! # Invariants
//!
//! - **O1** A scope's frame ends after all that was spawned in it, also when its body panics: so spawned closures may borrow what outlives the scope.
//! - **O2** A closure that runs may spawn into its scope, because it is counted itself until it has ended.
//! - **O3** A panic in a closure is kept until all have ended; then the first one goes on in the frame.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use turgo_machine::mutant;

use crate::arena::Slot;
use crate::pool::{Class, Countdown, FirstPanic, Shared, Worker, current};

/// Where closures are spawned that may borrow whatever outlives `'scope`.
///
/// ```compile_fail,E0597
/// # let pool = turgo_sched::Pool::builder(&turgo_machine::topology::Topology::simulate("1x2").unwrap()).build().unwrap();
/// pool.scope(|scope| {
///     let number = 7;
///     scope.spawn(|_| assert_eq!(number, 7)); // `number` does not outlive the scope
/// });
/// ```
///
/// Spawning is wait-free but where the deque or the arena grows, and allocates nothing for closures of up to 40 bytes once the arena is warm.
pub struct Scope<'scope> {
    countdown: Countdown,
    panic: FirstPanic,
    shared: Arc<Shared>,
    owner: *const Worker,
    /// Invariant in `'scope`: no shorter one may be taken for it.
    lifetime: PhantomData<fn(&'scope ()) -> &'scope ()>,
}

// SAFETY: `owner` is only compared. The rest is shared by atomics; the countdown's own part is for the owner's thread, which `spawn` and `run` ask for.
unsafe impl Sync for Scope<'_> {}
// SAFETY: as above.
unsafe impl Send for Scope<'_> {}

/// A closure in its slot, and where it was spawned.
struct Spawned<F> {
    scope: *const (),
    f: F,
}

impl Worker {
    /// Calls `f` with a scope, runs what is spawned there, here and elsewhere, and answers when all of it has ended.
    ///
    /// # Panics
    ///
    /// When all has ended: as `f` did, or else as the first closure that panicked.
    pub fn scope<'scope, R>(&self, f: impl FnOnce(&Scope<'scope>) -> R) -> R {
        let scope = Scope {
            countdown: Countdown::new(self.id),
            panic: FirstPanic::new(),
            shared: Arc::clone(&self.shared),
            owner: self,
            lifetime: PhantomData,
        };
        let level = self.level();
        let result = self.hold_forks(|| {
            let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
            if !mutant!("O1 a scope does not wait") {
                self.wait(&scope.countdown, level);
            }
            result
        });
        match result {
            Ok(result) => {
                scope.panic.throw();
                result
            }
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
}

impl<'scope> Scope<'scope> {
    /// Runs `f` on some worker of the pool before the scope ends.
    #[inline]
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        current::with(|worker| match worker {
            Some(worker) if ptr::eq(worker, self.owner) => {
                self.countdown.begin_own();
                self.spawn_on(worker, f);
            }
            Some(worker) if worker.is_of(&self.shared) => {
                self.countdown.begin();
                self.spawn_on(worker, f);
            }
            _ => self.spawn_outside(f),
        });
    }

    /// As [`spawn`](Self::spawn) for each of many closures, of which others are told once, when all are queued.
    ///
    /// If the iterator panics, what it gave until then still runs, if by nobody else then by this worker.
    ///
    /// ```
    /// # let pool = turgo_sched::Pool::builder(&turgo_machine::topology::Topology::simulate("1x2")?).build()?;
    /// let mut squares = [0; 8];
    /// pool.scope(|scope| {
    ///     scope.spawn_all((0..).zip(&mut squares).map(|(n, square)| move |_: &_| *square = n * n));
    /// });
    /// assert_eq!(squares[7], 49);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_all<F>(&self, closures: impl IntoIterator<Item = F>)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        let closures = closures.into_iter();
        current::with(|worker| match worker {
            Some(worker) if ptr::eq(worker, self.owner) => worker.push_all(closures.map(|f| {
                self.countdown.begin_own();
                self.number(worker, f)
            })),
            Some(worker) if worker.is_of(&self.shared) => worker.push_all(closures.map(|f| {
                self.countdown.begin();
                self.number(worker, f)
            })),
            _ => closures.for_each(|f| self.spawn_outside(f)),
        });
    }

    #[inline(always)]
    fn spawn_on<F>(&self, worker: &Worker, f: F)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        worker.push(self.number(worker, f));
    }

    /// The number of a closure that is ready to be queued.
    #[inline(always)]
    fn number<F>(&self, worker: &Worker, f: F) -> u32
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        let (id, slot) = worker.purse.take(&worker.shared.arena);
        self.fill(slot, f);
        id
    }

    #[cold]
    fn spawn_outside<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        self.countdown.begin();
        let (id, slot) = self.shared.arena.take_outside();
        self.fill(slot, f);
        self.shared.inject(self.shared.layout.node(self.countdown.owner()), Class::Normal, id);
    }

    /// Puts a closure into a slot that was just taken.
    #[inline(always)]
    fn fill<F>(&self, slot: &Slot, f: F)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        let scope = (&raw const *self).cast();
        if const { Slot::fits::<Spawned<F>>() } {
            // SAFETY: N1, the slot is ours; it fits, and `run_inline` reads it.
            unsafe { slot.fill(run_inline::<F>, Spawned { scope, f }) };
        } else {
            let boxed = Box::new(Spawned { scope, f });
            // SAFETY: as above; `run_boxed` reads the box.
            unsafe { slot.fill(run_boxed::<F>, boxed) };
        }
    }
}

/// Runs a closure that is in its slot.
///
/// # Safety
///
/// The slot holds a `Spawned<F>` whose scope waits for it, and is run once.
unsafe fn run_inline<'scope, F>(slot: &Slot, id: u32, worker: &Worker)
where
    F: FnOnce(&Scope<'scope>) + Send + 'scope,
{
    // SAFETY: N1.
    let spawned = unsafe { slot.read::<Spawned<F>>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: the caller's promise.
    unsafe { run(spawned, worker) };
}

/// Runs a closure that is in a box.
///
/// # Safety
///
/// The slot holds a box of a `Spawned<F>` whose scope waits for it, and is run once.
unsafe fn run_boxed<'scope, F>(slot: &Slot, id: u32, worker: &Worker)
where
    F: FnOnce(&Scope<'scope>) + Send + 'scope,
{
    // SAFETY: N1.
    let spawned = unsafe { slot.read::<Box<Spawned<F>>>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: the caller's promise.
    unsafe { run(*spawned, worker) };
}

/// # Safety
///
/// The scope waits for this closure (O1).
#[inline(always)]
unsafe fn run<'scope, F>(spawned: Spawned<F>, worker: &Worker)
where
    F: FnOnce(&Scope<'scope>) + Send + 'scope,
{
    // SAFETY: O1, the scope lives until we have ended.
    let scope = unsafe { &*spawned.scope.cast::<Scope<'scope>>() };
    let f = spawned.f;
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| f(scope)))
        && !mutant!("O3 a panic is forgotten")
    {
        scope.panic.keep(payload);
    }
    scope.countdown.end_as(worker);
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Scope { .. }")
    }
}

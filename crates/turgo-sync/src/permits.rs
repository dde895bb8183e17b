//! Permits: a number in a word, taken and given back, and those who wait for some. Semaphores, mutexes and read-write locks stand on it.
//!
//! # Invariants
//!
//! - **P1** Where the list is let go under [`Fifo`](crate::Fifo), the word has no permits or nobody waits. What a holder has to give in order is out of
//!   the word.
//! - **P2** Where the list is let go under [`Barging`](crate::Barging) and somebody waits, nobody is on the way, and order is not called for, the word has
//!   fewer permits than the first in the queue needs. So a permit never lies there unseen.
//! - **P3** *Waking* is in the word before the one who is told to try can know; he alone takes it out, once, in the exchange that takes permits or
//!   queues him again, or when he is dropped. So at most one is on the way, and one who is dropped passes the word on. A deposit that takes the
//!   list puts it there with the same exchange, as a promise to the first in the list, and takes it back if that one is not told.
//! - **P4** While somebody waits under `Fifo`, permits in the word are nobody's but theirs.
//! - **P5** Under `Barging` those who wait are overtaken at most `OVERTAKES_MAX` times before one of them is served.
//! - **P6** What was assigned to somebody who does not take it goes back, in part or as a whole.
//! - **P7** When the word says closed nobody is queued, or somebody is on the way to send them off.

mod take;
mod word;

use core::fmt;
use core::marker::PhantomData;

use turgo_machine::mutant;

use crate::access::Access;
#[cfg(not(any(loom, shuttle)))]
use crate::access::{Local, Shared};
use crate::fairness::Fairness;
use crate::queue::{Deposit, Discipline, Held, Queue, Settled, Stage, State};
pub(crate) use take::Take;
pub(crate) use word::PERMITS_MAX;
use word::Permitted;

/// Why permits were not taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// For good.
    Closed,
    /// There are too few, or others wait.
    Short,
}

/// Permits in the order of `F`.
pub(crate) struct Permits<F: Fairness, A: Access> {
    queue: Queue<Rules<F>, A>,
}

/// The discipline of permits: the pool is permits, and what a node needs is how many it still lacks.
pub(crate) struct Rules<F>(PhantomData<F>);

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<F: Fairness> Permits<F, $access> {
            /// So many permits, for statics.
            #[track_caller]
            pub(crate) const fn const_new(permits: u64) -> Self {
                assert!(permits <= PERMITS_MAX, "more permits than MAX_PERMITS");
                Self {
                    queue: Queue::<Rules<F>, $access>::const_new(Permitted::payload_of(permits)),
                }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(Local);

impl<F: Fairness, A: Access> Permits<F, A> {
    /// So many permits.
    ///
    /// # Panics
    ///
    /// If there are more than [`PERMITS_MAX`].
    #[inline]
    #[track_caller]
    pub(crate) fn new(permits: u64) -> Self {
        assert!(permits <= PERMITS_MAX, "more permits than MAX_PERMITS");
        Self { queue: Queue::new(Permitted::payload_of(permits)) }
    }

    /// How many are there for the taking.
    pub(crate) fn available(&self) -> u64 {
        Permitted::of(self.queue.state()).permits()
    }

    /// Takes so many if they are there and nobody has a better claim. Lock-free.
    #[inline(always)]
    pub(crate) fn try_take(&self, count: u64) -> Result<(), Refused> {
        let now = Permitted::of(self.queue.state());
        match now.transition_to_taken_alone(count) {
            Some(next) if self.queue.exchange(now.state(), next.state()) => Ok(()),
            _ => self.try_take_in_passing(count),
        }
    }

    /// The same where somebody waits, or comes in between.
    #[cold]
    #[inline(never)]
    fn try_take_in_passing(&self, count: u64) -> Result<(), Refused> {
        loop {
            let now = Permitted::of(self.queue.state());
            if now.is_closed() {
                return Err(Refused::Closed);
            }
            let Some(next) = now.transition_to_taken::<F>(count) else {
                return Err(Refused::Short);
            };
            if self.queue.exchange(now.state(), next.state()) {
                return Ok(());
            }
        }
    }

    /// [`try_take`](Self::try_take) of a single permit, where there is never more than that. The words are compared with constants, so that whoever
    /// takes and gives again and again need not wait for his own stores.
    #[inline(always)]
    pub(crate) fn try_take_single(&self) -> Result<(), Refused> {
        let now = self.queue.state();
        if now == Permitted::ONE.state() && self.queue.exchange(now, Permitted::NONE.state()) {
            return Ok(());
        }
        self.try_take_in_passing(1)
    }

    /// Gives back what [`try_take_single`](Self::try_take_single) took.
    #[inline(always)]
    pub(crate) fn give_single(&self) {
        let now = self.queue.state();
        if now == Permitted::NONE.state() && self.queue.exchange(now, Permitted::ONE.state()) {
            return;
        }
        self.give_to_those_who_wait(1);
    }

    /// Waits for so many.
    #[inline(always)]
    pub(crate) fn take(&self, count: u64) -> Take<'_, F, A> {
        Take::new(self, count)
    }

    /// Waits for a single permit, where there is never more than that.
    #[inline(always)]
    pub(crate) fn take_single(&self) -> Take<'_, F, A, true> {
        Take::new(self, 1)
    }

    /// Gives so many back, or adds them. Never waits.
    ///
    /// # Panics
    ///
    /// If that makes more than [`PERMITS_MAX`].
    #[inline(always)]
    pub(crate) fn give(&self, count: u64) {
        if count > 0 {
            let now = Permitted::of(self.queue.state());
            match now.transition_to_given_alone(count) {
                Some(next) if self.queue.exchange(now.state(), next.state()) => {}
                _ => self.give_to_those_who_wait(count),
            }
        }
    }

    /// The same where somebody waits, or comes in between.
    #[cold]
    #[inline(never)]
    fn give_to_those_who_wait(&self, count: u64) {
        self.queue.deposit(count);
    }

    /// Takes away up to so many of those that are there, and says how many. Lock-free.
    pub(crate) fn forget(&self, count: u64) -> u64 {
        loop {
            let now = Permitted::of(self.queue.state());
            let fewer = now.permits().min(count);
            if self.queue.exchange(now.state(), now.transition_to_fewer(fewer).state()) {
                return fewer;
            }
        }
    }

    /// No more are given out, and all who wait are told so.
    pub(crate) fn close(&self) {
        loop {
            let now = Permitted::of(self.queue.state());
            if now.is_closed() {
                return;
            }
            let next = now.transition_to_closed().state();
            let look = !mutant!("P7 closed and nobody told");
            if self.queue.exchange_and_settle(now.state(), next, look) {
                return;
            }
        }
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        Permitted::of(self.queue.state()).is_closed()
    }

    /// Whether the list is held at this moment.
    #[cfg(test)]
    pub(crate) fn is_held(&self) -> bool {
        self.queue.state().is_locked()
    }

    /// Whether somebody may be queued. Says so of everybody who is, also while the list is held (Q8).
    pub(crate) fn may_have_waiters(&self) -> bool {
        self.queue.state().has_waiters()
    }

    /// Whether somebody is queued or on the way, as far as the word says.
    #[cfg(test)]
    pub(crate) fn has_waiters(&self) -> bool {
        let now = Permitted::of(self.queue.state());
        now.state().has_waiters() || now.is_waking()
    }
}

impl<F: Fairness> Discipline for Rules<F> {
    #[inline(always)]
    fn deposit(state: State, pool: u64) -> Deposit {
        let now = Permitted::of(state);
        let more = now.transition_to_more(pool);
        assert!(
            more.permits() - now.permits() == pool,
            "number of added permits ({pool}) would overflow MAX_PERMITS ({PERMITS_MAX})"
        );
        let left_to_somebody = state.is_locked()
            || !state.has_waiters()
            || (now.is_waking() && F::OVERTAKES_MAX.is_some() && !now.is_closed());
        if left_to_somebody {
            Deposit { next: more.state(), private: None }
        } else if F::OVERTAKES_MAX.is_some() || mutant!("P4 taken while others wait") {
            Deposit { next: more.state().transition_to_locked(), private: Some(0) }
        } else {
            // P1 and P4: it does not go through the word.
            Deposit { next: state.transition_to_locked(), private: Some(pool) }
        }
    }

    #[inline(always)]
    fn at_rest(state: State, empty: bool) -> Option<State> {
        let now = Permitted::of(state);
        let unsettled = now.permits() > 0 && !mutant!("P1 let go without a look");
        if unsettled || now.is_closed() {
            return None;
        }
        Some(if empty && !now.is_waking() { now.transition_to_served().state() } else { state })
    }

    #[inline(always)]
    fn transition_to_promised(deposited: State) -> State {
        let now = Permitted::of(deposited);
        // P3: somebody else may be on the way where it is closed.
        if now.is_in_order::<F>() || now.is_closed() {
            return deposited;
        }
        now.transition_to_waking().state()
    }

    #[inline(always)]
    fn transition_to_unpromised(promised: State) -> State {
        Permitted::of(promised).transition_to_woken().state()
    }

    #[inline(always)]
    fn serve(state: State, pool: u64, need: u64) -> Option<Stage> {
        let now = Permitted::of(state);
        let planted = mutant!("P2 nobody is told") || mutant!("P3 told before the word says so");
        if now.is_closed() || planted {
            None
        } else if F::OVERTAKES_MAX.is_none() {
            (pool == need && now.permits() == 0).then_some(Stage::Granted)
        } else {
            // One who was overtaken often enough is served as a whole, which `settle` does.
            (!now.is_in_order::<F>() && now.permits() >= need).then_some(Stage::Notified)
        }
    }

    fn settle<A: Access>(held: &mut Held<'_, Self, A>, state: State) -> Settled {
        let now = Permitted::of(state);
        if now.is_closed() {
            return settle_closed(held, now);
        }
        let Some(need) = held.front() else {
            let next = now.transition_to_more(held.pool);
            let next = if now.is_waking() { next } else { next.transition_to_served() };
            return leave(next);
        };
        match F::OVERTAKES_MAX {
            None => settle_in_order(held, now),
            Some(_) if now.is_waking() => leave(now.transition_to_more(held.pool)),
            Some(_) if now.is_in_order::<F>() => settle_overtaken(held, now, need),
            Some(_) => settle_barging(held, now, need),
        }
    }
}

fn leave(next: Permitted) -> Settled {
    Settled::Leave { next: next.state(), rest: None }
}

/// Everybody goes.
fn settle_closed<D: Discipline, A: Access>(held: &mut Held<'_, D, A>, now: Permitted) -> Settled {
    while held.front().is_some() {
        if held.is_full() {
            return Settled::Leave { next: now.state(), rest: Some(held.pool) };
        }
        held.finish_front(Stage::Released);
    }
    leave(now.transition_to_more(held.pool))
}

/// Takes what the word has into the holder's hands.
fn collect<D: Discipline, A: Access>(held: &mut Held<'_, D, A>, now: Permitted) -> Settled {
    let permits = now.permits();
    if held.exchange(now.state(), now.transition_to_fewer(permits).state()) {
        held.pool += permits;
    }
    Settled::Again
}

/// Strict order: the first gets all there is until it has what it needs.
fn settle_in_order<D: Discipline, A: Access>(held: &mut Held<'_, D, A>, now: Permitted) -> Settled {
    if now.permits() > 0 && !mutant!("P1 permits left in the word") {
        return collect(held, now);
    }
    while held.pool > 0
        && let Some(need) = held.front()
    {
        if held.is_full() {
            return Settled::Leave { next: now.state(), rest: Some(held.pool) };
        }
        assign(held, need);
    }
    leave(now.transition_to_more(held.pool))
}

/// Gives the first what it needs, or as much of it as there is.
fn assign<D: Discipline, A: Access>(held: &mut Held<'_, D, A>, need: u64) {
    if need <= held.pool {
        held.pool -= need;
        held.finish_front(Stage::Granted);
    } else {
        held.set_front(need - held.pool);
        held.pool = 0;
    }
}

/// Overtaken often enough: the first is served before anybody else.
fn settle_overtaken<D: Discipline, A: Access>(
    held: &mut Held<'_, D, A>,
    now: Permitted,
    need: u64,
) -> Settled {
    if now.permits() > 0 {
        return collect(held, now);
    }
    if held.pool < need {
        assign(held, need);
        return leave(now);
    }
    if held.is_full() {
        return Settled::Leave { next: now.state(), rest: Some(held.pool) };
    }
    // The count starts again before the one who is served can know it.
    if held.exchange(now.state(), now.transition_to_served().state()) {
        assign(held, need);
    }
    Settled::Again
}

/// The first is told to try, if there is enough for it.
fn settle_barging<D: Discipline, A: Access>(
    held: &mut Held<'_, D, A>,
    now: Permitted,
    need: u64,
) -> Settled {
    let next = now.transition_to_more(held.pool);
    if next.permits() < need || mutant!("P2 nobody is told") {
        return leave(next);
    }
    if held.is_full() {
        return Settled::Leave { next: now.state(), rest: Some(held.pool) };
    }
    if mutant!("P3 told before the word says so") {
        held.finish_front(Stage::Notified);
        let mut now = now;
        while !held.exchange(now.state(), now.transition_to_waking().state()) {
            now = Permitted::of(held.state());
        }
        return Settled::Again;
    }
    // P3.
    if held.exchange(now.state(), next.transition_to_waking().state()) {
        held.pool = 0;
        held.finish_front(Stage::Notified);
    }
    Settled::Again
}

impl<F: Fairness, A: Access> fmt::Debug for Permits<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = Permitted::of(self.queue.state());
        f.debug_struct("Permits")
            .field("permits", &now.permits())
            .field("closed", &now.is_closed())
            .finish()
    }
}

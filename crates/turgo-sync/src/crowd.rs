//! A crowd: those who wait, woken one by one in the order of coming, or all together. Wakes that meet nobody are lost. A queue of waiters and a
//! condition variable stand on it.
//!
//! # Invariants
//!
//! - **K1** A node's number is the generation in which its wait began. Where the list is let go, every node in it is of the word's generation, or
//!   somebody is on the way to release it: a holder with more to wake than fits, or its owner.
//! - **K2** Every wake exchanges the word, also where nobody waits. So of a wake and a wait one comes after the other: the wake meets the wait, or what
//!   was done before the wake is seen by who looks after he was queued.
//! - **K3** A wake for one that was given to a wait which is dropped goes to the next.
//! - **K4** The word counts those whose queueing it has seen, less those who were finished or have left.

mod word;

use core::task::{Context, Poll};

use turgo_machine::mutant;

use crate::access::Access;
use crate::queue::{Deposit, Discipline, Held, Node, Phase, Queue, Queued, Settled, Stage, State};
use word::Crowded;

/// In a pool: one who does not wait any more and is to be taken out of the count. Below it are how many are to be woken.
const GONE: u64 = 1 << 32;

const fn gone(pool: u64) -> u64 {
    pool / GONE
}

const fn wakes(pool: u64) -> u64 {
    pool % GONE
}

/// The discipline of crowds: the pool is how many are to be woken and how many have gone, a node's number is its generation.
pub(crate) struct Rules;

/// Those who wait.
pub(crate) struct Crowd<A: Access> {
    queue: Queue<Rules, A>,
}

/// A wait, without what it waits at.
pub(crate) struct Wait<A: Access> {
    generation: u64,
    node: Node<A>,
}

impl<A: Access> Crowd<A> {
    pub(crate) fn new() -> Self {
        Self { queue: Queue::new(0) }
    }

    /// A wait that begins now: [`wake_all`](Self::wake_all) from here on ends it, even if it was never queued.
    pub(crate) fn wait(&self) -> Wait<A> {
        let generation = Crowded::of(self.queue.state()).generation();
        Wait { generation, node: Node::new(generation) }
    }

    /// Wakes the one who waits longest, if somebody does. Never waits.
    #[inline]
    pub(crate) fn wake_one(&self) {
        if mutant!("K2 only looked at") && !self.queue.state().has_waiters() {
            return;
        }
        self.queue.deposit(1);
    }

    /// Wakes all who wait. Never waits.
    #[inline]
    pub(crate) fn wake_all(&self) {
        loop {
            let now = Crowded::of(self.queue.state());
            let next = now.transition_to_next_generation().state();
            if self.queue.exchange_and_settle(now.state(), next, true) {
                return;
            }
        }
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        Crowded::of(self.queue.state()).count() as usize
    }

    /// Whether somebody is queued, as far as the word says.
    #[cfg(test)]
    pub(crate) fn has_waiters(&self) -> bool {
        self.queue.state().has_waiters()
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Crowd<$access> {
            /// The same as [`new`](Self::new), for statics.
            pub(crate) const fn const_new() -> Self {
                Self { queue: Queue::<Rules, $access>::const_new(0) }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> Wait<A> {
    /// Whether it was queued before.
    #[inline]
    pub(crate) fn is_queued(&self) -> bool {
        self.node.phase() != Phase::New
    }

    /// Whether it is over because of a wake for one.
    #[inline]
    pub(crate) fn was_told_alone(&self) -> bool {
        self.node.phase() == Phase::Done && self.node.stage() == Stage::Granted
    }

    /// Queues it.
    ///
    /// # Safety
    ///
    /// It was not queued before, stays where it is, and [`end`](Self::end) is called with the same `crowd` before it is freed.
    pub(crate) unsafe fn begin(&self, crowd: &Crowd<A>, context: Option<&Context<'_>>) {
        // Q7: cloned while nobody else knows the node.
        self.node.arm(context.map(|context| context.waker().clone()));
        // Also where the generation has ended: the owner looks afterwards.
        let count = |state, _| Some(Crowded::of(state).transition_to_one_more().state());
        // Set first: if a waker panics the node may be queued already.
        self.node.set_phase(Phase::Queued);
        // SAFETY: the caller's promise.
        let queued = unsafe { crowd.queue.enqueue(&self.node, count) };
        debug_assert!(queued != Queued::No, "`count` refuses nobody");
    }

    /// What became of it since it was queued.
    pub(crate) fn look(&self, crowd: &Crowd<A>, context: Option<&Context<'_>>) -> Poll<()> {
        if self.node.phase() == Phase::Done || self.node.stage() != Stage::Waiting {
            return self.done();
        }
        if self.generation != Crowded::of(crowd.queue.state()).generation() {
            // All were woken, though nobody has come to this node yet.
            self.node.set_phase(Phase::Done);
            crowd.queue.withdraw(&self.node, |_| GONE);
            return Poll::Ready(());
        }
        let Some(context) = context else { return Poll::Pending };
        if !self.node.wakes(context.waker()) {
            crowd.queue.rearm(&self.node, context.waker());
            if self.node.stage() != Stage::Waiting {
                return self.done();
            }
        }
        Poll::Pending
    }

    fn done(&self) -> Poll<()> {
        self.node.end();
        Poll::Ready(())
    }

    /// It is over, in whichever way.
    #[inline]
    pub(crate) fn end(&self, crowd: &Crowd<A>) {
        if self.node.phase() == Phase::Queued {
            self.cancel(crowd);
        }
    }

    #[cold]
    fn cancel(&self, crowd: &Crowd<A>) {
        self.node.set_phase(Phase::Done);
        let stage = match self.node.stage() {
            Stage::Waiting if mutant!("K4 who leaves is counted") => {
                crowd.queue.withdraw(&self.node, |_| 0)
            }
            Stage::Waiting => crowd.queue.withdraw(&self.node, |_| GONE),
            stage => stage,
        };
        if stage == Stage::Granted && !mutant!("K3 what one was told is lost") {
            crowd.wake_one();
        }
    }
}

impl Discipline for Rules {
    #[inline(always)]
    fn deposit(state: State, pool: u64) -> Deposit {
        let now = Crowded::of(state).transition_to_fewer(gone(pool));
        if !state.has_waiters() {
            Deposit { next: now.state(), private: None }
        } else if state.is_locked() {
            Deposit { next: now.transition_to_more_wakes(wakes(pool)).state(), private: None }
        } else {
            let next = now.state().transition_to_locked();
            Deposit { next, private: Some(wakes(pool)) }
        }
    }

    #[inline(always)]
    fn at_rest(state: State, _empty: bool) -> Option<State> {
        (Crowded::of(state).wakes() == 0).then_some(state)
    }

    /// Who is woken is to be taken out of the count, which a holder does.
    #[inline(always)]
    fn serve(_state: State, _pool: u64, _need: u64) -> Option<Stage> {
        None
    }

    fn settle<A: Access>(held: &mut Held<'_, Self, A>, state: State) -> Settled {
        let now = Crowded::of(state);
        let leave = |pool, rest: Option<u64>| Settled::Leave {
            next: now.transition_to_fewer(gone(pool)).state(),
            rest,
        };
        while held.front().is_some_and(|generation| generation != now.generation())
            && !mutant!("K1 those woken together are not released")
        {
            if held.is_full() {
                return leave(held.pool, Some(wakes(held.pool)));
            }
            held.finish_front(Stage::Released);
            held.pool += GONE;
        }
        if now.wakes() > 0 {
            if held.exchange(state, now.transition_to_no_wakes().state()) {
                held.pool += now.wakes();
            }
            return Settled::Again;
        }
        while wakes(held.pool) > 0 && held.front().is_some() {
            if held.is_full() {
                return leave(held.pool, Some(wakes(held.pool)));
            }
            held.finish_front(Stage::Granted);
            held.pool = held.pool - 1 + GONE;
        }
        // Nobody is left to wake: who comes while we let go is not meant.
        held.pool -= wakes(held.pool);
        leave(held.pool, None)
    }
}

//! A gate: a number, and those who wait until its owner lets all of them go. Events, barriers, latches and cells that are set once stand on it.
//!
//! The number is a flag, or how many have come, or how many are still to come: what it means is its owner's matter. Each time that all are let go a
//! generation ends. Who waits does so for the end of the generation in which he read the number.
//!
//! # Invariants
//!
//! - **G1** A node's number is the generation in which its wait began. Where the list is let go, every node in it is of the word's generation, or
//!   somebody is on the way to release it: a holder with more to wake than fits, or its owner.
//! - **G2** The number changes and the generation ends in one exchange. So nobody reads the new number and waits for the old generation, or the
//!   reverse.
//! - **G3** Who was queued looks at the word again before he waits, because the generation may have ended while he was on the way through the inbox, behind
//!   one of the next.

#[cfg(all(test, loom))]
mod tests;
mod word;

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use turgo_machine::mutant;

use crate::access::Access;
use crate::queue::{Deposit, Discipline, Held, Node, Phase, Queue, Queued, Settled, Stage, State};
pub(crate) use word::{Gated, NUMBER_MAX};

/// The discipline of gates: there is no pool, and a node's number is its generation.
pub(crate) struct Rules;

/// A number, and those who wait.
pub(crate) struct Gate<A: Access> {
    queue: Queue<Rules, A>,
}

/// Waits until a generation has ended.
pub(crate) struct Pass<'a, A: Access> {
    gate: &'a Gate<A>,
    generation: u64,
    node: Node<A>,
}

impl<A: Access> Gate<A> {
    /// With a number of at most [`NUMBER_MAX`].
    pub(crate) fn new(number: u64) -> Self {
        debug_assert!(number <= NUMBER_MAX, "the caller has checked it");
        Self { queue: Queue::new(number) }
    }

    /// What the word says.
    #[inline(always)]
    pub(crate) fn now(&self) -> Gated {
        Gated::of(self.queue.state())
    }

    /// Changes the number, or ends the generation, or leaves all as it is where `next` answers nothing. Answers what was there and whether it was
    /// changed. Lock-free; wakers of those who are let go run here.
    #[inline]
    pub(crate) fn change(&self, mut next: impl FnMut(Gated) -> Option<Gated>) -> (Gated, bool) {
        loop {
            let now = self.now();
            let Some(next) = next(now) else { return (now, false) };
            let ends = next.generation() != now.generation();
            if mutant!("G2 the number first") && ends {
                let number = now.transition_to_number(next.number());
                if !self.queue.exchange(now.state(), number.state()) {
                    continue;
                }
                let state = || self.now().transition_to_next_generation(self.now().number());
                while !self.queue.exchange_and_settle(self.now().state(), state().state(), true) {}
                return (now, true);
            }
            if self.queue.exchange_and_settle(now.state(), next.state(), ends) {
                return (now, true);
            }
        }
    }

    /// Waits until the generation of `since`, which is or was the word of this gate, has ended.
    #[inline]
    pub(crate) fn pass(&self, since: Gated) -> Pass<'_, A> {
        let generation = since.generation();
        Pass { gate: self, generation, node: Node::new(generation) }
    }

    /// Whether somebody is queued, as far as the word says.
    #[cfg(all(test, loom))]
    pub(crate) fn has_waiters(&self) -> bool {
        self.queue.state().has_waiters()
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Gate<$access> {
            /// The same as [`new`](Self::new), for statics.
            pub(crate) const fn const_new(number: u64) -> Self {
                Self { queue: Queue::<Rules, $access>::const_new(number) }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> Pass<'_, A> {
    /// Queues the node, unless the generation has ended.
    fn ask(&self, context: &Context<'_>) -> Poll<()> {
        if self.has_ended(self.gate.queue.state()) {
            return self.done();
        }
        // Q7: cloned while nobody else knows the node.
        self.node.arm(Some(context.waker().clone()));
        let must_wait =
            |state: State, queued: bool| (queued || !self.has_ended(state)).then_some(state);
        // Set first: if a waker panics the node may be queued already.
        self.node.set_phase(Phase::Queued);
        // SAFETY: `poll` pinned it, and `drop` withdraws it.
        match unsafe { self.gate.queue.enqueue(&self.node, must_wait) } {
            Queued::Yes | Queued::Look => self.look(context),
            Queued::No => {
                self.node.set_phase(Phase::Armed);
                self.done()
            }
        }
    }

    /// What became of the node that was queued.
    fn look(&self, context: &Context<'_>) -> Poll<()> {
        if self.node.stage() != Stage::Waiting {
            return self.done();
        }
        // G3.
        if self.has_ended(self.gate.queue.state()) && !mutant!("G3 not looked at again") {
            self.node.set_phase(Phase::Done);
            self.gate.queue.withdraw(&self.node, |_| 0);
            return Poll::Ready(());
        }
        if !self.node.wakes(context.waker()) {
            self.gate.queue.rearm(&self.node, context.waker());
            if self.node.stage() != Stage::Waiting {
                return self.done();
            }
        }
        Poll::Pending
    }

    fn has_ended(&self, state: State) -> bool {
        Gated::of(state).generation() != self.generation
    }

    fn done(&self) -> Poll<()> {
        self.node.end();
        Poll::Ready(())
    }

    #[cold]
    fn cancel(&self) {
        if self.node.stage() == Stage::Waiting {
            self.gate.queue.withdraw(&self.node, |_| 0);
        }
    }
}

impl<A: Access> Future for Pass<'_, A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Shared from here on: holders have pointers to the node, too.
        let this = self.as_ref().get_ref();
        match this.node.phase() {
            Phase::New | Phase::Armed => this.ask(context),
            Phase::Queued => this.look(context),
            Phase::Done => panic!("polled after it was ready"),
        }
    }
}

impl<A: Access> Drop for Pass<'_, A> {
    #[inline]
    fn drop(&mut self) {
        if self.node.phase() == Phase::Queued {
            self.cancel();
        }
    }
}

impl Discipline for Rules {
    #[inline(always)]
    fn deposit(state: State, pool: u64) -> Deposit {
        debug_assert!(pool == 0, "a gate has nothing to give");
        if state.has_waiters() && !state.is_locked() {
            Deposit { next: state.transition_to_locked(), private: Some(0) }
        } else {
            Deposit { next: state, private: None }
        }
    }

    /// G1: what others changed while the list was held is seen in the word.
    #[inline(always)]
    fn at_rest(state: State, _empty: bool) -> Option<State> {
        Some(state)
    }

    /// There is nothing to give.
    #[inline(always)]
    fn serve(_state: State, _pool: u64, _need: u64) -> Option<Stage> {
        None
    }

    fn settle<A: Access>(held: &mut Held<'_, Self, A>, state: State) -> Settled {
        let now = Gated::of(state);
        while held.front().is_some_and(|generation| generation != now.generation())
            && !mutant!("G1 nobody is released")
        {
            if held.is_full() {
                return Settled::Leave { next: state, rest: Some(0) };
            }
            held.finish_front(Stage::Released);
        }
        Settled::Leave { next: state, rest: None }
    }
}

impl<A: Access> fmt::Debug for Gate<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("number", &self.now().number()).finish_non_exhaustive()
    }
}

//! What a holder does in most cases: little, and in one exchange. Where that does not do it settles like everybody else.
//!
//! Who waits, gives up or changes its waker has nothing to give, and who deposits has just what the first in the list needs. The holder knows the word
//! from the exchange that took the list, so it need not be read again: if it is still the same, nothing was left to the holder (Q4).

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::node;
use super::state::State;
use super::{Discipline, Queue};
use crate::access::{Access, Word};

impl<D: Discipline, A: Access> Queue<D, A> {
    /// The holder lets go, if the word is still the one that was settled.
    #[inline(always)]
    pub(super) fn let_go(&self, settled: State, next: State) -> bool {
        if mutant!("Q4 let go by a store") {
            // Release: as `exchange`.
            self.word.store(next.word(), Ordering::Release);
            return true;
        }
        self.exchange(settled, next)
    }

    /// Lets go of the list, which was taken with the word `held`, by a holder with nothing to give.
    #[inline(always)]
    pub(super) fn leave(&self, held: State) {
        let empty = self.list(|list| list.is_empty());
        match D::at_rest(held, empty) {
            Some(next) if self.let_go(held, next.transition_to_unlocked(!empty)) => {}
            _ => self.settle(0),
        }
    }

    /// Gives `pool` to the first in the list, which was taken with the word `held`, in which that was `promised` or not; or settles.
    #[inline(never)]
    pub(super) fn serve(&self, held: State, promised: bool, pool: u64) {
        let front = self.list(|list| list.front()).and_then(|front| {
            // SAFETY: Q1, we hold the list.
            let need = unsafe { node::part(front, |part| part.need) };
            Some((front, D::serve(held, pool, need)?))
        });
        let Some((front, stage)) = front else {
            if promised && !mutant!("P3 a promise to nobody stays") {
                self.take_promise_back();
            }
            return self.settle(pool);
        };
        // SAFETY: Q1, we hold the list.
        let waiters = self.list(|list| unsafe {
            list.pop_front();
            !list.is_empty()
        });
        // SAFETY: Q6, it waits.
        let first = unsafe { front.as_ref() };
        // SAFETY: Q1, we hold the list, and it waits.
        let mut waker = unsafe { first.take_waker() };
        if mutant!("Q7 woken while the list is held")
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
        let late = mutant!("Q2 finished after the list is let go");
        if !late {
            // SAFETY: Q6, it waits until the next line.
            unsafe { front.as_ref() }.finish(stage);
        }
        let gone = self.let_go(held, held.transition_to_unlocked(waiters));
        if late {
            // SAFETY: none, and that is the mistake.
            unsafe { front.as_ref() }.finish(stage);
        }
        match waker {
            Some(waker) if gone => waker.wake(),
            Some(waker) => self.settle_after(0, |held| held.collect(waker)),
            None if gone => {}
            None => self.settle(0),
        }
    }

    #[cold]
    fn take_promise_back(&self) {
        loop {
            let state = self.state();
            if self.exchange(state, D::transition_to_unpromised(state)) {
                return;
            }
        }
    }
}

//! Waiting for permits.

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use turgo_machine::mutant;

use super::word::Permitted;
use super::{Permits, Refused};
use crate::access::Access;
use crate::fairness::Fairness;
use crate::queue::{Node, Phase, Stage, State};

/// Waits for permits. Dropped, it leaves nothing behind: what it was given goes back, and what it was told is passed on.
pub(crate) struct Take<'a, F: Fairness, A: Access> {
    permits: &'a Permits<F, A>,
    count: u64,
    node: Node<A>,
}

impl<'a, F: Fairness, A: Access> Take<'a, F, A> {
    #[inline(always)]
    pub(super) fn new(permits: &'a Permits<F, A>, count: u64) -> Self {
        Self { permits, count, node: Node::new(count) }
    }

    /// Takes permits at once, or queues the node.
    fn ask(&self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        match self.permits.try_take(self.count) {
            Err(Refused::Short) => {}
            taken => return self.answer(taken),
        }
        // Q7: cloned while nobody else knows the node.
        let waker = self.node.give(Some(context.waker().clone()));
        // SAFETY: Q1, it is in no queue.
        unsafe { self.node.part(|part| part.waker = waker) };
        let must_wait = |state: State, queued: bool| {
            let now = Permitted::of(state);
            let waits = !now.is_closed() && now.transition_to_taken::<F>(self.count).is_none();
            (waits || queued).then_some(state)
        };
        loop {
            // Set first: a panic of what runs below finds the node withdrawn by `drop`.
            self.node.set_phase(Phase::Queued);
            // SAFETY: `poll` pinned it, and `drop` withdraws it.
            if unsafe { self.permits.queue.enqueue(&self.node, must_wait) } {
                break;
            }
            self.node.set_phase(Phase::New);
            match self.permits.try_take(self.count) {
                Err(Refused::Short) => {}
                taken => return self.answer(taken),
            }
        }
        self.look(context)
    }

    /// What became of the node that was queued.
    fn look(&self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        match self.node.stage() {
            Stage::Waiting => {
                if !self.node.wakes(context.waker()) {
                    self.permits.queue.rearm(&self.node, context.waker());
                    if self.node.stage() != Stage::Waiting {
                        return self.look(context);
                    }
                }
                Poll::Pending
            }
            Stage::Granted => self.answer(Ok(())),
            Stage::Notified => self.try_again(context),
            Stage::Released => {
                let assigned = self.count - self.need();
                let answer = self.answer(Err(Refused::Closed));
                self.permits.give(assigned);
                answer
            }
        }
    }

    /// Told to try: takes what it still needs, or goes back to the front of the queue.
    #[cold]
    fn try_again(&self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        let need = self.need();
        let queue = &self.permits.queue;
        let mut armed = false;
        loop {
            let now = Permitted::of(queue.state());
            if now.is_closed() {
                self.node.set_phase(Phase::Done);
                self.pass_on(self.count - need);
                return Poll::Ready(Err(Refused::Closed));
            }
            if now.permits() >= need {
                let next =
                    now.transition_to_fewer(need).transition_to_woken().transition_to_served();
                // The next in the queue may find enough in what is left.
                let look = next.permits() > 0;
                let taken = Taken(self);
                let exchanged = queue.exchange_and_settle(now.state(), next.state(), look);
                mem::forget(taken);
                if exchanged {
                    return self.answer(Ok(()));
                }
                continue;
            }
            if !armed {
                // Q7: cloned while nobody else knows the node.
                let waker = self.node.give(Some(context.waker().clone()));
                // SAFETY: Q1, it is in no queue.
                unsafe { self.node.part(|part| (part.waker, part.first) = (waker, true)) };
                self.node.reset();
                armed = true;
            }
            let short = |state: State, queued: bool| {
                let now = Permitted::of(state);
                let waits = !now.is_closed() && now.permits() < need;
                // P3: once it is in the inbox it is nobody's way any more, whatever has come meanwhile.
                let queued = queued && !mutant!("P3 on the way for ever");
                (waits || queued).then(|| now.transition_to_woken().state())
            };
            // SAFETY: `poll` pinned it, and `drop` withdraws it.
            if unsafe { queue.enqueue(&self.node, short) } {
                return self.look(context);
            }
        }
    }

    /// Takes *waking* out of the word, gives back what was assigned, and has the next in the queue told.
    fn pass_on(&self, assigned: u64) {
        let queue = &self.permits.queue;
        loop {
            let now = Permitted::of(queue.state());
            let mut next = now.transition_to_more(assigned).transition_to_woken();
            if !next.state().has_waiters() {
                next = next.transition_to_served();
            }
            let look = !mutant!("P3 dropped without passing on");
            if queue.exchange_and_settle(now.state(), next.state(), look) {
                return;
            }
        }
    }

    /// What the node still lacks. The owner asks when the node is in no queue.
    fn need(&self) -> u64 {
        // SAFETY: Q1, it is in no queue.
        unsafe { self.node.part(|part| part.need) }
    }

    fn answer<T>(&self, answer: T) -> Poll<T> {
        self.node.set_phase(Phase::Done);
        Poll::Ready(answer)
    }

    /// Not waited for any more.
    #[cold]
    fn cancel(&self) {
        let assigned = |need| if mutant!("P6 a part is lost") { 0 } else { self.count - need };
        let stage = match self.node.stage() {
            Stage::Waiting => self.permits.queue.withdraw(&self.node, assigned),
            stage => stage,
        };
        match stage {
            Stage::Waiting => {}
            Stage::Granted if mutant!("P6 what was granted is lost") => {}
            Stage::Granted => self.permits.give(self.count),
            Stage::Notified => self.pass_on(self.count - self.need()),
            Stage::Released => self.permits.give(self.count - self.need()),
        }
    }
}

/// Gives back what was taken if the waker of the next in the queue panics: the one who took it never learns of it.
struct Taken<'a, 'b, F: Fairness, A: Access>(&'a Take<'b, F, A>);

impl<F: Fairness, A: Access> Drop for Taken<'_, '_, F, A> {
    fn drop(&mut self) {
        self.0.node.set_phase(Phase::Done);
        self.0.permits.give(self.0.count);
    }
}

impl<F: Fairness, A: Access> Future for Take<'_, F, A> {
    type Output = Result<(), Refused>;

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Shared from here on: holders have pointers to the node, too.
        let this = self.as_ref().get_ref();
        match this.node.phase() {
            Phase::New => this.ask(context),
            Phase::Queued => this.look(context),
            Phase::Done => panic!("polled after it was ready"),
        }
    }
}

impl<F: Fairness, A: Access> Drop for Take<'_, F, A> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.node.phase() == Phase::Queued {
            self.cancel();
        }
    }
}

impl<F: Fairness, A: Access> fmt::Debug for Take<'_, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Take")
            .field("count", &self.count)
            .field("phase", &self.node.phase())
            .finish()
    }
}

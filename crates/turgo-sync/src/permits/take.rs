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
use crate::queue::{Node, Phase, Queued, Stage, State};

/// Waits for permits. Dropped, it leaves nothing behind: what it was given goes back, and what it was told is passed on.
///
/// With `SINGLE` there is never more than one permit.
pub(crate) struct Take<'a, F: Fairness, A: Access, const SINGLE: bool = false> {
    permits: &'a Permits<F, A>,
    count: u64,
    step: Step<A>,
}

/// How far it is.
enum Step<A: Access> {
    New,
    /// The node is made by the first poll that has to wait, so that who need not wait does not pay for it.
    Waits(Node<A>),
    /// Permits were there at once, or never will be.
    Over,
}

/// Waits for permits and makes something of the answer, as `async` would; but where nobody waits it is nothing more than taking them.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct TakeThen<'a, F: Fairness, A: Access, M, const SINGLE: bool> {
    take: Take<'a, F, A, SINGLE>,
    make: M,
}

impl<'a, F: Fairness, A: Access, const SINGLE: bool> Take<'a, F, A, SINGLE> {
    #[inline(always)]
    pub(super) fn new(permits: &'a Permits<F, A>, count: u64) -> Self {
        Self { permits, count, step: Step::New }
    }

    /// Makes something of the answer.
    #[inline(always)]
    pub(crate) fn then<M, T>(self, make: M) -> TakeThen<'a, F, A, M, SINGLE>
    where
        M: Fn(Result<(), Refused>) -> T,
    {
        TakeThen { take: self, make }
    }

    #[inline(always)]
    fn try_take(&self) -> Result<(), Refused> {
        if SINGLE { self.permits.try_take_single() } else { self.permits.try_take(self.count) }
    }

    /// Goes on with a wait, or begins one.
    #[inline(never)]
    fn wait(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        // SAFETY: nothing is moved; and while there is no node nobody else knows this.
        let this = unsafe { self.get_unchecked_mut() };
        if let Step::New = this.step {
            this.step = Step::Waits(Node::new(this.count));
        }
        // Shared from here on: holders have pointers to the node, too.
        let this = &*this;
        match &this.step {
            Step::Waits(node) => {
                Waiter { permits: this.permits, count: this.count, node }.poll(context)
            }
            Step::New | Step::Over => panic!("polled after it was ready"),
        }
    }
}

/// Who waits, with its node.
struct Waiter<'a, F: Fairness, A: Access> {
    permits: &'a Permits<F, A>,
    count: u64,
    node: &'a Node<A>,
}

impl<F: Fairness, A: Access> Waiter<'_, F, A> {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        match self.node.phase() {
            Phase::New => self.ask(context),
            Phase::Queued => self.look(context),
            Phase::Done => panic!("polled after it was ready"),
        }
    }

    /// Queues the node, or takes permits if there are some by now.
    fn ask(&self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
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
            match unsafe { self.permits.queue.enqueue(self.node, must_wait) } {
                Queued::Yes => return Poll::Pending,
                Queued::Look => return self.look(context),
                Queued::No => {}
            }
            self.node.set_phase(Phase::New);
            match self.permits.try_take(self.count) {
                Err(Refused::Short) => {}
                taken => return self.answer(taken),
            }
        }
    }

    /// What became of the node that was queued.
    fn look(&self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        match self.node.stage() {
            Stage::Waiting => {
                if !self.node.wakes(context.waker()) {
                    self.permits.queue.rearm(self.node, context.waker());
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
                (waits || queued).then(|| now.transition_to_woken().state())
            };
            // SAFETY: `poll` pinned it, and `drop` withdraws it.
            match unsafe { queue.enqueue(self.node, short) } {
                Queued::Yes => return Poll::Pending,
                Queued::Look => return self.look(context),
                Queued::No => {}
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
            Stage::Waiting => self.permits.queue.withdraw(self.node, assigned),
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
struct Taken<'a, 'b, F: Fairness, A: Access>(&'a Waiter<'b, F, A>);

impl<F: Fairness, A: Access> Drop for Taken<'_, '_, F, A> {
    fn drop(&mut self) {
        self.0.node.set_phase(Phase::Done);
        self.0.permits.give(self.0.count);
    }
}

impl<F: Fairness, A: Access, const SINGLE: bool> Future for Take<'_, F, A, SINGLE> {
    type Output = Result<(), Refused>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.step {
            Step::New => match self.try_take() {
                Err(Refused::Short) => {}
                taken => {
                    // SAFETY: there is no node yet that would have to stay.
                    unsafe { self.as_mut().get_unchecked_mut() }.step = Step::Over;
                    return Poll::Ready(taken);
                }
            },
            Step::Waits(node) => {
                if node.phase() == Phase::Queued && node.stage() == Stage::Granted {
                    node.set_phase(Phase::Done);
                    return Poll::Ready(Ok(()));
                }
            }
            Step::Over => {}
        }
        self.wait(context)
    }
}

impl<F, A, T, M, const SINGLE: bool> Future for TakeThen<'_, F, A, M, SINGLE>
where
    F: Fairness,
    A: Access,
    M: Fn(Result<(), Refused>) -> T,
{
    type Output = T;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // SAFETY: `take` stays where it is; what makes something of the answer is never pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: it is pinned with the whole.
        let take = unsafe { Pin::new_unchecked(&mut this.take) };
        take.poll(context).map(&this.make)
    }
}

impl<F: Fairness, A: Access, const SINGLE: bool> Drop for Take<'_, F, A, SINGLE> {
    #[inline(always)]
    fn drop(&mut self) {
        let Step::Waits(node) = &self.step else { return };
        if node.phase() == Phase::Queued {
            Waiter { permits: self.permits, count: self.count, node }.cancel();
        }
    }
}

impl<F: Fairness, A: Access, const SINGLE: bool> fmt::Debug for Take<'_, F, A, SINGLE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.step {
            Step::New => Phase::New,
            Step::Waits(node) => node.phase(),
            Step::Over => Phase::Done,
        };
        f.debug_struct("Take").field("count", &self.count).field("phase", &phase).finish()
    }
}

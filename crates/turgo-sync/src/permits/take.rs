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
        let Step::Waits(node) = &this.step else { panic!("polled after it was ready") };
        match node.phase() {
            Phase::New | Phase::Armed => this.permits.ask(node, this.count, context),
            Phase::Queued => this.permits.look(node, this.count, context),
            Phase::Done => panic!("polled after it was ready"),
        }
    }
}

impl<F: Fairness, A: Access> Permits<F, A> {
    /// Who was told to try takes what it needs, where that is all there is, so that nothing is left for the next.
    fn take_what_is_there(&self, node: &Node<A>) -> bool {
        let need = need_of(node);
        let now = Permitted::of(self.queue.state());
        let next = now.transition_to_none_left();
        now.permits() == need && !now.is_closed() && self.queue.exchange(now.state(), next.state())
    }

    /// Queues the node, or takes permits if there are some by now.
    #[inline(always)]
    fn ask(
        &self,
        node: &Node<A>,
        count: u64,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        // Q7: cloned while nobody else knows the node.
        node.arm(Some(context.waker().clone()));
        let must_wait = |state: State, queued: bool| {
            let now = Permitted::of(state);
            let waits = !now.is_closed() && now.transition_to_taken::<F>(count).is_none();
            (waits || queued).then_some(state)
        };
        loop {
            // Set first: a panic of what runs below finds the node withdrawn by `drop`.
            node.set_phase(Phase::Queued);
            // SAFETY: `poll` pinned it, and `drop` withdraws it.
            match unsafe { self.queue.enqueue(node, must_wait) } {
                Queued::Yes => return Poll::Pending,
                Queued::Look => return self.look(node, count, context),
                Queued::No => {}
            }
            node.set_phase(Phase::Armed);
            match self.try_take(count) {
                Err(Refused::Short) => {}
                taken => return answer(node, taken),
            }
        }
    }

    /// What became of the node that was queued.
    fn look(
        &self,
        node: &Node<A>,
        count: u64,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        match node.stage() {
            Stage::Waiting => {
                if !node.wakes(context.waker()) {
                    self.queue.rearm(node, context.waker());
                    if node.stage() != Stage::Waiting {
                        return self.look(node, count, context);
                    }
                }
                Poll::Pending
            }
            Stage::Granted => answer(node, Ok(())),
            Stage::Notified => self.try_again(node, count, context),
            Stage::Released => {
                let assigned = count - need_of(node);
                let answer = answer(node, Err(Refused::Closed));
                self.give(assigned);
                answer
            }
        }
    }

    /// Told to try: takes what it still needs, or goes back to the front of the queue.
    #[cold]
    fn try_again(
        &self,
        node: &Node<A>,
        count: u64,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        let need = need_of(node);
        let queue = &self.queue;
        let mut armed = false;
        loop {
            let now = Permitted::of(queue.state());
            if now.is_closed() {
                node.end();
                self.pass_on(count - need);
                return Poll::Ready(Err(Refused::Closed));
            }
            if now.permits() >= need {
                let next =
                    now.transition_to_fewer(need).transition_to_woken().transition_to_served();
                // The next in the queue may find enough in what is left.
                let look = next.permits() > 0;
                let taken = Taken { permits: self, node, count };
                let exchanged = queue.exchange_and_settle(now.state(), next.state(), look);
                mem::forget(taken);
                if exchanged {
                    return answer(node, Ok(()));
                }
                continue;
            }
            if !armed {
                // Q7: cloned while nobody else knows the node.
                node.arm(Some(context.waker().clone()));
                // SAFETY: Q1, it is in no queue.
                unsafe { node.part(|part| part.first = true) };
                armed = true;
            }
            let short = |state: State, queued: bool| {
                let now = Permitted::of(state);
                let waits = !now.is_closed() && now.permits() < need;
                // P3: once it is in the inbox it is nobody's way any more, whatever has come meanwhile.
                let queued = queued && !mutant!("P3 on the way for ever");
                (waits || queued).then(|| now.transition_to_woken().state())
            };
            node.set_phase(Phase::Queued);
            // SAFETY: `poll` pinned it, and `drop` withdraws it.
            match unsafe { queue.enqueue(node, short) } {
                Queued::Yes => return Poll::Pending,
                Queued::Look => return self.look(node, count, context),
                Queued::No => {}
            }
            node.set_phase(Phase::Armed);
        }
    }

    /// Takes *waking* out of the word, gives back what was assigned, and has the next in the queue told.
    fn pass_on(&self, assigned: u64) {
        let queue = &self.queue;
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

    /// Not waited for any more.
    #[cold]
    fn cancel(&self, node: &Node<A>, count: u64) {
        let assigned = |need| if mutant!("P6 a part is lost") { 0 } else { count - need };
        let stage = match node.stage() {
            Stage::Waiting => self.queue.withdraw(node, assigned),
            stage => stage,
        };
        match stage {
            Stage::Waiting => {}
            Stage::Granted if mutant!("P6 what was granted is lost") => {}
            Stage::Granted => self.give(count),
            Stage::Notified => self.pass_on(count - need_of(node)),
            Stage::Released => self.give(count - need_of(node)),
        }
    }
}

/// What a node still lacks. The owner asks when the node is in no queue.
fn need_of<A: Access>(node: &Node<A>) -> u64 {
    // SAFETY: Q1, it is in no queue.
    unsafe { node.part(|part| part.need) }
}

fn answer<T, A: Access>(node: &Node<A>, answer: T) -> Poll<T> {
    node.end();
    Poll::Ready(answer)
}

/// Gives back what was taken if the waker of the next in the queue panics: the one who took it never learns of it.
struct Taken<'a, F: Fairness, A: Access> {
    permits: &'a Permits<F, A>,
    node: &'a Node<A>,
    count: u64,
}

impl<F: Fairness, A: Access> Drop for Taken<'_, F, A> {
    fn drop(&mut self) {
        self.node.end();
        self.permits.give(self.count);
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
            Step::Waits(node) if node.phase() == Phase::Queued => {
                let has_it = match node.stage() {
                    Stage::Granted => true,
                    Stage::Notified => self.permits.take_what_is_there(node),
                    Stage::Waiting | Stage::Released => false,
                };
                if has_it {
                    node.set_phase(Phase::Done);
                    return Poll::Ready(Ok(()));
                }
            }
            Step::Waits(_) | Step::Over => {}
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
            self.permits.cancel(node, self.count);
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

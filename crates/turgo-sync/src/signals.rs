//! Notifications: one for a single waiter, which is kept if nobody waits, or one for all who wait.
//!
//! # Invariants
//!
//! - **S1** A node's number is the generation in which its wait began. Where the list is let go, every node in it is of the word's generation, or
//!   somebody is on the way to release it: a holder with more to wake than fits, or its owner, who queued it while the generation changed and looks at the
//!   word again before he waits.
//! - **S2** Where the list is let go and somebody waits, no notification is in the word. So none lies there unseen.
//! - **S3** Of notifications that meet nobody, one is kept. While somebody may be waiting all are counted.
//! - **S4** A notification for one that was given to a wait which is dropped goes to the next.

mod word;

use core::task::{Context, Poll};

use turgo_machine::mutant;

use crate::access::Access;
use crate::queue::{Deposit, Discipline, Held, Node, Phase, Queue, Queued, Settled, Stage, State};
use word::Signalled;

/// The discipline of notifications: the pool is how many are to be told, a node's number is its generation.
pub(crate) struct Rules;

/// What notifications are kept in and waited for at.
pub(crate) struct Signals<A: Access> {
    queue: Queue<Rules, A>,
}

/// A wait for a notification, without what it waits at.
pub(crate) struct Wait<A: Access> {
    generation: u64,
    node: Node<A>,
}

impl<A: Access> Signals<A> {
    pub(crate) fn new() -> Self {
        Self { queue: Queue::new(0) }
    }

    /// A wait that begins now: [`notify_all`](Self::notify_all) from here on ends it, even if it was never polled.
    pub(crate) fn wait(&self) -> Wait<A> {
        let generation = Signalled::of(self.queue.state()).generation();
        Wait { generation, node: Node::new(generation) }
    }

    /// Tells the one who waits longest, or keeps it for the next to come. Never waits.
    pub(crate) fn notify_one(&self) {
        self.queue.deposit(1);
    }

    /// Tells the one who came last, or keeps it for the next to come. Waits for a holder.
    pub(crate) fn notify_last(&self) {
        loop {
            let state = self.queue.state();
            if !state.has_waiters() {
                if self.queue.exchange(state, Signalled::of(state).transition_to_kept().state()) {
                    return;
                }
                continue;
            }
            self.queue.hold();
            self.queue.settle_after(0, |held| {
                let generation = Signalled::of(held.state()).generation();
                // Those of an older generation are released anyway: theirs is another notification.
                if held.back() == Some(generation) {
                    held.finish_back(Stage::Notified);
                } else {
                    held.pool = 1;
                }
            });
            return;
        }
    }

    /// Tells all whose wait has begun. Never waits.
    pub(crate) fn notify_all(&self) {
        loop {
            let now = Signalled::of(self.queue.state());
            let next = now.transition_to_next_generation().state();
            if self.queue.exchange_and_settle(now.state(), next, true) {
                return;
            }
        }
    }

    /// Whether a notification is kept, and whether somebody waits.
    #[cfg(test)]
    pub(crate) fn rest(&self) -> (bool, bool) {
        let now = Signalled::of(self.queue.state());
        (now.count() > 0, now.state().has_waiters())
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Signals<$access> {
            /// With nothing kept, for statics.
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
    /// Whether it was notified; if not, it is queued from here on.
    ///
    /// # Safety
    ///
    /// The wait stays where it is, and [`end`](Self::end) is called with the same `signals` before it is freed.
    #[inline(always)]
    pub(crate) unsafe fn poll(
        &self,
        signals: &Signals<A>,
        context: Option<&mut Context<'_>>,
    ) -> Poll<()> {
        if self.node.phase() == Phase::Queued && self.node.stage() != Stage::Waiting {
            return self.done();
        }
        // SAFETY: the caller's promise.
        unsafe { self.ask_or_look(signals, context) }
    }

    /// The same where nothing has become of the node.
    ///
    /// # Safety
    ///
    /// As for `poll`.
    #[inline(never)]
    unsafe fn ask_or_look(
        &self,
        signals: &Signals<A>,
        context: Option<&mut Context<'_>>,
    ) -> Poll<()> {
        match self.node.phase() {
            // SAFETY: the caller's promise.
            Phase::New | Phase::Armed => unsafe { self.ask(signals, context) },
            Phase::Queued => self.look(signals, context),
            Phase::Done => Poll::Ready(()),
        }
    }

    /// Takes what is kept, or queues the node.
    ///
    /// # Safety
    ///
    /// As for `poll`.
    unsafe fn ask(&self, signals: &Signals<A>, mut context: Option<&mut Context<'_>>) -> Poll<()> {
        let queue = &signals.queue;
        let mut armed = false;
        loop {
            let now = Signalled::of(queue.state());
            if now.generation() != self.generation {
                return self.done();
            }
            if let Some(next) = now.transition_to_taken() {
                if queue.exchange(now.state(), next.state()) {
                    return self.done();
                }
                continue;
            }
            if !armed {
                let waker = context.as_mut().map(|context| context.waker().clone());
                self.node.arm(waker);
                armed = true;
            }
            let must_wait = |state: State, queued: bool| {
                let now = Signalled::of(state);
                let waits =
                    now.generation() == self.generation && now.transition_to_taken().is_none();
                (waits || queued).then_some(state)
            };
            // Set first: if a waker panics the node may be queued already.
            self.node.set_phase(Phase::Queued);
            // SAFETY: the caller's promise.
            match unsafe { queue.enqueue(&self.node, must_wait) } {
                Queued::Yes => return Poll::Pending,
                Queued::Look => return self.look(signals, context),
                Queued::No => {}
            }
            self.node.set_phase(Phase::Armed);
        }
    }

    /// What became of the node that was queued.
    fn look(&self, signals: &Signals<A>, context: Option<&mut Context<'_>>) -> Poll<()> {
        if self.node.stage() != Stage::Waiting {
            return self.done();
        }
        if Signalled::of(signals.queue.state()).generation() != self.generation {
            // All were notified, though nobody has come to this node yet.
            self.node.set_phase(Phase::Done);
            signals.queue.withdraw(&self.node, |_| 0);
            return Poll::Ready(());
        }
        let Some(context) = context else { return Poll::Pending };
        if !self.node.wakes(context.waker()) {
            signals.queue.rearm(&self.node, context.waker());
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

    /// The wait is over, in whichever way.
    #[inline]
    pub(crate) fn end(&self, signals: &Signals<A>) {
        if self.node.phase() == Phase::Queued {
            self.cancel(signals);
        }
    }

    #[cold]
    fn cancel(&self, signals: &Signals<A>) {
        self.node.set_phase(Phase::Done);
        let stage = match self.node.stage() {
            Stage::Waiting => signals.queue.withdraw(&self.node, |_| 0),
            stage => stage,
        };
        match stage {
            Stage::Waiting | Stage::Released => {}
            Stage::Granted if mutant!("S4 what one was told is lost") => {}
            Stage::Granted => signals.notify_one(),
            Stage::Notified => signals.notify_last(),
        }
    }
}

impl Discipline for Rules {
    #[inline(always)]
    fn deposit(state: State, pool: u64) -> Deposit {
        let now = Signalled::of(state);
        if !state.has_waiters() {
            let next = if mutant!("S3 all that meet nobody are kept") {
                now.transition_to_more(pool)
            } else if pool > 0 {
                now.transition_to_kept()
            } else {
                now
            };
            Deposit { next: next.state(), private: None }
        } else if state.is_locked() {
            Deposit { next: now.transition_to_more(pool).state(), private: None }
        } else {
            Deposit { next: state.transition_to_locked(), private: Some(pool) }
        }
    }

    #[inline(always)]
    fn at_rest(state: State, _empty: bool) -> Option<State> {
        (Signalled::of(state).count() == 0).then_some(state)
    }

    #[inline(always)]
    fn serve(state: State, pool: u64, need: u64) -> Option<Stage> {
        let now = Signalled::of(state);
        let theirs = pool == 1 && now.count() == 0 && need == now.generation();
        theirs.then_some(Stage::Granted)
    }

    fn settle<A: Access>(held: &mut Held<'_, Self, A>, state: State) -> Settled {
        let now = Signalled::of(state);
        while held.front().is_some_and(|generation| generation != now.generation())
            && !mutant!("S1 those notified together are not released")
        {
            if held.is_full() {
                return Settled::Leave { next: state, rest: Some(held.pool) };
            }
            held.finish_front(Stage::Released);
        }
        if held.front().is_some()
            && now.count() > 0
            && !mutant!("S2 a notification left in the word")
        {
            if held.exchange(state, now.transition_to_none().state()) {
                held.pool += now.count();
            }
            return Settled::Again;
        }
        while held.pool > 0 && held.front().is_some() {
            if held.is_full() {
                return Settled::Leave { next: state, rest: Some(held.pool) };
            }
            held.finish_front(Stage::Granted);
            held.pool -= 1;
        }
        let keep = held.pool > 0 || now.count() > 0;
        let next = if keep { now.transition_to_kept() } else { now };
        Settled::Leave { next: next.state(), rest: None }
    }
}

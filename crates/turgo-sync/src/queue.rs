//! The queue of those who wait, which every primitive of this crate stands on.
//!
//! One word holds a primitive's state, whether somebody waits, and a lock bit over a list of nodes that live in the futures that wait.
//! Because all three are in one word there is one order of all that happens to them, so "publish, then look for
//! waiters" and "queue, then look again" cannot miss each other, and no fence is needed.
//!
//! The lock *combines*: who finds it taken leaves his business to the holder instead of waiting. A deposit changes the word, a waiter
//! puts its node into the inbox, and the holder, who lets go by compare-and-swap from exactly the word that it settled, finds both. Only
//! who withdraws a node that is still queued, or gives it another waker, waits for a holder, for at most
//! [`WAKERS_MAX`] nodes' time. A holder that the system stops delays wakes, not callers.
//!
//! What the state means, and who gets what, is the matter of a [`Discipline`]: permits, or notifications.
//!
//! # Invariants
//!
//! - **Q1** The list, and the [`Part`] of every node in the list or in the inbox, are touched by the holder of the lock bit alone. The part of a
//!   node that is in neither is its owner's alone.
//! - **Q2** A holder takes a node out of the list, and the waker out of the node, before it says what became of the node; it does so
//!   before it lets go of the list; and it never touches the node afterwards.
//! - **Q3** What became of a node is stored with Release and loaded with Acquire: who got something comes after those who gave it.
//! - **Q4** The lock bit is cleared by a compare-and-swap from the word that was settled. What was left to the holder is in the word, so
//!   the holder sees it or the exchange fails.
//! - **Q5** A node is put into the inbox before that is announced in the word; a holder clears the announcement before it empties the
//!   inbox. So a node in the inbox has been announced or will be by its owner, who takes the lock if nobody has it; and the announcement
//!   is never there without the lock, because no holder lets go while it is.
//! - **Q6** A node that waits is not freed before its owner has held the list and taken the node out of the list or the inbox.
//! - **Q7** No waker is cloned, woken or dropped while the list is held. A holder collects at most [`WAKERS_MAX`] of them, lets go, wakes
//!   them, and comes back for the rest, with what it has to give kept out of everybody's reach.
//! - **Q8** From the exchange that queues a node until it is taken out or was told, the word says that somebody waits, also while the list is held: the
//!   exchange that takes the list to put a node there says so, and so does the one that changes *inbox* into *waiters*. So nobody passes it unseen.
//!
//! # Where operations take effect
//!
//! A deposit at its exchange, or where the holder finishes the node that gets it; queueing at the exchange that takes the lock or
//! announces the inbox; withdrawal where the list is taken. The algorithm is a lock bit with combining (in the manner of Hendler, Incze, Shavit and Tzafrir,
//! SPAA 2010, without their publication list) over the intrusive wait queue of tokio and maitake.

mod list;
mod node;
mod quick;
mod state;
mod wakers;

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ptr::NonNull;
use core::task::Waker;

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

#[cfg(not(any(loom, shuttle)))]
use crate::access::Local;
use crate::access::{Access, Link, Shared, Word};
use crate::patience::Patience;
use list::List;
#[cfg(doc)]
use node::Part;
pub(crate) use node::{Node, Phase, Stage};
pub(crate) use state::{PAYLOAD_SHIFT, State};
#[cfg(doc)]
use wakers::WAKERS_MAX;
use wakers::{Slots, Wakers};

/// What a deposit does to the word.
#[derive(Debug)]
pub(crate) struct Deposit {
    /// The word afterwards.
    pub(crate) next: State,
    /// Where the list is taken: what the holder has to give and is not in the word.
    pub(crate) private: Option<u64>,
}

/// What a holder does after a look at the word and the list.
#[derive(Debug)]
#[must_use]
pub(crate) enum Settled {
    /// It looks again.
    Again,
    /// It lets go if the word is still what it was.
    Leave {
        /// The word afterwards, but for the queue's own bits.
        next: State,
        /// What it still has to give, once it has woken those it collected: nothing where all is settled.
        rest: Option<u64>,
    },
}

/// How queueing a node went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Queued {
    /// There is no reason to wait.
    No,
    /// There was a reason when it was queued. If it has gone since, somebody wakes the one who waits.
    Yes,
    /// It went by way of the inbox: whether there was a reason is to be seen from what becomes of it.
    Look,
}

/// What the word of a queue means and who gets what.
pub(crate) trait Discipline: Sized + 'static {
    /// Gives `pool`, to the word or as holder of the list. With nothing to give: takes the list if it is free and needs settling.
    ///
    /// # Panics
    ///
    /// If the word cannot hold so much. Nothing has changed then.
    fn deposit(state: State, pool: u64) -> Deposit;

    /// One step of a holder: hands out what there is, for as long as there are places for wakers.
    fn settle<A: Access>(held: &mut Held<'_, Self, A>, state: State) -> Settled;

    /// What the word becomes when a holder lets go who has nothing to give and found this word, and with `empty` an empty list; nothing
    /// where there may be something to settle.
    fn at_rest(state: State, empty: bool) -> Option<State>;

    /// The word of a deposit that takes the list, with the promise that the first in it will be told of the deposit.
    #[inline(always)]
    fn transition_to_promised(deposited: State) -> State {
        deposited
    }

    /// The same without the promise.
    #[inline(always)]
    fn transition_to_unpromised(promised: State) -> State {
        promised
    }

    /// What becomes of the first in the list, who needs `need`, where `pool` and what is in the word is for him and then all is settled.
    fn serve(state: State, pool: u64, need: u64) -> Option<Stage>;
}

/// The queue of a primitive.
pub(crate) struct Queue<D, A: Access> {
    word: A::Word,
    /// Nodes whose owners found the list taken, last one first.
    inbox: A::Link<Node<A>>,
    /// Q1.
    list: UnsafeCell<List<A>>,
    discipline: PhantomData<fn() -> D>,
}

// SAFETY: Q1. What is reached through the list belongs to futures whose wakers are `Send` and `Sync`.
unsafe impl<D> Send for Queue<D, Shared> {}
// SAFETY: Q1, the lock bit orders all uses of the list.
unsafe impl<D> Sync for Queue<D, Shared> {}

// SAFETY: Q1 and Q6: a node is shared with holders by design, and its owner's own cell is touched by whoever has the future pinned.
unsafe impl Send for Node<Shared> {}
// SAFETY: nothing is done to a node through a shared reference of somebody who is not its owner or a holder.
unsafe impl Sync for Node<Shared> {}

/// The list, held. Whoever makes one has set the lock bit.
pub(crate) struct Held<'a, D, A: Access> {
    queue: &'a Queue<D, A>,
    /// What this holder has to give and nobody else can take.
    pub(crate) pool: u64,
    wakers: Wakers<'a>,
    /// Nodes that a planted mistake finishes too late.
    late: Option<(NonNull<Node<A>>, Stage)>,
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<D> Queue<D, $access> {
            /// A queue in which nobody waits, for statics.
            pub(crate) const fn const_new(payload: u64) -> Self {
                Self {
                    word: <$access as Access>::Word::new(payload << PAYLOAD_SHIFT),
                    inbox: <$access as Access>::Link::new(core::ptr::null_mut()),
                    list: UnsafeCell::new(List::new()),
                    discipline: PhantomData,
                }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(Local);

impl<D: Discipline, A: Access> Queue<D, A> {
    /// A queue in which nobody waits.
    #[inline(always)]
    pub(crate) fn new(payload: u64) -> Self {
        Self {
            word: A::Word::new(payload << PAYLOAD_SHIFT),
            inbox: A::Link::null(),
            list: UnsafeCell::new(List::new()),
            discipline: PhantomData,
        }
    }

    /// What the word says. Nobody's data is reached through it but by a later exchange.
    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        // Acquire: who only looks (whether it is closed, say) sees what came before the Release of whoever wrote it.
        State::from_word(self.word.load(Ordering::Acquire))
    }

    /// Replaces the word, if it is still the same.
    #[inline(always)]
    pub(crate) fn exchange(&self, state: State, next: State) -> bool {
        let (state, next) = (state.word(), next.word());
        // AcqRel, Acquire: comes after what led to this word. Release: and before whoever builds on it. Relaxed: tried again.
        self.word.compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Replaces the word, if it is still the same. With `look`, what has become possible for those who wait is settled by this exchange's
    /// maker or by the holder.
    #[inline]
    pub(crate) fn exchange_and_settle(&self, state: State, next: State, look: bool) -> bool {
        let hold = look && next.has_waiters() && !next.is_locked();
        let exchanged = self.exchange(state, if hold { next.transition_to_locked() } else { next });
        if exchanged && hold {
            self.settle(0);
        }
        exchanged
    }

    /// Gives `pool` to those who wait, or to the word. Never waits.
    ///
    /// # Panics
    ///
    /// If the word cannot hold so much.
    #[inline(always)]
    pub(crate) fn deposit(&self, pool: u64) {
        loop {
            let state = self.state();
            let Deposit { next, private } = D::deposit(state, pool);
            let Some(private) = private else {
                if self.exchange(state, next) {
                    return;
                }
                continue;
            };
            let held = D::transition_to_promised(next);
            if self.exchange(state, held) {
                return self.serve(held, held != next, private);
            }
        }
    }

    #[inline(always)]
    fn deposit_or_hold(&self, pool: u64) -> Option<u64> {
        loop {
            let state = self.state();
            let Deposit { next, private } = D::deposit(state, pool);
            if self.exchange(state, next) {
                return private;
            }
        }
    }

    /// Takes the list when it is free, and answers the word. Only who must have the list itself waits like this.
    pub(crate) fn hold(&self) -> State {
        let patience = Patience::new();
        loop {
            let state = self.state();
            let held = state.transition_to_locked();
            if state.is_locked() {
                patience.wait();
            } else if self.exchange(state, held) {
                return held;
            }
        }
    }

    /// Queues a node. `change` looks at the word and says what it becomes, or that there is no reason to wait; told that the node is in the
    /// inbox already, it cannot refuse. Never waits.
    ///
    /// # Safety
    ///
    /// The node is in no queue, stays where it is, and is withdrawn before it is freed unless it was finished (Q6).
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn enqueue(
        &self,
        node: &Node<A>,
        mut change: impl FnMut(State, bool) -> Option<State>,
    ) -> Queued {
        let here = NonNull::from(node);
        let mut in_inbox = false;
        loop {
            let state = self.state();
            let next = match change(state, in_inbox) {
                Some(next) => next,
                None if in_inbox => state,
                None => return Queued::No,
            };
            if state.is_locked() && !in_inbox {
                let link = |old| {
                    // SAFETY: Q1, it is ours until the exchange succeeds.
                    unsafe { node.part(|part| part.next = NonNull::new(old)) };
                    here.as_ptr()
                };
                // Release: hands the node to the Acquire in `empty_inbox`.
                self.inbox.replace_with(link, Ordering::Release);
                in_inbox = true;
            }
            let next = if in_inbox {
                next.transition_to_announced()
            } else if mutant!("Q8 nobody waits while the first is queued again") {
                next.transition_to_locked()
            } else {
                next.transition_to_queueing()
            };
            if self.exchange(state, next) {
                if !in_inbox {
                    // SAFETY: we hold the list, and the node is in none.
                    unsafe { self.place(here) };
                    self.leave(next);
                    return Queued::Yes;
                }
                if !state.is_locked() {
                    self.settle(0);
                }
                return Queued::Look;
            }
        }
    }

    /// Puts a node into the list.
    ///
    /// # Safety
    ///
    /// The caller holds the list; the node exists and is in none.
    unsafe fn place(&self, node: NonNull<Node<A>>) {
        // SAFETY: Q1, the caller holds the list.
        let first = unsafe { node::part(node, |part| part.first) };
        self.list(|list| match first {
            // SAFETY: the caller's promise.
            true => unsafe { list.push_front(node) },
            // SAFETY: the caller's promise.
            false => unsafe { list.push_back(node) },
        });
    }

    /// The list, for the holder.
    fn list<R>(&self, f: impl FnOnce(&mut List<A>) -> R) -> R {
        // SAFETY: Q1: only called by holders, and never from inside of itself.
        self.list.with_mut(|list| f(unsafe { &mut *list }))
    }

    /// The holder moves the nodes from the inbox, which `state` announces, to the list, in the order in which they came.
    fn empty_inbox(&self, state: State) {
        let early = if mutant!("Q5 emptied before the announcement is cleared") {
            Some(self.inbox.take(Ordering::Acquire))
        } else {
            None
        };
        // Q8. Nobody else changes these two bits while they are set so.
        let less = if mutant!("Q8 not waiting on the way to the list") {
            State::INBOX
        } else {
            state.announced_to_waiting()
        };
        // AcqRel, Acquire: the inbox is emptied after this, so what is put there later is announced again. Release: for the same reason as
        // every exchange of the word.
        self.word.fetch_sub(less, Ordering::AcqRel);
        // Acquire: the nodes that Release in `enqueue` put there.
        let mut node = NonNull::new(early.unwrap_or_else(|| self.inbox.take(Ordering::Acquire)));
        let mut earlier = None;
        while let Some(here) = node {
            // SAFETY: Q1, we hold the list.
            node = unsafe { node::part(here, |part| mem::replace(&mut part.next, earlier)) };
            earlier = Some(here);
        }
        while let Some(here) = earlier {
            // SAFETY: Q1, we hold the list.
            earlier = unsafe { node::part(here, |part| part.next) };
            // SAFETY: we hold the list, and the node was in the inbox.
            unsafe { self.place(here) };
        }
    }

    /// What a holder does: hands out `pool` and what the word has, lets go of the list, wakes; again for as long as there is a rest.
    #[cold]
    #[inline(never)]
    fn settle(&self, pool: u64) {
        self.settle_after(pool, |_| {});
    }

    /// The same after something that needs the list, which the caller has taken.
    pub(crate) fn settle_after(&self, mut pool: u64, first: impl FnOnce(&mut Held<'_, D, A>)) {
        let mut first = Some(first);
        loop {
            let mut slots = Slots::uninit();
            let wakers = Wakers::new(&mut slots);
            let mut held = Held { queue: self, pool, wakers, late: None };
            if let Some(first) = first.take() {
                first(&mut held);
            }
            let rest = held.let_go();
            let Some(rest) = rest else {
                held.wakers.wake_all();
                return;
            };
            let come_back = Rest { queue: self, pool: rest };
            held.wakers.wake_all();
            mem::forget(come_back);
            match self.deposit_or_hold(rest) {
                Some(private) => pool = private,
                None => return,
            }
        }
    }

    /// Takes out a node that its owner saw waiting. Answers what had become of it by then; if it was still waiting, `left` says, from what it still
    /// needed, what goes back. Waits for a holder.
    #[cold]
    #[inline(never)]
    pub(crate) fn withdraw(&self, node: &Node<A>, left: impl FnOnce(u64) -> u64) -> Stage {
        let held = self.hold();
        // Our own node is not in the inbox: it was announced, and nobody lets go without having emptied an inbox that is announced.
        let stage = node.stage();
        let mut waker = None;
        let mut pool = 0;
        if stage == Stage::Waiting || mutant!("Q6 taken out without a look") {
            // SAFETY: Q1, we hold the list.
            self.list(|list| unsafe { list.remove(NonNull::from(node)) });
            // SAFETY: Q1, we hold the list, and it waited.
            waker = unsafe { node.take_waker() };
            // SAFETY: Q1, we hold the list.
            pool = left(unsafe { node.part(|part| part.need) });
        }
        if pool == 0 {
            self.leave(held);
        } else {
            self.settle(pool);
        }
        // Q7: dropped after the list was let go.
        drop(waker);
        stage
    }

    /// Gives a waiting node another waker, unless something became of it. Waits for a holder.
    #[cold]
    #[inline(never)]
    pub(crate) fn rearm(&self, node: &Node<A>, waker: &Waker) {
        // Q7: cloned before the list is taken.
        let waker = waker.clone();
        let held = self.hold();
        let other = if node.stage() == Stage::Waiting {
            // SAFETY: we hold the list, and it waits.
            unsafe { node.rearm(waker) }
        } else {
            Some(waker)
        };
        self.leave(held);
        drop(other);
    }
}

/// What comes back for the rest if a waker panics.
struct Rest<'a, D: Discipline, A: Access> {
    queue: &'a Queue<D, A>,
    pool: u64,
}

impl<D: Discipline, A: Access> Drop for Rest<'_, D, A> {
    fn drop(&mut self) {
        self.queue.deposit(self.pool);
    }
}

impl<D: Discipline, A: Access> Held<'_, D, A> {
    /// Settles and lets go of the list. Answers what is to be given afterwards.
    fn let_go(&mut self) -> Option<u64> {
        loop {
            let state = self.queue.state();
            if state.has_inbox() {
                self.queue.empty_inbox(state);
                continue;
            }
            let Settled::Leave { next, rest } = D::settle(self, state) else { continue };
            let waiters = !self.queue.list(|list| list.is_empty());
            if self.queue.let_go(state, next.transition_to_unlocked(waiters)) {
                if let Some((node, stage)) = self.late.take() {
                    // SAFETY: none, and that is the mistake.
                    unsafe { node.as_ref() }.finish(stage);
                }
                return rest;
            }
        }
    }

    /// What the word says.
    pub(crate) fn state(&self) -> State {
        self.queue.state()
    }

    /// Keeps a waker until the list is let go. For a holder who has none yet.
    fn collect(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    /// Whether no more nodes can be finished before those collected are woken.
    pub(crate) fn is_full(&self) -> bool {
        self.wakers.is_full()
    }

    /// Replaces the word, if it is still the same.
    #[must_use]
    pub(crate) fn exchange(&self, state: State, next: State) -> bool {
        self.queue.exchange(state, next)
    }

    /// What the first in the list needs.
    pub(crate) fn front(&self) -> Option<u64> {
        let front = self.queue.list(|list| list.front())?;
        // SAFETY: Q1, we hold the list.
        Some(unsafe { node::part(front, |part| part.need) })
    }

    /// What the last in the list needs.
    pub(crate) fn back(&self) -> Option<u64> {
        let back = self.queue.list(|list| list.back())?;
        // SAFETY: Q1, we hold the list.
        Some(unsafe { node::part(back, |part| part.need) })
    }

    /// The first in the list needs something else.
    pub(crate) fn set_front(&mut self, need: u64) {
        if let Some(front) = self.queue.list(|list| list.front()) {
            // SAFETY: Q1, we hold the list.
            unsafe { node::part(front, |part| part.need = need) };
        }
    }

    /// The first in the list has it, or may try, or waits no more.
    pub(crate) fn finish_front(&mut self, stage: Stage) {
        if let Some(front) = self.queue.list(|list| list.front()) {
            self.finish(front, stage);
        }
    }

    /// The last in the list has it.
    pub(crate) fn finish_back(&mut self, stage: Stage) {
        if let Some(back) = self.queue.list(|list| list.back()) {
            self.finish(back, stage);
        }
    }

    fn finish(&mut self, node: NonNull<Node<A>>, stage: Stage) {
        // SAFETY: we hold the list, and the node is in it.
        self.queue.list(|list| unsafe { list.remove(node) });
        // SAFETY: Q6, it waits.
        let waits = unsafe { node.as_ref() };
        // SAFETY: Q1, we hold the list, and it waits.
        if let Some(waker) = unsafe { waits.take_waker() } {
            if mutant!("Q7 woken while the list is held") {
                waker.wake();
            } else {
                self.wakers.push(waker);
            }
        }
        if mutant!("Q2 finished after the list is let go") {
            self.late = Some((node, stage));
            return;
        }
        // SAFETY: Q6, it waits until the next line.
        unsafe { node.as_ref() }.finish(stage);
    }
}

impl<D: Discipline, A: Access> fmt::Debug for Queue<D, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("state", &self.state()).finish()
    }
}

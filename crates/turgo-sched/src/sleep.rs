//! When workers rest, and who wakes them.
//!
//! A worker that finds nothing of its own *searches*; one that has searched in vain *lies down*, looks once more, and sleeps. Whoever pushes work *notifies*: if
//! somebody of the node searches, nothing is to be done; if nobody does and somebody sleeps, one sleeper is woken, as a searcher. A searcher that finds work
//! *leaves*; if it was the last one it looks whether there is more, and notifies in turn. So a burst of pushes wakes one worker of a node, which
//! wakes the next if there is need, and so on; and when nothing happens nobody wakes up: there are no timeouts.
//!
//! Each node has a word, [`Rest`], with the numbers of its searchers and sleepers, and a bit for each of its workers that says whether it sleeps. Every change is an
//! exchange of the word, so its searchers and sleepers are counted together.
//!
//! # Invariants
//!
//! - **S1** The word counts every worker that searches. A sleeper sets its bit, then counts itself. Whoever wakes takes one off the count first, which gives the right to clear one bit, and each cleared bit
//!   makes one worker rise, counted as a searcher. Who wakes *somebody* does so only where the count is above 0. Who wakes a certain worker, and one that rises by itself, do so wherever its bit is set: it may
//!   not have counted itself yet, or its place on the count was taken by somebody who has woken such a one. The count may be below 0 then, until those have counted themselves, or until one who looks for a bit and finds
//!   none puts his back. Nobody sleeps on when that happens: whoever was not counted then counts itself later, and looks for work afterwards.
//! - **S2** A push is followed by a fence and then by the look at the word. Within the worker's own node that is the light half of the asymmetric fence, because
//!   it follows every spawn; for a push from outside, and before the words of other nodes, it is a full one.
//! - **S3** Lying down is followed by the heavy half, and then by a search of all places where work could be. With S2 either the pusher sees the sleeper, or the sleeper
//!   finds the work: no wakeup is lost. A full fence does where all other workers of the node are counted as sleepers: only these push with the light half. What they pushed before they lay down is
//!   seen by whoever counts itself after them, and one that is woken after this one was counted sees it counted, since both are changes of the one word, and its wakeup comes after the later of them. So one
//!   worker that is woken now and then interrupts nobody.
//! - **S4** The last searcher that leaves with work looks once more if anybody sleeps: somebody may have pushed, seen the searcher and relied on it. Between leaving and
//!   looking stands the heavy half if other workers of the node are awake, who push with the light one; else a full fence.
//! - **S5** A sleeper that has risen takes exactly one token, which whoever cleared its bit gives it. It gives up lying down in the same way as others would
//!   wake it (S1), so that no token is left over.

use std::cell::Cell;
use std::fmt;

use turgo_machine::CachePadded;
use turgo_machine::affinity::ThreadId;
use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use turgo_machine::barrier;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;
use turgo_machine::thread::{self, Thread};
use turgo_machine::topology::CpuId;

use crate::layout::{Layout, NodeIndex, WorkerId};
use crate::pause;

mod apart;
mod rest;
#[cfg(test)]
mod tests;

use apart::{Places, Sent};
use rest::Rest;

/// Where a push came from (S2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// A worker pushed to a queue of its own, or of its node.
    Within,
    /// Any other thread, or to any other node.
    Outside,
}

/// The beds of all workers. Notifying is lock-free, and wakes at most one worker.
pub(crate) struct Sleep {
    nodes: Box<[CachePadded<Node>]>,
    beds: Box<[CachePadded<Bed>]>,
    /// Where there are several nodes: workers of all of them that search or sleep.
    resting: CachePadded<AtomicU64>,
    places: Places,
}

struct Node {
    rest: AtomicU64,
    /// Bit `n` of these belongs to `members[n]`.
    asleep: Box<[AtomicU64]>,
    members: Box<[WorkerId]>,
    /// All nodes, the nearest first, itself before all others.
    nearest: Box<[NodeIndex]>,
    wakeups: AtomicU64,
}

struct Bed {
    /// 1 when its worker shall rise (S5).
    token: AtomicU32,
    /// Written by its worker before it lies down for the first time, read by whoever cleared its bit.
    thread: UnsafeCell<Option<(Thread, ThreadId)>>,
    /// Written by whoever cleared its bit, before it gives the token; read by its worker, which has taken the token.
    sent: UnsafeCell<Option<Sent>>,
    /// Where its worker was when it rose; that one's alone.
    place: Cell<Option<CpuId>>,
    /// Its worker's, in the layout.
    cpu: CpuId,
    node: usize,
    position: usize,
}

// SAFETY: `thread` is written before the Release in `lie_down` and read after the Acquire in `wake_any` or `wake`; `sent` is handed over with the token (S5); `place` is touched by its worker only.
unsafe impl Sync for Bed {}
// SAFETY: as above.
unsafe impl Send for Bed {}

impl Sleep {
    pub(crate) fn new(layout: &Layout) -> Self {
        let node = |number: usize| {
            let node = NodeIndex(u32::try_from(number).expect("nodes are numbered with 32 bits"));
            let members: Box<[WorkerId]> = layout.on_node(node).into();
            CachePadded::new(Node {
                rest: AtomicU64::new(0),
                asleep: (0..members.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
                members,
                nearest: layout.nearest(node).into(),
                wakeups: AtomicU64::new(0),
            })
        };
        let nodes: Box<[CachePadded<Node>]> = (0..layout.nodes()).map(node).collect();
        let mut beds: Vec<Option<CachePadded<Bed>>> = (0..layout.workers()).map(|_| None).collect();
        for (number, node) in nodes.iter().enumerate() {
            for (position, member) in node.members.iter().enumerate() {
                beds[member.0 as usize] = Some(CachePadded::new(Bed {
                    token: AtomicU32::new(0),
                    thread: UnsafeCell::new(None),
                    sent: UnsafeCell::new(None),
                    place: Cell::new(None),
                    cpu: layout.seat(*member).cpu,
                    node: number,
                    position,
                }));
            }
        }
        let beds = beds.into_iter().map(|bed| bed.expect("every worker is on a node")).collect();
        let resting = CachePadded::new(AtomicU64::new(0));
        Self { nodes, beds, resting, places: Places::default() }
    }

    fn bed(&self, worker: WorkerId) -> (&Bed, &Node) {
        let bed = &self.beds[worker.0 as usize];
        (bed, &self.nodes[bed.node])
    }

    /// The calling thread is this worker, now and for ever.
    ///
    /// # Safety
    ///
    /// Called once for each worker, by its thread, before all else.
    pub(crate) unsafe fn introduce(&self, worker: WorkerId) {
        self.bed(worker).0.thread.with_mut(|thread| {
            // SAFETY: nobody reads it before this worker has lain down.
            unsafe { *thread = Some((thread::current(), ThreadId::current())) }
        });
    }

    /// A word that is not 0 while somebody has nothing to do. A hint.
    pub(crate) fn hunger(&self) -> &AtomicU64 {
        if self.nodes.len() == 1 { &self.nodes[0].rest } else { &self.resting }
    }

    /// Whether a worker sleeps. A hint.
    pub(crate) fn is_asleep(&self, worker: WorkerId) -> bool {
        let (bed, node) = self.bed(worker);
        bed.is_set(node)
    }

    /// Workers woken so far on a node.
    pub(crate) fn wakeups(&self, node: NodeIndex) -> u64 {
        // Relaxed: a count.
        self.nodes[node.0 as usize].wakeups.load(Ordering::Relaxed)
    }

    /// Work was pushed where workers of `node` look first: wakes at most one worker.
    #[inline]
    pub(crate) fn notify(&self, node: NodeIndex, pushed: Pushed) {
        if !mutant!("S2 no fence after a push") {
            match pushed {
                Pushed::Within => barrier::light(),
                // SeqCst: pairs with the fences in `lie_down` and `leave`.
                Pushed::Outside => fence(Ordering::SeqCst),
            }
        }
        pause::point("notify");
        let node = &self.nodes[node.0 as usize];
        // Relaxed: S2, the fence above.
        let rest = Rest::of(node.rest.load(Ordering::Relaxed));
        if rest.searching() == 0 && (rest.sleeping() > 0 || self.nodes.len() > 1) {
            self.notify_slow(node, pushed);
        }
    }

    #[cold]
    fn notify_slow(&self, node: &Node, pushed: Pushed) {
        if self.wake_any(node) {
            return;
        }
        if pushed == Pushed::Within {
            // SeqCst: pairs with the fences in `lie_down` and `leave` of other nodes' workers (S2).
            fence(Ordering::SeqCst);
        }
        let _ = node.nearest[1..].iter().any(|other| self.wake_any(&self.nodes[other.0 as usize]));
    }

    /// Wakes somebody of the node, unless somebody searches there; false where nobody sleeps either.
    fn wake_any(&self, node: &Node) -> bool {
        // Relaxed: the exchange decides.
        let mut now = node.rest.load(Ordering::Relaxed);
        loop {
            let rest = Rest::of(now);
            if rest.searching() > 0 {
                return true;
            }
            let Some(next) = rest.transition_to_woken() else { return false };
            match node.exchange(now, next) {
                Ok(()) => break,
                Err(other) => now = other,
            }
        }
        pause::point("wake");
        self.wake_one_of(node);
        true
    }

    /// Wakes one whose bit we may clear; nobody where there is none, and those who rose have been taken off the count (S1).
    fn wake_one_of(&self, node: &Node) {
        loop {
            for (row, asleep) in node.asleep.iter().enumerate() {
                // Relaxed: the exchange decides.
                let bits = asleep.load(Ordering::Relaxed);
                if bits == 0 {
                    continue;
                }
                let position = row * 64 + bits.trailing_zeros() as usize;
                let member = node.members[position];
                if self.bed(member).0.clear(node) {
                    return self.give_token(member, node);
                }
            }
            // Relaxed: the exchange decides.
            let now = node.rest.load(Ordering::Relaxed);
            let settled = Rest::of(now).transition_to_settled();
            if settled.is_some_and(|next| node.exchange(now, next).is_ok()) {
                return;
            }
            thread::spin_loop();
        }
    }

    fn give_token(&self, worker: WorkerId, node: &Node) {
        // Relaxed: a count.
        node.wakeups.fetch_add(1, Ordering::Relaxed);
        let bed = self.bed(worker).0;
        let (thread, number) = bed.thread.with(|thread| {
            // SAFETY: written before its worker lay down, which we saw by the Acquire in `clear`, or which asked us to.
            let thread = unsafe { &*thread };
            thread.clone().expect("a worker introduces itself before it lies down")
        });
        if let Some(sent) = self.send(worker, number) {
            // SAFETY: the token is ours to give, and its worker does not look before it has taken that (S5).
            bed.sent.with_mut(|cell| unsafe { *cell = Some(sent) });
        }
        pause::point("token");
        // Release: what led here comes before the Acquire in `sleep`. An exchange, not a store: then loom, too, has one order of all changes.
        bed.token.swap(1, Ordering::Release);
        thread.unpark();
    }

    /// Wakes this worker if it sleeps.
    pub(crate) fn wake(&self, worker: WorkerId) {
        let (bed, node) = self.bed(worker);
        // SeqCst: pairs with the heavy half in `lie_down`: the worker finds what it is woken for, or we find it asleep (S3).
        fence(Ordering::SeqCst);
        if mutant!("S1 a bit is cleared without the count") {
            if bed.clear(node) {
                self.give_token(worker, node);
            }
            return;
        }
        let may = !mutant!("S1 only who is counted is woken by name") || node.counts_any();
        if may && bed.is_set(node) && self.take_place_of(bed, node) {
            self.give_token(worker, node);
        }
    }

    /// Takes one off the count, and clears this bit. Where somebody else has done that, wakes another one in its stead; false then (S1).
    fn take_place_of(&self, bed: &Bed, node: &Node) -> bool {
        // AcqRel: as in `search`.
        node.rest.fetch_add(Rest::WOKEN, Ordering::AcqRel);
        let is_cleared = bed.clear(node);
        if !is_cleared {
            self.wake_one_of(node);
        }
        is_cleared
    }

    /// Wakes a worker that [sleeps](Self::sleep) alone.
    pub(crate) fn wake_alone(&self, worker: WorkerId) {
        let node = self.bed(worker).1;
        self.give_token(worker, node);
    }

    /// The worker searches from now on.
    pub(crate) fn search(&self, worker: WorkerId) {
        let node = self.bed(worker).1;
        // AcqRel: an exchange of the word like all others.
        node.rest.fetch_add(Rest::SEARCHER, Ordering::AcqRel);
        if self.nodes.len() > 1 {
            // Relaxed: a hint.
            self.resting.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The searching worker has found work. `is_work` says whether there is more anywhere.
    pub(crate) fn leave(&self, worker: WorkerId, is_work: impl FnOnce() -> bool) {
        let (bed, node) = self.bed(worker);
        // AcqRel: comes after what those who sleep did before, and before what those do who see it.
        let before = Rest::of(node.rest.fetch_sub(Rest::SEARCHER, Ordering::AcqRel));
        if self.nodes.len() > 1 {
            // Relaxed: a hint.
            self.resting.fetch_sub(1, Ordering::Relaxed);
        }
        debug_assert!(before.searching() > 0, "S1: it searched");
        pause::point("leave");
        if before.searching() > 1 || mutant!("S4 the last searcher does not look") {
            return;
        }
        if before.sleeping() <= 0 && !self.is_anybody_asleep_outside(bed.node) {
            return;
        }
        if mutant!("S4 no fence between leaving and looking") {
        } else {
            node.fence_with(before);
        }
        if is_work() {
            let node = NodeIndex(u32::try_from(bed.node).expect("nodes have 32-bit numbers"));
            self.notify(node, Pushed::Outside);
        }
    }

    fn is_anybody_asleep_outside(&self, node: usize) -> bool {
        let mut others = self.nodes.iter().enumerate().filter(|(number, _)| *number != node);
        // Relaxed: whoever goes to sleep after this looks for itself (S3).
        others.any(|(_, other)| Rest::of(other.rest.load(Ordering::Relaxed)).sleeping() > 0)
    }

    /// The searching worker has found nothing: from now on others may wake it. It shall look once more, and then [rise](Self::rise) or [sleep](Self::sleep).
    pub(crate) fn lie_down(&self, worker: WorkerId) {
        let (bed, node) = self.bed(worker);
        bed.set(node);
        pause::point("lie down");
        // AcqRel: publishes the bit and the thread's handle to whoever takes one off the count, and comes after what those who sleep did before.
        let before =
            Rest::of(node.rest.fetch_add(Rest::SLEEPER - Rest::SEARCHER, Ordering::AcqRel));
        if !mutant!("S3 no heavy half") {
            node.fence_with(before);
        }
    }

    /// The worker that has lain down found work after all; it searches again.
    pub(crate) fn rise(&self, worker: WorkerId) {
        let (bed, node) = self.bed(worker);
        let may = !mutant!("S1 whoever is not counted is being woken") || node.counts_any();
        if may && bed.is_set(node) && self.take_place_of(bed, node) {
            return;
        }
        if !mutant!("S5 a token is left over") {
            self.sleep(worker);
        }
    }

    /// Sleeps until it is woken, and takes its token. One that has lain down searches then; one that has not is *alone*: it neither searches nor counts as a sleeper, and is woken
    /// by [`wake_alone`](Self::wake_alone) only.
    pub(crate) fn sleep(&self, worker: WorkerId) {
        let bed = self.bed(worker).0;
        self.leave_place(worker, bed);
        // Acquire: pairs with the Release in `give_token`.
        while bed.token.swap(0, Ordering::Acquire) == 0 {
            thread::park();
        }
        // SAFETY: whoever gave the token has written it before, and nobody else gives one before we lie down again (S5).
        let sent = bed.sent.with_mut(|sent| unsafe { (*sent).take() });
        self.take_place(worker, bed, sent);
    }

    /// Wakes all who sleep: the pool ends.
    pub(crate) fn wake_all(&self) {
        // SeqCst: pairs with the heavy half in `lie_down`.
        fence(Ordering::SeqCst);
        let members = self.nodes.iter().flat_map(|node| &node.members);
        members.for_each(|&member| self.wake(member));
    }
}

impl Node {
    /// The fence of one worker that was awake, as the word said `before` it changed that; a full one if all others slept (S3, S4).
    fn fence_with(&self, before: Rest) {
        if i64::from(before.sleeping()) + 1 < self.members.len() as i64 {
            barrier::heavy();
        } else {
            // SeqCst: pairs with the fence in `notify` after a push from outside.
            fence(Ordering::SeqCst);
        }
    }

    /// Whether anybody is on the count, for planted mistakes.
    fn counts_any(&self) -> bool {
        // Relaxed: a hint.
        Rest::of(self.rest.load(Ordering::Relaxed)).sleeping() > 0
    }

    fn exchange(&self, now: u64, next: Rest) -> Result<(), u64> {
        // AcqRel: as in `search`. Relaxed: a failure is tried again.
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        self.rest.compare_exchange_weak(now, next.bits(), order.0, order.1).map(|_| ())
    }
}

impl Bed {
    fn bit(&self) -> u64 {
        1 << (self.position % 64)
    }

    fn set(&self, node: &Node) {
        // Release: publishes the thread's handle to the Acquire in `clear`.
        node.asleep[self.position / 64].fetch_or(self.bit(), Ordering::Release);
    }

    /// Whether the bit is set. A hint.
    fn is_set(&self, node: &Node) -> bool {
        // Relaxed: whoever cleared it gives a token, which is taken with Acquire.
        node.asleep[self.position / 64].load(Ordering::Relaxed) & self.bit() != 0
    }

    /// Clears the bit; false where it was not set.
    fn clear(&self, node: &Node) -> bool {
        // Acquire: pairs with the Release in `set`.
        node.asleep[self.position / 64].fetch_and(!self.bit(), Ordering::Acquire) & self.bit() != 0
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for people.
        let rest = |node: &CachePadded<Node>| Rest::of(node.rest.load(Ordering::Relaxed));
        f.debug_list().entries(self.nodes.iter().map(rest)).finish()
    }
}

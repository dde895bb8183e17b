//! What workers of other pools call, for those that wait for another pool themselves.
//!
//! A closure that a worker moves to another pool is a *call*, and its number is queued as that of any closure from outside. Besides, the call is in a list, from which those workers begin it that begin
//! nothing else: they wait for another pool, and have as many tasks on their stacks as may be (F5). Without it the workers of two pools could all wait for calls that nobody is free to begin.
//!
//! # Invariants
//!
//! - **L2** A call is begun by whoever takes it off the list, and so once: whoever comes with its number and does not find it has nothing to do.
//! - **L3** A worker sleeps here only while it is listed, it lists itself only while there is no call, and looks afterwards whether what it waits for is over. Whoever adds a call, or ends what
//!   a worker waits for, takes workers off the list, and gives those a token each that it has taken off (S5).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use turgo_machine::mutant;

use crate::arena::Slot;
use crate::layout::{NodeIndex, WorkerId};

use super::class::Class;
use super::countdown::Countdown;
use super::shared::Shared;
use super::worker::Worker;

/// A closure in a frame of another pool's worker, which waits for it.
#[derive(Debug)]
struct Call {
    number: u64,
    frame: *const (),
    begin: unsafe fn(*const (), &Worker),
}

// SAFETY: whoever adds one promises that the frame may be used by another thread.
unsafe impl Send for Call {}

/// Calls that nobody has begun, and workers that wait for one. Every operation blocks for that of another thread, and is O(calls and workers that wait).
#[derive(Debug, Default)]
pub(super) struct Calls {
    // LOCK: taken three times for each call of a worker of another pool, twice here and once where it waits, and by workers that wait for another pool and may begin nothing else.
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    added: u64,
    calls: VecDeque<Call>,
    asleep: Vec<WorkerId>,
}

impl Calls {
    fn list(&self) -> MutexGuard<'_, List> {
        // LOCK: see the field. Nobody panics with it.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, frame: *const (), begin: unsafe fn(*const (), &Worker)) -> (u64, Vec<WorkerId>) {
        let mut list = self.list();
        let number = list.added;
        list.added += 1;
        list.calls.push_back(Call { number, frame, begin });
        if mutant!("L3 a call wakes nobody") {
            return (number, Vec::new());
        }
        (number, std::mem::take(&mut list.asleep))
    }

    fn take(&self, number: u64) -> Option<Call> {
        let calls = &mut self.list().calls;
        let at = calls.iter().position(|call| call.number == number)?;
        calls.remove(at)
    }

    /// The oldest call; if there is none, the worker is listed.
    fn take_oldest_or_list(&self, worker: WorkerId) -> Option<Call> {
        let mut list = self.list();
        let oldest = list.calls.pop_front();
        if oldest.is_none() {
            list.asleep.push(worker);
        }
        oldest
    }

    /// Takes a worker off the list: false if somebody else has done so, who gives it a token.
    fn unlist(&self, worker: WorkerId) -> bool {
        let asleep = &mut self.list().asleep;
        let place = asleep.iter().position(|&one| one == worker);
        place.map(|at| asleep.swap_remove(at)).is_some()
    }

    /// Whether a worker is listed.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn has(&self, worker: WorkerId) -> bool {
        self.list().asleep.contains(&worker)
    }
}

impl Shared {
    /// Queues a call, for whoever comes to it by its number or by the list.
    ///
    /// # Safety
    ///
    /// `begin` may be called with the frame once, on any thread.
    pub(super) unsafe fn call(&self, frame: *const (), begin: unsafe fn(*const (), &Worker)) {
        let (id, slot) = self.arena.take_outside();
        // From here on nothing panics, and the frame stays.
        let (number, asleep) = self.calls.add(frame, begin);
        // SAFETY: N1, the slot is ours; a number fits, and `run_by_number` reads one.
        unsafe { slot.fill(run_by_number, number) };
        self.inject(NodeIndex(0), Class::Normal, id);
        asleep.into_iter().for_each(|worker| self.sleep.wake_alone(worker));
    }

    /// What a worker of this pool [waits for elsewhere](Worker::wait_elsewhere) has ended. Nothing of what the countdown is a part of may be touched afterwards.
    pub(crate) fn end_elsewhere(&self, countdown: &Countdown) {
        let owner = countdown.owner();
        countdown.end(&self.sleep);
        if self.calls.unlist(owner) && !mutant!("L3 the end of a call wakes nobody") {
            self.sleep.wake_alone(owner);
        }
    }
}

impl Worker {
    /// Waits, and begins nothing but what workers of other pools call (F5).
    pub(super) fn wait_for_calls(&self, countdown: &Countdown) {
        while !countdown.is_over() {
            if let Some(call) = self.shared.calls.take_oldest_or_list(self.id) {
                self.run_call(call);
                continue;
            }
            if !countdown.is_over() || !self.shared.calls.unlist(self.id) {
                self.purse.flush(&self.shared.arena);
                self.unpaid(|| self.park(|| self.shared.sleep.sleep(self.id)));
            }
        }
    }

    /// Runs a call under a number of its own, before the eyes of whoever sees what is run. As it would have in turn, the first tenant pays for it, if there are any.
    fn run_call(&self, call: Call) {
        let (id, slot) = self.purse.take(&self.shared.arena);
        // SAFETY: N1, the slot is ours; a call fits, and `run_taken` reads one.
        unsafe { slot.fill(run_taken, call) };
        self.begin_out_of_turn(NodeIndex(0), Class::Normal, 0);
        self.help(id);
    }
}

/// # Safety
///
/// The slot holds the number of a call, and is run once.
unsafe fn run_by_number(slot: &Slot, id: u32, worker: &Worker) {
    // SAFETY: N1.
    let number = unsafe { slot.read::<u64>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    if let Some(Call { frame, begin, .. }) = worker.shared.calls.take(number) {
        // SAFETY: L2, this is the one time.
        unsafe { begin(frame, worker) };
    }
}

/// # Safety
///
/// The slot holds a call that was taken off the list, and is run once.
unsafe fn run_taken(slot: &Slot, id: u32, worker: &Worker) {
    // SAFETY: N1.
    let Call { frame, begin, .. } = unsafe { slot.read::<Call>() };
    worker.purse.give(&worker.shared.arena, id, slot);
    // SAFETY: L2, this is the one time.
    unsafe { begin(frame, worker) };
}

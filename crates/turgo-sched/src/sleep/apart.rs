//! Workers that the system would put on one processor are put on two.
//!
//! A system that wakes a thread likes to put it near whoever woke it, and may leave both on one processor for milliseconds though another one is idle: a loop of that length then runs as fast as by one
//! worker. So whoever wakes a worker looks where it is itself. Where a worker is known to be awake there, it sends the one it wakes to a processor of that one's node where none is. That one may run anywhere again as
//! soon as it has risen: it is a move and no pin, which other programs and other pools would pay for.
//!
//! Workers say where they are when they rise, and no more. One that the system has moved since then is thought to be where it was, and may be joined where it is; that costs what it would cost without all this. A worker that
//! finds itself beside another one does not move: it would have to run for that, which is late, and where a thread of no pool is busy, it moved there.
//!
//! # Invariants
//!
//! - **I1** A worker is sent only from a processor on which another one was seen, and only to one of its node on which none was: its own, if that is such a one.
//! - **I2** A worker that sleeps is nowhere.
//! - **I3** A worker that has risen may run where it could when it lay down. Whoever sends it writes down where that is, between clearing its bit and giving its token (S1, S5).

use turgo_machine::affinity::{self, ThreadId};
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;
use turgo_machine::topology::{CpuId, CpuSet};

use crate::layout::WorkerId;

use super::{Bed, Sleep};

/// Who was seen where: by number of the processor, the number of the worker plus one. Empty where nobody is to be sent anywhere.
#[derive(Debug, Default)]
pub(super) struct Places(Box<[AtomicU32]>);

impl Places {
    fn place(&self, cpu: CpuId) -> Option<&AtomicU32> {
        self.0.get(cpu.0 as usize)
    }

    fn has_other(&self, cpu: CpuId, worker: WorkerId) -> bool {
        // Relaxed, here and below: hints, each about one word.
        let who = self.place(cpu).map_or(0, |place| place.load(Ordering::Relaxed));
        who != 0 && who != worker.0 + 1
    }

    fn take(&self, worker: WorkerId, cpu: CpuId) {
        if let Some(place) = self.place(cpu) {
            place.store(worker.0 + 1, Ordering::Relaxed);
        }
    }

    fn leave(&self, worker: WorkerId, cpu: CpuId) {
        let is_its = !self.has_other(cpu, worker) && !mutant!("I2 it stays where it fell asleep");
        if let Some(place) = self.place(cpu).filter(|_| is_its) {
            place.store(0, Ordering::Relaxed);
        }
    }
}

/// Where a worker was sent, and where it could run before (I3).
#[derive(Debug)]
pub(super) struct Sent {
    to: CpuId,
    before: CpuSet,
}

impl Sleep {
    /// Workers that would share a processor are put on two.
    pub(crate) fn keeping_apart(mut self) -> Self {
        let last = self.beds.iter().map(|bed| bed.cpu.0).max().unwrap_or(0) as usize;
        self.places = Places((0..=last).map(|_| AtomicU32::new(0)).collect());
        self
    }

    /// Where a worker goes that would wake up here; nowhere else if it may (I1). O(workers of its node) if it may not.
    fn better(&self, worker: WorkerId, here: CpuId) -> Option<CpuId> {
        if !self.places.has_other(here, worker) || mutant!("I1 wherever it was woken") {
            return None;
        }
        let (bed, node) = self.bed(worker);
        let others = node.members.iter().map(|&other| self.bed(other).0.cpu);
        std::iter::once(bed.cpu).chain(others).find(|&cpu| !self.places.has_other(cpu, worker))
    }

    /// Sends a worker that is about to be given its token away from the caller's processor, if another worker is awake there.
    pub(super) fn send(&self, worker: WorkerId, thread: ThreadId) -> Option<Sent> {
        if self.places.0.is_empty() {
            return None;
        }
        let to = self.better(worker, affinity::processor().ok()?)?;
        let before = affinity::of(thread).ok()?;
        // Refused where the process may not use it: then it rises where the system puts it.
        affinity::set_of(thread, &CpuSet::from_iter([to])).ok()?;
        self.places.take(worker, to);
        Some(Sent { to, before })
    }

    /// The worker falls asleep.
    pub(super) fn leave_place(&self, worker: WorkerId, bed: &Bed) {
        if let Some(cpu) = bed.place.take() {
            self.places.leave(worker, cpu);
        }
    }

    /// The worker has risen.
    pub(super) fn take_place(&self, worker: WorkerId, bed: &Bed, sent: Option<Sent>) {
        if let Some(Sent { to, before }) = sent {
            if !mutant!("I3 it stays where it was sent") {
                // Refused only where the process may use none of the old processors any more: then there is nothing to put back.
                let _ = affinity::set(&before);
            }
            bed.place.set(Some(to));
            return;
        }
        if self.places.0.is_empty() {
            return;
        }
        if let Ok(here) = affinity::processor() {
            self.places.take(worker, here);
            bed.place.set(Some(here));
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

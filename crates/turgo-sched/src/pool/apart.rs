//! Workers that the system has put on one processor are moved apart.
//!
//! A system that wakes a thread likes to put it near whoever woke it, and may leave both on one processor for milliseconds though another one is idle: a loop of that length then runs as fast as by one
//! worker. So a worker that was woken looks where it is. Where another one was seen that is awake, it goes to a processor of its node where none was, and may run anywhere again at once: it is a move
//! and no pin, which other programs and other pools would pay for.
//!
//! It has to run to do so. Where the system lets it wait behind the one beside which it was put, it moves late.
//!
//! Workers say where they are when they rise, and no more. One that the system has moved since then is thought to be where it was, and may be joined where it is; that costs what it cost before.
//!
//! # Invariants
//!
//! - **I1** A worker moves only from a processor on which another one was seen, and only to one of its node on which none was: its own, if that is such a one.
//! - **I2** A worker that sleeps is nowhere.

use turgo_machine::affinity;
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;
use turgo_machine::topology::CpuId;

use crate::layout::{Layout, WorkerId, small};

use super::worker::Worker;

/// Who was seen where: by number of the processor, the number of the worker plus one. Empty where nobody is to be moved.
#[derive(Debug, Default)]
pub(super) struct Places(Box<[AtomicU32]>);

impl Places {
    /// For the processors of these workers.
    pub(super) fn new(layout: &Layout) -> Self {
        let cpus = (0..small(layout.workers())).map(|worker| layout.seat(WorkerId(worker)).cpu.0);
        let most = cpus.max().unwrap_or(0) as usize;
        Self((0..=most).map(|_| AtomicU32::new(0)).collect())
    }

    fn place(&self, cpu: CpuId) -> Option<&AtomicU32> {
        self.0.get(cpu.0 as usize)
    }

    fn has_other(&self, cpu: CpuId, worker: WorkerId) -> bool {
        // Relaxed, here and below: hints, each about one word.
        let who = self.place(cpu).map_or(0, |place| place.load(Ordering::Relaxed));
        who != 0 && who != worker.0 + 1
    }

    /// Where a worker goes that has woken up here; nowhere else if it may stay (I1). O(workers of its node) if it may not.
    fn better(&self, worker: WorkerId, here: CpuId, layout: &Layout) -> Option<CpuId> {
        if !self.has_other(here, worker) || mutant!("I1 wherever it was woken") {
            return None;
        }
        let own = layout.seat(worker).cpu;
        let others =
            layout.on_node(layout.node(worker)).iter().map(|&other| layout.seat(other).cpu);
        std::iter::once(own).chain(others).find(|&cpu| !self.has_other(cpu, worker))
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

impl Worker {
    /// Goes to sleep, as `sleep` does, and rises where no other worker is.
    pub(super) fn away(&self, sleep: impl FnOnce()) {
        let places = &self.shared.places;
        if let Some(cpu) = self.place.take() {
            places.leave(self.id, cpu);
        }
        sleep();
        if places.0.is_empty() {
            return;
        }
        let Ok(mut here) = affinity::processor() else { return };
        if let Some(better) = places.better(self.id, here, &self.shared.layout)
            // Refused where the process may not use it: then there is nowhere better.
            && affinity::pin(better).is_ok()
        {
            here = better;
        }
        places.take(self.id, here);
        self.place.set(Some(here));
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

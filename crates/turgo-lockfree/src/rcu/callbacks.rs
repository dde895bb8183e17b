//! Running what was retired: who may (U6), and who waits for it.

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::InReadSection;
use super::config::Executor;
use super::domain::Inner;
use super::grace::Held;
use super::record::RcuRecord;
use super::wait::Wait;
use crate::reclaim::List;
use crate::registry::{Member, Record};

impl Inner {
    /// Whether the calling thread is in a section or a callback, by `record` or another one of its own: then it runs nothing, and does not
    /// wait for callbacks (U6). Without `std` only `record` is known to be its own.
    pub(super) fn is_engaged(&self, record: &Record<RcuRecord>) -> bool {
        if mutant!("U6 run inside a section") {
            return false;
        }
        let own = |other: &&Record<RcuRecord>| other.identity.is_current();
        let elsewhere = || self.registry.iter().filter(own).any(|other| other.is_engaged());
        record.is_engaged() || (!mutant!("U6 other records ignored") && elsewhere())
    }

    /// Calls `f` with the thread's record, or with one that it has for so long where it has no place to keep one (L2).
    fn with_record<T>(
        &self,
        record: Option<&Record<RcuRecord>>,
        f: impl FnOnce(&Record<RcuRecord>) -> T,
    ) -> T {
        if let Some(record) = record {
            return f(record);
        }
        let record = self.join();
        let result = f(record);
        self.registry.release(record);
        result
    }

    /// Advances the batches of `record` and runs what may be run. Returns how many that were.
    pub(super) fn run_local(&self, record: &Record<RcuRecord>) -> usize {
        if self.is_engaged(record) || !record.begin() {
            return 0;
        }
        let mut done = self.step(record);
        self.lead(|leader| self.advance(leader));
        done.append(&mut self.step(record));
        let (nodes, bytes) = (done.len, done.bytes);
        self.run(&mut done);
        record.tally.reclaim(nodes, bytes);
        let handed = self.run_handed(usize::MAX);
        record.end();
        nodes + handed
    }

    fn step(&self, record: &Record<RcuRecord>) -> List {
        record.batches(|batches| batches.step(|| self.completed(), || self.stamp()))
    }

    /// Runs nodes (U6: no lock is held, and the thread is in no section).
    pub(super) fn run(&self, list: &mut List) {
        // SAFETY: U4, a grace period after they were unlinked has ended.
        let panics = unsafe { list.run() };
        if panics > 0 {
            self.count_panics(panics);
        }
    }

    /// Advances what was handed to the domain and runs up to `budget` nodes of it. The caller has begun to run callbacks.
    fn run_handed(&self, budget: usize) -> usize {
        // Relaxed: a hint.
        if self.handed_len.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let taken = self.lead(|leader| {
            leader.batches.current.append(&mut self.handed.take());
            for _ in 0..2 {
                let mut done = leader.batches.step(|| self.completed(), || self.stamp());
                leader.ready.append(&mut done);
                self.advance(leader);
            }
            let mut done = leader.batches.step(|| self.completed(), || self.stamp());
            leader.ready.append(&mut done);
            let list = leader.ready.take(budget);
            leader.taken += list.len as u64;
            let runners = &self.runners[leader.phase];
            // Relaxed: the flag orders it before the flip of the phase in `barrier`.
            runners.fetch_add(1, Ordering::Relaxed);
            (list, runners)
        });
        let Some((mut list, runners)) = taken else { return 0 };
        let (nodes, bytes) = (list.len, list.bytes);
        self.run(&mut list);
        self.tally.reclaim(nodes, bytes);
        // Relaxed: a hint.
        self.handed_len.fetch_sub(nodes, Ordering::Relaxed);
        // Release: pairs with the Acquire in `barrier`; what the callbacks did is seen behind it.
        runners.fetch_sub(1, Ordering::Release);
        nodes
    }

    /// Runs what was handed over once it fills a batch. Without `std` a thread that has no record does not: it may be reading.
    pub(super) fn run_handed_if_due(&self, record: Option<&Record<RcuRecord>>) {
        if record.is_none() && !cfg!(any(feature = "std", loom, shuttle)) {
            return;
        }
        // Relaxed: a hint.
        let due = self.handed_len.load(Ordering::Relaxed) >= self.config.step();
        if due && self.config.executor == Executor::Inline {
            self.poll(record, usize::MAX);
        }
    }

    /// Runs up to `budget` nodes of what was handed over.
    pub(super) fn poll(&self, record: Option<&Record<RcuRecord>>, budget: usize) -> usize {
        self.with_record(record, |record| {
            if self.is_engaged(record) || !record.begin() {
                return 0;
            }
            let ran = self.run_handed(budget);
            record.end();
            ran
        })
    }

    /// Waits until everything that was handed over before has been run.
    pub(super) fn barrier(&self, record: Option<&Record<RcuRecord>>) -> Result<(), InReadSection> {
        self.with_record(record, |record| {
            if self.is_engaged(record) || !record.begin() {
                return Err(InReadSection);
            }
            let mut list = record.batches(|batches| batches.take_all());
            self.hand_over(&mut list);
            let result = self.barrier_handed();
            record.end();
            result
        })
    }

    fn barrier_handed(&self) -> Result<(), InReadSection> {
        let mut wait = Wait::default();
        let goal = loop {
            let goal = self.lead(|leader| {
                leader.batches.current.append(&mut self.handed.take());
                leader.taken + (leader.ready.len + leader.batches.len()) as u64
            });
            if let Some(goal) = goal {
                break goal;
            }
            wait.pause();
        };
        // Lists are first in, first out: when so many have left, all that were there have.
        while self.lead(|leader| leader.taken < goal).unwrap_or(true) {
            if self.run_handed(usize::MAX) == 0 {
                if self.lead(|leader| self.advance(leader)) == Some(Held::Own) {
                    return Err(InReadSection);
                }
                wait.pause();
            }
        }
        // Those that left may still be running: whoever took them counts in the phase until now.
        let old = loop {
            let flipped = self.lead(|leader| {
                let other = &self.runners[1 - leader.phase];
                // Acquire: pairs with the Release in `run_handed`.
                if other.load(Ordering::Acquire) > 0 {
                    return None;
                }
                leader.phase = 1 - leader.phase;
                Some(1 - leader.phase)
            });
            if let Some(Some(old)) = flipped {
                break old;
            }
            wait.pause();
        };
        // Acquire: as above.
        while self.runners[old].load(Ordering::Acquire) > 0 {
            wait.pause();
        }
        Ok(())
    }

    /// Runs what can be run without waiting: what this thread retired, and what was handed over.
    pub(super) fn flush(&self, record: Option<&Record<RcuRecord>>) {
        self.with_record(record, |record| while self.run_local(record) > 0 {});
    }
}

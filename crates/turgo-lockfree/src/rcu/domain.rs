//! What the handles of a domain share: retiring, running callbacks, limits, numbers.

use alloc::sync::Weak;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, AtomicUsize, Ordering};
use turgo_machine::mutant;

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
use super::background::Background;
use super::config::{Config, Executor};
use super::grace::{Held, Leadership};
use super::record::RcuRecord;
use super::stall::HookCell;
use super::wait::Wait;
use super::{Full, InReadSection};
use crate::fence::maybe_const;
use crate::reclaim::{List, Owned, ReclaimStats, Retired, SharedList};
use crate::registry::{Member, Record, Registry, SharedTally};

/// The number of the grace period that has ended before the first one begins.
const FIRST: u64 = 1;

/// What the handles of a domain share.
pub(super) struct Inner {
    /// The last grace period that began.
    pub(super) periods: CachePadded<AtomicU64>,
    /// The last grace period that ended.
    pub(super) completed: CachePadded<AtomicU64>,
    /// The grace period that somebody needs.
    pub(super) wanted: AtomicU64,
    pub(super) config: Config,
    pub(super) registry: Registry<RcuRecord>,
    pub(super) leadership: Leadership,
    /// What was handed to the domain: callbacks, and what ended threads left behind.
    pub(super) handed: SharedList,
    /// How much was handed over and not run yet.
    pub(super) handed_len: AtomicUsize,
    /// How many threads run callbacks of the domain, by phase.
    pub(super) runners: [AtomicUsize; 2],
    stall_after_ns: AtomicU64,
    pub(super) hook: HookCell,
    tally: SharedTally,
    counts: Counts,
    #[cfg(all(feature = "std", not(any(loom, shuttle))))]
    pub(super) background: Background,
}

/// Numbers for reports. All accesses are Relaxed: each stands for itself.
struct Counts {
    heavy: AtomicU64,
    panics: AtomicU64,
    pending_max: AtomicU64,
    periods: AtomicU64,
    ns_total: AtomicU64,
    ns_max: AtomicU64,
    stalls: AtomicU64,
    overflows: AtomicU64,
}

impl Member for Inner {
    type Payload = RcuRecord;

    fn registry(&self) -> &Registry<RcuRecord> {
        &self.registry
    }

    fn payload(&self) -> RcuRecord {
        RcuRecord::new()
    }

    fn leave(&self, record: &Record<RcuRecord>) {
        let mut list = record.batches(|batches| batches.take_all());
        if mutant!("U7 orphans are lost") {
            list = List::new();
        }
        self.hand_over(&mut list);
        if record.own().is_idle() {
            self.registry.release(record);
            // Threads that retire little and end would add up.
            self.run_handed_if_due(None);
        } else {
            // The address that tells this thread from others may soon be another thread's.
            record.identity.clear();
            record.set_leaving();
        }
    }
}

impl Inner {
    maybe_const! {
        pub(super) fn new(config: Config, domain: Weak<Inner>) -> Self {
            #[cfg(not(all(feature = "std", not(any(loom, shuttle)))))]
            core::mem::forget(domain);
            Self {
                #[cfg(all(feature = "std", not(any(loom, shuttle))))]
                background: Background::new(domain),
                periods: CachePadded::new(AtomicU64::new(FIRST)),
                completed: CachePadded::new(AtomicU64::new(FIRST)),
                wanted: AtomicU64::new(FIRST),
                registry: Registry::new(),
                leadership: Leadership::new(),
                handed: SharedList::new(),
                handed_len: AtomicUsize::new(0),
                runners: [AtomicUsize::new(0), AtomicUsize::new(0)],
                stall_after_ns: AtomicU64::new(config.stall_after_ns),
                hook: HookCell::new(),
                tally: SharedTally::new(),
                counts: Counts {
                    heavy: AtomicU64::new(0),
                    panics: AtomicU64::new(0),
                    pending_max: AtomicU64::new(0),
                    periods: AtomicU64::new(0),
                    ns_total: AtomicU64::new(0),
                    ns_max: AtomicU64::new(0),
                    stalls: AtomicU64::new(0),
                    overflows: AtomicU64::new(0),
                },
                config,
            }
        }
    }

    /// Ends a section of `record`, and gives the record back where its thread could not keep it.
    #[inline(always)]
    pub(super) fn unlock(&self, record: &Record<RcuRecord>) {
        if record.unlock() {
            self.registry.release(record);
        }
    }

    /// A record for a thread that has no place to keep one (L2): it goes back with the section that begins here.
    #[cold]
    pub(super) fn lock_transient(&self) -> &Record<RcuRecord> {
        let record = self.join();
        record.lock(&self.periods);
        record.set_leaving();
        record
    }

    /// Queues a node and, once a batch is full and the thread in no section, frees what can be freed.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire_raw`](crate::Reclaim::retire_raw).
    #[inline]
    pub(super) unsafe fn retire(&self, record: Option<&Record<RcuRecord>>, node: Retired) {
        match record {
            Some(record) => {
                if record.push(node) && self.retire_slow(record) {
                    self.keep_limits(record);
                }
            }
            None => self.retire_handed(node),
        }
    }

    /// A batch is full. Returns whether the limits are to be looked at: the thread is in no section.
    #[cold]
    fn retire_slow(&self, record: &Record<RcuRecord>) -> bool {
        let step = self.config.step();
        if !record.look_again_after(step) {
            return false;
        }
        if !record.own().is_idle() && !mutant!("U6 run inside a section") {
            // Only queued: look again at once, so that the first after the section finds this.
            record.look_again_after(1);
            self.count_overflow();
            return false;
        }
        self.note_pending();
        self.collect(record);
        record.look_again_after(step);
        self.config.is_limited()
    }

    /// Does for the batches of `record` what the executor says.
    pub(super) fn collect(&self, record: &Record<RcuRecord>) {
        if self.config.executor == Executor::Inline {
            self.run_local(record);
        } else {
            let mut list = record.batches(|batches| batches.take_all());
            self.hand_over(&mut list);
        }
    }

    /// Advances the batches of `record` and runs what may be run. Returns how many that were.
    pub(super) fn run_local(&self, record: &Record<RcuRecord>) -> usize {
        if !record.begin() {
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
    fn run(&self, list: &mut List) {
        // SAFETY: U4, a grace period after they were unlinked has ended.
        let panics = unsafe { list.run() };
        if panics > 0 {
            self.count_panics(panics);
        }
    }

    pub(super) fn count_panics(&self, panics: usize) {
        // Relaxed: a number for reports.
        self.counts.panics.fetch_add(panics as u64, Ordering::Relaxed);
    }

    /// Queues a node with the domain.
    pub(super) fn retire_handed(&self, node: Retired) {
        let mut list = List::new();
        self.tally.retire(list.push(node));
        self.hand_over(&mut list);
    }

    /// Gives nodes to the domain.
    pub(super) fn hand_over(&self, list: &mut List) {
        // Relaxed: a hint for whoever looks for work.
        self.handed_len.fetch_add(list.len, Ordering::Relaxed);
        self.handed.push(list);
        #[cfg(all(feature = "std", not(any(loom, shuttle))))]
        if self.config.executor == Executor::Background {
            self.background.kick();
        }
    }

    /// Advances what was handed to the domain and runs up to `budget` nodes of it.
    pub(super) fn run_handed(&self, budget: usize) -> usize {
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

    /// Runs what was handed over once it fills a batch.
    pub(super) fn run_handed_if_due(&self, record: Option<&Record<RcuRecord>>) {
        // Relaxed: a hint.
        let due = self.handed_len.load(Ordering::Relaxed) >= self.config.step();
        if due && self.config.executor == Executor::Inline {
            self.poll(record, usize::MAX);
        }
    }

    /// Runs up to `budget` nodes of what was handed over, unless the thread reads or runs some already (U6).
    pub(super) fn poll(&self, record: Option<&Record<RcuRecord>>, budget: usize) -> usize {
        let Some(record) = record else { return self.run_handed(budget) };
        if !record.own().is_idle() || !record.begin() {
            return 0;
        }
        let ran = self.run_handed(budget);
        record.end();
        ran
    }

    /// Whether a grace period after `stamp` has ended; drives it.
    pub(super) fn poll_stamp(&self, stamp: u64) -> bool {
        if self.completed() <= stamp {
            self.want(stamp);
            self.lead(|leader| self.advance(leader));
        }
        self.completed() > stamp
    }

    /// Waits until everything that was handed over before has been run.
    pub(super) fn barrier(&self, record: Option<&Record<RcuRecord>>) -> Result<(), InReadSection> {
        if let Some(record) = record {
            if !record.own().is_idle() || !record.begin() {
                return Err(InReadSection);
            }
            let mut list = record.batches(|batches| batches.take_all());
            self.hand_over(&mut list);
        }
        let result = self.barrier_handed();
        if let Some(record) = record {
            record.end();
        }
        result
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

    /// Waits until every section that was open when this was called has ended.
    pub(super) fn synchronize(
        &self,
        record: Option<&Record<RcuRecord>>,
    ) -> Result<(), InReadSection> {
        if record.is_some_and(|record| !record.own().is_idle()) {
            return Err(InReadSection);
        }
        let stamp = self.stamp();
        self.wait_for(stamp)
    }

    /// Runs what can be run without waiting: what this thread retired, and what was handed over.
    pub(super) fn flush(&self, record: Option<&Record<RcuRecord>>) {
        if record.is_some_and(|record| !record.own().is_idle()) {
            return;
        }
        loop {
            let mut ran = self.run_handed(usize::MAX);
            if let Some(record) = record {
                ran += self.run_local(record);
            }
            if ran == 0 {
                return;
            }
        }
    }

    /// Expedites grace periods above the soft limit, waits at the hard one.
    #[cold]
    fn keep_limits(&self, record: &Record<RcuRecord>) {
        let mut wait = Wait::default();
        for _ in 0..EXPEDITE_MAX {
            if !self.config.is_above_soft(&self.stats()) {
                return;
            }
            wait.pause();
            self.run_local(record);
        }
        while self.config.is_above_hard(&self.stats()) {
            if self.run_local(record) == 0 {
                if self.lead(|leader| self.advance(leader)) == Some(Held::Own) {
                    self.count_overflow();
                    return;
                }
                wait.pause();
            }
        }
    }

    /// Queues a node unless the hard limit is reached.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire_unchecked`](crate::Reclaim::retire_unchecked).
    pub(super) unsafe fn try_retire<T>(
        &self,
        record: Option<&Record<RcuRecord>>,
        node: Owned<T>,
    ) -> Result<(), Full<Owned<T>>> {
        if self.config.is_above_hard(&self.stats()) {
            if let Some(record) = record.filter(|record| record.own().is_idle()) {
                self.run_local(record);
            }
            if self.config.is_above_hard(&self.stats()) {
                return Err(Full(node));
            }
        }
        // SAFETY: the caller's promise.
        let node = unsafe { node.into_retired() };
        match record {
            Some(record) => {
                if record.push(node) {
                    self.retire_slow(record);
                }
            }
            None => self.retire_handed(node),
        }
        Ok(())
    }

    /// Forgets the threads that are gone in the child of a fork.
    ///
    /// # Safety
    ///
    /// This is the only thread.
    pub(super) unsafe fn after_fork_child(&self, own: Option<&Record<RcuRecord>>) {
        for record in self.registry.iter() {
            if own.is_some_and(|own| core::ptr::eq(own, record)) {
                record.identity.set();
            } else if !record.identity.is_current() {
                // SAFETY: the caller's promise; the record is that of another thread.
                unsafe { record.reset() };
                self.registry.release(record);
            }
        }
        // SAFETY: the caller's promise.
        let waiting = unsafe { self.leadership.after_fork_child() };
        let mut handed = self.handed.take();
        // Relaxed: there is one thread, here and below.
        self.handed_len.store(waiting + handed.len, Ordering::Relaxed);
        self.handed.push(&mut handed);
        for runners in &self.runners {
            runners.store(0, Ordering::Relaxed);
        }
        #[cfg(all(feature = "std", not(any(loom, shuttle))))]
        self.background.reset();
    }

    fn note_pending(&self) {
        if cfg!(not(loom)) {
            let pending = self.stats().pending();
            // Relaxed: a number for reports.
            self.counts.pending_max.fetch_max(pending, Ordering::Relaxed);
        }
    }

    fn count_overflow(&self) {
        if self.config.is_limited() && self.config.is_above_hard(&self.stats()) {
            // Relaxed: a number for reports.
            self.counts.overflows.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_stall(&self) {
        // Relaxed: a number for reports.
        self.counts.stalls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_heavy(&self) {
        if cfg!(not(loom)) {
            // Relaxed: a number for reports.
            self.counts.heavy.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A grace period ends.
    pub(super) fn count_period(&self, leader: &super::grace::Leader) {
        if cfg!(not(loom)) {
            let ns = (self.config.clock)().saturating_sub(leader.watch.began_ns);
            // Relaxed: numbers for reports, here and below.
            self.counts.periods.fetch_add(1, Ordering::Relaxed);
            self.counts.ns_total.fetch_add(ns, Ordering::Relaxed);
            self.counts.ns_max.fetch_max(ns, Ordering::Relaxed);
        }
    }

    pub(super) fn stall_after_ns(&self) -> u64 {
        // Relaxed: a setting.
        self.stall_after_ns.load(Ordering::Relaxed)
    }

    pub(super) fn set_stall_after_ns(&self, ns: u64) {
        // Relaxed: a setting.
        self.stall_after_ns.store(ns, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> ReclaimStats {
        let mut stats = ReclaimStats::default();
        for record in self.registry.iter() {
            record.tally.add_to(&mut stats);
        }
        self.tally.add_to(&mut stats);
        // Relaxed: as the type says.
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        stats.heavy_fences = read(&self.counts.heavy);
        stats.panics = read(&self.counts.panics);
        stats.pending_max = read(&self.counts.pending_max).max(stats.pending());
        stats.records = self.registry.len() as u64;
        stats.grace_periods = read(&self.counts.periods);
        stats.grace_ns_total = read(&self.counts.ns_total);
        stats.grace_ns_max = read(&self.counts.ns_max);
        stats.stalls = read(&self.counts.stalls);
        stats.overflows = read(&self.counts.overflows);
        stats
    }
}

/// Looks at the readers before `retire` goes on above the soft limit.
const EXPEDITE_MAX: usize = 50;

impl Drop for Inner {
    fn drop(&mut self) {
        let mut list = self.handed.take();
        for record in self.registry.iter() {
            list.append(&mut record.batches(|batches| batches.take_all()));
        }
        self.leadership.try_lead(|leader| {
            list.append(&mut leader.batches.take_all());
            list.append(&mut leader.ready);
        });
        self.run(&mut list);
    }
}

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
    pub(super) tally: SharedTally,
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
            // Threads that retire little and end would add up.
            self.run_handed_if_due(Some(record));
            self.registry.release(record);
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

    /// A batch is full. Returns whether the limits are to be looked at: the thread is in no section and no callback.
    #[cold]
    fn retire_slow(&self, record: &Record<RcuRecord>) -> bool {
        let step = self.config.step();
        if !record.look_again_after(step) {
            return false;
        }
        if self.is_engaged(record) {
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

    /// Whether a grace period after `stamp` has ended; drives it.
    pub(super) fn poll_stamp(&self, stamp: u64) -> bool {
        if self.completed() <= stamp {
            self.want(stamp);
            self.lead(|leader| self.advance(leader));
        }
        self.completed() > stamp
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

    /// Whether neither the thread nor the domain has anything that waits.
    pub(super) fn is_empty(&self, record: &Record<RcuRecord>) -> bool {
        // Relaxed: a hint.
        record.batches(|batches| batches.len()) == 0 && self.handed_len.load(Ordering::Relaxed) == 0
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
                if self.is_empty(record) {
                    // What waits is in the batches of threads that do nothing.
                    return;
                }
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
            if let Some(record) = record {
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
        let (mut kept, mut kept_bytes) = (0, 0);
        for record in self.registry.iter() {
            if own.is_some_and(|own| core::ptr::eq(own, record)) {
                record.identity.set();
            } else if !record.identity.is_current() {
                // SAFETY: the caller's promise; the record is that of another thread.
                unsafe { record.reset() };
                self.registry.release(record);
                continue;
            }
            let (nodes, bytes) = record.batches(|batches| (batches.len(), batches.bytes()));
            (kept, kept_bytes) = (kept + nodes, kept_bytes + bytes);
        }
        // SAFETY: the caller's promise.
        let (waiting, waiting_bytes) = unsafe { self.leadership.after_fork_child() };
        let mut handed = self.handed.take();
        let (handed_len, handed_bytes) = (waiting + handed.len, waiting_bytes + handed.bytes);
        // Relaxed: there is one thread, here and below.
        self.handed_len.store(handed_len, Ordering::Relaxed);
        self.handed.push(&mut handed);
        self.forget_all_but(kept + handed_len, kept_bytes + handed_bytes);
        for runners in &self.runners {
            runners.store(0, Ordering::Relaxed);
        }
        #[cfg(all(feature = "std", not(any(loom, shuttle))))]
        self.background.reset();
    }

    /// Counts what was leaked with the threads that are gone as if it were freed: it is in no limit's way any more.
    fn forget_all_but(&self, nodes: usize, bytes: usize) {
        let stats = self.stats();
        let gone = |pending: u64, kept: usize| pending.saturating_sub(kept as u64) as usize;
        self.tally.reclaim(gone(stats.pending(), nodes), gone(stats.pending_bytes(), bytes));
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

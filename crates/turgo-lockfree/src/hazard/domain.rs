//! The domain: who scans, when, and what is freed.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use turgo_machine::atomic::{AtomicU64, AtomicUsize, Ordering};
use turgo_machine::mutant;

use super::pointer::{Guard, HazardPointer, sealed};
use super::reader::Reader;
use super::record::{HazardRecord, SLOTS};
use crate::fence::{heavy, maybe_const};
use crate::pause;
use crate::reclaim::{List, Reclaim, ReclaimStats, Retired, SharedList};
use crate::registry::{Member, Record, Registry, SharedTally};

/// When a domain scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// A thread scans when it has retired so many nodes, or twice as many as there are slots, whichever is more.
    /// A heavy fence takes up to some 16 µs, so a thousand nodes bring it to 16 ns each.
    pub retired_max: usize,
    /// A thread scans when it has retired so many bytes.
    pub bytes_max: usize,
}

impl Config {
    pub(super) const DEFAULT: Self = Self { retired_max: 1000, bytes_max: 16 << 20 };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The most scans at a time of threads that have no record, stopped ones and those inside of each other (H5).
const TRANSIENT_MAX: usize = 4;

/// What the handles of a domain share.
pub(super) struct Inner {
    config: Config,
    registry: Registry<HazardRecord>,
    /// What ended threads left behind (H4).
    orphans: SharedList,
    /// Blocks of slots beyond the first of each record.
    blocks: AtomicUsize,
    /// How many scans of threads that have no record are under way (H5).
    transient: AtomicUsize,
    /// For threads that have no record.
    tally: SharedTally,
    counts: Counts,
}

/// Numbers for reports. All accesses are Relaxed: each stands for itself.
pub(super) struct Counts {
    heavy: AtomicU64,
    panics: AtomicU64,
    pending_max: AtomicU64,
}

impl Member for Inner {
    type Payload = HazardRecord;

    fn registry(&self) -> &Registry<HazardRecord> {
        &self.registry
    }

    fn payload(&self) -> HazardRecord {
        HazardRecord::new()
    }

    fn leave(&self, record: &Record<HazardRecord>) {
        let mut list = record.take_retired();
        if mutant!("H4 orphans are lost") {
            list = List::new();
        }
        self.orphans.push(&mut list);
        if self.orphans.len() >= self.limit() {
            self.reclaim(record);
            self.orphans.push(&mut record.take_retired());
        }
        self.leave_if_unused(record);
    }
}

impl Inner {
    maybe_const! {
        pub(super) fn new(config: Config) -> Self {
            Self {
                config,
                registry: Registry::new(),
                orphans: SharedList::new(),
                blocks: AtomicUsize::new(0),
                transient: AtomicUsize::new(0),
                tally: SharedTally::new(),
                counts: Counts {
                    heavy: AtomicU64::new(0),
                    panics: AtomicU64::new(0),
                    pending_max: AtomicU64::new(0),
                },
            }
        }
    }

    pub(super) fn count_block(&self) {
        // Relaxed: a number for the threshold.
        self.blocks.fetch_add(1, Ordering::Relaxed);
    }

    /// How many slots there are.
    fn slots(&self) -> usize {
        // Relaxed: a number for the threshold.
        (self.registry.len() + self.blocks.load(Ordering::Relaxed)) * SLOTS
    }

    /// How many nodes make a scan worthwhile (H4).
    pub(super) fn limit(&self) -> usize {
        self.config.retired_max.max(2 * self.slots())
    }

    /// Gives a record back unless slots of it are in use.
    pub(super) fn leave_if_unused(&self, record: &Record<HazardRecord>) {
        if record.is_unused_or_leaves() || mutant!("G4 record given back in use") {
            self.registry.release(record);
        }
    }

    /// A record for a thread that has no place to keep one (L2): it goes back with the hazard pointer that is made of it.
    #[cold]
    pub(super) fn transient(&self) -> &Record<HazardRecord> {
        let record = self.join();
        record.set_leaving(true);
        record
    }

    /// Queues a node with the thread's record and scans if that is due.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire_raw`].
    #[inline]
    pub(super) unsafe fn retire(&self, record: &Record<HazardRecord>, node: Retired) {
        if record.push(node) {
            self.retire_slow(record);
        }
    }

    #[cold]
    fn retire_slow(&self, record: &Record<HazardRecord>) {
        // The limit follows the number of slots, which grows while nobody scans.
        if record.is_due(self.limit(), self.config.bytes_max) {
            self.reclaim(record);
        }
    }

    /// Retires a node for a thread that has no record any more.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire_raw`].
    #[cold]
    pub(super) unsafe fn retire_orphan(&self, node: Retired) {
        let mut list = List::new();
        self.tally.retire(list.push(node));
        self.orphans.push(&mut list);
        let waiting = self.orphans.len();
        if waiting >= self.limit() {
            self.with_transient(waiting, |record| self.reclaim(record));
        }
    }

    /// Calls `scan` with a record of that long for a thread that has none, and returns how many were freed.
    ///
    /// No record says of such a thread that it runs drops, so how deep they go is bounded by how many such scans there are at a time (H5): one, and
    /// for each that may be stopped in the middle another one when the threshold is `waiting` once more.
    fn with_transient(
        &self,
        waiting: usize,
        scan: impl FnOnce(&Record<HazardRecord>) -> usize,
    ) -> usize {
        // Relaxed: only compared.
        let others = self.transient.load(Ordering::Relaxed);
        let is_due = waiting / self.limit() > others && !mutant!("H5 stopped without a record");
        if others > 0 && (others >= TRANSIENT_MAX || !is_due) {
            return 0;
        }
        // Relaxed, both: they count, and order nothing; a list is taken with Acquire.
        let began = self.transient.compare_exchange(
            others,
            others + 1,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if began.is_err() {
            return 0;
        }
        let record = self.join();
        let freed = scan(record);
        self.leave(record);
        // Relaxed: as above.
        self.transient.fetch_sub(1, Ordering::Relaxed);
        freed
    }

    /// Frees all nodes of the thread, and all orphans, that no slot protects (H2, H3).
    pub(super) fn reclaim(&self, record: &Record<HazardRecord>) -> usize {
        let mut freed = 0;
        if !record.begin() {
            return freed;
        }
        loop {
            let mut list = record.take_retired();
            list.append(&mut self.orphans.take());
            let mut seen = record.take_seen();
            if !list.is_empty() {
                let mut free = self.scan(&mut list, &mut seen);
                let (nodes, bytes) = (free.len, free.bytes);
                self.run(&mut free);
                record.tally.reclaim(nodes, bytes);
                freed += nodes;
            }
            if !record.put_back(&mut list, seen, self.limit(), self.config.bytes_max) {
                break;
            }
        }
        record.end();
        freed
    }

    /// Frees what is in a list that threads share and no slot protects (K2), unless this thread runs drops already (H5). Returns how many those were.
    pub(super) fn reclaim_shared(
        &self,
        record: Option<&Record<HazardRecord>>,
        shared: &SharedList,
        waiting: usize,
    ) -> usize {
        let is_wrong = mutant!("K2 one thread scans for all");
        match record.filter(|_| !is_wrong) {
            Some(record) => self.reclaim_shared_as(record, shared),
            None => self.with_transient(if is_wrong { 0 } else { waiting }, |record| {
                self.reclaim_shared_as(record, shared)
            }),
        }
    }

    fn reclaim_shared_as(&self, record: &Record<HazardRecord>, shared: &SharedList) -> usize {
        if !record.begin() {
            return 0;
        }
        let mut list = shared.take();
        let mut free = if list.is_empty() {
            List::new()
        } else {
            let mut seen = record.take_seen();
            let free = self.scan(&mut list, &mut seen);
            record.give_seen(seen);
            free
        };
        // Before drops are run: they may take long, and others may free what is protected by then no more.
        shared.push(&mut list);
        let (nodes, bytes) = (free.len, free.bytes);
        self.run(&mut free);
        record.tally.reclaim(nodes, bytes);
        record.end();
        nodes
    }

    /// A node was retired elsewhere.
    pub(super) fn count_retired(&self, bytes: usize) {
        self.tally.retire(bytes);
    }

    /// Runs nodes that nobody can be reading.
    pub(super) fn run_unread(&self, list: &mut List) {
        let (nodes, bytes) = (list.len, list.bytes);
        self.run(list);
        self.tally.reclaim(nodes, bytes);
    }

    /// Runs nodes that no slot protects.
    fn run(&self, list: &mut List) {
        // SAFETY: H2 and H3, no slot protects them and no reader finds them any more.
        let panics = unsafe { list.run() };
        if panics > 0 {
            // Relaxed: a number for reports.
            self.counts.panics.fetch_add(panics as u64, Ordering::Relaxed);
        }
    }

    /// Frees what can be freed of what this thread and ended threads have retired.
    pub(super) fn flush(&self, record: Option<&Record<HazardRecord>>) {
        match record {
            Some(record) => while self.reclaim(record) > 0 {},
            None => while self.with_transient(0, |record| self.reclaim(record)) > 0 {},
        }
    }

    /// Forgets the threads that are gone in the child of a fork.
    ///
    /// # Safety
    ///
    /// This is the only thread.
    pub(super) unsafe fn after_fork_child(&self, own: Option<&Record<HazardRecord>>) {
        for record in self.registry.iter() {
            if own.is_some_and(|own| core::ptr::eq(own, record)) {
                record.identity.set();
            } else if !record.identity.is_current() {
                // SAFETY: the caller's promise; the record is that of another thread.
                unsafe { record.reset() };
                self.registry.release(record);
            }
        }
        // Relaxed: there is one thread, and it scans nothing.
        self.transient.store(0, Ordering::Relaxed);
    }

    /// Takes out of `list` what no slot protects.
    fn scan(&self, list: &mut List, seen: &mut Vec<usize>) -> List {
        self.note_pending();
        if !mutant!("H2 scan without heavy") {
            heavy();
        }
        // Relaxed: a number for reports.
        self.counts.heavy.fetch_add(1, Ordering::Relaxed);
        pause::point("hazard scan");
        seen.clear();
        for address in self.protected() {
            if seen.try_reserve(1).is_err() {
                // Freeing must not fail for want of memory: each node is looked for in every slot.
                return list.split(|node| self.protected().any(|address| address == node));
            }
            seen.push(address);
        }
        if mutant!("H3 free without scan") {
            seen.clear();
        }
        // Few addresses are found faster one by one than by halving.
        if seen.len() <= 16 {
            return list.split(|address| seen.contains(&address));
        }
        seen.sort_unstable();
        list.split(|address| seen.binary_search(&address).is_ok())
    }

    /// The addresses in all slots.
    fn protected(&self) -> impl Iterator<Item = usize> {
        let blocks = self.registry.iter().flat_map(|record| record.blocks());
        blocks.flat_map(|block| (0..SLOTS).map(|index| block.slot(index))).filter_map(|slot| {
            // Acquire: H3, pairs with the Release that empties a slot; the reader's uses come before the free.
            let node = slot.load(Ordering::Acquire);
            (!node.is_null()).then(|| node.addr())
        })
    }

    fn note_pending(&self) {
        if cfg!(not(loom)) {
            let pending = self.stats().pending();
            // Relaxed: a number for reports.
            self.counts.pending_max.fetch_max(pending, Ordering::Relaxed);
        }
    }

    pub(super) fn stats(&self) -> ReclaimStats {
        let mut stats = ReclaimStats::default();
        for record in self.registry.iter() {
            record.tally.add_to(&mut stats);
        }
        self.tally.add_to(&mut stats);
        // Relaxed: as the type says, here and below.
        stats.heavy_fences = self.counts.heavy.load(Ordering::Relaxed);
        stats.panics = self.counts.panics.load(Ordering::Relaxed);
        stats.pending_max = self.counts.pending_max.load(Ordering::Relaxed).max(stats.pending());
        stats.records = self.registry.len() as u64;
        stats
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut list = self.orphans.take();
        for record in self.registry.iter() {
            list.append(&mut record.take_retired());
        }
        // SAFETY: whatever protects a node borrows the domain, so nothing does.
        unsafe { list.run() };
    }
}

/// A set of hazard pointers and of what was retired under them. A clone is another handle of the same domain.
///
/// When the last handle is dropped, everything that was retired is freed: at once, or by a thread that ends just then. A handle inside of a value that waits
/// here is one, too: such a domain has to be flushed, or lives for ever.
#[derive(Clone)]
pub struct Domain {
    inner: Arc<Inner>,
}

impl Default for Domain {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("hazard::Domain").field("stats", &self.stats()).finish()
    }
}

impl Domain {
    /// A domain of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::DEFAULT)
    }

    /// A domain that scans when `config` says.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self { inner: Arc::new(Inner::new(config)) }
    }

    /// A hazard pointer of the calling thread.
    #[must_use]
    pub fn hazard_pointer(&self) -> HazardPointer<'_> {
        let record = self.record().unwrap_or_else(|| self.inner.transient());
        HazardPointer::of(&self.inner, record)
    }

    /// A place in the domain that the caller holds, instead of one that is looked up.
    #[must_use]
    pub fn register(&self) -> Reader<'_, Self> {
        Reader::new(self)
    }

    /// Makes the domain usable in the child of a fork: slots of the threads that are gone protect nothing any more, and what they had retired is leaked.
    ///
    /// # Safety
    ///
    /// The calling thread is the only one, in the child of a fork, and the fork was not made while this thread was inside of a call of this domain.
    pub unsafe fn after_fork_child(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.inner.after_fork_child(self.record()) };
    }

    #[cfg(any(feature = "std", loom, shuttle))]
    fn record(&self) -> Option<&Record<HazardRecord>> {
        super::global::DOMAINS.try_with(|table| table.record(&self.inner)).ok()
    }

    #[cfg(not(any(feature = "std", loom, shuttle)))]
    fn record(&self) -> Option<&Record<HazardRecord>> {
        None
    }
}

#[expect(private_interfaces, reason = "sealed: nobody outside can name or call it")]
impl sealed::Source for Domain {
    fn slot(&self) -> HazardPointer<'_> {
        self.hazard_pointer()
    }

    fn inner(&self) -> &Inner {
        &self.inner
    }

    fn record(&self) -> Option<&Record<HazardRecord>> {
        Self::record(self)
    }
}

// SAFETY: R1 and R2 by H1 to H3; R3, nodes are run in `reclaim`, which holds no lock, and guards protect nothing.
unsafe impl Reclaim for Domain {
    const REGION: bool = false;
    type Guard<'d> = Guard<'d, Self>;

    fn enter(&self) -> Self::Guard<'_> {
        Guard::new(self)
    }

    fn owns<'d>(&'d self, guard: &Self::Guard<'d>) -> bool {
        Arc::ptr_eq(&self.inner, &guard.source().inner)
    }

    fn protects<'d, 'g>(&'d self, shield: &HazardPointer<'g>) -> bool
    where
        Self::Guard<'d>: 'g,
    {
        shield.is_of(&self.inner)
    }

    unsafe fn retire_raw(&self, node: Retired) {
        match self.record() {
            // SAFETY: the caller's promise.
            Some(record) => unsafe { self.inner.retire(record, node) },
            // SAFETY: as above.
            None => unsafe { self.inner.retire_orphan(node) },
        }
    }

    fn stats(&self) -> ReclaimStats {
        self.inner.stats()
    }

    fn flush(&self) {
        self.inner.flush(self.record());
    }
}

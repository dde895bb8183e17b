//! Grace periods that do not end: who holds them up, reported and never forced.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr;

use turgo_machine::atomic::{AtomicPtr, Ordering};

use super::domain::Inner;
use super::grace::Leader;
use crate::reclaim::caught;

/// A grace period that has not ended for long.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stall {
    /// The address of the domain, to tell domains from each other.
    pub domain: usize,
    /// The grace period.
    pub sequence: u64,
    /// How long it has been waiting for readers, in nanoseconds.
    pub age_ns: u64,
    /// Nodes and callbacks that wait in the domain.
    pub pending: u64,
    /// Their size in bytes.
    pub pending_bytes: u64,
    /// Who holds it up.
    pub readers: Vec<StalledReader>,
}

/// A reader that holds up a grace period.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StalledReader {
    /// The name of the thread; empty where it has none.
    pub name: String,
    /// The number the operating system gives the thread; 0 where that is not known.
    pub thread: u64,
    /// How many sections are open.
    pub nesting: u64,
    /// In which grace period the outermost began.
    pub sequence: u64,
}

/// Called with a stall.
pub(super) type Hook = Box<dyn Fn(&Stall) + Send + Sync>;

/// A hook that is set once.
pub(super) struct HookCell(AtomicPtr<Hook>);

impl HookCell {
    crate::fence::maybe_const! {
        pub(super) fn new() -> Self {
            Self(AtomicPtr::new(ptr::null_mut()))
        }
    }

    /// Sets the hook; false if there is one.
    pub(super) fn set(&self, hook: Hook) -> bool {
        let new = Box::into_raw(Box::new(hook));
        // Release: publishes the hook to the Acquire in `get`. Relaxed: only compared.
        let set =
            self.0.compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed);
        if set.is_err() {
            // SAFETY: it came from a box just now, and nobody else saw it.
            drop(unsafe { Box::from_raw(new) });
        }
        set.is_ok()
    }

    pub(super) fn get(&self) -> Option<&Hook> {
        // Acquire: pairs with the Release in `set`.
        let hook = self.0.load(Ordering::Acquire);
        // SAFETY: it is null, or was set for good and lives as long as the cell.
        unsafe { hook.as_ref() }
    }
}

impl Drop for HookCell {
    fn drop(&mut self) {
        // Relaxed: `&mut` means that nobody else uses it.
        let hook = self.0.load(Ordering::Relaxed);
        if !hook.is_null() {
            // SAFETY: it came from a box, and nobody else uses it any more.
            drop(unsafe { Box::from_raw(hook) });
        }
    }
}

/// The leader's watch over the grace period that runs.
pub(super) struct Watch {
    pub(super) began_ns: u64,
    /// How many times the limit the age has to be for the next report: doubles with each.
    times: u64,
    /// For the hook, once the leader has given up its flag.
    report: Option<Stall>,
}

impl Watch {
    pub(super) const fn new() -> Self {
        Self { began_ns: 0, times: 1, report: None }
    }

    /// A grace period begins.
    pub(super) fn begin(&mut self, now_ns: u64) {
        self.began_ns = now_ns;
        self.times = 1;
    }

    /// Whether the grace period was reported.
    pub(super) fn has_reported(&self) -> bool {
        self.times > 1
    }

    /// Whether a report is due.
    fn is_due(&mut self, now_ns: u64, limit_ns: u64) -> bool {
        let age_ns = now_ns.saturating_sub(self.began_ns);
        if limit_ns == 0 || age_ns < limit_ns.saturating_mul(self.times) {
            return false;
        }
        while age_ns >= limit_ns.saturating_mul(self.times) && self.times < 1 << 62 {
            self.times *= 2;
        }
        true
    }
}

impl Inner {
    /// The leader looks whether the grace period that runs takes too long.
    pub(super) fn watch(&self, leader: &mut Leader, target: u64) {
        let limit_ns = self.stall_after_ns();
        if limit_ns != 0 {
            self.watch_at(leader, target, (self.config.clock)());
        }
    }

    pub(super) fn watch_at(&self, leader: &mut Leader, target: u64, now_ns: u64) {
        let watch = &mut leader.watch;
        if !watch.is_due(now_ns, self.stall_after_ns()) {
            return;
        }
        let readers = self.registry.iter().filter_map(|record| {
            let section = record.seen();
            section.holds_up(target).then(|| StalledReader {
                name: record.identity.name(),
                thread: record.identity.thread(),
                nesting: section.nesting(),
                sequence: section.sequence(),
            })
        });
        let stats = self.stats();
        watch.report = Some(Stall {
            domain: ptr::from_ref(self).addr(),
            sequence: target,
            age_ns: now_ns.saturating_sub(watch.began_ns),
            pending: stats.pending(),
            pending_bytes: stats.pending_bytes(),
            readers: readers.collect(),
        });
    }

    /// Looks at the grace period that runs, at a given time.
    pub(super) fn check_stalls(&self, now_ns: u64) {
        self.lead(|leader| {
            if let Some(target) = leader.running() {
                self.watch_at(leader, target, now_ns);
            }
        });
    }

    /// Calls `f` as the leader, unless somebody else leads, and reports a stall it found once the flag is given up.
    pub(super) fn lead<R>(&self, f: impl FnOnce(&mut Leader) -> R) -> Option<R> {
        let (result, report) = self.leadership.try_lead(|leader| {
            let result = f(leader);
            (result, leader.watch.report.take())
        })?;
        if let Some(report) = report {
            self.count_stall();
            if let Some(hook) = self.hook.get()
                && !caught(|| hook(&report))
            {
                self.count_panics(1);
            }
        }
        Some(result)
    }
}

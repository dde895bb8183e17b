//! The thread of a domain that frees in the background: started when something is handed over, gone when nothing was for a second.

use alloc::sync::Weak;
use core::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering, fence};

use super::domain::Inner;
use super::global::DOMAINS;

/// How long the thread sleeps when it finds nothing to run.
const NAP: Duration = Duration::from_millis(5);

/// After so many naps without anything to run or wait for the thread ends.
const NAPS_MAX: usize = 200;

/// Whether the domain has such a thread, and how it finds the domain.
pub(super) struct Background {
    domain: Weak<Inner>,
    running: AtomicBool,
}

impl Background {
    pub(super) const fn new(domain: Weak<Inner>) -> Self {
        Self { domain, running: AtomicBool::new(false) }
    }

    /// Something was handed over.
    pub(super) fn kick(&self) {
        // SeqCst: pairs with the fence in `ends`: either the thread sees what was handed over, or this sees that it has ended.
        fence(Ordering::SeqCst);
        // Relaxed: see the fence.
        if self.running.load(Ordering::Relaxed) || !self.claim() {
            return;
        }
        let domain = Weak::clone(&self.domain);
        let thread = std::thread::Builder::new().name("turgo-rcu".into());
        if thread.spawn(move || run(&domain)).is_err() {
            self.reset();
        }
    }

    fn claim(&self) -> bool {
        // Relaxed: decides who starts the thread, and orders nothing.
        self.running.compare_exchange(false, true, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// There is no thread: it could not be started, or this is the child of a fork.
    pub(super) fn reset(&self) {
        // Relaxed: as in `claim`.
        self.running.store(false, Ordering::Relaxed);
    }

    /// Says that the thread ends, unless something was handed over meanwhile.
    fn ends(&self, inner: &Inner) -> bool {
        self.reset();
        // SeqCst: pairs with the fence in `kick`.
        fence(Ordering::SeqCst);
        // Relaxed: see the fence.
        inner.handed_len.load(Ordering::Relaxed) == 0 || !self.claim()
    }
}

/// What the thread does. It holds the domain only while it works.
fn run(domain: &Weak<Inner>) {
    let mut naps = 0;
    while let Some(inner) = domain.upgrade() {
        let record = DOMAINS.with(|table| table.record(&inner));
        if inner.run_local(record) > 0 {
            naps = 0;
            continue;
        }
        naps += 1;
        if naps > NAPS_MAX && inner.is_empty(record) && inner.background.ends(&inner) {
            return;
        }
        drop(inner);
        std::thread::sleep(NAP);
    }
}

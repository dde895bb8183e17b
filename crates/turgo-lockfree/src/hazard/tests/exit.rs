//! Threads that end, leak or fork.

use std::cell::{Cell, RefCell};
use std::sync::mpsc;

use turgo_machine::atomic::Ordering;
use turgo_machine::thread;

use crate::hazard::{Domain, Hazard, HazardPointer};
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Atomic, Owned, Reclaim, Shared};

#[test]
fn a_thread_that_ends_hands_over_what_it_retired() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let remote = domain.clone();
    let retire = move || {
        // SAFETY: nobody else knows the node.
        unsafe { remote.retire(Owned::new(Canary::new(census))) };
    };
    thread::spawn(retire).join().unwrap();
    assert_eq!(census.alive(), 1);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_leaked_hazard_pointer_protects_for_ever_and_costs_one_record() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let cell: &'static Atomic<Canary> = Box::leak(Box::new(Atomic::new(Canary::new(census))));
    let remote: &'static Domain = Box::leak(Box::new(domain.clone()));
    // This thread has its record before the other one comes.
    drop(domain.hazard_pointer());
    let leak = move || {
        let mut hazard = HazardPointer::new_in(remote);
        hazard.protect(cell);
        std::mem::forget(hazard);
    };
    thread::spawn(leak).join().unwrap();
    // AcqRel: unlinks the node.
    let old = cell.swap(Shared::null(), Ordering::AcqRel);
    // SAFETY: the swap made it ours.
    let node = unsafe { old.into_owned() };
    // SAFETY: nobody finds the node any more.
    unsafe { domain.retire(node) };
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Canary::new(census))) };
    domain.flush();
    assert_eq!(census.alive(), 1, "the leaked one protects, and only its node");
    let records = domain.stats().records;
    let remote = domain.clone();
    let use_it = move || drop(remote.hazard_pointer());
    thread::spawn(use_it).join().unwrap();
    assert_eq!(domain.stats().records, records + 1, "nobody gets the record of the leaked one");
}

/// Uses the default domain when its thread is almost gone.
struct Late(&'static Census);

impl Drop for Late {
    fn drop(&mut self) {
        let mut cell = Atomic::new(Canary::new(self.0));
        let mut hazard = HazardPointer::new();
        // SAFETY: protected.
        unsafe { hazard.protect(&cell).deref() }.check();
        // SAFETY: nobody else knows the cell.
        let node = unsafe { cell.take() }.expect("it was filled");
        // SAFETY: nobody else knows the node.
        unsafe { Hazard.retire(node) };
    }
}

#[test]
fn a_thread_local_value_may_use_the_default_domain_when_it_is_dropped() {
    thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
    thread_local!(static HELD: RefCell<Option<HazardPointer<'static>>> = const { RefCell::new(None) });
    let census = Census::leaked();
    for _ in 0..3 {
        let use_late = || {
            // Registered before the domain's own, so dropped after it, and the other way round.
            LATE.with(|late| *late.borrow_mut() = Some(Late(census)));
            HELD.with(|held| *held.borrow_mut() = Some(HazardPointer::new()));
        };
        thread::spawn(use_late).join().unwrap();
    }
    Hazard.flush();
    assert_eq!(census.alive(), 0);
}

thread_local!(static DEPTH: Cell<(usize, usize)> = const { Cell::new((0, 0)) });

/// A value whose drop retires the next one, and notes how many drops run inside of each other.
struct Chain(&'static Domain, usize);

impl Drop for Chain {
    fn drop(&mut self) {
        let (depth, deepest) = DEPTH.get();
        DEPTH.set((depth + 1, deepest.max(depth + 1)));
        if self.1 > 0 {
            // SAFETY: nobody else knows the node.
            unsafe { self.0.retire(Owned::new(Self(self.0, self.1 - 1))) };
            self.0.flush();
        }
        let (depth, deepest) = DEPTH.get();
        DEPTH.set((depth - 1, deepest));
    }
}

/// Retires many chains when its thread has no record any more.
struct LateChains(&'static Domain, mpsc::Sender<usize>);

impl Drop for LateChains {
    fn drop(&mut self) {
        for _ in 0..100 {
            // SAFETY: nobody else knows the node.
            unsafe { self.0.retire(Owned::new(Chain(self.0, 100))) };
        }
        self.0.flush();
        let _ = self.1.send(DEPTH.get().1);
    }
}

#[test]
fn drops_do_not_recurse_in_a_thread_that_ends() {
    thread_local!(static LATE: RefCell<Option<LateChains>> = const { RefCell::new(None) });
    let domain: &'static Domain = Box::leak(Box::default());
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        // Registered before the domain's own, so dropped after it.
        LATE.set(Some(LateChains(domain, send)));
        drop(domain.hazard_pointer());
    });
    assert_eq!(receive.recv().expect("it drops them"), 1, "H5");
    domain.flush();
    assert_eq!((domain.stats().pending(), domain.stats().reclaimed), (0, 10_100));
}

#[test]
fn the_child_of_a_fork_is_not_held_up_by_threads_that_are_gone() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let cell: &'static Atomic<Canary> = Box::leak(Box::new(Atomic::new(Canary::new(census))));
    let (ready, wait) = (mpsc::channel(), mpsc::channel::<()>());
    let remote = domain.clone();
    let reader = thread::spawn(move || {
        let mut hazard = remote.hazard_pointer();
        hazard.protect(cell);
        ready.0.send(()).unwrap();
        wait.1.recv().unwrap();
    });
    ready.1.recv().unwrap();
    // AcqRel: unlinks the node.
    let old = cell.swap(Shared::null(), Ordering::AcqRel);
    // SAFETY: the swap made it ours.
    let node = unsafe { old.into_owned() };
    // SAFETY: nobody finds the node any more.
    unsafe { domain.retire(node) };
    domain.flush();
    assert_eq!(census.alive(), 1);
    let code = in_child(|| {
        // SAFETY: this is the only thread of the child.
        unsafe { domain.after_fork_child() };
        domain.flush();
        census.alive() == 0
    });
    assert_eq!(code, 0, "the child freed the node");
    domain.flush();
    assert_eq!(census.alive(), 1, "the parent did not");
    wait.0.send(()).unwrap();
    reader.join().unwrap();
}

/// Runs `f` in a child process and returns 0 if it was true.
pub(crate) fn in_child(f: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the child calls `f`, which allocates and takes no lock that another thread may hold, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let ok = f();
        // SAFETY: it ends the child at once.
        unsafe { libc::_exit(i32::from(!ok)) };
    }
    let mut status = 0;
    // SAFETY: `status` is ours.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 }
}

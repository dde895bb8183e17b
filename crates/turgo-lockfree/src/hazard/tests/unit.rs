//! Bounds, drops that misbehave, slots and cohorts.

use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::{mutant, thread};

use crate::hazard::{Cohort, Config, Domain, HazardPointer};
use crate::reclaim::ReadGuard;
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Atomic, Owned, Reclaim, Shared};

fn small(retired_max: usize) -> Domain {
    Domain::with_config(Config { retired_max, ..Config::default() })
}

fn retire(domain: &Domain, census: &'static Census) {
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Canary::new(census))) };
}

/// Replaces what is in the cell and retires what was.
fn replace(domain: &Domain, cell: &Atomic<Canary>, census: &'static Census) {
    // AcqRel: unlinks the node.
    let old = cell.swap(Owned::new(Canary::new(census)), Ordering::AcqRel);
    // SAFETY: the swap made it ours.
    let node = unsafe { old.into_owned() };
    // SAFETY: nobody finds the node any more.
    unsafe { domain.retire(node) };
}

#[test]
fn waiting_memory_is_bounded_behind_a_reader_that_stops() {
    let (domain, census) = (small(100), Census::leaked());
    let mut cell = Atomic::new(Canary::new(census));
    let mut hazard = HazardPointer::new_in(&domain);
    let held = hazard.protect(&cell);
    for _ in 0..20_000 {
        replace(&domain, &cell, census);
        assert!(domain.stats().pending() <= 100 + 8, "{:?}", domain.stats());
    }
    // SAFETY: protected.
    unsafe { held.deref() }.check();
    // SAFETY: nobody else knows the cell.
    drop(unsafe { cell.take() });
    domain.flush();
    assert_eq!(census.alive(), 1);
    drop(hazard);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn waiting_memory_is_bounded_by_threads_and_slots() {
    const THREADS: usize = 4;
    let (domain, census) = (small(200), Census::leaked());
    for _ in 0..3 {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let domain = domain.clone();
                thread::spawn(move || {
                    let mut hazard = domain.hazard_pointer();
                    let cell = Atomic::new(Canary::new(census));
                    for _ in 0..3_000 {
                        // SAFETY: protected.
                        unsafe { hazard.protect(&cell).deref() }.check();
                        replace(&domain, &cell, census);
                    }
                    let mut cell = cell;
                    // SAFETY: nobody else knows the cell.
                    drop(unsafe { cell.take() });
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
    let bound = ((THREADS + 1) * 200 + THREADS * 8) as u64;
    let stats = domain.stats();
    assert!(stats.pending_max <= bound, "{stats:?}");
    assert!(stats.records <= THREADS as u64, "records are used again: {stats:?}");
    domain.flush();
    assert_eq!((census.alive(), domain.stats().pending_bytes()), (0, 0));
}

#[test]
fn threads_that_retire_little_and_end_leave_no_more_than_one_threshold() {
    let (domain, census) = (small(64), Census::leaked());
    for _ in 0..60 {
        let domain = domain.clone();
        let retire_few = move || (0..10).for_each(|_| retire(&domain, census));
        thread::spawn(retire_few).join().unwrap();
    }
    assert!(domain.stats().pending() <= 64 + 10, "{:?}", domain.stats());
}

#[test]
fn large_nodes_are_freed_by_their_size() {
    let domain = Domain::with_config(Config { bytes_max: 100_000, ..Config::default() });
    for _ in 0..100 {
        // SAFETY: nobody else knows the node.
        unsafe { domain.retire(Owned::new([0_u8; 10_000])) };
        assert!(domain.stats().pending_bytes() <= 120_000);
    }
}

struct Panics(Canary);

impl Drop for Panics {
    fn drop(&mut self) {
        self.0.check();
        panic!("as the test wants");
    }
}

#[test]
fn a_drop_that_panics_harms_nobody_else() {
    let (domain, census) = (Domain::new(), Census::leaked());
    for _ in 0..10 {
        retire(&domain, census);
        // SAFETY: nobody else knows the node.
        unsafe { domain.retire(Owned::new(Panics(Canary::new(census)))) };
        retire(&domain, census);
    }
    domain.flush();
    assert_eq!((census.alive(), domain.stats().pending(), domain.stats().panics), (0, 0, 10));
}

/// A node whose drop retires the next one.
struct Chain {
    domain: Domain,
    left: usize,
    _canary: Canary,
    census: &'static Census,
    depth: &'static AtomicUsize,
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Relaxed: one thread.
        assert_eq!(self.depth.fetch_add(1, Ordering::Relaxed), 0, "a drop runs inside of another");
        if self.left > 0 {
            let next = Self {
                domain: self.domain.clone(),
                left: self.left - 1,
                _canary: Canary::new(self.census),
                ..*self
            };
            // SAFETY: nobody else knows the node.
            unsafe { self.domain.retire(Owned::new(next)) };
            self.domain.flush();
        }
        // Relaxed: as above.
        self.depth.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_drop_that_retires_more_does_not_recurse() {
    let (domain, census) = (small(1), Census::leaked());
    let depth = Box::leak(Box::default());
    let first =
        Chain { domain: domain.clone(), left: 2_000, _canary: Canary::new(census), census, depth };
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(first)) };
    // Enough to make scans due without a flush.
    (0..100).for_each(|_| retire(&domain, census));
    domain.flush();
    assert_eq!(census.alive(), 0);
    // Relaxed: one thread.
    assert_eq!(depth.load(Ordering::Relaxed), 0);
}

#[test]
fn a_thread_may_hold_more_hazard_pointers_than_a_block_has_slots() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let cells: Vec<_> = (0..30).map(|_| Atomic::new(Canary::new(census))).collect();
    let mut hazards: Vec<_> = cells.iter().map(|_| domain.hazard_pointer()).collect();
    for (hazard, cell) in hazards.iter_mut().zip(&cells) {
        let held = hazard.protect(cell);
        // AcqRel: unlinks the node.
        cell.swap(Shared::null(), Ordering::AcqRel);
        // SAFETY: the swap made it ours.
        let node = unsafe { held.into_owned() };
        // SAFETY: nobody finds the node any more.
        unsafe { domain.retire(node) };
    }
    domain.flush();
    assert_eq!(census.alive(), 30);
    hazards.truncate(20);
    domain.flush();
    assert_eq!(census.alive(), 20);
    drop(hazards);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn try_protect_says_that_the_pointer_changed() {
    let domain = Domain::new();
    let mut cell = Atomic::new(1);
    let mut hazard = domain.hazard_pointer();
    // Relaxed: one thread.
    let first = cell.load(Ordering::Relaxed);
    assert!(hazard.try_protect(first, &cell).is_ok());
    assert!(hazard.try_protect(first.with_tag(1), &cell).is_err());
    // SAFETY: nobody else knows the cell.
    drop(unsafe { cell.take() });
}

/// Two nodes, one behind the other.
struct Pair {
    canary: Canary,
    next: Atomic<Canary>,
}

#[test]
fn a_walk_needs_two_hazard_pointers() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let next = Atomic::new(Canary::new(census));
    let head = Atomic::new(Pair { canary: Canary::new(census), next });
    let (mut first, mut second) = (domain.hazard_pointer(), domain.hazard_pointer());
    // SAFETY: the result is used only while `first` protects it.
    let pair = unsafe { first.protect(&head).rebind::<'_>() };
    // SAFETY: protected.
    let pair = unsafe { pair.deref() };
    let behind = if mutant!("H1 one slot hand over hand") {
        first.protect(&pair.next)
    } else {
        second.protect(&pair.next)
    };
    // AcqRel: unlinks the node.
    let old = head.swap(Shared::null(), Ordering::AcqRel);
    // SAFETY: the swap made it ours.
    let node = unsafe { old.into_owned() };
    // SAFETY: nobody finds the node any more.
    unsafe { domain.retire(node) };
    domain.flush();
    assert_eq!(census.alive(), 2, "both are in use");
    pair.canary.check();
    // SAFETY: protected, and owned by this test.
    drop(unsafe { behind.into_owned() });
    drop(first);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_cohort_frees_its_nodes_when_it_is_dropped_also_those_that_borrow() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let text = String::from("borrowed");
    {
        let cohort = Cohort::new(domain.clone());
        let mut hazard = domain.hazard_pointer();
        let cell = Atomic::new((Canary::new(census), text.as_str()));
        let held = hazard.protect(&cell);
        // AcqRel: unlinks the node.
        cell.swap(Shared::null(), Ordering::AcqRel);
        for _ in 0..3_000 {
            // SAFETY: nobody else knows the node, and the cohort ends before `text`.
            unsafe { cohort.retire_unchecked(Owned::new((Canary::new(census), text.as_str()))) };
        }
        assert!(census.alive() < 1_100, "a cohort scans, too");
        // SAFETY: as above.
        let node = unsafe { held.into_owned() };
        // SAFETY: nobody finds the node any more.
        unsafe { cohort.retire_unchecked(node) };
        cohort.flush();
        assert_eq!(census.alive(), 1);
    }
    assert_eq!((census.alive(), domain.stats().pending()), (0, 0));
}

#[test]
#[should_panic(expected = "the shield belongs to another domain")]
fn a_cell_refuses_the_shield_of_another_domain() {
    let (cell, other) = (crate::RcuCell::new_in(1, Domain::new()), Domain::new());
    let (guard, elsewhere) = (cell.enter(), other.enter());
    let mut shield = elsewhere.shield();
    cell.load(&guard, &mut shield);
}

#[test]
#[should_panic(expected = "the shield belongs to another domain")]
fn a_cell_of_the_default_domain_refuses_the_shield_of_another() {
    let (cell, other) = (crate::RcuCell::new_in(1, crate::hazard::Hazard), Domain::new());
    let guard = cell.enter();
    let mut shield = other.hazard_pointer();
    cell.load(&guard, &mut shield);
}

#[test]
#[should_panic(expected = "the shield belongs to another domain")]
fn a_cell_of_a_cohort_refuses_the_shield_of_another_domain() {
    let (domain, other) = (Domain::new(), Domain::new());
    let cell = crate::RcuCell::new_in(1, Cohort::new(domain));
    let guard = cell.enter();
    let mut shield = other.hazard_pointer();
    cell.load(&guard, &mut shield);
}

#[test]
fn a_cell_is_read_through_any_shield_of_its_domain() {
    let domain = Domain::new();
    let cell = crate::RcuCell::new_in(vec![1], Cohort::new(domain.clone()));
    let guard = cell.enter();
    let mut shield = domain.hazard_pointer();
    let seen = cell.load(&guard, &mut shield);
    cell.store(vec![2]);
    cell.domain().flush();
    assert_eq!(*seen, [1], "the shield still protects it");
}

#[test]
fn the_domain_frees_everything_when_its_last_handle_is_dropped() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let clone = domain.clone();
    retire(&domain, census);
    drop(domain);
    assert_eq!(census.alive(), 1);
    drop(clone);
    assert_eq!(census.alive(), 0);
}

#[test]
#[cfg(debug_assertions)]
fn retiring_a_node_twice_is_caught() {
    let domain = Domain::new();
    let node = Owned::new(1).into_shared();
    // SAFETY: nobody else knows the node.
    let first = unsafe { node.into_owned() };
    // SAFETY: as above.
    unsafe { domain.retire(first) };
    // SAFETY: wrong on purpose: the node is retired, and nothing is done with it but to refuse it.
    let second = unsafe { node.into_owned() };
    // SAFETY: as above.
    let again = || unsafe { domain.retire(second) };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(again)).is_err();
    if !caught {
        // What is in the list twice must not be freed.
        std::mem::forget(domain);
    }
    assert!(caught, "a node was retired twice");
}

//! Models of two and three threads.

use std::sync::Arc;

use turgo_machine::atomic::Ordering;
use turgo_machine::thread;

use crate::hazard::{Cohort, Domain};
use crate::reclaim::tests::probe::{Probe, model};
use crate::{Atomic, Owned, Reclaim, Shared};

type Cell = Arc<Atomic<Probe>>;

fn setup() -> (Domain, Cell) {
    (Domain::new(), Arc::new(Atomic::new(Probe::new())))
}

/// Empties the cell and retires what was in it.
fn remove(domain: &Domain, cell: &Cell) {
    // AcqRel: unlinks the node.
    let old = cell.swap(Shared::null(), Ordering::AcqRel);
    if !old.is_null() {
        // SAFETY: the swap made it ours.
        let node = unsafe { old.into_owned() };
        // SAFETY: nobody finds the node any more.
        unsafe { domain.register().retire(node) };
    }
}

fn read(domain: &Domain, cell: &Cell) {
    let place = domain.register();
    let mut hazard = place.hazard_pointer();
    // SAFETY: protected.
    if let Some(probe) = unsafe { hazard.protect(cell).as_ref() } {
        probe.check();
    }
}

#[test]
fn protect_keeps_a_node_from_being_freed() {
    model(3, || {
        let (domain, cell) = setup();
        // SAFETY: nobody removes it yet.
        let probe = unsafe { cell.load(Ordering::Relaxed).deref() }.cell();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || read(&domain, &cell)
        });
        remove(&domain, &cell);
        domain.register().flush();
        reader.join().unwrap();
        domain.register().flush();
        assert!(!probe.is_alive(), "what nobody protects is freed");
    });
}

#[test]
fn try_protect_keeps_a_node_from_being_freed() {
    model(3, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let place = domain.register();
                let mut hazard = place.hazard_pointer();
                // Relaxed: only compared.
                let expected = cell.load(Ordering::Relaxed);
                if let Ok(node) = hazard.try_protect(expected, &cell) {
                    // SAFETY: protected.
                    if let Some(probe) = unsafe { node.as_ref() } {
                        probe.check();
                    }
                }
            }
        });
        remove(&domain, &cell);
        domain.register().flush();
        reader.join().unwrap();
    });
}

#[test]
fn the_remover_and_the_reclaimer_may_be_different_threads() {
    model(2, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || read(&domain, &cell)
        });
        let remover = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || remove(&domain, &cell)
        });
        domain.register().flush();
        reader.join().unwrap();
        remover.join().unwrap();
    });
}

#[test]
fn a_thread_that_ends_hands_over_what_it_retired() {
    model(2, || {
        let (domain, cell) = setup();
        // SAFETY: nobody removes it yet.
        let probe = unsafe { cell.load(Ordering::Relaxed).deref() }.cell();
        let remover = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || remove(&domain, &cell)
        });
        remover.join().unwrap();
        domain.register().flush();
        assert!(!probe.is_alive(), "orphans are adopted");
    });
}

#[test]
fn a_node_that_was_replaced_is_protected_again() {
    model(2, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                read(&domain, &cell);
                read(&domain, &cell);
            }
        });
        // AcqRel: unlinks the node and publishes the next.
        let old = cell.swap(Owned::new(Probe::new()), Ordering::AcqRel);
        // SAFETY: the swap made it ours.
        let node = unsafe { old.into_owned() };
        // SAFETY: nobody finds the node any more.
        unsafe { domain.register().retire(node) };
        domain.register().flush();
        reader.join().unwrap();
        remove(&domain, &cell);
    });
}

#[test]
fn a_cohort_waits_for_readers_until_it_is_dropped() {
    model(2, || {
        let (domain, cell) = setup();
        // SAFETY: nobody removes it yet.
        let probe = unsafe { cell.load(Ordering::Relaxed).deref() }.cell();
        let cohort = Cohort::new(domain.clone());
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || read(&domain, &cell)
        });
        // AcqRel: unlinks the node.
        let old = cell.swap(Shared::null(), Ordering::AcqRel);
        // SAFETY: the swap made it ours.
        let node = unsafe { old.into_owned() };
        // SAFETY: nobody finds the node any more.
        unsafe { cohort.retire(node) };
        cohort.flush();
        reader.join().unwrap();
        drop(cohort);
        assert!(!probe.is_alive(), "a cohort frees everything when it is dropped");
    });
}

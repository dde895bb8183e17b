//! Models of two and three threads.

use std::sync::Arc;

use turgo_machine::atomic::Ordering;
use turgo_machine::thread;

use crate::rcu::Domain;
use crate::reclaim::tests::probe::{Probe, model};
use crate::{Atomic, Owned, Shared};

type Cell = Arc<Atomic<Probe>>;

fn setup() -> (Domain, Cell) {
    (Domain::new(), Arc::new(Atomic::new(Probe::new())))
}

/// Empties the cell.
fn unlink(cell: &Cell) -> Option<Owned<Probe>> {
    // AcqRel: unlinks the node.
    let old = cell.swap(Shared::null(), Ordering::AcqRel);
    // SAFETY: the swap made it ours; it is freed after a grace period.
    (!old.is_null()).then(|| unsafe { old.into_owned() })
}

fn read(domain: &Domain, cell: &Cell) {
    let reader = domain.register();
    let guard = reader.read_lock();
    // SAFETY: protected by the guard.
    if let Some(probe) = unsafe { guard.dereference(cell).as_ref() } {
        probe.check();
    }
}

#[test]
fn synchronize_waits_for_readers() {
    model(3, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || read(&domain, &cell)
        });
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        reader.join().unwrap();
    });
}

#[test]
fn a_reader_that_comes_again_is_not_waited_for_too_short() {
    model(3, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                read(&domain, &cell);
                read(&domain, &cell);
            }
        });
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        reader.join().unwrap();
    });
}

#[test]
fn an_inner_section_does_not_end_the_outer_one() {
    model(3, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let reader = domain.register();
                let outer = reader.read_lock();
                let node = outer.dereference(&cell);
                drop(reader.read_lock());
                // SAFETY: protected by the outer guard.
                if let Some(probe) = unsafe { node.as_ref() } {
                    probe.check();
                }
            }
        });
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        reader.join().unwrap();
    });
}

#[test]
fn what_was_retired_is_freed_behind_its_readers() {
    model(3, || {
        let (domain, cell) = setup();
        // SAFETY: nobody removes it yet.
        let probe = unsafe { cell.load(Ordering::Relaxed).deref() }.cell();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || read(&domain, &cell)
        });
        let writer = domain.register();
        if let Some(old) = unlink(&cell) {
            // SAFETY: unlinked.
            unsafe { writer.retire(old) };
        }
        writer.flush();
        reader.join().unwrap();
        writer.flush();
        assert!(!probe.is_alive(), "what nobody reads is freed");
    });
}

#[test]
fn another_thread_may_end_the_grace_period() {
    model(2, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || read(&domain, &cell)
        });
        let driver = thread::spawn({
            let domain = domain.clone();
            move || domain.poll_cookie(domain.cookie())
        });
        let old = unlink(&cell);
        let cookie = domain.cookie();
        if domain.poll_cookie(cookie) {
            drop(old);
        } else {
            std::mem::forget(old);
        }
        reader.join().unwrap();
        driver.join().unwrap();
    });
}

#[test]
fn two_threads_that_synchronize_share_the_lead() {
    model(3, || {
        let (domain, cell) = setup();
        let other = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                read(&domain, &cell);
                domain.register().synchronize().unwrap();
            }
        });
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        other.join().unwrap();
    });
}

#[test]
fn a_thread_that_ends_hands_over_what_it_retired() {
    model(3, || {
        let (domain, cell) = setup();
        // SAFETY: nobody removes it yet.
        let probe = unsafe { cell.load(Ordering::Relaxed).deref() }.cell();
        let remover = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let writer = domain.register();
                if let Some(old) = unlink(&cell) {
                    // SAFETY: unlinked.
                    unsafe { writer.retire(old) };
                }
            }
        });
        read(&domain, &cell);
        domain.register().flush();
        remover.join().unwrap();
        domain.register().flush();
        assert!(!probe.is_alive(), "orphans are adopted");
    });
}

#[test]
fn a_quiescent_state_ends_what_was_read_before_and_no_more() {
    model(3, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let mut worker = domain.register_qsbr();
                for _ in 0..2 {
                    // SAFETY: protected until the next quiescent state.
                    if let Some(probe) = unsafe { worker.dereference(&cell).as_ref() } {
                        probe.check();
                    }
                    worker.quiescent();
                }
            }
        });
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        reader.join().unwrap();
    });
}

#[test]
fn a_reader_that_was_offline_is_waited_for_again() {
    model(3, || {
        let (domain, cell) = setup();
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let mut worker = domain.register_qsbr();
                worker.offline();
                worker.online();
                // SAFETY: protected until the next quiescent state.
                if let Some(probe) = unsafe { worker.dereference(&cell).as_ref() } {
                    probe.check();
                }
            }
        });
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        reader.join().unwrap();
    });
}

#[test]
fn a_parked_worker_holds_nothing_up() {
    model(3, || {
        let (domain, cell) = setup();
        let mut worker = domain.register_qsbr();
        worker.offline();
        let old = unlink(&cell);
        domain.register().synchronize().unwrap();
        drop(old);
        worker.online();
        assert!(worker.dereference(&cell).is_null());
    });
}

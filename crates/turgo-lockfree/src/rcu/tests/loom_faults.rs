//! Readers that never leave: reported, not forced, and forgotten in the child of a fork.

use std::sync::{Arc, Mutex};

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::thread;

use crate::rcu::{Config, Domain};
use crate::reclaim::tests::probe::{Probe, model};
use crate::{Atomic, Shared};

#[test]
fn a_stall_is_reported_and_not_ended_by_force() {
    // Time stands still but for what `check_stalls` is told.
    let config = Config { stall_after_ns: 10, clock: || 0, ..Config::default() };
    model(2, move || {
        let (domain, cell) = (Domain::with_config(config), Arc::new(Atomic::new(Probe::new())));
        let leaving = Arc::new(AtomicBool::new(false));
        // The checker knows nothing of this lock: only the writer takes it.
        let ages = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ages);
        domain.set_stall_hook(move |stall| {
            assert_eq!(stall.readers.len(), 1);
            assert!(stall.readers[0].sequence < stall.sequence && stall.readers[0].nesting == 1);
            seen.lock().unwrap().push(stall.age_ns);
        });
        let reader = thread::spawn({
            let (domain, cell, leaving) = (domain.clone(), cell.clone(), leaving.clone());
            move || {
                let reader = domain.register();
                let guard = reader.read_lock();
                let node = guard.dereference(&cell);
                for _ in 0..2 {
                    // SAFETY: protected by the guard, however long it is held.
                    if let Some(probe) = unsafe { node.as_ref() } {
                        probe.check();
                    }
                }
                // Release: pairs with the Acquire below.
                leaving.store(true, Ordering::Release);
            }
        });
        // AcqRel: unlinks the node.
        let old = cell.swap(Shared::null(), Ordering::AcqRel);
        let cookie = domain.cookie();
        let mut is_over = domain.poll_cookie(cookie);
        for now in [10, 15, 20] {
            domain.check_stalls(now);
            is_over = is_over || domain.poll_cookie(cookie);
            if is_over {
                // SAFETY: the swap made it ours, and its readers have left.
                drop(unsafe { old.into_owned() });
                break;
            }
        }
        let ages = ages.lock().unwrap().clone();
        assert!([&[][..], &[10], &[10, 20], &[20]].contains(&&ages[..]), "{ages:?}");
        if !is_over {
            assert_eq!(ages, [10, 20], "a reader that has not left is reported");
        }
        reader.join().unwrap();
        // Acquire: pairs with the Release above.
        assert!(leaving.load(Ordering::Acquire));
        assert!(domain.poll_cookie(cookie), "nothing holds it up any more");
    });
}

#[test]
fn the_child_of_a_fork_forgets_readers_and_leaders_that_are_gone() {
    model(2, || {
        let (domain, cell) = (Domain::new(), Arc::new(Atomic::new(Probe::new())));
        // What the parent's other threads were at when they vanished: one reads, one has retired and drives a grace period.
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let reader = domain.register();
                let guard = reader.read_lock();
                // SAFETY: protected by the guard.
                if let Some(probe) = unsafe { guard.dereference(&cell).as_ref() } {
                    probe.check();
                }
                std::mem::forget(guard);
                std::mem::forget(reader);
            }
        });
        let own = domain.register();
        // AcqRel: unlinks the node.
        let old = cell.swap(Shared::null(), Ordering::AcqRel);
        // SAFETY: the swap made it ours.
        let old = unsafe { old.into_owned() };
        let probe = old.cell();
        // SAFETY: unlinked.
        unsafe { own.retire(old) };
        own.flush();
        reader.join().unwrap();
        drop(own);
        // SAFETY: the other thread has ended, as threads do that a fork leaves behind.
        unsafe { domain.after_fork_child() };
        domain.synchronize();
        domain.barrier().unwrap();
        assert!(!probe.is_alive(), "nobody is waited for");
    });
}

//! Slots of threads that are gone protect nothing in the child of a fork.

use std::sync::Arc;

use turgo_machine::atomic::Ordering;
use turgo_machine::thread;

use crate::hazard::Domain;
use crate::reclaim::tests::probe::{Probe, model};
use crate::{Atomic, Reclaim, Shared};

#[test]
fn the_child_of_a_fork_forgets_slots_of_threads_that_are_gone() {
    model(2, || {
        let (domain, cell) = (Domain::new(), Arc::new(Atomic::new(Probe::new())));
        let reader = thread::spawn({
            let (domain, cell) = (domain.clone(), cell.clone());
            move || {
                let place = domain.register();
                let mut hazard = place.hazard_pointer();
                // SAFETY: protected.
                if let Some(probe) = unsafe { hazard.protect(&cell).as_ref() } {
                    probe.check();
                }
                std::mem::forget(hazard);
                std::mem::forget(place);
            }
        });
        // AcqRel: unlinks the node.
        let old = cell.swap(Shared::null(), Ordering::AcqRel);
        // SAFETY: the swap made it ours.
        let old = unsafe { old.into_owned() };
        let probe = old.cell();
        // SAFETY: unlinked.
        unsafe { domain.retire(old) };
        domain.flush();
        reader.join().unwrap();
        // SAFETY: the other thread has ended, as threads do that a fork leaves behind.
        unsafe { domain.after_fork_child() };
        domain.flush();
        assert!(!probe.is_alive(), "nothing protects it any more");
    });
}

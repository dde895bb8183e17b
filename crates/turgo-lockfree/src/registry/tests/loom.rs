//! A record has one owner at a time, and none is lost.

use std::sync::Arc;

use turgo_machine::cell::UnsafeCell;
use turgo_machine::thread;

use super::super::Registry;
use crate::reclaim::tests::probe::model;

/// What only the owner of a record touches.
struct Owned(UnsafeCell<u32>);

// SAFETY: G2, which loom checks.
unsafe impl Sync for Owned {}
// SAFETY: as above.
unsafe impl Send for Owned {}

/// Takes a record, writes to it and gives it back.
fn use_record(registry: &Registry<Owned>) {
    let record = registry.acquire(|| Owned(UnsafeCell::new(0)));
    record.0.with_mut(|count| {
        // SAFETY: G2.
        unsafe { *count += 1 };
    });
    registry.release(record);
}

#[test]
fn a_record_goes_from_one_owner_to_the_next() {
    model(3, || {
        let registry = Arc::new(Registry::new());
        use_record(&registry);
        let other = Arc::clone(&registry);
        let using = thread::spawn(move || use_record(&other));
        use_record(&registry);
        using.join().unwrap();
        // SAFETY: the others have ended.
        let count = |record: &Owned| record.0.with(|count| unsafe { *count });
        assert_eq!(registry.iter().map(|record| count(record)).sum::<u32>(), 3, "G2, G3");
    });
}

#[test]
fn no_record_is_lost() {
    model(3, || {
        let registry = Arc::new(Registry::new());
        let other = Arc::clone(&registry);
        let using = thread::spawn(move || use_record(&other));
        use_record(&registry);
        using.join().unwrap();
        assert_eq!(registry.iter().count(), registry.len(), "G1");
    });
}

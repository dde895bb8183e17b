//! The asymmetric fence under loom: of two threads that store and then load, one sees the other (A3, A4).
#![cfg(loom)]

use loom::sync::Arc;
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::{barrier, thread};

#[test]
fn one_of_two_sees_the_other() {
    loom::model(|| {
        let flags = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let theirs = flags.clone();
        let reader = thread::spawn(move || {
            // Relaxed: ordered by the fence below.
            theirs.0.store(1, Ordering::Relaxed);
            barrier::light();
            // Relaxed: ordered by the fence above.
            theirs.1.load(Ordering::Relaxed)
        });
        // Relaxed: ordered by the fence below.
        flags.1.store(1, Ordering::Relaxed);
        barrier::heavy();
        // Relaxed: ordered by the fence above.
        let seen = flags.0.load(Ordering::Relaxed);
        let seen_by_reader = reader.join().expect("the reader does not panic");
        assert!(seen == 1 || seen_by_reader == 1, "both missed the other's store");
    });
}

//! A program with a hook for violations goes on, and has the lock. In release builds, too.
#![cfg(not(any(loom, shuttle)))]

use std::sync::Mutex as StdMutex;

use turgo_sync::Mutex;
use turgo_sync::ranked::{Level, Violation, Watched, set_hook};

// LOCK: a test's record.
static SEEN: StdMutex<Vec<Violation>> = StdMutex::new(Vec::new());

#[test]
fn a_violation_is_told_and_the_lock_is_had() {
    set_hook(|violation| SEEN.lock().expect("nobody panics").push(violation.clone()))
        .expect("the first");
    let outer = Watched::new(Mutex::new(1), "outer", Level::new(1));
    let inner = Watched::new(Mutex::new(2), "inner", Level::new(2));
    let held = inner.lock();
    let wrong = outer.lock();
    assert!(outer.try_lock().is_none(), "it is had");
    assert_eq!(**wrong + **held, 3);
    drop((wrong, held));
    let seen = SEEN.lock().expect("nobody panics");
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].wanted.name, seen[0].held[0].name), ("outer", "inner"));
    assert!(set_hook(|_| ()).is_err(), "once in a program");
}

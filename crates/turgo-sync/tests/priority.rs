//! The mutex that inherits priorities: what the kernel does for it, and what is done without the kernel.
#![cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use std::{fs, mem};

use turgo_sync::ranked::{PiMutex, inheritance};

/// A thread's priority as the scheduler sees it at this moment: 20 and its niceness, or less where it has inherited.
fn priority(thread: libc::pid_t) -> i64 {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).expect("it lives");
    let behind_the_name = text.rsplit_once(')').expect("a name in brackets").1;
    behind_the_name.split_whitespace().nth(15).expect("field 18").parse().expect("a number")
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let comes = (0..20_000).any(|_| {
        thread::sleep(Duration::from_millis(1));
        condition()
    });
    assert!(comes, "never: {what}");
}

/// Not where the kernel has no such locks, as in some sandboxes; then the other tests show what is done without.
fn is_supported() -> bool {
    let supported = inheritance().supported;
    if !supported {
        eprintln!("the system has no futexes with priority inheritance: not tested");
    }
    supported
}

#[test]
fn the_owner_runs_with_the_priority_of_who_waits() {
    if !is_supported() {
        return;
    }
    let mutex = PiMutex::new(());
    let (has_it, may_end) = (AtomicBool::new(false), AtomicBool::new(false));
    let waits = inheritance().waits;
    thread::scope(|scope| {
        let owner = scope.spawn(|| {
            // SAFETY: it takes nothing.
            let thread = unsafe { libc::gettid() };
            // SAFETY: numbers only. A lower priority needs no right.
            let nice = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 10) };
            assert_eq!(nice, 0);
            let alone = priority(thread);
            let guard = mutex.lock().expect("nobody died");
            has_it.store(true, Ordering::Release);
            until("the waiter's priority", || priority(thread) < alone);
            may_end.store(true, Ordering::Release);
            drop(guard);
            until("its own priority again", || priority(thread) == alone);
        });
        until("the lock", || has_it.load(Ordering::Acquire));
        drop(mutex.lock().expect("nobody died"));
        assert!(may_end.load(Ordering::Acquire), "had only after it was given back");
        owner.join().expect("it saw what it should");
    });
    assert!(inheritance().waits > waits, "the kernel was asked");
}

#[test]
fn one_thread_at_a_time() {
    for mutex in [PiMutex::new(0_u64), PiMutex::without_inheritance(0)] {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..2000 {
                        let mut guard = mutex.lock().expect("nobody died");
                        let before = *guard;
                        if turn % 50 == 0 {
                            thread::yield_now();
                        }
                        *guard = before + 1;
                    }
                });
            }
        });
        assert_eq!(mutex.into_inner(), 8000);
    }
}

#[test]
fn the_lock_of_a_thread_that_ended_is_taken_over_and_told() {
    if !is_supported() {
        return;
    }
    let mutex = PiMutex::new(0_u64);
    // Nobody waits when it ends.
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut guard = mutex.lock().expect("nobody died");
            *guard = 1;
            mem::forget(guard);
        });
    });
    assert!(mutex.try_lock().is_err());
    let guard = mutex.lock().expect_err("its owner ended").into_inner();
    assert_eq!(*guard, 1);
    drop(guard);
    drop(mutex.lock().expect("told once"));
    // Somebody waits in the kernel when it ends.
    let waits = inheritance().waits;
    let has_it = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            mem::forget(mutex.lock().expect("nobody died"));
            has_it.store(true, Ordering::Release);
            until("somebody who waits", || inheritance().waits > waits);
            thread::sleep(Duration::from_millis(50));
        });
        until("the lock", || has_it.load(Ordering::Acquire));
        assert!(mutex.lock().is_err(), "its owner ended");
    });
    drop(mutex.lock().expect("told once"));
}

#[test]
fn waiting_for_oneself_is_told() {
    if !is_supported() {
        return;
    }
    let mutex = PiMutex::new(());
    let guard = mutex.lock().expect("nobody died");
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(mutex.lock())));
    assert!(again.is_err());
    drop(guard);
    drop(mutex.lock().expect("it is whole"));
}

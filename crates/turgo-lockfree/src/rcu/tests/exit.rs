//! Threads that end, leak or fork.

use std::cell::RefCell;
use std::sync::mpsc;

use turgo_machine::thread;

use crate::hazard::tests::exit::in_child;
use crate::rcu::{self, Config, Domain, Executor, Rcu};
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Owned, Reclaim};

fn retire(domain: &impl Reclaim, census: &'static Census) {
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Canary::new(census))) };
}

#[test]
fn a_thread_that_ends_hands_over_what_it_retired() {
    let (domain, census) = (Domain::new(), Census::leaked());
    for _ in 0..5 {
        let remote = domain.clone();
        thread::spawn(move || retire(&remote, census)).join().unwrap();
    }
    assert_eq!((census.alive(), domain.stats().records), (5, 1));
    domain.barrier().unwrap();
    assert_eq!(census.alive(), 0);
}

#[test]
fn threads_that_retire_little_and_end_do_not_add_up() {
    let (domain, census) =
        (Domain::with_config(Config { batch: 50, ..Config::default() }), Census::leaked());
    for _ in 0..60 {
        let remote = domain.clone();
        let retire_few = move || (0..10).for_each(|_| retire(&remote, census));
        thread::spawn(retire_few).join().unwrap();
    }
    assert!(census.alive() < 100, "{}", census.alive());
}

#[test]
fn a_leaked_guard_only_stalls_also_when_its_thread_is_gone() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let remote: &'static Domain = Box::leak(Box::new(domain.clone()));
    thread::spawn(|| std::mem::forget(remote.read_lock())).join().unwrap();
    let cookie = domain.cookie();
    retire(&domain, census);
    domain.flush();
    assert!(!domain.poll_cookie(cookie));
    assert_eq!(census.alive(), 1);
    let records = domain.stats().records;
    let remote = domain.clone();
    thread::spawn(move || drop(remote.read_lock())).join().unwrap();
    assert_eq!(domain.stats().records, records + 1, "nobody gets the record of the leaked one");
    assert!(!domain.poll_cookie(cookie), "nor ends its section");
}

/// Uses the default domain when its thread is almost gone.
struct Late(&'static Census);

impl Drop for Late {
    fn drop(&mut self) {
        {
            let _outer = rcu::read_lock();
            let _inner = rcu::read_lock();
        }
        retire(&Rcu, self.0);
        rcu::call(|| ());
        rcu::synchronize();
    }
}

#[test]
fn a_thread_local_value_may_use_the_default_domain_when_it_is_dropped() {
    thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
    thread_local!(static HELD: RefCell<Option<rcu::Guard<'static, Rcu>>> = const { RefCell::new(None) });
    let census = Census::leaked();
    for _ in 0..3 {
        let use_late = || {
            LATE.with(|late| *late.borrow_mut() = Some(Late(census)));
            HELD.with(|held| *held.borrow_mut() = Some(rcu::read_lock()));
        };
        thread::spawn(use_late).join().unwrap();
    }
    rcu::barrier().unwrap();
    assert_eq!(census.alive(), 0);
}

#[test]
fn the_child_of_a_fork_is_not_held_up_by_threads_that_are_gone() {
    let domain =
        Domain::with_config(Config { executor: Executor::Cooperative, ..Config::default() });
    let census = Census::leaked();
    let (ready, wait) = (mpsc::channel(), mpsc::channel::<()>());
    let remote = domain.clone();
    let reader = thread::spawn(move || {
        let guard = remote.read_lock();
        ready.0.send(()).unwrap();
        wait.1.recv().unwrap();
        drop(guard);
    });
    ready.1.recv().unwrap();
    retire(&domain, census);
    domain.flush();
    assert_eq!(census.alive(), 1);
    let code = in_child(|| {
        // SAFETY: this is the only thread of the child.
        unsafe { domain.after_fork_child() };
        domain.synchronize();
        domain.flush();
        domain.barrier().is_ok() && census.alive() == 0
    });
    assert_eq!(code, 0, "the child waited for nobody");
    assert_eq!(census.alive(), 1, "the parent still does");
    wait.0.send(()).unwrap();
    reader.join().unwrap();
}

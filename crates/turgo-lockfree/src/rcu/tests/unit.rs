//! Sections, batches, callbacks and who runs them.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::thread;

use crate::rcu::{Config, Domain, Executor, InReadSection};
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Atomic, Owned, Reclaim};

fn batched(batch: usize) -> Domain {
    Domain::with_config(Config { batch, ..Config::default() })
}

fn retire(domain: &Domain, census: &'static Census) {
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Canary::new(census))) };
}

/// How many callbacks ran.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    fn one(&self) -> impl FnOnce() + Send + 'static {
        let calls = Arc::clone(&self.0);
        // Relaxed: a count.
        move || {
            calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count(&self) -> usize {
        // Relaxed: a count.
        self.0.load(Ordering::Relaxed)
    }
}

/// A thread that retires what it is sent.
struct Writer(mpsc::Sender<Option<Owned<Canary>>>, mpsc::Receiver<()>);

impl Writer {
    fn of(domain: &Domain) -> Self {
        let ((send, orders), (done, receive)) = (mpsc::channel(), mpsc::channel());
        let domain = domain.clone();
        thread::spawn(move || {
            for order in orders {
                match order {
                    // SAFETY: whoever sent the node had it alone.
                    Some(node) => unsafe { domain.retire(node) },
                    None => domain.flush(),
                }
                done.send(()).unwrap();
            }
        });
        Self(send, receive)
    }

    fn retire(&self, node: Owned<Canary>) {
        self.0.send(Some(node)).unwrap();
        self.1.recv().unwrap();
    }

    fn flush(&self) {
        self.0.send(None).unwrap();
        self.1.recv().unwrap();
    }
}

#[test]
fn what_is_retired_after_a_period_began_is_not_freed_by_it() {
    let (domain, census) = (batched(1_000), Census::leaked());
    let writer = Writer::of(&domain);
    let (early, late) = (domain.register(), domain.register());
    let second = Atomic::new(Canary::new(census));

    let before = early.read_lock();
    writer.retire(Owned::new(Canary::new(census)));
    writer.flush();
    // A period runs that waits for `before` and not for this:
    let after = late.read_lock();
    let held = after.dereference(&second);
    // AcqRel: unlinks the node.
    let old = second.swap(crate::Shared::null(), Ordering::AcqRel);
    // SAFETY: the swap made it ours.
    let node = unsafe { old.into_owned() };
    writer.retire(node);
    writer.flush();
    drop(before);
    writer.flush();
    // SAFETY: protected by `after`.
    unsafe { held.deref() }.check();
    assert_eq!(census.alive(), 1, "the first is free, the second is not");
    drop(after);
    writer.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn nothing_is_freed_inside_of_a_section_nor_when_it_ends() {
    let (domain, census) = (batched(4), Census::leaked());
    let other = domain.register();
    let guard = domain.read_lock();
    for _ in 0..100 {
        retire(&domain, census);
        other.synchronize().expect_err("this thread reads");
    }
    domain.flush();
    assert_eq!(domain.poll(usize::MAX), 0);
    assert_eq!(census.alive(), 100);
    drop(guard);
    assert_eq!(census.alive(), 100, "a guard frees nothing");
    retire(&domain, census);
    assert_eq!(census.alive(), 0, "the next one finds it");
}

#[test]
fn what_may_be_freed_waits_for_the_end_of_the_section() {
    let (domain, census) = (batched(4), Census::leaked());
    let early = domain.register();
    let before = early.read_lock();
    (0..4).for_each(|_| retire(&domain, census));
    // A period runs that waits for `before` only.
    let guard = domain.read_lock();
    drop(before);
    (0..8).for_each(|_| retire(&domain, census));
    assert_eq!(census.alive(), 12, "nothing is run inside of a section");
    drop(guard);
    (0..8).for_each(|_| retire(&domain, census));
    assert!(census.alive() < 8, "{}", census.alive());
}

#[test]
fn sections_nest_and_end_in_any_order() {
    let (domain, census) = (batched(1), Census::leaked());
    let cell = Atomic::new(Canary::new(census));
    let (outer, inner) = (domain.read_lock(), domain.read_lock());
    let held = inner.dereference(&cell);
    drop(outer);
    // AcqRel: unlinks the node.
    let old = cell.swap(crate::Shared::null(), Ordering::AcqRel);
    let writer = domain.register();
    // SAFETY: the swap made it ours.
    let node = unsafe { old.into_owned() };
    // SAFETY: nobody finds the node any more.
    unsafe { writer.retire(node) };
    writer.flush();
    // SAFETY: protected.
    unsafe { held.deref() }.check();
    drop(inner);
    writer.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
#[should_panic(expected = "read sections in each other")]
fn too_many_sections_are_refused() {
    let domain = Domain::new();
    let mut guards = Vec::new();
    loop {
        guards.push(domain.read_lock());
    }
}

#[test]
fn waiting_for_oneself_is_an_error() {
    let domain = Domain::new();
    let guard = domain.read_lock();
    assert_eq!(domain.try_synchronize(), Err(InReadSection));
    assert_eq!(domain.barrier(), Err(InReadSection));
    drop(guard);
    assert_eq!(domain.try_synchronize(), Ok(()));
    let mut worker = domain.register_qsbr();
    assert_eq!(domain.try_synchronize(), Err(InReadSection), "an online worker reads, too");
    assert_eq!(worker.synchronize(), Ok(()));
    assert_eq!(worker.while_offline(|| domain.try_synchronize()), Ok(()));
}

#[test]
#[should_panic(expected = "inside of a read section")]
fn waiting_for_oneself_panics_where_it_cannot_fail() {
    let domain = Domain::new();
    let _guard = domain.read_lock();
    domain.synchronize();
}

#[test]
fn synchronize_waits_for_a_section_of_another_thread() {
    let domain = Domain::new();
    let (entered, left) = (mpsc::channel(), Arc::new(AtomicUsize::new(0)));
    let reader = thread::spawn({
        let (domain, left) = (domain.clone(), Arc::clone(&left));
        move || {
            let guard = domain.read_lock();
            entered.0.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(30));
            // Release: pairs with the Acquire below.
            left.store(1, Ordering::Release);
            drop(guard);
        }
    });
    entered.1.recv().unwrap();
    let cookie = domain.cookie();
    assert!(!domain.poll_cookie(cookie));
    domain.synchronize();
    // Acquire: pairs with the Release above.
    assert_eq!(left.load(Ordering::Acquire), 1);
    assert!(domain.poll_cookie(cookie));
    reader.join().unwrap();
}

#[test]
fn barrier_waits_for_all_callbacks() {
    let (domain, calls) = (Domain::new(), Calls::default());
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (domain, calls) = (domain.clone(), calls.clone());
            thread::spawn(move || {
                for _ in 0..500 {
                    domain.call(calls.one());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    domain.barrier().unwrap();
    assert_eq!(calls.count(), 1_500);
    assert_eq!(domain.stats().pending(), 0);
}

#[test]
fn barriers_of_several_threads_end_while_callbacks_come() {
    let domain = Domain::new();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let domain = domain.clone();
            thread::spawn(move || {
                for _ in 0..50 {
                    let calls = Calls::default();
                    domain.call(calls.one());
                    domain.call(calls.one());
                    domain.barrier().unwrap();
                    assert_eq!(calls.count(), 2);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_callback_may_use_the_domain_but_not_wait_for_itself() {
    let (domain, calls) = (batched(1), Calls::default());
    let result = Arc::new(AtomicUsize::new(0));
    let inner = (domain.clone(), calls.clone(), Arc::clone(&result));
    domain.call(move || {
        let (domain, calls, result) = inner;
        domain.call(calls.one());
        domain.synchronize();
        drop(domain.read_lock());
        // Relaxed: one thread.
        result.store(1 + usize::from(domain.barrier().is_err()), Ordering::Relaxed);
    });
    domain.barrier().unwrap();
    domain.barrier().unwrap();
    // Relaxed: one thread.
    assert_eq!((calls.count(), result.load(Ordering::Relaxed)), (1, 2));
}

struct Panics(Canary);

impl Drop for Panics {
    fn drop(&mut self) {
        self.0.check();
        panic!("as the test wants");
    }
}

#[test]
fn a_callback_that_panics_harms_nobody_else() {
    let (domain, census, calls) = (Domain::new(), Census::leaked(), Calls::default());
    for _ in 0..10 {
        domain.call(calls.one());
        domain.call(|| panic!("as the test wants"));
        // SAFETY: nobody else knows the node.
        unsafe { domain.retire(Owned::new(Panics(Canary::new(census)))) };
        retire(&domain, census);
    }
    domain.barrier().unwrap();
    assert_eq!((census.alive(), calls.count(), domain.stats().panics), (0, 10, 20));
}

/// A node whose drop retires the next one.
struct Chain(Domain, usize, &'static AtomicUsize);

impl Drop for Chain {
    fn drop(&mut self) {
        // Relaxed: one thread.
        assert_eq!(self.2.fetch_add(1, Ordering::Relaxed), 0, "a drop runs inside of another");
        if self.1 > 0 {
            let next = Self(self.0.clone(), self.1 - 1, self.2);
            // SAFETY: nobody else knows the node.
            unsafe { self.0.retire(Owned::new(next)) };
            self.0.flush();
        }
        // Relaxed: as above.
        self.2.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_drop_that_retires_more_does_not_recurse() {
    let domain = batched(1);
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Chain(domain.clone(), 1_000, Box::leak(Box::default())))) };
    domain.flush();
    assert_eq!(domain.stats().panics, 0);
    assert_eq!(domain.stats().reclaimed, 1_001);
}

#[test]
fn a_cooperative_domain_runs_what_poll_may() {
    let domain = Domain::with_config(Config {
        executor: Executor::Cooperative,
        batch: 10,
        ..Config::default()
    });
    let census = Census::leaked();
    (0..100).for_each(|_| retire(&domain, census));
    assert_eq!(census.alive(), 100, "retiring frees nothing");
    assert_eq!(domain.poll(30), 30);
    assert_eq!(census.alive(), 70);
    while domain.poll(30) > 0 {}
    assert!(census.alive() < 10, "{}", census.alive());
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_background_thread_runs_what_is_handed_over() {
    let config = Config { executor: Executor::Background, batch: 10, ..Config::default() };
    // Never dropped: ThreadSanitizer does not see that the last handle's drop comes after the thread's use.
    let domain: &'static Domain = Box::leak(Box::new(Domain::with_config(config)));
    let calls = Calls::default();
    domain.call(calls.one());
    for _ in 0..2_000 {
        if calls.count() == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(calls.count(), 1);
}

#[test]
fn a_worker_holds_up_periods_until_it_is_quiescent_or_offline() {
    let domain = Domain::new();
    let mut worker = domain.register_qsbr();
    let cookie = domain.cookie();
    assert!(!domain.poll_cookie(cookie));
    worker.quiescent();
    assert!(domain.poll_cookie(cookie));
    let cookie = domain.cookie();
    assert!(!domain.poll_cookie(cookie));
    worker.offline();
    assert!(domain.poll_cookie(cookie));
    assert!(!worker.is_online());
    worker.online();
    let cookie = domain.cookie();
    assert!(!domain.poll_cookie(cookie));
    drop(worker);
    assert!(domain.poll_cookie(cookie));
}

#[test]
fn a_cell_is_replaced_as_a_whole() {
    let cell = crate::RcuCell::new_in(vec![1], Domain::new());
    assert_eq!(*cell.swap(vec![2]), [1]);
    cell.rcu(|old| old.iter().map(|n| n * 10).collect());
    assert_eq!(cell.load_full(), [20]);
    let guard = cell.enter();
    let mut shield = crate::reclaim::ReadGuard::shield(&guard);
    let seen = cell.load(&guard, &mut shield);
    assert_eq!(*cell.compare_exchange(seen, vec![3]).expect("nobody else writes"), [20]);
    assert_eq!(cell.compare_exchange(seen, vec![4]).expect_err("it has changed"), [4]);
    assert_eq!(*seen, [20], "the reader still sees it");
}

#[test]
#[should_panic(expected = "another domain")]
fn a_cell_refuses_the_guard_of_another_domain() {
    let (cell, other) = (crate::RcuCell::new_in(1, Domain::new()), Domain::new());
    let guard = other.read_lock();
    let mut shield = crate::reclaim::ReadGuard::shield(&guard);
    cell.load(&guard, &mut shield);
}

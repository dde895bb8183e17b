//! Calls of a domain from inside of its callbacks, from threads with several records, and with limits that idle threads fill.

use std::cell::Cell;
use std::sync::mpsc;
use std::time::Duration;

use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::thread;

use crate::hazard::tests::exit::in_child;
use crate::rcu::{Config, Domain, Executor};
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Owned, Reclaim};

fn leaked(config: Config) -> &'static Domain {
    Box::leak(Box::new(Domain::with_config(config)))
}

fn retire(domain: &Domain, census: &'static Census) {
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Canary::new(census))) };
}

/// What `f` returns, unless it waits for ever.
fn in_time<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(f()));
    receive.recv_timeout(Duration::from_secs(20)).expect("it ends, and does not panic")
}

#[test]
fn a_callback_that_flush_runs_does_not_wait_for_itself() {
    let domain = leaked(Config::default());
    let result = in_time(move || {
        let (send, receive) = mpsc::channel();
        domain.call(move || send.send(domain.barrier()).unwrap());
        domain.flush();
        receive.recv().unwrap()
    });
    assert!(result.is_err(), "U6");
}

#[test]
fn a_callback_that_the_background_thread_runs_does_not_wait_for_itself() {
    let domain = leaked(Config { executor: Executor::Background, ..Config::default() });
    let (send, receive) = mpsc::channel();
    domain.call(move || send.send(domain.barrier()).unwrap());
    let result = receive.recv_timeout(Duration::from_secs(20)).expect("it ends");
    assert!(result.is_err(), "U6");
}

/// A value whose drop retires another.
struct Successor(&'static Domain, &'static Census);

impl Drop for Successor {
    fn drop(&mut self) {
        retire(self.0, self.1);
    }
}

#[test]
fn drops_that_retire_at_the_hard_limit_do_not_wait_for_themselves() {
    let config = Config { executor: Executor::Background, hard_max: 16, ..Config::default() };
    let (domain, census) = (leaked(config), Census::leaked());
    in_time(move || {
        {
            let _guard = domain.read_lock();
            for _ in 0..100 {
                // SAFETY: nobody else knows the node.
                unsafe { domain.retire(Owned::new(Successor(domain, census))) };
            }
        }
        domain.barrier().unwrap();
        // Acquire: the thread that drops them is not joined.
        while census.died.load(Ordering::Acquire) < 100 {
            domain.flush();
            thread::yield_now();
        }
    });
}

#[test]
fn retire_does_not_wait_for_what_idle_threads_hold() {
    let domain = leaked(Config { hard_max: 16, ..Config::default() });
    let census = Census::leaked();
    let (stop, retired) = (mpsc::channel::<()>(), mpsc::channel());
    let stopped = std::sync::Arc::new(std::sync::Mutex::new(stop.1));
    for _ in 0..20 {
        let (retired, stopped) = (retired.0.clone(), std::sync::Arc::clone(&stopped));
        thread::spawn(move || {
            retire(domain, census);
            retired.send(()).unwrap();
            let _ = stopped.lock().unwrap().recv();
        });
    }
    (0..20).for_each(|_| retired.1.recv().unwrap());
    in_time(move || (0..100).for_each(|_| retire(domain, census)));
    assert!(census.alive() <= 20 + 2, "{}", census.alive());
    drop(stop.0);
}

#[test]
fn callbacks_wait_for_the_end_of_a_section_of_another_record() {
    let domain = leaked(Config { batch: 2, ..Config::default() });
    let ran_inside: &'static AtomicUsize = Box::leak(Box::default());
    let callback = || {
        // Relaxed: one thread.
        ran_inside
            .fetch_add(1 + 100 * usize::from(domain.try_synchronize().is_err()), Ordering::Relaxed);
    };
    let ran = || ran_inside.load(Ordering::Relaxed);
    domain.call(callback);
    assert_eq!(domain.poll(0), 0, "it may be run now");
    let reader = domain.register();
    let guard = reader.read_lock();
    domain.call(callback);
    (0..10).for_each(|_| retire(domain, Census::leaked()));
    domain.flush();
    assert_eq!((domain.poll(9), domain.barrier().is_err(), ran()), (0, true, 0), "U6");
    drop(guard);
    domain.flush();
    assert_eq!(ran(), 2);

    let guard = domain.read_lock();
    domain.call(callback);
    domain.call(callback);
    drop(guard);
    assert_eq!(domain.poll(0), 0, "they may be run now");
    let guard = domain.read_lock();
    drop(reader);
    assert_eq!(ran(), 2, "U6");
    drop(guard);
    domain.flush();
    assert_eq!(ran(), 4);
}

#[test]
fn a_worker_that_is_online_frees_what_it_retires() {
    let domain = leaked(Config { batch: 10, ..Config::default() });
    let census = Census::leaked();
    let mut worker = domain.register_qsbr();
    for _ in 0..100 {
        retire(domain, census);
        worker.quiescent();
    }
    assert!(census.alive() <= 30, "{}", census.alive());
}

thread_local!(static DEPTH: Cell<(usize, usize)> = const { Cell::new((0, 0)) });

/// Calls itself again, and notes how deep that goes.
fn again(domain: &'static Domain, left: usize) {
    let (depth, deepest) = DEPTH.get();
    DEPTH.set((depth + 1, deepest.max(depth + 1)));
    if left > 0 {
        domain.call(move || again(domain, left - 1));
        domain.flush();
    }
    let (depth, deepest) = DEPTH.get();
    DEPTH.set((depth - 1, deepest));
}

/// Calls back when its thread has no record any more.
struct Late(&'static Domain, mpsc::Sender<(usize, bool)>);

impl Drop for Late {
    fn drop(&mut self) {
        let domain = self.0;
        domain.call(move || again(domain, 1_000));
        domain.flush();
        domain.call(move || {
            let _ = domain.barrier().expect_err("it would wait for itself");
        });
        let done = domain.barrier().is_ok();
        let _ = self.1.send((DEPTH.get().1, done));
    }
}

#[test]
fn callbacks_do_not_recurse_in_a_thread_that_ends() {
    thread_local!(static LATE: Cell<Option<Late>> = const { Cell::new(None) });
    let domain = leaked(Config { batch: 1, ..Config::default() });
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        // Registered before the domain's own, so dropped after it.
        LATE.set(Some(Late(domain, send)));
        drop(domain.read_lock());
    });
    let seen = receive.recv_timeout(Duration::from_secs(20)).expect("it ends");
    assert_eq!(seen, (1, true), "U6");
    assert_eq!(domain.stats().panics, 0);
}

#[test]
fn limits_count_in_the_child_of_a_fork_what_is_still_there() {
    let domain = leaked(Config { hard_max: 16, ..Config::default() });
    let census = Census::leaked();
    let (stop, retired) = (mpsc::channel::<()>(), mpsc::channel());
    let other = thread::spawn(move || {
        let _guard = domain.read_lock();
        (0..20).for_each(|_| retire(domain, census));
        retired.0.send(()).unwrap();
        let _ = stop.1.recv();
    });
    retired.1.recv().unwrap();
    retire(domain, census);
    let code = in_child(|| {
        // SAFETY: this is the only thread of the child.
        unsafe { domain.after_fork_child() };
        let before = domain.stats().pending();
        // SAFETY: nobody else knows the node.
        let taken = unsafe { domain.try_retire(Owned::new(Canary::new(census))) }.is_ok();
        domain.flush();
        before == 1 && taken && domain.stats().pending() == 0
    });
    assert_eq!(code, 0);
    drop(stop.0);
    other.join().unwrap();
}

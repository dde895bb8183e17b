//! Memory that waits behind a reader that stops, and who is told.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::thread;

use crate::rcu::{Config, Domain, Stall};
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Owned, Reclaim};

fn retire(domain: &Domain, census: &'static Census) {
    // SAFETY: nobody else knows the node.
    unsafe { domain.retire(Owned::new(Canary::new(census))) };
}

/// A thread that reads until the sender is dropped.
fn stopped_reader(domain: &Domain) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (stop, stopped) = mpsc::channel::<()>();
    let (ready, entered) = mpsc::channel();
    let domain = domain.clone();
    let read = move || {
        let guard = domain.read_lock();
        ready.send(()).unwrap();
        let _ = stopped.recv();
        drop(guard);
    };
    let reader = std::thread::Builder::new().name("stopped".into()).spawn(read).unwrap();
    entered.recv().unwrap();
    (stop, reader)
}

#[test]
fn a_reader_that_stops_only_stalls() {
    let (domain, census) = (Domain::new(), Census::leaked());
    let (stop, reader) = stopped_reader(&domain);
    (0..10_000).for_each(|_| retire(&domain, census));
    assert_eq!(census.alive(), 10_000, "nothing is forced");
    drop(stop);
    reader.join().unwrap();
    domain.flush();
    assert_eq!(census.alive(), 0);
    assert!(domain.stats().pending_max > 8_000, "{:?}", domain.stats());
}

#[test]
fn try_retire_refuses_at_the_hard_limit() {
    let domain = Domain::with_config(Config { hard_max: 80, ..Config::default() });
    let census = Census::leaked();
    let (stop, reader) = stopped_reader(&domain);
    // SAFETY: nobody else knows the node.
    let try_retire = || unsafe { domain.try_retire(Owned::new(Canary::new(census))) };
    let refused = (0..200).filter(|_| try_retire().is_err()).count();
    assert_eq!((census.alive(), refused), (80, 120));
    drop(stop);
    reader.join().unwrap();
    assert!(try_retire().is_ok());
}

#[test]
fn retire_waits_at_the_hard_limit_outside_of_a_section() {
    let domain = Domain::with_config(Config { hard_max: 80, ..Config::default() });
    let census = Census::leaked();
    let (stop, reader) = stopped_reader(&domain);
    let writer = thread::spawn({
        let domain = domain.clone();
        move || (0..1_000).for_each(|_| retire(&domain, census))
    });
    std::thread::sleep(Duration::from_millis(50));
    assert!(domain.stats().pending() <= 80 + 10, "{:?}", domain.stats());
    assert!(!writer.is_finished());
    drop(stop);
    reader.join().unwrap();
    writer.join().unwrap();
    domain.flush();
    assert_eq!((census.alive(), domain.stats().overflows), (0, 0));
}

#[test]
fn retire_overflows_at_the_hard_limit_inside_of_a_section() {
    let domain = Domain::with_config(Config { hard_max: 80, ..Config::default() });
    let census = Census::leaked();
    let guard = domain.read_lock();
    (0..200).for_each(|_| retire(&domain, census));
    assert!(domain.stats().overflows >= 100, "{:?}", domain.stats());
    drop(guard);
    retire(&domain, census);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn the_soft_limit_hurries_but_does_not_wait() {
    let config = Config { soft_max: 40, soft_bytes_max: 1 << 20, ..Config::default() };
    let (domain, census) = (Domain::with_config(config), Census::leaked());
    let (stop, reader) = stopped_reader(&domain);
    (0..200).for_each(|_| retire(&domain, census));
    assert_eq!(census.alive(), 200);
    drop(stop);
    reader.join().unwrap();
    (0..10).for_each(|_| retire(&domain, census));
    assert!(census.alive() < 20, "{}", census.alive());
}

#[test]
fn a_period_takes_the_time_that_its_readers_take() {
    let domain = Domain::new();
    let (stop, reader) = stopped_reader(&domain);
    let cookie = domain.cookie();
    assert!(!domain.poll_cookie(cookie));
    std::thread::sleep(Duration::from_millis(5));
    drop(stop);
    reader.join().unwrap();
    assert!(domain.poll_cookie(cookie));
    let stats = domain.stats();
    assert!(stats.grace_ns_max >= 5_000_000, "{stats:?}");
    assert_eq!((stats.grace_periods, stats.heavy_fences), (1, 1));
    assert_eq!(stats.grace_ns_total, stats.grace_ns_max);
}

#[test]
fn a_stall_is_reported_once_per_doubling_with_the_readers_name() {
    static NOW_NS: AtomicU64 = AtomicU64::new(0);
    // Relaxed: one thread.
    let clock = || NOW_NS.load(Ordering::Relaxed);
    let domain = Domain::with_config(Config { stall_after_ns: 100, clock, ..Config::default() });
    let stalls: Arc<Mutex<Vec<Stall>>> = Arc::default();
    let seen = Arc::clone(&stalls);
    assert!(domain.set_stall_hook(move |stall| seen.lock().unwrap().push(stall.clone())));
    assert!(!domain.set_stall_hook(|_| ()), "there is one");
    let (stop, reader) = stopped_reader(&domain);
    let census = Census::leaked();
    retire(&domain, census);
    let cookie = domain.cookie();
    for now in (0..=1_000).step_by(10) {
        // Relaxed: one thread.
        NOW_NS.store(now, Ordering::Relaxed);
        assert!(!domain.poll_cookie(cookie), "a stall is never ended by force");
    }
    domain.check_stalls(1_600);
    let ages: Vec<_> = stalls.lock().unwrap().iter().map(|stall| stall.age_ns).collect();
    assert_eq!(ages, [100, 200, 400, 800, 1_600]);
    let stall = stalls.lock().unwrap()[0].clone();
    assert_eq!((stall.pending, stall.readers.len()), (1, 1));
    assert_eq!((stall.readers[0].name.as_str(), stall.readers[0].nesting), ("stopped", 1));
    assert!(stall.readers[0].sequence < stall.sequence);
    assert!(!cfg!(target_os = "linux") || stall.readers[0].thread > 0);
    assert_eq!(domain.stats().stalls, 5);
    drop(stop);
    reader.join().unwrap();
    assert!(domain.poll_cookie(cookie));
    domain.set_stall_after_ns(0);
    assert_eq!(domain.stats().grace_periods, 1);
}

#[test]
fn a_hook_that_panics_harms_nobody() {
    let domain = Domain::with_config(Config { stall_after_ns: 1, batch: 1, ..Config::default() });
    domain.set_stall_hook(|_| panic!("as the test wants"));
    let census = Census::leaked();
    let (stop, reader) = stopped_reader(&domain);
    (0..3).for_each(|_| retire(&domain, census));
    drop(stop);
    reader.join().unwrap();
    assert!(domain.stats().panics > 0);
    retire(&domain, census);
    retire(&domain, census);
    assert!(census.alive() <= 1, "{}", census.alive());
}

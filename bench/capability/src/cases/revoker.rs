//! Checks beside a thread that revokes at a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use turgo_capability::{Handle, Rights, Table};

use super::chained::Chained;
use super::checks::{all, handles, shuffle};
use super::maps::{Dash, DashAhash, Locked, Map, Papaya};
use bench_harness::{Case, Work};

/// Capabilities that are checked.
const LIVE: usize = 1_000;

macro_rules! beside {
    ($rate:literal) => {
        vec![
            Case { name: "turgo", make: table::<$rate, true> },
            Case { name: "turgo, revoker elsewhere", make: table::<$rate, false> },
            Case { name: "chained", make: chained::<$rate> },
            Case { name: "dashmap", make: map::<Dash, $rate> },
            Case { name: "dashmap, ahash", make: map::<DashAhash, $rate> },
            Case { name: "papaya, ahash", make: map::<Papaya, $rate> },
            Case { name: "RwLock, ahash", make: map::<Locked, $rate> },
        ]
    };
}

pub(crate) fn thousand() -> Vec<Case> {
    beside!(1_000)
}

pub(crate) fn hundred_thousand() -> Vec<Case> {
    beside!(100_000)
}

/// A thread that makes and revokes so often a second, until this is dropped.
struct Revoker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Revoker {
    fn start(rate: u64, turn: impl Fn() -> bool + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (from, mut done) = (now(), 0);
            while !stopped.load(Ordering::Relaxed) {
                if (now() - from) * rate / 1_000_000_000 > done {
                    assert!(turn(), "a revocation that takes no effect is none");
                    done += 1;
                } else if rate <= 1_000 {
                    std::thread::sleep(Duration::from_micros(100));
                } else {
                    std::hint::spin_loop();
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Revoker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is joined once");
        thread.join().expect("every revocation takes effect");
    }
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Goes through the columns, for as long as the revoker works.
fn column<K: Copy + Send + 'static>(
    keys: Vec<K>,
    revoker: Revoker,
    check: impl Fn(K) -> bool + Send + 'static,
) -> Vec<Work> {
    let mut at = 0;
    vec![Box::new(move |operations| {
        let _ = &revoker;
        let mut passed = 0;
        for _ in 0..operations {
            passed += u64::from(check(keys[at]));
            at = if at + 1 == keys.len() { 0 } else { at + 1 };
        }
        passed
    })]
}

/// In the tenant of what is checked, whose stamps each revocation makes void, or in another one.
fn table<const RATE: u64, const SAME: bool>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let (table, keys) = handles(LIVE);
    let table: &'static Table = Box::leak(Box::new(table));
    let root: Handle = table.mint(u64::from(!SAME), all()).expect("there is room");
    let revoker = Revoker::start(RATE, move || {
        let child = table.delegate(root, all()).expect("the root is alive");
        table.revoke(child)
    });
    column(keys, revoker, |handle| table.check(handle, Rights::READ).is_ok())
}

fn chained<const RATE: u64>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let table: &'static Chained = Box::leak(Box::new(Chained::default()));
    let root = table.mint(u16::MAX);
    let mut keys: Vec<u64> = (0..LIVE).map(|_| table.mint(u16::MAX)).collect();
    shuffle(&mut keys);
    let revoker = Revoker::start(RATE, move || {
        let child = table.delegate(root, u16::MAX).expect("the root is alive");
        table.revoke(child)
    });
    column(keys, revoker, |key| table.check(key, 1))
}

fn map<M: Map, const RATE: u64>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let map: &'static M = Box::leak(Box::new(M::default()));
    let mut keys: Vec<u64> = (0..LIVE as u64).collect();
    keys.iter().for_each(|key| map.insert(*key, u16::MAX));
    shuffle(&mut keys);
    let revoker = Revoker::start(RATE, move || {
        map.insert(u64::MAX, u16::MAX);
        map.remove(u64::MAX)
    });
    column(keys, revoker, |key| map.allows(key, 1))
}

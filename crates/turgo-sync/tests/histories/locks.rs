//! Histories of locks: who is inside, and in which order.

use std::convert::Infallible;

use turgo_machine::thread;
use turgo_sync::access::Shared;
use turgo_sync::mutex::Mutex;
use turgo_sync::rwlock::{RwLock, RwLockWriteGuard};
use turgo_sync::{Barging, Fairness, Fifo};

use crate::models::permits::{Permits, PermitsCall, PermitsResult};
use crate::semaphores::{Calls, take};
use crate::threads::{Round, histories, linearizable};

/// What a writer needs in the model; a reader needs one. That a lock has more than that nobody can see.
const ALL: u32 = 100;

async fn certain<T>(wait: impl Future<Output = T>) -> Result<T, Infallible> {
    Ok(wait.await)
}

/// Tries once.
fn try_take<T, E>(
    calls: &mut Calls<'_>,
    count: u32,
    tries: impl FnOnce() -> Result<T, E>,
) -> Option<T> {
    let mut taken = None;
    calls.record(PermitsCall::Try(count), || match tries() {
        Ok(guard) => {
            taken = Some(guard);
            PermitsResult::Taken
        }
        Err(_) => PermitsResult::Short,
    });
    taken
}

fn give<T>(calls: &mut Calls<'_>, count: u32, guard: T) {
    calls.record(PermitsCall::Give(count), || {
        drop(guard);
        PermitsResult::Done
    });
}

fn mutexes<F: Fairness>(overtakes_max: Option<u32>) {
    histories(move |round| {
        let spec = Permits { permits: 1, overtakes_max };
        let (threads, operations) = round.size();
        let object = || Mutex::<u32, F, Shared>::with_fairness(0);
        linearizable(&spec, object, threads, move |mutex, calls, thread| {
            let mut random = round.random(thread);
            for number in 0..operations {
                let (asker, gives_up) = (thread * 1000 + number, random.below(3) == 0);
                let guard = match random.below(4) {
                    0 => try_take(calls, 1, || mutex.try_lock()),
                    _ => take(calls, asker, 1, gives_up, certain(mutex.lock())),
                };
                let Some(mut guard) = guard else { continue };
                let before = *guard;
                thread::yield_now();
                assert_eq!(*guard, before, "nobody else is inside");
                *guard = before + 1;
                give(calls, 1, guard);
            }
        });
    });
}

#[test]
fn mutex_histories_are_in_order() {
    mutexes::<Fifo>(None);
}

#[test]
fn mutex_histories_are_overtaken_within_bounds() {
    mutexes::<Barging<2>>(Some(2));
}

fn read<F: Fairness>(lock: &RwLock<u32, F, Shared>, calls: &mut Calls<'_>, asker: u32, how: u32) {
    let guard = match how {
        0 => try_take(calls, 1, || lock.try_read()),
        _ => take(calls, asker, 1, how == 1, certain(lock.read())),
    };
    let Some(guard) = guard else { return };
    let before = *guard;
    thread::yield_now();
    assert_eq!(*guard, before, "nobody writes");
    give(calls, 1, guard);
}

fn write<F: Fairness>(lock: &RwLock<u32, F, Shared>, calls: &mut Calls<'_>, asker: u32, how: u32) {
    let guard = match how {
        0 => try_take(calls, ALL, || lock.try_write()),
        _ => take(calls, asker, ALL, how == 1, certain(lock.write())),
    };
    let Some(mut guard) = guard else { return };
    *guard += 1;
    let before = *guard;
    thread::yield_now();
    assert_eq!(*guard, before, "nobody else writes");
    if how < 3 {
        return give(calls, ALL, guard);
    }
    let mut read = None;
    calls.record(PermitsCall::Give(ALL - 1), || {
        read = Some(RwLockWriteGuard::downgrade(guard));
        PermitsResult::Done
    });
    assert_eq!(read.as_deref(), Some(&before), "no writer comes between");
    give(calls, 1, read);
}

fn rwlocks<F: Fairness>(overtakes_max: Option<u32>) {
    let run = |lock: &RwLock<u32, F, Shared>, calls: &mut Calls<'_>, round: Round, thread| {
        let mut random = round.random(thread);
        for number in 0..round.size().1 {
            let (asker, how) = (thread * 1000 + number, random.below(4));
            match random.below(3) {
                0 => write(lock, calls, asker, how),
                _ => read(lock, calls, asker, how),
            }
        }
    };
    histories(move |round| {
        let spec = Permits { permits: ALL, overtakes_max };
        let object = || RwLock::<u32, F, Shared>::with_fairness(0);
        linearizable(&spec, object, round.size().0, move |lock, calls, thread| {
            run(lock, calls, round, thread);
        });
    });
}

#[test]
fn rwlock_histories_are_in_order() {
    rwlocks::<Fifo>(None);
}

#[test]
fn rwlock_histories_are_overtaken_within_bounds() {
    rwlocks::<Barging<2>>(Some(2));
}

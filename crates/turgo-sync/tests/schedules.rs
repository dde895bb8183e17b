//! Random schedules of more tasks than a model can have, for what the recorded histories leave out: locks that change hands while they are held, and those
//! who wait for what many others do. A wake that is lost is a deadlock, which shuttle reports.

#![cfg(shuttle)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "what waits in steps serves several targets")]

use std::collections::VecDeque;
use std::sync::Arc;

use turgo_machine::atomic::{AtomicUsize, Ordering::SeqCst};
use turgo_machine::thread;
use turgo_sync::{
    Barrier, Condvar, Event, Latch, Mutex, RwLock, RwLockUpgradableReadGuard, WaitGroup,
};

#[path = "histories/waiting.rs"]
mod waiting;

use waiting::{Waiting, wait};

/// So many schedules chosen at random, and as many with few switches at the worst places.
fn schedules(run: fn()) {
    ::shuttle::check_random(run, 1000);
    ::shuttle::check_pct(run, 1000, 3);
}

/// Runs `run` on so many threads, each of which has a number.
fn together<T: Send + Sync + 'static>(shared: Arc<T>, threads: usize, run: fn(&T, usize)) {
    let start = |number| {
        let shared = shared.clone();
        thread::spawn(move || run(&shared, number))
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// A place for one item, and those who wait until it is empty or full.
#[derive(Default)]
struct Place {
    items: Mutex<VecDeque<usize>>,
    emptied: Condvar,
    filled: Condvar,
}

impl Place {
    fn put(&self, item: usize) {
        let guard = wait(self.items.lock());
        let mut items = wait(self.emptied.wait_while(guard, |items| !items.is_empty()));
        items.push_back(item);
        self.filled.notify_one();
    }

    fn take(&self) -> usize {
        let guard = wait(self.items.lock());
        let mut items = wait(self.filled.wait_while(guard, |items| items.is_empty()));
        let item = items.pop_front().unwrap();
        self.emptied.notify_one();
        item
    }

    /// Waits for an item and gives up. What it was told goes to another.
    fn give_up(&self) {
        let guard = wait(self.items.lock());
        if guard.is_empty() {
            _ = Waiting::begin(self.filled.wait(guard)).or_else(Waiting::hurry);
            self.filled.notify_one();
        }
    }
}

#[test]
fn condvar_many_tasks_hand_over_each_item() {
    schedules(|| {
        let shared = Arc::new((Place::default(), AtomicUsize::new(0)));
        together(shared.clone(), 6, |(place, sum), number| {
            for round in 0..2 {
                if number % 2 == 0 {
                    place.put(number * 10 + round);
                    continue;
                }
                if number == 1 {
                    place.give_up();
                }
                sum.fetch_add(place.take(), SeqCst);
            }
        });
        assert_eq!(shared.1.load(SeqCst), [0, 20, 40].map(|first| 2 * first + 1).iter().sum());
    });
}

#[test]
fn event_all_who_wait_are_let_go_though_it_is_cleared_at_once() {
    schedules(|| {
        // An event, and how many wait for it.
        let shared = Arc::new((Event::new(), AtomicUsize::new(0)));
        together(shared, 5, |(event, waits), number| {
            if number > 0 {
                let waiting = Waiting::begin(event.wait());
                waits.fetch_add(1, SeqCst);
                if number == 1 {
                    _ = waiting.or_else(Waiting::hurry);
                } else {
                    waiting.unwrap_or_else(Waiting::finish);
                }
                return;
            }
            while waits.load(SeqCst) < 4 {
                thread::yield_now();
            }
            event.set();
            event.clear();
        });
    });
}

#[test]
fn barrier_each_round_has_one_who_leads_and_all_take_part() {
    schedules(|| {
        let shared = Arc::new((Barrier::new(5), AtomicUsize::new(0), AtomicUsize::new(0)));
        together(shared.clone(), 5, |(barrier, came, leaders), _| {
            for round in 1..=3 {
                came.fetch_add(1, SeqCst);
                let leads = wait(barrier.wait()).is_leader();
                leaders.fetch_add(usize::from(leads), SeqCst);
                assert!(came.load(SeqCst) >= 5 * round, "nobody goes on before all have come");
            }
        });
        assert_eq!(shared.2.load(SeqCst), 3);
    });
}

#[test]
fn latch_all_go_when_all_is_counted_down() {
    schedules(|| {
        let shared = Arc::new((Latch::new(4), AtomicUsize::new(0)));
        together(shared, 6, |(latch, done), number| {
            if number < 3 {
                done.fetch_add(1, SeqCst);
                latch.count_down();
            } else if number == 3 {
                done.fetch_add(1, SeqCst);
                wait(latch.arrive_and_wait());
                assert_eq!(done.load(SeqCst), 4);
            } else {
                if number == 4 {
                    _ = Waiting::begin(latch.wait()).or_else(Waiting::hurry);
                }
                wait(latch.wait());
                assert_eq!(done.load(SeqCst), 4);
            }
        });
    });
}

#[test]
fn wait_group_all_is_done_that_was_added_before_the_last() {
    schedules(|| {
        let group = WaitGroup::new();
        group.add(3);
        let shared = Arc::new((group, AtomicUsize::new(0)));
        together(shared, 6, |(group, done), number| {
            if number < 3 {
                // Who is not done may add more.
                group.add(1);
                done.fetch_add(1, SeqCst);
                group.done();
                done.fetch_add(1, SeqCst);
                group.done();
            } else {
                if number == 3 {
                    _ = Waiting::begin(group.wait()).or_else(Waiting::hurry);
                }
                wait(group.wait());
                assert_eq!(done.load(SeqCst), 6);
            }
        });
    });
}

#[test]
fn rwlock_no_writer_comes_between_a_look_and_the_upgrade() {
    schedules(|| {
        let lock = Arc::new(RwLock::new(0_usize));
        together(lock.clone(), 6, |lock, number| match number {
            0 | 1 => *wait(lock.write()) += 1,
            2 | 3 => {
                let guard = wait(lock.upgradable_read());
                let before = *guard;
                let mut guard = wait(RwLockUpgradableReadGuard::upgrade(guard));
                assert_eq!(*guard, before);
                *guard += 1;
            }
            4 => {
                // An upgrade that is given up gives up what was read, too.
                let guard = wait(lock.upgradable_read());
                let upgrade = Waiting::begin(RwLockUpgradableReadGuard::upgrade(guard));
                drop(upgrade.or_else(Waiting::hurry));
            }
            _ => {
                let guard = wait(lock.read());
                let before = *guard;
                thread::yield_now();
                assert_eq!(*guard, before);
            }
        });
        assert_eq!(*wait(lock.read()), 4);
    });
}

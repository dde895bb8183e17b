//! Threads that delegate, check, spend and revoke at once: nothing is usable after a revoke returned, nothing gains a right, no gas is lost.

#![cfg(not(any(loom, shuttle)))]

use turgo_capability::{Config, Grant, Handle, Rights, Table};
use turgo_machine::atomic::{AtomicBool, AtomicU64, Ordering};

const READ: Rights = Rights::READ;

/// A generator of numbers that look random (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// A tree of one round, and whether a revocation of its root has returned.
struct Tree {
    root: Handle,
    gone: AtomicBool,
}

#[test]
fn nothing_is_usable_after_a_revoke_returned() {
    const WORKERS: u64 = 3;
    const ROUNDS: u64 = 60;
    let table = Table::new(Config { shards: 2, ..Config::default() });
    for round in 0..ROUNDS {
        let grant = Grant::new(READ | Rights::GRANT).gas(1_000);
        let tree = Tree { root: table.mint(0, grant).unwrap(), gone: AtomicBool::new(false) };
        let started = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let (table, tree, started) = (&table, &tree, &started);
            let numbers = |worker| Numbers(round * WORKERS + worker);
            // Joined one by one, which ThreadSanitizer sees; it does not see how a scope ends.
            let mut threads: Vec<_> = (1..=WORKERS)
                .map(|worker| scope.spawn(move || work(table, tree, started, numbers(worker))))
                .collect();
            threads.push(scope.spawn(move || {
                // Acquire: pairs with the Release of each worker.
                while started.load(Ordering::Acquire) < WORKERS {
                    std::thread::yield_now();
                }
                assert!(table.revoke(tree.root));
                // Release: the revocation happens before, for the Acquire in `work`.
                tree.gone.store(true, Ordering::Release);
                // Its slot goes to a tree with all rights, and so do swept ones.
                table.sweep(u32::MAX);
                let strong = table.mint(0, Grant::new(Rights::ALL)).unwrap();
                assert!(table.check(strong, Rights::ALL).is_ok());
                table.revoke(strong);
            }));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        assert!(table.check(tree.root, Rights::NONE).is_err());
    }
    table.sweep(u32::MAX);
    assert_eq!(table.handles().count(), 0);
    assert_eq!(table.statistics().present(), 0);
    let totals = table.gas_totals();
    assert_eq!((totals.balances, totals.lent), (0, 0), "{totals:?}");
    assert!(totals.add_up() && totals.spent > 0, "{totals:?}");
}

/// Delegates from what there is, spends, and checks everything, until it has seen that the tree is gone.
fn work(table: &Table, tree: &Tree, started: &AtomicU64, mut numbers: Numbers) {
    let mut handles = vec![tree.root];
    for turn in 0.. {
        // Acquire: the revocation happened before, if it says so.
        let gone = tree.gone.load(Ordering::Acquire);
        for handle in &handles {
            assert!(!(table.check(*handle, READ).is_ok() && gone), "usable after the revoke");
            assert!(table.check(*handle, Rights::WRITE).is_err(), "a right from nowhere");
        }
        if gone {
            break;
        }
        let parent = handles[numbers.below(handles.len())];
        let mut grant = Grant::new(READ | Rights::GRANT);
        if numbers.below(2) == 0 {
            grant = grant.gas(numbers.below(20) as u64);
        }
        if handles.len() < 40 {
            handles.extend(table.delegate(parent, grant));
        }
        if let Ok(mut lease) = table.lease(parent, 10) {
            let _ = lease.spend(numbers.below(12) as u64);
        }
        if handles.len() > 20 && numbers.below(8) == 0 {
            let one = 1 + numbers.below(handles.len() - 1);
            let one = handles.swap_remove(one);
            table.revoke(one);
            assert!(table.check(one, Rights::NONE).is_err());
        }
        if turn == 4 {
            // Release: pairs with the Acquire of the revoker.
            started.fetch_add(1, Ordering::Release);
        }
    }
}

#[test]
fn admitted_work_ends_before_a_revoke_that_waits() {
    let table = Table::default();
    for _ in 0..100 {
        let session = table.mint(0, Grant::new(READ)).unwrap();
        let (gone, admitted) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let work = || {
                while let Ok(_admission) = table.admit(session, READ) {
                    // Relaxed: only says that work has begun.
                    admitted.fetch_add(1, Ordering::Relaxed);
                    std::thread::yield_now();
                    // Acquire: pairs with the Release below.
                    assert!(!gone.load(Ordering::Acquire), "it goes on after the revoke");
                }
            };
            let threads = [scope.spawn(work), scope.spawn(work)];
            // Relaxed: only says that work has begun.
            while admitted.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            assert_eq!(table.revoke_sync(session), Ok(true));
            // Release: pairs with the Acquire above.
            gone.store(true, Ordering::Release);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

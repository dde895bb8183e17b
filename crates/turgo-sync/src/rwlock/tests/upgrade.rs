//! Readers who become writers.

#[cfg(not(loom))]
mod unit {
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::Poll;

    use crate::access::{Access, Local, Shared};
    use crate::rwlock::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
    use crate::tests::probe::{Wakes, poll, poll_idle};
    use crate::{Barging, Fairness, Fifo};

    /// Runs a test with each order and each access.
    macro_rules! each {
        ($($name:ident),* $(,)?) => { $(
            mod $name {
                use super::{Barging, Fifo, Local, Shared};

                #[test]
                fn fifo() {
                    super::$name::<Fifo, Shared>();
                }

                #[test]
                fn barging() {
                    super::$name::<Barging<2>, Shared>();
                }

                #[test]
                fn local_fifo() {
                    super::$name::<Fifo, Local>();
                }

                #[test]
                fn local_barging() {
                    super::$name::<Barging, Local>();
                }
            }
        )* };
    }

    each!(
        one_reader_may_become_a_writer,
        an_upgrade_waits_for_readers,
        no_writer_comes_before_an_upgrade,
        an_upgrade_that_is_dropped_gives_all_back,
        a_writer_may_become_upgradable_again,
    );

    fn one_reader_may_become_a_writer<F: Fairness, A: Access>() {
        let lock = RwLock::<_, F, A>::with_fairness(1);
        let guard = lock.try_upgradable_read().unwrap();
        assert!(lock.try_upgradable_read().is_err());
        assert!(lock.try_write().is_err());
        let reader = lock.try_read().unwrap();
        let guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap_err();
        drop(reader);
        let mut guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap();
        *guard += 1;
        assert!(lock.try_read().is_err());
        drop(guard);
        let guard = lock.try_upgradable_read().unwrap();
        assert_eq!(format!("{guard} {guard:?}"), "2 2");
        let reader = RwLockUpgradableReadGuard::downgrade(guard);
        let other = lock.try_upgradable_read().unwrap();
        assert_eq!(*reader + *other, 4);
    }

    fn an_upgrade_waits_for_readers<F: Fairness, A: Access>() {
        let lock = RwLock::<_, F, A>::with_fairness(1);
        let reader = lock.try_read().unwrap();
        let guard = lock.try_upgradable_read().unwrap();
        let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(guard));
        let (wakes, waker) = Wakes::new();
        assert!(poll(&mut upgrade, &waker).is_pending());
        assert!(lock.try_upgradable_read().is_err());
        assert_eq!(*reader, 1);
        drop(reader);
        assert_eq!(wakes.count(), 1);
        let Poll::Ready(mut guard) = poll(&mut upgrade, &waker) else { panic!("is alone") };
        *guard = 2;
        drop(guard);
        assert_eq!(*lock.try_write().unwrap(), 2);
    }

    /// A writer that waits already, and has all permits but one.
    fn no_writer_comes_before_an_upgrade<F: Fairness, A: Access>() {
        let lock = RwLock::<_, F, A>::with_fairness(1);
        let guard = lock.try_upgradable_read().unwrap();
        let mut writes = Box::pin(lock.write());
        assert!(poll_idle(&mut writes).is_pending());
        let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(guard));
        let mut first = poll_idle(&mut upgrade);
        assert!(poll_idle(&mut writes).is_pending(), "it gives way, or waits");
        for _ in 0..3 {
            if first.is_ready() {
                break;
            }
            assert!(poll_idle(&mut writes).is_pending());
            first = poll_idle(&mut upgrade);
        }
        let Poll::Ready(mut guard) = first else { panic!("nobody else reads") };
        assert_eq!(*guard, 1);
        *guard = 2;
        assert!(poll_idle(&mut writes).is_pending());
        drop(guard);
        let mut second = poll_idle(&mut writes);
        for _ in 0..3 {
            if second.is_ready() {
                break;
            }
            second = poll_idle(&mut writes);
        }
        let Poll::Ready(guard) = second else { panic!("its turn has come") };
        assert_eq!(*guard, 2);
        drop(guard);
        assert!(lock.try_upgradable_read().is_ok(), "the slot is free");
    }

    fn an_upgrade_that_is_dropped_gives_all_back<F: Fairness, A: Access>() {
        let lock = RwLock::<_, F, A>::with_fairness(1);
        let reader = lock.try_read().unwrap();
        let mut upgrade =
            Box::pin(RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap()));
        assert!(poll_idle(&mut upgrade).is_pending());
        drop(upgrade);
        drop(RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap()));
        drop(reader);
        assert!(lock.try_write().is_ok());
        assert!(lock.try_upgradable_read().is_ok());
        let mut waits = Box::pin(lock.upgradable_read());
        let held = lock.try_write().unwrap();
        assert!(poll_idle(&mut waits).is_pending());
        drop(waits);
        drop(held);
        assert!(lock.try_upgradable_read().is_ok(), "a wait that was dropped left the slot");
    }

    fn a_writer_may_become_upgradable_again<F: Fairness, A: Access>() {
        let lock = RwLock::<_, F, A>::with_fairness(1);
        let guard = lock.try_write().unwrap();
        let guard = RwLockWriteGuard::try_downgrade_to_upgradable(guard).unwrap();
        assert!(lock.try_read().is_ok() && lock.try_write().is_err());
        let guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap();
        let mut waits = Box::pin(lock.upgradable_read());
        assert!(poll_idle(&mut waits).is_pending());
        let guard = RwLockWriteGuard::try_downgrade_to_upgradable(guard).unwrap_err();
        drop(guard);
        assert!(poll_idle(&mut waits).is_ready());
    }

    #[test]
    fn one_reader_is_all_there_can_be() {
        let lock = crate::RwLock::with_max_readers(1, 1);
        let guard = lock.try_upgradable_read().unwrap();
        assert!(lock.try_read().is_err());
        drop(RwLockUpgradableReadGuard::try_upgrade(guard).unwrap());
        assert!(lock.try_write().is_ok());
    }

    #[test]
    fn owned_guards_become_writers() {
        use crate::{OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard};

        let lock = Arc::new(crate::RwLock::new(1));
        let guard = lock.clone().try_upgradable_read_owned().unwrap();
        let mut upgrade = Box::pin(OwnedRwLockUpgradableReadGuard::upgrade(guard));
        let Poll::Ready(mut guard) = poll_idle(&mut upgrade) else { panic!("is alone") };
        *guard = 2;
        let guard = OwnedRwLockWriteGuard::try_downgrade_to_upgradable(guard).unwrap();
        let guard = OwnedRwLockUpgradableReadGuard::try_upgrade(guard).unwrap();
        drop(guard);
        let guard = lock.clone().try_upgradable_read_owned().unwrap();
        let guard = OwnedRwLockUpgradableReadGuard::downgrade(guard);
        assert_eq!((*guard, lock.try_upgradable_read().is_ok()), (2, true));
        let local = Rc::new(crate::local::RwLock::new(1));
        let mut waits = Box::pin(local.clone().upgradable_read_owned());
        assert!(poll_idle(&mut waits).is_ready());
        assert!(local.try_write().is_ok());
    }

    /// Threads that look, and count up if they find what they saw: nothing is lost, so nobody wrote between.
    #[test]
    fn threads_write_what_they_have_read() {
        fn run<F: Fairness>() {
            let lock = Arc::new(RwLock::<u64, F, Shared>::with_fairness(0));
            let threads: Vec<_> = (0..4)
                .map(|index| {
                    let lock = lock.clone();
                    turgo_machine::thread::spawn(move || {
                        crate::block::block_on(async {
                            for round in 0..300 {
                                if (index + round) % 4 == 0 {
                                    *lock.write().await += 1;
                                    continue;
                                }
                                let guard = lock.upgradable_read().await;
                                let seen = *guard;
                                let mut guard = RwLockUpgradableReadGuard::upgrade(guard).await;
                                assert_eq!(*guard, seen);
                                *guard += 1;
                                drop(guard);
                                _ = *lock.read().await;
                            }
                        });
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(*lock.blocking_read(), 1200);
        }
        run::<Fifo>();
        run::<Barging<3>>();
        run::<Barging>();
    }
}

#[cfg(loom)]
mod loom {
    use std::sync::Arc;

    use turgo_machine::thread;

    use crate::access::Shared;
    use crate::block::block_on;
    use crate::rwlock::{RwLock, RwLockUpgradableReadGuard};
    use crate::tests::probe::model;
    use crate::{Barging, Fairness, Fifo};

    /// One reads and becomes a writer, while another writes or reads.
    fn meets<F: Fairness>(other: fn(&RwLock<usize, F, Shared>)) {
        model(2, move || {
            let lock = Arc::new(RwLock::<_, F, Shared>::with_fairness(0));
            let upgrades = thread::spawn({
                let lock = lock.clone();
                move || {
                    let guard = block_on(lock.upgradable_read());
                    let seen = *guard;
                    let mut guard = block_on(RwLockUpgradableReadGuard::upgrade(guard));
                    assert_eq!(*guard, seen, "nobody writes between");
                    *guard += 1;
                }
            });
            let others = thread::spawn({
                let lock = lock.clone();
                move || other(&lock)
            });
            upgrades.join().unwrap();
            others.join().unwrap();
            assert!(lock.try_write().is_ok() && lock.try_upgradable_read().is_ok());
        });
    }

    fn writes<F: Fairness>(lock: &RwLock<usize, F, Shared>) {
        *block_on(lock.write()) += 1;
    }

    fn reads<F: Fairness>(lock: &RwLock<usize, F, Shared>) {
        assert!(*block_on(lock.read()) <= 1);
    }

    fn upgrades<F: Fairness>(lock: &RwLock<usize, F, Shared>) {
        let guard = block_on(lock.upgradable_read());
        *block_on(RwLockUpgradableReadGuard::upgrade(guard)) += 1;
    }

    #[test]
    fn an_upgrade_meets_a_writer_in_order() {
        meets::<Fifo>(writes);
    }

    #[test]
    fn an_upgrade_meets_a_writer_with_barging() {
        meets::<Barging<1>>(writes);
    }

    #[test]
    fn an_upgrade_meets_a_reader_in_order() {
        meets::<Fifo>(reads);
    }

    #[test]
    fn an_upgrade_meets_a_reader_with_barging() {
        meets::<Barging<1>>(reads);
    }

    #[test]
    fn an_upgrade_meets_an_upgrade() {
        meets::<Fifo>(upgrades);
    }
}

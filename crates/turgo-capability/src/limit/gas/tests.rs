//! Gas on one thread, and in models beside a revocation.

use super::*;

#[cfg(not(any(loom, shuttle)))]
mod unit {
    use super::*;

    #[test]
    fn nothing_is_taken_that_is_not_there() {
        let treasury = Treasury::new();
        assert!(treasury.grant(10));
        let account = Account::new(10, None);
        assert_eq!(account.withdraw(11, false), None, "E1");
        assert_eq!(account.withdraw(4, false), Some(4));
        assert_eq!(account.withdraw(9, true), Some(6), "as much as there is");
        assert_eq!(account.withdraw(1, true), None);
        assert_eq!(account.balance(), 0);
        assert!(!treasury.grant(CLOSED - 10), "E4");
        assert!(treasury.grant(CLOSED - 11));
    }

    #[test]
    fn a_lease_is_given_back_once() {
        let treasury = Treasury::new();
        assert!(treasury.grant(100));
        let account = Account::new(100, None);
        let mut lease = treasury.lease(Arc::clone(&account), 30).unwrap();
        assert!(lease.spend(20) && !lease.spend(11) && lease.left() == 10);
        assert!(treasury.totals(account.balance()).add_up());
        assert_eq!(lease.end(), 20);
        assert_eq!(account.balance(), 80, "E3");
        drop(treasury.lease(Arc::clone(&account), 5).unwrap());
        let totals = treasury.totals(account.balance());
        assert_eq!((totals.balances, totals.lent, totals.spent), (80, 0, 20));
        assert!(totals.add_up());
    }

    #[test]
    fn a_balance_goes_to_the_nearest_open_account() {
        let treasury = Treasury::new();
        assert!(treasury.grant(10));
        let root = Account::new(7, None);
        let middle = Account::new(2, Some(Arc::clone(&root)));
        let leaf = Account::new(1, Some(Arc::clone(&middle)));
        middle.close(&treasury);
        assert_eq!(root.balance(), 9);
        middle.close(&treasury);
        assert_eq!(root.balance(), 9, "E3");
        leaf.close(&treasury);
        assert_eq!(root.balance(), 10, "past the closed one");
        root.close(&treasury);
        assert_eq!(treasury.totals(0).returned, 10);
        assert!(treasury.lease(root, 1).is_none(), "E2");
    }
}

#[cfg(loom)]
mod models {
    use loom::thread;

    use super::*;
    use crate::forest::tests::explore;

    #[test]
    fn a_lease_beside_a_close_loses_nothing() {
        explore(3, || {
            let treasury: &'static Treasury = Box::leak(Box::new(Treasury::new()));
            assert!(treasury.grant(10));
            let root = Account::new(0, None);
            let account = Account::new(10, Some(Arc::clone(&root)));
            let other = Arc::clone(&account);
            let works = thread::spawn(move || {
                if let Some(mut lease) = treasury.lease(other, 6) {
                    assert!(lease.spend(1));
                }
            });
            account.close(treasury);
            works.join().unwrap();
            let totals = treasury.totals(root.balance() + account.balance());
            assert_eq!(account.balance(), 0, "E2");
            assert!(totals.add_up(), "E2: {totals:?}");
        });
    }

    #[test]
    fn an_account_is_closed_once() {
        explore(3, || {
            let treasury: &'static Treasury = Box::leak(Box::new(Treasury::new()));
            assert!(treasury.grant(10));
            let account = Account::new(10, None);
            let other = Arc::clone(&account);
            let closes = thread::spawn(move || other.close(treasury));
            account.close(treasury);
            closes.join().unwrap();
            assert!(treasury.totals(0).add_up(), "E3");
        });
    }
}

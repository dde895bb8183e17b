//! How long a revocation takes by the number of capabilities that it ends.

use rustix::time::{ClockId, clock_gettime};
use turgo_capability::{Grant, Handle, Rights, Table};

use crate::cases::chained::Chained;

pub(crate) const GROUP: &str = "cascade";

/// Revocations of one tree, from below to above, so that each has all the descendants.
const REVOCATIONS: usize = 60;

/// Measures and prints: the median of some rounds, each with a tree of its own.
pub(crate) fn run(rounds: usize) {
    println!("\n{GROUP}, 1 thread(s): ns per revocation");
    for descendants in [10, 1_000, 1_000_000] {
        let mut times: Vec<f64> = (0..rounds).map(|_| round(descendants)).collect();
        times.sort_by(f64::total_cmp);
        println!("  of {descendants:>9} descendants {:>9.1}", times[times.len() / 2]);
    }
    for descendants in [10, 1_000, 1_000_000] {
        let mut times: Vec<f64> = (0..rounds).map(|_| chained(descendants)).collect();
        times.sort_by(f64::total_cmp);
        println!("  chained, {descendants:>7} descendants {:>9.1}", times[times.len() / 2]);
    }
}

/// Nanoseconds of the one revocation that walks the tree.
fn chained(descendants: usize) -> f64 {
    let table = Chained::default();
    let root = table.mint(u16::MAX);
    let leaves: Vec<u64> = (0..descendants)
        .map(|_| table.delegate(root, u16::MAX).expect("the root is alive"))
        .collect();
    assert!(leaves.iter().all(|leaf| table.check(*leaf, 1)));
    let from = now();
    assert!(table.revoke(root));
    let time = now() - from;
    assert!(leaves.iter().all(|leaf| !table.check(*leaf, 1)));
    time as f64
}

/// Nanoseconds per revocation.
fn round(descendants: usize) -> f64 {
    let table = Table::default();
    let all = || Grant::new(Rights::ALL);
    let mut chain = vec![table.mint(0, all()).expect("an empty table")];
    while chain.len() < REVOCATIONS {
        chain.push(table.delegate(chain[chain.len() - 1], all()).expect("less than 64 levels"));
    }
    let last = chain[chain.len() - 1];
    let leaves: Vec<Handle> =
        (0..descendants).map(|_| table.delegate(last, all()).expect("there is room")).collect();
    assert!(leaves.iter().all(|leaf| table.check(*leaf, Rights::READ).is_ok()));
    // The leaves have pushed all else out of the caches, this program's and the kernel's code for clocks included. What is measured is not that:
    // as many revocations of capabilities beside them come first.
    let beside: Vec<Handle> =
        (0..REVOCATIONS).map(|_| table.mint(0, all()).expect("there is room")).collect();
    assert!(chain.iter().all(|handle| table.check(*handle, Rights::READ).is_ok()));
    let from = now();
    assert!(beside.iter().all(|handle| table.revoke(*handle)));
    assert!(now() > from);
    let from = now();
    let revoked = chain.iter().rev().filter(|handle| table.revoke(**handle)).count();
    let time = now() - from;
    assert_eq!(revoked, REVOCATIONS);
    assert!(leaves.iter().all(|leaf| table.check(*leaf, Rights::READ).is_err()));
    time as f64 / REVOCATIONS as f64
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

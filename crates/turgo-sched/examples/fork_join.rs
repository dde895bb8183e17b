//! Forks, a loop and a scope: sorting, counting, and borrowing from the caller's stack.

#![cfg(not(any(loom, shuttle)))]

use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::topology::Topology;
use turgo_sched::{Pool, Worker};

/// Sorts by forks: the two halves of a partition have nothing to do with each other.
fn quicksort(worker: &Worker, numbers: &mut [u64]) {
    if numbers.len() <= 32 {
        return numbers.sort_unstable();
    }
    let middle = numbers.len() / 2;
    let (low, _, high) = numbers.select_nth_unstable(middle);
    worker.join(|worker| quicksort(worker, low), |worker| quicksort(worker, high));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder(&Topology::detect()?).build()?;

    let mut numbers: Vec<u64> =
        (0..100_000u64).map(|n| n.wrapping_mul(0x9e37_79b9) % 100_003).collect();
    pool.install(|worker| quicksort(worker, &mut numbers));
    assert!(numbers.is_sorted());

    let even = AtomicUsize::new(0);
    pool.parallel_for(0..numbers.len(), |at| {
        if numbers[at].is_multiple_of(2) {
            even.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert_eq!(even.into_inner(), numbers.iter().filter(|n| n.is_multiple_of(2)).count());

    let mut sums = [0; 4];
    pool.scope(|scope| {
        for (part, sum) in numbers.chunks(25_000).zip(&mut sums) {
            scope.spawn(move |_| *sum = part.iter().sum());
        }
    });
    assert_eq!(sums.iter().sum::<u64>(), numbers.iter().sum());

    let done = pool.statistics().total();
    println!(
        "{} tasks, {} forks given away, {} steals",
        done.tasks, done.promotions, done.steals_local
    );
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("threads");
}

//! Sums, averages and quantiles, with real threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use turgo_machine::thread;

use crate::pause::suspend_at;

use super::super::{Average, Counter, Histogram, Metadata, Released};

#[test]
fn what_an_ended_thread_counted_stays() {
    let (counter, histogram) = (Arc::new(Counter::new()), Arc::new(Histogram::new()));
    for round in 1..=20 {
        let threads = [5, 7].map(|count| {
            let (counter, histogram) = (Arc::clone(&counter), Arc::clone(&histogram));
            thread::spawn(move || {
                counter.add(count);
                histogram.record(count);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counter.sum(), 12 * round);
        assert_eq!(histogram.snapshot().count(), 2 * round);
    }
}

#[test]
fn sums_never_fall_and_miss_nothing() {
    const COUNT: u64 = 50_000;
    let (counter, done) = (Arc::new(Counter::new()), Arc::new(AtomicBool::new(false)));
    let reader = {
        let (counter, done) = (Arc::clone(&counter), Arc::clone(&done));
        thread::spawn(move || {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let sum = counter.sum();
                assert!(sum >= last);
                last = sum;
            }
        })
    };
    let adders: Vec<_> = (0..3)
        .map(|_| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || (0..COUNT).for_each(|_| counter.increment()))
        })
        .collect();
    adders.into_iter().for_each(|thread| thread.join().unwrap());
    done.store(true, Ordering::Release);
    reader.join().unwrap();
    assert_eq!(counter.sum(), 3 * COUNT);
}

#[test]
fn a_thread_suspended_while_it_adds_takes_nothing_away() {
    let counter = Arc::new(Counter::new());
    let adding = Arc::clone(&counter);
    let add = move || {
        adding.add(7);
        adding.increment();
    };
    suspend_at("counter add", add, || assert_eq!(counter.sum(), 7));
    assert_eq!(counter.sum(), 8);
}

#[test]
fn an_average_reaches_what_it_is_fed() {
    let average = Average::new(10);
    for target in [0, 1, 0, 1_000_000, 3, u64::MAX] {
        (0..100_000).for_each(|_| average.record(target));
        let expected = target.min((1 << 47) - 1) as f64;
        assert_eq!(average.value(), Some(expected));
    }
}

#[test]
fn a_quantile_is_within_its_error() {
    let histogram = Histogram::new();
    assert_eq!(histogram.snapshot().quantile(0.5), None);
    let value = |number: u64| number * number * 7;
    (0..10_000).for_each(|number| histogram.record(value(number)));
    let snapshot = histogram.snapshot();
    for rank in (1..=10_000_u64).step_by(9) {
        let exact = value(rank - 1);
        let found = snapshot.quantile(rank as f64 / 10_000.0).unwrap();
        assert!(found.abs_diff(exact) * 64 <= exact, "{rank}: {found} for {exact}");
    }
    let mut twice = snapshot.clone();
    twice.merge(&snapshot);
    assert_eq!(twice.count(), 20_000);
    assert_eq!(twice.quantile(0.9), snapshot.quantile(0.9));
    assert_eq!(snapshot.quantile(f64::NAN), None);
    assert_eq!(snapshot.quantile(-1.0), snapshot.quantile(0.0));
    assert_eq!(snapshot.quantile(f64::INFINITY), snapshot.quantile(1.0));
}

#[test]
fn metadata_fields_change_together() {
    let word = Metadata::new(3, 1);
    assert!(word.enter(2, 9).is_err());
    let entered = word.enter(3, 2).unwrap();
    assert_eq!((entered.state(), entered.count(), entered.flags()), (3, 1, 1));
    assert!(word.enter(3, 2).is_ok());
    assert_eq!(word.enter(3, 2).unwrap_err().count(), 2);
    assert_eq!(word.set_flags(u32::MAX).flags(), 1);
    assert_eq!(word.load().flags(), Metadata::FLAGS_ALL);
    assert_eq!(word.clear_flags(1).count(), 2);
    assert_eq!(word.change_state(3, 255).unwrap().state(), 255);
    assert!(word.change_state(3, 4).is_err());
    assert!(matches!(word.leave(), Ok(Released::More(_))));
    assert!(matches!(word.leave(), Ok(Released::Last(_))));
    assert_eq!(word.leave().unwrap_err().count(), 0);
    assert_eq!(word.load().flags(), Metadata::FLAGS_ALL - 1);
}

//! A number that passes from one thread to the next brings its slots along.

use loom::sync::Arc;
use loom::thread;

use super::super::numbers::Numbers;
use super::super::owned::Counter;

#[test]
fn the_next_thread_of_a_number_counts_on() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    // A sum looks at a thousand places.
    builder.max_branches = 20_000;
    builder.check(|| {
        let shared = Arc::new((Numbers::new(), Counter::new()));
        let count = |shared: Arc<(Numbers, Counter)>| {
            let number = shared.0.take().unwrap();
            shared.1.add_as(number, 1);
            shared.0.give_back(number);
        };
        let other = Arc::clone(&shared);
        let counting = thread::spawn(move || count(other));
        count(Arc::clone(&shared));
        counting.join().unwrap();
        assert_eq!(shared.1.sum(), 2);
    });
}

#[test]
fn threads_without_a_number_share_a_slot_and_lose_nothing() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(|| {
        // In models no thread has a number.
        let counter = Arc::new(Counter::new());
        let other = Arc::clone(&counter);
        let counting = thread::spawn(move || other.add(1));
        counter.add(2);
        counting.join().unwrap();
        assert_eq!(counter.sum(), 3, "C4");
    });
}

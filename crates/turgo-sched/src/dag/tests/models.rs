//! The words of tasks and edges in every interleaving and reordering that the memory model allows, within a bound of preemptions.

use loom::sync::Arc;
use loom::thread;
use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::cell::UnsafeCell;

use super::super::state::{Edge, End, Extra, State, Word};

fn explore(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// What two predecessors did.
struct Pair {
    word: Word,
    results: [UnsafeCell<u32>; 2],
}

/// A task that becomes ready after an arrival that was counted alone and two that were not, and what each predecessor did.
struct Opened {
    word: Word,
    is_open: AtomicBool,
    results: [UnsafeCell<u32>; 3],
}

// SAFETY: as for a pair.
unsafe impl Sync for Opened {}

impl Opened {
    fn write(&self, side: usize) {
        // SAFETY: only this predecessor writes it, before it arrives.
        self.results[side].with_mut(|result| unsafe { *result = 1 });
    }

    fn arrive(&self, side: usize) -> bool {
        self.write(side);
        let last = self.word.arrive(false);
        if last {
            for result in &self.results {
                // SAFETY: all have arrived: D2.
                assert_eq!(result.with(|result| unsafe { *result }), 1, "D2");
            }
        }
        last
    }
}

// SAFETY: a result is written by its predecessor before it arrives, and read by whoever hands the task out.
unsafe impl Sync for Pair {}

impl Pair {
    fn arrive(&self, side: usize, poison: bool) -> bool {
        // SAFETY: only this predecessor writes it, before it arrives.
        self.results[side].with_mut(|result| unsafe { *result = 1 });
        let last = self.word.arrive(poison);
        if last {
            for result in &self.results {
                // SAFETY: both have arrived: D2.
                assert_eq!(result.with(|result| unsafe { *result }), 1, "D2");
            }
            assert!(self.word.begin(false) || !poison, "D3");
        }
        last
    }
}

fn pair() -> Arc<Pair> {
    Arc::new(Pair { word: Word::new(2), results: [UnsafeCell::new(0), UnsafeCell::new(0)] })
}

#[test]
fn the_last_arrival_hands_out_and_sees_all() {
    explore(|| {
        let pair = pair();
        let other = Arc::clone(&pair);
        let left = thread::spawn(move || other.arrive(0, false));
        let right = pair.arrive(1, false);
        let left = left.join().unwrap();
        assert!(left != right, "D1: handed out by {}", u8::from(left) + u8::from(right));
    });
}

#[test]
fn whoever_hands_out_sees_the_poison() {
    explore(|| {
        let word = Arc::new(Word::new(2));
        let other = Arc::clone(&word);
        let left = thread::spawn(move || other.arrive(true).then(|| other.begin(false)));
        let right = word.arrive(false).then(|| word.begin(false));
        let begun = [left.join().unwrap(), right];
        let poisoned: Vec<bool> = begun.into_iter().flatten().collect();
        assert_eq!(poisoned, [true], "D1, D3");
    });
}

#[test]
fn an_edge_that_is_added_beside_an_end_is_delivered_once() {
    explore(|| {
        // The task that ends, the one that waits for it, and the edges that begin at the first: what the table is, here behind a lock.
        let from = Arc::new(Word::new(0));
        let to = Arc::new(Word::new(2));
        let edges = Arc::new(loom::sync::Mutex::new(Vec::<Arc<Edge>>::new()));
        assert!(!from.begin(false));
        let (ends, waits, table) = (Arc::clone(&from), Arc::clone(&to), Arc::clone(&edges));
        let end = thread::spawn(move || {
            let mut handed_out = 0;
            if ends.finish(End::Completed, false) {
                let edges = table.lock().unwrap().clone();
                for edge in edges {
                    handed_out += u32::from(edge.deliver() && waits.arrive(false));
                }
            }
            handed_out
        });
        let mut handed_out = 0;
        for _ in 0..2 {
            let edge = Arc::new(Edge::new(1));
            edges.lock().unwrap().push(Arc::clone(&edge));
            handed_out += match from.add_extra() {
                Extra::Later => 0,
                Extra::Over(state) => {
                    assert_eq!(state, State::Completed);
                    u32::from(edge.deliver() && to.arrive(false))
                }
            };
        }
        handed_out += end.join().unwrap();
        assert_eq!((handed_out, to.state()), (1, State::Ready), "D5");
    });
}

#[test]
fn a_hold_beside_the_last_arrival_is_refused_or_waited_for() {
    explore(|| {
        let word = Arc::new(Word::new(1));
        let other = Arc::clone(&word);
        let arrives = thread::spawn(move || other.arrive(false));
        let mut handed_out = 0;
        if word.hold() {
            handed_out += u32::from(word.arrive(false));
        }
        handed_out += u32::from(arrives.join().unwrap());
        assert_eq!(handed_out, 1, "D6");
    });
}

#[test]
fn what_was_counted_alone_counts_when_others_have_come() {
    explore(|| {
        let task = Arc::new(Opened {
            word: Word::new(3),
            is_open: AtomicBool::new(false),
            results: [UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)],
        });
        let other = Arc::clone(&task);
        let thief = thread::spawn(move || {
            // Acquire: as whoever takes a task from a queue.
            while !other.is_open.load(Ordering::Acquire) {
                thread::yield_now();
            }
            other.arrive(1)
        });
        task.write(0);
        assert!(!task.word.arrive_alone(false));
        // Release: as whoever queues a task.
        task.is_open.store(true, Ordering::Release);
        let own = task.arrive(2);
        let others = thief.join().unwrap();
        assert!(own != others, "D1, D12: handed out by {}", u8::from(own) + u8::from(others));
    });
}

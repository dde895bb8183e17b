//! Three stages, each on its thread, with a bounded ring between two: what is ahead waits for what is behind.
//!
//! `cargo run --release -p turgo-lockfree --example stages`
//!
//! A ring of one producer and one consumer needs no read-modify-write instruction at all, and moved in batches the threads touch each
//! other's lines once in many items. A full ring is backpressure: nothing piles up.

use std::thread;

use turgo_lockfree::ring::spsc::{self, Consumer, Producer};

const LINES: u64 = 100_000;
const RING: usize = 256;
const BATCH: usize = 64;

fn main() {
    let (lines_in, lines_out) = spsc::new::<String>(RING);
    let (numbers_in, numbers_out) = spsc::new::<u64>(RING);
    let sum = thread::scope(|scope| {
        scope.spawn(move || {
            send(lines_in, (0..LINES).map(|line| format!("{line},{}", line * line)))
        });
        scope.spawn(move || {
            let second = |line: String| -> u64 {
                let (_, number) = line.split_once(',').expect("a line has two fields");
                number.parse().expect("the second one is a number")
            };
            send(numbers_in, received(lines_out).map(second));
        });
        scope.spawn(move || received(numbers_out).sum::<u64>()).join().expect("no stage panics")
    });
    assert_eq!(
        sum,
        (0..LINES).map(|line| line * line).sum::<u64>(),
        "nothing was lost or came twice"
    );
    println!(
        "{LINES} lines through {RING} places between two stages: their squares add up to {sum}"
    );
}

/// Sends all items in batches; where the ring is full it lets others run.
fn send<T>(mut ring: Producer<T>, mut items: impl Iterator<Item = T>) {
    loop {
        let mut batch: Vec<T> = items.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return;
        }
        while !batch.is_empty() {
            if ring.push_batch(&mut batch) == 0 {
                thread::yield_now();
            }
        }
    }
}

/// All items until the producer is gone and the ring is empty.
fn received<T>(mut ring: Consumer<T>) -> impl Iterator<Item = T> {
    let mut batch = Vec::new();
    std::iter::from_fn(move || {
        while batch.is_empty() {
            // Asked first: what the producer pushed before it went is found by the pop.
            let gone = ring.is_abandoned();
            if ring.pop_batch(BATCH, &mut batch) > 0 {
                batch.reverse();
            } else if gone {
                return None;
            } else {
                thread::yield_now();
            }
        }
        batch.pop()
    })
}

#[cfg(not(any(loom, shuttle)))]
#[test]
fn every_line_arrives() {
    main();
}

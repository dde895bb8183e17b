//! Work that makes more work, shared by stealing: how many nodes does a lopsided tree have?
//!
//! `cargo run --release -p turgo-lockfree --example stealing`
//!
//! Each worker pushes and pops at its own end of its own deque, where nobody contends. One that has nothing left takes up to half of
//! what another has, from the other end, where the oldest and thus largest pieces lie.

use std::iter;
use std::thread;

use turgo_lockfree::deque::{Injector, Steal, Stealer, Worker};
use turgo_machine::atomic::{AtomicUsize, Ordering};

/// A node that is still to be visited: its depth, and the number that decides about its children.
#[derive(Debug, Clone, Copy)]
struct Node {
    depth: u32,
    seed: u64,
}

impl Node {
    fn children(self) -> impl Iterator<Item = Self> {
        let seed = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
        let count = if self.depth == 0 { 0 } else { seed % 4 };
        (0..count).map(move |child| Self { depth: self.depth - 1, seed: seed ^ (child << 7) })
    }
}

const WORKERS: usize = 3;
const ROOTS: u64 = 64;
const DEPTH: u32 = 14;

fn main() {
    let roots = || (0..ROOTS).map(|seed| Node { depth: DEPTH, seed: seed * 31 + 1 });
    let injector = Injector::new();
    roots().for_each(|root| injector.push(root));
    // Nodes that were found and are not visited yet: when there are none, all are done.
    let open = AtomicUsize::new(ROOTS as usize);

    let workers: Vec<Worker<Node>> = (0..WORKERS).map(|_| Worker::new_lifo()).collect();
    let stealers: Vec<Stealer<Node>> = workers.iter().map(Worker::stealer).collect();
    let visited: Vec<u64> = thread::scope(|scope| {
        let (injector, stealers, open) = (&injector, &stealers, &open);
        let start = |worker: Worker<Node>| {
            scope.spawn(move || {
                let mut visited = 0;
                // Acquire: pairs with the Release below, so that whoever stops has seen all that was done.
                while open.load(Ordering::Acquire) > 0 {
                    let Some(node) = worker.pop().or_else(|| find(&worker, injector, stealers))
                    else {
                        thread::yield_now();
                        continue;
                    };
                    visited += 1;
                    let mut children = 0;
                    node.children().for_each(|child| {
                        worker.push(child);
                        children += 1;
                    });
                    // Relaxed: the node itself is still open, so the count cannot be zero before the subtraction.
                    open.fetch_add(children, Ordering::Relaxed);
                    // Release: pairs with the Acquire above.
                    open.fetch_sub(1, Ordering::Release);
                }
                visited
            })
        };
        let threads: Vec<_> = workers.into_iter().map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("no worker panics")).collect()
    });

    let alone = count(roots());
    assert_eq!(visited.iter().sum::<u64>(), alone, "each node was visited once");
    println!("{alone} nodes, visited by {WORKERS} workers: {visited:?}");
}

/// From the injector or from another worker; the batch goes to `worker`, its first node is returned.
fn find(
    worker: &Worker<Node>,
    injector: &Injector<Node>,
    stealers: &[Stealer<Node>],
) -> Option<Node> {
    iter::repeat_with(|| {
        let others = || stealers.iter().map(|stealer| stealer.steal_batch_and_pop(worker));
        injector.steal_batch_and_pop(worker).or_else(|| others().collect())
    })
    .find(|found| !matches!(found, Steal::Retry))
    .and_then(Steal::success)
}

/// The same without threads.
fn count(roots: impl Iterator<Item = Node>) -> u64 {
    let mut open: Vec<Node> = roots.collect();
    let mut visited = 0;
    while let Some(node) = open.pop() {
        visited += 1;
        open.extend(node.children());
    }
    visited
}

#[cfg(not(any(loom, shuttle)))]
#[test]
fn each_node_is_visited_once() {
    main();
}

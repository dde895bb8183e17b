//! A small graph on the interface for runs: each node once, after those it needs.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::layout::NodeIndex;
use crate::pool::Worker;
use crate::random::Random;
use crate::run::{Ran, Runnable};

use super::stress::pool;

struct Graph {
    base: AtomicU32,
    after: Vec<Vec<u32>>,
    missing: Vec<AtomicU32>,
    left: AtomicU32,
    ran: Vec<AtomicU64>,
    clock: AtomicU64,
    told: Sender<()>,
}

impl Runnable for Graph {
    fn run(&self, index: u32, worker: &Worker) -> Ran {
        let at = index as usize;
        let now = 1 + self.clock.fetch_add(1, Ordering::Relaxed);
        assert_eq!(self.ran[at].swap(now, Ordering::Relaxed), 0, "R1");
        let ready = |next: &&u32| self.missing[**next as usize].fetch_sub(1, Ordering::AcqRel) == 1;
        let mut ready: Vec<u32> = self.after[at].iter().filter(ready).copied().collect();
        let next = ready.pop();
        worker.push_all(ready.into_iter().map(|index| self.number(index)));
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            return Ran::Finished;
        }
        next.map_or(Ran::Nothing, Ran::Next)
    }

    fn number(&self, index: u32) -> u32 {
        self.base.load(Ordering::Relaxed) + index
    }

    fn finished(self: Arc<Self>, worker: &Worker) {
        // SAFETY: all nodes have run.
        unsafe { worker.release(self.number(0)) };
        self.told.send(()).expect("somebody waits");
    }
}

#[test]
fn every_node_runs_once_and_in_order() {
    for workers in [1, 2, 4] {
        let pool = pool(workers);
        for seed in 0..10 {
            let mut random = Random::new(seed, 0);
            let nodes = 3_000u32;
            let mut after = vec![Vec::new(); nodes as usize];
            let mut missing = vec![0u32; nodes as usize];
            for to in 1..nodes {
                for _ in 0..random.below(4) {
                    after[random.below(to) as usize].push(to);
                    missing[to as usize] += 1;
                }
            }
            let first: Vec<u32> = (0..nodes).filter(|node| missing[*node as usize] == 0).collect();
            let (told, over) = channel();
            let graph = Arc::new(Graph {
                base: AtomicU32::new(0),
                after,
                missing: missing.into_iter().map(AtomicU32::new).collect(),
                left: AtomicU32::new(nodes),
                ran: (0..nodes).map(|_| AtomicU64::new(0)).collect(),
                clock: AtomicU64::new(0),
                told,
            });
            let base = pool.reserve(graph.clone(), 0, nodes);
            graph.base.store(base, Ordering::Relaxed);
            pool.inject_all(NodeIndex(0), first.into_iter().map(|node| base + node));
            over.recv().expect("an end");
            for (from, after) in graph.after.iter().enumerate() {
                let at = graph.ran[from].load(Ordering::Relaxed);
                let later = |to: &u32| graph.ran[*to as usize].load(Ordering::Relaxed) > at;
                assert!(at > 0 && after.iter().all(later), "R2");
            }
        }
        assert!(pool.shared.arena.segments_used() < 40, "ranges are used again");
    }
}

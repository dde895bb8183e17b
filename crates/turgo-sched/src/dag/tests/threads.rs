//! Graphs run by several threads that share a list of what is ready.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use turgo_machine::clock::Clock;

use super::super::execution::{Execution, Others, Ready};
use super::super::*;
use crate::random::Random;

/// What is ready, for all threads.
struct List(Mutex<Vec<u32>>);

impl Ready for List {
    fn successor(&self, task: u32) {
        self.0.lock().unwrap().push(task);
    }

    fn added(&self, task: u32) {
        self.successor(task);
    }
}

fn run(graph: &Graph, threads: u32) -> Result<Report, RunError> {
    let execution = Execution::new(graph.clone(), Clock::real());
    let ready = List(Mutex::new(execution.sources().to_vec()));
    let over = AtomicBool::new(execution.is_over());
    std::thread::scope(|scope| {
        for worker in 0..threads {
            let (execution, ready, over) = (&execution, &ready, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Acquire) {
                    let Some(task) = ready.0.lock().unwrap().pop() else {
                        std::thread::yield_now();
                        continue;
                    };
                    if execution.step(task, worker, Others::Some, ready) {
                        over.store(true, Ordering::Release);
                    }
                }
            });
        }
    });
    execution.result(threads)
}

#[test]
fn tasks_of_random_graphs_run_once_and_after_their_predecessors() {
    for seed in 0..20 {
        let mut random = Random::new(seed, 0);
        let tasks = 2_000;
        let done: Arc<Vec<AtomicU32>> = Arc::new((0..tasks).map(|_| AtomicU32::new(0)).collect());
        let mut edges = vec![Vec::new(); tasks as usize];
        for to in 1..tasks {
            for _ in 0..random.below(4) {
                edges[to as usize].push(random.below(to));
            }
        }
        let mut dag = Dag::new();
        for before in &edges {
            let (done, before_all) = (Arc::clone(&done), before.clone());
            let mut node = dag.node(move |cx| {
                for &task in &before_all {
                    assert_eq!(done[task as usize].load(Ordering::Relaxed), 1, "D2");
                }
                done[cx.me().0 as usize].fetch_add(1, Ordering::Relaxed);
            });
            for &task in before {
                node = node.after(TaskId(task));
            }
        }
        let report = run(&dag.seal().unwrap(), 3).unwrap();
        assert_eq!(report.completed, tasks);
        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1), "D1");
    }
}

#[test]
fn what_threads_add_at_once_runs_once() {
    for round in 0..30 {
        let ran = Arc::new(AtomicU32::new(0));
        let mut dag = Dag::new();
        dag.room(400);
        for parent in 0..40 {
            let ran = Arc::clone(&ran);
            dag.node(move |cx| {
                let mut last = TaskId((parent * 7 + round) % 40);
                for _ in 0..10 {
                    let ran = Arc::clone(&ran);
                    last = cx.spawn_after(&[cx.me(), last, TaskId(parent / 2)], move |_| {
                        ran.fetch_add(1, Ordering::Relaxed);
                    })?;
                }
                Ok::<_, EditError>(())
            });
        }
        let report = run(&dag.seal().unwrap(), 3).unwrap();
        assert_eq!((report.total, report.completed), (440, 440), "D5, D7");
        assert_eq!(ran.load(Ordering::Relaxed), 400, "D5");
    }
}

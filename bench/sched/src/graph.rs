//! A random graph of 100,000 nodes that do next to nothing: what it costs to find out what is ready, and to give it to whoever has nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::Thread;

use rayon::prelude::*;
use turgo_sched::dag::{Dag, Graph, TaskId};
use turgo_sched::sim::Workload;

use crate::measure::{Case, Group, Watch};
use crate::pools::{Pools, with_chili, with_forkunion};

const NODES: u64 = 100_000;

/// The graph, and what its nodes write. Nodes have numbers from 0.
struct Random {
    successors: Vec<Vec<u32>>,
    /// How many edges lead to each node.
    predecessors: Vec<u32>,
    /// Nodes that only nodes of the levels before lead to.
    levels: Vec<Vec<u32>>,
    /// What each node waits for still.
    left: Vec<AtomicU32>,
    /// The run in which each node has run last, and the number it has got in that run.
    ran: Vec<AtomicU32>,
    run: AtomicU32,
    /// Whether numbers are given out: to see that edges are kept.
    is_order_kept: bool,
    next: AtomicU32,
    order: Vec<AtomicU32>,
    /// For those who do not wait for what they spawn.
    unfinished: AtomicU64,
}

fn zeros(nodes: usize) -> Vec<AtomicU32> {
    (0..nodes).map(|_| AtomicU32::new(0)).collect()
}

impl Random {
    fn new(is_order_kept: bool) -> Self {
        let workload = Workload::made("random:100000", 7).expect("a graph");
        let shape = workload.shape();
        let nodes = shape.len();
        let ids = || (0..nodes as u32).map(TaskId);
        let mut level = vec![0usize; nodes];
        let mut levels: Vec<Vec<u32>> = Vec::new();
        for &node in shape.order() {
            let at = level[node as usize];
            levels.resize_with(levels.len().max(at + 1), Vec::new);
            levels[at].push(node);
            for &next in shape.successors(TaskId(node)) {
                level[next as usize] = level[next as usize].max(at + 1);
            }
        }
        Self {
            successors: ids().map(|id| shape.successors(id).to_vec()).collect(),
            predecessors: ids().map(|id| shape.predecessors(id)).collect(),
            levels,
            left: zeros(nodes),
            ran: zeros(nodes),
            run: AtomicU32::new(0),
            is_order_kept,
            next: AtomicU32::new(0),
            order: zeros(nodes),
            unfinished: AtomicU64::new(0),
        }
    }

    /// Before a run: each node waits for all again. Those that do it as part of the run call it within the time.
    fn reset(&self) {
        for (left, predecessors) in self.left.iter().zip(&self.predecessors) {
            left.store(*predecessors, Ordering::Relaxed);
        }
    }

    fn roots(&self) -> impl Iterator<Item = u32> {
        let counts = (0..).zip(&self.predecessors);
        counts.filter(|(_, count)| **count == 0).map(|(node, _)| node)
    }

    /// What a node does.
    fn body(&self, node: u32) {
        self.ran[node as usize].store(self.run.load(Ordering::Relaxed), Ordering::Relaxed);
        if self.is_order_kept {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            self.order[node as usize].store(number, Ordering::Relaxed);
        }
    }

    /// Runs a node, and calls `ready` for those that wait for nothing any more.
    fn run(&self, node: u32, mut ready: impl FnMut(u32)) {
        self.body(node);
        for &next in &self.successors[node as usize] {
            if self.left[next as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                ready(next);
            }
        }
    }

    /// The same, but one of those runs next in the same place.
    fn run_on(&self, mut node: u32, mut ready: impl FnMut(u32)) {
        loop {
            let mut stays = None;
            self.run(node, |next| match stays {
                None => stays = Some(next),
                Some(_) => ready(next),
            });
            match stays {
                Some(next) => node = next,
                None => return,
            }
        }
    }

    fn sequential(&self) {
        let mut left = self.predecessors.clone();
        let mut ready: Vec<u32> = self.roots().collect();
        while let Some(node) = ready.pop() {
            self.body(node);
            for &next in &self.successors[node as usize] {
                left[next as usize] -= 1;
                if left[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
    }

    /// How many nodes have run, if each did so in this run and after all that lead to it.
    fn check(&self) -> u64 {
        let run = self.run.fetch_add(1, Ordering::Relaxed);
        let has_run = |ran: &&AtomicU32| ran.load(Ordering::Relaxed) == run;
        if self.is_order_kept {
            let number = |node: usize| self.order[node].load(Ordering::Relaxed);
            for (node, successors) in self.successors.iter().enumerate() {
                let is_after = |&next: &u32| number(next as usize) > number(node);
                assert!(successors.iter().all(is_after), "{node} and what comes after it");
            }
        }
        self.ran.iter().filter(has_run).count() as u64
    }
}

fn ours(graph: &Arc<Random>) -> Graph {
    let mut dag = Dag::new();
    for node in 0..NODES as u32 {
        let graph = Arc::clone(graph);
        dag.node(move |_| graph.body(node));
    }
    for (node, successors) in (0..).zip(&graph.successors) {
        successors.iter().for_each(|&next| dag.edge(TaskId(node), TaskId(next)));
    }
    dag.seal().expect("no cycle")
}

fn on_turgo<'a>(scope: &turgo_sched::Scope<'a>, graph: &'a Random, node: u32) {
    graph.run_on(node, |next| scope.spawn(move |scope| on_turgo(scope, graph, next)));
}

fn on_rayon<'a>(scope: &rayon::Scope<'a>, graph: &'a Random, node: u32) {
    graph.run(node, |next| scope.spawn(move |scope| on_rayon(scope, graph, next)));
}

fn on_rayon_staying<'a>(scope: &rayon::Scope<'a>, graph: &'a Random, node: u32) {
    graph.run_on(node, |next| scope.spawn(move |scope| on_rayon_staying(scope, graph, next)));
}

fn on_forte<'a>(scope: &forte::Scope<'a>, graph: &'a Random, node: u32) {
    graph.run_on(node, |next| scope.spawn(move |scope| on_forte(scope, graph, next)));
}

/// What is ready is halved until it is one node.
fn on_chili(scope: &mut chili::Scope<'_>, graph: &Random, ready: &[u32]) {
    if let [node] = ready {
        let mut next = Vec::new();
        graph.run(*node, |ready| next.push(ready));
        while let [node] = next[..] {
            next.clear();
            graph.run(node, |ready| next.push(ready));
        }
        if !next.is_empty() {
            on_chili(scope, graph, &next);
        }
        return;
    }
    let (left, right) = ready.split_at(ready.len() / 2);
    scope.join(|scope| on_chili(scope, graph, left), |scope| on_chili(scope, graph, right));
}

/// The thread is told when the last node has run.
fn ended(graph: &Random, waiter: &Thread) {
    if graph.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
        waiter.unpark();
    }
}

fn wait_for_all(graph: &Random) {
    while graph.unfinished.load(Ordering::Acquire) > 0 {
        std::thread::park();
    }
}

type Executor = Arc<async_executor::Executor<'static>>;

fn on_executor(executor: &Executor, graph: &Arc<Random>, node: u32, waiter: &Thread) {
    let (graph, waiter, own) = (Arc::clone(graph), waiter.clone(), Arc::clone(executor));
    let task = executor.spawn(async move {
        graph.run(node, |next| on_executor(&own, &graph, next, &waiter));
        ended(&graph, &waiter);
    });
    task.detach();
}

fn on_tokio(graph: &Arc<Random>, node: u32, waiter: &Thread) {
    let (graph, waiter) = (Arc::clone(graph), waiter.clone());
    tokio::spawn(async move {
        graph.run(node, |next| on_tokio(&graph, next, &waiter));
        ended(&graph, &waiter);
    });
}

fn timed<'a>(
    name: &'static str,
    graph: &Arc<Random>,
    run: impl Fn(&Watch, &Arc<Random>) + 'a,
) -> Case<'a> {
    let graph = Arc::clone(graph);
    Case::timed(name, move |watch| {
        run(watch, &graph);
        graph.check()
    })
}

fn ours_and_rayons<'a>(pools: &'a Pools, graph: &Arc<Random>) -> Vec<Case<'a>> {
    let (sealed, again) = (ours(graph), ours(graph));
    vec![
        timed("turgo graph", graph, move |watch, _| {
            watch.time(|| pools.turgo.run(&sealed).wait().expect("nothing fails"));
        }),
        // From the first node to the last: what is not in it is the making of the run, and of its report.
        timed("turgo graph, makespan", graph, move |watch, _| {
            let report = watch.time(|| pools.turgo.run(&again).wait().expect("nothing fails"));
            watch.report(report.makespan_ns as f64);
        }),
        // By all workers: whether one alone is faster is known after some runs only.
        timed("turgo graph, its first run", graph, move |watch, graph| {
            let sealed = ours(graph);
            watch.time(|| pools.turgo.run(&sealed).wait().expect("nothing fails"));
        }),
        timed("turgo scope, one stays", graph, |watch, graph| {
            watch.time(|| {
                graph.reset();
                pools.turgo.scope(|scope| {
                    let spawn = |node| scope.spawn(move |scope| on_turgo(scope, graph, node));
                    graph.roots().for_each(spawn);
                });
            });
        }),
        timed("rayon scope", graph, |watch, graph| {
            watch.time(|| {
                graph.reset();
                pools.rayon.scope(|scope| {
                    let spawn = |node| scope.spawn(move |scope| on_rayon(scope, graph, node));
                    graph.roots().for_each(spawn);
                });
            });
        }),
        timed("rayon scope, one stays", graph, |watch, graph| {
            watch.time(|| {
                graph.reset();
                pools.rayon.scope(|scope| {
                    let each = |node| scope.spawn(move |s| on_rayon_staying(s, graph, node));
                    graph.roots().for_each(each);
                });
            });
        }),
        timed("rayon by levels", graph, |watch, graph| {
            let level = |nodes: &Vec<u32>| nodes.par_iter().for_each(|&node| graph.body(node));
            watch.time(|| pools.rayon.install(|| graph.levels.iter().for_each(level)));
        }),
    ]
}

fn others<'a>(pools: &'a Pools, graph: &Arc<Random>) -> Vec<Case<'a>> {
    vec![
        timed("chili join of what is ready", graph, |watch, graph| {
            with_chili(pools.workers, |chili| {
                watch.time(|| {
                    graph.reset();
                    let roots: Vec<u32> = graph.roots().collect();
                    on_chili(&mut chili.scope(), graph, &roots);
                });
            });
        }),
        timed("forkunion by levels", graph, |watch, graph| {
            with_forkunion(pools.workers, |pool| {
                watch.time(|| {
                    for nodes in &graph.levels {
                        drop(pool.for_n(nodes.len(), |at| graph.body(nodes[at.task_index])));
                    }
                });
            });
        }),
        timed("async-executor", graph, |watch, graph| {
            watch.time(|| {
                graph.reset();
                graph.unfinished.store(NODES, Ordering::Relaxed);
                let waiter = std::thread::current();
                let spawn = |node| on_executor(&pools.executor.executor, graph, node, &waiter);
                graph.roots().for_each(spawn);
                wait_for_all(graph);
            });
        }),
        timed("tokio", graph, |watch, graph| {
            watch.time(|| {
                graph.reset();
                graph.unfinished.store(NODES, Ordering::Relaxed);
                let waiter = std::thread::current();
                let _inside = pools.tokio.enter();
                graph.roots().for_each(|node| on_tokio(graph, node, &waiter));
                wait_for_all(graph);
            });
        }),
        timed("sequential walk", graph, |watch, graph| watch.time(|| graph.sequential())),
    ]
}

fn fortes<'a>(forte: &'static forte::ThreadPool, graph: &Arc<Random>) -> Case<'a> {
    timed("forte scope, one stays", graph, move |watch, graph| {
        watch.time(|| {
            graph.reset();
            forte.scope(|scope| {
                graph.roots().for_each(|node| scope.spawn(move |s| on_forte(s, graph, node)));
            });
        });
    })
}

fn cases<'a>(pools: &'a Pools, graph: &Arc<Random>) -> Vec<Case<'a>> {
    let mut cases = ours_and_rayons(pools, graph);
    cases.extend(others(pools, graph));
    cases.extend(pools.forte.map(|forte| fortes(forte, graph)));
    cases
}

/// That edges are kept is seen before, where each node takes a number.
pub fn group(pools: &Pools) -> Group<'_> {
    Group {
        name: "graph",
        unit: "node",
        operations: NODES,
        answer: Some(NODES),
        cases: cases(pools, &Arc::new(Random::new(false))),
        checks: cases(pools, &Arc::new(Random::new(true))),
    }
}

//! What policies decide in a pool.

use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::topology::Topology;

use crate::dag::{Dag, Graph};
use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Order, Place, Policy, Priority, Source, Standard, TaskView, View};
use crate::pool::Pool;
use crate::task::{Budget, Rearmed, Step, TaskOptions};

fn pool(workers: usize, policy: impl Policy + 'static) -> Pool {
    let machine = Topology::simulate("2x2").expect("a machine");
    Pool::builder(&machine).workers(workers).policy(policy).build().expect("threads")
}

/// Urgent tasks to the first worker, all others to the last; nobody robs anybody.
#[derive(Debug)]
struct Assigned(u32);

impl Policy for Assigned {
    fn select(&self, task: &TaskView, _: Option<WorkerId>, _: &mut View<'_>) -> Place {
        Place::Worker(WorkerId(if task.priority == Priority::High { 0 } else { self.0 }))
    }

    fn enqueue(&self, _: &TaskView, _: Place, _: &mut View<'_>) -> Order {
        Order::Oldest
    }

    fn dispatch(&self, _: WorkerId, _: u32, _: &mut View<'_>) -> Option<Source> {
        None
    }
}

/// A hundred tasks in a row, every third of them urgent.
fn chain() -> (Graph, Arc<Mutex<Vec<u32>>>) {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let mut dag = Dag::new();
    let mut last = None;
    for number in 0..100 {
        let ran = Arc::clone(&ran);
        let node = dag.node(move |cx| ran.lock().unwrap().push(cx.worker()));
        let node = if number % 3 == 0 { node.priority(Priority::High) } else { node };
        last = Some(if let Some(last) = last { node.after(last).id() } else { node.id() });
    }
    (dag.seal().expect("no cycle"), ran)
}

#[test]
fn tasks_run_where_the_policy_says() {
    let (graph, ran) = chain();
    let pool = pool(3, Assigned(2));
    pool.run(&graph).wait().expect("nothing fails");
    let ran = std::mem::take(&mut *ran.lock().unwrap());
    let expected: Vec<u32> = (0..100).map(|at| if at % 3 == 0 { 0 } else { 2 }).collect();
    assert_eq!(ran, expected);
}

#[test]
fn a_place_that_is_not_there_is_replaced() {
    let (graph, ran) = chain();
    for workers in [1, 3] {
        let pool = pool(workers, Assigned(77));
        pool.run(&graph).wait().expect("nothing fails");
        assert_eq!(std::mem::take(&mut *ran.lock().unwrap()).len(), 100, "P4");
    }
}

#[test]
fn what_no_policy_looks_for_is_run_before_the_pool_ends() {
    let (begun, closing) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut dag = Dag::new();
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&closing));
    let first = dag
        .node(move |_| {
            tell.store(true, Ordering::Relaxed);
            while !wait.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            // The other worker finds nothing meanwhile, and ends.
            std::thread::sleep(Duration::from_millis(100));
        })
        .priority(Priority::High)
        .id();
    dag.node(|_| ()).after(first);
    let pool = pool(2, Assigned(1));
    let run = pool.run(&dag.seal().expect("no cycle"));
    while !begun.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    closing.store(true, Ordering::Relaxed);
    drop(pool);
    assert_eq!(run.progress().completed, 2, "F3");
}

/// The default, which notes what begins and ends, and calls one of a node each time that a worker ends its search.
#[derive(Debug, Default)]
struct Watching {
    noted: Arc<Mutex<Vec<(bool, Priority)>>>,
    calls: Option<NodeIndex>,
}

impl Policy for Watching {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        Standard::default().select(task, from, view)
    }

    fn enqueue(&self, task: &TaskView, place: Place, view: &mut View<'_>) -> Order {
        Standard::default().enqueue(task, place, view)
    }

    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        Standard::default().dispatch(me, attempt, view)
    }

    fn spread(&self, _: WorkerId, _: &mut View<'_>) -> Option<NodeIndex> {
        self.calls
    }

    fn watches(&self) -> bool {
        true
    }

    fn running(&self, task: &TaskView, _: WorkerId, _: &mut View<'_>) {
        self.noted.lock().unwrap().push((true, task.priority));
    }

    fn stopping(&self, task: &TaskView, _: WorkerId, _: u64, _: &mut View<'_>) {
        self.noted.lock().unwrap().push((false, task.priority));
    }
}

struct Thrice(u32);

impl Rearmed for Thrice {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        self.0 += 1;
        if self.0 == 3 { Step::Done } else { Step::Again }
    }
}

#[test]
fn a_policy_that_watches_is_told_of_all_that_runs() {
    let watching = Watching::default();
    let noted = Arc::clone(&watching.noted);
    let pool = pool(2, watching);
    let told = |priority| {
        let noted = std::mem::take(&mut *noted.lock().unwrap());
        let count = |begins| noted.iter().filter(|note| **note == (begins, priority)).count();
        (count(true), count(false))
    };
    let options = TaskOptions { priority: Priority::Background, ..TaskOptions::default() };
    pool.spawn_rearmed(Thrice(0), options).wait().expect("it ends");
    // What waits for the last end may hear of it before the policy does.
    pool.install(|_| ());
    let (begun, ended) = told(Priority::Background);
    assert_eq!(begun, 3);
    assert!(ended >= 2);
    let (graph, _) = chain();
    pool.run(&graph).wait().expect("nothing fails");
    assert_eq!(told(Priority::High).0, 34);
    pool.scope(|scope| (0..10).for_each(|_| scope.spawn(|_| ())));
    assert!(told(Priority::Normal).0 >= 10);
}

#[test]
fn a_node_is_called_if_the_policy_says_so() {
    let wakeups = |pool: Pool| {
        let all_sleep = || (0..4).all(|worker| pool.shared.sleep.is_asleep(WorkerId(worker)));
        let until = |is_so: &dyn Fn() -> bool| {
            for _ in 0..20_000 {
                if is_so() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            panic!("20 seconds");
        };
        until(&all_sleep);
        // One worker of the first node is woken, finds this, and leaves nothing to do for others.
        pool.install(|_| ());
        until(&all_sleep);
        [0, 1].map(|node| pool.shared.sleep.wakeups(NodeIndex(node)))
    };
    let calling = |node| pool(4, Watching { calls: Some(NodeIndex(node)), ..Watching::default() });
    assert_eq!(wakeups(pool(4, Standard::default())), [1, 0]);
    assert_eq!(wakeups(calling(1)), [1, 1]);
    // P4: nobody is there.
    assert_eq!(wakeups(calling(77)), [1, 0]);
}

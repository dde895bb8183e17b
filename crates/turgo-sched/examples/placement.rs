//! Tasks run on their home node, and their memory comes from it. `cargo xtask numa-guest` runs this on an emulated machine of four nodes; where there is one node
//! there is little to be wrong.
//!
//! Each check prints `PASS` or `FAIL` with its name, as the checks of `turgo-machine` do.

#![cfg(not(any(loom, shuttle)))]

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, mpsc};
use std::task::Context;
use std::time::Duration;

use turgo_machine::affinity;
use turgo_machine::atomic::{AtomicBool, AtomicU64, Ordering};
use turgo_machine::numa::{NodeMemory, Numa, Placement, node_of};
use turgo_machine::topology::{NodeId, Topology};
use turgo_sched::Pool;
use turgo_sched::dag::Dag;
use turgo_sched::layout::{Layout, NodeIndex, WorkerId};
use turgo_sched::task::{Budget, Rearmed, Step, TaskOptions};

const PAGE: usize = 4096;
const BYTES: usize = 64 * PAGE;
const INSTANCES_EACH: usize = 2;

/// Steps that each long-lived task makes at least, if they take less than a minute.
const STEPS_EACH: u64 = 30;
const NODES_EACH: u32 = 100;

/// The part of long-lived tasks' steps that is at home: all but those of the beginning, when others have nothing to do yet.
const STEPS_AT_HOME_MIN: f64 = 0.9;

/// The part of a graph's tasks that is at home. Processors of an emulated machine stand still whenever the host likes, and then others take their work: but by chance
/// it would be a quarter.
const TASKS_AT_HOME_MIN: f64 = 0.6;

fn main() {
    let machine = Topology::detect().expect("this system's files");
    let pool = Pool::builder(&machine).pin(true).name("placed").build().expect("threads");
    let layout = Arc::new(pool.layout().clone());
    let checks: [(&str, &dyn Fn()); 2] = [
        ("sched: long-lived tasks and their memory are at home", &|| {
            long_lived(&machine, &pool, &layout);
        }),
        ("sched: a graph's tasks run at home", &|| graph(&pool, &layout)),
    ];
    let mut is_passed = true;
    for (name, check) in checks {
        // The hook prints where and why.
        let passed = panic::catch_unwind(AssertUnwindSafe(check)).is_ok();
        println!("{} {name}", if passed { "PASS" } else { "FAIL" });
        is_passed &= passed;
    }
    assert!(is_passed, "a check has failed");
}

/// The worker that this thread is; the kernel keeps it on its processor.
fn this_worker(layout: &Layout) -> WorkerId {
    let thread = std::thread::current();
    let number = thread.name().and_then(|name| name.strip_prefix("placed-"));
    let worker = WorkerId(number.and_then(|number| number.parse().ok()).expect("a worker"));
    let allowed = affinity::current().expect("where this thread may run");
    assert_eq!(allowed.iter().collect::<Vec<_>>(), [layout.seat(worker).cpu]);
    worker
}

/// Pages of this memory that are elsewhere, and pages whose place is not told.
fn strays(memory: &[u8], home: NodeId) -> (usize, usize) {
    let places = memory.chunks(PAGE).map(|page| node_of(page.as_ptr()));
    places.fold((0, 0), |(elsewhere, unknown), place| match place {
        Ok(node) => (elsewhere + usize::from(node != home), unknown),
        Err(_) => (elsewhere, unknown + 1),
    })
}

/// What a task says at its end.
struct Told {
    steps: u64,
    at_home: u64,
    /// Of the memory that it touched first, and of the memory that was placed for it.
    strays: [(usize, usize); 2],
}

struct Instance {
    home: NodeIndex,
    layout: Arc<Layout>,
    numa: Numa,
    touched: Option<NodeMemory>,
    placed: NodeMemory,
    steps: u64,
    at_home: u64,
    /// Tasks that have made their steps.
    ready: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    tell: mpsc::Sender<Told>,
}

impl Rearmed for Instance {
    fn run(&mut self, _cx: &mut Context<'_>, _budget: Budget<'_>) -> Step {
        let node = self.layout.node(this_worker(&self.layout));
        self.steps += 1;
        self.at_home += u64::from(node == self.home);
        self.ready.fetch_add(u64::from(self.steps == STEPS_EACH), Ordering::Relaxed);
        if node == self.home && self.touched.is_none() {
            let mut memory = self.numa.map(BYTES, Placement::Local).expect("memory");
            memory.as_mut_slice().fill(1);
            self.touched = Some(memory);
        }
        let lines = self.placed.as_mut_slice().iter_mut().step_by(64);
        lines.for_each(|byte| *byte = byte.wrapping_add(1));
        let Some(touched) = self.touched.as_ref().filter(|_| self.is_over.load(Ordering::Relaxed))
        else {
            return Step::Again;
        };
        let home = self.layout.node_id(self.home);
        let strays = [strays(touched.as_slice(), home), strays(self.placed.as_slice(), home)];
        let told = Told { steps: self.steps, at_home: self.at_home, strays };
        self.tell.send(told).expect("the caller waits");
        Step::Done
    }
}

fn long_lived(machine: &Topology, pool: &Pool, layout: &Arc<Layout>) {
    let numa = Numa::new(machine);
    let (is_over, ready) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (tell, told) = mpsc::channel();
    let nodes = layout.nodes() as u32;
    let mut tasks = Vec::new();
    for instance in 0..(INSTANCES_EACH * layout.workers()) as u32 {
        let home = NodeIndex(instance % nodes);
        let placement = Placement::Nearest(layout.node_id(home));
        let task = Instance {
            home,
            layout: Arc::clone(layout),
            numa: numa.clone(),
            touched: None,
            placed: numa.map(BYTES, placement).expect("memory"),
            steps: 0,
            at_home: 0,
            ready: Arc::clone(&ready),
            is_over: Arc::clone(&is_over),
            tell: tell.clone(),
        };
        tasks
            .push(pool.spawn_rearmed(task, TaskOptions { home: Some(home), ..Default::default() }));
    }
    drop(tell);
    for _ in 0..6_000 {
        if ready.load(Ordering::Relaxed) == tasks.len() as u64 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    is_over.store(true, Ordering::Relaxed);
    let told: Vec<Told> = told.iter().collect();
    assert_eq!(told.len(), tasks.len(), "each has come to its end");
    tasks.into_iter().for_each(|task| task.wait().expect("no panic"));
    let (steps, at_home) =
        told.iter().fold((0, 0), |sum, one| (sum.0 + one.steps, sum.1 + one.at_home));
    let share = at_home as f64 / steps as f64;
    println!("NOTE {steps} steps of {} tasks on {nodes} nodes, {share:.3} at home", told.len());
    assert!(share >= STEPS_AT_HOME_MIN, "{share}");
    for (kind, name) in ["touched first", "placed"].into_iter().enumerate() {
        let strays = told.iter().map(|one| one.strays[kind]);
        let (elsewhere, unknown) =
            strays.fold((0, 0), |sum, strays| (sum.0 + strays.0, sum.1 + strays.1));
        assert_eq!(elsewhere, 0, "pages away from home that were {name}");
        assert!(unknown == 0 || nodes == 1, "the kernel does not tell where {unknown} pages are");
    }
}

fn graph(pool: &Pool, layout: &Arc<Layout>) {
    let at_home = Arc::new(AtomicU64::new(0));
    let mut dag = Dag::new();
    let nodes = layout.nodes() as u32;
    for number in 0..nodes * NODES_EACH {
        let home = NodeIndex(number % nodes);
        let (layout, at_home) = (Arc::clone(layout), Arc::clone(&at_home));
        let id = layout.node_id(home);
        dag.node(move |context| {
            let worker = this_worker(&layout);
            assert_eq!(worker.0, context.worker());
            let is_home = layout.node(worker) == home;
            at_home.fetch_add(u64::from(is_home), Ordering::Relaxed);
            (0..100_000u32).for_each(|step| {
                black_box(step);
            });
        })
        .home(id);
    }
    let report = pool.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
    assert_eq!(report.completed, nodes * NODES_EACH);
    let share = at_home.load(Ordering::Relaxed) as f64 / f64::from(report.completed);
    println!("NOTE {} tasks of a graph, {share:.3} at home", report.completed);
    assert!(share >= TASKS_AT_HOME_MIN, "{share}");
}

#[test]
fn the_checks_pass() {
    main();
}

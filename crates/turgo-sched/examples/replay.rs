//! A run of threads that is written down, and gone along on machines that are not there. Its `main` is run as a test.
//!
//! The graph is a reduction with homes: leaves that compute, and pairs that wait for each other. Each task's time is measured in that run, and is its cost in the replays: so these
//! say what the same decisions would take where memory is farther away, or if a task were twice as fast, without another decision being made.
//!
//! What is replayed was written as a file and read again. With a name, as in `cargo run --release --example replay -- run.txt`, the file is kept, for `turgo sim replay run.txt`.

#![cfg(not(any(loom, shuttle)))]

use std::fs::File;
use std::io::{BufWriter, Write as _};

use turgo_machine::topology::{NodeId, Topology};
use turgo_sched::Pool;
use turgo_sched::dag::{Context, Dag, Graph, Profile, Shape, TaskId};
use turgo_sched::policy::Standard;
use turgo_sched::sim::{Simulation, Workload};
use turgo_sched::trace::{Choice, Got, RecordedRun};

/// Leaves of the reduction.
const LEAVES: u32 = 512;
/// Bytes that a task reads from its home.
const BYTES: u64 = 4 << 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let graph = reduction()?;
    let pool = Pool::builder(&Topology::simulate("2x1")?).workers(2).record(true).build()?;
    let report = pool.run(&graph).wait()?;
    let RecordedRun { shape, recording, .. } = through_a_file(&report.recorded()?)?;
    let stolen = |choice| matches!(choice, Choice::Run(Got::Stolen(_)));
    println!(
        "{} decisions about {} tasks, {} of them stolen; {:.3} ms on threads",
        recording.decisions.len(),
        report.total,
        recording.decisions.iter().filter(|decision| stolen(decision.choice)).count(),
        report.makespan_ns as f64 / 1e6,
    );
    let policy = Standard::default();
    for (what, machine, part) in [
        ("as it was", "2x1", 1),
        ("one node instead of two", "1x2", 1),
        ("tasks twice as fast", "2x1", 2),
    ] {
        let workload = faster(&shape, part)?;
        let machine = Topology::simulate(machine)?;
        let simulation = Simulation::new(&machine, 2, &policy);
        let outcome = simulation.replay(&workload, &recording)?;
        assert_eq!(outcome.hash, simulation.replay(&workload, &recording)?.hash);
        println!(
            "{what:<24} {:.3} ms, {:.1} % of the tasks at home",
            outcome.makespan_ns as f64 / 1e6,
            100.0 * outcome.local().unwrap_or(1.0)
        );
    }
    // One decision is lost: that is no run any more, and says so.
    let mut damaged = recording.clone();
    damaged.decisions.remove(0);
    let workload = faster(&shape, 1)?;
    let machine = Topology::simulate("2x1")?;
    match Simulation::new(&machine, 2, &policy).replay(&workload, &damaged) {
        Ok(_) => return Err("a damaged recording was taken for a run".into()),
        Err(error) => println!("damaged: {error}"),
    }
    Ok(())
}

/// Written and read.
fn through_a_file(run: &RecordedRun) -> Result<RecordedRun, Box<dyn std::error::Error>> {
    let mut file = Vec::new();
    run.write(&mut file)?;
    let read = RecordedRun::read(&mut &file[..])?;
    assert_eq!(&read, run);
    let name = std::env::args_os().nth(1).filter(|_| !cfg!(test));
    if let Some(name) = name {
        let mut kept = BufWriter::new(File::create(&name)?);
        run.write(&mut kept)?;
        kept.flush()?;
        println!("{} bytes in {}", file.len(), name.display());
    }
    Ok(read)
}

/// Leaves with homes, reduced by twos.
fn reduction() -> Result<Graph, Box<dyn std::error::Error>> {
    let mut dag = Dag::new();
    dag.timed(true);
    let mut level: Vec<TaskId> = (0..LEAVES)
        .map(|leaf| {
            dag.node(move |_: &Context<'_>| work(leaf)).home(NodeId(leaf % 2)).bytes(BYTES).id()
        })
        .collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| dag.node(|_| work(0)).after_all(pair).bytes(BYTES).id())
            .collect();
    }
    Ok(dag.seal()?)
}

fn work(leaf: u32) {
    std::hint::black_box(
        (0..10_000 + leaf % 7 * 5_000).fold(0u32, |sum, n| sum.rotate_left(1) ^ n),
    );
}

/// The graph with costs divided by `part`.
fn faster(shape: &Shape, part: u64) -> Result<Workload, Box<dyn std::error::Error>> {
    let profiles = shape.profiles().iter();
    let profiles =
        profiles.map(|profile| Profile { cost_ns: profile.cost_ns / part, ..profile.clone() });
    let from = |task: u32| shape.successors(TaskId(task)).iter().map(move |&next| (task, next));
    let edges: Vec<(u32, u32)> = (0..).take(shape.len()).flat_map(from).collect();
    Ok(Workload::new("measured", Shape::new(profiles.collect(), &edges)?))
}

#[test]
fn the_example_runs() {
    main().expect("it runs");
}

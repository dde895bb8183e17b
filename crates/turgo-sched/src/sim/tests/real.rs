//! Runs of threads, gone along on the simulated machine.

use std::sync::{Arc, Mutex};

use crate::dag::{Context, Dag, Graph, Report, TaskId};
use crate::layout::WorkerId;
use crate::policy::{Priority, Standard};
use crate::pool::Pool;
use crate::random::Random;
use crate::resources::{Lane, Resources};
use crate::sim::{Outcome, ReplayError, Simulation, Workload};
use crate::trace::{Choice, Decision, Got, Kind, NotRecorded, RecordedRun, Recording};
use turgo_machine::topology::NodeId;

use super::machine;

const WORKERS: usize = 2;
const TASKS: u32 = 2_000;

/// What each worker ran, as the tasks themselves write it down.
type Ran = Arc<Vec<Mutex<Vec<u32>>>>;

/// What tasks say about themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Plain,
    Homes,
    Needs,
}

fn graph(seed: u64, kinds: Kinds) -> (Graph, Ran) {
    let mut random = Random::new(seed, 0);
    let ran: Ran = Arc::new((0..WORKERS).map(|_| Mutex::new(Vec::new())).collect());
    let mut dag = Dag::new();
    for number in 0..TASKS {
        let ran = Arc::clone(&ran);
        let spins = random.below(2_000);
        let mut node = dag.node(move |cx: &Context<'_>| {
            ran[cx.worker() as usize].lock().expect("nobody panics").push(cx.me().0);
            (0..spins).for_each(|spin| {
                std::hint::black_box(spin);
            });
        });
        for _ in 0..random.below(3).min(number) {
            node = node.after(TaskId(random.below(number)));
        }
        if kinds != Kinds::Plain {
            let class = [Priority::Background, Priority::Normal, Priority::High];
            node = node.home(NodeId(random.below(2))).priority(class[random.below(3) as usize]);
        }
        if kinds == Kinds::Needs {
            node = node.need(Resources::NONE.with(Lane::Cpu, 0.7));
        }
        node.cost(std::time::Duration::from_nanos(500));
    }
    (dag.seal().expect("no cycle"), ran)
}

/// A run on threads, and what each worker ran.
fn real(seed: u64, kinds: Kinds) -> (Graph, Report, Vec<Vec<u32>>) {
    let (graph, ran) = graph(seed, kinds);
    let machine = machine("2x1");
    let pool = Pool::builder(&machine).workers(WORKERS).record(true).build().expect("threads");
    // Others run meanwhile: what they decide is not in the recording.
    let beside = pool.run(&self::graph(seed, Kinds::Plain).0);
    let report = pool.run(&graph).wait().expect("nothing fails");
    beside.wait().expect("nothing fails");
    let ran =
        ran.iter().map(|ran| std::mem::take(&mut *ran.lock().expect("nobody panics"))).collect();
    (graph, report, ran)
}

fn recording(report: &Report) -> &Recording {
    report.recording.as_ref().expect("it was asked for")
}

fn replay(graph: &Graph, recording: &Recording) -> Result<Outcome, ReplayError> {
    let workload = Workload::new("real", graph.shape().clone());
    let policy = Standard::default();
    let simulation = Simulation::new(&machine("2x1"), WORKERS, &policy).traced(true);
    simulation.replay(&workload, recording)
}

#[test]
fn a_run_of_threads_is_gone_along() {
    for (seed, kinds) in (0..6).zip([Kinds::Plain, Kinds::Homes, Kinds::Needs].iter().cycle()) {
        let (graph, report, ran) = real(seed, *kinds);
        let outcome = replay(&graph, recording(&report)).expect("E3: a whole run");
        for (worker, ran) in (0..).zip(&ran) {
            let is_begin = |event: &&_| matches!(event, crate::trace::Event { kind: Kind::Begin, worker: by, .. } if *by == WorkerId(worker));
            let mut begins: Vec<_> = outcome.events.iter().filter(is_begin).collect();
            begins.sort_by_key(|event| event.at_ns);
            let begun: Vec<u32> = begins.iter().map(|event| event.subject).collect();
            assert_eq!(&begun, ran, "V7: worker {worker}, {kinds:?}");
        }
        assert_eq!(outcome.tasks, TASKS);
        assert!(outcome.makespan_ns >= outcome.span_ns.max(outcome.work_ns / WORKERS as u64));
        let again = replay(&graph, recording(&report)).expect("a whole run");
        assert_eq!(again.hash, outcome.hash, "V7: the same recording has the same trace");
    }
}

#[test]
fn nothing_is_written_down_unless_asked_for() {
    let (graph, _) = graph(1, Kinds::Homes);
    let pool = Pool::builder(&machine("2x1")).workers(WORKERS).build().expect("threads");
    assert_eq!(pool.run(&graph).wait().expect("nothing fails").recording, None);
}

#[test]
fn a_recording_that_no_whole_run_leaves_is_refused() {
    let (graph, report, _) = real(1, Kinds::Homes);
    let whole = recording(&report);
    let is_run = |decision: &Decision| matches!(decision.choice, Choice::Run(_));
    let with = |change: &dyn Fn(&mut Vec<Decision>)| {
        let mut changed = whole.clone();
        change(&mut changed.decisions);
        replay(&graph, &changed).expect_err("V7: it is refused")
    };
    let end = whole.decisions.len() - 1;
    let last = whole.decisions[end];
    assert!(is_run(&last), "the last thing is a task");
    let lost = with(&|decisions| decisions.truncate(end));
    assert_eq!(lost, ReplayError::Missing { task: last.task });
    let twice = with(&|decisions| decisions.push(last));
    assert_eq!(twice, ReplayError::Again { at: end + 1, decision: last });
    let backwards = with(&|decisions| decisions.reverse());
    assert!(matches!(backwards, ReplayError::TooEarly { .. }), "{backwards}");
    let strange = with(&|decisions| decisions[0].task = TASKS);
    assert!(matches!(strange, ReplayError::Unknown { at: 0, .. }), "{strange}");
    let nobody = with(&|decisions| decisions[0].worker = WorkerId(7));
    assert!(matches!(nobody, ReplayError::Unknown { at: 0, .. }), "{nobody}");
    let from_nobody =
        with(&|decisions| decisions[end].choice = Choice::Run(Got::Stolen(WorkerId(9))));
    assert!(matches!(from_nobody, ReplayError::Unknown { at, .. } if at == end), "{from_nobody}");
}

#[test]
fn a_recording_of_another_graph_or_machine_is_refused() {
    let (graph, report, _) = real(1, Kinds::Plain);
    let other = replay(&self::graph(2, Kinds::Plain).0, recording(&report));
    let error = other.expect_err("V7: as many tasks, other edges");
    assert!(matches!(error, ReplayError::OtherGraph { .. }), "{error}");
    let policy = Standard::default();
    let workload = Workload::new("real", graph.shape().clone());
    let wide = Simulation::new(&machine("1x4"), 4, &policy).replay(&workload, recording(&report));
    assert_eq!(wide, Err(ReplayError::OtherWorkers { recorded: 2, simulated: 4 }));
}

#[test]
fn a_run_is_gone_along_from_a_file() {
    for kinds in [Kinds::Plain, Kinds::Homes, Kinds::Needs] {
        let (graph, report, _) = real(1, kinds);
        let run = report.recorded().expect("a whole run");
        assert!(!run.is_measured && run.shape == *graph.shape());
        assert_eq!((run.recording.machine.as_str(), run.recording.workers), ("2x1", 2));
        let mut file = Vec::new();
        run.write(&mut file).expect("memory takes it");
        let read = RecordedRun::read(&mut &file[..]).expect("H1: it is a recording");
        assert_eq!(read, run, "H1");
        let workload = Workload::new("read", read.shape);
        let policy = Standard::default();
        let again = Simulation::new(&machine(&read.recording.machine), WORKERS, &policy);
        let again = again.replay(&workload, &read.recording).expect("a whole run");
        let outcome = replay(&graph, recording(&report)).expect("a whole run");
        assert_eq!((again.hash, again.makespan_ns), (outcome.hash, outcome.makespan_ns), "H1");
        assert_eq!(again.measured_ns, Some(report.makespan_ns));
    }
}

#[test]
fn what_was_measured_is_what_tasks_cost() {
    let mut dag = Dag::new();
    dag.timed(true);
    let first = dag.node(|_| std::thread::sleep(std::time::Duration::from_millis(2))).id();
    dag.node(|_| ()).after(first).name("second");
    let graph = dag.seal().expect("no cycle");
    let pool =
        Pool::builder(&machine("2x1")).workers(WORKERS).record(true).build().expect("threads");
    let run = pool.run(&graph).wait().expect("nothing fails").recorded().expect("a whole run");
    assert!(run.is_measured && run.shape.profile(first).cost_ns >= 2_000_000);
    assert_eq!(run.shape.profile(TaskId(1)).name.as_deref(), Some("second"));
    assert!(run.recording.makespan_ns >= 2_000_000);
}

#[test]
fn what_is_no_whole_run_is_not_recorded() {
    let off = Pool::builder(&machine("2x1")).workers(WORKERS).build().expect("threads");
    let report = off.run(&graph(1, Kinds::Plain).0).wait().expect("nothing fails");
    assert_eq!(report.recorded(), Err(NotRecorded::Off));
    let pool =
        Pool::builder(&machine("2x1")).workers(WORKERS).record(true).build().expect("threads");
    let mut dag = Dag::new();
    dag.room(1);
    dag.node(|cx: &Context<'_>| cx.spawn_after(&[], |_| ()).map(|_| ()));
    let report = pool.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
    assert_eq!(report.recorded(), Err(NotRecorded::Grown));
}

#[test]
fn a_run_that_was_cancelled_is_no_whole_run() {
    let mut dag = Dag::new();
    let first = dag.node(|cx: &Context<'_>| cx.cancel()).id();
    dag.node(|_| ()).after(first);
    let graph = dag.seal().expect("no cycle");
    let pool =
        Pool::builder(&machine("2x1")).workers(WORKERS).record(true).build().expect("threads");
    let error = pool.run(&graph).wait().expect_err("it was cancelled");
    let unfinished = NotRecorded::Unfinished { task: 1 };
    assert_eq!(error.report().recorded(), Err(unfinished));
    let error = replay(&graph, recording(error.report())).expect_err("V7");
    assert_eq!(error, ReplayError::Missing { task: 1 });
    assert!(error.to_string().contains("cancelled"));
}

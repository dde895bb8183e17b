//! `turgo sim`: task graphs on machines that are not there. All of it is `turgo_sched::sim`; here are words in and tables out.

pub(crate) mod args;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, IsTerminal, Write as _};
use std::path::Path;

use turgo_engine::EngineError;
use turgo_machine::topology::Topology;
use turgo_sched::dag::TaskId;
use turgo_sched::policy::Standard;
use turgo_sched::sim::{
    Ablation, Calibration, Costs, Role, Row, Simulation, Teller, Workload, calibrate, chrome_json,
    policy_named, rows_json, rows_text, targets,
};
use turgo_sched::trace::RecordedRun;
use turgo_sql::SqlError;

use self::args::{Replay, Run, Sim, Sweep, Targets};
use crate::output::print;
use crate::report::Failure;

/// Graphs on which predictions are tried.
const TRIED: [&str; 2] = ["random:20000", "stream:20000/1x2"];

/// Runs the command.
pub(crate) fn sim(sim: &Sim) -> Result<(), Failure> {
    let shown = match sim {
        Sim::Run(args) => run(args)?,
        Sim::Replay(args) => replay(args)?,
        Sim::Ablation(args) => ablation(args)?,
        Sim::Targets(args) => reached(args)?,
        Sim::Calibrate => {
            let machine = Topology::detect().map_err(Failure::new)?;
            let graphs = TRIED.map(String::from);
            calibrated(&calibrate(&machine, &graphs, 15).map_err(Failure::new)?)
        }
    };
    match print(&shown) {
        Err(EngineError::Closed) => Ok(()),
        printed => Ok(printed?),
    }
}

fn machine(text: &str) -> Result<Topology, Failure> {
    Topology::simulate(text).map_err(|error| {
        let shown = SqlError::new(error.message()).at(error.at()).help(error.remedy());
        Failure::argument("--machine", text, &shown)
    })
}

fn wrong(argument: &'static str, text: &str, why: impl std::fmt::Display) -> Failure {
    Failure::argument(argument, text, &SqlError::new(why.to_string()).at(0..text.len()))
}

/// The costs of this machine, or the ones that are written down.
fn costs(measured: bool) -> Result<Costs, Failure> {
    if !measured {
        return Ok(Costs::default());
    }
    let machine = Topology::detect().map_err(Failure::new)?;
    Ok(calibrate(&machine, &[], 15).map_err(Failure::new)?.costs)
}

fn run(args: &Run) -> Result<String, Failure> {
    let topology = machine(&args.machine)?;
    let graph = Workload::made(&args.graph, args.seed);
    let workload = graph.map_err(|error| wrong("--graph", &args.graph, error))?;
    let policy = policy_named(&args.policy).ok_or_else(|| {
        let names: Vec<String> = Standard::all().iter().map(Standard::name).collect();
        wrong("--policy", &args.policy, format!("no such policy; there are {}", names.join(", ")))
    })?;
    let workers = args.workers.map_or(topology.cpus().len(), usize::from);
    let simulation = Simulation::new(&topology, workers, &policy)
        .costs(costs(args.common.calibrate)?)
        .seed(args.seed)
        .traced(args.common.trace.is_some());
    let outcome = simulation.run(&workload);
    if let Some(path) = &args.common.trace {
        let json = chrome_json(&outcome.events, simulation.layout(), |_| None);
        write(path, &json)?;
    }
    let row = Row {
        machine: args.machine.clone(),
        graph: args.graph.clone(),
        policy: policy.name(),
        role: Role::Contender,
        outcome,
    };
    Ok(if args.common.json { rows_json(&[row]) } else { page(&row) })
}

fn replay(args: &Replay) -> Result<String, Failure> {
    let shown = args.file.display();
    let file = File::open(&args.file)
        .map_err(|error| Failure::usage(format!("cannot open {shown}: {error}")))?;
    let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{shown}: {error}"));
    let run = RecordedRun::read(&mut BufReader::new(file)).map_err(|error| wrong(&error))?;
    let name = args.machine.as_ref().unwrap_or(&run.recording.machine);
    let (topology, policy) = (machine(name)?, Standard::default());
    // Nobody asks the policy.
    let simulation = Simulation::new(&topology, run.recording.workers as usize, &policy)
        .costs(costs(args.common.calibrate)?)
        .traced(args.common.trace.is_some());
    let workload = Workload::new("recorded", run.shape);
    let outcome = simulation.replay(&workload, &run.recording).map_err(|error| wrong(&error))?;
    if let Some(path) = &args.common.trace {
        let name_of =
            |task| workload.shape().profile(TaskId(task)).name.as_deref().map(str::to_owned);
        let json = chrome_json(&outcome.events, simulation.layout(), name_of);
        write(path, &json)?;
    }
    let costs = if run.is_measured { "measured" } else { "declared" };
    let row = Row {
        machine: name.clone(),
        graph: format!("recorded, costs {costs}"),
        policy: "as recorded".to_owned(),
        role: Role::Contender,
        outcome,
    };
    Ok(if args.common.json { rows_json(&[row]) } else { page(&row) })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::cannot_write(path, &error))
}

fn page(row: &Row) -> String {
    let outcome = &row.outcome;
    let ms = |ns: u64| ns as f64 / 1e6;
    let mut text = String::new();
    // Writing to a string cannot fail, here and below.
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<16}{value}");
    };
    line("machine", format!("{}, {} workers", row.machine, outcome.workers));
    line("graph", format!("{}, {} tasks", row.graph, outcome.tasks));
    line("policy", row.policy.clone());
    if let Some(measured_ns) = outcome.measured_ns {
        line("on threads", format!("{:.3} ms", ms(measured_ns)));
    }
    line("makespan", format!("{:.3} ms", ms(outcome.makespan_ns)));
    line("work", format!("{:.3} ms", ms(outcome.work_ns)));
    line("longest path", format!("{:.3} ms", ms(outcome.span_ns)));
    let (efficiency, most) = (outcome.efficiency(), outcome.efficiency_max());
    line("efficiency", format!("{efficiency:.3} of at most {most:.3}"));
    if let Some(local) = outcome.local() {
        line("node-local", format!("{:.1} %", 100.0 * local));
    }
    line("remote steals", format!("{:.1} %", 100.0 * outcome.remote_steals()));
    line("far data", format!("{:.1} % of the work", 100.0 * outcome.migration()));
    line("awake, idle", format!("{:.1} % of the workers' time", 100.0 * outcome.awake()));
    if let Some(lag) = outcome.lag {
        line("lag", format!("{lag:.2} picks"));
    }
    let us = |ns: u64| ns as f64 / 1e3;
    let (p50, p99) = (us(outcome.latency_p50_ns), us(outcome.latency_p99_ns));
    line("ready to begun", format!("{p50:.2} us, one in a hundred {p99:.2} us"));
    if outcome.measured_ns.is_none() {
        // Not in a recording.
        line("wakeups", outcome.wakes.to_string());
    }
    line("trace", format!("{:016x}", outcome.hash));
    text
}

fn ablation(args: &Sweep) -> Result<String, Failure> {
    let mut ablation = Ablation { seed: args.seed, ..Ablation::default() };
    if !args.machines.is_empty() {
        for text in &args.machines {
            machine(text)?;
        }
        ablation.machines.clone_from(&args.machines);
    }
    if !args.graphs.is_empty() {
        ablation.graphs.clone_from(&args.graphs);
    }
    if let Some(threads) = args.threads {
        ablation.threads = usize::from(threads);
    }
    let mut teller = Teller::new(std::io::stderr().is_terminal());
    let mut rows = Vec::new();
    let done = ablation.watched(
        |row| rows.push(row),
        |progress| {
            if let Some(text) = teller.text(progress) {
                let _ = write!(std::io::stderr(), "{text}");
            }
        },
    );
    let _ = write!(std::io::stderr(), "{}", teller.end());
    done.map_err(|error| wrong("--graphs", &args.graphs.join(";"), error))?;
    if args.json {
        return Ok(rows_json(&rows));
    }
    let mut text = rows_text(&rows);
    if args.machines.is_empty() && args.graphs.is_empty() {
        text.push_str(&reached(&Targets { seed: args.seed, calibrate: false })?);
    }
    Ok(text)
}

fn reached(args: &Targets) -> Result<String, Failure> {
    let targets = targets(costs(args.calibrate)?, args.seed).map_err(Failure::new)?;
    Ok(targets.iter().map(|target| target.line() + "\n").collect())
}

fn calibrated(calibration: &Calibration) -> String {
    let costs = &calibration.costs;
    let mut text = String::new();
    for (name, value) in [
        ("task_ns", costs.task_ns),
        ("edge_ns", costs.edge_ns),
        ("deque_ns", costs.deque_ns),
        ("shared_ns", costs.shared_ns),
        ("probe_ns", costs.probe_ns),
        ("steal_ns", costs.steal_ns),
        ("moved_ns", costs.moved_ns),
        ("wake_ns", costs.wake_ns),
        ("rise_ns", costs.rise_ns),
        ("bytes_per_us", costs.bytes_per_us),
        ("two_permille", calibration.two_permille),
    ] {
        let _ = writeln!(text, "{name:<16}{value}");
    }
    for prediction in &calibration.predictions {
        let ms = |ns: u64| ns as f64 / 1e6;
        let _ = writeln!(
            text,
            "{} on {} workers: simulated {:.3} ms, measured {:.3} ms, error {:+.1} %",
            prediction.graph,
            prediction.workers,
            ms(prediction.simulated_ns),
            ms(prediction.measured_ns),
            100.0 * prediction.error(),
        );
    }
    text
}

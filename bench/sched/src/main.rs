//! Measures the scheduler beside the libraries that could take its place.
//!
//! ```text
//! cargo run --release -- [--workers 2] [--group NAME] [--only CASE] [--rounds 5] [--load PROCESSES] [--forte 1] [--idle SECONDS] [--json FILE]
//! ```
//!
//! Groups and cases are chosen by what their names begin with. A load is other processes that are busy all the time. `forte` is measured
//! if it is asked for: it cannot be ended, and disturbs the others.
//!
//! All implementations of a group take turns, round by round, each with a pool of its own that lives as long as the program. A figure is the median over the rounds:
//! wall time, and processor time of the whole process, per operation. Answers are compared before anything is timed.

#![forbid(unsafe_code)]

mod cases;
mod graph;
mod load;
mod measure;
mod pools;
mod switches;

use std::process::ExitCode;

use serde_json::{Value, json};

/// A bound for one of ours, as a share of a peer's wall time in the same run.
const GATES: [(&str, &str, &str, f64); 7] = [
    ("spawn", "turgo scope", "rayon scope", 0.3),
    ("tree", "turgo join", "rayon join", 0.35),
    ("fib", "turgo join", "rayon join", 0.35),
    ("uneven", "turgo parallel_for", "rayon par_iter", 1.0),
    ("graph", "turgo graph", "rayon scope", 0.4),
    ("wake after 200 us", "turgo spawn", "rayon spawn", 1.0),
    ("wake after 2 ms", "turgo spawn", "rayon spawn", 1.0),
];

struct Options {
    workers: usize,
    group: String,
    only: String,
    rounds: usize,
    load: usize,
    is_forte: bool,
    idle: u64,
    json: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        workers: 2,
        group: String::new(),
        only: String::new(),
        rounds: 5,
        load: 0,
        is_forte: false,
        idle: 2,
        json: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} takes a value"))?;
        let number =
            || value.parse::<usize>().map_err(|_| format!("{name}: `{value}` is no number"));
        match name.as_str() {
            "--workers" => options.workers = number()?.max(1),
            "--rounds" => options.rounds = number()?.max(1),
            "--load" => options.load = number()?,
            "--forte" => options.is_forte = number()? > 0,
            "--idle" => options.idle = number()? as u64,
            "--group" => options.group = value,
            "--only" => options.only = value,
            "--json" => options.json = Some(value),
            _ => return Err(format!("unknown option {name}: see the head of src/main.rs")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(load::BURN) {
        load::burn();
        return ExitCode::SUCCESS;
    }
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("bench-sched: {message}");
            return ExitCode::from(2);
        }
    };
    let load = match load::Load::start(options.load) {
        Ok(load) => load,
        Err(error) => {
            eprintln!("bench-sched: a process that is busy: {error}");
            return ExitCode::FAILURE;
        }
    };
    let pools = pools::Pools::new(options.workers, options.is_forte);
    let mut figures: Vec<(&str, &str, measure::Figure)> = Vec::new();
    for group in cases::groups(&pools) {
        if group.name.starts_with(&options.group) {
            println!("\n{}, {} workers: ns per {}", group.name, options.workers, group.unit);
            for (name, figure) in measure::measure(&group, options.rounds, &options.only) {
                let measure::Figure { wall, cpu, low, high } = figure;
                let range = format!("({low:.2} to {high:.2})");
                println!("  {name:<28} wall {wall:>11.2} {range:<24} cpu {cpu:>9.2}");
                figures.push((group.name, name, figure));
            }
        }
    }
    let mut idle = Vec::new();
    if "idle".starts_with(&options.group) || options.group.starts_with("idle") {
        drop(pools);
        idle = cases::idle(options.workers, options.idle);
        println!("\nidle, {} s after work: wakeups of all workers", options.idle);
        idle.iter().for_each(|(name, wakeups)| println!("  {name:<24} {wakeups:>9}"));
    }
    drop(load);
    gates(&figures);
    let Some(path) = options.json else { return ExitCode::SUCCESS };
    match std::fs::write(&path, report(&figures, &idle).to_string()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-sched: cannot write {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn gates(figures: &[(&str, &str, measure::Figure)]) {
    println!("\ngates: our wall time as a share of the peer's in this run");
    for (group, ours, peer, share_max) in GATES {
        let wall = |name: &str| {
            let found = figures.iter().find(|figure| (figure.0, figure.1) == (group, name));
            found.map(|figure| figure.2.wall)
        };
        if let (Some(our_wall), Some(peer_wall)) = (wall(ours), wall(peer)) {
            let share = our_wall / peer_wall;
            let verdict = if share <= share_max { "met" } else { "MISSED" };
            println!(
                "  {verdict:<7} {share:>5.2} of at most {share_max:.2}: {group}, {ours} against {peer}"
            );
        }
    }
}

fn report(figures: &[(&str, &str, measure::Figure)], idle: &[(&str, u64)]) -> Value {
    let figures: Vec<Value> = (figures.iter())
        .map(|(group, name, figure)| {
            json!({
                "group": group, "name": name, "wall_ns": figure.wall, "cpu_ns": figure.cpu,
                "wall_low_ns": figure.low, "wall_high_ns": figure.high,
            })
        })
        .collect();
    let idle: Vec<Value> =
        idle.iter().map(|(name, wakeups)| json!({ "name": name, "wakeups": wakeups })).collect();
    json!({ "figures": figures, "idle": idle })
}

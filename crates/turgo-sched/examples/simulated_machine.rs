//! A machine that one does not have: the same graph under three policies on 64 simulated cores.
//!
//! With arguments it is a small command: `simulated_machine 4x16,ring random:100000/4 7 [trace.json]`.

#![cfg(not(any(loom, shuttle)))]

use turgo_machine::topology::Topology;
use turgo_sched::policy::{Scope, Standard, Victims};
use turgo_sched::sim::{Simulation, Workload, chrome_json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run(std::env::args().skip(1))
}

fn run(mut words: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    let machine = Topology::simulate(&words.next().unwrap_or_else(|| "4x16,ring".to_string()))?;
    let graph = words.next().unwrap_or_else(|| "stream:20000/4".to_string());
    let seed = words.next().map_or(Ok(7), |word| word.parse())?;
    let workload = Workload::made(&graph, seed)?;
    let policies: [Standard; 3] = [
        Standard::default(),
        Standard::of(Victims::TwoChoices, Scope::Aware),
        Standard::of(Victims::Random, Scope::Blind),
    ];
    for policy in &policies {
        let simulation =
            Simulation::new(&machine, machine.cpus().len(), policy).seed(seed).traced(true);
        let outcome = simulation.run(&workload);
        println!(
            "{:<32}{:>9.3} ms, efficiency {:.3}, {:.1} % node-local, {:.1} % stolen from afar, p99 {:.1} us",
            policy.name(),
            outcome.makespan_ns as f64 / 1e6,
            outcome.efficiency(),
            100.0 * outcome.local().unwrap_or(1.0),
            100.0 * outcome.remote_steals(),
            outcome.latency_p99_ns as f64 / 1e3,
        );
        assert_eq!(outcome.hash, simulation.run(&workload).hash, "a seed determines a run");
        if let Some(path) = words.next() {
            std::fs::write(path, chrome_json(&outcome.events, simulation.layout(), |_| None))?;
        }
    }
    Ok(())
}

#[test]
fn the_example_runs() {
    run(std::iter::empty()).expect("it runs");
}

//! What the scheduler is meant to reach on machines that are simulated, each with what it reaches under the default policy.

use turgo_machine::topology::Topology;

use super::ablation::AblationError;
use super::costs::Costs;
use super::outcome::Outcome;
use super::workload::Workload;
use super::world::Simulation;
use crate::policy::Standard;

/// A target, and what was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What is meant.
    pub what: &'static str,
    /// The machine.
    pub machine: &'static str,
    /// The graph.
    pub graph: &'static str,
    /// What was reached.
    pub reached: f64,
    /// What it is to be compared with.
    pub limit: f64,
    /// Whether what is reached has to be at least the limit; if not, it has to be less.
    pub at_least: bool,
}

impl Target {
    /// Whether it was met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        if self.at_least { self.reached >= self.limit } else { self.reached < self.limit }
    }

    /// A line of a table.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { what, machine, graph, reached, limit, at_least } = self;
        let (sign, met) =
            (if *at_least { ">=" } else { "<" }, if self.is_met() { "met" } else { "MISSED" });
        format!("{met:<7}{what:<44}{reached:>12.3} {sign:>2} {limit:<10} {machine}, {graph}")
    }
}

type Measure = fn(&Outcome) -> f64;

const EFFICIENCY: Measure = |outcome| outcome.efficiency() / outcome.efficiency_max();
const LOCAL: Measure = |outcome| outcome.local().unwrap_or(0.0);
const LATENCY_US: Measure = |outcome| outcome.latency_p99_ns as f64 / 1e3;
const RATE: Measure = |outcome| outcome.rate() / 1e6;

/// What is measured, on which machine and graph, and the limit; the last says whether it is a least one.
type Goal = (&'static str, &'static str, &'static str, Measure, f64, bool);

const GOALS: [Goal; 15] = [
    ("efficiency at 16 cores", "1x16", "random:100000", EFFICIENCY, 0.9, true),
    ("efficiency at 16 cores on 2 nodes", "2x8", "random:100000/2", EFFICIENCY, 0.9, true),
    ("efficiency at 64 cores, random graph", "4x16,ring", "random:100000/4", EFFICIENCY, 0.9, true),
    (
        "efficiency at 64 cores, streaming engine",
        "4x16,ring",
        "stream:100000/4",
        EFFICIENCY,
        0.9,
        true,
    ),
    ("efficiency at 64 cores, fork-join tree", "4x16,ring", "tree:1000000", EFFICIENCY, 0.9, true),
    ("the same, a tree of 100,000 tasks", "4x16,ring", "tree:100000", EFFICIENCY, 0.9, true),
    ("node-local, random graph", "4x16,ring", "random:100000/4", LOCAL, 0.9, true),
    ("node-local, streaming engine", "4x16,ring", "stream:100000/4", LOCAL, 0.9, true),
    (
        "remote steals, random graph",
        "4x16,ring",
        "random:100000/4",
        Outcome::remote_steals,
        0.1,
        false,
    ),
    (
        "remote steals, streaming engine",
        "4x16,ring",
        "stream:100000/4",
        Outcome::remote_steals,
        0.1,
        false,
    ),
    (
        "p99 from ready to begun at 16 cores, us",
        "1x16",
        "arrivals:100000/2000",
        LATENCY_US,
        7.0,
        false,
    ),
    ("the same on 2 nodes, us", "2x8", "arrivals:100000/2000", LATENCY_US, 7.0, false),
    ("the same at 4 million tasks/s, us", "1x16", "arrivals:100000/4000", LATENCY_US, 7.0, false),
    ("million tasks/s at 16 cores, from outside", "1x16", "arrivals:100000/4000", RATE, 2.0, true),
    ("million tasks/s at 16 cores, within a graph", "1x16", "tree:100000", RATE, 2.0, true),
];

/// All targets under the default policy.
///
/// # Errors
///
/// None that is expected: the machines and graphs are those of the table.
pub fn targets(costs: Costs, seed: u64) -> Result<Vec<Target>, AblationError> {
    let policy = Standard::default();
    let mut targets: Vec<Target> = Vec::with_capacity(GOALS.len());
    let mut last: Option<(&str, &str, Outcome)> = None;
    for (what, machine, graph, measure, limit, at_least) in GOALS {
        let known = last.take().filter(|known| (known.0, known.1) == (machine, graph));
        let outcome = match known {
            Some((.., outcome)) => outcome,
            None => {
                let topology = Topology::simulate(machine).map_err(AblationError::Machine)?;
                let workload = Workload::made(graph, seed).map_err(AblationError::Graph)?;
                let simulation = Simulation::new(&topology, topology.cpus().len(), &policy);
                simulation.costs(costs).seed(seed).run(&workload)
            }
        };
        targets.push(Target { what, machine, graph, reached: measure(&outcome), limit, at_least });
        last = Some((machine, graph, outcome));
    }
    Ok(targets)
}

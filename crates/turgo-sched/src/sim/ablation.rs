//! The same graphs under every policy: what the choice of defaults follows from.

use turgo_machine::topology::SpecError;

use super::costs::Costs;
use super::outcome::Outcome;
use super::progress::Progress;
use super::workload::WorkloadError;
use super::{hands, learning};
use crate::fair::Interleaving;
use crate::policy::{Knobs, Policy, Reach, Scope, Standard, Victims};

/// A policy with everything that it is run with.
#[derive(Debug)]
pub struct Contender {
    /// What tables call it.
    pub name: String,
    /// The decisions.
    pub policy: Box<dyn Policy>,
    /// The knobs' values.
    pub knobs: Knobs,
    /// How tenants take turns.
    pub interleaving: Interleaving,
}

impl Contender {
    /// A policy with default knobs.
    #[must_use]
    pub fn new(policy: Standard) -> Self {
        Self {
            name: policy.name(),
            policy: Box::new(policy),
            knobs: Knobs::default(),
            interleaving: Interleaving::InTurn,
        }
    }

    /// The same policy with other knobs.
    #[must_use]
    pub fn turned(mut self, what: &str, knobs: Knobs) -> Self {
        self.name = format!("{} {what}", self.name);
        self.knobs = knobs;
        self
    }

    /// Every policy there is, and the default one with one knob at a time turned away from its default.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Standard::all().into_iter().map(Self::new).collect();
        let with = |what: &str, knobs| Self::new(Standard::default()).turned(what, knobs);
        let normal = Knobs::default();
        for remote_threshold in [0, 1, 4, 16] {
            let name = format!("threshold={remote_threshold}");
            all.push(with(&name, Knobs { remote_threshold, ..normal }));
        }
        let choosy = Standard { reach: Reach::Threshold, ..Standard::default() };
        for remote_threshold in [1, 8] {
            let name = format!("threshold={remote_threshold}");
            let knobs = Knobs { remote_threshold, ..normal };
            all.push(Self::new(choosy).turned(&name, knobs));
        }
        all.push(with("attempts=8", Knobs { local_attempts: 8, ..normal }));
        all.push(with("spin=0", Knobs { spin_ns: 0, ..normal }));
        all.push(with("spin=200us", Knobs { spin_ns: 200_000, ..normal }));
        all
    }

    /// The default policy with every way in which tenants can take turns.
    #[must_use]
    pub fn interleavings(pair: bool) -> Vec<Self> {
        let kinds = Interleaving::ALL.into_iter().filter(|kind| pair || !kind.is_pair());
        kinds
            .map(|interleaving| Self {
                name: interleaving.name().to_string(),
                interleaving,
                ..Self::new(Standard::default())
            })
            .collect()
    }
}

/// The policy of a name: one of those that tables print, or of a victim policy, with `/blind` if it is not to know of nodes.
#[must_use]
pub fn policy_named(name: &str) -> Option<Standard> {
    if let Some(policy) = Standard::all().into_iter().find(|policy| policy.name() == name) {
        return Some(policy);
    }
    let (victims, scope) = match name.split_once('/') {
        None => (name, Scope::Aware),
        Some((victims, "aware")) => (victims, Scope::Aware),
        Some((victims, "blind")) => (victims, Scope::Blind),
        Some(_) => return None,
    };
    let victims = Victims::ALL.into_iter().find(|kind| kind.name() == victims)?;
    Some(Standard::of(victims, scope))
}

/// How a line of the table came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A policy as it is.
    Contender,
    /// The default policy with its default knobs.
    Default,
    /// Something that was learnt in earlier runs.
    Learnt,
    /// The default policy with the knobs that a tuner came to rest at.
    Tuned,
    /// The default policy with the best of 45 fixed settings of its knobs, each tried on this very graph.
    BestFixed,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The machine, as it was asked for.
    pub machine: String,
    /// The graph.
    pub graph: String,
    /// The policy.
    pub policy: String,
    /// How it was chosen.
    pub role: Role,
    /// What came of it.
    pub outcome: Outcome,
}

/// Which machines and graphs are gone through.
#[derive(Debug, Clone)]
pub struct Ablation {
    /// Topologies, as [`Topology::simulate`](turgo_machine::topology::Topology::simulate) takes them.
    pub machines: Vec<String>,
    /// Graphs, as [`Workload::made`](super::Workload::made) takes them; `/N` stands for the machine's nodes and processors.
    pub graphs: Vec<String>,
    /// Where random numbers begin.
    pub seed: u64,
    /// What things cost.
    pub costs: Costs,
    /// How many threads run it, at least one.
    pub threads: usize,
}

impl Default for Ablation {
    fn default() -> Self {
        let strings = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self {
            machines: strings(&["1x2", "1x16", "2x8", "4x16,ring", "8x128"]),
            graphs: strings(&[
                "random:30000/N",
                "stream:60000/N",
                "tree:60000",
                "bag:60000/N",
                "arrivals:30000/N",
                "tenants:20000/N",
                "pair:20000/N",
                "rounds:30000/N",
            ]),
            seed: 7,
            costs: Costs::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Why an ablation cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AblationError {
    /// No such machine.
    Machine(SpecError),
    /// No such graph.
    Graph(WorkloadError),
}

impl std::fmt::Display for AblationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine(error) => error.fmt(f),
            Self::Graph(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AblationError {}

impl Ablation {
    /// Runs everything, and calls `row` for each line: table by table, and in the same order whatever the number of threads.
    ///
    /// # Errors
    ///
    /// A machine or a graph is none. It is found before anything runs.
    ///
    /// # Panics
    ///
    /// As [`Simulation::run`](super::Simulation::run), and if the system has no thread to give.
    pub fn run(&self, row: impl FnMut(Row)) -> Result<(), AblationError> {
        self.watched(row, |_| ())
    }

    /// The same, and says how far it is, several times a second.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn watched(
        &self,
        mut row: impl FnMut(Row),
        mut progress: impl FnMut(&Progress),
    ) -> Result<(), AblationError> {
        hands::run(self, &mut row, &mut progress)
    }
}

/// How good tuning was on one graph: shares of what it is compared with, above 1 if better.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// The machine and the graph.
    pub on: String,
    /// Against the best of the fixed settings.
    pub of_best: f64,
    /// Against the default setting.
    pub of_default: f64,
    /// Whether it was for the latency of tasks that come from outside, and not for the makespan.
    pub is_open: bool,
}

/// The tables in which a tuner was compared with fixed settings.
#[must_use]
pub fn tunings(rows: &[Row]) -> Vec<Tuning> {
    let same = |a: &Row, b: &Row| (&a.machine, &a.graph) == (&b.machine, &b.graph);
    let tuning = |table: &[Row]| {
        let score = |role| {
            let row = table.iter().find(|row| row.role == role)?;
            Some(learning::score(&row.outcome))
        };
        let (tuned, first) = (score(Role::Tuned)?, &table[0]);
        Some(Tuning {
            on: format!("{}, {}", first.machine, first.graph),
            of_best: tuned / score(Role::BestFixed)?,
            of_default: tuned / score(Role::Default)?,
            is_open: first.outcome.is_open,
        })
    };
    rows.chunk_by(same).filter_map(tuning).collect()
}

//! What is run on a simulated machine: a graph, when its first tasks arrive, and a name.

use std::fmt;
use std::str::FromStr;

use super::generate;
use crate::dag::Shape;

/// A graph to simulate.
///
/// From a string, the kind of a graph and its size in tasks, and for some the nodes of the machine it is partitioned for:
///
/// | | |
/// |---|---|
/// | `random:100000` | layers of uneven width, three edges a task on average, tasks of 0.2 to 20 us: the graph of the benchmark |
/// | `random:100000/4` | the same, with homes: most edges stay within a node |
/// | `tree:65536` | a fork-join tree with leaves of 2 us |
/// | `bag:100000` | tasks of uneven length that have nothing to do with each other; one in 64 is long |
/// | `wavefront:65536` | a square in which each task waits for its left and upper neighbour |
/// | `random:100000/8x128` | the same for nodes of 128 processors instead of 16: wider |
/// | `stream:100000/4` | the streaming engine's: sources, partial aggregates, an exchange, and an owner per partition, round after round |
/// | `rounds:30000/4x16` | parallel loops of 4 tasks of 2 to 4 us for each processor, before each a sequential part of 30 to 60 us, as in iterative solvers |
/// | `arrivals:100000/2000` | tasks of 3 us that come from outside, two million a second |
/// | `arrivals:100000/4x16` | the same, 125,000 a second for each processor |
/// | `tenants:30000/4` | a bag of three tenants with weights 1, 2 and 4 |
/// | `pair:30000/4` | a bag of two tenants with weights 3 and 1 |
///
/// ```
/// use turgo_sched::sim::Workload;
/// let workload: Workload = "tree:1000".parse()?;
/// assert!(workload.shape().len() >= 1000);
/// # Ok::<(), turgo_sched::sim::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Workload {
    name: String,
    shape: Shape,
    arrivals: Vec<u64>,
    weights: Vec<u32>,
}

/// A workload that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadError(String);

impl fmt::Display for WorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = generate::KINDS.join(", ");
        write!(f, "`{}` is not a graph: one of {kinds}, with a size as in random:100000", self.0)
    }
}

impl std::error::Error for WorkloadError {}

impl Workload {
    /// A graph whose first tasks are all there at the beginning.
    #[must_use]
    pub fn new(name: impl Into<String>, shape: Shape) -> Self {
        Self { name: name.into(), shape, arrivals: Vec::new(), weights: vec![1] }
    }

    /// When tasks that wait for nothing arrive, by number, in nanoseconds. Those that are not named are there at the beginning.
    #[must_use]
    pub fn arriving(mut self, arrivals: Vec<u64>) -> Self {
        self.arrivals = arrivals;
        self
    }

    /// What shares tenants have in the machine, by number.
    ///
    /// # Panics
    ///
    /// If there is none, or one is 0.
    #[must_use]
    pub fn weighted(mut self, weights: Vec<u32>) -> Self {
        let are_sound = !weights.is_empty() && !weights.contains(&0);
        assert!(are_sound, "{weights:?}: there is a tenant, and each has a weight");
        self.weights = weights;
        self
    }

    /// A workload of this kind; see the type for the kinds there are.
    ///
    /// # Errors
    ///
    /// There is none of that kind, or the size makes no sense.
    pub fn made(spec: &str, seed: u64) -> Result<Self, WorkloadError> {
        generate::workload(spec, seed).ok_or_else(|| WorkloadError(spec.to_string()))
    }

    /// What tables call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its graph.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// When a task that waits for nothing arrives.
    pub(super) fn arrival_ns(&self, task: u32) -> u64 {
        self.arrivals.get(task as usize).copied().unwrap_or(0)
    }

    /// Whether tasks come while it runs.
    pub(super) fn is_open(&self) -> bool {
        !self.arrivals.is_empty()
    }

    /// The shares of tenants.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }
}

impl FromStr for Workload {
    type Err = WorkloadError;

    fn from_str(spec: &str) -> Result<Self, WorkloadError> {
        Self::made(spec, 1)
    }
}

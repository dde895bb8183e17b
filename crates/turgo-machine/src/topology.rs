//! The machine as plain data: processors, the caches and nodes they share, how far nodes are from each other, and how much of
//! it this process may use.
//!
//! A [`Topology`] is read from the kernel ([`Topology::detect`]), from a copy of its files under another root
//! ([`Topology::read`]), or made up from a string ([`Topology::simulate`]). It starts no thread, pins nothing and allocates
//! no node's memory: that is what [`affinity`](crate::affinity) and [`numa`](crate::numa) are for.
//!
//! # Invariants
//!
//! - **T1** A processor lies in exactly one core, a core in one complex, a complex in one package and one node. Where the
//!   kernel's files say otherwise (a cache that reaches over two nodes, a processor listed by all nodes), the smaller group wins.
//! - **T2** Only processors that are online and that this process may run on are listed, in the order of their numbers; at least one.
//! - **T3** Nodes are listed in the order of their numbers, which may have gaps: rows and columns of the distances go by position in
//!   that list and never by number.
//! - **T4** No content of the kernel's files makes reading panic. A file that is missing is named in a note and its content
//!   guessed; one that cannot be understood is an error with the file and the text.
//! - **T5** `1 <= workers_max() <= cpus().len()`.
//! - **T6** Distances that do not differ say nothing and are not used: firmware that knows none writes 10 everywhere.

use std::path::Path;

mod assemble;
mod error;
mod files;
mod ids;
mod limits;
mod read;
mod spec;

pub use error::{Note, TopologyError};
pub use ids::{CpuId, CpuSet, Id, IdSet, NodeId, NodeSet};
pub use limits::{Limits, Quota};
pub use spec::{Links, Spec, SpecError};

/// Processors, caches, nodes and limits. Plain data; see the [module](self) for what always holds.
///
/// ```
/// use turgo_machine::topology::{NodeId, Topology};
/// let machine = Topology::simulate("4x16,ring")?;
/// assert_eq!((machine.nodes().len(), machine.cpus().len()), (4, 64));
/// assert_eq!(machine.distance(NodeId(0), NodeId(2)), Some(31));
/// assert_eq!(machine.nodes_by_distance(NodeId(1)), [NodeId(1), NodeId(0), NodeId(2), NodeId(3)]);
/// # Ok::<(), turgo_machine::topology::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    cpus: Vec<Cpu>,
    cores: Vec<CpuSet>,
    complexes: Vec<Complex>,
    packages: Vec<Package>,
    nodes: Vec<Node>,
    caches: Vec<Cache>,
    /// Row by row, by position in `nodes`; `None` where the kernel's say nothing (T6).
    distances: Option<Vec<u32>>,
    limits: Limits,
    notes: Vec<Note>,
}

/// A logical processor and where it is. The numbers are positions in the lists of the [`Topology`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpu {
    /// The kernel's number.
    pub id: CpuId,
    /// Its memory node.
    pub node: NodeId,
    /// Position in [`Topology::packages`].
    pub package: usize,
    /// Position in [`Topology::complexes`].
    pub complex: usize,
    /// Position in [`Topology::cores`].
    pub core: usize,
    /// Which of the threads of its core it is, from 0.
    pub thread: usize,
}

/// Processors that share the last cache before memory, within a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complex {
    /// The processors.
    pub cpus: CpuSet,
    /// Level of the cache, 1 to 4; `None` where the kernel names no cache.
    pub level: Option<u32>,
    /// Its size in bytes, where known.
    pub size_bytes: Option<u64>,
}

/// Processors in one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The firmware's number of it.
    pub id: u32,
    /// The processors.
    pub cpus: CpuSet,
}

/// A data cache or a cache for both data and instructions, and the processors that share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// 1 is closest to the processor.
    pub level: u32,
    /// Size in bytes, where known.
    pub size_bytes: Option<u64>,
    /// Bytes of a line, where known.
    pub line_bytes: Option<u32>,
    /// The processors that share it, of those listed.
    pub cpus: CpuSet,
}

/// Memory at one distance from any processor, and the processors beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The kernel's number.
    pub id: NodeId,
    /// The processors beside it, of those listed; none beside memory behind CXL and the like.
    pub cpus: CpuSet,
    /// Its memory, where the kernel says; zero bytes in nodes that have processors only.
    pub memory: Option<Memory>,
    /// Whether this process may place memory there.
    pub allowed: bool,
    /// What the firmware says of access from the best processors (HMAT), where it does.
    pub performance: Option<Performance>,
}

impl Node {
    /// Whether this process can place memory there; where the kernel does not say how much there is, there is some.
    #[must_use]
    pub fn has_memory(&self) -> bool {
        self.allowed && self.memory.is_none_or(|memory| memory.total_bytes > 0)
    }
}

/// Memory of a node when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes in use for nothing.
    pub free_bytes: u64,
}

/// Latency and bandwidth of a node's memory, seen from the nodes that reach it best: remote ones are slower by an unknown amount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Performance {
    /// The nodes from which it holds.
    pub initiators: NodeSet,
    /// Nanoseconds.
    pub read_latency_ns: Option<u64>,
    /// Nanoseconds.
    pub write_latency_ns: Option<u64>,
    /// Megabytes (10^6) per second.
    pub read_bandwidth_mb_s: Option<u64>,
    /// Megabytes (10^6) per second.
    pub write_bandwidth_mb_s: Option<u64>,
}

impl Topology {
    /// This machine, as far as this process may use it.
    ///
    /// Where the kernel publishes nothing, it is one node with as many processors as the standard library counts, and a note says so.
    ///
    /// # Errors
    ///
    /// If one of the kernel's files has a content that cannot be understood.
    pub fn detect() -> Result<Self, TopologyError> {
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
        read::Reader::new(&files::Disk::at(Path::new("/")), cpus).topology()
    }

    /// The machine whose files are copied under `root`: `root/sys/devices/system/node/online` and so on, and `root/proc/self`
    /// for what a process may use. Without any of them it is one processor.
    ///
    /// # Errors
    ///
    /// If one of the files has a content that cannot be understood.
    pub fn read(root: &Path) -> Result<Self, TopologyError> {
        read::Reader::new(&files::Disk::at(root), 1).topology()
    }

    /// A machine that is made up, from a string such as `4x16,ring`: see [`Spec`] for the notation.
    ///
    /// # Errors
    ///
    /// If the string is not in that notation; the error has the place and a remedy.
    pub fn simulate(spec: &str) -> Result<Self, SpecError> {
        Ok(spec.parse::<Spec>()?.topology())
    }

    /// The processors, by number (T2).
    #[must_use]
    pub fn cpus(&self) -> &[Cpu] {
        &self.cpus
    }

    /// The processor of this number, if this process may use it.
    #[must_use]
    pub fn cpu(&self, id: CpuId) -> Option<&Cpu> {
        self.cpus.binary_search_by_key(&id, |cpu| cpu.id).ok().map(|at| &self.cpus[at])
    }

    /// Physical cores, each with the processors (SMT siblings) it runs.
    #[must_use]
    pub fn cores(&self) -> &[CpuSet] {
        &self.cores
    }

    /// Groups of processors that share the last cache before memory, within a node.
    #[must_use]
    pub fn complexes(&self) -> &[Complex] {
        &self.complexes
    }

    /// Sockets.
    #[must_use]
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// Memory nodes that are online, by number (T3).
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this number.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.position(id).map(|at| &self.nodes[at])
    }

    /// Data caches, by level and then by their first processor.
    #[must_use]
    pub fn caches(&self) -> &[Cache] {
        &self.caches
    }

    /// What this process is held to.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What had to be guessed, and why.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Whether the distances between nodes are known and say something (T6); always false with one node.
    #[must_use]
    pub fn distances_known(&self) -> bool {
        self.distances.is_some()
    }

    /// How far the memory of `to` is from the processors of `from`, as firmware rates it: 10 is local, 20 takes twice as long, 255 cannot be
    /// reached. Where firmware says nothing of use, it is 10 within a node and 20 between two. `None` if a node is not there.
    #[must_use]
    pub fn distance(&self, from: NodeId, to: NodeId) -> Option<u32> {
        let (row, column) = (self.position(from)?, self.position(to)?);
        Some(match &self.distances {
            Some(distances) => distances[row * self.nodes.len() + column],
            None if row == column => DISTANCE_LOCAL,
            None => DISTANCE_REMOTE,
        })
    }

    /// All nodes from the nearest to the farthest as seen from `from`, equals by number, `from` itself first; empty if it is not there.
    #[must_use]
    pub fn nodes_by_distance(&self, from: NodeId) -> Vec<NodeId> {
        if self.position(from).is_none() {
            return Vec::new();
        }
        let mut nodes: Vec<NodeId> = self.nodes.iter().map(|node| node.id).collect();
        nodes.sort_by_key(|&to| (to != from, self.distance(from, to), to));
        nodes
    }

    /// The nearest node to `from` that this process can place memory in: itself, but where it has none.
    #[must_use]
    pub fn nearest_memory(&self, from: NodeId) -> Option<NodeId> {
        let has_memory = |id: &NodeId| self.node(*id).is_some_and(Node::has_memory);
        self.nodes_by_distance(from).into_iter().find(has_memory)
    }

    /// How many workers can run at once: a processor each, and no more than the group's share of processor time allows (T5).
    #[must_use]
    pub fn workers_max(&self) -> usize {
        let cpus = self.cpus.len();
        if crate::mutant!("T5 processor time ignored") {
            return cpus;
        }
        self.limits.quota.map_or(cpus, |quota| quota.cpus_whole().clamp(1, cpus))
    }

    /// The same machine with other nodes of the same numbers.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(crate) fn with_nodes(self, nodes: Vec<Node>) -> Self {
        Self { nodes, ..self }
    }

    fn position(&self, id: NodeId) -> Option<usize> {
        if crate::mutant!("T3 distances by number") {
            return self.nodes.get(id.0 as usize).map(|_| id.0 as usize);
        }
        self.nodes.binary_search_by_key(&id, |node| node.id).ok()
    }
}

/// What firmware calls the distance within a node.
const DISTANCE_LOCAL: u32 = 10;

/// What Linux takes the distance between nodes for, where firmware is silent.
const DISTANCE_REMOTE: u32 = 20;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

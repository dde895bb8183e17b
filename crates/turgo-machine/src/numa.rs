//! Memory on chosen nodes: placed by the kernel's policies, verified by asking it, and counted.
//!
//! A [`Numa`] knows the nodes of a [`Topology`] and hands out [`NodeMemory`]: whole pages of the process's own, with a
//! policy that is set before anything is touched. [`NodeSlabs`] cuts such memory into small blocks for one owner. `malloc` cannot do
//! either: it hands out pages again that some other thread has touched, wherever that was.
//!
//! # What the kernel promises
//!
//! A policy is a wish that is looked up when a page is touched first. [`Placement::Node`] is strict: when the node is full, the kernel
//! kills the process rather than take another's page. [`Placement::Nearest`] gives way to nodes farther off. [`node_of`] and
//! [`NodeMemory::verify`] say what became of it. Automatic balancing (`kernel.numa_balancing`) may move pages without a policy later
//! on, and leaves those that are bound alone.
//!
//! # Invariants
//!
//! - **N1** The kernel reads one bit less of a node mask than it is told: the number passed is that of the highest node, plus
//!   two. With one less, the highest node is lost in silence.
//! - **N2** A region is mapped, given its policy, and only then touched.
//! - **N3** A region is unmapped once, by its owner; until then its bytes are readable and writable, and zero at first.
//! - **N4** A policy that the kernel refuses (containers forbid `mbind`) costs locality and nothing else: the memory is as usable
//!   as any, the refusal is counted by its reason, and the region says so.
//! - **N5** Interleaved memory has small pages: a huge page would put 2 MiB on one node.
//! - **N6** A node that this process can place nothing in is never asked for memory: `Nearest` takes the next one and counts it, `Node` is an error.

use std::fmt;
use std::sync::Arc;

use crate::topology::{Node, NodeId, NodeSet, Topology};

mod kernel;
mod region;
mod slab;
mod statistics;

pub use kernel::{Policy, Refusal};
pub use region::{NodeMemory, PagePlace, Pages, Verified};
pub use slab::{BLOCK_BYTES_MAX, NodeSlabs, SlabError};
pub use statistics::{Refusals, Statistics};

use statistics::Counters;

/// The nodes of a machine, and what was placed on them. Clones share one set of counters, which are lock-free.
///
/// ```
/// use turgo_machine::numa::{Numa, Placement};
/// use turgo_machine::topology::Topology;
///
/// let machine = Topology::detect()?;
/// let numa = Numa::new(&machine);
/// let node = machine.cpus()[0].node;
/// let mut memory = numa.map(1 << 16, Placement::Nearest(node))?;
/// memory.as_mut_slice()[0] = 1;
/// assert_eq!(memory.len(), 1 << 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Numa {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The nodes this process can place memory in.
    nodes: NodeSet,
    /// For each node of the machine, the nearest one of those.
    nearest: Vec<(NodeId, Option<NodeId>)>,
    counters: Counters,
}

/// Where memory should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// On the node of the thread that touches a page first.
    Local,
    /// On this node, strictly.
    Node(NodeId),
    /// On this node or, where it has no memory or is full, on the nearest one that has.
    Nearest(NodeId),
    /// Page by page on all nodes in turn.
    Interleaved,
}

/// Why there is no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapError {
    /// The kernel has no room for so many bytes, or none were asked for.
    Refused {
        /// As many as were asked for.
        bytes: usize,
        /// The kernel's number for the reason.
        errno: i32,
    },
    /// The machine has no such node, or this process can place nothing in it (N6).
    NoMemory(NodeId),
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { bytes, errno } => {
                let reason = std::io::Error::from_raw_os_error(*errno);
                write!(f, "cannot map {bytes} bytes: {reason}")
            }
            Self::NoMemory(node) => {
                write!(f, "node {node} has no memory that this process may use")
            }
        }
    }
}

impl std::error::Error for MapError {}

impl Numa {
    /// Memory of this machine.
    ///
    /// A machine that is not the one beneath the process works, too: the kernel refuses its nodes, which is counted (N4).
    #[must_use]
    pub fn new(machine: &Topology) -> Self {
        let usable = machine.nodes().iter().filter(|node| node.has_memory());
        let nodes = usable.map(|node: &Node| node.id).collect();
        let nearest = machine.nodes().iter().map(|node| (node.id, machine.nearest_memory(node.id)));
        let counters = Counters::of(machine.nodes().iter().map(|node| node.id));
        Self { shared: Arc::new(Shared { nodes, nearest: nearest.collect(), counters }) }
    }

    /// The nodes this process can place memory in.
    #[must_use]
    pub fn nodes(&self) -> &NodeSet {
        &self.shared.nodes
    }

    /// Maps memory, rounded up to whole pages of the kernel's choice. Takes a system call or three; nothing is touched yet (N2).
    ///
    /// # Errors
    ///
    /// If there is no room, or no memory on the node; a policy that is refused is no error (N4).
    pub fn map(&self, bytes: usize, placement: Placement) -> Result<NodeMemory, MapError> {
        let pages = if placement == Placement::Interleaved
            && !crate::mutant!("N5 interleaved huge pages")
        {
            Pages::Small
        } else {
            Pages::Any
        };
        self.map_pages(bytes, placement, pages)
    }

    /// As [`map`](Self::map), with pages of a size.
    ///
    /// # Errors
    ///
    /// As [`map`](Self::map).
    pub fn map_pages(
        &self,
        bytes: usize,
        placement: Placement,
        pages: Pages,
    ) -> Result<NodeMemory, MapError> {
        let policy = self.policy(placement)?;
        NodeMemory::map(self.clone(), bytes, policy, pages)
    }

    /// Says where memory goes that the calling thread touches first from now on, and that has no policy of its own.
    ///
    /// # Errors
    ///
    /// If there is no memory on the node. What the kernel refuses is counted, and is in the value that is returned: the policy as it was stays in force.
    pub fn set_thread_policy(&self, placement: Placement) -> Result<Result<(), Refusal>, MapError> {
        let set = kernel::set_thread_policy(&self.policy(placement)?);
        if let Err(refusal) = &set {
            self.shared.counters.refused(refusal);
        }
        Ok(set)
    }

    /// What was placed so far, and what did not go as asked.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.counters.read()
    }

    /// What to tell the kernel (N6).
    fn policy(&self, placement: Placement) -> Result<Policy, MapError> {
        match placement {
            Placement::Local => Ok(Policy::Local),
            Placement::Interleaved => Ok(Policy::Interleaved(self.shared.nodes.clone())),
            Placement::Node(node) if self.shared.nodes.contains(node) => Ok(Policy::Bound(node)),
            Placement::Node(node) => Err(MapError::NoMemory(node)),
            Placement::Nearest(node) => {
                let nearest = self.shared.nearest.iter().find(|(id, _)| *id == node);
                let nearest =
                    nearest.and_then(|(_, nearest)| *nearest).ok_or(MapError::NoMemory(node))?;
                if crate::mutant!("N6 nodes without memory are asked") {
                    return Ok(Policy::Preferred(node));
                }
                if nearest != node {
                    self.shared.counters.fell_back();
                }
                Ok(Policy::Preferred(nearest))
            }
        }
    }
}

/// The node that holds the page of this address. Touches the page if nobody has: ask after writing to it.
///
/// # Errors
///
/// If the kernel does not say: no such call, forbidden, or no memory at that address ([`Refusal::Other`]).
pub fn node_of<T: ?Sized>(address: *const T) -> Result<NodeId, Refusal> {
    kernel::node_of(address.cast())
}

/// The policy of the calling thread, as the kernel tells it.
///
/// # Errors
///
/// If the kernel does not say.
pub fn thread_policy() -> Result<Policy, Refusal> {
    kernel::thread_policy()
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

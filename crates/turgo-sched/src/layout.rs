//! Which worker runs where: the processors of a [`Topology`], seen as a scheduler needs them.
//!
//! Workers are numbered from 0 in the order that fills a machine evenly: one worker for each core of each node in turn before any core gets a
//! second one (its SMT sibling). Nodes that have workers are numbered from 0 as well, in the order of their ids: ids may be sparse, a
//! [`NodeIndex`] is not.
//!
//! # Invariants
//!
//! - **M1** What is nearer comes first, by the distances that are known: by measured ones where there are any. Whoever is on the same node comes before all others.
//! - **M2** A measurement that differs by no more than noise from what was known changes nothing.

use turgo_machine::mutant;
use turgo_machine::topology::{CpuId, NodeId, Topology};

/// The distance within a node, in the unit of the ACPI table.
const LOCAL: u32 = 10;

/// The largest distance that can be simulated.
const DISTANCE_MAX: u32 = 254;

/// A worker's number, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

/// The number of a node that has workers, from 0. See [`Layout::node_id`] for the machine's own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u32);

/// Where one worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// The processor it is meant for.
    pub cpu: CpuId,
    /// Its node.
    pub node: NodeIndex,
    /// Processors with the same number share a last-level cache.
    pub complex: u32,
    /// Processors with the same number are threads of one core.
    pub core: u32,
}

/// The workers of a pool, or of a simulated one, and how far apart they are.
///
/// ```
/// use turgo_machine::topology::Topology;
/// use turgo_sched::layout::{Layout, NodeIndex, WorkerId};
/// let layout = Layout::new(&Topology::simulate("2x4")?, 4);
/// assert_eq!((layout.workers(), layout.nodes()), (4, 2));
/// assert_eq!(layout.node(WorkerId(0)), NodeIndex(0));
/// assert_eq!(layout.node(WorkerId(1)), NodeIndex(1));
/// assert_eq!(layout.on_node(NodeIndex(1)), [WorkerId(1), WorkerId(3)]);
/// # Ok::<(), turgo_machine::topology::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    seats: Vec<Seat>,
    node_ids: Vec<NodeId>,
    on_node: Vec<Vec<WorkerId>>,
    /// Row by row, by node index.
    distances: Vec<u32>,
    /// For each node all nodes, the nearest first, itself before all others.
    nearest: Vec<Vec<NodeIndex>>,
    /// For each worker all others: those of its core, of its complex, of its node, then by distance of their nodes.
    by_distance: Vec<Vec<WorkerId>>,
    /// All workers by number, twice.
    circle: Vec<WorkerId>,
}

impl Layout {
    /// Seats for `workers` workers, at least one. If there are more workers than processors, processors are given out again from the first. Takes time and memory in proportion to the
    /// square of the workers.
    ///
    /// # Panics
    ///
    /// If there are more than 65,536 workers, or the machine has no processor.
    #[must_use]
    pub fn new(machine: &Topology, workers: usize) -> Self {
        assert!(workers <= 1 << 16, "{workers} workers: at most 65,536 can be told apart");
        let cpus = seating(machine);
        assert!(!cpus.is_empty(), "a machine has a processor");
        let chosen: Vec<usize> =
            (0..workers.max(1)).map(|worker| cpus[worker % cpus.len()]).collect();
        let mut node_ids: Vec<NodeId> =
            chosen.iter().map(|&cpu| machine.cpus()[cpu].node).collect();
        node_ids.sort_unstable();
        node_ids.dedup();
        let index = |id: NodeId| NodeIndex(small(node_ids.partition_point(|&other| other < id)));
        let seats: Vec<Seat> = (chosen.iter().map(|&position| &machine.cpus()[position]))
            .map(|cpu| Seat {
                cpu: cpu.id,
                node: index(cpu.node),
                complex: small(cpu.complex),
                core: small(cpu.core),
            })
            .collect();
        let mut on_node = vec![Vec::new(); node_ids.len()];
        for (worker, seat) in seats.iter().enumerate() {
            on_node[seat.node.0 as usize].push(WorkerId(small(worker)));
        }
        let distance = |from: NodeId, to: NodeId| machine.distance(from, to).unwrap_or(u32::MAX);
        let distances = (node_ids.iter())
            .flat_map(|&from| node_ids.iter().map(move |&to| distance(from, to)))
            .collect();
        let nearest = (node_ids.iter())
            .map(|&from| {
                let order = machine.nodes_by_distance(from);
                order.into_iter().filter(|id| node_ids.contains(id)).map(index).collect()
            })
            .collect();
        let numbers = (0..small(seats.len())).map(WorkerId);
        let circle = numbers.clone().chain(numbers).collect();
        let by_distance = Vec::new();
        let mut layout = Self { seats, node_ids, on_node, distances, nearest, by_distance, circle };
        layout.by_distance =
            (0..layout.workers()).map(|worker| layout.others(WorkerId(small(worker)))).collect();
        layout
    }

    /// The same workers with measured distances: `distance` answers on the scale of the ACPI table, where 10 is the latency within a node, or `None` where nothing was
    /// measured, as [`Latencies::distance`](turgo_machine::latency::Latencies::distance) does. All that goes by distance goes by these from now on.
    ///
    /// A measurement that differs from what was known by less than [`TOLERANCE`](turgo_machine::latency::TOLERANCE) is noise and changes nothing, nor does one within a node.
    ///
    /// ```
    /// use turgo_machine::topology::{NodeId, Topology};
    /// use turgo_sched::layout::{Layout, NodeIndex};
    /// let layout = Layout::new(&Topology::simulate("3x2")?, 6);
    /// let layout = layout.measured(|from, to| (from.0 + to.0 == 2).then_some(14));
    /// assert_eq!(layout.nearest(NodeIndex(0)), [0, 2, 1].map(NodeIndex));
    /// # Ok::<(), turgo_machine::topology::SpecError>(())
    /// ```
    #[must_use]
    pub fn measured(mut self, distance: impl Fn(NodeId, NodeId) -> Option<u32>) -> Self {
        let nodes = self.nodes();
        for from in 0..nodes {
            for to in (0..nodes).filter(|&to| to != from) {
                let known = &mut self.distances[from * nodes + to];
                let Some(measured) = distance(self.node_ids[from], self.node_ids[to]) else {
                    continue;
                };
                let difference = f64::from(measured.abs_diff(*known));
                let noise = f64::from(*known) * turgo_machine::latency::TOLERANCE;
                if difference > noise || mutant!("M2 noise is taken for a distance") {
                    *known = measured.max(LOCAL);
                }
            }
            if mutant!("M1 the firmware's order stays") {
                continue;
            }
            let row = &self.distances[from * nodes..][..nodes];
            // The sort keeps the order of those that are as far.
            self.nearest[from].sort_by_key(|to| (to.0 as usize != from, row[to.0 as usize]));
        }
        self.by_distance =
            (0..self.workers()).map(|worker| self.others(WorkerId(small(worker)))).collect();
        self
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.seats.len()
    }

    /// How many nodes have workers.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.node_ids.len()
    }

    /// Where a worker runs.
    ///
    /// # Panics
    ///
    /// Here and below, if there is no such worker or node.
    #[must_use]
    pub fn seat(&self, worker: WorkerId) -> Seat {
        self.seats[worker.0 as usize]
    }

    /// A worker's node.
    #[must_use]
    pub fn node(&self, worker: WorkerId) -> NodeIndex {
        self.seat(worker).node
    }

    /// The machine's own number of a node.
    #[must_use]
    pub fn node_id(&self, node: NodeIndex) -> NodeId {
        self.node_ids[node.0 as usize]
    }

    /// The node with this number of the machine's, if it has workers.
    #[must_use]
    pub fn node_index(&self, id: NodeId) -> Option<NodeIndex> {
        self.node_ids.binary_search(&id).ok().map(|position| NodeIndex(small(position)))
    }

    /// The workers of a node, ascending.
    #[must_use]
    pub fn on_node(&self, node: NodeIndex) -> &[WorkerId] {
        &self.on_node[node.0 as usize]
    }

    /// How far `to` is from `from`, in the unit of the ACPI table: 10 within a node.
    #[must_use]
    pub fn distance(&self, from: NodeIndex, to: NodeIndex) -> u32 {
        self.distances[from.0 as usize * self.nodes() + to.0 as usize]
    }

    /// All nodes, the nearest first; `from` itself is the first of all.
    #[must_use]
    pub fn nearest(&self, from: NodeIndex) -> &[NodeIndex] {
        &self.nearest[from.0 as usize]
    }

    /// All workers but `from`, the nearest first: threads of its core, its cache, its node, then node by node with the distance. Among equals those
    /// that follow `from` in number come first, so that neighbours do not all look at the same one.
    #[must_use]
    pub fn by_distance(&self, from: WorkerId) -> &[WorkerId] {
        &self.by_distance[from.0 as usize]
    }

    /// A [simulated machine](turgo_machine::topology::Spec) in a few words, on which as many workers are spread over as many nodes that are as far apart, in the order of their ids here. What they share
    /// within a node is not in it. Where that cannot be said (beyond 64 nodes, say), it is a machine of one node.
    ///
    /// ```
    /// use turgo_machine::topology::Topology;
    /// use turgo_sched::layout::Layout;
    /// let spec = |machine: &str, workers| Ok(Layout::new(&Topology::simulate(machine)?, workers).spec());
    /// assert_eq!(spec("4x16,ring,memory=1GiB", 6)?, "4x2,ring");
    /// assert_eq!(spec("2x8x2,distances=10-15/17-10", 16)?, "2x8,distances=10-15/17-10");
    /// # Ok::<(), turgo_machine::topology::SpecError>(())
    /// ```
    #[must_use]
    pub fn spec(&self) -> String {
        let nodes = self.nodes();
        let seats = self.on_node.iter().map(Vec::len).max().unwrap_or(1);
        let shape = format!("{nodes}x{seats}");
        let distance = |from: usize, to: usize| match self.distances[from * nodes + to] {
            _ if from == to => LOCAL,
            distance => distance.clamp(LOCAL + 1, DISTANCE_MAX),
        };
        let row = |from| -> String {
            let row: Vec<String> = (0..nodes).map(|to| distance(from, to).to_string()).collect();
            row.join("-")
        };
        let rows: Vec<String> = (0..nodes).map(row).collect();
        let distances = format!("{shape},distances={}", rows.join("/"));
        let is_same = |spec: &String| {
            let Ok(machine) = Topology::simulate(spec) else { return false };
            let is_as_far = |from: usize, to: usize| {
                let (there, here) = (NodeId(small(to)), NodeId(small(from)));
                machine.distance(here, there) == Some(distance(from, to))
            };
            (0..nodes).all(|from| (0..nodes).all(|to| is_as_far(from, to)))
        };
        let simple = [shape.clone(), format!("{shape},ring")];
        let found = simple.into_iter().chain([distances]).find(is_same);
        found.unwrap_or_else(|| format!("1x{}", self.workers()))
    }

    /// All workers but `from` by number, those that follow it first.
    #[must_use]
    pub fn by_number(&self, from: WorkerId) -> &[WorkerId] {
        &self.circle[from.0 as usize + 1..][..self.workers() - 1]
    }

    fn others(&self, from: WorkerId) -> Vec<WorkerId> {
        let here = self.seat(from);
        let mut others = Vec::with_capacity(self.workers() - 1);
        for &node in self.nearest(here.node) {
            let workers = self.on_node(node);
            let (before, after) = workers.split_at(workers.partition_point(|&other| other <= from));
            others.extend(after.iter().chain(before).filter(|&&other| other != from));
        }
        // Only on its own node some are nearer than others.
        let peers = self.on_node(here.node).len() - 1;
        others[..peers].sort_by_key(|&other| {
            let seat = self.seat(other);
            (seat.complex != here.complex, seat.core != here.core)
        });
        others
    }
}

/// Positions of the processors in the order in which workers get them.
fn seating(machine: &Topology) -> Vec<usize> {
    let cpus = machine.cpus();
    let mut taken = std::collections::BTreeMap::new();
    let mut keys: Vec<(usize, usize, NodeId, usize)> = Vec::with_capacity(cpus.len());
    for (position, cpu) in cpus.iter().enumerate() {
        let turn = taken.entry((cpu.node, cpu.thread)).or_insert(0usize);
        keys.push((cpu.thread, *turn, cpu.node, position));
        *turn += 1;
    }
    keys.sort_unstable();
    keys.into_iter().map(|(.., position)| position).collect()
}

/// A position as the 32-bit number that ids are.
pub(crate) fn small(position: usize) -> u32 {
    u32::try_from(position)
        .expect("there are fewer than 2^32 processors, and fewer than 2^32 tasks")
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::new(&Topology::simulate("4x2,ring").expect("a machine"), 8)
    }

    #[test]
    fn others_come_by_distance_and_then_in_turn() {
        for (machine, workers) in [("1x1", 1), ("2x4", 8), ("4x2,ring", 5), ("3x2", 20)] {
            let layout = Layout::new(&Topology::simulate(machine).expect("a machine"), workers);
            for from in (0..small(workers)).map(WorkerId) {
                let here = layout.seat(from);
                let mut expected: Vec<WorkerId> = (1..small(workers))
                    .map(|step| WorkerId((from.0 + step) % small(workers)))
                    .collect();
                expected.sort_by_key(|&other| {
                    let seat = layout.seat(other);
                    let near = layout.nearest(here.node).iter().position(|&node| node == seat.node);
                    let is_own = near == Some(0);
                    let apart = (seat.complex != here.complex, seat.core != here.core);
                    (near, is_own.then_some(apart))
                });
                assert_eq!(layout.by_distance(from), expected, "M1: {machine} {from:?}");
            }
        }
    }

    #[test]
    fn what_is_measured_as_nearer_comes_first() {
        let layout = layout();
        let neighbour = layout.nearest(NodeIndex(0))[1];
        let far = NodeIndex(2);
        assert_ne!(neighbour, far, "across the ring");
        // The firmware is wrong: across the ring is nearer than anything else.
        let is_across = |from: NodeId, to: NodeId| (from.0 + 2) % 4 == to.0;
        let layout = layout.measured(|from, to| is_across(from, to).then_some(11));
        assert_eq!(layout.nearest(NodeIndex(0))[..2], [NodeIndex(0), far], "M1");
        let nodes: Vec<NodeIndex> =
            (layout.by_distance(WorkerId(0)).iter()).map(|&other| layout.node(other)).collect();
        assert_eq!(nodes[..3], [NodeIndex(0), far, far], "M1: and so do its workers");
    }

    #[test]
    fn what_is_measured_as_nearly_the_same_changes_nothing() {
        let before = layout();
        // Five hundredths more or less, in turn: less than noise may be.
        let noisy = |from: NodeId, to: NodeId| {
            let (from, to) = (NodeIndex(from.0), NodeIndex(to.0));
            let known = before.distance(from, to);
            Some(if (from.0 + to.0) % 2 == 0 { known - 1 } else { known + 1 })
        };
        let after = layout().measured(noisy);
        for from in (0..4).map(NodeIndex) {
            assert_eq!(after.nearest(from), before.nearest(from), "M2");
            for to in (0..4).map(NodeIndex) {
                assert_eq!(after.distance(from, to), before.distance(from, to), "M2");
            }
        }
    }
}

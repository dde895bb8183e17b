//! How long a processor waits for each node's memory, measured.
//!
//! A probe follows pointers in a random circle through more memory than the caches hold: each address is known only when the one
//! before has arrived, so neither the processor nor its prefetchers can run ahead, and a step takes as long as the memory. It says what
//! firmware's distances leave out: HMAT names the best processors of a node only, and many tables are made up.
//!
//! The first touch of cold memory, timed once, measures page faults instead; streaming through it measures the prefetcher.
//!
//! # Invariants
//!
//! - **P1** The circle goes through every line once: a shorter one would fit into a cache.
//! - **P2** A figure counts only if the pages were on the node when it was taken, and the thread on the processor.
//! - **P3** A pair takes no longer than its budget and one window of [`HOPS`] steps, by the clock it is given; one that does not move, such as that of a
//!   virtual time, is found out after [`STILL_MAX`] windows. A node takes the time to fill its memory besides, about a tenth of a second for 64 MiB.
//! - **P4** Differences below [`TOLERANCE`] are noise: among nodes so alike, firmware's nearest is preferred.

use std::fmt;
use std::time::Duration;

use crate::affinity;
use crate::clock::Clock;
use crate::numa::{NodeMemory, Numa, Pages, Placement, Verified};
use crate::topology::{CpuId, NodeId, Topology};

/// Steps between two looks at the clock.
pub const HOPS: usize = 2048;

/// The part of a latency below which a difference says nothing.
pub const TOLERANCE: f64 = 0.1;

/// Windows in which the clock may stand still, some milliseconds by any other.
pub const STILL_MAX: usize = 1024;

/// Bytes between the places that the circle goes through.
const LINE_BYTES: usize = 64;

const WORDS_OF_LINE: usize = LINE_BYTES / size_of::<u64>();

/// What to measure, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The processors to measure from.
    pub cpus: Vec<CpuId>,
    /// Time for each processor and node.
    pub budget: Duration,
    /// Bytes to go through in each node; the last-level cache should hold a small part of them.
    pub bytes: usize,
}

impl Probe {
    /// From one processor of each core complex, since others of it see the same: 20 ms for each node, and memory of four times the largest cache,
    /// between 8 and 256 MiB.
    #[must_use]
    pub fn each_complex(machine: &Topology) -> Self {
        let cpus = machine.complexes().iter().filter_map(|complex| complex.cpus.first()).collect();
        let largest =
            machine.caches().iter().filter_map(|cache| cache.size_bytes).max().unwrap_or(0);
        let bytes = largest.saturating_mul(4).clamp(8 << 20, 256 << 20);
        Self { cpus, budget: Duration::from_millis(20), bytes: bytes as usize }
    }

    /// From every processor.
    #[must_use]
    pub fn each_cpu(machine: &Topology) -> Self {
        let cpus = machine.cpus().iter().map(|cpu| cpu.id).collect();
        Self { cpus, ..Self::each_complex(machine) }
    }

    /// Measures, node by node, with the calling thread on one processor after another; it is where it was at the end. With a clock that nobody moves
    /// meanwhile every pair is [`Unmeasured::Clock`].
    #[must_use]
    pub fn run(&self, machine: &Topology, numa: &Numa, clock: &Clock) -> Latencies {
        let nodes: Vec<NodeId> = numa.nodes().iter().collect();
        let mut cells = vec![Err(Unmeasured::Memory); self.cpus.len() * nodes.len()];
        for (column, &node) in nodes.iter().enumerate() {
            let Ok(circle) = Circle::on(numa, node, self.bytes) else { continue };
            for (row, &cpu) in self.cpus.iter().enumerate() {
                cells[row * nodes.len() + column] = self.pair(&circle, cpu, clock);
            }
        }
        let homes = self.cpus.iter().map(|&cpu| machine.cpu(cpu).map(|cpu| cpu.node)).collect();
        Latencies { cpus: self.cpus.clone(), homes, nodes, cells }
    }

    fn pair(&self, circle: &Circle, cpu: CpuId, clock: &Clock) -> Result<f64, Unmeasured> {
        let _pinned = affinity::pin(cpu).map_err(|_| Unmeasured::Processor)?;
        let found = circle.memory.verify().map_err(|_| Unmeasured::Unverified)?;
        if !all_placed(found) {
            return Err(Unmeasured::Elsewhere);
        }
        circle.step_ns(self.budget, clock)
    }
}

/// Whether every page is where it should be (P2).
fn all_placed(found: Verified) -> bool {
    found.elsewhere == 0 && found.absent == 0 || crate::mutant!("P2 pages anywhere count")
}

/// Why a processor's latency to a node is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmeasured {
    /// The thread cannot be put on the processor.
    Processor,
    /// The node has no room for the memory.
    Memory,
    /// The kernel does not say where the pages are.
    Unverified,
    /// The pages are on another node.
    Elsewhere,
    /// The clock stands still.
    Clock,
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Processor => "no thread can be put there",
            Self::Memory => "no memory on that node",
            Self::Unverified => "the kernel does not say where pages are",
            Self::Elsewhere => "the kernel put pages on another node",
            Self::Clock => "the clock stands still",
        })
    }
}

/// Latencies of memory by processor and node.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies {
    cpus: Vec<CpuId>,
    /// The node of each processor, where the machine has that processor.
    homes: Vec<Option<NodeId>>,
    nodes: Vec<NodeId>,
    /// Nanoseconds, row by row.
    cells: Vec<Result<f64, Unmeasured>>,
}

/// Two nodes whose order is not firmware's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disagreement {
    /// Where it was measured.
    pub cpu: CpuId,
    /// The node that firmware calls nearer, and its latency in nanoseconds.
    pub said_nearer: (NodeId, f64),
    /// The node that is nearer by more than [`TOLERANCE`], and its latency in nanoseconds.
    pub measured_nearer: (NodeId, f64),
}

impl Latencies {
    /// The processors it was measured from.
    #[must_use]
    pub fn cpus(&self) -> &[CpuId] {
        &self.cpus
    }

    /// The nodes it was measured to.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Whether there is something to compare: on one node there is not, and [`preferred`](Self::preferred) and [`distance`](Self::distance)
    /// only repeat it.
    #[must_use]
    pub fn tells_nodes_apart(&self) -> bool {
        self.rows().any(|(_, row)| row.iter().filter(|cell| cell.is_ok()).count() > 1)
    }

    /// Nanoseconds a processor waits for memory of a node, misses of the translation cache included.
    ///
    /// # Errors
    ///
    /// Why it was not measured.
    pub fn latency_ns(&self, cpu: CpuId, node: NodeId) -> Result<f64, Unmeasured> {
        let row = self.row(cpu).ok_or(Unmeasured::Processor)?;
        let column = self.nodes.iter().position(|id| *id == node).ok_or(Unmeasured::Memory)?;
        row[column]
    }

    /// The node whose memory a processor should use: the fastest, and among those within [`TOLERANCE`] of it the one that the machine calls nearest (P4). `None`
    /// where nothing was measured.
    #[must_use]
    pub fn preferred(&self, machine: &Topology, cpu: CpuId) -> Option<NodeId> {
        let row = self.row(cpu)?;
        let known =
            || self.nodes.iter().zip(row).filter_map(|(node, ns)| Some((*node, (*ns).ok()?)));
        let best = known().map(|(_, ns)| ns).fold(f64::INFINITY, f64::min);
        let tolerance = if crate::mutant!("P4 noise decides") { 0.0 } else { TOLERANCE };
        let home = machine.cpu(cpu)?.node;
        let alike = known().filter(|(_, ns)| *ns <= best * (1.0 + tolerance));
        alike.map(|(node, _)| node).min_by_key(|&node| (machine.distance(home, node), node))
    }

    /// A measured distance on firmware's scale: 10 is the latency within the node, 20 twice that. The mean over the node's processors; `None` where
    /// either was not measured.
    #[must_use]
    pub fn distance(&self, from: NodeId, to: NodeId) -> Option<u32> {
        let (local, remote) = (self.mean_ns(from, from)?, self.mean_ns(from, to)?);
        Some((10.0 * remote / local).round() as u32)
    }

    /// Where what was measured contradicts the machine's distances by more than noise (P4).
    #[must_use]
    pub fn disagreements(&self, machine: &Topology) -> Vec<Disagreement> {
        let mut found = Vec::new();
        for (at, row) in self.rows() {
            let Some(home) = self.homes[at] else { continue };
            let known =
                self.nodes.iter().zip(row).filter_map(|(node, ns)| Some((*node, (*ns).ok()?)));
            let known: Vec<(NodeId, f64)> = known.collect();
            for &near in &known {
                let farther = |far: &&(NodeId, f64)| {
                    machine.distance(home, near.0) < machine.distance(home, far.0)
                        && far.1 * (1.0 + TOLERANCE) < near.1
                };
                found.extend(known.iter().filter(farther).map(|&far| Disagreement {
                    cpu: self.cpus[at],
                    said_nearer: near,
                    measured_nearer: far,
                }));
            }
        }
        found
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &[Result<f64, Unmeasured>])> {
        self.cells.chunks(self.nodes.len().max(1)).enumerate()
    }

    fn row(&self, cpu: CpuId) -> Option<&[Result<f64, Unmeasured>]> {
        let at = self.cpus.iter().position(|id| *id == cpu)?;
        self.cells.chunks(self.nodes.len().max(1)).nth(at)
    }

    fn mean_ns(&self, from: NodeId, to: NodeId) -> Option<f64> {
        let column = self.nodes.iter().position(|id| *id == to)?;
        let of_node = self.rows().filter(|(at, _)| self.homes[*at] == Some(from));
        let measured: Vec<f64> = of_node.filter_map(|(_, row)| row[column].ok()).collect();
        (!measured.is_empty()).then(|| measured.iter().sum::<f64>() / measured.len() as f64)
    }
}

/// Memory on a node in which each line holds the number of the next.
struct Circle {
    memory: NodeMemory,
    lines: usize,
}

impl Circle {
    /// Fills memory of a node.
    fn on(numa: &Numa, node: NodeId, bytes: usize) -> Result<Self, Unmeasured> {
        let placement = Placement::Node(node);
        let mut memory =
            numa.map_pages(bytes, placement, Pages::Huge).map_err(|_| Unmeasured::Memory)?;
        let lines = memory.len() / LINE_BYTES;
        let next = circle(lines);
        for (line, next) in memory.as_mut_slice().chunks_exact_mut(LINE_BYTES).zip(next) {
            line[..size_of::<u64>()].copy_from_slice(&next.to_ne_bytes());
        }
        Ok(Self { memory, lines })
    }

    /// Nanoseconds of a step: of the windows that fit into the budget, one that is faster than three quarters of them, because what else goes on
    /// can only make a window slower.
    fn step_ns(&self, budget: Duration, clock: &Clock) -> Result<f64, Unmeasured> {
        let mut windows = self.windows(budget, clock)?;
        windows.sort_unstable();
        Ok(windows[windows.len() / 4] as f64 / HOPS as f64)
    }

    /// What each window took in nanoseconds: as many as fit into the budget, and one (P3).
    fn windows(&self, budget: Duration, clock: &Clock) -> Result<Vec<u64>, Unmeasured> {
        let budget_ns = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
        let start = clock.now_ns();
        let mut at = self.steps(0);
        let mut windows = Vec::new();
        let mut before = clock.now_ns();
        loop {
            at = self.steps(at);
            let now = clock.now_ns();
            windows.push(now - before);
            before = now;
            if now == start && windows.len() >= STILL_MAX {
                return Err(Unmeasured::Clock);
            }
            let is_over = now - start >= budget_ns;
            if is_over && !(crate::mutant!("P3 a window past the end") && windows.len() == 1) {
                break;
            }
        }
        std::hint::black_box(at);
        Ok(windows)
    }

    /// Goes [`HOPS`] steps on from a line.
    fn steps(&self, mut at: u64) -> u64 {
        let (words, rest) = self.memory.as_slice().as_chunks::<{ size_of::<u64>() }>();
        debug_assert!(rest.is_empty(), "whole pages are whole words");
        for _ in 0..HOPS {
            debug_assert!((at as usize) < self.lines);
            at = u64::from_ne_bytes(words[at as usize * WORDS_OF_LINE]);
        }
        at
    }
}

/// A random circle through all of `count` places (P1), by Sattolo's algorithm: what follows each place.
fn circle(count: usize) -> Vec<u64> {
    let mut next: Vec<u64> = (0..count as u64).collect();
    // Xorshift (Marsaglia 2003): any sequence without a pattern that a prefetcher knows will do.
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for last in (1..count).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bound = if crate::mutant!("P1 several circles") { last + 1 } else { last };
        next.swap(last, (random % bound as u64) as usize);
    }
    next
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

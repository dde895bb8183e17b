//! Puts the parts of a machine together so that its groups nest (T1), whatever the parts say.

use std::collections::BTreeMap;

use super::ids::{CpuId, CpuSet};
use super::limits::Limits;
use super::{Cache, Complex, Cpu, Node, Note, Package, Topology};

/// A machine in parts.
pub(super) struct Parts {
    /// Upwards by number, at least one.
    pub(super) cpus: Vec<CpuPart>,
    /// Upwards by number, at least one; their processors are filled in here.
    pub(super) nodes: Vec<Node>,
    pub(super) distances: Option<Vec<u32>>,
    pub(super) caches: Vec<Cache>,
    pub(super) limits: Limits,
    pub(super) notes: Vec<Note>,
}

/// Where a processor is.
pub(super) struct CpuPart {
    pub(super) id: CpuId,
    /// Position in the nodes.
    pub(super) node: usize,
    /// The firmware's number.
    pub(super) package: u32,
    /// Smallest number among the threads of its core.
    pub(super) core: CpuId,
    /// Position in the caches of the last one before memory.
    pub(super) last_cache: Option<usize>,
}

impl Parts {
    pub(super) fn topology(mut self) -> Topology {
        debug_assert!(!self.cpus.is_empty(), "T2");
        debug_assert!(!self.nodes.is_empty(), "T3");
        let mut packages = Groups::default();
        let mut complexes = Groups::default();
        let mut cores = Groups::default();
        let mut cpus = Vec::with_capacity(self.cpus.len());
        for part in &self.cpus {
            let node = &mut self.nodes[part.node];
            node.cpus.insert(part.id);
            let (package, _) = packages.add(part.package, part.id);
            let shared =
                if crate::mutant!("T1 complexes reach over nodes") { 0 } else { part.node };
            let (complex, _) = complexes.add((package, shared, part.last_cache), part.id);
            let (core, thread) = cores.add((complex, part.core), part.id);
            cpus.push(Cpu { id: part.id, node: node.id, package, complex, core, thread });
        }
        let complex = |((_, _, cache), cpus): ((usize, usize, Option<usize>), CpuSet)| {
            let cache = cache.map(|at| &self.caches[at]);
            Complex {
                cpus,
                level: cache.map(|cache| cache.level),
                size_bytes: cache.and_then(|cache| cache.size_bytes),
            }
        };
        let complexes = complexes.list.into_iter().map(complex).collect();
        let mut caches = self.caches;
        caches.sort_by_key(|cache| (cache.level, cache.cpus.first()));
        Topology {
            cpus,
            cores: cores.list.into_iter().map(|(_, cpus)| cpus).collect(),
            complexes,
            packages: packages.list.into_iter().map(|(id, cpus)| Package { id, cpus }).collect(),
            nodes: self.nodes,
            caches,
            distances: self.distances,
            limits: self.limits,
            notes: self.notes,
        }
    }
}

/// Groups of processors by key, in the order of their first processors.
struct Groups<K> {
    list: Vec<(K, CpuSet)>,
    positions: BTreeMap<K, (usize, usize)>,
}

impl<K: Ord + Copy> Groups<K> {
    /// Puts a processor into the group of `key`; returns the group's position and how many were in it before.
    fn add(&mut self, key: K, cpu: CpuId) -> (usize, usize) {
        let (at, members) = self.positions.entry(key).or_insert((self.list.len(), 0));
        if *members == 0 {
            self.list.push((key, CpuSet::new()));
        }
        self.list[*at].1.insert(cpu);
        let before = *members;
        *members += 1;
        (*at, before)
    }
}

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self { list: Vec::new(), positions: BTreeMap::new() }
    }
}

//! Reads a [`Topology`] from the kernel's files.

use std::collections::BTreeMap;

use super::assemble::{CpuPart, Parts};
use super::files::Files;
use super::ids::{CpuId, CpuSet, Id, IdSet, NodeId, NodeSet, decimal};
use super::limits::{Limits, usable};
use super::{Cache, Memory, Node, Note, Performance, Topology, TopologyError};

const CPUS: &str = "sys/devices/system/cpu";
const NODES: &str = "sys/devices/system/node";

/// Caches of a processor that are looked at. There are four.
const CACHES_MAX: usize = 16;

/// Characters of a file that an error shows.
const SHOWN_MAX: usize = 60;

/// One reading.
pub(super) struct Reader<'a> {
    files: &'a dyn Files,
    /// How many processors there are where no file says.
    cpus_guess: usize,
    notes: Vec<Note>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(files: &'a dyn Files, cpus_guess: usize) -> Self {
        Self { files, cpus_guess, notes: Vec::new() }
    }

    pub(super) fn topology(mut self) -> Result<Topology, TopologyError> {
        let limits = Limits::read(&mut self)?;
        let online = self.online(&limits)?;
        let usable = usable(&mut self, online, &limits);
        let (nodes, lists) = self.nodes(&limits)?;
        let distances = self.distances(&nodes)?;
        let mut caches = Caches::default();
        let mut cpus = Vec::with_capacity(usable.len());
        for id in usable.iter() {
            let node = self.node_of(id, &lists);
            let package = self.package(id)?;
            let core = self.core(id)?;
            let last_cache = self.caches(id, &usable, &mut caches)?;
            cpus.push(CpuPart { id, node, package, core, last_cache });
        }
        let parts =
            Parts { cpus, nodes, distances, caches: caches.list, limits, notes: self.notes };
        Ok(parts.topology())
    }

    /// Processors that are online.
    fn online(&mut self, limits: &Limits) -> Result<CpuSet, TopologyError> {
        if let Some(online) = self.optional_list(&format!("{CPUS}/online"))?
            && !online.is_empty()
        {
            return Ok(online);
        }
        let file = format!("{CPUS}/online");
        let folders = self.files.numbered(CPUS, "cpu");
        let found: CpuSet =
            folders.into_iter().filter(|&cpu| cpu < CpuId::LIMIT).map(CpuId).collect();
        if !found.is_empty() {
            self.note(&file, "missing", "every processor with a folder is taken for online");
            return Ok(found);
        }
        if let Some(affinity) = limits.affinity.as_ref().filter(|set| !set.is_empty()) {
            self.note(&file, "missing", "the processors of the affinity are taken for online");
            return Ok(affinity.clone());
        }
        self.note(&file, "missing", "as many processors as the standard library counts");
        let count = self.cpus_guess.clamp(1, CpuId::LIMIT as usize) as u32;
        Ok((0..count).map(CpuId).collect())
    }

    /// Nodes that are online, and the processors each lists.
    fn nodes(&mut self, limits: &Limits) -> Result<(Vec<Node>, Vec<CpuSet>), TopologyError> {
        let file = format!("{NODES}/online");
        let mut ids: NodeSet = self.optional_list(&file)?.unwrap_or_default();
        if ids.is_empty() {
            let folders = self.files.numbered(NODES, "node");
            ids = folders.into_iter().filter(|&node| node < NodeId::LIMIT).map(NodeId).collect();
            let consequence =
                "every node with a folder is taken for online, else the machine is one node";
            self.note(&file, "missing", consequence);
        }
        if ids.is_empty() {
            let memory = self.memory("proc/meminfo", "not known")?;
            let id = NodeId(0);
            let node = Node { id, cpus: CpuSet::new(), memory, allowed: true, performance: None };
            return Ok((vec![node], vec![CpuSet::new()]));
        }
        let allowed = |id| {
            let holds = |set: &Option<NodeSet>| set.as_ref().is_none_or(|set| set.contains(id));
            holds(&limits.memory_affinity) && holds(&limits.cpuset_mems)
        };
        let heeded = ids.iter().any(allowed) && !crate::mutant!("T2 limits of memory ignored");
        let (mut nodes, mut lists) = (Vec::new(), Vec::new());
        for id in ids.iter() {
            let folder = format!("{NODES}/node{id}");
            let file = format!("{folder}/cpulist");
            let listed = self.needed(&file, "the node is taken for one without processors");
            lists.push(listed.map_or(Ok(CpuSet::new()), |text| self.list(&file, &text))?);
            nodes.push(Node {
                id,
                cpus: CpuSet::new(),
                memory: self.memory(&format!("{folder}/meminfo"), "its memory is not known")?,
                allowed: !heeded || allowed(id),
                performance: self.performance(&folder)?,
            });
        }
        Ok((nodes, lists))
    }

    fn memory(
        &mut self,
        file: &str,
        consequence: &'static str,
    ) -> Result<Option<Memory>, TopologyError> {
        let Some(text) = self.needed(file, consequence) else { return Ok(None) };
        let bytes = |field: &str| {
            let mut words = text.split_ascii_whitespace().skip_while(|word| *word != field).skip(1);
            let kilobytes: u64 = words.next()?.parse().ok()?;
            kilobytes.checked_mul(1024)
        };
        match (bytes("MemTotal:"), bytes("MemFree:")) {
            (Some(total_bytes), Some(free_bytes)) => Ok(Some(Memory { total_bytes, free_bytes })),
            _ => Err(self.error(file, &text, "`MemTotal:` and `MemFree:` in kB")),
        }
    }

    /// What firmware says of access from the best processors (`access1`), or from the best of all that can reach it (`access0`).
    fn performance(&mut self, folder: &str) -> Result<Option<Performance>, TopologyError> {
        for class in ["access1", "access0"] {
            let folder = format!("{folder}/{class}/initiators");
            let initiators = self.files.numbered(&folder, "node");
            let known = Performance {
                initiators: initiators
                    .into_iter()
                    .filter(|&n| n < NodeId::LIMIT)
                    .map(NodeId)
                    .collect(),
                read_latency_ns: self.optional_number(&format!("{folder}/read_latency"))?,
                write_latency_ns: self.optional_number(&format!("{folder}/write_latency"))?,
                read_bandwidth_mb_s: self.optional_number(&format!("{folder}/read_bandwidth"))?,
                write_bandwidth_mb_s: self.optional_number(&format!("{folder}/write_bandwidth"))?,
            };
            if known.read_latency_ns.is_some() || known.read_bandwidth_mb_s.is_some() {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// The matrix, row by row; `None` where it is not known or says nothing (T6).
    fn distances(&mut self, nodes: &[Node]) -> Result<Option<Vec<u32>>, TopologyError> {
        if nodes.len() < 2 {
            return Ok(None);
        }
        let mut distances = Vec::with_capacity(nodes.len() * nodes.len());
        for node in nodes {
            let file = format!("{NODES}/node{}/distance", node.id);
            let consequence = "nodes are taken to be equally far from each other";
            let Some(text) = self.needed(&file, consequence) else { return Ok(None) };
            let row: Option<Vec<u32>> = text.split_ascii_whitespace().map(decimal).collect();
            let whole = |row: &Vec<u32>| {
                row.len() == nodes.len() && row.iter().all(|distance| (1..=255).contains(distance))
            };
            let row = row.filter(whole).ok_or_else(|| {
                self.error(&file, &text, "a number from 1 to 255 for each node that is online")
            })?;
            distances.extend(row);
        }
        if distances.iter().all(|&distance| distance == distances[0])
            && !crate::mutant!("T6 equal distances believed")
        {
            let file = format!("{NODES}/node{}/distance", nodes[0].id);
            let fault = format!("all distances are {}", distances[0]);
            self.note(&file, &fault, "they say nothing and are not used");
            return Ok(None);
        }
        Ok(Some(distances))
    }

    /// Position of the node that lists the processor.
    fn node_of(&mut self, id: CpuId, lists: &[CpuSet]) -> usize {
        let mut listing = lists.iter().enumerate().filter(|(_, list)| list.contains(id));
        let first = listing.next().map(|(at, _)| at);
        if listing.next().is_some() {
            let fault = "several nodes list the same processor";
            self.note(&format!("{NODES}/node*/cpulist"), fault, "it belongs to the first");
        }
        if first.is_none() && lists.len() > 1 {
            let fault = "no node lists a processor that is online";
            self.note(&format!("{NODES}/node*/cpulist"), fault, "it belongs to the first node");
        }
        first.unwrap_or(0)
    }

    /// The firmware's number of the socket; some virtual machines say -1.
    fn package(&mut self, id: CpuId) -> Result<u32, TopologyError> {
        let file = format!("{CPUS}/cpu{id}/topology/physical_package_id");
        let Some(text) = self.needed(&file, "taken for package 0") else { return Ok(0) };
        match text.trim() {
            "-1" => Ok(0),
            number => {
                decimal(number).ok_or_else(|| self.error(&file, number, "the number of a package"))
            }
        }
    }

    /// The smallest number among the threads of the processor's core.
    fn core(&mut self, id: CpuId) -> Result<CpuId, TopologyError> {
        let folder = format!("{CPUS}/cpu{id}/topology");
        let siblings = match self.optional_list::<CpuId>(&format!("{folder}/core_cpus_list"))? {
            Some(siblings) => Some(siblings),
            // The name before Linux 5.2.
            None => self.optional_list(&format!("{folder}/thread_siblings_list"))?,
        };
        if siblings.is_none() {
            let file = format!("{folder}/core_cpus_list");
            self.note(&file, "missing", "each processor is taken for a core");
        }
        Ok(siblings.filter(|set| set.contains(id)).and_then(|set| set.first()).unwrap_or(id))
    }

    /// Adds the processor's data caches; returns the position of the last one before memory.
    fn caches(
        &mut self,
        id: CpuId,
        usable: &CpuSet,
        caches: &mut Caches,
    ) -> Result<Option<usize>, TopologyError> {
        let folder = format!("{CPUS}/cpu{id}/cache");
        let mut last: Option<usize> = None;
        for index in self.files.numbered(&folder, "index").into_iter().take(CACHES_MAX) {
            let folder = format!("{folder}/index{index}");
            if self
                .optional(&format!("{folder}/type"))
                .is_some_and(|kind| kind.trim() == "Instruction")
            {
                continue;
            }
            let Some(level) = self.optional_number(&format!("{folder}/level"))? else { continue };
            let level = u32::try_from(level).unwrap_or(u32::MAX);
            let shared = self.optional_list::<CpuId>(&format!("{folder}/shared_cpu_list"))?;
            let mut cpus = shared.unwrap_or_default().intersection(usable);
            cpus.insert(id);
            let at = match caches.position(level, &cpus) {
                Some(at) => at,
                None => caches.add(Cache {
                    level,
                    size_bytes: self.size(&format!("{folder}/size"))?,
                    line_bytes: self
                        .optional_number(&format!("{folder}/coherency_line_size"))?
                        .and_then(|bytes| u32::try_from(bytes).ok()),
                    cpus,
                }),
            };
            let deeper = |last: usize| {
                if crate::mutant!("T1 complexes by the first cache") {
                    caches.list[last].level > level
                } else {
                    caches.list[last].level < level
                }
            };
            if last.is_none_or(deeper) {
                last = Some(at);
            }
        }
        if last.is_none() {
            let consequence = "the processors of a node and package are taken to share a cache";
            self.note(&folder, "missing or without a cache", consequence);
        }
        Ok(last)
    }

    /// Bytes of a cache, written as `32768K`.
    fn size(&mut self, file: &str) -> Result<Option<u64>, TopologyError> {
        let Some(text) = self.optional(file) else { return Ok(None) };
        let text = text.trim();
        let digits = text.trim_end_matches(['K', 'M', 'G']);
        let shift = match &text[digits.len()..] {
            "" => Some(0),
            "K" => Some(10),
            "M" => Some(20),
            "G" => Some(30),
            _ => None,
        };
        let number = decimal(digits);
        match (number, shift) {
            (Some(number), Some(shift)) => Ok(Some(u64::from(number) << shift)),
            _ => Err(self.error(file, text, "a size such as 32768K")),
        }
    }

    /// A file that may be absent.
    pub(super) fn optional(&mut self, file: &str) -> Option<String> {
        match self.files.text(file) {
            Ok(text) => text,
            Err(error) => {
                self.note(file, &format!("cannot be read ({error})"), "taken for absent");
                None
            }
        }
    }

    /// A file that every kernel has; a note says what is done without it.
    fn needed(&mut self, file: &str, consequence: &'static str) -> Option<String> {
        let text = self.optional(file);
        if text.is_none() {
            self.note(file, "missing", consequence);
        }
        text
    }

    /// A list of numbers in a file that may be absent.
    pub(super) fn optional_list<I: Id>(
        &mut self,
        file: &str,
    ) -> Result<Option<IdSet<I>>, TopologyError> {
        self.optional(file).map(|text| self.list(file, &text)).transpose()
    }

    /// A list of numbers.
    pub(super) fn list<I: Id>(&self, file: &str, text: &str) -> Result<IdSet<I>, TopologyError> {
        IdSet::parse(text).ok_or_else(|| self.error(file, text, "a list of numbers such as 0-3,8"))
    }

    fn optional_number(&mut self, file: &str) -> Result<Option<u64>, TopologyError> {
        let Some(text) = self.optional(file) else { return Ok(None) };
        let text = text.trim();
        text.parse().map(Some).map_err(|_| self.error(file, text, "a number"))
    }

    pub(super) fn error(&self, file: &str, text: &str, expected: &'static str) -> TopologyError {
        let text = text.trim().chars().take(SHOWN_MAX).collect();
        TopologyError { file: file.to_owned(), text, expected }
    }

    /// Notes a fault; files of one kind with one fault share a note.
    pub(super) fn note(&mut self, file: &str, fault: &str, consequence: &'static str) {
        let same = |note: &&mut Note| {
            note.fault == fault && note.consequence == consequence && same_kind(&note.file, file)
        };
        match self.notes.iter_mut().find(same) {
            Some(note) => note.more += usize::from(note.file != file),
            None => self.notes.push(Note {
                file: file.to_owned(),
                more: 0,
                fault: fault.to_owned(),
                consequence,
            }),
        }
    }
}

/// Whether two paths differ in numbers only.
fn same_kind(a: &str, b: &str) -> bool {
    let letters = |path: &'_ str| path.replace(|c: char| c.is_ascii_digit(), "");
    letters(a) == letters(b)
}

/// Caches found so far.
#[derive(Default)]
struct Caches {
    list: Vec<Cache>,
    /// Positions by level and first processor: more than one only where the files contradict each other.
    positions: BTreeMap<(u32, Option<CpuId>), Vec<usize>>,
}

impl Caches {
    fn position(&self, level: u32, cpus: &CpuSet) -> Option<usize> {
        let positions = self.positions.get(&(level, cpus.first()))?;
        positions.iter().copied().find(|&at| self.list[at].cpus == *cpus)
    }

    fn add(&mut self, cache: Cache) -> usize {
        let at = self.list.len();
        self.positions.entry((cache.level, cache.cpus.first())).or_default().push(at);
        self.list.push(cache);
        at
    }
}

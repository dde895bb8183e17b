//! Machines that are made up, from a short string.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::assemble::{CpuPart, Parts};
use super::ids::{CpuId, CpuSet, Id, NodeId, decimal};
use super::limits::Limits;
use super::{Cache, Memory, Node, Topology};

/// A machine in a few words.
///
/// ```text
/// spec    = shape { "," option }
/// shape   = NODES "x" CORES [ "x" THREADS ]      cores of a node, threads of a core (1)
///         | "uma" [ ":" CORES ]                  one node: 1x8
///         | "dual" [ ":" CORES ]                 two sockets of 16 cores with two threads: 2x16x2
///         | "quad" [ ":" CORES ]                 four of them: 4x16x2
/// option  = "mesh"                               every node is next to every other: 21 (the default)
///         | "ring"                               nodes in a circle: 21 to the next, 10 more for each step, 254 at most
///         | "distances=" row { "/" row }         a row for each node: numbers from 10 to 254 with "-" between them
///         | "llc=" CORES                         cores that share a last-level cache (all of a node)
///         | "memory=" SIZE                       of each node: 512MiB, 64GiB, 2TiB (16GiB)
/// ```
///
/// A node is a package of its own. Processors are numbered as Linux does it: first a thread of every core, node by node, then the second
/// threads in the same order. A core has a cache of 32 KiB and one of 1 MiB, and a last-level cache has 2 MiB for each core.
///
/// [`Display`](fmt::Display) writes the shortest string that reads as the same machine.
///
/// ```
/// use turgo_machine::topology::Spec;
/// let spec: Spec = "dual:8,memory=32768MiB".parse()?;
/// assert_eq!(spec.to_string(), "2x8x2,memory=32GiB");
/// assert_eq!(spec.topology().cpus().len(), 32);
/// # Ok::<(), turgo_machine::topology::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    nodes: u32,
    cores: u32,
    threads: u32,
    links: Links,
    /// Cores that share a last-level cache.
    shared: u32,
    memory_bytes: u64,
}

/// How far nodes are from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// Every node is next to every other.
    Mesh,
    /// Nodes in a circle.
    Ring,
    /// Row by row.
    Distances(Vec<u32>),
}

/// Why a string is no machine: what is wrong, where, and what would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    spec: String,
    at: Range<usize>,
    message: String,
    remedy: String,
}

impl SpecError {
    /// The bytes of the string that are at fault.
    #[must_use]
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would do.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = &self.spec[self.at.clone()];
        write!(f, "{} at {part:?} in {:?}: {}", self.message, self.spec, self.remedy)
    }
}

impl std::error::Error for SpecError {}

const CORES_UMA: u32 = 8;
const CORES_SOCKET: u32 = 16;
const MEMORY_BYTES: u64 = 16 << 30;
const NODES_MAX: u32 = 64;
const THREADS_MAX: u32 = 8;
const DISTANCE_HERE: u32 = 10;
const DISTANCE_NEXT: u32 = 21;
const DISTANCE_STEP: u32 = 10;
/// 255 stands for what cannot be reached.
const DISTANCE_MAX: u32 = 254;
const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

const SHAPES: &str = "write nodes x cores such as 4x16, or uma, dual, quad";
const OPTIONS: &str = "options are mesh, ring, distances=, llc= and memory=";

/// A string and the part of it that is looked at.
#[derive(Clone, Copy)]
struct Part<'a> {
    spec: &'a str,
    text: &'a str,
}

impl<'a> Part<'a> {
    /// Another part of the same string.
    fn with(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    fn error(self, message: impl Into<String>, remedy: impl Into<String>) -> SpecError {
        // Both are parts of one string: the difference of their addresses is a place in it.
        let start = self.text.as_ptr().addr() - self.spec.as_ptr().addr();
        let at = start..start + self.text.len();
        SpecError { spec: self.spec.to_owned(), at, message: message.into(), remedy: remedy.into() }
    }

    /// A number from 1 to `max`.
    fn number(self, what: &str, max: u32) -> Result<u32, SpecError> {
        let number = decimal(self.text);
        number.filter(|number| (1..=max).contains(number)).ok_or_else(|| {
            let digits = self.text.bytes().all(|byte| byte.is_ascii_digit());
            let message = match (self.text.is_empty(), digits) {
                (true, _) => format!("the number of {what} is missing"),
                (_, true) => format!("too many or too few {what}"),
                _ => format!("this is no number of {what}"),
            };
            self.error(message, format!("write a number from 1 to {max}"))
        })
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let whole = Part { spec, text: spec };
        let mut parts = spec.split(',').map(|text| whole.with(text));
        let shape = parts.next().unwrap_or(whole);
        let mut machine = Self::of_shape(shape)?;
        let (mut links, mut shared, mut memory) = (false, false, false);
        for part in parts {
            let (name, value) = part.text.split_once('=').unwrap_or((part.text, ""));
            let value =
                part.with(if value.is_empty() { &part.text[part.text.len()..] } else { value });
            let seen = match (name, part.text.contains('=')) {
                ("mesh" | "ring", false) => {
                    machine.links = if name == "mesh" { Links::Mesh } else { Links::Ring };
                    &mut links
                }
                ("distances", true) => {
                    machine.links = Links::Distances(distances(value, machine.nodes)?);
                    &mut links
                }
                ("llc", true) => {
                    machine.shared = value.number("cores", machine.cores)?;
                    &mut shared
                }
                ("memory", true) => {
                    machine.memory_bytes = size(value)?;
                    &mut memory
                }
                ("", false) => return Err(part.error("an option is missing", OPTIONS)),
                _ => return Err(part.error("there is no such option", OPTIONS)),
            };
            if std::mem::replace(seen, true) {
                return Err(part.error("this was said before", "say it once"));
            }
        }
        Ok(machine)
    }
}

impl Spec {
    fn of_shape(part: Part<'_>) -> Result<Self, SpecError> {
        let machine = |nodes, cores, threads| Self {
            nodes,
            cores,
            threads,
            links: Links::Mesh,
            shared: cores,
            memory_bytes: MEMORY_BYTES,
        };
        let (name, cores) = match part.text.split_once(':') {
            Some((name, cores)) => (name, Some(part.with(cores))),
            None => (part.text, None),
        };
        let cores_or = |default: u32| match cores {
            Some(part) => part.number("cores", CpuId::LIMIT / (4 * 2)),
            None => Ok(default),
        };
        match name {
            "uma" => return Ok(machine(1, cores_or(CORES_UMA)?, 1)),
            "dual" => return Ok(machine(2, cores_or(CORES_SOCKET)?, 2)),
            "quad" => return Ok(machine(4, cores_or(CORES_SOCKET)?, 2)),
            "" => return Err(part.error("the shape of the machine is missing", SHAPES)),
            _ => {}
        }
        let numbers: Vec<&str> = part.text.split('x').collect();
        if !part.text.starts_with(|first: char| first.is_ascii_digit())
            || !(2..=3).contains(&numbers.len())
        {
            return Err(part.error("this is no shape of a machine", SHAPES));
        }
        let nodes = part.with(numbers[0]).number("nodes", NODES_MAX)?;
        let cores = part.with(numbers[1]).number("cores", CpuId::LIMIT)?;
        let threads = match numbers.get(2) {
            Some(threads) => part.with(threads).number("threads of a core", THREADS_MAX)?,
            None => 1,
        };
        if nodes * cores * threads > CpuId::LIMIT {
            let message = format!("{} processors are too many", nodes * cores * threads);
            return Err(part.error(message, format!("at most {} in all", CpuId::LIMIT)));
        }
        Ok(machine(nodes, cores, threads))
    }

    /// The machine.
    #[must_use]
    pub fn topology(&self) -> Topology {
        let cores = self.nodes * self.cores;
        let mut caches = Vec::new();
        let mut last_caches = Vec::new();
        for core in 0..cores {
            let threads: CpuSet =
                (0..self.threads).map(|thread| CpuId(thread * cores + core)).collect();
            let (node, within) = (core / self.cores, core % self.cores);
            let group = within / self.shared;
            let first = node * self.cores + group * self.shared;
            if core == first {
                let count = self.shared.min(self.cores - group * self.shared);
                let members = (first..first + count)
                    .flat_map(|core| (0..self.threads).map(move |t| CpuId(t * cores + core)));
                caches.push(cache(3, u64::from(count) << 21, members.collect()));
            }
            last_caches.push(first);
            caches.push(cache(1, 32 << 10, threads.clone()));
            caches.push(cache(2, 1 << 20, threads));
        }
        let last = |first: u32| {
            caches
                .iter()
                .position(|cache| cache.level == 3 && cache.cpus.first() == Some(CpuId(first)))
        };
        let mut positions: Vec<Option<usize>> = Vec::new();
        for (core, &first) in last_caches.iter().enumerate() {
            positions.push(if core as u32 == first {
                last(first)
            } else {
                positions[first as usize]
            });
        }
        let cpus = (0..cores * self.threads).map(|cpu| {
            let core = cpu % cores;
            let node = core / self.cores;
            let last_cache = positions[core as usize];
            CpuPart {
                id: CpuId(cpu),
                node: node as usize,
                package: node,
                core: CpuId(core),
                last_cache,
            }
        });
        Parts {
            cpus: cpus.collect(),
            nodes: (0..self.nodes).map(|node| self.node(node)).collect(),
            distances: (self.nodes > 1).then(|| self.distances()),
            caches,
            limits: Limits::default(),
            notes: Vec::new(),
        }
        .topology()
    }

    fn node(&self, node: u32) -> Node {
        let bytes = self.memory_bytes;
        Node {
            id: NodeId(node),
            cpus: CpuSet::new(),
            memory: Some(Memory { total_bytes: bytes, free_bytes: bytes }),
            allowed: true,
            performance: None,
        }
    }

    fn distances(&self) -> Vec<u32> {
        if let Links::Distances(distances) = &self.links {
            return distances.clone();
        }
        let pairs = (0..self.nodes).flat_map(|from| (0..self.nodes).map(move |to| (from, to)));
        let distance = |(from, to): (u32, u32)| {
            let apart = from.abs_diff(to);
            let steps = match self.links {
                Links::Ring if crate::mutant!("spec: a ring without its last link") => apart,
                Links::Ring => apart.min(self.nodes - apart),
                _ => apart.min(1),
            };
            match steps {
                0 => DISTANCE_HERE,
                steps => (DISTANCE_NEXT + DISTANCE_STEP * (steps - 1)).min(DISTANCE_MAX),
            }
        };
        pairs.map(distance).collect()
    }
}

fn cache(level: u32, size_bytes: u64, cpus: CpuSet) -> Cache {
    Cache { level, size_bytes: Some(size_bytes), line_bytes: Some(64), cpus }
}

/// `10-21/21-10`.
fn distances(part: Part<'_>, nodes: u32) -> Result<Vec<u32>, SpecError> {
    let rows: Vec<Part<'_>> = part.text.split('/').map(|row| part.with(row)).collect();
    if rows.len() != nodes as usize {
        let message = format!("{} rows of distances for {nodes} nodes", rows.len());
        return Err(part.error(message, "write a row for each node, with / between rows"));
    }
    let mut distances = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        let count = row.text.split('-').count();
        if count != nodes as usize {
            let message = format!("{count} distances for {nodes} nodes");
            return Err(row.error(message, "write a number for each node, with - between numbers"));
        }
        for (to, text) in row.text.split('-').enumerate() {
            let valid = |distance: &u32| {
                (DISTANCE_HERE..=DISTANCE_MAX).contains(distance)
                    && (at == to) == (*distance == DISTANCE_HERE)
            };
            let distance = decimal(text).filter(valid).ok_or_else(|| {
                let remedy = "a node is 10 from itself, and 11 to 254 from others";
                row.with(text).error("this is no distance", remedy)
            })?;
            distances.push(distance);
        }
    }
    Ok(distances)
}

/// `64GiB`.
fn size(part: Part<'_>) -> Result<u64, SpecError> {
    let found = UNITS.iter().find_map(|(unit, shift)| Some((part.text.strip_suffix(unit)?, shift)));
    let bytes = found.and_then(|(digits, shift)| {
        let number = decimal(digits).filter(|number| *number > 0)?;
        u64::from(number).checked_shl(*shift).filter(|bytes| bytes >> shift == u64::from(number))
    });
    bytes.ok_or_else(|| {
        part.error("this is no size of memory", "write a size such as 512MiB or 64GiB")
    })
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.nodes, self.cores)?;
        if self.threads > 1 {
            write!(f, "x{}", self.threads)?;
        }
        match &self.links {
            Links::Mesh => {}
            Links::Ring => f.write_str(",ring")?,
            Links::Distances(distances) => {
                for (at, distance) in distances.iter().enumerate() {
                    let before = match (at, at % self.nodes as usize) {
                        (0, _) => ",distances=",
                        (_, 0) => "/",
                        _ => "-",
                    };
                    write!(f, "{before}{distance}")?;
                }
            }
        }
        if self.shared < self.cores {
            write!(f, ",llc={}", self.shared)?;
        }
        if self.memory_bytes != MEMORY_BYTES {
            let whole = |(_, shift): &&(&str, u32)| self.memory_bytes.trailing_zeros() >= *shift;
            let (unit, shift) = UNITS.iter().find(whole).unwrap_or(&UNITS[3]);
            write!(f, ",memory={}{unit}", self.memory_bytes >> shift)?;
        }
        Ok(())
    }
}

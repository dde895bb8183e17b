//! A machine for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use turgo_machine::topology::{Node, NodeSet, Topology};

/// A matrix of more nodes than these does not fit on a screen: then each node's neighbours are listed by distance.
const MATRIX_MAX: usize = 16;

/// Distances shown of a node in such a list.
const NEIGHBOURS_MAX: usize = 4;

/// Core complexes that are listed; of more, their number and size is said.
const COMPLEXES_MAX: usize = 32;

/// The whole machine.
pub(super) fn page(machine: &Topology, spec: Option<&str>) -> String {
    let mut out = String::new();
    if let Some(spec) = spec {
        line(&mut out, format_args!("simulated machine {spec}"));
    }
    let counts = [
        counted(machine.packages().len(), "package"),
        counted(machine.nodes().len(), "node"),
        counted(machine.complexes().len(), "core complex"),
        counted(machine.cores().len(), "core"),
        counted(machine.cpus().len(), "processor"),
    ];
    line(
        &mut out,
        format_args!("{}; at most {}", counts.join(", "), counted(machine.workers_max(), "worker")),
    );
    out += "\n";
    nodes(&mut out, machine);
    caches(&mut out, machine);
    complexes(&mut out, machine);
    distances(&mut out, machine);
    limits(&mut out, machine);
    for note in machine.notes() {
        line(&mut out, format_args!("note: {note}"));
    }
    out
}

fn nodes(out: &mut String, machine: &Topology) {
    let mut rows =
        vec![["node", "memory", "free", "latency", "bandwidth", "processors"].map(str::to_owned)];
    for node in machine.nodes() {
        let cpus = match node.cpus.is_empty() {
            true => "none".into(),
            false => node.cpus.to_string(),
        };
        let memory = |bytes: Option<u64>| match (node.allowed, bytes) {
            (false, _) => "not allowed".into(),
            (true, Some(bytes)) => size(bytes),
            (true, None) => "unknown".into(),
        };
        let known = node.performance.as_ref();
        rows.push([
            node.id.to_string(),
            memory(node.memory.map(|memory| memory.total_bytes)),
            memory(node.memory.map(|memory| memory.free_bytes)),
            known.and_then(|p| p.read_latency_ns).map_or("-".into(), |ns| format!("{ns} ns")),
            known.and_then(|p| p.read_bandwidth_mb_s).map_or("-".into(), |mb| format!("{mb} MB/s")),
            cpus,
        ]);
    }
    let performance = machine.nodes().iter().any(|node| node.performance.is_some());
    let shown: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let cells = row.into_iter().enumerate();
            cells
                .filter(|(at, _)| performance || !matches!(at, 3 | 4))
                .map(|(_, cell)| cell)
                .collect()
        })
        .collect();
    table(out, &shown);
    out.push('\n');
}

/// How many there are of each level and size.
fn caches(out: &mut String, machine: &Topology) {
    let mut kinds: BTreeMap<(u32, Option<u64>), usize> = BTreeMap::new();
    for cache in machine.caches() {
        *kinds.entry((cache.level, cache.size_bytes)).or_default() += 1;
    }
    let kind = |((level, bytes), count): (&(u32, Option<u64>), &usize)| {
        let size = bytes.map_or("of unknown size".into(), size);
        format!("L{level} {size} x{count}")
    };
    if !kinds.is_empty() {
        let list: Vec<String> = kinds.iter().map(kind).collect();
        line(out, format_args!("data caches: {}", list.join(", ")));
    }
}

/// Processors that share a cache, where that says more than the nodes do.
fn complexes(out: &mut String, machine: &Topology) {
    let complexes = machine.complexes();
    let same = |node: &Node| {
        complexes.iter().any(|complex| complex.cpus == node.cpus) || node.cpus.is_empty()
    };
    if machine.nodes().iter().all(same) {
        return;
    }
    if complexes.len() > COMPLEXES_MAX {
        let sizes = complexes.iter().map(|complex| complex.cpus.len());
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        let processors =
            if least == most { least.to_string() } else { format!("{least} to {most}") };
        line(out, format_args!("core complexes: {} of {processors} processors", complexes.len()));
        return;
    }
    let list: Vec<String> = complexes.iter().map(|complex| complex.cpus.to_string()).collect();
    line(out, format_args!("core complexes: {}", list.join(" | ")));
}

fn distances(out: &mut String, machine: &Topology) {
    let nodes = machine.nodes();
    if !machine.distances_known() {
        return;
    }
    out.push_str("\ndistances (10 is local)\n");
    if nodes.len() > MATRIX_MAX {
        neighbours(out, machine);
        return;
    }
    let ids = nodes.iter().map(|node| node.id.to_string());
    let mut rows = vec![std::iter::once("node".to_owned()).chain(ids).collect::<Vec<_>>()];
    for from in nodes {
        let distance = |to: &Node| machine.distance(from.id, to.id).unwrap_or_default().to_string();
        rows.push(std::iter::once(from.id.to_string()).chain(nodes.iter().map(distance)).collect());
    }
    table(out, &rows);
}

/// A line for each node: who is how far, the nearest first.
fn neighbours(out: &mut String, machine: &Topology) {
    for from in machine.nodes() {
        let mut by_distance: BTreeMap<u32, NodeSet> = BTreeMap::new();
        for to in machine.nodes().iter().filter(|to| to.id != from.id) {
            let distance = machine.distance(from.id, to.id).unwrap_or_default();
            by_distance.entry(distance).or_default().insert(to.id);
        }
        let near = by_distance
            .iter()
            .take(NEIGHBOURS_MAX)
            .map(|(distance, nodes)| format!("{distance} to {nodes}"));
        let mut list: Vec<String> = near.collect();
        let far: usize = by_distance.values().skip(NEIGHBOURS_MAX).map(NodeSet::len).sum();
        if let (1.., Some((farthest, _))) = (far, by_distance.last_key_value()) {
            list.push(format!("at most {farthest} to {far} others"));
        }
        line(out, format_args!("node {}: {}", from.id, list.join("; ")));
    }
}

/// What holds the process to less than the machine.
fn limits(out: &mut String, machine: &Topology) {
    let limits = machine.limits();
    let sets = [
        ("affinity: processors", limits.affinity.as_ref().map(ToString::to_string)),
        ("affinity: memory of nodes", limits.memory_affinity.as_ref().map(ToString::to_string)),
        ("control group: processors", limits.cpuset_cpus.as_ref().map(ToString::to_string)),
        ("control group: memory of nodes", limits.cpuset_mems.as_ref().map(ToString::to_string)),
        (
            "control group: processor time",
            limits.quota.map(|quota| format!("{} us in {} us", quota.used_us, quota.period_us)),
        ),
    ];
    let said: Vec<String> =
        sets.into_iter().filter_map(|(name, set)| Some(format!("{name} {}", set?))).collect();
    if !said.is_empty() {
        out.push_str("\nlimits\n");
    }
    for limit in said {
        line(out, format_args!("  {limit}"));
    }
}

/// Columns aligned to the right, but for the last where it is a list.
fn table(out: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let list = rows.first().and_then(|row| row.last()).is_some_and(|name| name == "processors");
    for row in rows {
        let mut text = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = match list && at + 1 == columns {
                true => cell.clone(),
                false => format!("{cell:>width$}"),
            };
            text += if at > 0 { "  " } else { "" };
            text += &cell;
        }
        line(out, format_args!("{}", text.trim_end()));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string takes all");
}

fn counted(count: usize, what: &str) -> String {
    let plural = match (count, what.ends_with('x')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{plural}")
}

/// Bytes in the largest unit of which there is at least one, with a decimal where it is not whole.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    match bytes.trailing_zeros() >= shift {
        true => format!("{} {unit}", bytes >> shift),
        false => format!("{:.1} {unit}", bytes as f64 / (1u64 << shift) as f64),
    }
}

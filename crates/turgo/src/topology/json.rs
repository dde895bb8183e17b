//! A machine for programs. Sets of processors and nodes are in the kernel's notation, `0-3,8`; numbers have their unit in the name.

use serde_json::{Value, json};
use turgo_machine::topology::{Limits, Node, Topology};

/// The whole machine.
pub(super) fn object(machine: &Topology, spec: Option<&str>) -> String {
    let cpus: Vec<Value> = machine
        .cpus()
        .iter()
        .map(|cpu| {
            json!({
                "id": cpu.id.0, "node": cpu.node.0, "package": cpu.package, "complex": cpu.complex,
                "core": cpu.core, "thread": cpu.thread,
            })
        })
        .collect();
    let caches = machine.caches().iter().map(|cache| {
        json!({
            "level": cache.level, "size_bytes": cache.size_bytes, "line_bytes": cache.line_bytes,
            "cpus": cache.cpus.to_string(),
        })
    });
    let complexes = machine.complexes().iter().map(|complex| {
        json!({
            "cpus": complex.cpus.to_string(), "cache_level": complex.level, "cache_size_bytes": complex.size_bytes,
        })
    });
    let packages = machine.packages().iter();
    let whole = json!({
        "simulated": spec,
        "workers_max": machine.workers_max(),
        "cpus": cpus,
        "cores": machine.cores().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "complexes": complexes.collect::<Vec<_>>(),
        "packages": packages.map(|package| json!({ "id": package.id, "cpus": package.cpus.to_string() })).collect::<Vec<_>>(),
        "nodes": machine.nodes().iter().map(node).collect::<Vec<_>>(),
        "caches": caches.collect::<Vec<_>>(),
        "distances": distances(machine),
        "limits": limits(machine.limits()),
        "notes": machine.notes().iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    format!("{whole:#}")
}

fn node(node: &Node) -> Value {
    let performance = node.performance.as_ref().map(|known| {
        json!({
            "initiators": known.initiators.to_string(),
            "read_latency_ns": known.read_latency_ns, "write_latency_ns": known.write_latency_ns,
            "read_bandwidth_mb_s": known.read_bandwidth_mb_s, "write_bandwidth_mb_s": known.write_bandwidth_mb_s,
        })
    });
    json!({
        "id": node.id.0,
        "cpus": node.cpus.to_string(),
        "memory_total_bytes": node.memory.map(|memory| memory.total_bytes),
        "memory_free_bytes": node.memory.map(|memory| memory.free_bytes),
        "memory_allowed": node.allowed,
        "performance": performance,
    })
}

/// Row by row in the order of the nodes; `null` where they are not known.
fn distances(machine: &Topology) -> Value {
    let row = |from: &Node| {
        let to = machine.nodes().iter().map(|to| machine.distance(from.id, to.id));
        to.collect::<Vec<_>>()
    };
    machine.distances_known().then(|| machine.nodes().iter().map(row).collect::<Vec<_>>()).into()
}

fn limits(limits: &Limits) -> Value {
    json!({
        "affinity": limits.affinity.as_ref().map(ToString::to_string),
        "memory_affinity": limits.memory_affinity.as_ref().map(ToString::to_string),
        "cpuset_cpus": limits.cpuset_cpus.as_ref().map(ToString::to_string),
        "cpuset_mems": limits.cpuset_mems.as_ref().map(ToString::to_string),
        "cpu_max": limits.quota.map(|quota| json!({ "used_us": quota.used_us, "period_us": quota.period_us })),
    })
}

//! Topologies from fixture trees, from strings, and from anything.

use super::*;

mod fixtures;
mod limits;
mod prop;
mod read;
mod spec;

/// What must hold of every topology (T1 to T5).
fn check(machine: &Topology) {
    assert!(!machine.cpus().is_empty(), "T2");
    assert!(machine.cpus().is_sorted_by(|a, b| a.id < b.id), "T2");
    assert!(machine.nodes().is_sorted_by(|a, b| a.id < b.id), "T3");
    assert!((1..=machine.cpus().len()).contains(&machine.workers_max()), "T5");
    for cpu in machine.cpus() {
        let core = &machine.cores()[cpu.core];
        let complex = &machine.complexes()[cpu.complex].cpus;
        let package = &machine.packages()[cpu.package].cpus;
        let node = &machine.node(cpu.node).expect("T1: a node that is there").cpus;
        assert_eq!(core.iter().position(|id| id == cpu.id), Some(cpu.thread), "T1");
        assert_eq!(core.intersection(complex), *core, "T1: a core in a complex");
        assert_eq!(complex.intersection(package), *complex, "T1: a complex in a package");
        assert_eq!(complex.intersection(node), *complex, "T1: a complex in a node");
    }
    let all = machine.cpus().len();
    assert_eq!(machine.cores().iter().map(CpuSet::len).sum::<usize>(), all, "T1");
    assert_eq!(machine.complexes().iter().map(|c| c.cpus.len()).sum::<usize>(), all, "T1");
    assert_eq!(machine.packages().iter().map(|p| p.cpus.len()).sum::<usize>(), all, "T1");
    assert_eq!(machine.nodes().iter().map(|n| n.cpus.len()).sum::<usize>(), all, "T1");
    let (first, last) = (&machine.nodes()[0], &machine.nodes()[machine.nodes().len() - 1]);
    assert!(machine.distance(first.id, last.id).is_some(), "T3");
    let order = machine.nodes_by_distance(last.id);
    assert_eq!((order.len(), order[0]), (machine.nodes().len(), last.id));
}

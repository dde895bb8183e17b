//! Circles, real memory, and what is made of figures from machines that are not here.

use super::*;
use crate::clock::VirtualTime;

#[test]
fn a_circle_goes_through_every_line() {
    for count in [1, 2, 3, 64, 1000, 4096] {
        let next = circle(count);
        let mut at = 0;
        for step in 1..=count {
            at = next[at as usize];
            assert_eq!(at == 0, step == count, "P1: back after {step} of {count}");
        }
    }
    let next = circle(1 << 14);
    let forward = next.iter().zip(1..).filter(|(next, after)| **next == *after).count();
    assert!(forward < 20, "a prefetcher would guess {forward} of {}", next.len());
}

#[test]
fn memory_is_slower_than_a_cache() {
    let machine = Topology::detect().expect("this kernel's files");
    let numa = Numa::new(&machine);
    let probe = Probe { budget: Duration::from_millis(100), ..Probe::each_complex(&machine) };
    let clock = Clock::real();
    let large = probe.run(&machine, &numa, &clock);
    let small = Probe { bytes: 16 << 10, ..probe.clone() }.run(&machine, &numa, &clock);
    let (cpu, node) = (large.cpus()[0], large.nodes()[0]);
    let of = |latencies: &Latencies| latencies.latency_ns(cpu, node).expect("measured");
    assert!(of(&small) > 0.1, "{} ns", of(&small));
    assert!(of(&large) > 3.0 * of(&small), "{} and {} ns", of(&large), of(&small));
    assert_eq!(large.preferred(&machine, cpu), machine.cpu(cpu).map(|cpu| cpu.node));
    if machine.nodes().len() == 1 {
        assert!(!large.tells_nodes_apart(), "one node says nothing about others");
        assert_eq!(large.distance(node, node), Some(10));
        assert_eq!(large.disagreements(&machine), []);
    }
}

#[test]
fn the_time_is_bounded() {
    // The clock stands still but for the budget that is used up before: one window is measured, and no more.
    let machine = Topology::detect().expect("this kernel's files");
    let numa = Numa::new(&machine);
    let node = numa.nodes().first().expect("a node with memory");
    let circle = Circle::on(&numa, node, 1 << 16).expect("memory");
    assert_eq!(circle.windows(Duration::ZERO, &VirtualTime::new().clock()), Ok(vec![0]), "P3");
    assert_eq!(circle.step_ns(Duration::ZERO, &VirtualTime::new().clock()), Ok(0.0));
    let clock = Clock::real();
    let probe = Probe {
        cpus: vec![machine.cpus()[0].id],
        budget: Duration::from_millis(5),
        bytes: 1 << 20,
    };
    let before = clock.now_ns();
    let latencies = probe.run(&machine, &numa, &clock);
    assert!(latencies.latency_ns(probe.cpus[0], node).is_ok());
    assert!(clock.now_ns() - before < 5_000_000_000, "P3");
    let still = probe.run(&machine, &numa, &VirtualTime::new().clock());
    assert_eq!(still.latency_ns(probe.cpus[0], node), Err(Unmeasured::Clock), "P3");
}

#[test]
fn what_cannot_be_measured_says_why() {
    let here = Topology::detect().expect("this kernel's files");
    let numa = Numa::new(&here);
    let probe = Probe { cpus: vec![CpuId(8191)], budget: Duration::ZERO, bytes: 1 << 16 };
    let nowhere = probe.run(&here, &numa, &Clock::real());
    let node = nowhere.nodes()[0];
    assert_eq!(nowhere.latency_ns(CpuId(8191), node), Err(Unmeasured::Processor));
    assert_eq!(nowhere.preferred(&here, CpuId(8191)), None);
    // Nodes of another machine: the kernel puts the pages on its own.
    let other = Topology::simulate("64x1").expect("a machine");
    let probe = Probe { cpus: vec![here.cpus()[0].id], ..probe };
    let latencies = probe.run(&other, &Numa::new(&other), &Clock::real());
    assert_eq!(latencies.latency_ns(probe.cpus[0], NodeId(63)), Err(Unmeasured::Elsewhere), "P2");
    assert_eq!(latencies.latency_ns(CpuId(77), NodeId(0)), Err(Unmeasured::Processor));
    assert_eq!(latencies.latency_ns(probe.cpus[0], NodeId(99)), Err(Unmeasured::Memory));
    assert!(!latencies.tells_nodes_apart());
}

/// Figures of a machine with a processor for each node.
fn figures(spec: &str, rows: &[&[f64]]) -> (Topology, Latencies) {
    let machine = Topology::simulate(spec).expect("a machine");
    let cells = rows.concat().into_iter();
    let cells = cells.map(|ns| if ns > 0.0 { Ok(ns) } else { Err(Unmeasured::Memory) }).collect();
    let latencies = Latencies {
        cpus: machine.cpus().iter().map(|cpu| cpu.id).collect(),
        homes: machine.cpus().iter().map(|cpu| Some(cpu.node)).collect(),
        nodes: machine.nodes().iter().map(|node| node.id).collect(),
        cells,
    };
    (machine, latencies)
}

#[test]
fn the_fastest_node_is_preferred_unless_it_is_noise() {
    let (machine, latencies) =
        figures("3x1", &[&[100.0, 95.0, 140.0], &[60.0, 100.0, 101.0], &[0.0, 0.0, 0.0]]);
    assert_eq!(latencies.preferred(&machine, CpuId(0)), Some(NodeId(0)), "P4");
    assert_eq!(latencies.preferred(&machine, CpuId(1)), Some(NodeId(0)));
    assert_eq!(latencies.preferred(&machine, CpuId(2)), None);
    assert!(latencies.tells_nodes_apart());
}

#[test]
fn what_is_measured_compares_with_firmware() {
    let (machine, latencies) = figures(
        "3x1,distances=10-16-22/16-10-16/22-16-10",
        &[&[100.0, 161.0, 219.0], &[200.0, 100.0, 150.0], &[230.0, 160.0, 90.0]],
    );
    assert_eq!(latencies.distance(NodeId(0), NodeId(1)), Some(16));
    assert_eq!(latencies.distance(NodeId(0), NodeId(2)), Some(22));
    assert_eq!(latencies.distance(NodeId(2), NodeId(2)), Some(10));
    assert_eq!(latencies.disagreements(&machine), []);
    let (machine, latencies) = figures(
        "3x1,distances=10-16-22/16-10-16/22-16-10",
        &[&[100.0, 300.0, 150.0], &[0.0, 100.0, 150.0], &[100.0, 95.0, 93.0]],
    );
    let expected = Disagreement {
        cpu: CpuId(0),
        said_nearer: (NodeId(1), 300.0),
        measured_nearer: (NodeId(2), 150.0),
    };
    assert_eq!(latencies.disagreements(&machine), [expected]);
    assert_eq!(latencies.distance(NodeId(1), NodeId(0)), None);
}

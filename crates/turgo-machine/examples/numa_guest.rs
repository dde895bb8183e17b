//! Placement on a machine of five nodes, as the first process of a virtual machine: started by `cargo xtask numa-guest`.
//!
//! The machine has four nodes with two processors and 256 MiB each, and a fifth of 128 MiB without a processor. Each check prints
//! `PASS` or `FAIL` with its name; the last line is `DONE`. An emulated machine has no faster and slower memory: this is about
//! *where* things are.

use std::alloc::Layout;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use turgo_machine::affinity;
use turgo_machine::barrier;
use turgo_machine::clock::Clock;
use turgo_machine::latency::Probe;
use turgo_machine::numa::{
    NodeSlabs, Numa, PagePlace, Pages, Placement, Policy, Refusals, Verified, node_of,
    thread_policy,
};
use turgo_machine::topology::{CpuId, NodeId, Topology};

const PAGE: usize = 4096;

/// What the virtual machine was started with.
const DISTANCES: [[u32; 5]; 5] = [
    [10, 16, 16, 22, 28],
    [16, 10, 22, 16, 28],
    [16, 22, 10, 16, 28],
    [22, 16, 16, 10, 28],
    [28, 28, 28, 28, 10],
];

type Check = (&'static str, fn(&Topology, &Numa));

const CHECKS: [Check; 14] = [
    ("topology: nodes, processors, packages", nodes_and_processors),
    ("topology: distances (SLIT)", distances),
    ("topology: latency and bandwidth (HMAT)", performance),
    ("topology: memory of each node", memory_of_nodes),
    ("affinity: a thread runs where it is pinned", pinned),
    ("numa: strict placement lands on each node", strict_placement),
    ("numa: nearest placement lands on each node", nearest_placement),
    ("numa: first touch from each processor lands on its node", first_touch),
    ("numa: pages move to each node", moved_pages),
    ("numa: interleaved pages are spread evenly", interleaved),
    ("numa: a thread's policy", policy_of_thread),
    ("numa: huge pages are on one node", huge_pages),
    ("slabs: blocks are on their node", slabs),
    ("latency: a probe of every pair, and a fence that knows its cost", probe),
];

fn main() {
    let guest = std::process::id() == 1;
    if guest {
        mount("proc", c"/proc", c"proc");
        mount("sysfs", c"/sys", c"sysfs");
    }
    let machine = Topology::detect().expect("this kernel's files");
    for note in machine.notes() {
        println!("NOTE {note}");
    }
    let numa = Numa::new(&machine);
    for (name, check) in CHECKS {
        // The hook prints where and why.
        let passed = panic::catch_unwind(AssertUnwindSafe(|| check(&machine, &numa))).is_ok();
        println!("{} {name}", if passed { "PASS" } else { "FAIL" });
    }
    let statistics = numa.statistics();
    println!("NOTE refusals {:?}, remote pages {}", statistics.refusals, statistics.remote_pages);
    if guest {
        // It prints its own lines; this one is for an end before all of them.
        let ended = std::process::Command::new("/placement").status();
        println!("NOTE the checks of turgo-sched ended: {ended:?}");
        if !ended.is_ok_and(|status| status.success()) {
            println!("FAIL sched: its checks come to their end");
        }
    }
    println!("DONE");
    if guest {
        // SAFETY: the first process of a virtual machine without a disk: there is nothing to lose.
        unsafe { libc::reboot(libc::RB_POWER_OFF) };
    }
}

/// Shows a file system of the kernel.
fn mount(name: &str, at: &std::ffi::CStr, kind: &std::ffi::CStr) {
    std::fs::create_dir_all(at.to_string_lossy().as_ref()).expect("a folder");
    // SAFETY: the strings end with 0 and live until the call returns.
    let done =
        unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, std::ptr::null()) };
    assert_eq!(done, 0, "{name}: {}", std::io::Error::last_os_error());
}

fn nodes_and_processors(machine: &Topology, _: &Numa) {
    let nodes: Vec<String> = machine.nodes().iter().map(|node| node.cpus.to_string()).collect();
    assert_eq!(nodes, ["0-1", "2-3", "4-5", "6-7", ""]);
    assert_eq!(
        (machine.packages().len(), machine.complexes().len(), machine.cores().len()),
        (4, 4, 8)
    );
    assert_eq!(machine.complexes()[2].cpus.to_string(), "4-5");
    assert_eq!(machine.workers_max(), 8);
    assert_eq!(machine.notes(), []);
}

fn distances(machine: &Topology, _: &Numa) {
    assert!(machine.distances_known());
    for (from, row) in (0..).zip(DISTANCES) {
        for (to, distance) in (0..).zip(row) {
            assert_eq!(
                machine.distance(NodeId(from), NodeId(to)),
                Some(distance),
                "{from} to {to}"
            );
        }
    }
    let order: Vec<u32> = machine.nodes_by_distance(NodeId(3)).iter().map(|node| node.0).collect();
    assert_eq!(order, [3, 1, 2, 0, 4]);
}

fn performance(machine: &Topology, _: &Numa) {
    for node in machine.nodes() {
        let known = node.performance.as_ref().expect("HMAT");
        let (latency, bandwidth) = if node.cpus.is_empty() { (280, 5_120) } else { (100, 10_240) };
        assert_eq!(known.read_latency_ns, Some(latency), "{known:?}");
        assert_eq!(known.read_bandwidth_mb_s, Some(bandwidth), "{known:?}");
        assert!(!known.initiators.is_empty(), "{known:?}");
    }
}

fn memory_of_nodes(machine: &Topology, numa: &Numa) {
    for node in machine.nodes() {
        let memory = node.memory.expect("known");
        let size = if node.cpus.is_empty() { 128 } else { 256 };
        assert!((size / 2..=size).contains(&(memory.total_bytes >> 20)), "{node:?}");
        assert!(memory.free_bytes <= memory.total_bytes && memory.free_bytes > 0, "{node:?}");
    }
    assert_eq!(numa.nodes().to_string(), "0-4");
}

/// Calls `act` on each processor.
fn on_each(machine: &Topology, mut act: impl FnMut(CpuId, NodeId)) {
    for cpu in machine.cpus() {
        let _pinned = affinity::pin(cpu.id).expect("a processor of this machine");
        act(cpu.id, cpu.node);
    }
}

fn pinned(machine: &Topology, _: &Numa) {
    on_each(machine, |cpu, _| {
        // SAFETY: takes nothing, and returns a number.
        assert_eq!(unsafe { libc::sched_getcpu() }, cpu.0 as i32);
    });
    assert_eq!(affinity::current().expect("told").len(), machine.cpus().len());
}

fn strict_placement(_: &Topology, numa: &Numa) {
    placed(numa, Placement::Node);
}

fn nearest_placement(_: &Topology, numa: &Numa) {
    placed(numa, Placement::Nearest);
}

fn placed(numa: &Numa, placement: fn(NodeId) -> Placement) {
    for node in numa.nodes().iter() {
        let mut memory = numa.map_pages(64 * PAGE, placement(node), Pages::Small).expect("pages");
        memory.as_mut_slice().fill(1);
        assert_eq!(memory.refused(), None);
        assert_eq!(memory.verify(), Ok(Verified { placed: 64, elsewhere: 0, absent: 0 }), "{node}");
        assert_eq!(node_of(memory.as_ptr().as_ptr()), Ok(node));
    }
}

fn first_touch(machine: &Topology, numa: &Numa) {
    on_each(machine, |cpu, node| {
        let mut memory = numa.map(8 * PAGE, Placement::Local).expect("pages");
        memory.populate();
        assert_eq!(memory.places().expect("told"), [PagePlace::Node(node); 8], "processor {cpu}");
    });
}

fn moved_pages(_: &Topology, numa: &Numa) {
    let mut memory = numa.map(4 * PAGE, Placement::Node(NodeId(0))).expect("pages");
    memory.as_mut_slice().fill(42);
    for node in [3, 2, 1, 4, 0].map(NodeId) {
        assert_eq!(memory.move_to(node), Ok(4));
        assert_eq!(memory.places().expect("told"), [PagePlace::Node(node); 4]);
        let elsewhere = if node == NodeId(0) { 0 } else { 4 };
        assert_eq!(
            memory.verify().map(|found| found.elsewhere),
            Ok(elsewhere),
            "its policy is node 0"
        );
    }
    assert!(memory.as_slice().iter().all(|&byte| byte == 42));
}

fn interleaved(_: &Topology, numa: &Numa) {
    // More than two huge pages: in one of those, a whole run of pages would be on one node.
    let pages = 5 * 256;
    let mut memory = numa.map(pages * PAGE, Placement::Interleaved).expect("pages");
    memory.populate();
    let places = memory.places().expect("told");
    for node in (0..5).map(NodeId) {
        let here = places.iter().filter(|place| **place == PagePlace::Node(node)).count();
        assert_eq!(here, pages / 5, "{node}");
    }
}

fn policy_of_thread(_: &Topology, numa: &Numa) {
    for node in [2, 4, 1].map(NodeId) {
        numa.set_thread_policy(Placement::Node(node)).expect("a node").expect("permitted");
        assert_eq!(thread_policy(), Ok(Policy::Bound(node)));
        // So large that the allocator maps it afresh.
        let mut bytes = vec![0u8; 40 << 20];
        bytes[20 << 20] = 1;
        assert_eq!(node_of(&raw const bytes[20 << 20]), Ok(node));
    }
    numa.set_thread_policy(Placement::Local).expect("a node").expect("permitted");
    assert_eq!(thread_policy(), Ok(Policy::Local));
}

fn huge_pages(_: &Topology, numa: &Numa) {
    for node in [1, 3].map(NodeId) {
        let mut memory =
            numa.map_pages(4 << 20, Placement::Node(node), Pages::Huge).expect("4 MiB");
        memory.populate();
        assert_eq!(memory.verify().map(|found| found.placed), Ok(1024));
    }
}

fn slabs(_: &Topology, numa: &Numa) {
    let layout = Layout::new::<[u64; 100]>();
    for node in numa.nodes().iter() {
        let mut slabs = NodeSlabs::new(numa, node);
        for _ in 0..3000 {
            let block = slabs.allocate(layout).expect("a block");
            // SAFETY: the block is out, for this layout.
            unsafe { block.write_bytes(9, layout.size()) };
            assert_eq!(node_of(block.as_ptr()), Ok(node));
        }
        assert_eq!((slabs.regions(), slabs.blocks_out()), (2, 3000));
    }
}

fn probe(machine: &Topology, numa: &Numa) {
    let budget = Duration::from_millis(2);
    let probe = Probe { budget, bytes: 256 << 10, ..Probe::each_complex(machine) };
    let latencies = probe.run(machine, numa, &Clock::real());
    assert_eq!((latencies.cpus().len(), latencies.nodes().len()), (4, 5));
    assert!(latencies.tells_nodes_apart());
    for &cpu in latencies.cpus() {
        for &node in latencies.nodes() {
            assert!(latencies.latency_ns(cpu, node).expect("measured") > 0.0);
        }
    }
    barrier::heavy();
    println!("NOTE {:?}, a heavy fence takes {} ns here", barrier::mode(), barrier::heavy_cost());
    assert_eq!(numa.statistics().refusals, Refusals::default());
}

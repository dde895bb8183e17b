//! Machines as the kernel describes them.

use super::fixtures::{Tree, cxl, epyc, sparse};
use super::*;
use crate::topology::read::Reader;

fn cpus(list: &str) -> CpuSet {
    CpuSet::parse(list).expect("a list")
}

fn notes(machine: &Topology) -> String {
    machine.notes().iter().map(|note| note.to_string() + "\n").collect()
}

#[test]
fn what_is_written_is_read() {
    for spec in ["1x1", "uma:6", "dual:3", "4x16,ring", "2x8x2,llc=4,memory=3MiB", "3x1,ring"] {
        let machine = Topology::simulate(spec).expect("a machine");
        let read = Tree::of(spec).topology();
        assert_eq!(read.notes(), [], "{spec}");
        let limits = Limits::default();
        assert_eq!(Topology { limits, ..read }, machine, "{spec}");
    }
}

#[test]
fn two_xeon_sockets() {
    let xeon = Tree::of("dual").topology();
    assert_eq!((xeon.cpus().len(), xeon.cores().len(), xeon.packages().len()), (64, 32, 2));
    assert_eq!(xeon.cores()[1], cpus("1,33"));
    assert_eq!(xeon.complexes()[1].cpus, cpus("16-31,48-63"));
    assert_eq!(xeon.complexes()[1].size_bytes, Some(32 << 20));
    assert_eq!(xeon.nodes()[1].cpus, cpus("16-31,48-63"));
    assert_eq!(xeon.nodes()[1].memory.map(|memory| memory.total_bytes), Some(16 << 30));
    assert_eq!(xeon.distance(NodeId(0), NodeId(1)), Some(21));
    assert_eq!(
        xeon.cpu(CpuId(33)).map(|cpu| (cpu.core, cpu.thread, cpu.node)),
        Some((1, 1, NodeId(0)))
    );
    assert_eq!(xeon.cpu(CpuId(64)), None);
    assert_eq!(xeon.notes(), []);
    assert_eq!(xeon.caches().iter().filter(|cache| cache.level == 2).count(), 32);
}

#[test]
fn epyc_has_more_complexes_than_nodes_and_more_nodes_than_packages() {
    let epyc = epyc().topology();
    assert_eq!((epyc.packages().len(), epyc.nodes().len()), (2, 8));
    assert_eq!((epyc.complexes().len(), epyc.cores().len()), (16, 128));
    assert_eq!(epyc.complexes()[3].cpus, cpus("24-31,152-159"));
    assert_eq!(epyc.complexes()[3].level, Some(3));
    let order: Vec<u32> = epyc.nodes_by_distance(NodeId(5)).iter().map(|id| id.0).collect();
    assert_eq!(order, [5, 4, 6, 7, 0, 1, 2, 3]);
    assert_eq!(epyc.cpu(CpuId(200)).map(|cpu| (cpu.node, cpu.package)), Some((NodeId(4), 1)));
}

#[test]
fn a_node_of_memory_alone_belongs_to_no_processor() {
    let cxl = cxl().topology();
    assert_eq!(cxl.notes(), []);
    let far = cxl.node(NodeId(2)).expect("node 2");
    assert!(far.cpus.is_empty() && far.has_memory());
    assert_eq!(cxl.nodes_by_distance(NodeId(0)), [NodeId(0), NodeId(2), NodeId(1)]);
    let performance = far.performance.clone().expect("HMAT");
    assert_eq!(performance.initiators.to_string(), "0");
    assert_eq!(performance.read_latency_ns, Some(250));
    assert_eq!(performance.write_latency_ns, Some(260));
    assert_eq!(performance.read_bandwidth_mb_s, Some(30_000));
    assert_eq!(performance.write_bandwidth_mb_s, Some(28_000));
    assert_eq!(cxl.nodes()[0].performance, None);
}

#[test]
fn a_node_without_memory_uses_its_neighbour() {
    let machine = Tree::of("3x2,distances=10-30-20/30-10-20/20-20-10").memory(0, 0).topology();
    assert!(!machine.nodes()[0].has_memory());
    assert_eq!(machine.nearest_memory(NodeId(0)), Some(NodeId(2)));
    assert_eq!(machine.nearest_memory(NodeId(1)), Some(NodeId(1)));
    assert_eq!(machine.nearest_memory(NodeId(7)), None);
}

#[test]
fn numbers_of_nodes_have_gaps() {
    let power = sparse().topology();
    let ids: Vec<u32> = power.nodes().iter().map(|node| node.id.0).collect();
    assert_eq!(ids, [0, 8, 252]);
    assert_eq!(power.distance(NodeId(8), NodeId(0)), Some(40), "T3");
    assert_eq!(power.distance(NodeId(252), NodeId(8)), Some(70), "T3");
    assert_eq!(power.distance(NodeId(1), NodeId(0)), None);
    assert_eq!(power.nodes_by_distance(NodeId(252)), [NodeId(252), NodeId(8), NodeId(0)]);
    assert_eq!(power.cpu(CpuId(3)).map(|cpu| cpu.node), Some(NodeId(8)));
}

#[test]
fn processors_that_are_off_line_are_not_there() {
    let mut tree = Tree::of("1x4x2").set("CPU/online", "0-3");
    for cpu in 0..4 {
        tree = tree.set(&format!("CPU/cpu{cpu}/topology/core_cpus_list"), cpu);
    }
    let smt_off = tree.topology();
    assert_eq!((smt_off.cpus().len(), smt_off.cores().len()), (4, 4));
    assert_eq!(smt_off.complexes()[0].cpus, cpus("0-3"));
    assert_eq!(smt_off.nodes()[0].cpus, cpus("0-3"));
}

#[test]
fn a_laptop_is_one_of_everything() {
    let laptop = Tree::of("1x4x2").topology();
    assert_eq!(
        (laptop.packages().len(), laptop.nodes().len(), laptop.complexes().len()),
        (1, 1, 1)
    );
    assert!(!laptop.distances_known());
    assert_eq!(laptop.distance(NodeId(0), NodeId(0)), Some(10));
    assert_eq!(laptop.notes(), []);
}

#[test]
fn without_the_kernels_files_there_is_one_processor_and_a_note() {
    let empty = tempfile::tempdir().expect("a folder");
    let machine = Topology::read(empty.path()).expect("a machine");
    check(&machine);
    assert_eq!((machine.cpus().len(), machine.nodes().len()), (1, 1));
    assert_eq!(machine.nodes()[0].memory, None);
    assert!(machine.nodes()[0].has_memory(), "nobody said that there is none");
    assert!(
        notes(&machine).contains("/sys/devices/system/node/online: missing"),
        "{}",
        notes(&machine)
    );
    let guessed = Reader::new(&Tree::default(), 12).topology().expect("a machine");
    assert_eq!(guessed.cpus().len(), 12);
}

#[test]
fn this_machine_can_be_read() {
    let machine = Topology::detect().expect("this kernel's files");
    check(&machine);
    let here = std::thread::available_parallelism().expect("a count").get();
    assert_eq!(machine.workers_max(), here, "{machine:?}");
}

#[test]
fn distances_that_do_not_differ_are_not_used() {
    let mut tree = Tree::of("3x2");
    for node in 0..3 {
        tree = tree.set(&format!("NODE/node{node}/distance"), "10 10 10");
    }
    let machine = tree.topology();
    assert!(!machine.distances_known());
    assert_eq!(machine.distance(NodeId(0), NodeId(1)), Some(20), "T6");
    assert!(notes(&machine).contains("all distances are 10"), "{}", notes(&machine));
}

#[test]
fn a_processor_that_all_nodes_list_belongs_to_the_first() {
    let fake = Tree::of("4x2")
        .set("NODE/node0/cpulist", "0-7")
        .set("NODE/node1/cpulist", "0-7")
        .topology();
    assert_eq!(fake.nodes()[0].cpus, cpus("0-7"));
    assert!(fake.nodes()[1].cpus.is_empty());
    assert!(notes(&fake).contains("several nodes list the same processor"));
    let orphan = Tree::of("2x2").set("NODE/node1/cpulist", "3").topology();
    assert_eq!(orphan.nodes()[0].cpus, cpus("0-2"));
    assert!(notes(&orphan).contains("no node lists a processor"));
}

#[test]
fn a_cache_that_reaches_over_nodes_makes_a_complex_in_each() {
    let mut tree = Tree::of("2x4");
    for cpu in 0..8 {
        tree = tree
            .set(&format!("CPU/cpu{cpu}/cache/index3/shared_cpu_list"), "0-7")
            .set(&format!("CPU/cpu{cpu}/topology/physical_package_id"), 0);
    }
    let sub_numa = tree.topology();
    assert_eq!(sub_numa.packages().len(), 1);
    assert_eq!(sub_numa.complexes().len(), 2, "T1");
    assert_eq!(sub_numa.complexes()[1].cpus, cpus("4-7"));
    assert_eq!(sub_numa.caches().iter().filter(|cache| cache.level == 3).count(), 1);
}

#[test]
fn every_file_may_be_missing() {
    let whole = cxl();
    for file in whole.0.keys() {
        let machine = whole.clone().without(file).topology();
        let named = machine.notes().iter().any(|note| note.file() == file);
        let silent = ["proc/", "access", "thread_siblings", "index", "size"];
        assert!(
            named || silent.iter().any(|part| file.contains(part)),
            "{file}: {}",
            notes(&machine)
        );
    }
    let old_kernel = (0..8).fold(Tree::of("1x4x2"), |tree, cpu| {
        tree.without(&format!("CPU/cpu{cpu}/topology/core_cpus_list")).set(
            &format!("CPU/cpu{cpu}/topology/thread_siblings_list"),
            format!("{},{}", cpu % 4, cpu % 4 + 4),
        )
    });
    assert_eq!(old_kernel.topology().cores().len(), 4);
}

#[test]
fn files_of_one_kind_share_a_note() {
    let bare = (0..8).fold(Tree::of("1x8"), |tree, cpu| {
        tree.without(&format!("CPU/cpu{cpu}/topology")).without(&format!("CPU/cpu{cpu}/cache"))
    });
    let machine = bare.topology();
    assert_eq!(machine.notes().len(), 3, "{}", notes(&machine));
    assert!(
        notes(&machine).contains("cpu0/topology/core_cpus_list and 7 more: missing"),
        "{}",
        notes(&machine)
    );
    assert_eq!((machine.cores().len(), machine.complexes().len()), (8, 1));
    assert_eq!(machine.complexes()[0].level, None);
}

#[test]
fn what_cannot_be_understood_is_an_error_with_file_and_text() {
    for (file, text, expected) in [
        ("CPU/online", "zero", "a list of numbers"),
        ("CPU/online", "3-1", "a list of numbers"),
        ("CPU/online", "0-4294967295", "a list of numbers"),
        ("NODE/online", "0-1024", "a list of numbers"),
        ("NODE/node1/cpulist", "4-7,+8", "a list of numbers"),
        ("NODE/node1/distance", "21", "a number from 1 to 255 for each node"),
        ("NODE/node1/distance", "21 0 24", "a number from 1 to 255 for each node"),
        ("NODE/node1/meminfo", "Node 1 MemTotal: many kB", "`MemTotal:` and `MemFree:` in kB"),
        ("NODE/node1/meminfo", "Node 1 MemTotal: 18446744073709551615 kB", "`MemTotal:`"),
        ("NODE/node2/access1/initiators/read_latency", "fast", "a number"),
        ("CPU/cpu3/topology/physical_package_id", "", "the number of a package"),
        ("CPU/cpu3/topology/core_cpus_list", "0x8", "a list of numbers"),
        ("CPU/cpu0/cache/index3/size", "32T", "a size such as 32768K"),
        ("CPU/cpu3/cache/index3/level", "L3", "a number"),
        ("proc/self/status", "Cpus_allowed_list: all", "a list of numbers"),
        ("sys/fs/cgroup/cpu.max", "100000", "microseconds or `max`"),
        ("sys/fs/cgroup/cpu.max", "1 0", "microseconds or `max`"),
    ] {
        let error = cxl().set(file, text).read().expect_err(file);
        let path = file
            .replace("CPU", "sys/devices/system/cpu")
            .replace("NODE", "sys/devices/system/node");
        assert_eq!(error.file(), path);
        assert!(text.ends_with(error.text()), "{error}");
        let said = error.to_string();
        assert!(said.starts_with(&format!("/{path} should hold {expected}")), "{said}");
    }
}

#[test]
fn a_package_of_minus_one_is_the_first() {
    let arm = Tree::of("1x2").set("CPU/cpu1/topology/physical_package_id", -1).topology();
    assert_eq!(arm.packages().len(), 1);
}

#[test]
fn a_folder_in_place_of_a_file_is_noted() {
    let root = tempfile::tempdir().expect("a folder");
    let tree = Tree::of("1x2").without("CPU/online");
    tree.write_to(root.path());
    std::fs::create_dir(root.path().join("sys/devices/system/cpu/online")).expect("a folder");
    let machine = Topology::read(root.path()).expect("a machine");
    assert_eq!(machine.cpus().len(), 2);
    assert!(
        notes(&machine).contains("/sys/devices/system/cpu/online: cannot be read"),
        "{}",
        notes(&machine)
    );
}

//! What a process may use of its machine.

use super::fixtures::Tree;
use super::*;

fn ids(machine: &Topology) -> String {
    machine.cpus().iter().map(|cpu| cpu.id).collect::<CpuSet>().to_string()
}

#[test]
fn a_container_sees_what_it_may_use() {
    let container = Tree::of("2x4")
        .set("proc/self/cgroup", "12:cpuset:/other\n0::/kubepods/pod7/web")
        .set("sys/fs/cgroup/kubepods/pod7/web/cpuset.cpus.effective", "2-5")
        .set("sys/fs/cgroup/kubepods/pod7/cpuset.cpus.effective", "0-6")
        .set("sys/fs/cgroup/kubepods/pod7/web/cpuset.mems.effective", "1")
        .set("sys/fs/cgroup/kubepods/pod7/web/cpu.max", "max 100000")
        .set("sys/fs/cgroup/kubepods/pod7/cpu.max", "250000 100000")
        .set("sys/fs/cgroup/kubepods/cpu.max", "600000 100000")
        .topology();
    assert_eq!(ids(&container), "2-5");
    assert_eq!(container.nodes()[0].cpus.to_string(), "2-3");
    assert_eq!(container.workers_max(), 2, "2.5 processors keep two workers busy");
    let quota = container.limits().quota.expect("a share");
    assert_eq!((quota.used_us, quota.period_us), (250_000, 100_000));
    let allowed: Vec<bool> = container.nodes().iter().map(|node| node.allowed).collect();
    assert_eq!(allowed, [false, true]);
    assert_eq!(container.nearest_memory(NodeId(0)), Some(NodeId(1)));
    assert_eq!(container.complexes()[0].cpus.to_string(), "2-3");
}

#[test]
fn a_group_outside_of_sight_is_the_root() {
    let tree = Tree::of("1x4")
        .set("proc/self/cgroup", "0::/../../x")
        .set("sys/fs/cgroup/cpu.max", "50000 100000")
        .set("sys/fs/cgroup/x/cpuset.cpus.effective", "1-2");
    let machine = tree.topology();
    assert_eq!(ids(&machine), "1-2");
    assert_eq!(machine.workers_max(), 1, "half a processor is one worker");
}

#[test]
fn affinity_counts() {
    let taskset =
        Tree::of("1x4x2").set("proc/self/status", "Cpus_allowed_list:\t1,5-6\n").topology();
    assert_eq!(ids(&taskset), "1,5-6");
    assert_eq!(taskset.cores().len(), 2);
    assert_eq!(taskset.cpu(CpuId(5)).map(|cpu| (cpu.core, cpu.thread)), Some((0, 1)));
    assert_eq!(taskset.workers_max(), 3);
}

#[test]
fn a_limit_that_leaves_nothing_is_noted_and_not_heeded() {
    let machine = Tree::of("1x4")
        .set("sys/fs/cgroup/cpuset.cpus.effective", "64-127")
        .set("proc/self/status", "Mems_allowed_list:\t9")
        .topology();
    assert_eq!(ids(&machine), "0-3");
    let note = machine.notes()[0].to_string();
    assert_eq!(note, "/cpuset.cpus.effective: allows none of 0-3; not heeded");
    assert!(machine.nodes()[0].allowed);
}

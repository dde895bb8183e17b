//! Whatever the kernel's files hold, reading them ends in a machine that keeps every invariant, or in an error (T4).

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::fixtures::{Tree, cxl, sparse};
use super::{CpuSet, Topology};

/// Texts that some file holds, and texts that none does.
fn text() -> impl Strategy<Value = String> {
    let known = vec![
        "",
        "0",
        "1",
        "-1",
        "0-1",
        "0-7",
        "1,3,5",
        "0,8,252",
        "7-2",
        "0-600",
        "8192",
        "1023",
        "10 20",
        "10 20 30",
        "10 10 10",
        "20 10",
        "max 100000",
        "1 1",
        "0 1",
        "50000 100000",
        "0::/",
        "0::/a/b",
        "0::/../..",
        "Unified",
        "Instruction",
        "32K",
        "K",
        "99999999999999999999",
        "Node 0 MemTotal: 1 kB Node 0 MemFree: 0 kB",
        "Cpus_allowed_list:\t0",
        "Cpus_allowed_list:\t9",
        "Mems_allowed_list:\t1",
    ];
    prop_oneof![
        4 => select(known).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => "[0-9,-]{0,12}",
    ]
}

/// Files that are read, of few processors and nodes.
fn path() -> impl Strategy<Value = String> {
    let cpu = select(vec![
        "online",
        "cpuN/topology/physical_package_id",
        "cpuN/topology/core_cpus_list",
        "cpuN/topology/thread_siblings_list",
        "cpuN/cache/indexM/level",
        "cpuN/cache/indexM/type",
        "cpuN/cache/indexM/size",
        "cpuN/cache/indexM/shared_cpu_list",
        "cpuN/cache/indexM/coherency_line_size",
    ]);
    let node = select(vec![
        "online",
        "nodeN/cpulist",
        "nodeN/distance",
        "nodeN/meminfo",
        "nodeN/access0/initiators/read_latency",
        "nodeN/access1/initiators/read_bandwidth",
        "nodeN/access1/initiators/nodeM/x",
    ]);
    let rest = select(vec![
        "proc/self/status",
        "proc/self/cgroup",
        "proc/meminfo",
        "sys/fs/cgroup/cpu.max",
        "sys/fs/cgroup/a/cpu.max",
        "sys/fs/cgroup/cpuset.cpus.effective",
        "sys/fs/cgroup/a/b/cpuset.mems.effective",
    ]);
    let number = prop_oneof![5 => 0u32..4, 1 => Just(8), 1 => Just(252), 1 => Just(4_000_000_000)];
    let path = prop_oneof![
        cpu.prop_map(|file| format!("sys/devices/system/cpu/{file}")),
        node.prop_map(|file| format!("sys/devices/system/node/{file}")),
        rest.prop_map(str::to_owned),
    ];
    (path, number.clone(), number)
        .prop_map(|(path, n, m)| path.replace('N', &n.to_string()).replace('M', &m.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn a_tree_of_anything_never_panics(files in vec((path(), text()), 0..40)) {
        // `read` checks every invariant of what it returns.
        let _ = Tree(files.into_iter().collect()).read();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_machine_with_some_files_replaced_never_panics(
        machine in 0usize..3, files in vec((any::<prop::sample::Index>(), proptest::option::of(text())), 1..8),
    ) {
        let mut tree = if machine == 0 { cxl() } else if machine == 1 { sparse() } else { Tree::of("2x2x2,ring") };
        let paths: Vec<String> = tree.0.keys().cloned().collect();
        for (index, text) in files {
            let path = index.get(&paths);
            match text {
                Some(text) => tree.0.insert(path.clone(), text),
                None => tree.0.remove(path),
            };
        }
        let _ = tree.read();
    }

    #[test]
    fn lists_read_as_they_are_printed(ids in vec(0u32..8192, 0..40)) {
        let set: CpuSet = ids.iter().copied().map(super::CpuId).collect();
        prop_assert_eq!(CpuSet::parse(&set.to_string()), Some(set.clone()));
        let mut sorted = ids;
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(set.iter().map(|id| id.0).collect::<Vec<_>>(), sorted);
        prop_assert_eq!(CpuSet::of_words(set.words().to_vec()), set);
    }
}

#[test]
fn reading_does_not_depend_on_where_the_files_are() {
    let root = tempfile::tempdir().expect("a folder");
    sparse().write_to(root.path());
    assert_eq!(Topology::read(root.path()), sparse().read());
}

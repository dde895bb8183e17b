//! The kernel's files for machines that are not here, made from a few words each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::topology::files::{Files, numbers};
use crate::topology::read::Reader;
use crate::topology::{Topology, TopologyError};

/// Files by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree(pub(super) BTreeMap<String, String>);

impl Files for Tree {
    fn text(&self, path: &str) -> io::Result<Option<String>> {
        Ok(self.0.get(path).cloned())
    }

    fn numbered(&self, folder: &str, prefix: &str) -> Vec<u32> {
        let folder = format!("{folder}/");
        let below =
            self.0.range(folder.clone()..).map_while(|(path, _)| path.strip_prefix(&folder));
        numbers(below.map(|rest| rest.split('/').next().unwrap_or_default().to_owned()), prefix)
    }
}

impl Tree {
    pub(super) fn set(mut self, path: &str, text: impl ToString) -> Self {
        let path = path
            .replace("CPU", "sys/devices/system/cpu")
            .replace("NODE", "sys/devices/system/node");
        self.0.insert(path, text.to_string() + "\n");
        self
    }

    pub(super) fn without(mut self, prefix: &str) -> Self {
        let prefix = prefix
            .replace("CPU", "sys/devices/system/cpu")
            .replace("NODE", "sys/devices/system/node");
        self.0.retain(|path, _| !path.starts_with(&prefix));
        self
    }

    pub(super) fn read(&self) -> Result<Topology, TopologyError> {
        let machine = Reader::new(self, 1).topology();
        if let Ok(machine) = &machine {
            super::check(machine);
        }
        machine
    }

    pub(super) fn topology(&self) -> Topology {
        self.read().expect("a well-formed tree")
    }

    pub(super) fn write_to(&self, root: &Path) {
        for (path, text) in &self.0 {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("files are in folders")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
    }

    /// What Linux would write on the machine of this string.
    pub(super) fn of(spec: &str) -> Self {
        let machine = Topology::simulate(spec).expect("a machine");
        let cpus = machine.cpus().iter().map(|cpu| cpu.id).collect::<super::CpuSet>();
        let nodes = machine.nodes().iter().map(|node| node.id).collect::<super::NodeSet>();
        let mut tree = Self::default()
            .set("CPU/online", &cpus)
            .set("NODE/online", &nodes)
            .set(
                "proc/self/status",
                format!("Name:\tturgo\nCpus_allowed_list:\t{cpus}\nMems_allowed_list:\t{nodes}"),
            )
            .set("proc/self/cgroup", "0::/");
        for cpu in machine.cpus() {
            let folder = format!("CPU/cpu{}", cpu.id);
            tree = tree
                .set(
                    &format!("{folder}/topology/physical_package_id"),
                    machine.packages()[cpu.package].id,
                )
                .set(&format!("{folder}/topology/core_cpus_list"), &machine.cores()[cpu.core])
                .set(&format!("{folder}/cache/index1/type"), "Instruction")
                .set(&format!("{folder}/cache/index1/level"), 1)
                .set(&format!("{folder}/cache/index1/shared_cpu_list"), &machine.cores()[cpu.core]);
            for cache in machine.caches().iter().filter(|cache| cache.cpus.contains(cpu.id)) {
                let index = [0, 0, 2, 3][cache.level as usize];
                let folder = format!("{folder}/cache/index{index}");
                let kind = if cache.level == 1 { "Data" } else { "Unified" };
                tree = tree
                    .set(&format!("{folder}/type"), kind)
                    .set(&format!("{folder}/level"), cache.level)
                    .set(
                        &format!("{folder}/size"),
                        format!("{}K", cache.size_bytes.unwrap_or_default() >> 10),
                    )
                    .set(&format!("{folder}/coherency_line_size"), 64)
                    .set(&format!("{folder}/shared_cpu_list"), &cache.cpus);
            }
        }
        for node in machine.nodes() {
            let distance =
                |to: &super::Node| machine.distance(node.id, to.id).unwrap_or_default().to_string();
            let distances: Vec<String> = machine.nodes().iter().map(distance).collect();
            let folder = format!("NODE/node{}", node.id);
            tree = tree
                .set(&format!("{folder}/cpulist"), &node.cpus)
                .set(&format!("{folder}/distance"), distances.join(" "))
                .memory(node.id.0, node.memory.map_or(0, |memory| memory.total_bytes >> 10));
        }
        tree
    }

    pub(super) fn memory(self, node: u32, kilobytes: u64) -> Self {
        let line = |field: &str| format!("Node {node} {field}:       {kilobytes} kB\n");
        let text = line("MemTotal") + &line("MemFree") + &line("MemUsed");
        self.set(&format!("NODE/node{node}/meminfo"), text.trim_end())
    }

    /// Gives a node another number.
    pub(super) fn renumber(self, from: u32, to: u32) -> Self {
        let old = format!("sys/devices/system/node/node{from}/");
        let new = format!("sys/devices/system/node/node{to}/");
        let rename = |(path, text): (String, String)| match path.strip_prefix(&old) {
            Some(rest) => (format!("{new}{rest}"), text),
            None => (path, text),
        };
        Self(self.0.into_iter().map(rename).collect())
    }
}

/// Two EPYC sockets in four nodes each (NPS4): 16 cores of a node in two complexes of 8.
pub(super) fn epyc() -> Tree {
    let row = |from: u32| {
        let distance = |to: u32| match (from == to, from / 4 == to / 4) {
            (true, _) => "10",
            (_, true) => "12",
            _ => "32",
        };
        (0..8).map(distance).collect::<Vec<_>>().join("-")
    };
    let rows: Vec<String> = (0..8).map(row).collect();
    let mut tree = Tree::of(&format!("8x16x2,llc=8,distances={}", rows.join("/")));
    for cpu in 0..256 {
        let package = cpu % 128 / 64;
        tree = tree.set(&format!("CPU/cpu{cpu}/topology/physical_package_id"), package);
    }
    tree
}

/// Two sockets and a node of memory behind CXL, which is beside no processor.
pub(super) fn cxl() -> Tree {
    let best = "NODE/node2/access1/initiators";
    Tree::of("2x4")
        .set("NODE/online", "0-2")
        .set("proc/self/status", "Cpus_allowed_list:\t0-7\nMems_allowed_list:\t0-2")
        .set("NODE/node2/cpulist", "")
        .memory(2, 268_435_456)
        .set("NODE/node0/distance", "10 21 14")
        .set("NODE/node1/distance", "21 10 24")
        .set("NODE/node2/distance", "14 24 10")
        .set(&format!("{best}/node0/uevent"), "")
        .set(&format!("{best}/read_latency"), 250)
        .set(&format!("{best}/write_latency"), 260)
        .set(&format!("{best}/read_bandwidth"), 30_000)
        .set(&format!("{best}/write_bandwidth"), 28_000)
        .set("NODE/node2/access0/initiators/read_latency", 9)
}

/// A POWER machine: nodes 0 and 8 with processors, 252 with memory of an accelerator.
pub(super) fn sparse() -> Tree {
    Tree::of("3x2")
        .renumber(1, 8)
        .renumber(2, 252)
        .set("NODE/online", "0,8,252")
        .set("proc/self/status", "Cpus_allowed_list:\t0-5\nMems_allowed_list:\t0,8,252")
        .set("NODE/node0/distance", "10 40 80")
        .set("NODE/node8/distance", "40 10 80")
        .set("NODE/node252/distance", "80 70 10")
}

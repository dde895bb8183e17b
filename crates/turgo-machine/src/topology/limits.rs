//! What a process may use of the machine: its affinity and its control group (version 2).

use super::TopologyError;
use super::ids::{CpuSet, NodeSet, decimal};
use super::read::Reader;

/// What this process is held to. `None` is "not said", which holds to nothing.
///
/// Control groups of version 1 are not read; their processor sets still count, because the kernel puts them into the affinity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processors the process may run on: the affinity of its first thread, so that a worker that is pinned sees the whole machine.
    pub affinity: Option<CpuSet>,
    /// Nodes whose memory the process may use (`Mems_allowed_list`).
    pub memory_affinity: Option<NodeSet>,
    /// `cpuset.cpus.effective` of the control group.
    pub cpuset_cpus: Option<CpuSet>,
    /// `cpuset.mems.effective` of the control group.
    pub cpuset_mems: Option<NodeSet>,
    /// The smallest `cpu.max` of the control group and those around it.
    pub quota: Option<Quota>,
}

/// A share of processor time: `used_us` of every `period_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Microseconds of processor time, on all processors together.
    pub used_us: u64,
    /// Microseconds of real time; not 0.
    pub period_us: u64,
}

impl Quota {
    /// How many processors can be kept busy without being stopped, at least 1: `150000 100000` is one.
    #[must_use]
    pub fn cpus_whole(&self) -> usize {
        let whole = self.used_us / self.period_us.max(1);
        usize::try_from(whole).unwrap_or(usize::MAX).max(1)
    }

    /// Whether `self` is the smaller share.
    fn below(&self, other: &Self) -> bool {
        u128::from(self.used_us) * u128::from(other.period_us)
            < u128::from(other.used_us) * u128::from(self.period_us)
    }
}

/// The processors of `candidates` that `limits` leave, where they leave any.
pub(super) fn usable(reader: &mut Reader<'_>, candidates: CpuSet, limits: &Limits) -> CpuSet {
    let mut usable = candidates;
    for (file, set) in [(STATUS, &limits.affinity), (CPUSET_CPUS, &limits.cpuset_cpus)] {
        let Some(set) = set else { continue };
        if crate::mutant!("T2 limits of processors ignored") {
            continue;
        }
        let left = usable.intersection(set);
        if left.is_empty() {
            reader.note(file, &format!("allows none of {usable}"), "not heeded");
        } else {
            usable = left;
        }
    }
    usable
}

const STATUS: &str = "proc/self/status";
const CGROUP: &str = "proc/self/cgroup";
const GROUPS: &str = "sys/fs/cgroup";
const CPUSET_CPUS: &str = "cpuset.cpus.effective";

impl Limits {
    /// Reads them; a process of which nothing is said has none.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, TopologyError> {
        let mut limits = Self::default();
        if let Some(status) = reader.optional(STATUS) {
            let field = |name: &str| {
                let line =
                    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                line.map(str::to_owned)
            };
            limits.affinity =
                field("Cpus_allowed_list").map(|list| reader.list(STATUS, &list)).transpose()?;
            limits.memory_affinity =
                field("Mems_allowed_list").map(|list| reader.list(STATUS, &list)).transpose()?;
        }
        for folder in group_folders(reader) {
            limits.read_group(reader, &folder)?;
        }
        Ok(limits)
    }

    /// What one group says; those nearer to the process come first.
    fn read_group(&mut self, reader: &mut Reader<'_>, folder: &str) -> Result<(), TopologyError> {
        if self.cpuset_cpus.is_none() {
            self.cpuset_cpus = reader.optional_list(&format!("{folder}/{CPUSET_CPUS}"))?;
        }
        if self.cpuset_mems.is_none() {
            self.cpuset_mems = reader.optional_list(&format!("{folder}/cpuset.mems.effective"))?;
        }
        let file = format!("{folder}/cpu.max");
        let Some(text) = reader.optional(&file) else { return Ok(()) };
        let share = text.trim();
        let mut words = share.split_ascii_whitespace();
        let (used, period) = (words.next().unwrap_or_default(), words.next().and_then(decimal));
        let quota = match (used, period, words.next()) {
            ("max", Some(_), None) => return Ok(()),
            (used, Some(period), None) if period > 0 => {
                used.parse().ok().map(|used_us| Quota { used_us, period_us: u64::from(period) })
            }
            _ => None,
        };
        let quota = quota.ok_or_else(|| {
            reader.error(&file, share, "microseconds or `max`, and the microseconds of a period")
        })?;
        if self.quota.is_none_or(|smallest| quota.below(&smallest)) {
            self.quota = Some(quota);
        }
        Ok(())
    }
}

/// Folders of the process's group and those around it, from the inside out. `..`, which stands for a group outside of the
/// process's sight, is left out.
fn group_folders(reader: &mut Reader<'_>) -> Vec<String> {
    let Some(text) = reader.optional(CGROUP) else { return Vec::new() };
    let Some(path) = text.lines().find_map(|line| line.strip_prefix("0::")) else {
        return Vec::new();
    };
    let mut folders = vec![GROUPS.to_owned()];
    for part in path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).take(GROUPS_MAX) {
        let inner = format!("{}/{part}", folders[folders.len() - 1]);
        folders.push(inner);
    }
    folders.reverse();
    folders
}

/// Groups within groups that are looked at.
const GROUPS_MAX: usize = 64;

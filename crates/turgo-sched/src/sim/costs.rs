//! What things cost on a simulated machine.

/// Nanoseconds, unless something else is said. Amounts for far nodes are those for the own node times distance / 10.
///
/// The defaults are those of an x86-64 server: what the literature and measurements on virtual machines say. The machine at hand is measured by
/// [`calibrate`](super::calibrate).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Running a task, besides its own cost: looking it up, calling it, counting it.
    pub task_ns: u64,
    /// Telling one successor that one of those it waits for is over.
    pub edge_ns: u64,
    /// Pushing to or popping from a worker's own queue.
    pub deque_ns: u64,
    /// Pushing to or taking from a shared queue or an inbox of the own node.
    pub shared_ns: u64,
    /// Looking at a queue that turns out to be empty, on the own node.
    pub probe_ns: u64,
    /// Robbing a worker of the own node.
    pub steal_ns: u64,
    /// What each further task of the same steal costs.
    pub moved_ns: u64,
    /// Waking a worker, for who wakes it.
    pub wake_ns: u64,
    /// From then until the woken worker begins to search.
    pub rise_ns: u64,
    /// Bytes per microsecond from the memory of the own node.
    pub bytes_per_us: u64,
    /// How long tasks run here, in thousandths of the cost they declare.
    pub scale_permille: u64,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            task_ns: 12,
            edge_ns: 5,
            deque_ns: 5,
            shared_ns: 30,
            probe_ns: 15,
            steal_ns: 60,
            moved_ns: 5,
            wake_ns: 1_500,
            rise_ns: 6_000,
            bytes_per_us: 10_000,
            scale_permille: 1_000,
        }
    }
}

impl Costs {
    /// A machine on which nothing costs anything but the tasks themselves: what bounds are proved for.
    #[must_use]
    pub const fn free() -> Self {
        Self {
            task_ns: 0,
            edge_ns: 0,
            deque_ns: 0,
            shared_ns: 0,
            probe_ns: 0,
            steal_ns: 0,
            moved_ns: 0,
            wake_ns: 0,
            rise_ns: 0,
            bytes_per_us: u64::MAX,
            scale_permille: 1_000,
        }
    }

    /// An amount of the own node's, at a distance.
    pub(super) fn at(amount_ns: u64, distance: u32) -> u64 {
        amount_ns * u64::from(distance) / 10
    }

    /// How long bytes take from a node at this distance.
    pub(super) fn data_ns(&self, bytes: u64, distance: u32) -> u64 {
        let scaled = u128::from(bytes) * u128::from(distance) * 100;
        u64::try_from(scaled / u128::from(self.bytes_per_us.max(1))).unwrap_or(u64::MAX)
    }

    /// How long a task of this cost runs.
    pub(super) fn run_ns(&self, cost_ns: u64) -> u64 {
        u64::try_from(u128::from(cost_ns) * u128::from(self.scale_permille) / 1_000)
            .unwrap_or(u64::MAX)
    }
}

//! Counts of what was placed where, and of what the kernel refused.

use crate::atomic::{AtomicU64, Ordering};
use crate::topology::NodeId;

use super::{Policy, Refusal};

/// What was placed, and what did not go as asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes mapped now for each node, as asked; [`NodeMemory::verify`](super::NodeMemory::verify) says where they are.
    pub node_bytes: Vec<(NodeId, u64)>,
    /// Bytes mapped now for whoever touches them.
    pub local_bytes: u64,
    /// Bytes mapped now for all nodes in turn.
    pub interleaved_bytes: u64,
    /// Requests for a node that were given to its neighbour, because the node has no memory.
    pub remote_fallbacks: u64,
    /// Pages that were found on another node than theirs.
    pub remote_pages: u64,
    /// Policies and moves that the kernel refused.
    pub refusals: Refusals,
}

/// Refusals of the kernel, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusals {
    /// `EPERM` and `EACCES`.
    pub not_permitted: u64,
    /// `ENOSYS`.
    pub not_implemented: u64,
    /// `EINVAL`.
    pub invalid: u64,
    /// All others.
    pub other: u64,
}

/// Every counter is a statistic: nothing is ordered by it, so all its accesses are Relaxed.
#[derive(Debug)]
pub(super) struct Counters {
    node_bytes: Vec<(NodeId, AtomicU64)>,
    local_bytes: AtomicU64,
    interleaved_bytes: AtomicU64,
    remote_fallbacks: AtomicU64,
    remote_pages: AtomicU64,
    not_permitted: AtomicU64,
    not_implemented: AtomicU64,
    invalid: AtomicU64,
    other: AtomicU64,
}

impl Counters {
    pub(super) fn of(nodes: impl Iterator<Item = NodeId>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            node_bytes: nodes.map(|node| (node, zero())).collect(),
            local_bytes: zero(),
            interleaved_bytes: zero(),
            remote_fallbacks: zero(),
            remote_pages: zero(),
            not_permitted: zero(),
            not_implemented: zero(),
            invalid: zero(),
            other: zero(),
        }
    }

    /// The counter of the bytes that follow a policy.
    fn bytes(&self, policy: &Policy) -> &AtomicU64 {
        match policy {
            Policy::Bound(node) | Policy::Preferred(node) => {
                let counter = self.node_bytes.iter().find(|(id, _)| id == node);
                counter.map_or(&self.local_bytes, |(_, bytes)| bytes)
            }
            Policy::Interleaved(_) => &self.interleaved_bytes,
            Policy::Default | Policy::Local | Policy::Other(..) => &self.local_bytes,
        }
    }

    pub(super) fn mapped(&self, policy: &Policy, bytes: usize) {
        // Relaxed: a statistic.
        self.bytes(policy).fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn unmapped(&self, policy: &Policy, bytes: usize) {
        // Relaxed: a statistic.
        self.bytes(policy).fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn fell_back(&self) {
        // Relaxed: a statistic.
        self.remote_fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn found_elsewhere(&self, pages: usize) {
        // Relaxed: a statistic.
        self.remote_pages.fetch_add(pages as u64, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::NotPermitted => &self.not_permitted,
            Refusal::NotImplemented => &self.not_implemented,
            Refusal::Invalid => &self.invalid,
            Refusal::Other(_) => &self.other,
        };
        if !crate::mutant!("N4 refusals not counted") {
            // Relaxed: a statistic.
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Statistics {
        // Relaxed: statistics, of no one moment.
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            node_bytes: self.node_bytes.iter().map(|(node, bytes)| (*node, of(bytes))).collect(),
            local_bytes: of(&self.local_bytes),
            interleaved_bytes: of(&self.interleaved_bytes),
            remote_fallbacks: of(&self.remote_fallbacks),
            remote_pages: of(&self.remote_pages),
            refusals: Refusals {
                not_permitted: of(&self.not_permitted),
                not_implemented: of(&self.not_implemented),
                invalid: of(&self.invalid),
                other: of(&self.other),
            },
        }
    }
}

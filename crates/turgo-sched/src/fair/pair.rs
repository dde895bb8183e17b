//! Two clients, interleaved by complementary Beatty sequences.

use turgo_machine::mutant;

/// Which of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one whose share was given.
    First,
    /// The other.
    Second,
}

/// Shares out the picks between two clients: the first has those numbered `floor(n / p)`, the second those numbered `floor(n / (1 - p))`.
///
/// By the theorem of Rayleigh and Beatty (American Mathematical Monthly 33, 1926) every number is in exactly one of the sequences if `p` is irrational, and
/// with a phase in general: the pick is the first one's where the multiples of `p` pass a whole number (F5). In the middle phase no lag is beyond one half.
///
/// Nodes that follow the same pair begin in phases of their own ([`on_node`](Self::on_node)): then not all of them turn to the second client, say background work, at
/// the same time, and at any time the machine as a whole is as fair as each node.
///
/// ```
/// use turgo_sched::fair::{BeattyPair, Side};
/// let mut pair = BeattyPair::new(3, 1);
/// let picks: Vec<Side> = (0..8).map(|_| pair.pick()).collect();
/// assert_eq!(picks.iter().filter(|&&side| side == Side::First).count(), 6);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeattyPair {
    /// The first one's share, as a part of 2^64.
    share: u64,
    /// How far the multiples have come since the last whole number.
    pub(super) at: u64,
}

impl BeattyPair {
    /// A pair with these weights, in the middle phase.
    ///
    /// # Panics
    ///
    /// If one of them is 0.
    #[must_use]
    pub fn new(first: u32, second: u32) -> Self {
        assert!(first > 0, "a first client has a weight");
        assert!(second > 0, "a second client has a weight");
        let total = u128::from(first) + u128::from(second);
        // Rounded: after 2^32 picks it is off by less than one.
        let share = ((u128::from(first) << 64) + total / 2) / total;
        Self { share: share as u64, at: 1 << 63 }
    }

    /// The pair of the golden ratio and its square: 0.618 to 0.382. Of all pairs its patterns repeat the least.
    #[must_use]
    pub fn golden() -> Self {
        Self { share: 0x9e37_79b9_7f4a_7c15, at: 1 << 63 }
    }

    /// The same pair in the phase of one of `nodes` nodes.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    #[must_use]
    pub fn on_node(mut self, node: u32, nodes: u32) -> Self {
        assert!(node < nodes, "node {node} of {nodes}");
        let phase = (u128::from(node) << 64) / u128::from(nodes);
        self.at = (1u64 << 63).wrapping_add(phase as u64);
        self
    }

    /// The first one's share.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share as f64 / 18_446_744_073_709_551_616.0
    }

    /// Whose turn it is. O(1).
    pub fn pick(&mut self) -> Side {
        let (at, has_passed) = self.at.overflowing_add(self.share);
        // A mistake: what is left beyond the whole number is lost.
        self.at = if has_passed && mutant!("F5 the rest is dropped") { 0 } else { at };
        if has_passed { Side::First } else { Side::Second }
    }
}

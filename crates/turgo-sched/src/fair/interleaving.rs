//! The ways in which tenants can take turns, by name.

/// How tenants take turns: in a [pool](crate::pool::Builder::tenants), and at the shared queues of a [simulated machine](crate::sim::Simulation::interleaving).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Interleaving {
    /// As they come: nobody asks whose task it is.
    #[default]
    InTurn,
    /// [`Lottery`](super::Lottery).
    Lottery,
    /// [`GoldenLottery`](super::GoldenLottery).
    Golden,
    /// [`Hybrid`](super::Hybrid): four of five by lottery.
    Hybrid,
    /// [`Stride`](super::Stride).
    Stride,
    /// [`Chairman`](super::Chairman).
    Tijdeman,
    /// [`BeattyPair`](super::BeattyPair), for two tenants; all nodes in the same phase.
    Beatty,
    /// The same, each node in a phase of its own.
    BeattyPhases,
}

impl Interleaving {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::InTurn,
        Self::Lottery,
        Self::Golden,
        Self::Hybrid,
        Self::Stride,
        Self::Tijdeman,
        Self::Beatty,
        Self::BeattyPhases,
    ];

    /// A short name, as tables print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InTurn => "in-turn",
            Self::Lottery => "lottery",
            Self::Golden => "golden-lottery",
            Self::Hybrid => "hybrid-80-20",
            Self::Stride => "stride",
            Self::Tijdeman => "tijdeman",
            Self::Beatty => "beatty",
            Self::BeattyPhases => "beatty-phases",
        }
    }

    /// Whether it is for two tenants only.
    #[must_use]
    pub const fn is_pair(self) -> bool {
        matches!(self, Self::Beatty | Self::BeattyPhases)
    }
}

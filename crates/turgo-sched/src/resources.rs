//! What a task needs and a node has, in eight lanes.
//!
//! A vector is 32 bytes, one AVX register. What the lanes count is up to the user; vectors are compared with each other only after
//! [`normalised`](Resources::normalised) has divided them by a capacity, so that units do not matter.

/// The lanes of [`Resources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Lane {
    /// Processors.
    Cpu,
    /// Bytes of memory.
    Memory,
    /// Bytes per second to and from memory.
    MemoryBandwidth,
    /// Bytes per second to and from storage.
    Io,
    /// Bytes per second over the network.
    Network,
    /// Operations per second on storage.
    Iops,
    /// Wakeups per second.
    Wakeups,
    /// Capabilities that can be delegated.
    Capabilities,
}

/// A vector of eight amounts, each finite and at least 0 where it is a demand or a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(C, align(32))]
pub struct Resources(pub [f32; Resources::LANES]);

impl Resources {
    /// How many lanes there are.
    pub const LANES: usize = 8;
    /// Nothing of anything.
    pub const NONE: Self = Self([0.0; Self::LANES]);

    /// The same vector with another amount in one lane.
    #[must_use]
    pub const fn with(mut self, lane: Lane, amount: f32) -> Self {
        self.0[lane as usize] = amount;
        self
    }

    /// Each lane divided by the capacity's; a lane that the capacity has nothing of is 0 if nothing is asked, else infinite.
    #[must_use]
    pub fn normalised(self, capacity: Self) -> Self {
        let share =
            |lane: usize| if self.0[lane] == 0.0 { 0.0 } else { self.0[lane] / capacity.0[lane] };
        Self(std::array::from_fn(share))
    }
}

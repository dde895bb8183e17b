//! What a task needs and a node has, in eight lanes.
//!
//! A vector is 32 bytes, one AVX register. What the lanes count is up to the user; vectors are compared with each other only after
//! [`normalised`](Resources::normalised) has divided them by a capacity, so that units do not matter.
//!
//! Every operation is lane by lane, or folds the upper half of the lanes onto the lower one until one is left: the same tree that vector
//! instructions use, so the compiler may use them without changing a result.
//!
//! - The *dominant share* ([`dominant`](Resources::dominant), the largest lane of a normalised demand) says who has how much of a machine: dominant-resource
//!   fairness (Ghodsi et al., "Dominant resource fairness", NSDI 2011) evens it out.
//! - The *packing score* ([`dot`](Resources::dot) of a demand with what is free) says which task uses best what is left (Grandl et al., "Multi-resource packing for
//!   cluster schedulers", SIGCOMM 2014).
//! - The *mismatch* ([`mismatch`](Resources::mismatch), the sine of the angle) says how different two vectors are in shape, whatever their lengths.
//!
//! # Invariants
//!
//! - **V1** A lane of a difference is never below 0: [`saturating_sub`](Resources::saturating_sub) of a fuller from an emptier is nothing, so that an imbalance has
//!   a direction.
//! - **V2** Whatever is asked of a lane that the capacity has nothing of does not fit.
//! - **V3** The packing score is the real part of the [octonion](crate::octonion) product with the conjugate, and the mismatch the length of its imaginary
//!   part over both lengths.

use std::ops::{Add, AddAssign};

use turgo_machine::mutant;

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

impl Lane {
    /// All of them, in their order in a vector.
    pub const ALL: [Self; Resources::LANES] = [
        Self::Cpu,
        Self::Memory,
        Self::MemoryBandwidth,
        Self::Io,
        Self::Network,
        Self::Iops,
        Self::Wakeups,
        Self::Capabilities,
    ];
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
    /// The whole of everything, in shares.
    pub const WHOLE: Self = Self([1.0; Self::LANES]);

    /// The same vector with another amount in one lane.
    #[must_use]
    pub const fn with(mut self, lane: Lane, amount: f32) -> Self {
        self.0[lane as usize] = amount;
        self
    }

    /// The amount in a lane.
    #[must_use]
    pub const fn get(self, lane: Lane) -> f32 {
        self.0[lane as usize]
    }

    /// Each lane divided by the capacity's; a lane that the capacity has nothing of is 0 if nothing is asked, else infinite (V2).
    #[must_use]
    pub fn normalised(self, capacity: Self) -> Self {
        let share = |lane: usize| {
            let nothing = self.0[lane] == 0.0
                || mutant!("V2 what is not there is free") && capacity.0[lane] == 0.0;
            if nothing { 0.0 } else { self.0[lane] / capacity.0[lane] }
        };
        Self(std::array::from_fn(share))
    }

    /// What is left of each lane after the other's is taken, at least 0 (V1).
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        if mutant!("V1 an imbalance without direction") {
            return self.lanes(other, |mine, theirs| (mine - theirs).abs());
        }
        self.lanes(other, |mine, theirs| larger(mine - theirs, 0.0))
    }

    /// Each lane times a number.
    #[must_use]
    pub fn scale(self, factor: f32) -> Self {
        Self(self.0.map(|amount| amount * factor))
    }

    /// Whether no lane is larger than the capacity's.
    #[must_use]
    pub fn fits(self, capacity: Self) -> bool {
        // No early end: eight comparisons are one instruction.
        (0..Self::LANES).fold(true, |fits, lane| fits & (self.0[lane] <= capacity.0[lane]))
    }

    /// The largest lane (the L-infinity norm): of a normalised demand, its dominant share.
    #[must_use]
    pub fn largest(self) -> f32 {
        fold(self.0, larger)
    }

    /// The sum of the lanes (the L1 norm).
    #[must_use]
    pub fn total(self) -> f32 {
        fold(self.0, |a, b| a + b)
    }

    /// The length (the L2 norm).
    #[must_use]
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The largest lane and which it is: of a normalised demand, its dominant share. Of equals the first.
    #[must_use]
    pub fn dominant(self) -> (Lane, f32) {
        let share = self.largest();
        let lane = Lane::ALL.into_iter().find(|&lane| self.get(lane) == share);
        (lane.unwrap_or(Lane::Cpu), share)
    }

    /// The inner product: of a normalised demand with what is free, its packing score (V3).
    #[must_use]
    pub fn dot(self, other: Self) -> f32 {
        fold(self.lanes(other, |mine, theirs| mine * theirs).0, |a, b| a + b)
    }

    /// How different two vectors are in shape, from 0 (one is a multiple of the other) to 1 (they share no lane); 0 if one of them is nothing.
    ///
    /// It is the sine of the angle between them (V3), as the cosine would put everything that is nearly alike close to 1.
    #[must_use]
    pub fn mismatch(self, other: Self) -> f32 {
        let (a, b) = (self.0.map(f64::from), other.0.map(f64::from));
        let product = |a: [f64; 8], b: [f64; 8]| {
            fold(std::array::from_fn(|lane| a[lane] * b[lane]), |x: f64, y: f64| x + y)
        };
        let lengths = product(a, a) * product(b, b);
        if lengths == 0.0 {
            return 0.0;
        }
        let cosine = product(a, b);
        let rest = (lengths - cosine * cosine).max(0.0) / lengths;
        if mutant!("V3 the cosine") { (1.0 - rest).sqrt() as f32 } else { rest.sqrt() as f32 }
    }

    fn lanes(self, other: Self, combine: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| combine(self.0[lane], other.0[lane])))
    }
}

impl Add for Resources {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.lanes(other, |mine, theirs| mine + theirs)
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The larger one, as the processor's instruction for it has it: without the care for NaN that `f32::max` takes.
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Folds the upper half of the lanes onto the lower one until one is left.
fn fold<T: Copy>(lanes: [T; 8], combine: impl Fn(T, T) -> T) -> T {
    let four: [T; 4] = std::array::from_fn(|lane| combine(lanes[lane], lanes[lane + 4]));
    let two: [T; 2] = std::array::from_fn(|lane| combine(four[lane], four[lane + 2]));
    combine(two[0], two[1])
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

//! Pseudo-random numbers: SplitMix64 (Steele, Lea, Flood 2014), keyed by a place.

/// The step between the states of a stream.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(state: u64) -> u64 {
    let bits = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A number below `bound`, which is not 0, from the upper ones of 64 random bits.
pub(crate) fn below(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

/// A stream of numbers that depends on its place alone.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a place: seed, partition, column, row.
    pub(crate) fn new(place: &[u64]) -> Self {
        let mut random = Self(0x243F_6A88_85A3_08D3);
        for part in place {
            random.0 ^= *part;
            random.0 = random.next();
        }
        random
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        below(self.next(), bound)
    }

    /// True in `share` of all cases.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        ((self.next() >> 11) as f64) < share * (1u64 << 53) as f64
    }
}

/// The random numbers of a column: those of any row without those of the rows before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows(u64);

impl Rows {
    /// The numbers of a place: seed, column.
    pub(crate) fn new(place: &[u64]) -> Self {
        Self(Random::new(place).next())
    }

    /// 64 random bits for row `row`.
    pub(crate) fn bits(self, row: u64) -> u64 {
        mix(self.0.wrapping_add(row.wrapping_add(1).wrapping_mul(STEP)))
    }

    /// A stream for row `row`, which needs more than one number.
    pub(crate) fn of(self, row: u64) -> Random {
        Random(self.bits(row))
    }
}

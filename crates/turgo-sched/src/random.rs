//! Random numbers for decisions: small, seeded, one stream per worker, the same on every machine.

/// A xorshift generator with a multiplied output (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
/// ACM TOMS 2016). Its period is 2^64 - 1; it is not for secrets.
///
/// Streams of one seed are told apart by their number, which is mixed with splitmix64, so neighbouring numbers give unrelated streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// Stream number `stream` of `seed`.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let state = mix(mix(seed).wrapping_add(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        // Zero is the one state the generator cannot leave.
        Self(if state == 0 { 0x9e37_79b9_7f4a_7c15 } else { state })
    }

    /// Sixty-four random bits; the high ones are the better ones.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, or 0 where `bound` is 0. The bias is at most `bound` in 2^32 (Lemire's multiplication, without his rejection).
    pub fn below(&mut self, bound: u32) -> u32 {
        (((self.next_u64() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A number in `[0, 1)` with 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
}

/// The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

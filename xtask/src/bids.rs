//! Seeded auction bids as NDJSON, in the shape of the Nexmark benchmark: seven columns, about 226
//! bytes a record, hot keys, 10 000 records a second of event time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Microseconds of event time between two bids: 10 000 a second.
const STEP_US: u64 = 100;

/// A file of bids.
pub(crate) struct Bids {
    /// How many.
    pub(crate) rows: u64,
    /// Milliseconds since 1970 of the first.
    pub(crate) start_ms: u64,
    /// What the values follow from.
    pub(crate) seed: u64,
}

impl Bids {
    /// Writes them, in order of time but for a disorder of up to two seconds.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let mut random = SplitMix(self.seed);
        for row in 0..self.rows {
            let bits = random.next();
            let auction = match bits % 2 {
                0 => 1000 + row / 5000 * 50,
                _ => 1000 + (bits >> 8) % 6600,
            };
            let bidder = 1000 + (bits >> 24) % 20_000;
            let price = 100 + (bits >> 40) % 10_000_000;
            let late_ms = if bits % 100 < 5 { (bits >> 16) % 2000 } else { 0 };
            let time = self.start_ms + 2000 + row * STEP_US / 1000 - late_ms;
            let channel = ["Google", "Facebook", "Baidu", "Apple"][(bits >> 3) as usize % 4];
            writeln!(
                out,
                "{{\"auction\":{auction},\"bidder\":{bidder},\"price\":{price},\"channel\":\"{channel}\",\
                 \"url\":\"https://www.nexmark.com/item.htm?query=1&channel_id={:010}\",\
                 \"date_time\":{time},\"extra\":\"{:016x}{:016x}{:016x}\"}}",
                bits % 10_000_000_000,
                random.next(),
                random.next(),
                random.next(),
            )?;
        }
        out.flush()
    }
}

/// The splitmix64 generator (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// OOPSLA 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

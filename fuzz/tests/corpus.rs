//! The targets on stable Rust: every seed, and inputs made of seeds.
//!
//! What a fuzzer finds becomes a file in `corpus/`, so that it is tried here ever after.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

/// Inputs made for each target.
const MADE: usize = 2000;
/// Longer ones say no more, and a debug build is slow.
const BYTES_MAX: usize = 600;

fn try_all(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(seeds.len() > 3, "seeds of {name}");
    let attempt = |input: &[u8]| {
        if std::panic::catch_unwind(|| target(input)).is_err() {
            panic!("{name} fails on {:?}", String::from_utf8_lossy(input));
        }
    };
    seeds.iter().for_each(|seed| attempt(seed));
    let mut random = Random(1);
    for _ in 0..MADE {
        attempt(&made(&seeds, &mut random));
    }
}

/// An input of pieces of seeds, in which some bytes are others.
fn made(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(8) {
        let at = random.below(input.len() + 1);
        let other = &seeds[random.below(seeds.len())];
        let from = random.below(other.len() + 1);
        let piece = &other[from..from + random.below(30).min(other.len() - from)];
        let end = (at + random.below(30)).min(input.len());
        match random.below(5) {
            0 => drop(input.splice(at..end, piece.iter().copied())),
            1 => drop(input.splice(at..at, piece.iter().copied())),
            2 => drop(input.drain(at..end)),
            3 => input.insert(at, random.below(256) as u8),
            _ => {
                let byte = b"\"\\\n\r,;{}[]:0-.eT \xC3"[random.below(18)];
                input.insert(at, byte);
            }
        }
    }
    input.truncate(BYTES_MAX);
    input
}

#[test]
fn csv_holds_for_seeds_and_what_is_made_of_them() {
    try_all("csv", fuzz::csv);
}

#[test]
fn the_checker_judges_seeds_and_what_is_made_of_them_right() {
    try_all("checker", fuzz::checker);
}

#[test]
fn histories_hold_for_seeds_and_what_is_made_of_them() {
    try_all("histories", fuzz::histories);
}

#[test]
fn json_holds_for_seeds_and_what_is_made_of_them() {
    try_all("json", fuzz::json);
}

#[test]
fn options_hold_for_seeds_and_what_is_made_of_them() {
    try_all("options", fuzz::options);
}

#[test]
fn round_trip_holds_for_seeds_and_what_is_made_of_them() {
    try_all("round_trip", fuzz::round_trip);
}

#[test]
fn sql_holds_for_seeds_and_what_is_made_of_them() {
    try_all("sql", fuzz::sql);
}

/// Pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

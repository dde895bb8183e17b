//! Measurements of the built binary over generated files: memory that must stay flat, and the gain
//! of a second worker.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bids::Bids;

const TABLE: &str = "CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, \
     url VARCHAR, date_time TIMESTAMP(3), extra VARCHAR, \
     WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND) \
     WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '";

const COUNT: &str = "SELECT auction, window_start, count(*) AS bids, sum(price) AS total \
     FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) \
     GROUP BY auction, window_start, window_end";

/// One day in milliseconds; the first instant of 2024.
const DAY_MS: u64 = 86_400_000;
const START_MS: u64 = 1_704_067_200_000;

/// How much the peak may grow with ten times the input: allocator noise, not state.
const GROWTH_MAX: f64 = 1.25;

/// Peak memory of a tumbling count over 1 M and 10 M rows in one file, and over four files whose
/// times lie a day apart.
///
/// # Errors
/// When memory grows with the input, or a row is lost.
pub(crate) fn memory(root: &Path) -> Result<(), String> {
    let scratch = Scratch::new(root)?;
    let small = scratch.bids("small", 1, 1_000_000)?;
    let base = peak(root, &small, 1_000_000)?;
    std::fs::remove_dir_all(&small).map_err(|e| e.to_string())?;
    println!("1 M rows, one file: peak {:.1} MiB", mib(base));
    for (name, files, rows) in [("large", 1, 10_000_000), ("days", 4, 2_500_000)] {
        let path = scratch.bids(name, files, rows)?;
        let peak = peak(root, &path, files * rows)?;
        std::fs::remove_dir_all(&path).map_err(|e| e.to_string())?;
        println!("10 M rows, {files} file(s) a day apart: peak {:.1} MiB", mib(peak));
        if peak as f64 > base as f64 * GROWTH_MAX {
            return Err(format!("memory grows with the input: {:.2}x", peak as f64 / base as f64));
        }
    }
    Ok(())
}

/// What a second worker should gain.
const GAIN: f64 = 1.7;

/// Wall time of the windowed count over 1 GB, in turn: two workers, one worker, and one worker on one
/// processor, which its reading thread then shares.
///
/// # Errors
/// When the answers differ.
pub(crate) fn scaling(root: &Path) -> Result<(), String> {
    let scratch = Scratch::new(root)?;
    let path = scratch.bids("gigabyte", 1, 4_500_000)?;
    let bytes: u64 = std::fs::metadata(path.join("0.ndjson")).map_err(|e| e.to_string())?.len();
    println!("{:.2} GB, 4.5 M rows, medians of 7 runs in turn", bytes as f64 / 1e9);
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let mut answers = Vec::new();
    for round in 0..8 {
        for (index, setup) in [("2", false), ("1", false), ("1", true)].into_iter().enumerate() {
            let (time, answer) = timed(root, &path, setup)?;
            answers.push(answer);
            // The first round warms the page cache.
            if round > 0 {
                times[index].push(time);
            }
        }
    }
    if answers.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err("the answer depends on the number of workers".into());
    }
    let [two, one, alone] = times.map(|times| median(times).as_secs_f64());
    println!("2 workers: {two:.2} s");
    for (setup, time) in [("1 worker", one), ("1 worker on 1 processor", alone)] {
        let gain = time / two;
        let short =
            if gain < GAIN { format!(", below the goal of {GAIN}x") } else { String::new() };
        println!("{setup}: {time:.2} s, {gain:.2}x as long{short}");
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A directory for generated files; removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(root: &Path) -> Result<Self, String> {
        let path = root.join("target/measure");
        std::fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }

    /// A directory of `files` files of `rows` bids each, a day apart.
    fn bids(&self, name: &str, files: u64, rows: u64) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        let failed = |e: std::io::Error| format!("cannot write {}: {e}", path.display());
        std::fs::create_dir_all(&path).map_err(failed)?;
        for file in 0..files {
            let bids = Bids { rows, start_ms: START_MS + file * DAY_MS, seed: file };
            bids.write(&path.join(format!("{file}.ndjson"))).map_err(failed)?;
        }
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The built binary with the table over `path` declared.
fn turgo(root: &Path, path: &Path, query: &str) -> Command {
    let mut command = Command::new(root.join("target/release/turgo"));
    command.current_dir(root).args(["run", "--progress", "never", "-c"]);
    command.arg(format!("{TABLE}{}'); {query}", path.display()));
    command
}

/// Peak memory in bytes of the windowed count into nothing; every row must be accounted for.
fn peak(root: &Path, path: &Path, rows: u64) -> Result<u64, String> {
    let stats = path.join("stats.txt");
    let out = "CREATE TABLE out (auction BIGINT, window_start TIMESTAMP(3), bids BIGINT, total BIGINT) \
               WITH ('connector' = 'blackhole'); INSERT INTO out ";
    let mut command = turgo(root, path, &format!("{out}{COUNT}"));
    let status = command.args(["--workers", "2", "--stats"]).arg(&stats).status();
    let status = status.map_err(|e| format!("cannot start turgo: {e}"))?;
    if !status.success() {
        return Err(format!("turgo ended with {status}"));
    }
    let text = std::fs::read_to_string(&stats).map_err(|e| e.to_string())?;
    std::fs::remove_file(&stats).map_err(|e| e.to_string())?;
    for (key, wanted) in [("rows_in", rows), ("used", rows), ("late", 0), ("rejected", 0)] {
        let found = number(&text, key)?;
        if found != wanted {
            return Err(format!("{key} is {found}, not {wanted}"));
        }
    }
    number(&text, "peak_memory_bytes")
}

/// The first number behind `"key":` in JSON text.
fn number(text: &str, key: &str) -> Result<u64, String> {
    let key = format!("\"{key}\":");
    let rest = text.split_once(&key).map(|(_, rest)| rest.trim_start());
    let digits = rest.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("no {key} in the statistics"))
}

/// Wall time of a run with so many workers, on one processor or on all, and its rows as a sorted text.
fn timed(
    root: &Path,
    path: &Path,
    (workers, alone): (&str, bool),
) -> Result<(Duration, Vec<String>), String> {
    let mut command = turgo(root, path, COUNT);
    command.args(["--workers", workers, "--format", "csv"]);
    if alone {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
        pinned.current_dir(root);
        command = pinned;
    }
    #[expect(clippy::disallowed_methods, reason = "the workshop times real commands")]
    let start = Instant::now();
    let output = command.output().map_err(|e| format!("cannot start turgo: {e}"))?;
    let time = start.elapsed();
    if !output.status.success() {
        return Err(format!("turgo ended with {}", output.status));
    }
    let mut rows: Vec<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(ToOwned::to_owned).collect();
    rows.sort_unstable();
    Ok((time, rows))
}

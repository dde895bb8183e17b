//! One line about a running query, on standard error.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use turgo_engine::run::{Control, Progress};

use crate::args::ShowProgress;
use crate::report::say;
use crate::screen::LastLine;

/// Queries shorter than this pass without a line.
const QUIET: Duration = Duration::from_millis(500);

/// Shows progress until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Watch {
    /// Starts to watch `control`, on `last` where standard error is a terminal.
    pub(crate) fn start(when: ShowProgress, control: &Control, last: LastLine) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let show = match when {
            ShowProgress::Auto => terminal,
            ShowProgress::Always => true,
            ShowProgress::Never => false,
        };
        if !show {
            return Self { thread: None };
        }
        let (stop, stopped) = channel();
        let control = control.clone();
        let every = Duration::from_millis(if terminal { 200 } else { 1000 });
        let watch = move || {
            let start = now();
            let mut wait = if terminal { QUIET } else { every };
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                let line = line(&control.progress(), start.elapsed());
                match terminal {
                    true => last.draw(&line),
                    false => say(line),
                }
                wait = every;
            }
            last.clear();
        };
        let thread = std::thread::Builder::new().name("progress".into()).spawn(watch);
        Self { thread: thread.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the rate people see is one of wall time")]
fn now() -> Instant {
    Instant::now()
}

/// What is known after `elapsed`.
fn line(progress: &Progress, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let mut line = format!(
        "{} rows in, {} rows out, {}, {} rows/s",
        count(progress.rows_in as f64),
        count(progress.rows_out as f64),
        bytes(progress.bytes),
        count(progress.rows_in as f64 / seconds),
    );
    if let Some(total) = progress.bytes_total.filter(|total| *total > 0 && progress.bytes > 0) {
        let done = (progress.bytes as f64 / total as f64).min(1.0);
        let left = seconds * (1.0 - done) / done;
        line += &format!(", {:.0} %, about {} left", done * 100.0, duration(left));
    }
    if let Some((lowest, highest)) = progress.watermarks {
        let lag = highest.saturating_sub(lowest) as f64 / 1e6;
        line += &format!(", watermark {}", instant(lowest));
        if lag > 0.0 {
            line += &format!(" (slowest partition {} behind)", duration(lag));
        }
    }
    line
}

/// A number as people say it.
pub(crate) fn count(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.2} G", n / 1e9),
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} K", n / 1e3),
        n => format!("{n:.0}"),
    }
}

fn bytes(number: u64) -> String {
    match number as f64 {
        n if n >= 1e9 => format!("{:.2} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.0} KB", n / 1e3),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 172_800.0 => format!("{:.1} days", s / 86_400.0),
        s if s >= 5_400.0 => format!("{:.1} h", s / 3_600.0),
        s if s >= 90.0 => format!("{:.0} min", s / 60.0),
        s => format!("{s:.0} s"),
    }
}

/// Microseconds since 1970 as ISO text.
fn instant(micros: i64) -> String {
    arrow::temporal_conversions::timestamp_us_to_datetime(micros)
        .map_or_else(|| format!("{micros} us"), |time| time.format("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_rate_remainder_and_watermark() {
        let progress = Progress {
            rows_in: 3_000_000,
            bytes: 500_000_000,
            bytes_total: Some(1_000_000_000),
            rows_out: 12,
            watermarks: Some((0, 60_000_000)),
        };
        assert_eq!(
            line(&progress, Duration::from_secs(2)),
            "3.00 M rows in, 12 rows out, 500.0 MB, 1.50 M rows/s, 50 %, about 2 s left, \
             watermark 1970-01-01T00:00:00 (slowest partition 60 s behind)"
        );
    }
}

//! How far an ablation is, in a line on standard error.

use std::fmt;
use std::time::Duration;

/// How far an ablation is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The first table of which something is missing, from 1.
    pub table: usize,
    /// How many there will be.
    pub tables: usize,
    /// That table's machine.
    pub machine: String,
    /// Its graph.
    pub graph: String,
    /// Since the beginning.
    pub elapsed: Duration,
    /// An estimate of the share that is done, from 0 to 1.
    pub done: f64,
}

/// Before this an estimate of what is left is a guess.
const SETTLED: Duration = Duration::from_secs(3);

impl Progress {
    /// An estimate of the time that is left, once there is something to go by.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let settled = self.elapsed >= SETTLED && self.done > 0.005;
        settled.then(|| self.elapsed.mul_f64((1.0 - self.done).max(0.0) / self.done))
    }
}

fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, tables, machine, graph, elapsed, .. } = self;
        write!(f, "{table} of {tables}: {machine}, {graph}; {} gone", minutes(*elapsed))?;
        match self.left() {
            Some(left) => write!(f, ", about {} to go", minutes(left)),
            None => Ok(()),
        }
    }
}

/// Says when there is something to be said: on a terminal one line again and again, elsewhere a line for each table, and one now and then while it lasts.
///
/// ```
/// use std::time::Duration;
/// use turgo_sched::sim::{Progress, Teller};
/// let mut teller = Teller::new(false);
/// let mut progress = Progress {
///     table: 1,
///     tables: 8,
///     machine: "1x2".into(),
///     graph: "tree:1000".into(),
///     elapsed: Duration::ZERO,
///     done: 0.0,
/// };
/// assert_eq!(teller.text(&progress).as_deref(), Some("1 of 8: 1x2, tree:1000; 0:00 gone\n"));
/// assert_eq!(teller.text(&progress), None);
/// (progress.elapsed, progress.done) = (Duration::from_secs(75), 0.5);
/// let text = teller.text(&progress);
/// assert_eq!(text.as_deref(), Some("1 of 8: 1x2, tree:1000; 1:15 gone, about 1:15 to go\n"));
/// ```
#[derive(Debug)]
pub struct Teller {
    on_terminal: bool,
    /// The table and the time of the last line.
    last: Option<(usize, Duration)>,
}

impl Teller {
    /// For a terminal, or something that is none.
    #[must_use]
    pub const fn new(on_terminal: bool) -> Self {
        Self { on_terminal, last: None }
    }

    /// What is to be written now, if anything.
    pub fn text(&mut self, progress: &Progress) -> Option<String> {
        let every = Duration::from_secs(if self.on_terminal { 1 } else { 60 });
        let is_news = self.last.is_none_or(|(table, at)| {
            table != progress.table || progress.elapsed.saturating_sub(at) >= every
        });
        if !is_news {
            return None;
        }
        self.last = Some((progress.table, progress.elapsed));
        // On a terminal: from the beginning of the line, with nothing left of the last one.
        let text =
            if self.on_terminal { format!("\r\x1b[K{progress}") } else { format!("{progress}\n") };
        Some(text)
    }

    /// What is to be written at the end: takes the line from a terminal.
    #[must_use]
    pub const fn end(&self) -> &'static str {
        if self.on_terminal && self.last.is_some() { "\r\x1b[K" } else { "" }
    }
}

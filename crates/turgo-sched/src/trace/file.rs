//! Recordings as files: text, line by line, so that they can be looked at, compared, and changed by hand.
//!
//! ```text
//! turgo recording 1                    the format's version
//! machine 2x1                          a simulated machine with as many nodes, as far apart
//! workers 2
//! makespan_ns 4711000                  what the run took on threads
//! costs measured                       or declared
//! graph 355c83d67ac3b146               the fingerprint of tasks and edges
//! tasks 3                              as many lines follow, from task 0 on
//! task cost 1200 home 1 bytes 4096     each field once, or not at all where it says nothing
//! task priority high tenant 2 deadline 5000 need cpu 0.5 need io 0.1 name "a \"leaf\""
//! task
//! edges 2
//! edge 0 2                             task 2 comes after task 0
//! edge 1 2
//! decisions 4
//! 0 run 0 outside                      worker 0 runs task 0, which it took from a shared queue; own, next, stolen 1
//! 1 run 1 stolen 0
//! 1 put 2 node 1 oldest                task 2 has become ready on worker 1 and goes there; here, worker 0; newest, deadline
//! 1 run 2 own
//! end
//! ```
//!
//! Costs are nanoseconds, homes are numbers of nodes, deadlines are nanoseconds from the start. Names escape `"`, `\`, and the ends of lines (`\n`, `\r`). Who changes a cost by hand asks what
//! the same decisions would take then. Who changes tasks or edges has another graph, and is refused.
//!
//! A file is read and written line by line; reading takes memory for what was read, not for what a line announces, and the limits below are kept on both sides: a hostile
//! file can take some 600 MB. Nothing of it is executed, and what a [replay](crate::sim::Simulation::replay) does with it does not overflow.
//!
//! # Invariants
//!
//! - **H1** What was written is read as what it was.
//! - **H2** What was cut off anywhere is refused, and so is a recording in which a task is not run, or another graph than that of the fingerprint.
//! - **H3** Nothing is taken for more than the limits allow, whatever a file says.

use std::fmt;
use std::io;

use turgo_machine::mutant;

use crate::dag::{Profile, Shape};

mod read;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod write;

/// The format's version.
const VERSION: &str = "1";
/// Tasks of a graph.
const TASKS_MAX: usize = 1 << 21;
/// Edges of a graph: fewer than one task can have as predecessors.
const EDGES_MAX: usize = 16_000_000;
const _: () = assert!(EDGES_MAX < Shape::PREDECESSORS_MAX as usize);
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 4 << 10;
/// Bytes of all names.
const NAMES_BYTES_MAX: usize = 64 << 20;
/// What all tasks cost together, in nanoseconds: two years.
const COSTS_NS_MAX: u64 = 1 << 56;
/// Bytes that all tasks read together.
const BYTES_MAX: u64 = 1 << 54;
/// Bytes of a line: a name in which everything is escaped, or the distances between 64 nodes.
const LINE_BYTES_MAX: usize = 32 << 10;
const _: () = assert!(LINE_BYTES_MAX >= 4 * NAME_BYTES_MAX);

/// Limits on sums over tasks (H3), for who writes and who reads.
#[derive(Debug, Default)]
struct Sums {
    costs_ns: u64,
    bytes: u64,
    names_bytes: usize,
}

impl Sums {
    /// One more task; what is too much, if anything.
    fn add(&mut self, profile: &Profile) -> Option<&'static str> {
        let name_bytes = profile.name.as_ref().map_or(0, |name| name.len());
        self.costs_ns = self.costs_ns.saturating_add(profile.cost_ns);
        self.bytes = self.bytes.saturating_add(profile.bytes);
        self.names_bytes = self.names_bytes.saturating_add(name_bytes);
        let is_amount = |amount: &f32| amount.is_finite() && *amount >= 0.0;
        if mutant!("H3 costs without a limit") {
            None
        } else if self.costs_ns > COSTS_NS_MAX {
            Some("tasks cost more than two years together")
        } else if self.bytes > BYTES_MAX {
            Some("tasks read more than 16 PiB together")
        } else if name_bytes > NAME_BYTES_MAX || self.names_bytes > NAMES_BYTES_MAX {
            Some("a name of more than 4 KiB, or names of more than 64 MiB")
        } else if !profile.need.0.iter().all(is_amount) {
            Some("a need that is no amount")
        } else {
            None
        }
    }
}

/// Why a file is no recording.
#[derive(Debug)]
pub struct FileError {
    line: u64,
    message: String,
    remedy: &'static str,
    source: Option<io::Error>,
}

impl FileError {
    fn new(line: u64, message: impl Into<String>, remedy: &'static str) -> Self {
        Self { line, message: message.into(), remedy, source: None }
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would do.
    #[must_use]
    pub fn remedy(&self) -> &str {
        self.remedy
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.message, self.remedy)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

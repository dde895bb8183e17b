//! Writing a recording. The format: [the module above](super).

use std::fmt;
use std::io::{self, Write};

use turgo_machine::mutant;

use super::super::{Choice, Decision, Got, RecordedRun};
use super::{EDGES_MAX, Sums, TASKS_MAX, VERSION};
use crate::dag::{Profile, TaskId};
use crate::layout::small;
use crate::policy::{Order, Place, Priority};
use crate::resources::Lane;

impl RecordedRun {
    /// Writes it as text, in small pieces: give it a [`BufWriter`](io::BufWriter), and flush that. Takes time linear in tasks, edges and decisions.
    ///
    /// # Errors
    ///
    /// What the writer says; [`InvalidInput`](io::ErrorKind::InvalidInput), before anything is written, if there is more than may be read: of 2,097,152 tasks, 16 million edges, names
    /// of 4 KiB, costs of two years and 16 PiB together.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        self.check_limits()?;
        let Self { shape, is_measured, recording } = self;
        writeln!(to, "turgo recording {VERSION}")?;
        writeln!(to, "machine {}", recording.machine)?;
        writeln!(to, "workers {}", recording.workers)?;
        writeln!(to, "makespan_ns {}", recording.makespan_ns)?;
        writeln!(to, "costs {}", if *is_measured { "measured" } else { "declared" })?;
        writeln!(to, "graph {:016x}", recording.graph)?;
        writeln!(to, "tasks {}", shape.len())?;
        for profile in shape.profiles() {
            writeln!(to, "task{}", Fields(profile))?;
        }
        writeln!(to, "edges {}", shape.edges())?;
        for task in 0..small(shape.len()) {
            for next in shape.successors(TaskId(task)) {
                writeln!(to, "edge {task} {next}")?;
            }
        }
        writeln!(to, "decisions {}", recording.decisions.len())?;
        for decision in &recording.decisions {
            writeln!(to, "{}", Line(decision))?;
        }
        writeln!(to, "end")
    }

    /// H3.
    fn check_limits(&self) -> io::Result<()> {
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if self.shape.len() > TASKS_MAX || self.shape.edges() > EDGES_MAX {
            return refuse("more than 2,097,152 tasks or 16 million edges");
        }
        let mut sums = Sums::default();
        match self.shape.profiles().iter().find_map(|profile| sums.add(profile)) {
            Some(why) => refuse(why),
            None => Ok(()),
        }
    }
}

/// What a task says about itself, where that is anything.
struct Fields<'a>(&'a Profile);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Profile { name, home, need, priority, deadline_ns, cost_ns, bytes, tenant } = self.0;
        let mut number = |field: &str, value: u64, nothing: u64| {
            if value == nothing { Ok(()) } else { write!(f, " {field} {value}") }
        };
        number("cost", *cost_ns, 0)?;
        number("home", home.map_or(u64::MAX, |home| home.0.into()), u64::MAX)?;
        number("bytes", *bytes, 0)?;
        number("tenant", (*tenant).into(), 0)?;
        number("deadline", *deadline_ns, u64::MAX)?;
        match priority {
            Priority::Background => f.write_str(" priority background")?,
            Priority::Normal => {}
            Priority::High => f.write_str(" priority high")?,
        }
        for lane in Lane::ALL.into_iter().filter(|&lane| need.get(lane) != 0.0) {
            write!(f, " need {} {}", lane_name(lane), need.get(lane))?;
        }
        match name {
            Some(name) => write!(f, " name \"{}\"", Escaped(name)),
            None => Ok(()),
        }
    }
}

/// What a lane is called.
pub(super) const fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Cpu => "cpu",
        Lane::Memory => "memory",
        Lane::MemoryBandwidth => "memory_bandwidth",
        Lane::Io => "io",
        Lane::Network => "network",
        Lane::Iops => "iops",
        Lane::Wakeups => "wakeups",
        Lane::Capabilities => "capabilities",
    }
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                other if mutant!("H1 names are written as they are") => {
                    fmt::Write::write_char(f, other)?;
                }
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

struct Line<'a>(&'a Decision);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decision { worker, task, choice } = self.0;
        match choice {
            Choice::Run(got) => {
                write!(f, "{} run {task} ", worker.0)?;
                match got {
                    Got::Own => f.write_str("own"),
                    Got::Next => f.write_str("next"),
                    Got::Outside => f.write_str("outside"),
                    Got::Stolen(from) => write!(f, "stolen {}", from.0),
                }
            }
            Choice::Put(place, order) => {
                write!(f, "{} put {task} ", worker.0)?;
                match place {
                    Place::Here => f.write_str("here")?,
                    Place::Worker(to) => write!(f, "worker {}", to.0)?,
                    Place::Node(to) => write!(f, "node {}", to.0)?,
                }
                f.write_str(match order {
                    Order::Newest => " newest",
                    Order::Oldest => " oldest",
                    Order::Deadline => " deadline",
                })
            }
        }
    }
}

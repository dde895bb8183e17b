//! A run that was written down, with the graph it belongs to.

use std::fmt;

use super::Recording;
use crate::dag::{Profile, Report, Shape, TaskId};

/// A recording with its graph: all that it takes to [replay](crate::sim::Simulation::replay) a run without the program that ran it.
///
/// ```
/// use turgo_machine::topology::Topology;
/// use turgo_sched::Pool;
/// use turgo_sched::dag::Dag;
/// use turgo_sched::trace::RecordedRun;
///
/// let mut dag = Dag::new();
/// dag.timed(true);
/// let first = dag.node(|_| println!("first")).id();
/// dag.node(|_| println!("second")).after(first);
/// let pool = Pool::builder(&Topology::simulate("1x2")?).record(true).build()?;
/// let run = pool.run(&dag.seal()?).wait()?.recorded()?;
///
/// let mut file = Vec::new();
/// run.write(&mut file)?;
/// assert!(file.starts_with(b"turgo recording 1\nmachine 1x2\nworkers 2\n"));
/// assert_eq!(RecordedRun::read(&mut &file[..])?, run);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    /// The graph, with what its tasks cost and say about themselves.
    pub shape: Shape,
    /// Whether the costs are what the tasks took in this run; if not, they are those that were declared.
    pub is_measured: bool,
    /// What was decided.
    pub recording: Recording,
}

/// Why there is no recording of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRecorded {
    /// The pool does not record.
    Off,
    /// The graph grew while it ran.
    Grown,
    /// Nobody has run this task.
    Unfinished {
        /// The first of them.
        task: u32,
    },
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => {
                f.write_str("nothing was recorded: build the pool with `Builder::record(true)`")
            }
            Self::Grown => f.write_str("a graph that grows while it runs cannot be replayed"),
            Self::Unfinished { task } => write!(
                f,
                "nobody ran task {task}: a run that failed or was cancelled cannot be replayed"
            ),
        }
    }
}

impl std::error::Error for NotRecorded {}

impl Report {
    /// The run with its graph, to be [replayed](crate::sim::Simulation::replay) or [written](RecordedRun::write) to a file. If the graph was [timed](crate::dag::Dag::timed), costs are
    /// what the tasks took. Takes time and memory linear in tasks and edges.
    ///
    /// # Errors
    ///
    /// If the pool does not [record](crate::pool::Builder::record), the graph grew, or not all tasks were run.
    pub fn recorded(&self) -> Result<RecordedRun, NotRecorded> {
        let recording = self.recording.clone().ok_or(NotRecorded::Off)?;
        let shape = self.shape();
        if self.total as usize > shape.len() {
            return Err(NotRecorded::Grown);
        }
        if let Some(task) = recording.first_missing(self.total) {
            return Err(NotRecorded::Unfinished { task });
        }
        let shape = if self.measured { self.with_measured_costs() } else { shape.clone() };
        Ok(RecordedRun { shape, is_measured: self.measured, recording })
    }

    fn with_measured_costs(&self) -> Shape {
        let shape = self.shape();
        let costs = shape.profiles().iter().zip(self.tasks());
        let profiles =
            costs.map(|(profile, task)| Profile { cost_ns: task.ran_ns, ..profile.clone() });
        let successors = |task| shape.successors(TaskId(task)).iter();
        let edges: Vec<(u32, u32)> = (0..self.total)
            .flat_map(|task| successors(task).map(move |&next| (task, next)))
            .collect();
        Shape::new(profiles.collect(), &edges).expect("a graph that was sealed has no cycle")
    }
}

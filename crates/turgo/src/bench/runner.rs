//! Plans the queries of a benchmark and runs them again and again.

use std::sync::Arc;
use std::time::Instant;

use turgo_engine::io::{Connectors, Sink};
use turgo_engine::run::{Config, Control};
use turgo_sql::{Outcome, Planned, Session};

use crate::bench::args::Common;
use crate::bench::record::Samples;
use crate::interrupt::Interrupt;
use crate::report::{Failure, say};
use crate::stats::{cpu_seconds, peak_memory_bytes};

/// Runs queries over one set of connectors.
pub(super) struct Runner<'a> {
    session: Session,
    interrupt: &'a Interrupt,
    config: Config,
    runs: usize,
}

/// What one run took.
pub(super) struct Run {
    pub(super) rows_in: u64,
    wall: f64,
    cpu: f64,
}

/// The workers that are asked for, or those of the engine's default.
pub(super) fn workers(common: &Common) -> usize {
    common.workers.map_or_else(|| Config::default().workers, usize::from)
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        common: &Common,
        interrupt: &'a Interrupt,
        connectors: Arc<dyn Connectors>,
    ) -> Self {
        let config = Config { workers: workers(common), ..Config::default() };
        Self {
            session: Session::new(connectors),
            interrupt,
            config,
            runs: usize::from(common.runs),
        }
    }

    /// Executes the declarations of a script and plans the query it ends with; rows go to `sink`.
    /// Tables in memory are made by it.
    pub(super) fn plan(&mut self, script: &str, sink: Arc<dyn Sink>) -> Result<Planned, Failure> {
        let failed = |error| Failure::sql("the benchmark", 1, script, &error);
        let mut query = None;
        for statement in turgo_sql::parse(script).map_err(failed)? {
            if self.interrupt.asked() {
                return Err(Failure::interrupted());
            }
            let outcome = self.session.execute(script, &statement, Arc::clone(&sink));
            if let Outcome::Query(planned) = outcome.map_err(failed)? {
                query = Some(planned);
            }
        }
        query.ok_or_else(|| Failure::new("a benchmark without a query"))
    }

    /// Runs a query once.
    pub(super) fn run(&self, planned: &Planned) -> Result<Run, Failure> {
        let control = Control::default();
        self.interrupt.watch(&control);
        let cpu = cpu_seconds();
        let report = turgo_engine::run::run(&planned.graph, &self.config, &control)?;
        let cpu = cpu_seconds() - cpu;
        if report.interrupted {
            return Err(Failure::interrupted());
        }
        let (late, rejected) = (report.counts.late, report.counts.rejected);
        if late + report.counts.late_partial + rejected > 0 {
            return Err(Failure::new(format!(
                "rows were left out: {late} late, {} late for some windows, {rejected} rejected",
                report.counts.late_partial
            )));
        }
        Ok(Run { rows_in: report.rows_in(), wall: report.wall.as_secs_f64(), cpu })
    }

    /// Runs a query as often as is asked for; `check` looks at what each run wrote.
    pub(super) fn samples(
        &self,
        name: &str,
        planned: &Planned,
        mut check: impl FnMut(&Run) -> Result<(), Failure>,
    ) -> Result<Samples, Failure> {
        let mut samples = Samples::default();
        forget_peak();
        for run in 1..=self.runs {
            say(format_args!("{name}: run {run} of {}", self.runs));
            let ran = self.run(planned)?;
            check(&ran)?;
            samples.walls.push(ran.wall);
            samples.cpus.push(ran.cpu);
        }
        samples.peak = peak_memory_bytes();
        Ok(samples)
    }
}

/// Starts the system's record of peak memory anew, where it can: what was held before the runs does
/// not count unless it still is.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Seconds that `work` takes.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]
    let start = Instant::now();
    let done = work();
    (done, start.elapsed().as_secs_f64())
}

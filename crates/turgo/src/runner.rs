//! Runs statements one by one: what `turgo run` and `turgo sql` have in common.

use std::sync::Arc;

use arrow::array::RecordBatch;
use serde_json::Value;
use turgo_connectors::Format;
use turgo_engine::EngineError;
use turgo_engine::run::{Config, Control, Report};
use turgo_sql::statement::{Statement, StatementKind};
use turgo_sql::{Outcome, Planned, Session};

use crate::args::ShowProgress;
use crate::interrupt::Interrupt;
use crate::output::{print, show};
use crate::progress::Watch;
use crate::report::{Failure, say};
use crate::screen::{LastLine, stdout};
use crate::script::Script;
use crate::stats;
use crate::trace::{self, TraceFiles};

/// How statements are run, whichever they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Worker threads; they win over the setting.
    pub(crate) workers: Option<u16>,
    /// How the rows of a bare SELECT are written.
    pub(crate) format: Format,
    /// When progress is shown.
    pub(crate) progress: ShowProgress,
}

/// What a statement came to.
#[derive(Debug)]
pub(crate) enum Ran {
    /// Something was declared or set; what, in a few words.
    Done(String),
    /// So many rows were shown that no query made.
    Rows(usize),
    /// A text was shown, or nobody was there to see it.
    Shown,
    /// A query has run to its end.
    Query(Box<Report>),
}

/// Runs statements in one session.
#[derive(Debug)]
pub(crate) struct Runner {
    /// Tables, views and settings.
    pub(crate) session: Session,
    /// How statements are run.
    pub(crate) options: Options,
    interrupt: Interrupt,
    /// Whoever read standard output has seen enough: that is no failure, and no reason to leave
    /// out a statement that writes elsewhere.
    closed: bool,
    /// What each query did, for `--stats`.
    pub(crate) queries: Vec<Value>,
    /// Where their traces go, for `--trace`.
    pub(crate) trace: Option<TraceFiles>,
}

/// Why a statement stops early.
enum Ended {
    /// Standard output was closed.
    Closed,
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<EngineError> for Ended {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Closed => Self::Closed,
            error => Self::Failed(error.into()),
        }
    }
}

impl Runner {
    /// A runner with an empty session, whose queries end when `interrupt` is asked for.
    pub(crate) fn new(options: Options, interrupt: Interrupt) -> Self {
        let session = Session::new(turgo_connectors::connectors());
        Self { session, options, interrupt, closed: false, queries: Vec::new(), trace: None }
    }

    /// Runs a statement of `script`.
    ///
    /// # Errors
    /// When it fails or is interrupted.
    pub(crate) fn statement(
        &mut self,
        script: &Script,
        statement: &Statement,
    ) -> Result<Ran, Failure> {
        match self.execute(script, statement) {
            Ok(ran) => Ok(ran),
            Err(Ended::Closed) => {
                self.closed = true;
                Ok(Ran::Shown)
            }
            Err(Ended::Failed(failure)) => Err(failure),
        }
    }

    /// Shows a small table as the rows of queries are shown.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn show(&self, rows: RecordBatch) -> Result<(), Failure> {
        Ok(show(&*stdout(self.options.format, &self.interrupt).0, rows)?)
    }

    fn execute(&mut self, script: &Script, statement: &Statement) -> Result<Ran, Ended> {
        let (stdout, last) = stdout(self.options.format, &self.interrupt);
        let results = Arc::clone(&stdout);
        let outcome = self
            .session
            .execute(&script.text, statement, results)
            .map_err(|error| script.failure(&error))?;
        let select = matches!(statement.kind, StatementKind::Select(_));
        match outcome {
            Outcome::Done(what) => Ok(Ran::Done(what)),
            Outcome::Rows(_) | Outcome::Text(_) if self.closed => Ok(Ran::Shown),
            Outcome::Query(_) if self.closed && select => Ok(Ran::Shown),
            Outcome::Rows(rows) => {
                let count = rows.num_rows();
                show(&*stdout, rows)?;
                Ok(Ran::Rows(count))
            }
            Outcome::Text(text) => {
                print(&text)?;
                Ok(Ran::Shown)
            }
            Outcome::Query(planned) => {
                let text = script.text[statement.span.clone()].trim();
                let ended = self.query(text, statement, &planned, last);
                if ended.is_err() {
                    self.session.withdraw(&planned);
                }
                ended.map(|report| Ran::Query(Box::new(report)))
            }
        }
    }

    fn query(
        &mut self,
        text: &str,
        statement: &Statement,
        planned: &Planned,
        last: LastLine,
    ) -> Result<Report, Ended> {
        for warning in &planned.warnings {
            say(format_args!("warning: {warning}"));
        }
        let mut config: Config = self.session.settings().config.clone();
        if let Some(workers) = self.options.workers {
            config.workers = usize::from(workers);
        }
        if self.trace.is_some() {
            config.trace_events = trace::EVENTS;
        }
        let control = Control::default();
        self.interrupt.watch(&control);
        let watch = Watch::start(self.options.progress, &control, last);
        let ended = turgo_engine::run::run(&planned.graph, &config, &control);
        drop(watch);
        let mut report = match ended {
            Err(error) => {
                self.queries.push(stats::failed(text, &error));
                return Err(error.into());
            }
            Ok(report) => report,
        };
        if self.interrupt.seen_enough() {
            // Rows may have been kept from the screen after the query had come to its end.
            report.interrupted |= matches!(statement.kind, StatementKind::Select(_));
            // Behind the `^C` that the terminal shows.
            say("");
        }
        self.queries.push(stats::query(text, &report));
        if let (Some(files), Some(trace)) = (&mut self.trace, &report.scheduler.trace) {
            files.write(trace)?;
        }
        summary(statement, &report);
        if report.interrupted {
            return Err(Failure::interrupted().into());
        }
        if report.closed { Err(Ended::Closed) } else { Ok(report) }
    }
}

/// Says what the rows shown do not: where they went, and which were left out.
fn summary(statement: &Statement, report: &Report) {
    if let StatementKind::Insert { table, .. } = &statement.kind
        && !report.interrupted
    {
        let rows = report.rows_out();
        let s = if rows == 1 { "" } else { "s" };
        say(format_args!("{}: {rows} row{s} written", table.value));
    }
    let counts = &report.counts;
    if report.interrupted || counts.late + counts.late_partial + counts.rejected > 0 {
        let partial = match counts.late_partial {
            0 => String::new(),
            partial => format!(" ({partial} of them late for some of their windows)"),
        };
        say(format_args!(
            "note: {} rows read: {} used{partial}, {} late, {} rejected, {} filtered",
            report.rows_in(),
            counts.used,
            counts.late,
            counts.rejected,
            counts.filtered,
        ));
    }
    for letters in report.letters.iter().filter(|letters| letters.bad + letters.late > 0) {
        let (bad, late) = (letters.bad, letters.late);
        say(format_args!("note: dead letters in {}: {bad} bad, {late} late", letters.name));
    }
    if counts.unsaid > 0 {
        say(format_args!(
            "note: groups that are not shown, because their windows were open at the end: {}",
            counts.unsaid
        ));
    }
}

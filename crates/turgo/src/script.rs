//! Running scripts: statements in order, queries to their ends.

use std::fs;
use std::sync::Arc;

use arrow::array::RecordBatch;
use clap::CommandFactory;
use serde_json::Value;
use turgo_connectors::{Format, StdoutSink};
use turgo_engine::EngineError;
use turgo_engine::io::Sink;
use turgo_engine::memory::CollectSink;
use turgo_engine::message::Batch;
use turgo_engine::run::{Config, Control, Report};
use turgo_engine::time::WATERMARK_NONE;
use turgo_sql::statement::{Statement, StatementKind};
use turgo_sql::{ExplainFormat, Outcome, Planned, Session};

use crate::args::{Args, Explain, PlanFormat, RowFormat, Run, Scripts};
use crate::interrupt::Interrupt;
use crate::progress::Watch;
use crate::report::{Failure, say};
use crate::stats::{self, StatsFile};

/// A text of statements and its name for messages.
struct Script {
    name: String,
    text: String,
}

/// Reads the files, then takes the commands.
fn scripts(scripts: &Scripts) -> Result<Vec<Script>, Failure> {
    let files = scripts.files.iter().map(|path| {
        let name = path.display().to_string();
        let bytes = fs::read(path)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        let text = text(bytes).map_err(|line| {
            Failure::usage(format!("cannot read {name}: line {line} is not UTF-8 text"))
        })?;
        Ok(Script { name, text })
    });
    let commands = scripts.command.iter().map(|text| {
        let name = "command line".to_owned();
        Ok(Script { name, text: text.clone() })
    });
    files.chain(commands).collect()
}

/// The text of a script without the mark that some editors put in front; or the line that is no
/// text.
fn text(bytes: Vec<u8>) -> Result<String, usize> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        1 + good.iter().filter(|byte| **byte == b'\n').count()
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// `turgo run`.
pub(crate) fn run(args: &Run) -> Result<(), Failure> {
    let scripts = scripts(&args.scripts)?;
    // Made before anything runs: to hear after an hour that it cannot be written would be late.
    let stats = args.stats.as_deref().map(StatsFile::create).transpose()?;
    let interrupt = Interrupt::listen()?;
    let format = match args.format {
        RowFormat::Table => Format::Table,
        RowFormat::Csv => Format::Csv,
        RowFormat::Json => Format::Json,
        RowFormat::Ndjson => Format::Ndjson,
    };
    let mut runner = Runner {
        session: Session::new(turgo_connectors::connectors()),
        stdout: Arc::new(StdoutSink::new(format)),
        interrupt,
        args,
        closed: false,
        queries: Vec::new(),
    };
    let ended = runner.scripts(&scripts);
    let written = stats.map_or(Ok(()), |stats| stats.write(&runner.queries));
    ended.and(written)
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

struct Runner<'a> {
    session: Session,
    stdout: Arc<dyn Sink>,
    interrupt: Interrupt,
    args: &'a Run,
    /// Whoever read standard output has seen enough: that is no failure, and no reason to leave
    /// out a statement that writes elsewhere.
    closed: bool,
    queries: Vec<Value>,
}

impl Runner<'_> {
    fn scripts(&mut self, scripts: &[Script]) -> Result<(), Failure> {
        // All are parsed before the first statement runs: a typing error in the last line should
        // not show after an hour.
        let parsed = scripts.iter().map(|script| Ok((script, parse(script)?)));
        for (script, statements) in parsed.collect::<Result<Vec<_>, Failure>>()? {
            for statement in &statements {
                if self.interrupt.asked() {
                    return Err(Failure::interrupted());
                }
                match self.statement(script, statement) {
                    Ok(()) => {}
                    Err(Ended::Closed) => self.closed = true,
                    Err(Ended::Failed(failure)) => return Err(failure),
                }
            }
        }
        Ok(())
    }

    fn statement(&mut self, script: &Script, statement: &Statement) -> Result<(), Ended> {
        let results = Arc::clone(&self.stdout);
        let outcome = self
            .session
            .execute(&script.text, statement, results)
            .map_err(|error| Failure::sql(&script.name, &script.text, &error))?;
        let select = matches!(statement.kind, StatementKind::Select(_));
        match outcome {
            Outcome::Done(_) => Ok(()),
            Outcome::Rows(_) | Outcome::Text(_) if self.closed => Ok(()),
            Outcome::Query(_) if self.closed && select => Ok(()),
            Outcome::Rows(rows) => Ok(show(&*self.stdout, rows)?),
            Outcome::Text(text) => Ok(print(&text)?),
            Outcome::Query(planned) => {
                let text = script.text[statement.span.clone()].trim();
                self.query(text, statement, &planned)
            }
        }
    }

    fn query(&mut self, text: &str, statement: &Statement, planned: &Planned) -> Result<(), Ended> {
        for warning in &planned.warnings {
            say(format_args!("warning: {warning}"));
        }
        let mut config: Config = self.session.settings().config.clone();
        if let Some(workers) = self.args.workers {
            config.workers = usize::from(workers);
        }
        let control = Control::default();
        self.interrupt.watch(&control);
        let watch = Watch::start(self.args.progress, &control);
        let ended = turgo_engine::run::run(&planned.graph, &config, &control);
        drop(watch);
        let report = match ended {
            Err(error) => {
                self.queries.push(stats::failed(text, &error));
                return Err(error.into());
            }
            Ok(report) => report,
        };
        self.queries.push(stats::query(text, &report));
        summary(statement, &report);
        if report.interrupted {
            return Err(Failure::interrupted().into());
        }
        if report.closed { Err(Ended::Closed) } else { Ok(()) }
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
    if counts.late + counts.late_partial + counts.rejected > 0 {
        say(format_args!(
            "note: {} rows read: {} used ({} of them late for some of their windows), {} late, {} \
             rejected, {} filtered",
            report.rows_in(),
            counts.used,
            counts.late_partial,
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

/// `turgo completions`: what a shell needs to complete commands and options.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "turgo", &mut script);
    match print(&String::from_utf8_lossy(&script)) {
        Err(EngineError::Closed) => Ok(()),
        printed => Ok(printed?),
    }
}

/// `turgo explain`: declares what the scripts declare, and shows the plan of each query.
pub(crate) fn explain(args: &Explain) -> Result<(), Failure> {
    let mut session = Session::new(turgo_connectors::connectors());
    let format = match args.format {
        PlanFormat::Text => ExplainFormat::Text,
        PlanFormat::Json => ExplainFormat::Json,
        PlanFormat::Dot => ExplainFormat::Dot,
    };
    for script in scripts(&args.scripts)? {
        for statement in parse(&script)? {
            let query = match &statement.kind {
                StatementKind::Explain(inner) => Some(&**inner),
                StatementKind::Select(_) | StatementKind::Insert { .. } => Some(&statement),
                _ => None,
            };
            let results: Arc<dyn Sink> = Arc::new(StdoutSink::new(Format::Table));
            let shown = match query {
                Some(query) => session
                    .plan(&script.text, query, results)
                    .map(|planned| Some(session.explain(&planned, format))),
                None => {
                    let unseen: Arc<dyn Sink> = Arc::new(CollectSink::default());
                    session.execute(&script.text, &statement, unseen).map(|_| None)
                }
            };
            let shown = shown.map_err(|error| Failure::sql(&script.name, &script.text, &error))?;
            match shown.map_or(Ok(()), |text| print(&text)) {
                Err(EngineError::Closed) => return Ok(()),
                printed => printed?,
            }
        }
    }
    Ok(())
}

fn parse(script: &Script) -> Result<Vec<Statement>, Failure> {
    turgo_sql::parse(&script.text).map_err(|error| Failure::sql(&script.name, &script.text, &error))
}

/// Writes a small table to standard output, as the rows of a query are written.
fn show(stdout: &dyn Sink, rows: RecordBatch) -> Result<(), EngineError> {
    let schema = rows.schema();
    let block = stdout.encoder(&schema, false)?.encode(&Batch::derived(rows, WATERMARK_NONE))?;
    let mut writer = stdout.writer(&schema, false)?;
    writer.write(block)?;
    writer.commit()
}

/// Writes text to standard output.
fn print(text: &str) -> Result<(), EngineError> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()).map_err(|error| {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => EngineError::Closed,
            _ => EngineError::external("cannot write to standard output", error),
        }
    })
}

//! Runs records in a session of their own and says what differs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::array_value_to_string;
use turgo_engine::memory::CollectSink;
use turgo_engine::message::Batch;
use turgo_engine::operator::RowCounts;
use turgo_engine::run::{Config, Control, run as run_graph};
use turgo_sql::{Outcome, Planned, Session, SqlError};

use crate::record::{Kind, Record};

/// Runs `records`, what runs with each number of `workers`, and returns what went wrong, each with
/// its line. A statement is planned once: that takes most of the time.
pub(crate) fn run(records: &[Record], workers: &[usize]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a place for files");
    let mut runner = Runner {
        dir: dir.path(),
        session: Session::new(turgo_connectors::connectors()),
        workers,
        counts: Vec::new(),
    };
    let mut failures = Vec::new();
    for record in records {
        if let Err(problem) = runner.record(&record.kind) {
            failures.push(format!("{}: {problem}", record.line));
        }
    }
    failures
}

struct Runner<'a> {
    dir: &'a Path,
    session: Session,
    workers: &'a [usize],
    /// Of the last query, each time it ran.
    counts: Vec<RowCounts>,
}

/// What a statement answered.
#[derive(Debug, Default)]
struct Answer {
    /// 0 where nothing ran.
    workers: usize,
    types: String,
    rows: Vec<String>,
}

impl Runner<'_> {
    fn record(&mut self, kind: &Kind) -> Result<(), String> {
        if matches!(kind, Kind::Query { .. } | Kind::Statement { .. }) {
            self.counts.clear();
        }
        match kind {
            Kind::File { name, text } => {
                let path = self.dir.join(name);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
                }
                std::fs::write(path, text).map_err(|error| error.to_string())
            }
            Kind::Include(name) => crate::records(name)?.iter().try_for_each(|record| {
                let result = self.record(&record.kind);
                result.map_err(|problem| format!("{name}:{}: {problem}", record.line))
            }),
            Kind::Statement { sql, error: None } => self.statement(sql).map(|_| ()),
            Kind::Statement { sql, error: Some(expected) } => match self.statement(sql) {
                Ok(answers) => Err(format!("{sql}\nmust fail, but answered {answers:#?}")),
                Err(error) if error.contains(&self.placed(expected)) => Ok(()),
                Err(error) => Err(format!("{sql}\nmust fail with {expected}\nbut says  {error}")),
            },
            Kind::Query { types, sorted, ways, rows } => {
                ways.iter().try_for_each(|sql| self.query(types, *sorted, sql, rows))
            }
            Kind::Counts(_) if self.counts.is_empty() => Err("no query comes before".into()),
            Kind::Counts(expected) => {
                self.counts.iter().try_for_each(|counts| compare_counts(counts, expected))
            }
        }
    }

    fn query(
        &mut self,
        types: &str,
        sorted: bool,
        sql: &str,
        rows: &[String],
    ) -> Result<(), String> {
        let mut rows: Vec<String> = rows.iter().map(|row| self.placed(row)).collect();
        if sorted {
            rows.sort();
        }
        for mut answer in self.statement(sql).map_err(|error| format!("{sql}\n{error}"))? {
            if sorted {
                answer.rows.sort();
            }
            if types != answer.types {
                return Err(format!("{sql}\nmust have types {types}, not {}", answer.types));
            }
            if rows != answer.rows {
                let [rows, got] = [rows.join("\n"), answer.rows.join("\n")];
                let workers = answer.workers;
                return Err(format!(
                    "{sql}\nmust answer\n{rows}\nbut with {workers} workers answered\n{got}"
                ));
            }
        }
        Ok(())
    }

    /// `text` with the directory of the files for `$DIR`.
    fn placed(&self, text: &str) -> String {
        text.replace("$DIR", &self.dir.to_string_lossy())
    }

    /// Runs the statements of `sql` and returns the last one's answers.
    fn statement(&mut self, sql: &str) -> Result<Vec<Answer>, String> {
        let sql = self.placed(sql);
        let mut answers = Vec::new();
        for statement in turgo_sql::parse(&sql).map_err(|error| said(&error))? {
            let sink = CollectSink::default();
            let results = Arc::new(sink.clone());
            let outcome = self.session.execute(&sql, &statement, results);
            answers = match outcome.map_err(|error| said(&error))? {
                Outcome::Done(_) => vec![Answer::default()],
                Outcome::Text(text) => {
                    let rows = text.lines().map(String::from).collect();
                    vec![Answer { workers: 0, types: "T".into(), rows }]
                }
                Outcome::Rows(rows) => {
                    let types = letters(&rows.schema());
                    vec![Answer { workers: 0, types, rows: lines(&rows, None) }]
                }
                Outcome::Query(planned) => {
                    let runs =
                        self.workers.iter().map(|workers| self.answer(&planned, &sink, *workers));
                    let runs: Vec<(RowCounts, Answer)> = runs.collect::<Result<_, _>>()?;
                    let (counts, answers): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
                    self.counts.extend(counts);
                    answers
                }
            };
        }
        Ok(answers)
    }

    fn answer(
        &self,
        planned: &Planned,
        sink: &CollectSink,
        workers: usize,
    ) -> Result<(RowCounts, Answer), String> {
        let config = Config { workers, ..Config::default() };
        let report = run_graph(&planned.graph, &config, &Control::default());
        let counts = report.map_err(|error| error.to_string())?.counts;
        let schema = planned.graph.stages.last().map(|stage| stage.schema.clone());
        let types = schema.map_or(String::new(), |schema| letters(&schema));
        let lines = |batch: &Batch| lines(&batch.rows, planned.changes.then_some(batch));
        let rows = sink.take().iter().flat_map(lines).collect();
        Ok((counts, Answer { workers, types, rows }))
    }
}

fn compare_counts(counts: &RowCounts, expected: &[(String, u64)]) -> Result<(), String> {
    let mut got = BTreeMap::from([
        ("used", counts.used),
        ("late", counts.late),
        ("late_partial", counts.late_partial),
        ("filtered", counts.filtered),
        ("rejected", counts.rejected),
        ("unsaid", counts.unsaid),
    ]);
    for (name, value) in expected {
        match got.get_mut(name.as_str()) {
            Some(found) if found == value => *found = 0,
            Some(_) => return Err(format!("{name} must be {value}: {counts:?}")),
            None => return Err(format!("there is no count {name}")),
        }
    }
    match got.values().all(|count| *count == 0) {
        true => Ok(()),
        false => Err(format!("counts that are not expected: {counts:?}")),
    }
}

/// An error with its remedy.
fn said(error: &SqlError) -> String {
    match &error.help {
        Some(help) => format!("{} ({help})", error.message),
        None => error.message.clone(),
    }
}

fn letters(schema: &SchemaRef) -> String {
    let letter = |ty: &DataType| match ty {
        ty if ty.is_integer() => 'I',
        ty if ty.is_numeric() => 'R',
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => 'T',
        DataType::Boolean => 'B',
        DataType::Timestamp(..) => 'P',
        DataType::Date32 | DataType::Date64 => 'D',
        _ => '?',
    };
    schema.fields().iter().map(|field| letter(field.data_type())).collect()
}

/// One line per row; with the operation first where `changes` has it.
fn lines(rows: &RecordBatch, changes: Option<&Batch>) -> Vec<String> {
    let value = |array: &dyn Array, row| match array.is_null(row) {
        true => "NULL".to_string(),
        false => match array_value_to_string(array, row).expect("every type can be shown") {
            text if text.is_empty() => "(empty)".to_string(),
            text => text,
        },
    };
    let line = |row| {
        let change = changes.map(|batch| batch.change(row).symbol().to_string());
        let values = rows.columns().iter().map(|column| value(column, row));
        change.into_iter().chain(values).collect::<Vec<_>>().join(" ")
    };
    (0..rows.num_rows()).map(line).collect()
}

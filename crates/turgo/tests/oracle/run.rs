//! Runs a case through Turgo as a user would, in this process: files on disk, a script, the
//! filesystem connector, worker threads.

use arrow::datatypes::DataType;
use tempfile::TempDir;
use turgo_engine::graph::TaskGraph;
use turgo_engine::memory::CollectSink;
use turgo_engine::message::Change;
use turgo_engine::operator::RowCounts;
use turgo_engine::run::{Config, Control, Report, SourceReport, run};
use turgo_sql::Planned;

use crate::model::{
    Answer, Case, Column, Counts, Format, LeftOut, Op, Record, Type, Value, Verdict,
};
use crate::random::Random;
use crate::script::{plan, write_files};
use crate::sql::TABLE;
use crate::{columns, compare};

/// How a case is run. The answer must not depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) workers: usize,
    pub(crate) batch_rows: usize,
    pub(crate) chunk_bytes: usize,
    pub(crate) edge_bytes: usize,
}

/// One setup for each number of workers, the rest chosen by the seed.
pub(crate) fn setups(case: &Case) -> Vec<Setup> {
    let mut random = Random::new(case.seed ^ 0x7365_7475_7073);
    let mut setup = |workers| Setup {
        workers,
        batch_rows: *random.pick(&[1, 2, 3, 16, 100, 16_384]),
        chunk_bytes: *random.pick(&[1, 60, 400, 5_000, 4 << 20]),
        edge_bytes: *random.pick(&[1, 1_000, 8 << 20]),
    };
    [1, 2, 4, 7].into_iter().map(&mut setup).collect()
}

/// The same case with every file cut in two somewhere: its rows then stand under lower watermarks,
/// so where no row was late, none is.
pub(crate) fn with_files_cut(case: &Case) -> Case {
    let mut random = Random::new(case.seed ^ 0x6375_7473);
    let mut cut = case.clone();
    cut.table.files = case
        .table
        .files
        .iter()
        .flat_map(|records: &Vec<Record>| {
            let (front, back) = records.split_at(random.below(records.len() + 1));
            [front.to_vec(), back.to_vec()]
        })
        .collect();
    cut
}

/// The same case over Parquet, which has no bad records but NULL where there must be a time, and no
/// text of a record that a letter could keep. Not where a ROW has whole seconds, which Parquet has not:
/// only columns are read as another type than the stored one.
pub(crate) fn as_parquet(case: &Case) -> Option<Case> {
    let seconds = |(_, ty): &(String, Type)| *ty == Type::Timestamp(0);
    let in_row = |column: &Column| match &column.ty {
        Type::Row(fields) => fields.iter().any(seconds),
        _ => false,
    };
    if case.table.columns.iter().any(in_row) {
        return None;
    }
    let mut stored = case.clone();
    stored.table.format = Format::Parquet;
    stored.table.letters = false;
    for records in &mut stored.table.files {
        records.retain(|record| matches!(record, Record::Good(_)));
    }
    Some(stored)
}

/// What came out.
struct Answered {
    columns: Vec<DataType>,
    changes: Vec<(Op, Vec<Value>)>,
    report: Report,
    /// Where the table keeps them.
    letters: Option<Vec<(LeftOut, String)>>,
}

/// A planned case with its files; it can be run more than once.
pub(crate) struct Prepared<'a> {
    case: &'a Case,
    planned: Planned,
    sink: CollectSink,
    /// The text of each record of the table.
    records: Vec<String>,
    /// The files are in `in`, dead letters in `in.letters`.
    dir: TempDir,
}

/// Writes the files of `case` and plans its query.
///
/// # Errors
/// What the planner says.
pub(crate) fn prepare(case: &Case) -> Result<Prepared<'_>, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let files = dir.path().join("in");
    std::fs::create_dir(&files).map_err(|error| error.to_string())?;
    let records = write_files(case, &files).map_err(|error| error.to_string())?;
    let (planned, sink) = plan(case, &files)?;
    Ok(Prepared { case, planned, sink, records, dir })
}

impl Prepared<'_> {
    fn run(&self, setup: Setup) -> turgo_engine::Result<Answered> {
        let config = Config {
            workers: setup.workers,
            batch_rows: setup.batch_rows,
            chunk_bytes: setup.chunk_bytes,
            edge_bytes: setup.edge_bytes,
            ..Config::default()
        };
        self.sink.take();
        let graph = &self.planned.graph;
        let report = run(graph, &config, &Control::default())?;
        let schema = &graph.stages.last().expect("a graph has stages").schema;
        let columns = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        let letters = self.case.table.letters.then(|| self.letters(graph));
        Ok(Answered { columns, changes: changes(&self.sink), report, letters })
    }

    /// The dead letters, sorted; none where no scan is left to write them.
    fn letters(&self, graph: &TaskGraph) -> Vec<(LeftOut, String)> {
        if graph.scans().all(|scan| scan.letters.is_none()) {
            return Vec::new();
        }
        let text = std::fs::read_to_string(self.dir.path().join("in.letters"));
        let letter = |line: &str| {
            let letter: serde_json::Value = serde_json::from_str(line).expect("a letter is JSON");
            let kind = match letter["kind"].as_str() {
                Some("bad") => LeftOut::Bad,
                Some("late") => LeftOut::Late,
                other => panic!("a letter is bad or late, not {other:?}"),
            };
            (kind, letter["raw"].as_str().expect("records here are text").to_owned())
        };
        let mut letters: Vec<_> =
            text.expect("a run ends with its letters").lines().map(letter).collect();
        letters.sort();
        letters
    }

    /// Runs in `setup` and compares with what must come out.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self, setup: Setup, verdict: &Verdict) -> Result<(), String> {
        compare_outcome((self.case, &self.records), self.run(setup), verdict)
            .map_err(|problem| format!("{setup:?}: {problem}"))
    }
}

fn changes(sink: &CollectSink) -> Vec<(Op, Vec<Value>)> {
    let mut changes = Vec::new();
    for batch in sink.take() {
        for (row, values) in columns::rows(&batch.rows).into_iter().enumerate() {
            let op = match batch.change(row) {
                Change::Insert => Op::Insert,
                Change::UpdateBefore => Op::UpdateBefore,
                Change::UpdateAfter => Op::UpdateAfter,
                Change::Delete => Op::Delete,
            };
            changes.push((op, values));
        }
    }
    changes
}

fn compare_outcome(
    (case, records): (&Case, &[String]),
    outcome: turgo_engine::Result<Answered>,
    verdict: &Verdict,
) -> Result<(), String> {
    match (verdict, outcome) {
        (Verdict::Fails(_) | Verdict::Answers { may_fail: true, .. }, Err(error))
            if error.code() == "data" =>
        {
            Ok(())
        }
        (Verdict::Fails(why), Err(error)) => {
            Err(format!("expected a data error ({why}), got {}: {error}", error.code()))
        }
        (Verdict::Fails(why), Ok(answered)) => {
            Err(format!("expected an error ({why}), got {} rows", answered.changes.len()))
        }
        (Verdict::Answers { .. }, Err(error)) => Err(format!("{}: {error}", error.code())),
        (Verdict::Answers { answer, .. }, Ok(answered)) => {
            same_types(answer, &answered.columns)?;
            let rows = compare::fold(&answered.changes, &compare::identity(case))?;
            compare::same_rows(&answer.rows, &rows)?;
            same_counts(answer, &answered.report)?;
            match &answered.letters {
                Some(letters) => same_letters(answer, records, letters),
                None => Ok(()),
            }
        }
    }
}

/// Every record that was left out has left its letter, as it was written, and no other has.
fn same_letters(
    answer: &Answer,
    records: &[String],
    got: &[(LeftOut, String)],
) -> Result<(), String> {
    let expected = answer.left_out.iter().map(|(why, record)| (*why, records[*record].clone()));
    let mut expected: Vec<_> = expected.collect();
    expected.sort();
    let spared = answer.scans.iter().any(|scan| scan.used + scan.late == 0);
    match expected == got || (spared && got.iter().all(|letter| expected.contains(letter))) {
        true => Ok(()),
        false => Err(format!("expected letters {expected:?}, got {got:?}")),
    }
}

fn same_types(answer: &Answer, got: &[DataType]) -> Result<(), String> {
    // Texts may come in either of two layouts.
    let plain = |ty: &DataType| match ty {
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    };
    let expected: Vec<_> = answer.columns.iter().map(columns::data_type).collect();
    let got: Vec<_> = got.iter().map(plain).collect();
    if expected == got { Ok(()) } else { Err(format!("expected types {expected:?}, got {got:?}")) }
}

fn same_counts(answer: &Answer, report: &Report) -> Result<(), String> {
    // Constants of a query are a source as well.
    let of_table = |source: &&SourceReport| source.table == TABLE;
    let got: Vec<u64> = report.sources.iter().filter(of_table).map(|s| s.rows_in).collect();
    let mut expected = answer.scans.clone();
    // A filter that never holds, as an optimiser may see, spares reading the table.
    while expected.len() > got.len() {
        let spared = expected.iter().position(|scan| scan.used + scan.late == 0);
        let spared = spared.ok_or_else(|| format!("{expected:?} were not all read"))?;
        expected.remove(spared);
    }
    let rows: Vec<u64> = expected.iter().map(|scan| scan.rows_in).collect();
    if rows != got {
        return Err(format!("expected scans of {rows:?} rows, got {got:?}"));
    }
    let RowCounts { used, late, late_partial, filtered, rejected, unsaid: _ } = report.counts;
    let rows_in: u64 = got.iter().sum();
    if rows_in != used + late + rejected + filtered {
        return Err(format!("of {rows_in} rows some are missing from {:?}", report.counts));
    }
    let expected = expected.iter().fold(Counts::default(), Counts::plus);
    let got = Counts { rows_in, used, late, late_partial, filtered, rejected };
    if expected == got { Ok(()) } else { Err(format!("expected {expected:?}, got {got:?}")) }
}

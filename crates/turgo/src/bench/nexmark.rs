//! `turgo bench nexmark`: Nexmark queries over bids from memory, from the generator or from a file.
//!
//! Each is reduced to one row of counts and sums over its whole answer, in the words of
//! `bench/peers/queries.py`, so that answers can be compared, with ours and with those of others.

mod expected;
mod queries;

use std::path::Path;
use std::sync::Arc;

use turgo_engine::io::{Connectors, Sink};

use crate::bench::answer::Answer;
use crate::bench::args::{Nexmark, Query};
use crate::bench::held::{Held, read};
use crate::bench::record::{Record, columns, median, spread};
use crate::bench::runner::{Run, Runner, timed, workers};
use crate::bench::tally::{Sums, Tally};
use crate::bench::{Subject, measure};
use crate::interrupt::Interrupt;
use crate::report::{Failure, say};
use clap::ValueEnum;
use expected::{Bids, Expected};

/// Bids that are made where nobody says how many.
const ROWS: u64 = 1_000_000;

/// Where the bids come from.
struct Source {
    /// What records call it.
    name: String,
    /// The options of its table.
    options: String,
    held: bool,
}

impl Source {
    fn of(args: &Nexmark) -> Result<Self, Failure> {
        let made = |held| {
            let rows = args.rows.unwrap_or(ROWS);
            let options = format!(
                "'connector' = 'nexmark', 'table' = 'bid', 'rows' = '{rows}', 'seed' = '0'"
            );
            Self { name: args.source.clone(), options, held }
        };
        match args.source.as_str() {
            "memory" => return Ok(made(true)),
            "generator" if args.in_memory => {
                return Err(Failure::usage("--source memory is the generator held in memory"));
            }
            "generator" => return Ok(made(false)),
            _ => {}
        }
        if args.rows.is_some() {
            return Err(Failure::usage("--rows is for bids that are made: a file has its own"));
        }
        let format = match Path::new(&args.source).extension().and_then(|end| end.to_str()) {
            Some("ndjson" | "jsonl" | "json") => "json",
            Some("csv") => "csv",
            Some("parquet") => "parquet",
            _ => {
                return Err(Failure::usage(format!(
                    "--source {}: it is memory, generator, or a file that ends in .ndjson, .csv or \
                     .parquet",
                    args.source
                )));
            }
        };
        let path = args.source.replace('\'', "''");
        let options =
            format!("'connector' = 'filesystem', 'path' = '{path}', 'format' = '{format}'");
        let name = match args.in_memory {
            true => format!("{} in memory", args.source),
            false => args.source.clone(),
        };
        Ok(Self { name, options, held: args.in_memory })
    }

    fn connectors(&self) -> Arc<dyn Connectors> {
        let outside = turgo_connectors::connectors();
        if self.held { Arc::new(Held::new(outside)) } else { outside }
    }
}

/// `turgo bench nexmark`.
pub(super) fn run(args: &Nexmark, interrupt: &Interrupt) -> Result<(), Failure> {
    let source = Source::of(args)?;
    let queries = match args.queries.as_slice() {
        [] => Query::value_variants().to_vec(),
        some => some.to_vec(),
    };
    let mut runner = Runner::new(&args.common, interrupt, source.connectors());
    let (planned, load) = timed(|| {
        runner.plan(&queries::script(Query::Q0, &source.options), Arc::new(Tally::new(Sums::None)))
    });
    say("working out the answers");
    let (rows, right) = answers(&planned?, &queries, interrupt)?;
    let subject =
        |query: &Query| Subject { query: queries::name(*query), source: source.name.clone(), rows };
    let subjects: Vec<Subject> = queries.iter().map(subject).collect();
    let workers = workers(&args.common);
    let one = |at: usize| {
        let query = queries[at];
        let name = queries::name(query);
        let tally = Tally::new(Sums::Net);
        let script = queries::script(query, &source.options);
        let planned = runner.plan(&script, Arc::new(tally.clone()) as Arc<dyn Sink>)?;
        let check = |run: &Run| {
            let found = tally.take();
            let difference = match run.rows_in == rows {
                true => right[at].difference(&found),
                false => Some(format!("{} rows were read, there are {rows}", run.rows_in)),
            };
            difference.map_or(Ok(()), |difference| {
                Err(Failure::new(format!("the answer to {name} is wrong: {difference}")))
            })
        };
        let samples = runner.samples(name, &planned, check)?;
        let (source, answer) = (source.name.clone(), right[at].clone());
        Ok(Record { query: name, source, rows, workers, answer, load, samples })
    };
    measure(&args.common, &subjects, one, table)
}

/// How many bids a query reads, and the right answers of `queries` over them.
fn answers(
    planned: &turgo_sql::Planned,
    queries: &[Query],
    interrupt: &Interrupt,
) -> Result<(u64, Vec<Answer>), Failure> {
    let mut expected: Vec<Box<dyn Expected>> =
        queries.iter().map(|query| expected::of(*query)).collect();
    let mut rows = 0;
    for scan in planned.graph.scans() {
        let all: Vec<usize> = (0..scan.source.schema().fields().len()).collect();
        read(&*scan.source, &all, |_, batch| {
            if interrupt.asked() {
                return Err(turgo_engine::EngineError::Closed);
            }
            rows += batch.num_rows() as u64;
            let bids = Bids::of(&batch)?;
            for expected in &mut expected {
                bids.iter().for_each(|bid| expected.bid(&bid));
            }
            Ok(())
        })
        .map_err(|error| if interrupt.asked() { Failure::interrupted() } else { error.into() })?;
    }
    Ok((rows, expected.into_iter().map(|expected| Answer::row(expected.row())).collect()))
}

/// The table people read.
fn table(records: &[Record]) -> String {
    let heads =
        ["query", "rows", "answer", "wall s", "CPU s", "spread", "M rows/s", "M rows/core s"];
    let row = |record: &Record| {
        let wall = median(&record.samples.walls);
        vec![
            record.query.to_owned(),
            record.rows.to_string(),
            "right".to_owned(),
            format!("{wall:.4}"),
            format!("{:.4}", median(&record.samples.cpus)),
            format!("{:.0} %", spread(&record.samples.cpus)),
            format!("{:.2}", record.rows as f64 / wall / 1e6),
            format!("{:.2}", record.rate() / 1e6),
        ]
    };
    let first = records.first();
    format!(
        "{}\nMedians of {} runs with {} workers over bids from {}; spread: of CPU s, from the fastest to \
         the slowest run.\n",
        columns(&heads, &records.iter().map(row).collect::<Vec<_>>()),
        first.map_or(0, |record| record.samples.walls.len()),
        first.map_or(0, |record| record.workers),
        first.map_or("", |record| &record.source),
    )
}

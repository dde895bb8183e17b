//! `turgo bench scenarios`: the five queries that Velostream measures itself with, as published,
//! from batches in memory to a sink that counts.
//!
//! What the published data hide is measured beside it: scenario 3 has one row to a group, so it runs
//! with rows a millisecond apart, too; windows that are open at the end are flushed or not; and
//! scenario 2 answers with every row, as published, or once.

pub(super) mod expected;

use std::sync::Arc;

use turgo_engine::io::Sink;

use crate::bench::ablation;
use crate::bench::answer::Answer;
use crate::bench::args::Scenarios;
use crate::bench::held::Held;
use crate::bench::record::{Record, columns, median, spread};
use crate::bench::runner::{Run, Runner, timed, workers};
use crate::bench::tally::{Sums, Tally};
use crate::bench::{Subject, measure};
use crate::interrupt::Interrupt;
use crate::report::{Failure, say};
use expected::Shown;

/// A published query over published data, or a variant of it.
struct Case {
    /// The scenario it belongs to.
    scenario: &'static str,
    name: &'static str,
    /// What it shows that its name does not.
    what: &'static str,
    /// The reference rate and the gate, where there are any.
    reference: Option<Reference>,
    /// Columns and watermark of its table.
    columns: &'static str,
    /// Options beside the connector's name and the number of rows.
    options: &'static str,
    query: &'static str,
    expected: fn(u64) -> Answer,
}

/// What Velostream's bare engine did, in rows per second of a core, and the least multiple of it that
/// ours is to do.
#[derive(Debug, Clone, Copy)]
struct Reference {
    rate: f64,
    gate: f64,
}

const fn reference(rate: f64, gate: f64) -> Option<Reference> {
    Some(Reference { rate, gate })
}

const ORDERS: &str = "order_id BIGINT, customer_id BIGINT, order_date VARCHAR, total_amount DOUBLE";
const PRICES: &str =
    "symbol VARCHAR, price DOUBLE, timestamp BIGINT, WATERMARK FOR timestamp AS timestamp";
const QUANTITIES: &str = "symbol VARCHAR, price DOUBLE, quantity BIGINT";
const TRADES: &str = "trader_id VARCHAR, symbol VARCHAR, price DOUBLE, quantity BIGINT, \
                      trade_time BIGINT, WATERMARK FOR trade_time AS trade_time";

const FILTER: &str = "SELECT order_id, customer_id, order_date, total_amount FROM market_data \
                      WHERE total_amount > 100";
const MOVING: &str = "SELECT symbol, price, \
                      AVG(price) OVER (ROWS WINDOW BUFFER 100 ROWS PARTITION BY symbol \
                      ORDER BY timestamp) as moving_avg FROM market_data";
const GROUPS: &str = "SELECT symbol, COUNT(*) as trade_count, AVG(price) as avg_price, \
                      MIN(price) as min_price, MAX(price) as max_price, \
                      SUM(quantity) as total_quantity FROM market_data GROUP BY symbol";
const WINDOWS: &str = "SELECT trader_id, symbol, COUNT(*) as trade_count, AVG(price) as avg_price, \
                       SUM(quantity) as total_quantity, SUM(price * quantity) as total_value \
                       FROM market_data GROUP BY trader_id, symbol \
                       WINDOW TUMBLING (trade_time, INTERVAL '1' MINUTE)";
const CHANGES: &str = "SELECT trader_id, symbol, COUNT(*) as trade_count, AVG(price) as avg_price, \
                       SUM(quantity) as total_quantity, SUM(price * quantity) as total_value \
                       FROM market_data GROUP BY trader_id, symbol \
                       WINDOW TUMBLING (trade_time, INTERVAL '1' MINUTE) EMIT CHANGES";

/// Cases over the same rows follow each other, so that these are made once.
static CASES: [Case; 9] = [
    Case {
        scenario: "0",
        name: "0",
        what: "filter, every row passes",
        reference: reference(526e3, 20.0),
        columns: ORDERS,
        options: "'scenario' = '0'",
        query: FILTER,
        expected: expected::filter,
    },
    Case {
        scenario: "1",
        name: "1",
        what: "mean of the last 100 rows of a symbol",
        reference: reference(32e3, 100.0),
        columns: PRICES,
        options: "'scenario' = '1'",
        query: MOVING,
        expected: expected::moving,
    },
    Case {
        scenario: "2",
        name: "2",
        what: "200 groups, shown with every row",
        reference: reference(172e3, 20.0),
        columns: QUANTITIES,
        options: "'scenario' = '2', 'bounded' = 'false'",
        query: GROUPS,
        expected: |rows| expected::groups(rows, true),
    },
    Case {
        scenario: "2",
        name: "2 once",
        what: "200 groups, shown at the end",
        reference: None,
        columns: QUANTITIES,
        options: "'scenario' = '2'",
        query: GROUPS,
        expected: |rows| expected::groups(rows, false),
    },
    Case {
        scenario: "3a",
        name: "3a",
        what: "minutes, one row to a group",
        reference: reference(144e3, 20.0),
        columns: TRADES,
        options: "'scenario' = '3a'",
        query: WINDOWS,
        expected: |rows| expected::windows(rows, 1000, Shown::AtEnd),
    },
    Case {
        scenario: "3a",
        name: "3a open",
        what: "the same, the open window not flushed",
        reference: reference(144e3, 20.0),
        columns: TRADES,
        options: "'scenario' = '3a', 'bounded' = 'false', 'flush-at-end' = 'false'",
        query: WINDOWS,
        expected: |rows| expected::windows(rows, 1000, Shown::Complete),
    },
    Case {
        scenario: "3b",
        name: "3b",
        what: "3a, shown with every row",
        reference: reference(5.6e3, 1000.0),
        columns: TRADES,
        options: "'scenario' = '3a'",
        query: CHANGES,
        expected: |rows| expected::windows(rows, 1000, Shown::EveryRow),
    },
    Case {
        scenario: "3a",
        name: "3a dense",
        what: "3a, 600 rows to a group",
        reference: None,
        columns: TRADES,
        options: "'scenario' = '3a', 'step' = '1'",
        query: WINDOWS,
        expected: |rows| expected::windows(rows, 1, Shown::AtEnd),
    },
    Case {
        scenario: "3b",
        name: "3b dense",
        what: "3b, 600 rows to a group; old versions are shown, too",
        reference: None,
        columns: TRADES,
        options: "'scenario' = '3a', 'step' = '1'",
        query: CHANGES,
        expected: |rows| expected::windows(rows, 1, Shown::EveryRow),
    },
];

impl Case {
    /// How its answer adds up. The changes of scenario 2 name their group, so that a new version
    /// replaces the old one; those of 3b take the old one back.
    fn sums(&self) -> Sums {
        if self.name == "2" { Sums::Latest } else { Sums::Net }
    }

    fn script(&self, rows: u64) -> String {
        format!(
            "CREATE OR REPLACE TABLE market_data ({}) WITH ('connector' = 'scenario', {}, 'rows' = \
             '{rows}'); {}",
            self.columns, self.options, self.query
        )
    }
}

/// `turgo bench scenarios`.
pub(super) fn run(args: &Scenarios, interrupt: &Interrupt) -> Result<(), Failure> {
    if args.ablate {
        return ablation::run(args.rows, &args.common, interrupt);
    }
    let asked = |case: &&Case| {
        args.scenarios.is_empty() || args.scenarios.iter().any(|name| name == case.scenario)
    };
    let cases: Vec<&Case> = CASES.iter().filter(asked).collect();
    let subject =
        |case: &&Case| Subject { query: case.name, source: "memory".into(), rows: args.rows };
    let subjects: Vec<Subject> = cases.iter().map(subject).collect();
    let held = Arc::new(Held::new(turgo_connectors::connectors()));
    let mut runner = Runner::new(&args.common, interrupt, held);
    let workers = workers(&args.common);
    measure(
        &args.common,
        &subjects,
        |at| case(&mut runner, cases[at], args.rows, workers),
        |records| table(&cases, records),
    )
}

/// Checks a case in a run of its own, then measures it.
fn case(
    runner: &mut Runner<'_>,
    case: &Case,
    rows: u64,
    workers: usize,
) -> Result<Record, Failure> {
    let name = format!("scenario {}", case.name);
    let script = case.script(rows);
    let plan = |runner: &mut Runner<'_>, tally: &Tally| {
        runner.plan(&script, Arc::new(tally.clone()) as Arc<dyn Sink>)
    };
    let (sums, counts) = (Tally::new(case.sums()), Tally::new(Sums::None));
    let (checked, load) = timed(|| plan(runner, &sums));
    say(format_args!("{name}: checking the answer"));
    runner.run(&checked?)?;
    let right = (case.expected)(rows);
    let found = sums.take();
    if let Some(difference) = right.difference(&found) {
        return Err(Failure::new(format!("the answer to {name} is wrong: {difference}")));
    }
    let planned = plan(runner, &counts)?;
    let check = |_: &Run| match counts.take().rows {
        rows if rows == right.rows => Ok(()),
        rows => Err(Failure::new(format!(
            "the answer to {name} is wrong: {rows} rows, {} are right",
            right.rows
        ))),
    };
    let samples = runner.samples(&name, &planned, check)?;
    let source = "memory".into();
    Ok(Record { query: case.name, source, rows, workers, answer: found, load, samples })
}

/// The table people read.
fn table(cases: &[&Case], records: &[Record]) -> String {
    let heads = [
        "scenario",
        "rows in",
        "rows out",
        "checksum",
        "wall s",
        "CPU s",
        "spread",
        "M rows/core s",
        "recorded",
        "ratio",
        "gate",
    ];
    let row = |(case, record): (&&Case, &Record)| {
        let rate = record.rate();
        let mut row = vec![
            case.name.to_owned(),
            record.rows.to_string(),
            record.answer.rows.to_string(),
            "right".to_owned(),
            format!("{:.4}", median(&record.samples.walls)),
            format!("{:.4}", median(&record.samples.cpus)),
            format!("{:.0} %", spread(&record.samples.cpus)),
            format!("{:.2}", rate / 1e6),
        ];
        match case.reference {
            None => row.extend(["-", "-", "-"].map(str::to_owned)),
            Some(Reference { rate: recorded, gate }) => row.extend([
                format!("{:.1} K", recorded / 1e3),
                format!("{:.0}x", rate / recorded),
                format!("{gate}x {}", if rate >= gate * recorded { "met" } else { "missed" }),
            ]),
        }
        row
    };
    let rows: Vec<Vec<String>> = cases.iter().zip(records).map(row).collect();
    let what = cases.iter().map(|case| format!("  {:<9} {}\n", case.name, case.what));
    let workers = records.first().map_or(0, |record| record.workers);
    format!(
        "{}\n{}\nMedians of {} runs with {workers} workers, from batches in memory to a counting sink; \
         spread: of CPU s, from the\nfastest to the slowest run. recorded: rows per core second of \
         Velostream's bare engine, recorded in another\nstate of another machine.\n",
        columns(&heads, &rows),
        what.collect::<String>().trim_end_matches('\n'),
        records.first().map_or(0, |record| record.samples.walls.len()),
    )
}

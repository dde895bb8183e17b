//! Connectors without an outside, and sessions over them.

use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use turgo_engine::io::{
    Connectors, Decode, Encode, OptionError, Partition, Position, ReadChunks, Sink, Source,
    TableSpec, WriteBlocks,
};
use turgo_engine::memory::{CollectSink, MemorySource};
use turgo_sql::{ExplainFormat, Outcome, Planned, Session, SqlError, parse};

/// `memory` can be read and written; `endless` never ends; `plain` shows no changes.
#[derive(Debug, Default)]
struct Fake {
    /// The paths whose columns were inferred, in order.
    inferred: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Endless(MemorySource);

impl Source for Endless {
    fn describe(&self) -> String {
        "endless".into()
    }

    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn bounded(&self) -> bool {
        false
    }

    fn partitions(&self) -> turgo_engine::Result<Vec<Partition>> {
        self.0.partitions()
    }

    fn open(&self, partition: usize, from: Position) -> turgo_engine::Result<Box<dyn ReadChunks>> {
        self.0.open(partition, from)
    }

    fn decoder(&self, projection: &[usize]) -> turgo_engine::Result<Box<dyn Decode>> {
        self.0.decoder(projection)
    }

    fn place(&self, partition: usize, position: Position) -> String {
        self.0.place(partition, position)
    }
}

#[derive(Debug)]
struct Plain;

impl Sink for Plain {
    fn describe(&self) -> String {
        "plain".into()
    }

    fn accepts_changes(&self) -> bool {
        false
    }

    fn encoder(&self, schema: &SchemaRef, changes: bool) -> turgo_engine::Result<Box<dyn Encode>> {
        CollectSink::default().encoder(schema, changes)
    }

    fn writer(
        &self,
        schema: &SchemaRef,
        changes: bool,
    ) -> turgo_engine::Result<Box<dyn WriteBlocks>> {
        CollectSink::default().writer(schema, changes)
    }
}

impl Connectors for Fake {
    fn names(&self) -> Vec<&'static str> {
        vec!["memory", "endless", "plain"]
    }

    fn options(&self, name: &str) -> Option<&'static [&'static str]> {
        self.names().contains(&name).then_some(&["path", "format"])
    }

    fn check(&self, table: &TableSpec) -> Result<(), OptionError> {
        match table.options.get("format").map(String::as_str) {
            None | Some("json") => Ok(()),
            Some(other) => Err(OptionError {
                key: Some("format".into()),
                message: format!("there is no format '{other}'"),
                help: Some("it is 'json'".into()),
            }),
        }
    }

    fn infer(&self, table: &TableSpec, rows: usize) -> Result<TableSpec, OptionError> {
        let path = table.options["path"].clone();
        self.inferred.lock().expect("no test panics with it").push(format!("{path} {rows}"));
        let schema = Arc::new(Schema::new(vec![Field::new("price", DataType::Int64, true)]));
        Ok(TableSpec { schema, ..table.clone() })
    }

    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>, OptionError> {
        let memory = MemorySource::new(Arc::clone(&table.schema), vec![]);
        match table.options["connector"].as_str() {
            "endless" => Ok(Arc::new(Endless(memory))),
            "memory" | "filesystem" => Ok(Arc::new(memory)),
            other => Err(OptionError {
                key: None,
                message: format!("connector '{other}' cannot be read"),
                help: None,
            }),
        }
    }

    fn sink(&self, table: &TableSpec) -> Result<Arc<dyn Sink>, OptionError> {
        match table.options["connector"].as_str() {
            "plain" => Ok(Arc::new(Plain)),
            _ => Ok(Arc::new(CollectSink::default())),
        }
    }
}

/// The tables most tests use.
const TABLES: &str = "
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR,
  date_time TIMESTAMP(3), at ROW<city VARCHAR, zip INT>, amount DECIMAL(38, 2),
  cents AS price * 100,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND) WITH ('connector' = 'memory');
CREATE TABLE stream (k VARCHAR, v BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts) WITH ('connector' = 'endless');
CREATE TABLE dry (k VARCHAR, ts TIMESTAMP(3)) WITH ('connector' = 'memory');
CREATE TABLE out (k VARCHAR, n BIGINT) WITH ('connector' = 'memory');
CREATE TABLE plain (k VARCHAR, n BIGINT) WITH ('connector' = 'plain');
";

/// Runs a script in a session that has the tables; the outcome of its last statement.
pub(super) fn run(script: &str) -> Result<Outcome, SqlError> {
    let mut session = Session::new(Arc::<Fake>::default());
    let mut last = Outcome::Done(String::new());
    for text in [TABLES, script] {
        for statement in parse(text)? {
            last = session.execute(text, &statement, Arc::new(CollectSink::default()))?;
        }
    }
    Ok(last)
}

/// The paths that a script had looked at, each with the rows asked for.
pub(super) fn inferred(script: &str) -> Vec<String> {
    let fake = Arc::<Fake>::default();
    let mut session = Session::new(Arc::clone(&fake) as Arc<dyn Connectors>);
    for statement in parse(script).expect(script) {
        session.execute(script, &statement, Arc::new(CollectSink::default())).expect(script);
    }
    std::mem::take(&mut *fake.inferred.lock().expect("no test panics with it"))
}

/// The query a script ends with.
pub(super) fn planned(script: &str) -> Planned {
    match run(script) {
        Ok(Outcome::Query(planned)) => planned,
        other => panic!("{script}: {other:?}"),
    }
}

/// The task graph of a script, as `EXPLAIN` shows it.
pub(super) fn graph(script: &str) -> String {
    match run(&format!("EXPLAIN {script}")) {
        Ok(Outcome::Text(text)) => {
            text.split("Task graph\n").nth(1).unwrap_or_default().trim_end().to_owned()
        }
        other => panic!("{script}: {other:?}"),
    }
}

/// The query a script ends with, as JSON.
pub(super) fn json(script: &str) -> String {
    let planned = planned(script);
    Session::new(Arc::<Fake>::default()).explain(&planned, ExplainFormat::Json)
}

/// The error of a script: the text it points at, its message and its remedy.
pub(super) fn error(script: &str) -> (String, String, String) {
    let error = run(script).expect_err(script);
    let at = error.span.map(|span| script[span].to_owned());
    (at.unwrap_or_default(), error.message, error.help.unwrap_or_default())
}

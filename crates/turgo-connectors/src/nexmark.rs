//! `'connector' = 'nexmark'`: an auction site's persons, auctions and bids, as the Nexmark
//! benchmark defines them.
//!
//! The stream, its proportions and its distributions are those of the generator of
//! <https://github.com/nexmark/nexmark> (itself after Apache Beam's), with its default settings; the
//! code and the random numbers are our own, so single rows differ. What differs on purpose:
//!
//! - N1. Every event is a function of the seed and its number (rule S1 of `synthetic`); texts that
//!   one run of the published generator draws afresh, such as the URL of a channel, depend on the
//!   seed as well.
//! - N2. `extra` pads a row to the published size on average: its length does not follow the
//!   lengths of the row's other texts.
//! - N3. A bidder is the id of a person. Some published versions add the first person's id twice.
//!
//! A table is either the whole stream, `event`, as the published DDL declares it (a number for
//! the kind and one ROW column per kind), or the rows of one kind, which are those that a view on
//! the kind selects from `event`. Tables of one kind make nothing that is then thrown away.

use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Int32Type, TimeUnit};
use turgo_engine::io::{OptionError, Source, TableSpec};

use crate::format::datetime;
use crate::option;
use crate::synthetic::columns::{Known, find, named, no_column, numbers, wrong_type};
use crate::synthetic::{self, Make, Synthetic};

mod auction;
mod bid;
mod nested;
mod person;
mod stream;
mod text;

use stream::{Kind, Settings};

/// The options it knows.
pub(crate) const OPTIONS: &[&str] =
    &["connector", "table", "rows", "events", "rate", "event-rate", "start", "seed"];

/// 2015-07-15 00:00:00, the published time of the first event.
const START_MS: i64 = 1_436_918_400_000;
/// The published number of events in a second of event time.
const EVENT_RATE: u64 = 10_000;

const TIME: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// A table: the whole stream, or the events of a kind.
#[derive(Debug, Clone, Copy)]
enum Table {
    Event,
    Of(Kind),
}

/// Checks the options of a table.
pub(crate) fn check(table: &TableSpec) -> Result<(), OptionError> {
    declared(table).map(drop)
}

/// The table as a source.
pub(crate) fn source(table: &TableSpec) -> Result<Arc<dyn Source>, OptionError> {
    declared(table).map(Synthetic::source)
}

fn declared(spec: &TableSpec) -> Result<Synthetic, OptionError> {
    let table = option::one_of(
        "table",
        spec.options.get("table").map_or("event", String::as_str),
        &[
            ("event", Table::Event),
            ("person", Table::Of(Kind::Person)),
            ("auction", Table::Of(Kind::Auction)),
            ("bid", Table::Of(Kind::Bid)),
        ],
    )?;
    let rate = synthetic::rate(spec, "rate")?;
    let event_rate = synthetic::rate(spec, "event-rate")?.or(rate).unwrap_or(EVENT_RATE);
    let settings = Arc::new(Settings {
        seed: option::number(spec, "seed", 0, u64::MAX)?.unwrap_or(0),
        start_ms: start(spec)?,
        event_rate,
        urls: OnceLock::new(),
    });
    let columns = spec.schema.fields().iter().map(|field| table.column(field, &settings));
    Ok(Synthetic {
        name: format!("nexmark {}", table.name()),
        schema: Arc::clone(&spec.schema),
        columns: columns.collect::<Result<_, _>>()?,
        rows: table.rows(spec)?,
        rate: rate.map(|rate| rate as f64 * table.share()),
        row_bytes: table.row_bytes(),
    })
}

fn start(spec: &TableSpec) -> Result<i64, OptionError> {
    let Some(value) = spec.options.get("start") else { return Ok(START_MS) };
    datetime::timestamp(value, 3)
        .map_err(|why| option::wrong("start", value, format!("a time in UTC: {why}")))
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Of(kind) => kind.name(),
        }
    }

    fn row_bytes(self) -> usize {
        match self {
            Self::Event => 124,
            Self::Of(kind) => kind.bytes(),
        }
    }

    /// Its part of all events.
    fn share(self) -> f64 {
        match self {
            Self::Event => 1.0,
            Self::Of(kind) => kind.share(),
        }
    }

    /// How many rows it has, by `rows` or by `events`.
    fn rows(self, spec: &TableSpec) -> Result<Option<u64>, OptionError> {
        let (rows, events) = (synthetic::rows(spec, "rows")?, synthetic::rows(spec, "events")?);
        match (rows, events, self) {
            (Some(_), Some(_), _) => Err(OptionError {
                key: Some("rows".into()),
                message: "'rows' and 'events' both say where the table ends".into(),
                help: Some(
                    "leave one out: 'rows' counts those of the table, 'events' those of all kinds"
                        .into(),
                ),
            }),
            (None, Some(events), Self::Of(kind)) => Ok(Some(kind.rows_before(events))),
            (rows, events, _) => Ok(rows.or(events)),
        }
    }

    fn column(self, field: &Field, settings: &Arc<Settings>) -> Result<Make, OptionError> {
        match self {
            Self::Event => event_column(field, settings),
            Self::Of(kind) => {
                let owner = format!("the nexmark table '{}'", kind.name());
                Ok(find(&owner, field, columns(kind))?.bind(settings))
            }
        }
    }
}

/// The columns of a kind.
fn columns(kind: Kind) -> &'static [Known<Settings>] {
    match kind {
        Kind::Person => &person::COLUMNS,
        Kind::Auction => &auction::COLUMNS,
        Kind::Bid => &bid::COLUMNS,
    }
}

/// A column of the table of all events: the number of the kind, or the row of a kind.
fn event_column(field: &Field, settings: &Arc<Settings>) -> Result<Make, OptionError> {
    let owner = "the nexmark table 'event'";
    if named(field.name(), "event_type") {
        return match field.data_type() {
            DataType::Int32 => Ok(Box::new(event_type)),
            _ => Err(wrong_type(owner, field, "INT")),
        };
    }
    let Some(kind) = Kind::ALL.into_iter().find(|kind| named(field.name(), kind.name())) else {
        let known = ["event_type"].into_iter().chain(Kind::ALL.map(Kind::name));
        let mut error = no_column(owner, field, known);
        if Kind::ALL.iter().any(|kind| columns(*kind).iter().any(|c| named(field.name(), c.name))) {
            let help = "say which table with 'table' = 'bid', 'auction' or 'person'";
            error.help = Some(help.into());
        }
        return Err(error);
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(wrong_type(owner, field, "ROW<...>"));
    };
    let owner = format!("ROW `{}` of {owner}", kind.name());
    let makes = fields.iter().map(|field| Ok(find(&owner, field, columns(kind))?.bind(settings)));
    let (fields, makes) = (fields.clone(), makes.collect::<Result<Vec<_>, _>>()?);
    Ok(Box::new(move |events| nested::rows(kind, &fields, &makes, events)))
}

fn event_type(events: std::ops::Range<u64>) -> ArrayRef {
    numbers::<Int32Type>(events, |event| Kind::of(event) as i32)
}

#[cfg(test)]
mod tests;

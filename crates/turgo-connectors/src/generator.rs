//! Made-up rows, for tests and measurements: the same seed gives the same rows.
//!
//! - G1. A row depends on the seed, its partition and its number in it, and on nothing else: not on
//!   the size of chunks, not on where reading started.
//!
//! Event times rise by a step per row; each lies behind the rising line by at most a bound, but for
//! a share of rows that lie further behind, which a watermark of that bound makes late.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use turgo_engine::io::{Chunk, ChunkData, Decode, Partition, Position, ReadChunks, Source};
use turgo_engine::memory::RowsDecoder;
use turgo_engine::time::EventTime;
use turgo_engine::{EngineError, Result};

mod values;

use crate::random::Random;

/// Bytes a row is taken to have when a chunk's rows are counted.
const ROW_BYTES: usize = 64;

/// A source of made-up rows. All partitions have the same number of rows; a position counts rows.
#[derive(Debug, Clone)]
pub struct Generator {
    schema: SchemaRef,
    rows: u64,
    partitions: usize,
    seed: u64,
    null_share: f64,
    extreme_share: f64,
    distinct: u64,
    time: Option<TimeColumn>,
}

/// How the event-time column is filled.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TimeColumn {
    column: usize,
    start: EventTime,
    step: i64,
    behind_max: i64,
    late_share: f64,
    late_max: i64,
}

impl Generator {
    /// A source of `rows` rows of `schema` in one partition.
    ///
    /// # Errors
    /// `Unsupported` where a column's type has no made-up values.
    pub fn new(schema: SchemaRef, rows: u64) -> Result<Self> {
        for field in schema.fields() {
            if !values::supported(field.data_type()) {
                let message =
                    format!("column `{}`: no generated {}", field.name(), field.data_type());
                return Err(EngineError::Unsupported(message));
            }
        }
        Ok(Self {
            schema,
            rows,
            partitions: 1,
            seed: 0,
            null_share: 0.0,
            extreme_share: 0.0,
            distinct: 1000,
            time: None,
        })
    }

    /// The seed; 0 where it is not set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The number of partitions, each with all the rows.
    #[must_use]
    pub fn partitions(self, partitions: usize) -> Self {
        Self { partitions, ..self }
    }

    /// The share of NULLs in nullable columns, 0 to 1, but for the event time.
    #[must_use]
    pub fn nulls(self, share: f64) -> Self {
        Self { null_share: share, ..self }
    }

    /// The share of values at the ends of their type, 0 to 1, but for the event time.
    #[must_use]
    pub fn extremes(self, share: f64) -> Self {
        Self { extreme_share: share, ..self }
    }

    /// How many values a column has, extremes and NULL aside; 1000 where it is not set.
    #[must_use]
    pub fn distinct(self, values: u64) -> Self {
        Self { distinct: values.max(1), ..self }
    }

    /// Fills column `column`, a timestamp, with event times: row `n` has `start + n * step`, in
    /// microseconds.
    #[must_use]
    pub fn event_time(self, column: usize, start: EventTime, step: i64) -> Self {
        assert!(column < self.schema.fields().len(), "the schema has that column");
        let time = TimeColumn { column, start, step, behind_max: 0, late_share: 0.0, late_max: 0 };
        Self { time: Some(time), ..self }
    }

    /// Puts every event time behind by 0 to `bound` microseconds. After
    /// [`Generator::event_time`].
    #[must_use]
    pub fn disorder(mut self, bound: i64) -> Self {
        if let Some(time) = &mut self.time {
            time.behind_max = bound;
        }
        self
    }

    /// Puts a share of the event times behind by 1 to `beyond` microseconds more than the bound.
    /// After [`Generator::event_time`].
    #[must_use]
    pub fn late(mut self, share: f64, beyond: i64) -> Self {
        if let Some(time) = &mut self.time {
            time.late_share = share;
            time.late_max = beyond;
        }
        self
    }

    /// Rows `from .. to` of a partition.
    ///
    /// # Errors
    /// None that is expected.
    pub fn rows(&self, partition: usize, from: u64, to: u64) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (index, field) in self.schema.fields().iter().enumerate() {
            let place = [self.seed, partition as u64, index as u64];
            let random = |row: u64| Random::new(&[place[0], place[1], place[2], row]);
            let column = match self.time {
                Some(time) if time.column == index => {
                    let times = (from..to).map(|row| time.at(row, &mut random(row)));
                    values::timestamps(field.data_type(), times.collect())?
                }
                _ => {
                    let shape = values::Shape {
                        null_share: if field.is_nullable() { self.null_share } else { 0.0 },
                        extreme_share: self.extreme_share,
                        distinct: self.distinct,
                    };
                    let mut randoms: Vec<Random> = (from..to).map(random).collect();
                    values::column(field.data_type(), &shape, &mut randoms)?
                }
            };
            columns.push(column);
        }
        Ok(RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?)
    }
}

impl TimeColumn {
    fn at(&self, row: u64, random: &mut Random) -> EventTime {
        let late = random.chance(self.late_share);
        let behind = match late {
            true => self.behind_max + 1 + random.below(self.late_max.max(1) as u64) as i64,
            false => random.below(self.behind_max.max(0) as u64 + 1) as i64,
        };
        self.start + row as i64 * self.step - behind
    }
}

impl Source for Generator {
    fn describe(&self) -> String {
        format!("generator ({} rows in {} partitions)", self.rows, self.partitions)
    }

    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn partitions(&self) -> Result<Vec<Partition>> {
        let bytes = Some(self.rows * ROW_BYTES as u64);
        let partition = |index| Partition { name: format!("generator[{index}]"), bytes };
        Ok((0..self.partitions).map(partition).collect())
    }

    fn open(&self, partition: usize, from: Position) -> Result<Box<dyn ReadChunks>> {
        Ok(Box::new(Reader { generator: self.clone(), partition, next: from }))
    }

    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decode>> {
        Ok(Box::new(RowsDecoder::new(projection)))
    }

    fn place(&self, partition: usize, position: Position) -> String {
        format!("generator[{partition}], row {position}")
    }
}

#[derive(Debug)]
struct Reader {
    generator: Generator,
    partition: usize,
    next: Position,
}

impl ReadChunks for Reader {
    fn next(&mut self, bytes_target: usize) -> Result<Option<Chunk>> {
        let start = self.next;
        let end = self.generator.rows.min(start + (bytes_target / ROW_BYTES).max(1) as u64);
        if start >= end {
            return Ok(None);
        }
        self.next = end;
        let rows = self.generator.rows(self.partition, start, end)?;
        Ok(Some(Chunk { start, end, data: ChunkData::Rows(rows) }))
    }
}

#[cfg(test)]
mod tests;

//! The four messages that cross an edge, and the batch, which is the only one with rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute;
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::letter::RowLetters;
use crate::time::EventTime;

/// What crosses an edge. Order is kept per (producer, key); nothing is promised between producers.
#[derive(Debug, Clone)]
pub enum Message {
    /// Rows.
    Batch(Batch),
    /// No later row of this producer was read under a lower watermark.
    Watermark(EventTime),
    /// Everything before this belongs to the checkpoint of that generation.
    Barrier(u64),
    /// Nothing follows.
    End,
}

impl Message {
    /// Memory held, for backpressure. Never nothing, so that no queue bounded in bytes takes
    /// messages for ever.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Batch(batch) => size_of::<Self>() + batch.bytes(),
            _ => size_of::<Self>(),
        }
    }
}

/// What happened to a row of a changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Change {
    /// `+I`: a row that was not there.
    Insert = 0,
    /// `-U`: the old version of a row; a `+U` follows directly.
    UpdateBefore = 1,
    /// `+U`: the new version of a row.
    UpdateAfter = 2,
    /// `-D`: a row that is gone.
    Delete = 3,
}

impl Change {
    /// The operation as Flink and its users write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
        }
    }
}

/// The watermark in force in a row's own partition just before the row (rule T1 of [`crate::time`]).
#[derive(Debug, Clone)]
pub enum RowWatermark {
    /// One lower bound for all rows; no row of the batch lies behind its true watermark.
    Same(EventTime),
    /// One watermark per row, in row order.
    Each(ScalarBuffer<i64>),
}

impl RowWatermark {
    /// The watermark of row `row`.
    #[inline]
    pub fn at(&self, row: usize) -> EventTime {
        match self {
            Self::Same(time) => *time,
            Self::Each(times) => times[row],
        }
    }
}

/// Rows with what the engine knows about them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The columns; `rows.num_rows()` holds even where there are no columns.
    pub rows: RecordBatch,
    /// The watermark each row was read under.
    pub under: RowWatermark,
    /// What each row means in a changelog; `None`: every row is an insert.
    pub changes: Option<Arc<[Change]>>,
    /// The rows are input rows nobody has accounted for yet. The operator that drops them counts
    /// them as `filtered` or `late`, the one that consumes them as `used`; see [`crate::operator`].
    pub unaccounted: bool,
    /// What each row leaves behind where it turns out late; `None` where no row can, or where its
    /// table keeps no letters.
    pub letters: Option<RowLetters>,
}

impl Batch {
    /// Rows derived by an operator that has accounted for its input, under watermark `under`.
    pub fn derived(rows: RecordBatch, under: EventTime) -> Self {
        let under = RowWatermark::Same(under);
        Self { rows, under, changes: None, unaccounted: false, letters: None }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory its rows hold: of columns that are part of larger ones, only that part.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.rows.columns().iter().map(column_bytes).sum();
        let under = match &self.under {
            RowWatermark::Same(_) => 0,
            RowWatermark::Each(times) => size_of_val(&times[..]),
        };
        let letters = self.letters.iter().flat_map(|letters| letters.iter());
        let letters = letters
            .map(|letter| size_of_val(letter) + letter.as_ref().map_or(0, |letter| letter.bytes()));
        let changes = self.changes.as_ref().map_or(0, |changes| size_of_val(&changes[..]));
        columns + under + changes + letters.sum::<usize>()
    }

    /// The operation of row `row`.
    pub fn change(&self, row: usize) -> Change {
        self.changes.as_ref().map_or(Change::Insert, |changes| changes[row])
    }

    /// The same rows with other columns; `rows` must have as many rows.
    #[must_use]
    pub fn with_columns(&self, rows: RecordBatch) -> Self {
        assert_eq!(rows.num_rows(), self.len(), "columns replaced, rows kept");
        Self { rows, ..self.clone() }
    }

    /// The rows where `mask` is true (NULL counts as false), in order.
    ///
    /// # Errors
    /// When a column's kernel fails; not expected.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self> {
        assert_eq!(mask.len(), self.len(), "a mask has one bit per row");
        let mask = match mask.null_count() {
            0 => mask.clone(),
            _ => compute::prep_null_mask_filter(mask),
        };
        let kept = |row: usize| mask.value(row);
        Ok(Self {
            rows: compute::filter_record_batch(&self.rows, &mask)?,
            under: match &self.under {
                RowWatermark::Same(time) => RowWatermark::Same(*time),
                RowWatermark::Each(times) => RowWatermark::Each(
                    times
                        .iter()
                        .enumerate()
                        .filter(|(row, _)| kept(*row))
                        .map(|(_, t)| *t)
                        .collect(),
                ),
            },
            changes: self.changes.as_ref().map(|changes| {
                changes.iter().enumerate().filter(|(row, _)| kept(*row)).map(|(_, c)| *c).collect()
            }),
            unaccounted: self.unaccounted,
            letters: self.letters.as_ref().map(|letters| {
                let letters = letters.iter().enumerate().filter(|(row, _)| kept(*row));
                letters.map(|(_, letter)| letter.clone()).collect()
            }),
        })
    }

    /// The rows at `indices`, in that order; an index may repeat.
    ///
    /// # Errors
    /// When a column's kernel fails; not expected.
    pub fn take(&self, indices: &UInt32Array) -> Result<Self> {
        let columns: Vec<ArrayRef> = self
            .rows
            .columns()
            .iter()
            .map(|column| compute::take(column, indices, None))
            .collect::<Result<_, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let picked = || indices.values().iter().map(|row| *row as usize);
        Ok(Self {
            rows: RecordBatch::try_new_with_options(self.rows.schema(), columns, &options)?,
            under: match &self.under {
                RowWatermark::Same(time) => RowWatermark::Same(*time),
                RowWatermark::Each(times) => {
                    RowWatermark::Each(picked().map(|row| times[row]).collect())
                }
            },
            changes: self
                .changes
                .as_ref()
                .map(|changes| picked().map(|row| changes[row]).collect()),
            unaccounted: self.unaccounted,
            letters: self
                .letters
                .as_ref()
                .map(|letters| picked().map(|row| letters[row].clone()).collect()),
        })
    }

    /// Rows `offset .. offset + length`, without copying.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            rows: self.rows.slice(offset, length),
            under: match &self.under {
                RowWatermark::Same(time) => RowWatermark::Same(*time),
                RowWatermark::Each(times) => RowWatermark::Each(times.slice(offset, length)),
            },
            changes: self.changes.as_ref().map(|changes| changes[offset..offset + length].into()),
            unaccounted: self.unaccounted,
            letters: self.letters.as_ref().map(|letters| letters[offset..offset + length].into()),
        }
    }
}

/// Memory the rows of a column hold.
fn column_bytes(column: &ArrayRef) -> usize {
    let outside = match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used(),
        _ => 0,
    };
    let slice = column.to_data().get_slice_memory_size();
    outside + slice.unwrap_or_else(|_| column.get_array_memory_size())
}

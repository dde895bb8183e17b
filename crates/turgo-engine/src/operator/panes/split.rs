//! Deals the rows of a batch out to panes, keeping their order within each pane.
//!
//! Neighbouring rows mostly share a pane, so rows are noted as runs. Where the runs are long, each
//! is a slice of the batch and nothing is copied; where rows alternate, one `take` brings the rows
//! of each pane together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow::compute;

use super::PaneKey;
use crate::error::Result;

/// Average length from which runs are worth a slice each.
const RUN_ROWS_MIN: usize = 64;

/// Which pane each row of a batch belongs to; rows that belong to none are left out.
#[derive(Debug, Default)]
pub(crate) struct Split {
    panes: Vec<PaneKey>,
    index: BTreeMap<PaneKey, usize>,
    runs: Vec<Run>,
    rows: usize,
}

/// Neighbouring rows of one pane.
#[derive(Debug)]
struct Run {
    pane: usize,
    rows: Range<usize>,
}

/// Rows of one pane.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The pane.
    pub(crate) pane: PaneKey,
    /// The rows.
    pub(crate) rows: RecordBatch,
    origin: Origin,
}

/// Where the rows of a piece stood in their batch.
#[derive(Debug)]
enum Origin {
    From(usize),
    Listed(UInt32Array),
}

impl Split {
    /// All rows of a batch in one pane.
    pub(crate) fn whole(pane: PaneKey, rows: usize) -> Self {
        let mut split = Self::default();
        if rows > 0 {
            split.push(pane, 0..rows);
        }
        split
    }

    /// Adds rows that follow those added before.
    pub(crate) fn push(&mut self, pane: PaneKey, rows: Range<usize>) {
        self.rows += rows.len();
        match self.runs.last_mut() {
            Some(last) if last.rows.end == rows.start && self.panes[last.pane] == pane => {
                last.rows.end = rows.end;
            }
            _ => {
                let panes = &mut self.panes;
                let index = *self.index.entry(pane).or_insert_with(|| {
                    panes.push(pane);
                    panes.len() - 1
                });
                self.runs.push(Run { pane: index, rows });
            }
        }
    }

    /// The rows of `batch`, in pieces of one pane each; a pane's pieces are in row order.
    pub(crate) fn pieces(&self, batch: &RecordBatch) -> Result<Vec<Piece>> {
        let long = self.runs.len() * RUN_ROWS_MIN <= self.rows;
        if long || self.runs.len() == self.panes.len() {
            return Ok(self
                .runs
                .iter()
                .map(|Run { pane, rows }| Piece {
                    pane: self.panes[*pane],
                    rows: batch.slice(rows.start, rows.len()),
                    origin: Origin::From(rows.start),
                })
                .collect());
        }
        let (order, ends) = self.sorted();
        let sorted = compute::take_record_batch(batch, &order)?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        Ok(starts
            .zip(&ends)
            .zip(&self.panes)
            .map(|((start, end), pane)| Piece {
                pane: *pane,
                rows: sorted.slice(start, end - start),
                origin: Origin::Listed(order.slice(start, end - start)),
            })
            .collect())
    }

    /// Counting sort of the rows by pane: the order, and where each pane ends in it.
    fn sorted(&self) -> (UInt32Array, Vec<usize>) {
        let mut next = vec![0; self.panes.len()];
        for run in &self.runs {
            next[run.pane] += run.rows.len();
        }
        let mut total = 0;
        for count in &mut next {
            (*count, total) = (total, total + *count);
        }
        let mut order = vec![0; self.rows];
        for Run { pane, rows } in &self.runs {
            for row in rows.clone() {
                order[next[*pane]] = row_number(row);
                next[*pane] += 1;
            }
        }
        (UInt32Array::from(order), next)
    }

    /// The rows that belong to a pane, in their order, each with its pane in two leading columns.
    pub(crate) fn labelled(&self, batch: &RecordBatch) -> Result<([ArrayRef; 2], RecordBatch)> {
        let mut columns = [Vec::with_capacity(self.rows), Vec::with_capacity(self.rows)];
        for Run { pane, rows } in &self.runs {
            let pane = self.panes[*pane];
            columns[0].resize(columns[0].len() + rows.len(), pane.0);
            columns[1].resize(columns[1].len() + rows.len(), pane.1);
        }
        let rows = if self.rows == batch.num_rows() {
            batch.clone()
        } else {
            let kept = self.runs.iter().flat_map(|run| run.rows.clone()).map(row_number);
            compute::take_record_batch(batch, &UInt32Array::from_iter_values(kept))?
        };
        let labels = columns.map(|column| -> ArrayRef { Arc::new(Int64Array::from(column)) });
        Ok((labels, rows))
    }
}

impl Piece {
    /// Where row `row` of the piece stood in its batch.
    pub(crate) fn origin(&self, row: usize) -> u32 {
        match &self.origin {
            Origin::From(start) => row_number(start + row),
            Origin::Listed(rows) => rows.value(row),
        }
    }
}

fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("a batch has fewer than 2^32 rows")
}

//! What happens to rows: one file per operator, one trait over them.
//!
//! An operator is owned by one instance and called by one thread at a time; it performs no I/O and
//! never blocks. Its outputs go to the next operator of its chain.
//!
//! # Accounting
//!
//! A batch with [`Batch::unaccounted`] holds input rows. Every input row ends in exactly one of
//! four counts, and `in = used + late + rejected + filtered` is checked when a run ends: the source
//! counts `rejected`, a filter the rows it drops as `filtered`, and the first operator that is no
//! longer one row in, one row out counts `late` and `used` and sends derived batches. A row that
//! reaches a sink is `used` there.

pub mod aggregate_changes;
pub mod aggregate_final;
pub mod aggregate_held;
pub mod aggregate_partial;
pub mod assign_windows;
pub mod drop_update_before;
pub mod filter;
mod held;
pub mod over;
mod panes;
pub mod project;
mod window_columns;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::letter::Letter;
use crate::message::{Batch, Message};
use crate::time::EventTime;

/// Where an operator puts its output and its counts.
#[derive(Debug, Default)]
pub struct Output {
    /// Messages for the next operator, in order.
    pub messages: std::collections::VecDeque<Message>,
    /// What became of input rows since the counts were last taken.
    pub counts: RowCounts,
    /// What late rows left behind, where their tables keep letters.
    pub letters: Vec<Arc<Letter>>,
}

impl Output {
    /// Drops row `row` of a batch of input rows, which is late for all its windows.
    pub fn late(&mut self, batch: &Batch, row: usize) {
        self.counts.late += 1;
        let letter = batch.letters.as_ref().and_then(|letters| letters[row].clone());
        self.letters.extend(letter);
    }

    /// Sends rows on; empty batches are dropped.
    pub fn batch(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.messages.push_back(Message::Batch(batch));
        }
    }

    /// Sends a watermark on.
    pub fn watermark(&mut self, time: EventTime) {
        self.messages.push_back(Message::Watermark(time));
    }
}

/// What became of input rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that entered a result, or state.
    pub used: u64,
    /// Rows late for all their windows.
    pub late: u64,
    /// Rows late for some of their windows; these are also `used`.
    pub late_partial: u64,
    /// Rows a filter dropped before anything else consumed them.
    pub filtered: u64,
    /// Records the source could not understand.
    pub rejected: u64,
    /// Rows of the result that are never shown: groups of windows which were still open when an input
    /// ended that is not flushed then, and rows that OVER still held.
    pub unsaid: u64,
}

impl RowCounts {
    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.used += other.used;
        self.late += other.late;
        self.late_partial += other.late_partial;
        self.filtered += other.filtered;
        self.rejected += other.rejected;
        self.unsaid += other.unsaid;
    }
}

/// One step of a chain.
pub trait Operator: Send {
    /// Takes rows.
    ///
    /// # Errors
    /// `Data` when a row cannot be processed; the run ends.
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()>;

    /// Takes a watermark, which never falls, and passes it on after whatever it completes, or what
    /// it promises of results that may leave later than others.
    ///
    /// # Errors
    /// As [`Operator::batch`].
    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        out.watermark(time);
        Ok(())
    }

    /// All input has been seen: emits what is left. [`Message::End`] itself is passed on by the
    /// chain, after [`Operator::resume`] has nothing more to send.
    ///
    /// # Errors
    /// As [`Operator::batch`].
    fn end(&mut self, out: &mut Output) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// Sends the next part of a large output and says whether more is left. While it is, the
    /// operator is given no new input, so that large results do not pile up in front of a slow
    /// consumer.
    ///
    /// # Errors
    /// As [`Operator::batch`].
    fn resume(&mut self, out: &mut Output) -> Result<bool> {
        let _ = out;
        Ok(false)
    }

    /// How often [`Operator::release`] is called, by the clock, if at all. It stays what it is.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// Sends what is held back only so that its reader is not bothered too often: the interval is
    /// over, or the run is being stopped. Never called while there is more to send.
    ///
    /// # Errors
    /// As [`Operator::batch`].
    fn release(&mut self, out: &mut Output) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// Whether each row that goes in has its effect by itself, so that running single rows again
    /// finds the one that fails.
    fn is_row_wise(&self) -> bool {
        false
    }

    /// Before a barrier passes: sends on whatever must not stay here (partial results).
    ///
    /// # Errors
    /// As [`Operator::batch`].
    fn before_barrier(&mut self, out: &mut Output) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// The operator's state as rows that do not change any more, without disturbing it; `None`
    /// for operators that have none. The first column is `key_group` (UInt8, see
    /// [`crate::operator`] and `KEY_GROUPS`), so that the state can be dealt out to another number
    /// of instances.
    ///
    /// # Errors
    /// As [`Operator::batch`].
    fn freeze(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }

    /// Takes back frozen rows, all of key groups this instance owns, before any other call.
    ///
    /// # Errors
    /// `Data` when the rows are not what this operator froze.
    fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        let _ = frozen;
        Ok(())
    }
}

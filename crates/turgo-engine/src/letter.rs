//! Dead letters: what is kept of an input row that is left out.
//!
//! A letter is made where a row is read, because nobody behind that point knows the record as it was
//! written. One for a bad row goes its way at once. Whether a row is late is found out later, so a
//! row that lies behind its watermark carries its letter ([`crate::message::Batch::letters`]) until
//! an operator drops the row and hands the letter on. No other row can be late for all its windows:
//! the windows of a row end after its time. So a row on time costs nothing.

use std::sync::Arc;

use crate::io::Position;
use crate::time::EventTime;

/// For each row of a batch, what it leaves behind where it turns out late.
pub type RowLetters = Arc<[Option<Arc<Letter>>]>;

/// What is kept of a row that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The scan that read it: its number among those of the graph, in the order of their stages.
    pub scan: usize,
    /// The partition of its source.
    pub partition: usize,
    /// Where its record starts there.
    pub position: Position,
    /// Why it is left out.
    pub reason: Reason,
    /// The record as it was read, without its line end.
    pub raw: Vec<u8>,
}

/// Why a row is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be used; what is wrong with it.
    Bad(String),
    /// All its windows were closed when it was read.
    Late {
        /// Its event time.
        time: EventTime,
        /// The watermark it was read under.
        watermark: EventTime,
    },
}

impl Letter {
    /// Memory held.
    pub fn bytes(&self) -> usize {
        let reason = match &self.reason {
            Reason::Bad(reason) => reason.len(),
            Reason::Late { .. } => 0,
        };
        size_of::<Self>() + reason + self.raw.len()
    }
}

//! Turns a changelog of old and new versions into one of new versions.

use arrow::array::BooleanArray;

use crate::error::Result;
use crate::message::{Batch, Change};
use crate::operator::{Operator, Output};

/// Drops the old versions (`-U`) from a changelog. Right where each row carries its key, so that a
/// new version replaces the old one.
#[derive(Debug)]
pub struct DropUpdateBefore;

impl Operator for DropUpdateBefore {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let Some(changes) = &batch.changes else {
            out.batch(batch);
            return Ok(());
        };
        let kept: BooleanArray =
            changes.iter().map(|change| Some(*change != Change::UpdateBefore)).collect();
        out.batch(batch.filter(&kept)?);
        Ok(())
    }

    fn is_row_wise(&self) -> bool {
        true
    }
}

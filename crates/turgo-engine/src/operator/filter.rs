//! Keeps the rows where a condition holds.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use datafusion_physical_expr::PhysicalExpr;

use crate::error::{EngineError, Result};
use crate::message::{Batch, Change};
use crate::operator::{Operator, Output};

/// Keeps the rows where a condition is true; false and NULL drop them.
///
/// In a changelog the two versions of an updated row (`-U`, `+U`, adjacent) are judged each by
/// itself: where only the old one holds the row is deleted, where only the new one does it is
/// inserted.
#[derive(Debug)]
pub struct Filter {
    predicate: Arc<dyn PhysicalExpr>,
}

impl Filter {
    /// Keeps rows where `predicate`, a Boolean expression over the input's columns, is true.
    pub fn new(predicate: Arc<dyn PhysicalExpr>) -> Self {
        Self { predicate }
    }
}

impl Operator for Filter {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let value = self.predicate.evaluate(&batch.rows)?.into_array(batch.len())?;
        let mask = value
            .as_boolean_opt()
            .ok_or_else(|| EngineError::internal("a condition that is not Boolean"))?;
        let kept = match mask.null_count() {
            0 => mask.true_count(),
            _ => mask.iter().filter(|bit| *bit == Some(true)).count(),
        };
        if batch.unaccounted {
            out.counts.filtered += (batch.len() - kept) as u64;
        }
        if kept == batch.len() {
            out.batch(batch);
        } else if kept > 0 {
            let changes = match &batch.changes {
                Some(changes) => Some(halve_updates(changes, mask)?),
                None => None,
            };
            let batch = Batch { changes, ..batch };
            out.batch(batch.filter(mask)?);
        }
        Ok(())
    }

    fn is_row_wise(&self) -> bool {
        true
    }
}

/// The operations of the rows, where the one half of an update that is kept stands alone.
fn halve_updates(changes: &[Change], kept: &BooleanArray) -> Result<Arc<[Change]>> {
    let holds = |row: usize| kept.is_valid(row) && kept.value(row);
    let mut changes = changes.to_vec();
    let mut row = 0;
    while row < changes.len() {
        if changes[row] != Change::UpdateBefore {
            row += 1;
            continue;
        }
        if changes.get(row + 1) != Some(&Change::UpdateAfter) {
            return Err(EngineError::internal("an old version of a row without its new one"));
        }
        if !holds(row) {
            changes[row + 1] = Change::Insert;
        }
        if !holds(row + 1) {
            changes[row] = Change::Delete;
        }
        row += 2;
    }
    Ok(changes.into())
}

//! Computes columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

use crate::error::Result;
use crate::graph::Column;
use crate::message::Batch;
use crate::operator::{Operator, Output};

/// Replaces the columns of each row by others computed from them.
#[derive(Debug)]
pub struct Project {
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl Project {
    /// Computes `columns`, in order.
    pub fn new(columns: Vec<Column>) -> Self {
        let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
        Self { columns, schema: Arc::new(Schema::new(fields)) }
    }
}

impl Operator for Project {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let rows = batch.len();
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|column| column.expr.evaluate(&batch.rows)?.into_array(rows))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        let columns = RecordBatch::try_new_with_options(schema, columns, &options)?;
        out.batch(batch.with_columns(columns));
        Ok(())
    }

    fn is_row_wise(&self) -> bool {
        true
    }
}

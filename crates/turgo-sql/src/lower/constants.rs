//! Rows that stand in the query itself: VALUES, and SELECT without FROM.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat;
use arrow::datatypes::{FieldRef, Schema};
use datafusion_common::DFSchema;
use datafusion_expr::{EmptyRelation, Values};
use turgo_engine::graph::{Column, Input, Instances, OnError, Scan};
use turgo_engine::memory::MemorySource;

use super::Lowering;
use super::rows::{LogicalColumn, Rows, field, physical_expr};
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};

impl Lowering<'_> {
    /// No rows, or one without columns.
    pub(super) fn empty(&mut self, empty: &EmptyRelation) -> Result<Rows> {
        let fields = fields(&empty.schema);
        let schema = Arc::new(Schema::new(fields));
        let batches = if empty.produce_one_row {
            let one = RecordBatchOptions::new().with_row_count(Some(1));
            let batch = RecordBatch::try_new_with_options(schema, vec![], &one);
            vec![batch.map_err(|error| SqlError::new(error.to_string()))?]
        } else {
            vec![]
        };
        self.constants(&empty.schema, batches)
    }

    /// VALUES.
    pub(super) fn values(&mut self, values: &Values) -> Result<Rows> {
        let said = |error: datafusion_common::DataFusionError| diagnose(&error, "", None);
        let no_columns = DFSchema::empty();
        let one = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &one)
            .map_err(|error| SqlError::new(error.to_string()))?;
        let fields = fields(&values.schema);
        let mut columns = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            let mut cells = Vec::with_capacity(values.values.len());
            for exprs in &values.values {
                let value = physical_expr(&exprs[index], &no_columns)?.evaluate(&row);
                cells.push(value.and_then(|value| value.into_array(1)).map_err(said)?);
            }
            let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
            let column = concat(&cells)
                .and_then(|column| arrow::compute::cast(&column, field.data_type()))
                .map_err(|error| SqlError::new(error.to_string()))?;
            columns.push(column);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|error| SqlError::new(error.to_string()))?;
        self.constants(&values.schema, vec![batch])
    }

    fn constants(&mut self, schema: &DFSchema, batches: Vec<RecordBatch>) -> Result<Rows> {
        let fields = fields(schema);
        let source = MemorySource::new(Arc::new(Schema::new(fields.clone())), vec![batches]);
        let mut columns = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            let expr = datafusion_physical_expr::expressions::Column::new(field.name(), index);
            columns.push(Column { expr: Arc::new(expr), field: Arc::clone(field) });
        }
        let input = Input::Source(Scan {
            table: "values".into(),
            source: Arc::new(source),
            projection: (0..fields.len()).collect(),
            columns,
            event_time: None,
            on_error: OnError::Fail,
            drift_max: self.request.drift_max,
            letters: None,
            flush_at_end: true,
            places: self.placed.then(|| self.scans()),
        });
        let columns = (0..fields.len())
            .map(|at| LogicalColumn { at: Some(at), ..LogicalColumn::default() })
            .collect();
        let stage = self.open(Instances::One, input);
        Ok(self.placed_rows(Rows::new(stage, fields, columns, true)))
    }
}

fn fields(schema: &DFSchema) -> Vec<FieldRef> {
    schema.fields().iter().map(|column| field(column.name(), column.data_type())).collect()
}

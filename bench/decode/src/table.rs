//! Columns for libraries that know nothing of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, SchemaRef};

use crate::BATCH_ROWS;

/// Arrow's own builders.
pub(crate) struct Table {
    schema: SchemaRef,
    pub(crate) columns: Vec<Column>,
    rows: usize,
}

pub(crate) enum Column {
    Long(Int64Builder),
    Time(TimestampMillisecondBuilder),
    Text(StringBuilder),
}

impl Column {
    pub(crate) fn long(&mut self, value: Option<i64>) {
        match self {
            Self::Long(builder) => builder.append_option(value),
            Self::Time(builder) => builder.append_option(value),
            Self::Text(_) => panic!("a number where a text is declared"),
        }
    }

    pub(crate) fn text(&mut self, value: &str) {
        match self {
            Self::Text(builder) => builder.append_value(value),
            _ => panic!("a text where a number is declared"),
        }
    }

    pub(crate) fn null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            _ => self.long(None),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Long(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

impl Table {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        let column = |data_type: &DataType| match data_type {
            DataType::Int64 => Column::Long(Int64Builder::new()),
            DataType::Utf8 => Column::Text(StringBuilder::new()),
            _ => Column::Time(TimestampMillisecondBuilder::new()),
        };
        let columns = schema.fields().iter().map(|field| column(field.data_type())).collect();
        Self { schema, columns, rows: 0 }
    }

    /// A row is complete; a full batch goes to `take`.
    pub(crate) fn end_row(&mut self, take: &mut dyn FnMut(RecordBatch)) {
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.flush(take);
        }
    }

    pub(crate) fn flush(&mut self, take: &mut dyn FnMut(RecordBatch)) {
        let options =
            RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        if options.row_count == Some(0) {
            return;
        }
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let schema = Arc::clone(&self.schema);
        take(RecordBatch::try_new_with_options(schema, columns, &options).expect("equal lengths"));
    }
}

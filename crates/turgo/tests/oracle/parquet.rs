//! Writes the rows of a table as Parquet, in row groups of a few rows.

use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::columns;
use crate::model::{Record, Table, Value};
use crate::random::Random;

/// Writes the files of `table` into `dir`.
pub(crate) fn write(table: &Table, seed: u64, dir: &Path) -> std::io::Result<()> {
    let mut random = Random::new(seed ^ 0x7061_7271_7565);
    for (index, records) in table.files.iter().enumerate() {
        let rows = batch(table, records);
        let group = *random.pick(&[1, 2, 3, 7, 1_000]);
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group));
        let file = std::fs::File::create(dir.join(format!("part-{index}.parquet")))?;
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties.build()))?;
        writer.write(&rows)?;
        writer.close()?;
    }
    Ok(())
}

fn batch(table: &Table, records: &[Record]) -> RecordBatch {
    let values = |record: &Record| match record {
        Record::Good(values) => values.clone(),
        Record::Bad(line) => panic!("Parquet has no place for {line}"),
    };
    let rows: Vec<Vec<Value>> = records.iter().map(values).collect();
    let columns = table.columns.iter().enumerate().map(|(index, column)| {
        let values: Vec<&Value> = rows.iter().map(|row| &row[index]).collect();
        let array: ArrayRef = columns::column(&column.ty, &values);
        let array = cast(&array, &stored(array.data_type())).expect("milliseconds hold seconds");
        (column.name.clone(), array, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// The type in a file: Parquet has no seconds.
fn stored(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(TimeUnit::Second, None) => {
            DataType::Timestamp(TimeUnit::Millisecond, None)
        }
        other => other.clone(),
    }
}

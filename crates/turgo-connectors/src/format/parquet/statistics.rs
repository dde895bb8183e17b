//! Between which values those of a row group lie, as its writer noted them down.
//!
//! Notes that are known to be wrong in files of some writers, or whose order is not said, are passed
//! over: minima and maxima in their deprecated form, and those of INT96.

use arrow::array::{Array, ArrayRef};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::{ColumnOrder, Type};
use parquet::file::metadata::RowGroupMetaData;
use turgo_engine::need::{Known, Need};
use turgo_engine::time::EventTime;

use super::file::ParquetFile;
use super::fit::Fit;
use super::guard;

/// The watermark of row group `group`, where no row of it is within the bounds of `need`.
pub(super) fn skip(file: &ParquetFile, group: usize, need: &Need) -> Option<EventTime> {
    // A value that does not fit makes its row a bad one.
    let checked = |column: &usize| file.columns[*column].1 == Fit::Checked;
    if need.bounds.is_empty() || need.projection.iter().any(checked) {
        return None;
    }
    let rows = file.metadata.metadata().row_group(group).num_rows().unsigned_abs();
    let known = |column| guard(&file.name, || Ok(known(file, group, column))).unwrap_or_default();
    need.skip(&file.schema, rows, known)
}

/// What is known of column `column` of the table in row group `group`.
fn known(file: &ParquetFile, group: usize, column: usize) -> Known {
    let parquet = file.metadata.parquet_schema();
    let (root, _) = file.columns[column];
    let mut leaves =
        (0..parquet.num_columns()).filter(|leaf| parquet.get_column_root_idx(*leaf) == root);
    let (Some(leaf), None) = (leaves.next(), leaves.next()) else { return Known::default() };
    let described = parquet.column(leaf);
    // A list of scalars has one leaf as well.
    if described.max_rep_level() > 0 || described.path().parts().len() > 1 {
        return Known::default();
    }
    let metadata = file.metadata.metadata();
    let group = metadata.row_group(group);
    let Some(statistics) = group.column(leaf).statistics() else { return Known::default() };
    let rows = group.num_rows().unsigned_abs();
    let nulls = statistics.null_count_opt().filter(|nulls| *nulls <= rows);
    let ordered =
        matches!(metadata.file_metadata().column_order(leaf), ColumnOrder::TYPE_DEFINED_ORDER(_));
    let trusted =
        ordered && described.physical_type() != Type::INT96 && !statistics.is_min_max_deprecated();
    let exact = statistics.min_is_exact() && statistics.max_is_exact();
    let range = trusted.then(|| range(file, column, leaf, group)).flatten();
    Known { range, exact, nulls }
}

/// The smallest and the largest value of leaf `leaf`, column `column` of the table, as declared.
fn range(
    file: &ParquetFile,
    column: usize,
    leaf: usize,
    group: &RowGroupMetaData,
) -> Option<(ArrayRef, ArrayRef)> {
    let (root, fit) = file.columns[column];
    let stored = file.metadata.schema().field(root);
    let ends = StatisticsConverter::from_column_index(leaf, stored, file.metadata.parquet_schema());
    let ends = ends.ok()?;
    let declared = file.schema.field(column).data_type();
    let convert = |end: ArrayRef| {
        let (end, lost) = fit.convert(&end, declared).ok()?;
        (lost.is_empty() && end.len() == 1 && end.is_valid(0)).then_some(end)
    };
    Some((
        convert(ends.row_group_mins([group]).ok()?)?,
        convert(ends.row_group_maxes([group]).ok()?)?,
    ))
}

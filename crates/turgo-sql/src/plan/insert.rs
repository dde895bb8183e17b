//! `INSERT INTO`: the rows of a query brought into the shape of a table.
//!
//! A value is converted only where every value of its type fits the column's type; everything else
//! the user asks for with CAST.

mod not_null;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_common::{ExprSchema, ScalarValue};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use turgo_engine::types::{fraction_digits, sql_type};

use self::not_null::not_null;
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};
use crate::names::suggest;
use crate::statement::Name;

/// Where rows are inserted.
#[derive(Debug)]
pub(crate) struct InsertTarget<'a> {
    pub(crate) table: &'a Name,
    /// The columns named, empty for all in order.
    pub(crate) columns: &'a [Name],
    /// The table's physical columns.
    pub(crate) schema: &'a SchemaRef,
}

/// `plan`'s columns as the columns of `target`; those not named are NULL.
///
/// # Errors
/// When columns are unknown, named twice, too few or too many, a type does not fit, or a NOT NULL
/// column is left out.
pub(crate) fn insert(plan: LogicalPlan, target: &InsertTarget<'_>) -> Result<LogicalPlan> {
    let fields = target.schema.fields();
    let positions = positions(target)?;
    let given = plan.schema().fields().len();
    if given != positions.len() {
        return Err(SqlError::new(format!(
            "the query has {}, `{}` takes {}",
            columns(given),
            target.table.value,
            columns(positions.len())
        ))
        .at(target.table.span.clone()));
    }
    let missing = (0..fields.len()).filter(|position| !positions.contains(position));
    if let Some(field) = missing.map(|position| &fields[position]).find(|f| !f.is_nullable()) {
        return Err(SqlError::new(format!(
            "column `{}` of `{}` is NOT NULL and is given no value",
            field.name(),
            target.table.value
        ))
        .at(target.table.span.clone())
        .help("name it among the columns"));
    }
    let mut exprs: Vec<Expr> = fields
        .iter()
        .map(|field| {
            let null = ScalarValue::try_new_null(field.data_type());
            null.map(|null| Expr::Literal(null, None).alias(field.name()))
        })
        .collect::<datafusion_common::Result<_>>()
        .map_err(|error| diagnose(&error, "", None))?;
    for (column, position) in plan.schema().columns().into_iter().zip(positions) {
        let from = plan.schema().field_from_column(&column);
        let from = from.map_err(|error| diagnose(&error, "", None))?.data_type();
        let to = fields[position].data_type();
        let name = fields[position].name();
        if !widens(from, to) {
            return Err(SqlError::new(format!(
                "column `{name}` of `{}` is of type {}, the query gives {}",
                target.table.value,
                sql_type(to),
                sql_type(from)
            ))
            .at(target.table.span.clone())
            .help(format!("write CAST(... AS {})", sql_type(to))));
        }
        let value = Expr::Column(column);
        let value = if from == to { value } else { cast(value, to.clone()) };
        let value = match fields[position].is_nullable() {
            true => value,
            false => not_null(value, format!("column `{name}` of `{}`", target.table.value)),
        };
        exprs[position] = value.alias(name);
    }
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| diagnose(&error, "", None))
}

fn columns(count: usize) -> String {
    format!("{count} column{}", if count == 1 { "" } else { "s" })
}

/// The table's column for each column of the query.
fn positions(target: &InsertTarget<'_>) -> Result<Vec<usize>> {
    if target.columns.is_empty() {
        return Ok((0..target.schema.fields().len()).collect());
    }
    let mut positions = Vec::with_capacity(target.columns.len());
    for column in target.columns {
        let Ok(position) = target.schema.index_of(&column.value) else {
            let error = SqlError::new(format!(
                "`{}` has no column `{}` that can be written",
                target.table.value, column.value
            ))
            .at(column.span.clone());
            let names = target.schema.fields().iter().map(|field| field.name().as_str());
            return Err(match suggest(&column.value, names, "the columns are") {
                Some(help) => error.help(help),
                None => error,
            });
        };
        if positions.contains(&position) {
            return Err(SqlError::new(format!("column `{}` is named twice", column.value))
                .at(column.span.clone()));
        }
        positions.push(position);
    }
    Ok(positions)
}

/// Whether every value of type `from` is a value of type `to`; BIGINT counts as fitting DOUBLE.
pub(crate) fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Decimal256, Float32, Float64, Null, Timestamp};
    if from == to || *from == Null {
        return true;
    }
    match (from, to) {
        (integer, other) if integer.is_integer() => integer_widens(integer, other),
        (Float32, Float64) => true,
        (
            Decimal128(precision, scale) | Decimal256(precision, scale),
            Decimal128(to_precision, to_scale) | Decimal256(to_precision, to_scale),
        ) => decimal_fits(*precision, *scale, *to_precision, *to_scale),
        (Date32, Timestamp(..)) => true,
        (Timestamp(from, from_zone), Timestamp(to, to_zone)) => {
            from_zone.is_some() == to_zone.is_some()
                && fraction_digits(*from) <= fraction_digits(*to)
        }
        (from, to) => (text(from) && text(to)) || (bytes(from) && bytes(to)),
    }
}

fn integer_widens(from: &DataType, to: &DataType) -> bool {
    let Some((from_bits, from_signed)) = integer(from) else { return false };
    match to {
        DataType::Float64 => true,
        DataType::Float32 => from_bits <= 16,
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            let digits = match from_bits {
                8 => 3,
                16 => 5,
                32 => 10,
                _ => 20 - u8::from(from_signed),
            };
            decimal_fits(digits, 0, *precision, *scale)
        }
        _ => match integer(to) {
            Some((to_bits, to_signed)) => {
                (from_signed == to_signed && from_bits <= to_bits)
                    || (to_signed && from_bits < to_bits)
            }
            None => false,
        },
    }
}

fn integer(data_type: &DataType) -> Option<(u8, bool)> {
    Some(match data_type {
        DataType::Int8 => (8, true),
        DataType::Int16 => (16, true),
        DataType::Int32 => (32, true),
        DataType::Int64 => (64, true),
        DataType::UInt8 => (8, false),
        DataType::UInt16 => (16, false),
        DataType::UInt32 => (32, false),
        DataType::UInt64 => (64, false),
        _ => return None,
    })
}

fn decimal_fits(precision: u8, scale: i8, to_precision: u8, to_scale: i8) -> bool {
    let whole = i16::from(precision) - i16::from(scale);
    let to_whole = i16::from(to_precision) - i16::from(to_scale);
    scale <= to_scale && whole <= to_whole
}

fn text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_hold_every_value_are_widened_to() {
        use DataType::{Decimal128, Float64, Int16, Int32, Int64, UInt32, Utf8, Utf8View};
        for (from, to, fits) in [
            (Int32, Int64, true),
            (Int64, Int32, false),
            (UInt32, Int64, true),
            (UInt32, Int32, false),
            (Int32, UInt32, false),
            (Int64, Float64, true),
            (Float64, Int64, false),
            (Int64, Decimal128(19, 0), true),
            (Int64, Decimal128(19, 2), false),
            (Int16, Decimal128(7, 2), true),
            (Decimal128(10, 2), Decimal128(12, 4), true),
            (Decimal128(10, 2), Decimal128(12, 1), false),
            (Utf8View, Utf8, true),
            (Utf8, Int64, false),
            (DataType::Null, Int64, true),
        ] {
            assert_eq!(widens(&from, &to), fits, "{from} to {to}");
        }
    }
}

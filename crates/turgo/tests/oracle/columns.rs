//! Values to Arrow columns and back. Only the batch engine's table is made with it: Turgo reads
//! the files.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampSecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Fields, Float64Type, Int32Type, Int64Type, Schema, SchemaRef,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};

use crate::model::{Column, Type, Value, time_step};

/// The Arrow type of a column.
pub(crate) fn data_type(ty: &Type) -> DataType {
    match ty {
        Type::Int => DataType::Int32,
        Type::BigInt => DataType::Int64,
        Type::Double => DataType::Float64,
        Type::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale as i8),
        Type::Varchar => DataType::Utf8,
        Type::Boolean => DataType::Boolean,
        Type::Timestamp(0) => DataType::Timestamp(TimeUnit::Second, None),
        Type::Timestamp(3) => DataType::Timestamp(TimeUnit::Millisecond, None),
        Type::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::Row(fields) => DataType::Struct(struct_fields(fields)),
    }
}

fn struct_fields(fields: &[(String, Type)]) -> Fields {
    fields.iter().map(|(name, ty)| Field::new(name, data_type(ty), true)).collect()
}

/// The schema of a table.
pub(crate) fn schema(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.name, data_type(&column.ty), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// One column of values.
pub(crate) fn column(ty: &Type, values: &[&Value]) -> ArrayRef {
    fn each<T>(values: &[&Value], of: impl Fn(&Value) -> T) -> Vec<Option<T>> {
        values.iter().map(|value| (!value.is_null()).then(|| of(value))).collect()
    }
    let int = |value: &Value| match value {
        Value::Int(number) => *number,
        other => panic!("{other:?} in a column of {ty:?}"),
    };
    let time = |step: i64| {
        each(values, move |value| match value {
            Value::Time(micros) => micros / step,
            other => panic!("{other:?} in a column of times"),
        })
    };
    match ty {
        Type::Int => Arc::new(Int32Array::from(each(values, |value| int(value) as i32))),
        Type::BigInt => Arc::new(Int64Array::from(each(values, |value| int(value) as i64))),
        Type::Double => Arc::new(Float64Array::from(each(values, |value| match value {
            Value::Double(number) => *number,
            other => panic!("{other:?} in a column of doubles"),
        }))),
        Type::Decimal(precision, scale) => {
            let digits = each(values, |value| match value {
                Value::Decimal(digits, _) => *digits,
                other => panic!("{other:?} in a column of decimals"),
            });
            let array = Decimal128Array::from(digits);
            let array = array.with_precision_and_scale(*precision, *scale as i8);
            Arc::new(array.expect("declared types are valid"))
        }
        Type::Varchar => Arc::new(StringArray::from(each(values, |value| match value {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?} in a column of texts"),
        }))),
        Type::Boolean => {
            Arc::new(BooleanArray::from(each(values, |value| *value == Value::Bool(true))))
        }
        Type::Timestamp(0) => Arc::new(TimestampSecondArray::from(time(time_step(0)))),
        Type::Timestamp(3) => Arc::new(TimestampMillisecondArray::from(time(time_step(3)))),
        Type::Timestamp(_) => Arc::new(TimestampMicrosecondArray::from(time(1))),
        Type::Row(fields) => {
            let member = |index: usize| {
                let members: Vec<&Value> = values
                    .iter()
                    .map(|value| match value {
                        Value::Row(fields) => &fields[index],
                        _ => &Value::Null,
                    })
                    .collect();
                column(&fields[index].1, &members)
            };
            let nulls: NullBuffer = values.iter().map(|value| !value.is_null()).collect();
            let members = (0..fields.len()).map(member).collect();
            Arc::new(StructArray::new(struct_fields(fields), members, Some(nulls)))
        }
    }
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Vec<Value>> {
    let row = |row| batch.columns().iter().map(|column| value(column, row)).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            Value::Decimal(array.as_primitive::<Decimal128Type>().value(row), *scale as u8)
        }
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).into()),
        DataType::Utf8View => Value::Text(array.as_string_view().value(row).into()),
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Timestamp(TimeUnit::Second, _) => {
            Value::Time(array.as_primitive::<TimestampSecondType>().value(row) * 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Value::Time(array.as_primitive::<TimestampMillisecondType>().value(row) * 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Time(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Value::Time(array.as_primitive::<TimestampNanosecondType>().value(row) / 1_000)
        }
        DataType::Struct(_) => {
            let members = array.as_struct().columns().iter();
            Value::Row(members.map(|member| value(member, row)).collect())
        }
        other => panic!("a column of type {other}"),
    }
}

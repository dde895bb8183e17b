//! Made-up values of every type.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, NullArray,
    PrimitiveArray, StringArray, StructArray, new_empty_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, FieldRef, Fields, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use turgo_engine::Result;
use turgo_engine::time::{EventTime, in_unit};

use crate::random::Random;

/// How values are chosen.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) null_share: f64,
    pub(super) extreme_share: f64,
    pub(super) distinct: u64,
}

/// What a row's value is to be.
#[derive(Debug, Clone, Copy)]
enum Pick {
    Null,
    /// One of the ends of the type.
    Low,
    High,
    /// The ordinary value of that number.
    Ordinary(u64),
}

impl Shape {
    fn pick(&self, random: &mut Random) -> Pick {
        if random.chance(self.null_share) {
            return Pick::Null;
        }
        if random.chance(self.extreme_share) {
            return if random.below(2) == 0 { Pick::Low } else { Pick::High };
        }
        Pick::Ordinary(random.below(self.distinct))
    }
}

/// Whether [`column()`] knows a type.
pub(super) fn supported(data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Struct(fields) => fields.iter().all(|field| supported(field.data_type())),
        T::List(element) => supported(element.data_type()),
        T::Decimal128(..) | T::Timestamp(..) | T::Date32 | T::Time32(_) | T::Time64(_) => true,
        T::Boolean | T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Binary | T::Null => true,
        other => other.is_integer() || matches!(other, T::Float32 | T::Float64),
    }
}

/// A column with one value per stream of `randoms`.
pub(super) fn column(
    data_type: &DataType,
    shape: &Shape,
    randoms: &mut [Random],
) -> Result<ArrayRef> {
    use DataType as T;
    match data_type {
        T::Struct(fields) => return rows(fields, shape, randoms),
        T::List(element) => return lists(element, shape, randoms),
        _ => {}
    }
    let picks: Vec<Pick> = randoms.iter_mut().map(|random| shape.pick(random)).collect();
    Ok(match data_type {
        T::Int8 => ends::<Int8Type>(&picks, i8::MIN, i8::MAX, |n| n as i8),
        T::Int16 => ends::<Int16Type>(&picks, i16::MIN, i16::MAX, |n| n as i16),
        T::Int32 => ends::<Int32Type>(&picks, i32::MIN, i32::MAX, |n| n as i32),
        T::Int64 => ends::<Int64Type>(&picks, i64::MIN, i64::MAX, |n| n as i64),
        T::UInt8 => ends::<UInt8Type>(&picks, u8::MIN, u8::MAX, |n| n as u8),
        T::UInt16 => ends::<UInt16Type>(&picks, u16::MIN, u16::MAX, |n| n as u16),
        T::UInt32 => ends::<UInt32Type>(&picks, u32::MIN, u32::MAX, |n| n as u32),
        T::UInt64 => ends::<UInt64Type>(&picks, u64::MIN, u64::MAX, |n| n),
        T::Float32 => ends::<Float32Type>(&picks, f32::MIN, f32::MAX, |n| n as f32 / 8.0),
        T::Float64 => ends::<Float64Type>(&picks, f64::MIN, f64::MAX, |n| n as f64 / 8.0),
        T::Decimal128(precision, _) => {
            let end = 10i128.pow(u32::from(*precision)) - 1;
            let values = ends::<Decimal128Type>(&picks, -end, end, |n| i128::from(n) % (end + 1));
            Arc::new(
                values
                    .as_any()
                    .downcast_ref::<PrimitiveArray<Decimal128Type>>()
                    .expect("just built")
                    .clone()
                    .with_data_type(data_type.clone()),
            )
        }
        T::Date32 => ends::<Date32Type>(&picks, -719_162, 2_932_896, |n| n as i32),
        T::Time32(_) | T::Time64(_) => of_day(data_type, &picks)?,
        T::Timestamp(..) => {
            let start = 1_700_000_000_000_000;
            let time = |pick: &Pick| match pick {
                Pick::Null => None,
                Pick::Low => Some(0),
                Pick::High => Some(4_102_444_800_000_000),
                Pick::Ordinary(number) => Some(start + (*number as i64) * 1_000_000),
            };
            instants(data_type, picks.iter().map(time).collect())?
        }
        T::Boolean => {
            let value = |pick: &Pick| match pick {
                Pick::Null => None,
                Pick::Low => Some(false),
                Pick::High => Some(true),
                Pick::Ordinary(number) => Some(number % 2 == 0),
            };
            Arc::new(picks.iter().map(value).collect::<BooleanArray>())
        }
        T::Binary => {
            let strings: Vec<_> = picks.iter().map(string).collect();
            let bytes = strings.iter().map(|text| text.as_ref().map(String::as_bytes));
            Arc::new(bytes.collect::<BinaryArray>())
        }
        T::Null => Arc::new(NullArray::new(picks.len())),
        _ => compute::cast(&picks.iter().map(string).collect::<StringArray>(), data_type)?,
    })
}

/// Event times as a column of a timestamp type.
pub(super) fn timestamps(data_type: &DataType, times: Vec<EventTime>) -> Result<ArrayRef> {
    instants(data_type, times.into_iter().map(Some).collect())
}

fn instants(data_type: &DataType, times: Vec<Option<EventTime>>) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, _) = data_type else {
        let micros = times.into_iter().collect::<PrimitiveArray<TimestampMicrosecondType>>();
        return Ok(compute::cast(&micros, data_type)?);
    };
    let in_unit = |time: Option<EventTime>| time.map(|time| in_unit(time, *unit));
    let values = times.into_iter().map(in_unit).collect::<PrimitiveArray<Int64Type>>();
    Ok(compute::cast(&values, data_type)?)
}

fn of_day(data_type: &DataType, picks: &[Pick]) -> Result<ArrayRef> {
    let per_second: i64 = match data_type {
        DataType::Time32(TimeUnit::Second) => 1,
        DataType::Time32(_) => 1_000,
        DataType::Time64(TimeUnit::Microsecond) => 1_000_000,
        _ => 1_000_000_000,
    };
    let last = 86_400 * per_second - 1;
    let values = ends::<Int64Type>(picks, 0, last, |n| (n % 86_400) as i64 * per_second);
    if let DataType::Time32(_) = data_type {
        let narrow = compute::cast(&values, &DataType::Int32)?;
        return Ok(compute::cast(&narrow, data_type)?);
    }
    Ok(compute::cast(&values, data_type)?)
}

fn ends<T: ArrowPrimitiveType>(
    picks: &[Pick],
    low: T::Native,
    high: T::Native,
    ordinary: impl Fn(u64) -> T::Native,
) -> ArrayRef {
    let value = |pick: &Pick| match pick {
        Pick::Null => None,
        Pick::Low => Some(low),
        Pick::High => Some(high),
        Pick::Ordinary(number) => Some(ordinary(*number)),
    };
    Arc::new(picks.iter().map(value).collect::<PrimitiveArray<T>>())
}

/// Low is the empty string, high one that every text format has to quote.
fn string(pick: &Pick) -> Option<String> {
    match pick {
        Pick::Null => None,
        Pick::Low => Some(String::new()),
        Pick::High => Some("\"zürich\",\n\\\u{1F300}\r\n".into()),
        Pick::Ordinary(number) => Some(format!("value {number}")),
    }
}

fn rows(fields: &Fields, shape: &Shape, randoms: &mut [Random]) -> Result<ArrayRef> {
    let nulls: NullBuffer =
        randoms.iter_mut().map(|random| !random.chance(shape.null_share)).collect();
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        columns.push(column(field.data_type(), &inner(field, shape), randoms)?);
    }
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls))?))
}

fn lists(element: &FieldRef, shape: &Shape, randoms: &mut [Random]) -> Result<ArrayRef> {
    let mut nulls = Vec::with_capacity(randoms.len());
    let mut lengths = Vec::with_capacity(randoms.len());
    let mut inside = Vec::new();
    for random in randoms {
        let null = random.chance(shape.null_share);
        let length = if null { 0 } else { random.below(4) as usize };
        nulls.push(!null);
        lengths.push(length);
        inside.extend((0..length).map(|_| Random::new(&[random.next()])));
    }
    let values = match inside.is_empty() {
        true => new_empty_array(element.data_type()),
        false => column(element.data_type(), &inner(element, shape), &mut inside)?,
    };
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(nulls));
    Ok(Arc::new(ListArray::try_new(FieldRef::clone(element), offsets, values, nulls)?))
}

fn inner(field: &FieldRef, shape: &Shape) -> Shape {
    let null_share = if field.is_nullable() { shape.null_share } else { 0.0 };
    Shape { null_share, ..shape.clone() }
}

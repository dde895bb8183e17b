//! Columns that are known by name, and how arrays of made values are built.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use turgo_engine::io::OptionError;

use super::Make;
use crate::option;
use crate::random::Random;
use turgo_engine::types::sql_type;

/// A column that tables may declare, of a generator whose settings are `S`.
pub(crate) struct Known<S: 'static> {
    pub(crate) name: &'static str,
    pub(crate) data_type: DataType,
    pub(crate) make: fn(&S, Range<u64>) -> ArrayRef,
}

impl<S> Known<S> {
    /// A column.
    pub(crate) const fn new(
        name: &'static str,
        data_type: DataType,
        make: fn(&S, Range<u64>) -> ArrayRef,
    ) -> Self {
        Self { name, data_type, make }
    }

    /// Its values under `settings`.
    pub(crate) fn bind(&'static self, settings: &Arc<S>) -> Make
    where
        S: Send + Sync,
    {
        let settings = Arc::clone(settings);
        Box::new(move |rows| (self.make)(&settings, rows))
    }
}

/// Whether a declared column's name stands for `known`: case and underscores do not matter, so
/// `date_time` is `dateTime`.
pub(crate) fn named(declared: &str, known: &str) -> bool {
    let letters = |name: &str| name.to_lowercase().replace('_', "");
    letters(declared) == letters(known)
}

/// The known column that `field`, declared in a table of `owner`, asks for.
///
/// # Errors
/// When none has its name and type.
pub(crate) fn find<S>(
    owner: &str,
    field: &Field,
    known: &'static [Known<S>],
) -> Result<&'static Known<S>, OptionError> {
    let of_name = || known.iter().filter(|column| named(field.name(), column.name));
    if let Some(column) = of_name().find(|column| column.data_type == *field.data_type()) {
        return Ok(column);
    }
    match of_name().next() {
        Some(column) => Err(wrong_type(owner, field, &sql_type(&column.data_type))),
        None => Err(no_column(owner, field, known.iter().map(|column| column.name))),
    }
}

/// The error of declaring a column that is not made.
pub(crate) fn no_column(
    owner: &str,
    field: &Field,
    known: impl Iterator<Item = &'static str>,
) -> OptionError {
    let mut known: Vec<&str> = known.collect();
    known.dedup();
    OptionError {
        key: None,
        message: format!("{owner} has no column `{}`", field.name()),
        help: Some(match option::nearest(field.name(), &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its columns are {}", known.join(", ")),
        }),
    }
}

/// The error of declaring a column with a type it does not have.
pub(crate) fn wrong_type(owner: &str, field: &Field, wanted: &str) -> OptionError {
    let (name, declared) = (field.name(), sql_type(field.data_type()));
    OptionError {
        key: None,
        message: format!("column `{name}` of {owner} is {wanted}, not {declared}"),
        help: Some(format!("declare it as {name} {wanted}")),
    }
}

/// A column of numbers.
pub(crate) fn numbers<T: ArrowPrimitiveType>(
    rows: Range<u64>,
    value: impl FnMut(u64) -> T::Native,
) -> ArrayRef {
    let values: Vec<T::Native> = rows.map(value).collect();
    Arc::new(PrimitiveArray::<T>::new(values.into(), None))
}

/// A column of texts of about `bytes` bytes each, which `write` appends.
pub(crate) fn texts(
    rows: Range<u64>,
    bytes: usize,
    mut write: impl FnMut(u64, &mut Vec<u8>),
) -> ArrayRef {
    let count = (rows.end - rows.start) as usize;
    let mut text = Vec::with_capacity(count * bytes);
    let mut offsets = Vec::with_capacity(count + 1);
    offsets.push(0);
    for row in rows {
        write(row, &mut text);
        offsets.push(i32::try_from(text.len()).expect("a batch of made rows is below 2 GiB"));
    }
    let offsets = OffsetBuffer::new(offsets.into());
    Arc::new(StringArray::try_new(offsets, text.into(), None).expect("all texts are ASCII"))
}

/// Appends `length` letters.
pub(crate) fn letters(random: &mut Random, length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    // Whole blocks, of which the last may be cut: copies of a fixed size are much faster.
    while out.len() < end {
        out.extend_from_slice(&random.next().to_le_bytes().map(letter));
    }
    out.truncate(end);
}

/// A letter, from a random byte.
fn letter(byte: u8) -> u8 {
    b'a' + ((u16::from(byte) * 26) >> 8) as u8
}

/// Appends a number in decimal.
pub(crate) fn digits(number: u64, out: &mut Vec<u8>) {
    let mut buffer = [0; 20];
    let (mut left, mut at) = (number, buffer.len());
    loop {
        at -= 1;
        buffer[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&buffer[at..]);
}

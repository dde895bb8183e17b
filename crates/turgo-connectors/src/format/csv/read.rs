//! Reading CSV records into columns.
//!
//! There are two ways, as with NDJSON. [`CsvRecords::read_at`] goes through a record once and appends
//! each wanted field where it finds it; it gives up at the first thing that is not in order. Then the
//! record is delimited, split and read field by field, and only this way rejects.
//!
//! - S1. What the first way accepts, the second would accept with the same values; so what a record
//!   is, and what is said of one that is not, is decided by the second alone.
//! - S2. Whether a record is well formed (its number of fields, its quotes, its UTF-8) does not
//!   depend on the projection; of a field that is not projected nothing more is asked.
//!
//! Where the file has a header, its reader puts the header record in front of every chunk: columns
//! are matched by name, so files of one table may order them differently.

use turgo_engine::io::Decode;
use turgo_engine::{EngineError, Result};

use arrow::datatypes::{Schema, SchemaRef};
use turgo_engine::types::sql_type;

use super::Dialect;
use super::marks::{Field, Marks};
use super::split::{self, Fields};
use crate::format::bytes;
use crate::format::column::{self, Column, Fault, Input, Slot};
use crate::format::records::{ReadRecords, RecordDecoder, projected};

/// A decoder of the columns `projection` of `schema`.
pub(crate) fn decoder(
    schema: &SchemaRef,
    projection: &[usize],
    dialect: &Dialect,
) -> Result<Box<dyn Decode>> {
    let mut slots = Vec::with_capacity(projection.len());
    for index in projection {
        let field = schema.field(*index);
        let column = column::scalar(field.data_type()).ok_or_else(|| {
            EngineError::Unsupported(format!(
                "column `{}`: the format csv cannot carry {}; use 'format' = 'json'",
                field.name(),
                sql_type(field.data_type())
            ))
        })?;
        slots.push(Slot::new(field, column));
    }
    let mut records = CsvRecords {
        schema: SchemaRef::clone(schema),
        projection: projection.to_vec(),
        dialect: dialect.clone(),
        slots,
        places: Vec::new(),
        readers: Vec::new(),
        fields: Fields::default(),
        marks: Marks::new(dialect.delimiter),
    };
    records.arrange(projection.to_vec(), schema.fields().len());
    Ok(Box::new(RecordDecoder::new(records, projected(schema, projection))))
}

/// For each column of `schema`, its place in the `header`.
///
/// # Errors
/// `Data` where a column is missing or not unique.
pub(crate) fn places(header: &[String], schema: &Schema) -> Result<Vec<usize>> {
    let place = |name: &String| {
        let mut found = (0..header.len()).filter(|index| header[*index] == *name);
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(EngineError::data(format!(
                "the header has no column `{name}`; it has {}",
                header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ))),
            _ => Err(EngineError::data(format!("the header has column `{name}` twice"))),
        }
    };
    schema.fields().iter().map(|field| place(field.name())).collect()
}

struct CsvRecords {
    schema: SchemaRef,
    projection: Vec<usize>,
    dialect: Dialect,
    slots: Vec<Slot>,
    /// For each slot, the field it is read from.
    places: Vec<usize>,
    /// For each field of a record, the slot that reads it.
    readers: Vec<Option<usize>>,
    fields: Fields,
    marks: Marks,
}

impl CsvRecords {
    /// Records have `width` fields from now on; slot `index` is read from field `places[index]`.
    fn arrange(&mut self, places: Vec<usize>, width: usize) {
        self.readers.clear();
        self.readers.resize(width, None);
        for (slot, place) in places.iter().enumerate() {
            self.readers[*place] = Some(slot);
        }
        self.places = places;
    }
}

impl ReadRecords for CsvRecords {
    fn begin(&mut self, bytes: &[u8]) -> Result<usize> {
        self.marks.reset();
        if !self.dialect.header {
            return Ok(0);
        }
        let end = self.dialect.record_end(bytes, 0).unwrap_or(bytes.len());
        let header = self.dialect.header_names(&bytes[..end])?;
        let all = places(&header, &self.schema)?;
        let places = self.projection.iter().map(|index| all[*index]).collect();
        self.arrange(places, header.len());
        Ok(end)
    }

    fn read_at(&mut self, bytes: &[u8], from: usize, _row: usize) -> Option<usize> {
        let (last, others) = self.readers.split_last()?;
        let null = self.dialect.null.as_bytes();
        self.marks.begin(bytes, from);
        let mut at = from;
        for reader in others {
            let field = self.marks.field(bytes, at)?;
            if let Some(slot) = reader {
                read_field(&mut self.slots[*slot], bytes, field, null)?;
            }
            at = field.next;
        }
        let field = self.marks.last_field(bytes, at)?;
        if others.is_empty() && !field.quoted && field.start == field.end {
            // An empty line is no record.
            return None;
        }
        if let Some(slot) = last {
            read_field(&mut self.slots[*slot], bytes, field, null)?;
        }
        self.marks.end(bytes, from, field.next).then_some(field.next)
    }

    fn end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        self.dialect.record_end(bytes, from)
    }

    fn is_blank(&self, record: &[u8]) -> bool {
        record.is_empty()
    }

    fn read(&mut self, record: &str) -> Result<(), String> {
        self.fields.split(record, self.dialect.delimiter)?;
        let (found, expected) = (self.fields.len(), self.readers.len());
        if found != expected {
            let s = if found == 1 { "" } else { "s" };
            return Err(format!("{found} field{s} where {expected} are expected"));
        }
        let mut first = Ok(());
        for (slot, place) in self.slots.iter_mut().zip(&self.places) {
            let (text, quoted) = self.fields.get(record, *place);
            let null = !quoted && text == self.dialect.null;
            first = first.and(slot.append((!null).then_some(Input::Field(&text))));
        }
        first.map_err(Fault::reason)
    }

    fn slots(&mut self) -> &mut [Slot] {
        &mut self.slots
    }
}

/// Reads a field; `None` where it does not fit. Whether a `VARCHAR` is UTF-8 is left to the caller.
#[inline(always)]
fn read_field(slot: &mut Slot, bytes: &[u8], field: Field, null: &[u8]) -> Option<()> {
    let text = &bytes[field.start..field.end];
    if !field.quoted && *text == *null {
        return slot.append(None).ok();
    }
    match &mut slot.column {
        Column::Long(longs) => {
            if let Some(value) = integer(bytes, field.start, field.end) {
                longs.push(value);
                return Some(());
            }
            if longs.push_text(text) {
                return Some(());
            }
        }
        Column::Text(texts) if !field.doubled => {
            texts.push(text);
            return Some(());
        }
        _ => {}
    }
    let text = std::str::from_utf8(text).ok()?;
    match field.doubled {
        true => slot.append(Some(Input::Field(&split::unquoted(text)))).ok(),
        false => slot.append(Some(Input::Field(text))).ok(),
    }
}

/// The integer of at most 16 digits that stands from `start` to `end`.
#[inline(always)]
fn integer(bytes: &[u8], start: usize, end: usize) -> Option<i64> {
    const DIGITS_MAX: usize = 16;
    let negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let (value, stop) = bytes::digits(bytes, first);
    if stop != end || stop == first || stop - first > DIGITS_MAX {
        return None;
    }
    let value = value as i64;
    Some(if negative { -value } else { value })
}

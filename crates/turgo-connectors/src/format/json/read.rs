//! Reading NDJSON records into columns.
//!
//! A record is scanned first, which finds the text of each wanted value and checks the whole line;
//! the values are then read column by column. A line that is not JSON thus touches no column, and of
//! a repeated key only the last value is read.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use turgo_engine::io::Decode;
use turgo_engine::{EngineError, Result};

use super::scan::{Cursor, Syntax, unescaped};
use crate::format::column::{self, Fault, Input, ReadColumn, Slot, sql_name};
use crate::format::records::{ReadRecords, RecordDecoder, projected};

/// Keys whose order is remembered; those further back are looked up each time.
const PREDICTED_MAX: usize = 256;

/// A decoder of the columns `projection` of `schema`.
pub(crate) fn decoder(schema: &Schema, projection: &[usize]) -> Result<Box<dyn Decode>> {
    let fields = projection.iter().map(|index| schema.field(*index));
    let records = JsonRecords { row: Object::new(fields)? };
    Ok(Box::new(RecordDecoder::new(records, projected(schema, projection))))
}

struct JsonRecords {
    row: Object,
}

impl ReadRecords for JsonRecords {
    fn begin(&mut self, _bytes: &[u8]) -> Result<usize> {
        Ok(0)
    }

    fn end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        memchr::memchr(b'\n', &bytes[from..]).map(|length| from + length + 1)
    }

    fn is_blank(&self, record: &[u8]) -> bool {
        record.trim_ascii().is_empty()
    }

    fn read(&mut self, record: &str) -> Result<(), String> {
        self.row.scan(record).map_err(|error| described(record, &error))?;
        self.row.append(record).map_err(Fault::reason)
    }

    fn slots(&mut self) -> &mut [Slot] {
        &mut self.row.slots
    }
}

fn described(record: &str, error: &Syntax) -> String {
    let character = record[..record.floor_char_boundary(error.at)].chars().count() + 1;
    format!("invalid JSON at character {character}: {}", error.what)
}

/// The members of an object that are wanted.
struct Object {
    slots: Vec<Slot>,
    by_key: HashMap<String, usize>,
    /// The keys of the last object, as they were written, with their slots: the next object very
    /// likely has the same keys in the same order.
    predicted: Vec<(Vec<u8>, Option<usize>)>,
    /// Where the value of each slot stands in the text scanned last.
    spans: Vec<Option<(usize, usize)>>,
}

impl Object {
    fn new<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<Self> {
        let slots = fields.map(slot).collect::<Result<Vec<_>>>()?;
        let key = |(index, slot): (usize, &Slot)| (slot.name().to_owned(), index);
        let by_key = slots.iter().enumerate().map(key).collect();
        let spans = vec![None; slots.len()];
        Ok(Self { slots, by_key, predicted: Vec::new(), spans })
    }

    /// Finds the values of an object's members; `text` is the object and nothing else.
    fn scan(&mut self, text: &str) -> Result<(), Syntax> {
        self.spans.fill(None);
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        cursor.expect(b'{', "expected `{`: a record is an object")?;
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            cursor.advance(1);
            return cursor.end();
        }
        for index in 0.. {
            let slot = self.key(&mut cursor, index)?;
            cursor.colon()?;
            let start = cursor.at();
            cursor.value(1)?;
            if let Some(slot) = slot {
                self.spans[slot] = Some((start, cursor.at()));
            }
            if !cursor.another(b'}', "expected `,` or `}`")? {
                break;
            }
        }
        cursor.end()
    }

    /// Passes over the key of member `index` and returns its slot.
    fn key(&mut self, cursor: &mut Cursor<'_>, index: usize) -> Result<Option<usize>, Syntax> {
        if let Some((key, slot)) = self.predicted.get(index)
            && cursor.rest().starts_with(key)
        {
            cursor.advance(key.len());
            return Ok(*slot);
        }
        let raw = cursor.string()?;
        let slot = self.by_key.get(unescaped(raw).as_ref()).copied();
        let key = format!("\"{raw}\"").into_bytes();
        if index < self.predicted.len() {
            self.predicted[index] = (key, slot);
        } else if index == self.predicted.len() && index < PREDICTED_MAX {
            self.predicted.push((key, slot));
        }
        Ok(slot)
    }

    /// Reads the values found by [`Object::scan`]; every slot takes one, also after a fault.
    fn append(&mut self, text: &str) -> Result<(), Fault> {
        let mut first = Ok(());
        for (slot, span) in self.slots.iter_mut().zip(&self.spans) {
            let result = match span {
                Some((start, end)) => append_value(slot, &text[*start..*end]),
                None => slot.append(None),
            };
            first = first.and(result);
        }
        first
    }
}

/// Appends a value, given as its valid JSON text.
fn append_value(slot: &mut Slot, text: &str) -> Result<(), Fault> {
    match text.as_bytes()[0] {
        b'"' => slot.append(Some(Input::Text(&unescaped(&text[1..text.len() - 1])))),
        b'n' => slot.append(None),
        b't' => slot.append(Some(Input::Bool(true))),
        b'f' => slot.append(Some(Input::Bool(false))),
        b'{' | b'[' => slot.append(Some(Input::Nested(text))),
        _ => slot.append(Some(Input::Number(text))),
    }
}

fn slot(field: &Field) -> Result<Slot> {
    Ok(Slot::new(field, column_of(field)?))
}

fn column_of(field: &Field) -> Result<Box<dyn ReadColumn>> {
    match field.data_type() {
        DataType::Struct(fields) => Ok(Box::new(Rows {
            fields: fields.iter().map(relaxed).collect(),
            object: Object::new(fields.iter().map(FieldRef::as_ref))?,
            valid: NullBufferBuilder::new(0),
        })),
        DataType::List(element) => Ok(Box::new(Lists {
            slot: slot(&element.as_ref().clone().with_name(""))?,
            element: relaxed(element),
            offsets: vec![0],
            valid: NullBufferBuilder::new(0),
        })),
        other => column::scalar(other).ok_or_else(|| {
            EngineError::Unsupported(format!(
                "column `{}`: the format json cannot carry {}",
                field.name(),
                sql_name(other)
            ))
        }),
    }
}

/// A field inside a nested type, nullable: rows still to be dropped may lack it.
fn relaxed(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(relaxed).collect()),
        DataType::List(element) => DataType::List(relaxed(element)),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, true))
}

/// `ROW(...)`, from objects.
struct Rows {
    fields: Fields,
    object: Object,
    valid: NullBufferBuilder,
}

impl ReadColumn for Rows {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let Input::Nested(text) = input else {
            self.append_null();
            return Err(mismatch(input, "ROW"));
        };
        if self.object.scan(text).is_err() {
            self.append_null();
            return Err(mismatch(input, "ROW"));
        }
        self.valid.append_non_null();
        self.object.append(text)
    }

    fn append_null(&mut self) {
        self.object.slots.iter_mut().for_each(Slot::pad);
        self.valid.append_null();
    }

    fn len(&self) -> usize {
        self.valid.len()
    }

    fn finish(&mut self) -> ArrayRef {
        let length = self.valid.len();
        let columns = self.object.slots.iter_mut().map(Slot::finish).collect();
        let nulls = self.valid.finish();
        let fields = self.fields.clone();
        Arc::new(match fields.is_empty() {
            true => StructArray::new_empty_fields(length, nulls),
            false => StructArray::try_new(fields, columns, nulls)
                .expect("V1 keeps the fields of a row at one length"),
        })
    }
}

/// `ARRAY<...>`, from arrays.
struct Lists {
    slot: Slot,
    element: FieldRef,
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

impl Lists {
    /// Appends the elements of an array up to the first bad one.
    fn elements(&mut self, text: &str) -> Result<(), Fault> {
        let mut cursor = Cursor::new(text);
        cursor.advance(1);
        cursor.skip_space();
        if cursor.peek() == Some(b']') {
            return Ok(());
        }
        for index in 0.. {
            let value = cursor.value(1).map_err(|error| Fault::new(error.what))?;
            append_value(&mut self.slot, value)
                .map_err(|fault| fault.within(&format!("[{index}]")))?;
            if !cursor.another(b']', "expected `]`").map_err(|error| Fault::new(error.what))? {
                break;
            }
        }
        Ok(())
    }
}

impl ReadColumn for Lists {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let text = match input {
            Input::Nested(text) if text.starts_with('[') => text,
            _ => {
                self.append_null();
                return Err(mismatch(input, "ARRAY"));
            }
        };
        let result = self.elements(text);
        self.valid.append_non_null();
        self.offsets.push(offset(self.slot.len()));
        result
    }

    fn append_null(&mut self) {
        self.valid.append_null();
        self.offsets.push(offset(self.slot.len()));
    }

    fn len(&self) -> usize {
        self.valid.len()
    }

    fn finish(&mut self) -> ArrayRef {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let values = self.slot.finish();
        let element = Arc::clone(&self.element);
        let offsets = OffsetBuffer::new(offsets.into());
        Arc::new(
            ListArray::try_new(element, offsets, values, self.valid.finish())
                .expect("offsets are lengths of the elements"),
        )
    }
}

/// A record is at most 64 MiB and an element at least one byte, so 32 bits hold a chunk's elements.
fn offset(length: usize) -> i32 {
    i32::try_from(length).expect("a chunk has fewer than 2^31 elements")
}

fn mismatch(input: Input<'_>, kind: &str) -> Fault {
    let data_type = match kind {
        "ROW" => DataType::Struct(Fields::empty()),
        _ => DataType::List(Arc::new(Field::new_list_field(DataType::Null, true))),
    };
    column::mismatch(&input, &data_type, "")
}

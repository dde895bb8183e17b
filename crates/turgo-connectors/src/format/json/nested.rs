//! Columns of nested types, read from JSON: `ROW`, `ARRAY` and `MAP`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, NullBufferBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use turgo_engine::types::sql_type;
use turgo_engine::{EngineError, Result};

use super::read::{Object, append_value, slot};
use super::scan::{Cursor, Syntax, text, unescaped};
use super::separators;
use crate::format::bytes::TextEnds;
use crate::format::column::{self, Column, Fault, Input, ReadColumn, Slot};

/// A column of any type that JSON carries.
///
/// # Errors
/// `Unsupported` for the other types.
pub(super) fn column_of(field: &Field) -> Result<Column> {
    let unsupported = || {
        EngineError::Unsupported(format!(
            "column `{}`: the format json cannot carry {}",
            field.name(),
            sql_type(field.data_type())
        ))
    };
    Ok(match field.data_type() {
        DataType::Struct(fields) => Column::Other(Box::new(Rows {
            fields: fields.clone(),
            object: Object::new(fields.iter().map(FieldRef::as_ref))?,
            valid: NullBufferBuilder::new(0),
        })),
        DataType::List(element) => Column::Other(Box::new(Lists {
            slot: slot(&element.as_ref().clone().with_name(""))?,
            element: Arc::clone(element),
            parts: Parts::new(),
        })),
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else { return Err(unsupported()) };
            let [key, value] = fields.as_ref() else { return Err(unsupported()) };
            let (Column::Text(_), key) = (column_of(key)?, slot(key)?) else {
                return Err(unsupported());
            };
            Column::Other(Box::new(Maps {
                key,
                value: slot(&value.as_ref().clone().with_name(""))?,
                entries: Arc::clone(entries),
                fields: fields.clone(),
                parts: Parts::new(),
            }))
        }
        other => column::scalar(other).ok_or_else(unsupported)?,
    })
}

/// `ROW(...)`, from objects.
struct Rows {
    fields: Fields,
    object: Object,
    valid: NullBufferBuilder,
}

impl Rows {
    fn read(&mut self, text: &str) -> Result<(), Fault> {
        let row = self.valid.len();
        if self.object.read::<true>(text.as_bytes(), &TextEnds::none(), 0, row).is_some() {
            return Ok(());
        }
        self.object.slots.iter_mut().for_each(|slot| slot.truncate(row));
        self.object.scan(text).map_err(fault)?;
        self.object.append(text)
    }
}

impl ReadColumn for Rows {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match input {
            Input::Nested(text) if text.starts_with('{') => {
                let result = self.read(text);
                self.valid.append_non_null();
                result
            }
            _ => {
                self.append_null();
                Err(mismatch(input, DataType::Struct(Fields::empty())))
            }
        }
    }

    fn append_null(&mut self) {
        self.object.slots.iter_mut().for_each(Slot::pad);
        self.valid.append_null();
    }

    fn len(&self) -> usize {
        self.valid.len()
    }

    fn truncate(&mut self, length: usize) {
        self.object.slots.iter_mut().for_each(|slot| slot.truncate(length));
        self.valid.truncate(length);
    }

    fn finish(&mut self) -> ArrayRef {
        let length = self.valid.len();
        let columns = self.object.slots.iter_mut().map(Slot::finish).collect();
        let nulls = self.valid.finish();
        let fields = self.fields.clone();
        Arc::new(match fields.is_empty() {
            true => StructArray::new_empty_fields(length, nulls),
            false => StructArray::try_new(fields, columns, nulls)
                .expect("V1 keeps the fields of a row at one length, and NULL only where allowed"),
        })
    }
}

/// Where the parts of each value start in what lies below, and which values are NULL.
struct Parts {
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

impl Parts {
    fn new() -> Self {
        Self { offsets: vec![0], valid: NullBufferBuilder::new(0) }
    }

    /// A value whose parts end where `below` values have been appended.
    fn push(&mut self, below: usize, valid: bool) {
        // A part takes at least one byte of a record, which has at most 64 MiB.
        let end = i32::try_from(below).expect("a chunk has fewer than 2^31 elements");
        self.offsets.push(end);
        self.valid.append(valid);
    }

    fn len(&self) -> usize {
        self.valid.len()
    }

    /// Keeps the first `length` values and returns how many parts they have.
    fn truncate(&mut self, length: usize) -> usize {
        self.offsets.truncate(length + 1);
        self.valid.truncate(length);
        self.offsets[self.offsets.len() - 1] as usize
    }

    fn finish(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into())
    }
}

/// `ARRAY<...>`, from arrays.
struct Lists {
    slot: Slot,
    element: FieldRef,
    parts: Parts,
}

impl Lists {
    /// Appends the elements of an array up to the first bad one.
    fn elements(&mut self, array: &str) -> Result<(), Fault> {
        let mut cursor = Cursor::new(array.as_bytes(), 0);
        cursor.advance(1);
        cursor.skip_space();
        if cursor.peek() == Some(b']') {
            return Ok(());
        }
        for index in 0.. {
            let value = cursor.value(1).map_err(fault)?;
            append_value(&mut self.slot, text(value))
                .map_err(|fault| fault.within(&format!("[{index}]")))?;
            if !cursor.another(b']', "expected `]`").map_err(fault)? {
                break;
            }
        }
        Ok(())
    }
}

impl ReadColumn for Lists {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match input {
            Input::Nested(array) if array.starts_with('[') => {
                let result = self.elements(array);
                self.parts.push(self.slot.len(), true);
                result
            }
            _ => {
                self.append_null();
                let element = Field::new_list_field(DataType::Null, true);
                Err(mismatch(input, DataType::List(Arc::new(element))))
            }
        }
    }

    fn append_null(&mut self) {
        self.parts.push(self.slot.len(), false);
    }

    fn len(&self) -> usize {
        self.parts.len()
    }

    fn truncate(&mut self, length: usize) {
        self.slot.truncate(self.parts.truncate(length));
    }

    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = (self.parts.finish(), self.parts.valid.finish());
        let element = Arc::clone(&self.element);
        Arc::new(
            ListArray::try_new(element, offsets, self.slot.finish(), nulls)
                .expect("offsets are lengths of the elements"),
        )
    }
}

/// `MAP<VARCHAR, ...>`, from objects: the members in order, of a repeated key the last one.
struct Maps {
    key: Slot,
    value: Slot,
    entries: FieldRef,
    fields: Fields,
    parts: Parts,
}

impl Maps {
    /// Appends the members of an object up to the first bad one.
    fn members(&mut self, object: &str) -> Result<(), Fault> {
        let mut cursor = Cursor::new(object.as_bytes(), 0);
        let mut members: Vec<(Cow<'_, str>, &str)> = Vec::new();
        let mut first = true;
        while let Some(key) = separators::scan(&mut cursor, first).map_err(fault)? {
            members.push((unescaped(key), text(cursor.value(1).map_err(fault)?)));
            first = false;
        }
        let last = last_by_key(&members);
        for (key, value) in members.iter().zip(last).filter_map(|(member, is)| is.then_some(member))
        {
            append_value(&mut self.value, value)
                .and_then(|()| self.key.append(Some(Input::Text(key))))
                .map_err(|fault| fault.within(&format!("[{key:?}]")))?;
        }
        Ok(())
    }
}

/// For each member, whether no later one has its key.
fn last_by_key(members: &[(Cow<'_, str>, &str)]) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(members.len());
    let mut last: Vec<bool> = members.iter().rev().map(|(key, _)| seen.insert(key)).collect();
    last.reverse();
    last
}

impl ReadColumn for Maps {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match input {
            Input::Nested(object) if object.starts_with('{') => {
                let result = self.members(object);
                self.parts.push(self.key.len(), true);
                result
            }
            _ => {
                self.append_null();
                Err(mismatch(input, DataType::Map(Arc::clone(&self.entries), false)))
            }
        }
    }

    fn append_null(&mut self) {
        self.parts.push(self.key.len(), false);
    }

    fn len(&self) -> usize {
        self.parts.len()
    }

    fn truncate(&mut self, length: usize) {
        let entries = self.parts.truncate(length);
        self.key.truncate(entries);
        self.value.truncate(entries);
    }

    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = (self.parts.finish(), self.parts.valid.finish());
        let columns = vec![self.key.finish(), self.value.finish()];
        let entries = StructArray::try_new(self.fields.clone(), columns, None)
            .expect("keys and values are appended in pairs");
        Arc::new(
            MapArray::try_new(Arc::clone(&self.entries), offsets, entries, nulls, false)
                .expect("offsets are lengths of the entries"),
        )
    }
}

fn fault(error: Syntax) -> Fault {
    Fault::new(error.what)
}

fn mismatch(input: Input<'_>, data_type: DataType) -> Fault {
    column::mismatch(&input, &data_type, "")
}

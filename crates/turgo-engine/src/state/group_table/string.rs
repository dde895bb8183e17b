//! Keys of one column of strings, whatever the width of its offsets.
//!
//! All keys lie end to end in one buffer; the hash table holds each key's hash beside its id, so
//! that a lookup reads a key's bytes only where the hashes agree, and growing rehashes nothing.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, LargeStringArray, OffsetSizeTrait, StringArray, StringViewArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::KeyStore;
use super::integer::nulls_but_one;
use crate::error::{EngineError, Result};
use crate::state::numbering::{hash_one, next_number};

#[derive(Debug)]
pub(super) struct StringKeys {
    field: FieldRef,
    table: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
    /// The bytes of all keys, in order of id.
    bytes: Vec<u8>,
    /// Where each key starts in `bytes`, and where the last one ends; never falls.
    offsets: Vec<usize>,
    null: Option<u32>,
}

impl StringKeys {
    pub(super) fn new(field: &FieldRef) -> Self {
        Self {
            field: FieldRef::clone(field),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: Vec::new(),
            offsets: vec![0],
            null: None,
        }
    }

    fn intern_all<'a>(
        &mut self,
        column: impl Iterator<Item = Option<&'a str>>,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        for key in column {
            groups.push(match key {
                Some(key) => self.id(key.as_bytes())?,
                None => self.null_id()?,
            });
        }
        Ok(())
    }

    #[inline]
    fn id(&mut self, key: &[u8]) -> Result<u32> {
        let hash = hash_one(&self.hasher, key);
        let (bytes, offsets) = (&self.bytes, &self.offsets);
        let same = |&(other, id): &(u64, u32)| {
            other == hash && &bytes[offsets[id as usize]..offsets[id as usize + 1]] == key
        };
        if let Some(&(_, id)) = self.table.find(hash, same) {
            return Ok(id);
        }
        let id = next_number(self.len())?;
        self.table.insert_unique(hash, (hash, id), |&(hash, _)| hash);
        self.bytes.extend_from_slice(key);
        self.offsets.push(self.bytes.len());
        Ok(id)
    }

    /// NULL takes an empty place in the buffer.
    fn null_id(&mut self) -> Result<u32> {
        if let Some(id) = self.null {
            return Ok(id);
        }
        let id = next_number(self.len())?;
        self.offsets.push(self.bytes.len());
        self.null = Some(id);
        Ok(id)
    }

    fn key(&self, id: usize) -> &[u8] {
        &self.bytes[self.offsets[id]..self.offsets[id + 1]]
    }
}

impl KeyStore for StringKeys {
    fn intern(&mut self, keys: &[ArrayRef], groups: &mut Vec<u32>) -> Result<()> {
        match self.field.data_type() {
            DataType::LargeUtf8 => self.intern_all(keys[0].as_string::<i64>().iter(), groups),
            DataType::Utf8View => self.intern_all(keys[0].as_string_view().iter(), groups),
            _ => self.intern_all(keys[0].as_string::<i32>().iter(), groups),
        }
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn keys(&self) -> Result<Vec<ArrayRef>> {
        let nulls = self.null.map(|null| nulls_but_one(self.len(), null));
        Ok(vec![match self.field.data_type() {
            DataType::Utf8View => {
                let valid = |id: &usize| self.null.is_none_or(|null| *id != null as usize);
                let text = |id| std::str::from_utf8(self.key(id)).expect("keys came from strings");
                let keys = (0..self.len()).map(|id| Some(id).filter(valid).map(text));
                Arc::new(keys.collect::<StringViewArray>())
            }
            DataType::LargeUtf8 => {
                let offsets = offsets(&self.offsets, &self.field)?;
                Arc::new(LargeStringArray::try_new(offsets, self.bytes.clone().into(), nulls)?)
            }
            _ => {
                let offsets = offsets(&self.offsets, &self.field)?;
                Arc::new(StringArray::try_new(offsets, self.bytes.clone().into(), nulls)?)
            }
        }])
    }

    fn clear(&mut self) -> bool {
        self.table.clear();
        self.bytes.clear();
        self.offsets.truncate(1);
        self.null = None;
        true
    }

    fn bytes(&self) -> usize {
        self.table.allocation_size()
            + self.bytes.capacity()
            + self.offsets.capacity() * size_of::<usize>()
    }
}

/// Offsets in the width of a column type.
fn offsets<O: OffsetSizeTrait>(offsets: &[usize], field: &FieldRef) -> Result<OffsetBuffer<O>> {
    // They never fall, so if the last one fits, all do.
    let last = offsets[offsets.len() - 1];
    O::from_usize(last).ok_or_else(|| too_many_bytes(field))?;
    let narrow: Vec<O> = offsets.iter().map(|&offset| O::usize_as(offset)).collect();
    Ok(OffsetBuffer::new(ScalarBuffer::from(narrow)))
}

/// The error for keys of which one column cannot hold the bytes.
#[cold]
pub(super) fn too_many_bytes(field: &FieldRef) -> EngineError {
    EngineError::data(format!(
        "the distinct values of key \"{}\" have more bytes than one {} column holds; shorten the \
         key, or group by windows",
        field.name(),
        field.data_type()
    ))
}

//! Keys of one column of integers, dates, times, timestamps or durations.
//!
//! The hash table holds the keys themselves beside their ids, so that a lookup touches one cache
//! line and never the column of keys.

use std::fmt::Debug;
use std::hash::{BuildHasher, Hash};
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::{KeyStore, next_id};
use crate::error::Result;

pub(super) struct IntegerKeys<T: ArrowPrimitiveType> {
    data_type: DataType,
    table: HashTable<(T::Native, u32)>,
    hasher: DefaultHashBuilder,
    /// Keys by id; a default value where the key is NULL.
    keys: Vec<T::Native>,
    null: Option<u32>,
}

impl<T: ArrowPrimitiveType> IntegerKeys<T> {
    pub(super) fn new(data_type: DataType) -> Self {
        Self {
            data_type,
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            keys: Vec::new(),
            null: None,
        }
    }
}

impl<T: ArrowPrimitiveType<Native: Eq + Hash>> IntegerKeys<T> {
    #[inline]
    fn id(&mut self, key: T::Native) -> Result<u32> {
        let hash = self.hasher.hash_one(key);
        let same = |&(other, _): &(T::Native, u32)| other == key;
        match self.table.entry(hash, same, |&(key, _)| self.hasher.hash_one(key)) {
            Entry::Occupied(entry) => Ok(entry.get().1),
            Entry::Vacant(entry) => {
                let id = next_id(self.keys.len())?;
                entry.insert((key, id));
                self.keys.push(key);
                Ok(id)
            }
        }
    }

    fn null_id(&mut self) -> Result<u32> {
        if let Some(id) = self.null {
            return Ok(id);
        }
        let id = next_id(self.keys.len())?;
        self.keys.push(T::Native::default());
        self.null = Some(id);
        Ok(id)
    }
}

impl<T: ArrowPrimitiveType> Debug for IntegerKeys<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IntegerKeys").field("len", &self.keys.len()).finish()
    }
}

impl<T: ArrowPrimitiveType<Native: Eq + Hash>> KeyStore for IntegerKeys<T> {
    fn intern(&mut self, keys: &[ArrayRef], groups: &mut Vec<u32>) -> Result<()> {
        let column = keys[0].as_primitive::<T>();
        match column.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                for &key in column.values() {
                    groups.push(self.id(key)?);
                }
            }
            Some(nulls) => {
                for (&key, valid) in column.values().iter().zip(nulls) {
                    groups.push(if valid { self.id(key)? } else { self.null_id()? });
                }
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn keys(&self) -> Result<Vec<ArrayRef>> {
        let nulls = self.null.map(|null| nulls_but_one(self.keys.len(), null));
        let column = PrimitiveArray::<T>::new(self.keys.clone().into(), nulls);
        Ok(vec![Arc::new(column.with_data_type(self.data_type.clone()))])
    }

    fn bytes(&self) -> usize {
        self.table.allocation_size() + self.keys.capacity() * size_of::<T::Native>()
    }
}

/// All of `len` rows valid, but for `null`.
pub(super) fn nulls_but_one(len: usize, null: u32) -> NullBuffer {
    (0..len).map(|row| row != null as usize).collect()
}

//! Keys of one column of integers, dates, times, timestamps, durations or decimals.
//!
//! Keys that lie near each other are found by their place, all others by their hash. A key that was too
//! far away when it came gets its place when the range has reached it and it is looked up again.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowNativeType, ArrowPrimitiveType, DataType};

use super::KeyStore;
use super::near::Near;
use crate::error::Result;
use crate::state::numbering::Numbering;

#[derive(Debug)]
pub(super) struct IntegerKeys<T: ArrowPrimitiveType> {
    data_type: DataType,
    near: Near,
    /// All keys; found are those that are not near.
    keys: Numbering<T::Native>,
    /// The group of NULL, listed under a default value.
    null: Option<u32>,
}

impl<T: ArrowPrimitiveType<Native: Eq + Hash>> IntegerKeys<T> {
    pub(super) fn new(data_type: DataType) -> Self {
        Self { data_type, near: Near::default(), keys: Numbering::new(), null: None }
    }

    #[inline(always)]
    fn id(&mut self, key: T::Native) -> Result<u32> {
        match key.to_i64() {
            Some(value) => match self.near.get(value) {
                Some(id) => Ok(id),
                None => self.far_id(key, value),
            },
            None => self.keys.number(key),
        }
    }

    /// The id of a key that is new, or has no place yet: not a part of the loop over the others.
    #[inline(never)]
    fn far_id(&mut self, key: T::Native, value: i64) -> Result<u32> {
        if !self.near.reach(value, self.keys.len()) {
            return self.keys.number(key);
        }
        let id = match self.keys.find(key) {
            Some(id) => id,
            None => self.keys.list(key)?,
        };
        self.near.note(value, id);
        Ok(id)
    }

    fn null_id(&mut self) -> Result<u32> {
        if let Some(id) = self.null {
            return Ok(id);
        }
        let id = self.keys.list(T::Native::default())?;
        self.null = Some(id);
        Ok(id)
    }
}

impl<T: ArrowPrimitiveType<Native: Eq + Hash> + Debug> KeyStore for IntegerKeys<T> {
    fn intern(&mut self, keys: &[ArrayRef], groups: &mut Vec<u32>) -> Result<()> {
        let column = keys[0].as_primitive::<T>();
        let first = groups.len();
        groups.resize(first + column.len(), 0);
        let groups = groups[first..].iter_mut();
        match column.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                for (group, &key) in groups.zip(column.values()) {
                    *group = self.id(key)?;
                }
            }
            Some(nulls) => {
                for ((group, &key), valid) in groups.zip(column.values()).zip(nulls) {
                    *group = if valid { self.id(key)? } else { self.null_id()? };
                }
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn keys(&self) -> Result<Vec<ArrayRef>> {
        let nulls = self.null.map(|null| nulls_but_one(self.len(), null));
        let column = PrimitiveArray::<T>::new(self.keys.keys().to_vec().into(), nulls);
        Ok(vec![Arc::new(column.with_data_type(self.data_type.clone()))])
    }

    fn clear(&mut self) -> bool {
        self.near.clear();
        self.keys.clear();
        self.null = None;
        true
    }

    fn bytes(&self) -> usize {
        self.keys.bytes() + self.near.bytes()
    }
}

/// All of `len` rows valid, but for `null`.
pub(super) fn nulls_but_one(len: usize, null: u32) -> NullBuffer {
    (0..len).map(|row| row != null as usize).collect()
}

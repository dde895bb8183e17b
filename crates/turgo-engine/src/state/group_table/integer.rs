//! Keys of one column of integers, dates, times, timestamps, durations or decimals.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType};

use super::KeyStore;
use crate::error::Result;
use crate::state::numbering::Numbering;

#[derive(Debug)]
pub(super) struct IntegerKeys<T: ArrowPrimitiveType> {
    data_type: DataType,
    keys: Numbering<T::Native>,
    /// The group of NULL, listed under a default value.
    null: Option<u32>,
}

impl<T: ArrowPrimitiveType<Native: Eq + Hash>> IntegerKeys<T> {
    pub(super) fn new(data_type: DataType) -> Self {
        Self { data_type, keys: Numbering::new(), null: None }
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
        match column.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                for &key in column.values() {
                    groups.push(self.keys.number(key)?);
                }
            }
            Some(nulls) => {
                for (&key, valid) in column.values().iter().zip(nulls) {
                    groups.push(if valid { self.keys.number(key)? } else { self.null_id()? });
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

    fn bytes(&self) -> usize {
        self.keys.bytes()
    }
}

/// All of `len` rows valid, but for `null`.
pub(super) fn nulls_but_one(len: usize, null: u32) -> NullBuffer {
    (0..len).map(|row| row != null as usize).collect()
}

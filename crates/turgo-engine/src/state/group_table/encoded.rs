//! Keys of any other type or number of columns, as arrow's row encoding: equal keys are equal bytes.

use std::hash::BuildHasher;
use std::mem::size_of;

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;
use arrow::row::{RowConverter, Rows, SortField};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::KeyStore;
use crate::error::{EngineError, Result};
use crate::state::numbering::next_number;

#[derive(Debug)]
pub(super) struct EncodedKeys {
    converter: RowConverter,
    /// Hash and id of each key.
    table: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
    /// The keys in order of id.
    keys: Rows,
    /// The rows of one batch; kept for its allocation.
    batch: Rows,
}

impl EncodedKeys {
    pub(super) fn new(fields: &[FieldRef]) -> Result<Self> {
        let sort_field = |field: &FieldRef| {
            let sort_field = SortField::new(field.data_type().clone());
            if RowConverter::supports_fields(std::slice::from_ref(&sort_field)) {
                Ok(sort_field)
            } else {
                Err(EngineError::Unsupported(format!(
                    "column \"{}\" of type {} cannot be a key",
                    field.name(),
                    crate::types::sql_type(field.data_type())
                )))
            }
        };
        let converter = RowConverter::new(fields.iter().map(sort_field).collect::<Result<_>>()?)?;
        Ok(Self {
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            keys: converter.empty_rows(0, 0),
            batch: converter.empty_rows(0, 0),
            converter,
        })
    }
}

impl KeyStore for EncodedKeys {
    fn intern(&mut self, keys: &[ArrayRef], groups: &mut Vec<u32>) -> Result<()> {
        self.batch.clear();
        self.converter.append(&mut self.batch, keys)?;
        for key in &self.batch {
            let hash = self.hasher.hash_one(key.as_ref());
            let same =
                |&(other, id): &(u64, u32)| other == hash && self.keys.row(id as usize) == key;
            groups.push(match self.table.entry(hash, same, |&(hash, _)| hash) {
                Entry::Occupied(entry) => entry.get().1,
                Entry::Vacant(entry) => {
                    let id = next_number(self.keys.num_rows())?;
                    entry.insert((hash, id));
                    self.keys.push(key);
                    id
                }
            });
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.keys.num_rows()
    }

    fn keys(&self) -> Result<Vec<ArrayRef>> {
        Ok(self.converter.convert_rows(&self.keys)?)
    }

    fn bytes(&self) -> usize {
        self.table.allocation_size()
            + self.keys.size()
            + self.batch.size()
            + self.converter.size()
            + size_of::<Self>()
    }
}

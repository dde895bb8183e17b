//! The table of groups: which keys have been seen, and the dense id each was given.
//!
//! - G1. Ids are 0, 1, 2 ... in order of first appearance, so whatever is kept per group is a flat
//!   column. They do not depend on hashes.
//! - G2. NULL is a key value, equal to itself. -0.0 equals 0.0 and reads back as 0.0. NaNs are equal
//!   when their bits are, as in DataFusion's GROUP BY.
//! - G3. Keys read back in the types they came in.
//!
//! Hashes are seeded per table at random: input cannot be made to collide, and the bits that chose
//! the [key group](super::key_group) say nothing about buckets.

mod encoded;
mod integer;
mod near;
mod string;
mod tuple;

use std::fmt::{self, Debug};

use arrow::array::{ArrayRef, downcast_integer, downcast_temporal};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, FieldRef};
use datafusion_common::utils::normalize_float_zero;

use crate::error::{EngineError, Result};

use encoded::EncodedKeys;
use integer::IntegerKeys;
use string::StringKeys;
use tuple::TupleKeys;

/// Dense ids for the distinct rows of key columns.
pub struct GroupTable {
    fields: Vec<FieldRef>,
    keys: Keys,
}

/// Where the keys are.
enum Keys {
    /// No key columns: one group, once there is a row.
    Unit { seen: bool },
    /// A representation that fits their types.
    Stored(Box<dyn KeyStore>),
}

/// One representation of keys, for key columns of certain types.
///
/// The columns of every call have the types it was made for, and equal lengths.
trait KeyStore: Debug + Send {
    /// Appends each row's id to `groups`.
    fn intern(&mut self, keys: &[ArrayRef], groups: &mut Vec<u32>) -> Result<()>;
    /// How many groups there are.
    fn len(&self) -> usize;
    /// The key columns of all groups, in order of id; dictionaries may be unpacked.
    fn keys(&self) -> Result<Vec<ArrayRef>>;
    /// Forgets all keys and keeps the memory. Says whether it can.
    fn clear(&mut self) -> bool {
        false
    }
    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize;
}

impl GroupTable {
    /// A table without groups, for key columns of these types.
    ///
    /// # Errors
    /// `Unsupported` for key types that cannot be compared.
    pub fn new(key_fields: &[FieldRef]) -> Result<Self> {
        let keys = match key_fields {
            [] => Keys::Unit { seen: false },
            [field] => Keys::Stored(single(field)?),
            fields => Keys::Stored(match TupleKeys::new(fields) {
                Some(keys) => Box::new(keys),
                None => Box::new(EncodedKeys::new(fields)?),
            }),
        };
        Ok(Self { fields: key_fields.to_vec(), keys })
    }

    /// The group of each of `rows` rows, into `groups`, replacing what it holds; keys not seen
    /// before found new groups.
    ///
    /// # Errors
    /// `Data` when there are more than [`u32::MAX`] groups.
    pub fn intern(&mut self, keys: &[ArrayRef], rows: usize, groups: &mut Vec<u32>) -> Result<()> {
        self.check(keys, rows)?;
        groups.clear();
        groups.reserve(rows);
        match &mut self.keys {
            Keys::Unit { seen } => {
                *seen |= rows > 0;
                groups.resize(rows, 0);
                Ok(())
            }
            Keys::Stored(store) => {
                let keys: Vec<ArrayRef> = keys.iter().map(normalize_float_zero).collect();
                store.intern(&keys, groups)
            }
        }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        match &self.keys {
            Keys::Unit { seen } => usize::from(*seen),
            Keys::Stored(store) => store.len(),
        }
    }

    /// There are no groups yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key columns of all groups, in order of id.
    ///
    /// # Errors
    /// `Data` when the keys do not fit into columns of their types: more than 2 GiB of strings, or
    /// more distinct values than a dictionary can number.
    pub fn keys(&self) -> Result<Vec<ArrayRef>> {
        let Keys::Stored(store) = &self.keys else { return Ok(Vec::new()) };
        let columns = store.keys()?.into_iter().zip(&self.fields);
        columns
            .map(|(column, field)| {
                if column.data_type() == field.data_type() {
                    Ok(column)
                } else {
                    Ok(cast(&column, field.data_type())?)
                }
            })
            .collect()
    }

    /// Forgets all groups and keeps the memory. Says whether it can; where it cannot, another takes its place.
    pub fn clear(&mut self) -> bool {
        match &mut self.keys {
            Keys::Unit { seen } => {
                *seen = false;
                true
            }
            Keys::Stored(store) => store.clear(),
        }
    }

    /// Memory held, in bytes, roughly.
    pub fn bytes(&self) -> usize {
        match &self.keys {
            Keys::Unit { .. } => 0,
            Keys::Stored(store) => store.bytes(),
        }
    }

    fn check(&self, keys: &[ArrayRef], rows: usize) -> Result<()> {
        let types = || keys.iter().map(|key| key.data_type());
        if !types().eq(self.fields.iter().map(|field| field.data_type())) {
            let (types, fields) = (types().collect::<Vec<_>>(), &self.fields);
            return Err(EngineError::internal(format!("keys {types:?} in a table of {fields:?}")));
        }
        match keys.iter().find(|key| key.len() != rows) {
            Some(key) => Err(EngineError::internal(format!("{} keys for {rows} rows", key.len()))),
            None => Ok(()),
        }
    }
}

impl Debug for GroupTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<&DataType> = self.fields.iter().map(|field| field.data_type()).collect();
        f.debug_struct("GroupTable").field("keys", &types).field("len", &self.len()).finish()
    }
}

/// The representation for a single key column.
fn single(field: &FieldRef) -> Result<Box<dyn KeyStore>> {
    macro_rules! integer {
        ($t:ty) => {
            Box::new(IntegerKeys::<$t>::new(field.data_type().clone()))
        };
    }
    Ok(downcast_integer! {
        field.data_type() => (integer),
        data_type if data_type.is_temporal() => downcast_temporal! {
            data_type => (integer),
            _ => Box::new(EncodedKeys::new(std::slice::from_ref(field))?),
        },
        DataType::Decimal128(..) => integer!(Decimal128Type),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Box::new(StringKeys::new(field)),
        _ => Box::new(EncodedKeys::new(std::slice::from_ref(field))?),
    })
}

//! Keys of several columns of strings, integers, dates, times, timestamps, durations or decimals.
//!
//! Every column of the keys is kept as a column, so that keys read back by copying buffers. A row is
//! looked up by the hashes of its columns mixed into one, then by comparing them, the first one
//! first; the hash table holds each key's hash beside its id, and growing rehashes nothing.

use std::fmt::Debug;
use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray,
    downcast_integer, downcast_temporal,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    FieldRef,
};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::KeyStore;
use super::string::too_many_bytes;
use crate::error::Result;
use crate::state::numbering::{hash_one, next_number};

/// Rows of a first batch for which room is made at once.
const RESERVED_MAX: usize = 1 << 10;

/// Mixes the hash of another column into that of the columns before: odd, and half of its bits set.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Debug)]
pub(super) struct TupleKeys {
    parts: Vec<Box<dyn Part>>,
    /// Hash and id of each key.
    table: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
    /// Hashes of the rows at hand.
    hashes: Vec<u64>,
    len: usize,
}

/// One column of the keys, by id, and the column of the rows at hand.
trait Part: Debug + Send {
    /// Takes the column of the rows at hand, and mixes its hashes into `hashes`. A part without keys makes
    /// room for all of them, within reason.
    fn begin(&mut self, column: &ArrayRef, hasher: &DefaultHashBuilder, hashes: &mut [u64]);
    /// Whether key `id` has the value of row `row`.
    fn same(&self, id: u32, row: usize) -> bool;
    /// Appends the value of row `row` as that of the next id.
    ///
    /// # Errors
    /// `Data` where one column cannot hold so many bytes.
    fn push(&mut self, row: usize) -> Result<()>;
    /// Lets go of the rows at hand.
    fn end(&mut self);
    /// Forgets all keys and keeps the memory.
    fn clear(&mut self);
    /// The values of all keys.
    ///
    /// # Errors
    /// `Internal`, for a mistake in here.
    fn column(&self) -> Result<ArrayRef>;
    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize;
}

impl TupleKeys {
    /// `None` where one of the columns is of another type.
    pub(super) fn new(fields: &[FieldRef]) -> Option<Self> {
        Some(Self {
            parts: fields.iter().map(part).collect::<Option<_>>()?,
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            hashes: Vec::new(),
            len: 0,
        })
    }

    fn intern_rows(&mut self, rows: usize, groups: &mut Vec<u32>) -> Result<()> {
        for row in 0..rows {
            let hash = self.hashes[row];
            let parts = &self.parts;
            let same = |&(other, id): &(u64, u32)| {
                other == hash && parts.iter().all(|part| part.same(id, row))
            };
            if let Some(&(_, id)) = self.table.find(hash, same) {
                groups.push(id);
                continue;
            }
            let id = next_number(self.len)?;
            self.parts.iter_mut().try_for_each(|part| part.push(row))?;
            self.table.insert_unique(hash, (hash, id), |&(hash, _)| hash);
            self.len += 1;
            groups.push(id);
        }
        Ok(())
    }
}

impl KeyStore for TupleKeys {
    fn intern(&mut self, keys: &[ArrayRef], groups: &mut Vec<u32>) -> Result<()> {
        let rows = keys.first().map_or(0, |column| column.len());
        self.hashes.clear();
        self.hashes.resize(rows, 0);
        for (part, column) in self.parts.iter_mut().zip(keys) {
            part.begin(column, &self.hasher, &mut self.hashes);
        }
        if self.len == 0 {
            self.table.reserve(rows.min(RESERVED_MAX), |&(hash, _)| hash);
        }
        let result = self.intern_rows(rows, groups);
        self.parts.iter_mut().for_each(|part| part.end());
        result
    }

    fn len(&self) -> usize {
        self.len
    }

    fn keys(&self) -> Result<Vec<ArrayRef>> {
        self.parts.iter().map(|part| part.column()).collect()
    }

    fn clear(&mut self) -> bool {
        self.parts.iter_mut().for_each(|part| part.clear());
        self.table.clear();
        self.len = 0;
        true
    }

    fn bytes(&self) -> usize {
        self.table.allocation_size()
            + self.hashes.capacity() * size_of::<u64>()
            + self.parts.iter().map(|part| part.bytes()).sum::<usize>()
    }
}

/// The representation of one column.
fn part(field: &FieldRef) -> Option<Box<dyn Part>> {
    macro_rules! number {
        ($t:ty) => {
            Some(Box::new(Numbers::<$t>::new(field)) as Box<dyn Part>)
        };
    }
    downcast_integer! {
        field.data_type() => (number),
        data_type if data_type.is_temporal() => downcast_temporal! {
            data_type => (number),
            _ => None,
        },
        DataType::Decimal32(..) => number!(Decimal32Type),
        DataType::Decimal64(..) => number!(Decimal64Type),
        DataType::Decimal128(..) => number!(Decimal128Type),
        DataType::Decimal256(..) => number!(Decimal256Type),
        DataType::Utf8 => Some(Box::new(Texts::<i32>::new(field))),
        DataType::LargeUtf8 => Some(Box::new(Texts::<i64>::new(field))),
        _ => None,
    }
}

/// Which keys are NULL, in ascending order: few, or a column of little use as a key.
#[derive(Debug, Default)]
struct Nulls(Vec<u32>);

impl Nulls {
    fn holds(&self, id: u32) -> bool {
        !self.0.is_empty() && self.0.binary_search(&id).is_ok()
    }

    fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<u32>()
    }

    fn buffer(&self, len: usize) -> Option<NullBuffer> {
        if self.0.is_empty() {
            return None;
        }
        let mut valid = vec![true; len];
        self.0.iter().for_each(|id| valid[*id as usize] = false);
        Some(NullBuffer::from(valid))
    }
}

/// Mixes the hashes of `column` into those of the columns before it.
fn mix<V: Hash>(
    column: impl Iterator<Item = Option<V>>,
    hasher: &DefaultHashBuilder,
    hashes: &mut [u64],
) {
    for (hash, value) in hashes.iter_mut().zip(column) {
        let own = value.map_or(0, |value| hash_one(hasher, value));
        *hash = hash.wrapping_mul(MIX).wrapping_add(own);
    }
}

#[derive(Debug)]
struct Numbers<T: ArrowPrimitiveType> {
    data_type: DataType,
    /// By id; a default value where it is NULL.
    values: Vec<T::Native>,
    nulls: Nulls,
    rows: Option<PrimitiveArray<T>>,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new(field: &FieldRef) -> Self {
        let (values, nulls) = (Vec::new(), Nulls::default());
        Self { data_type: field.data_type().clone(), values, nulls, rows: None }
    }

    fn row(&self, row: usize) -> Option<T::Native> {
        let rows = self.rows.as_ref().expect("the rows at hand have begun");
        rows.is_valid(row).then(|| rows.value(row))
    }
}

impl<T: ArrowPrimitiveType<Native: Eq + Hash> + Debug> Part for Numbers<T> {
    fn begin(&mut self, column: &ArrayRef, hasher: &DefaultHashBuilder, hashes: &mut [u64]) {
        let column = column.as_primitive::<T>();
        mix(column.iter(), hasher, hashes);
        if self.values.is_empty() {
            self.values.reserve(column.len().min(RESERVED_MAX));
        }
        self.rows = Some(column.clone());
    }

    fn same(&self, id: u32, row: usize) -> bool {
        match self.row(row) {
            Some(value) => self.values[id as usize] == value && !self.nulls.holds(id),
            None => self.nulls.holds(id),
        }
    }

    fn push(&mut self, row: usize) -> Result<()> {
        let value = self.row(row);
        if value.is_none() {
            self.nulls.0.push(u32::try_from(self.values.len()).expect("ids are 32 bits wide"));
        }
        self.values.push(value.unwrap_or_default());
        Ok(())
    }

    fn end(&mut self) {
        self.rows = None;
    }

    fn clear(&mut self) {
        self.values.clear();
        self.nulls.0.clear();
    }

    fn column(&self) -> Result<ArrayRef> {
        let nulls = self.nulls.buffer(self.values.len());
        let column = PrimitiveArray::<T>::try_new(self.values.clone().into(), nulls)?;
        Ok(Arc::new(column.with_data_type(self.data_type.clone())))
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<T::Native>() + self.nulls.bytes()
    }
}

#[derive(Debug)]
struct Texts<O: OffsetSizeTrait> {
    field: FieldRef,
    /// The bytes of all values, in order of id; of NULL none.
    bytes: Vec<u8>,
    /// Where each value starts in `bytes`, and where the last one ends; never falls.
    offsets: Vec<O>,
    nulls: Nulls,
    rows: Option<GenericStringArray<O>>,
}

impl<O: OffsetSizeTrait> Texts<O> {
    fn new(field: &FieldRef) -> Self {
        let (bytes, nulls) = (Vec::new(), Nulls::default());
        let offsets = vec![O::zero()];
        Self { field: FieldRef::clone(field), bytes, offsets, nulls, rows: None }
    }

    fn row(&self, row: usize) -> Option<&[u8]> {
        let rows = self.rows.as_ref().expect("the rows at hand have begun");
        rows.is_valid(row).then(|| rows.value(row).as_bytes())
    }
}

impl<O: OffsetSizeTrait> Part for Texts<O> {
    fn begin(&mut self, column: &ArrayRef, hasher: &DefaultHashBuilder, hashes: &mut [u64]) {
        let column = column.as_string::<O>();
        mix(column.iter().map(|text| text.map(str::as_bytes)), hasher, hashes);
        if self.offsets.len() == 1 {
            let offsets = &column.value_offsets()[..=column.len().min(RESERVED_MAX)];
            self.offsets.reserve(offsets.len());
            let bytes = offsets[offsets.len() - 1] - offsets[0];
            self.bytes.reserve(bytes.as_usize().min(RESERVED_MAX << 4));
        }
        self.rows = Some(column.clone());
    }

    fn same(&self, id: u32, row: usize) -> bool {
        let [from, to] = [0, 1].map(|end| self.offsets[id as usize + end].as_usize());
        let own = &self.bytes[from..to];
        match self.row(row) {
            Some(text) => own == text && !self.nulls.holds(id),
            None => self.nulls.holds(id),
        }
    }

    fn push(&mut self, row: usize) -> Result<()> {
        let rows = self.rows.as_ref().expect("the rows at hand have begun");
        if rows.is_valid(row) {
            self.bytes.extend_from_slice(rows.value(row).as_bytes());
        } else {
            let id = self.offsets.len() - 1;
            self.nulls.0.push(u32::try_from(id).expect("ids are 32 bits wide"));
        }
        let end = O::from_usize(self.bytes.len()).ok_or_else(|| too_many_bytes(&self.field))?;
        self.offsets.push(end);
        Ok(())
    }

    fn end(&mut self) {
        self.rows = None;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.offsets.truncate(1);
        self.nulls.0.clear();
    }

    fn column(&self) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets.clone()));
        let nulls = self.nulls.buffer(self.offsets.len() - 1);
        Ok(Arc::new(GenericStringArray::try_new(offsets, self.bytes.clone().into(), nulls)?))
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * size_of::<O>() + self.nulls.bytes()
    }
}

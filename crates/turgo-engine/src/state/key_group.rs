//! Which instance owns a key.
//!
//! A key hashes to 64 bits, of which the highest eight are its key group; each instance owns a
//! range of the 256 groups. Frozen state is filed by key group, so the hash is part of its format:
//!
//! - K1. It depends on the values of the key alone: not on the batch they stand in, not on the
//!   process, not on the layout of the column (a dictionary hashes as its values, a string as its
//!   bytes whatever the width of its offsets).
//! - K2. Keys that [`GroupTable`](super::GroupTable) holds equal hash alike: NULL equals NULL, -0.0
//!   equals 0.0.
//!
//! Group tables hash their keys with a seed of their own, drawn per table, so that the keys of one
//! instance, which share the highest bits of this hash, still spread over the buckets of its tables.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, downcast_primitive,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, ToByteSlice};
use arrow::row::{RowConverter, SortField};
use datafusion_common::utils::normalize_float_zero;

use crate::error::{EngineError, Result};

/// How many ranges the space of keys is cut into: the most instances a stage can keep busy, and
/// the grain by which state moves between them.
pub const KEY_GROUPS: usize = 256;

const _: () = assert!(KEY_GROUPS == u8::MAX as usize + 1, "a key group is one byte");

/// What a row without key columns, and every row before its first column, starts from.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
/// What a NULL hashes as.
const NULL: u64 = 0x1319_8a2e_0370_7344;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes each of `rows` key rows into `hashes`, replacing what it holds.
///
/// # Errors
/// `Unsupported` for key types that cannot be compared.
pub fn hash_keys(keys: &[ArrayRef], rows: usize, hashes: &mut Vec<u64>) -> Result<()> {
    hashes.clear();
    hashes.resize(rows, SEED);
    for column in keys {
        if column.len() != rows {
            let len = column.len();
            return Err(EngineError::internal(format!("{len} keys for {rows} rows")));
        }
        hash_column(column, hashes)?;
    }
    Ok(())
}

/// The key group of a hash.
pub fn key_group(hash: u64) -> u8 {
    (hash >> 56) as u8
}

/// Which of `instances` owns a key group: contiguous ranges whose sizes differ by one at most.
/// Beyond [`KEY_GROUPS`] instances, some own nothing.
pub fn owner(key_group: u8, instances: usize) -> usize {
    (key_group as usize * instances) / KEY_GROUPS
}

/// Mixes a column into the hashes of its rows.
fn hash_column(column: &ArrayRef, hashes: &mut [u64]) -> Result<()> {
    let column = &normalize_float_zero(column);
    macro_rules! fixed {
        ($t:ty) => {
            hash_fixed(column.as_primitive::<$t>(), hashes)
        };
    }
    downcast_primitive! {
        column.data_type() => (fixed),
        DataType::Null => hashes.iter_mut().for_each(|hash| *hash = mix(*hash, NULL)),
        DataType::Boolean => hash_booleans(column.as_boolean(), hashes),
        DataType::Utf8 => hash_bytes(column.as_string::<i32>(), hashes),
        DataType::LargeUtf8 => hash_bytes(column.as_string::<i64>(), hashes),
        DataType::Utf8View => hash_bytes(column.as_string_view(), hashes),
        DataType::Binary => hash_bytes(column.as_binary::<i32>(), hashes),
        DataType::LargeBinary => hash_bytes(column.as_binary::<i64>(), hashes),
        DataType::BinaryView => hash_bytes(column.as_binary_view(), hashes),
        DataType::Dictionary(_, values) => return hash_column(&cast(column, values)?, hashes),
        other => return hash_encoded(column, other, hashes),
    }
    Ok(())
}

fn hash_fixed<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, hashes: &mut [u64]) {
    let value = |value: &T::Native, hash: u64| mix_value(hash, value);
    match column.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            for (hash, v) in hashes.iter_mut().zip(column.values()) {
                *hash = value(v, *hash);
            }
        }
        Some(nulls) => {
            for ((hash, v), valid) in hashes.iter_mut().zip(column.values()).zip(nulls) {
                *hash = if valid { value(v, *hash) } else { mix(*hash, NULL) };
            }
        }
    }
}

/// Values of up to 64 bits in one step, wider ones by their bytes.
#[inline]
fn mix_value<N: ToByteSlice>(hash: u64, value: &N) -> u64 {
    let bytes = value.to_byte_slice();
    if bytes.len() > 8 {
        return mix_bytes(hash, bytes);
    }
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    mix(hash, u64::from_le_bytes(word))
}

fn hash_booleans(column: &BooleanArray, hashes: &mut [u64]) {
    for (hash, value) in hashes.iter_mut().zip(column) {
        *hash = mix(*hash, value.map_or(NULL, u64::from));
    }
}

fn hash_bytes<'a, B: AsRef<[u8]> + ?Sized + 'a>(
    column: impl IntoIterator<Item = Option<&'a B>>,
    hashes: &mut [u64],
) {
    for (hash, value) in hashes.iter_mut().zip(column) {
        *hash = match value {
            Some(value) => mix_bytes(*hash, value.as_ref()),
            None => mix(*hash, NULL),
        };
    }
}

/// Nested types, by arrow's order-preserving encoding of their rows.
fn hash_encoded(column: &ArrayRef, data_type: &DataType, hashes: &mut [u64]) -> Result<()> {
    let field = SortField::new(data_type.clone());
    if !RowConverter::supports_fields(std::slice::from_ref(&field)) {
        return Err(EngineError::Unsupported(format!("{data_type} cannot be a key")));
    }
    let rows = RowConverter::new(vec![field])?.convert_columns(std::slice::from_ref(column))?;
    for (hash, row) in hashes.iter_mut().zip(&rows) {
        *hash = mix_bytes(*hash, row.as_ref());
    }
    Ok(())
}

/// Mixes eight bytes at a time; the length goes in too, so that `("a", "bc")` and `("ab", "c")`
/// differ.
#[inline]
fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(hash, u64::from_le_bytes(last)), bytes.len() as u64)
}

/// One multiplication to 128 bits whose halves are folded together: every bit of the input reaches
/// every bit of the result.
#[inline]
fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash ^ value.rotate_left(32)) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}

//! MIN and MAX of strings and bytes, in the order of their bytes, and of booleans, false first.
//!
//! Each group owns a copy of its extreme; a new one reuses the allocation of the old.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::{
    Array, ArrayAccessor, ArrayBuilder, ArrayRef, BinaryArray, BinaryBuilder, BooleanArray,
    BooleanBuilder, LargeBinaryArray, LargeBinaryBuilder, LargeStringArray, LargeStringBuilder,
    StringArray, StringBuilder, StringViewArray, StringViewBuilder,
};
use arrow::datatypes::{DataType, FieldRef};

use super::Accumulate;
use super::columns::{is_selected, only, selected, unexpected};
use super::min_max::{row_states, state_field};
use crate::error::{EngineError, Result};

/// A column type whose values are compared in place and copied where they win.
pub(super) trait Kind: Debug + Default + Send {
    const DATA_TYPE: DataType;
    /// How many bytes the values of one column may have together.
    const BYTES_MAX: usize;
    type Column: Array + 'static;
    type Builder: ArrayBuilder + Default;
    type Value<'a>: Copy;
    type Owned: Debug + Send;

    fn value(column: &Self::Column, row: usize) -> Self::Value<'_>;
    fn own(value: Self::Value<'_>) -> Self::Owned;
    fn replace(owned: &mut Self::Owned, value: Self::Value<'_>);
    fn borrow(owned: &Self::Owned) -> Self::Value<'_>;
    fn compare(value: Self::Value<'_>, owned: &Self::Owned) -> Ordering;
    fn append(builder: &mut Self::Builder, value: Option<Self::Value<'_>>);
    /// Length in bytes, of values that have one.
    fn bytes(value: Self::Value<'_>) -> usize;
}

macro_rules! kinds {
    ($($kind:ident: $column:ty, $builder:ty, $value:ty, $owned:ty, $bytes_max:expr;)*) => {
        $(
            #[derive(Debug, Default)]
            pub(super) struct $kind;

            impl Kind for $kind {
                const DATA_TYPE: DataType = DataType::$kind;
                const BYTES_MAX: usize = $bytes_max;
                type Column = $column;
                type Builder = $builder;
                type Value<'a> = &'a $value;
                type Owned = $owned;

                fn value(column: &Self::Column, row: usize) -> &$value {
                    ArrayAccessor::value(&column, row)
                }

                fn own(value: &$value) -> $owned {
                    value.to_owned()
                }

                fn replace(owned: &mut $owned, value: &$value) {
                    value.clone_into(owned);
                }

                fn borrow(owned: &$owned) -> &$value {
                    owned
                }

                fn compare(value: &$value, owned: &$owned) -> Ordering {
                    value.cmp(owned)
                }

                fn append(builder: &mut $builder, value: Option<&$value>) {
                    builder.append_option(value);
                }

                fn bytes(value: &$value) -> usize {
                    value.len()
                }
            }
        )*
    };
}

kinds! {
    Utf8: StringArray, StringBuilder, str, String, i32::MAX as usize;
    LargeUtf8: LargeStringArray, LargeStringBuilder, str, String, usize::MAX;
    Utf8View: StringViewArray, StringViewBuilder, str, String, usize::MAX;
    Binary: BinaryArray, BinaryBuilder, [u8], Vec<u8>, i32::MAX as usize;
    LargeBinary: LargeBinaryArray, LargeBinaryBuilder, [u8], Vec<u8>, usize::MAX;
}

#[derive(Debug, Default)]
pub(super) struct Boolean;

impl Kind for Boolean {
    const DATA_TYPE: DataType = DataType::Boolean;
    const BYTES_MAX: usize = usize::MAX;
    type Column = BooleanArray;
    type Builder = BooleanBuilder;
    type Value<'a> = bool;
    type Owned = bool;

    fn value(column: &BooleanArray, row: usize) -> bool {
        column.value(row)
    }

    fn own(value: bool) -> bool {
        value
    }

    fn replace(owned: &mut bool, value: bool) {
        *owned = value;
    }

    fn borrow(owned: &bool) -> bool {
        *owned
    }

    fn compare(value: bool, owned: &bool) -> Ordering {
        value.cmp(owned)
    }

    fn append(builder: &mut BooleanBuilder, value: Option<bool>) {
        builder.append_option(value);
    }

    fn bytes(_value: bool) -> usize {
        0
    }
}

/// A column of results as it grows.
struct Results<K: Kind> {
    builder: K::Builder,
    bytes: usize,
}

impl<K: Kind> Results<K> {
    fn new() -> Self {
        Self { builder: K::Builder::default(), bytes: 0 }
    }

    fn append(&mut self, extreme: Option<&K::Owned>) -> Result<()> {
        let value = extreme.map(K::borrow);
        self.bytes = self.bytes.saturating_add(value.map_or(0, K::bytes));
        if self.bytes > K::BYTES_MAX {
            return Err(EngineError::data(format!(
                "smallest or largest values of more than {} bytes in one column; cast the argument \
                 to a type with 64-bit lengths",
                K::BYTES_MAX
            )));
        }
        K::append(&mut self.builder, value);
        Ok(())
    }

    fn finish(mut self) -> ArrayRef {
        self.builder.finish()
    }
}

/// The extreme of each group.
#[derive(Debug, Default)]
pub(super) struct Varying<K: Kind, const MAX: bool> {
    extremes: Vec<Option<K::Owned>>,
    heap_bytes: usize,
    kind: PhantomData<K>,
}

impl<K: Kind, const MAX: bool> Varying<K, MAX> {
    fn resize(&mut self, total: usize) {
        debug_assert!(total >= self.extremes.len(), "groups do not go away");
        self.extremes.resize_with(total.max(self.extremes.len()), || None);
    }

    fn add(&mut self, group: u32, value: K::Value<'_>) {
        let slot = &mut self.extremes[group as usize];
        match slot {
            None => {
                self.heap_bytes += K::bytes(value);
                *slot = Some(K::own(value));
            }
            Some(extreme) => {
                let wins = if MAX { Ordering::Greater } else { Ordering::Less };
                if K::compare(value, extreme) == wins {
                    self.heap_bytes -= K::bytes(K::borrow(extreme));
                    self.heap_bytes += K::bytes(value);
                    K::replace(extreme, value);
                }
            }
        }
    }
}

/// The argument or state column as a column of `K`.
fn column<K: Kind>(columns: &[ArrayRef]) -> Result<&K::Column> {
    let column = only(columns)?;
    column.as_any().downcast_ref::<K::Column>().ok_or_else(|| unexpected(column))
}

impl<K: Kind, const MAX: bool> Accumulate for Varying<K, MAX> {
    fn state_fields(&self) -> Vec<FieldRef> {
        vec![state_field(K::DATA_TYPE)]
    }

    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.resize(total);
        let values = column::<K>(args)?;
        match selected(values.nulls(), filter) {
            None => groups
                .iter()
                .enumerate()
                .for_each(|(row, &group)| self.add(group, K::value(values, row))),
            Some(selected) => {
                selected.set_indices().for_each(|row| self.add(groups[row], K::value(values, row)));
            }
        }
        Ok(())
    }

    fn update_reading(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef> {
        self.resize(total);
        let values = column::<K>(args)?;
        let selected = selected(values.nulls(), filter);
        let mut results = Results::<K>::new();
        for (row, &group) in groups.iter().enumerate() {
            if is_selected(selected.as_ref(), row) {
                self.add(group, K::value(values, row));
            }
            results.append(self.extremes[group as usize].as_ref())?;
        }
        Ok(results.finish())
    }

    /// A state is the extreme of some rows, so it counts as one of them.
    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()> {
        self.update(groups, states, None, total)
    }

    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        let mut results = Results::<K>::new();
        for &group in groups {
            results.append(self.extremes.get(group as usize).and_then(Option::as_ref))?;
        }
        Ok(results.finish())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let mut results = Results::<K>::new();
        for extreme in &self.extremes {
            results.append(extreme.as_ref())?;
        }
        Ok(vec![results.finish()])
    }

    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        _rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>> {
        row_states(args, filter)
    }

    fn bytes(&self) -> usize {
        self.extremes.capacity() * size_of::<Option<K::Owned>>() + self.heap_bytes
    }
}

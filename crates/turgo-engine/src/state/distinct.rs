//! COUNT, SUM and AVG of distinct values.
//!
//! Pairs of group and value that have been seen are kept. A row whose pair is new counts in the
//! function's plain kernel, to which the others look like rows that a filter left out.
//!
//! - D1. A pair counts once, whether it comes in a row or in a state.
//! - D2. Values are equal where GROUP BY finds them equal, by rule G2 of
//!   [the group table](super::group_table); NULL is not a value.
//! - D3. What travels is a list of each group's values. Merging adds them as rows; the plain kernel's
//!   own state, in which two lists may share, stays where it is.

use std::hash::{Hash, Hasher};
use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, ListArray,
    UInt32Array, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, OffsetBuffer};
use arrow::compute::{filter, take};
use arrow::datatypes::{ArrowNativeType, DataType, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion_common::utils::normalize_float_zero;

use super::columns::{only, selected, unexpected};
use super::numbering::Numbering;
use super::{Accumulate, GroupTable};
use crate::error::{EngineError, Result};

/// `plain` over the distinct values of the column `argument`.
pub(super) fn accumulator(
    plain: Box<dyn Accumulate>,
    argument: &FieldRef,
) -> Result<Box<dyn Accumulate>> {
    let data_type = argument.data_type();
    let words = match data_type.primitive_width() {
        // The parts of an interval need not be aligned as a word is.
        Some(1 | 2 | 4 | 8) if !matches!(data_type, DataType::Interval(_)) => {
            Words::Values(data_type.clone())
        }
        _ => Words::Numbers(GroupTable::new(std::slice::from_ref(argument))?),
    };
    let item = Arc::new(Field::new_list_field(data_type.clone(), true));
    Ok(Box::new(Distinct { plain, item, words, pairs: Pairs::default(), groups: 0 }))
}

/// The values of each group, and what they come to.
#[derive(Debug)]
struct Distinct {
    plain: Box<dyn Accumulate>,
    /// What the lists of values hold.
    item: FieldRef,
    words: Words,
    pairs: Pairs,
    groups: usize,
}

/// What stands for a value: one word, the same where values are equal.
#[derive(Debug)]
enum Words {
    /// Of up to 64 bits, all of one width: the bits of the value itself.
    Values(DataType),
    /// Of any other type: its number in a table.
    Numbers(GroupTable),
}

/// The pairs of group and word that have been seen: of each 64 words in a row, a mask.
///
/// Numbers in a table are dense, and so are most keys that are counted; of others, a mask has one
/// bit. Each [`Block`] holds 64 groups. Groups that came up together are mostly in use together, so
/// that what is in use stays in the cache however many groups there are.
#[derive(Debug, Default)]
struct Pairs {
    blocks: Vec<Block>,
    len: usize,
}

/// The pairs of some groups.
#[derive(Debug)]
struct Block {
    spans: Numbering<Span>,
    /// Which words of each span have been seen.
    masks: Vec<u64>,
}

/// A group and 64 words in a row, in 12 bytes, so that an entry of a hash table has 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    group: u32,
    low: u32,
    high: u32,
}

impl Pairs {
    const BLOCK: usize = 64;

    /// Makes room for `groups` groups.
    fn resize(&mut self, groups: usize) {
        let blocks = groups.div_ceil(Self::BLOCK).max(self.blocks.len());
        let empty = || Block { spans: Numbering::new(), masks: Vec::new() };
        self.blocks.resize_with(blocks, empty);
    }

    /// Adds a pair and says whether it is new.
    #[inline]
    fn add(&mut self, group: u32, word: u64) -> Result<bool> {
        let block = &mut self.blocks[group as usize / Self::BLOCK];
        let span = block.spans.number(Span::new(group, word >> 6))? as usize;
        if span == block.masks.len() {
            block.masks.push(0);
        }
        let bit = 1 << (word & 63);
        let new = block.masks[span] & bit == 0;
        block.masks[span] |= bit;
        self.len += usize::from(new);
        Ok(new)
    }

    /// Calls `each` with every pair, in an order that does not depend on hashes.
    fn for_each(&self, mut each: impl FnMut(u32, u64)) {
        for block in &self.blocks {
            for (span, &mask) in block.spans.keys().iter().zip(&block.masks) {
                let mut left = mask;
                while left != 0 {
                    each(span.group, span.start() | u64::from(left.trailing_zeros()));
                    left &= left - 1;
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        let masks = |block: &Block| block.masks.capacity() * size_of::<u64>();
        let bytes = self.blocks.iter().map(|block| block.spans.bytes() + masks(block));
        bytes.sum::<usize>() + self.blocks.capacity() * size_of::<Block>()
    }
}

impl Span {
    #[inline]
    fn new(group: u32, span: u64) -> Self {
        Self { group, low: span as u32, high: (span >> 32) as u32 }
    }

    /// The first of its words.
    fn start(self) -> u64 {
        (u64::from(self.high) << 32 | u64::from(self.low)) << 6
    }
}

impl Hash for Span {
    /// In one step, not one for each field.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let fields = [self.low, self.high, self.group];
        let bits = fields.iter().rev().fold(0, |bits, &field| bits << 32 | u128::from(field));
        state.write_u128(bits);
    }
}

impl Words {
    /// The word of each row that is selected; rows that are not may have any.
    fn of(&mut self, values: &ArrayRef, selected: Option<&BooleanBuffer>) -> Result<Vec<u64>> {
        match self {
            Self::Values(_) => {
                let data = normalize_float_zero(values).to_data();
                Ok(match data.data_type().primitive_width() {
                    Some(1) => data.buffer::<u8>(0).iter().map(|&bits| bits.into()).collect(),
                    Some(2) => data.buffer::<u16>(0).iter().map(|&bits| bits.into()).collect(),
                    Some(4) => data.buffer::<u32>(0).iter().map(|&bits| bits.into()).collect(),
                    _ => data.buffer::<u64>(0)[..data.len()].to_vec(),
                })
            }
            Self::Numbers(table) => {
                let mut numbers = Vec::new();
                let Some(selected) = selected else {
                    table.intern(std::slice::from_ref(values), values.len(), &mut numbers)?;
                    return Ok(numbers.into_iter().map(u64::from).collect());
                };
                // The table keeps what it is shown, so it is shown no other values.
                let shown = filter(values, &BooleanArray::new(selected.clone(), None))?;
                table.intern(&[shown], selected.count_set_bits(), &mut numbers)?;
                let mut words = vec![0; values.len()];
                for (row, number) in selected.set_indices().zip(numbers) {
                    words[row] = number.into();
                }
                Ok(words)
            }
        }
    }

    /// The values that these words stand for.
    fn values(&self, words: Vec<u64>) -> Result<ArrayRef> {
        match self {
            Self::Values(data_type) => {
                let len = words.len();
                let buffer = match data_type.primitive_width() {
                    Some(1) => narrow(words, |word| word as u8),
                    Some(2) => narrow(words, |word| word as u16),
                    Some(4) => narrow(words, |word| word as u32),
                    _ => Buffer::from_vec(words),
                };
                let data = ArrayData::builder(data_type.clone()).len(len).add_buffer(buffer);
                Ok(make_array(data.build()?))
            }
            Self::Numbers(table) => {
                let number = |word| u32::try_from(word).expect("a number has 32 bits");
                let numbers = UInt32Array::from_iter_values(words.into_iter().map(number));
                // A text stands in the list of each group that has it.
                take(only(&table.keys()?)?, &numbers, None).map_err(|error| match error {
                    ArrowError::OffsetOverflowError(_) => too_many(numbers.len()),
                    other => other.into(),
                })
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Values(_) => 0,
            Self::Numbers(table) => table.bytes(),
        }
    }
}

/// Words without the bits that no value has.
fn narrow<N: ArrowNativeType>(words: Vec<u64>, bits: impl Fn(u64) -> N) -> Buffer {
    Buffer::from_vec(words.into_iter().map(bits).collect::<Vec<N>>())
}

impl Distinct {
    /// Marks the rows that count: selected, and the first of their pair (D1, D2).
    fn first(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<BooleanArray> {
        debug_assert!(total >= self.groups, "groups do not go away");
        self.groups = total.max(self.groups);
        self.pairs.resize(self.groups);
        let values = only(args)?;
        if values.data_type() != self.item.data_type() {
            return Err(unexpected(values));
        }
        let selected = selected(values.logical_nulls().as_ref(), filter);
        let words = self.words.of(values, selected.as_ref())?;
        let mut first = BooleanBufferBuilder::new(groups.len());
        first.append_n(groups.len(), false);
        let mut see = |row: usize| -> Result<()> {
            if self.pairs.add(groups[row], words[row])? {
                first.set_bit(row, true);
            }
            Ok(())
        };
        match &selected {
            None => (0..groups.len()).try_for_each(&mut see)?,
            Some(selected) => selected.set_indices().try_for_each(&mut see)?,
        }
        Ok(BooleanArray::new(first.finish(), None))
    }
}

/// The error for states that one column cannot hold.
#[cold]
fn too_many(values: usize) -> EngineError {
    EngineError::data(format!(
        "{values} distinct values do not fit one column of states; group by more keys, or by windows"
    ))
}

/// One list for each group.
fn lists(item: &FieldRef, lengths: Vec<usize>, values: ArrayRef) -> Result<Vec<ArrayRef>> {
    if i32::try_from(values.len()).is_err() {
        return Err(too_many(values.len()));
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(vec![Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, None)?)])
}

impl Accumulate for Distinct {
    fn state_fields(&self) -> Vec<FieldRef> {
        vec![Arc::new(Field::new("distinct", DataType::List(Arc::clone(&self.item)), false))]
    }

    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let first = self.first(groups, args, filter, total)?;
        self.plain.update(groups, args, Some(&first), total)
    }

    fn update_reading(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef> {
        let first = self.first(groups, args, filter, total)?;
        self.plain.update_reading(groups, args, Some(&first), total)
    }

    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()> {
        let column = only(states)?;
        let lists = column.as_list_opt::<i32>().filter(|lists| lists.null_count() == 0);
        let lists = lists.ok_or_else(|| unexpected(column))?;
        let offsets = lists.offsets();
        let (start, end) = (offsets[0] as usize, offsets[lists.len()] as usize);
        let mut of_values = Vec::with_capacity(end - start);
        for (&group, len) in groups.iter().zip(offsets.lengths()) {
            of_values.extend(repeat_n(group, len));
        }
        self.update(&of_values, &[lists.values().slice(start, end - start)], None, total)
    }

    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        self.plain.read(groups)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let mut lengths = vec![0; self.groups];
        self.pairs.for_each(|group, _| lengths[group as usize] += 1);
        // Counting sort by group.
        let mut next = lengths.clone();
        let mut before = 0;
        for next in &mut next {
            (*next, before) = (before, before + *next);
        }
        let mut words = vec![0; before];
        self.pairs.for_each(|group, word| {
            let next = &mut next[group as usize];
            words[*next] = word;
            *next += 1;
        });
        lists(&self.item, lengths, self.words.values(words)?)
    }

    /// The row's own value, or none.
    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>> {
        let values = only(args)?;
        let states = match selected(values.logical_nulls().as_ref(), filter) {
            None => lists(&self.item, vec![1; rows], Arc::clone(values)),
            Some(selected) => {
                let lengths = selected.iter().map(usize::from).collect();
                let selected = BooleanArray::new(selected, None);
                lists(&self.item, lengths, arrow::compute::filter(values, &selected)?)
            }
        };
        states.map(Some)
    }

    fn distinct(&self) -> usize {
        self.pairs.len
    }

    fn bytes(&self) -> usize {
        self.plain.bytes() + self.words.bytes() + self.pairs.bytes()
    }
}

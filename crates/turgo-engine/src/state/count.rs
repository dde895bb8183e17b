//! COUNT: of rows, or of values that are not NULL.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};

use super::Accumulate;
use super::columns::{for_each_selected, is_selected, only, primitive, selected};
use super::frames::{self, Counts, Frames};
use crate::error::Result;

/// A number of rows for each group.
#[derive(Debug)]
pub(super) struct Count {
    counts: Vec<i64>,
    /// Leave out rows where an argument is NULL.
    values_only: bool,
}

impl Count {
    /// `COUNT(*)`.
    pub(super) fn of_rows() -> Self {
        Self { counts: Vec::new(), values_only: false }
    }

    /// `COUNT(a)`, or `COUNT(a, b)`: rows where no argument is NULL.
    pub(super) fn of_values() -> Self {
        Self { counts: Vec::new(), values_only: true }
    }

    fn resize(&mut self, total: usize) {
        debug_assert!(total >= self.counts.len(), "groups do not go away");
        self.counts.resize(total.max(self.counts.len()), 0);
    }

    fn selected(&self, args: &[ArrayRef], filter: Option<&BooleanArray>) -> Option<BooleanBuffer> {
        let nulls = args.iter().filter(|_| self.values_only).fold(None, |nulls, arg| {
            NullBuffer::union(nulls.as_ref(), arg.logical_nulls().as_ref())
        });
        selected(nulls.as_ref(), filter)
    }
}

impl Accumulate for Count {
    fn state_fields(&self) -> Vec<FieldRef> {
        vec![Arc::new(Field::new("count", DataType::Int64, false))]
    }

    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.resize(total);
        match self.selected(args, filter) {
            None if self.counts.len() == 1 => self.counts[0] += groups.len() as i64,
            None => groups.iter().for_each(|&group| self.counts[group as usize] += 1),
            Some(selected) => {
                selected.set_indices().for_each(|row| self.counts[groups[row] as usize] += 1);
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
        let selected = self.selected(args, filter);
        let counts = groups.iter().enumerate().map(|(row, &group)| {
            let count = &mut self.counts[group as usize];
            *count += i64::from(is_selected(selected.as_ref(), row));
            *count
        });
        Ok(Arc::new(Int64Array::from_iter_values(counts)))
    }

    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()> {
        self.resize(total);
        let counts = primitive::<Int64Type>(only(states)?)?;
        for (&group, &count) in groups.iter().zip(counts.values()) {
            self.counts[group as usize] += count;
        }
        Ok(())
    }

    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        let count = |&group: &u32| self.counts.get(group as usize).copied().unwrap_or(0);
        Ok(Arc::new(Int64Array::from_iter_values(groups.iter().map(count))))
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(Int64Array::from(self.counts.clone()))])
    }

    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>> {
        let mut counts = vec![0; rows];
        for_each_selected(self.selected(args, filter).as_ref(), rows, |row| {
            counts[row] = 1;
        });
        Ok(Some(vec![Arc::new(Int64Array::from(counts))]))
    }

    fn over(self: Box<Self>, rows: Option<NonZeroUsize>) -> Option<Box<dyn Frames>> {
        Some(frames::of(Counts { values_only: self.values_only }, rows))
    }

    fn clear(&mut self) -> bool {
        self.counts.clear();
        true
    }

    fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<i64>()
    }
}

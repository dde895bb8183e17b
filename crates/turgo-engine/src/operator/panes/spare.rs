//! Panes that are over, kept for those that come: a short window costs more in memory asked for and given back than in rows.

use super::Pane;
use crate::error::Result;
use crate::graph::Aggregate;

/// Of a larger pane the memory is a small part of the work, and clearing it may be more than the next pane's rows.
const PANE_BYTES_MAX: usize = 64 << 10;

/// What all spare panes may hold.
const BYTES_MAX: usize = 4 << 20;

/// Panes without groups, and with the memory of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Spare {
    panes: Vec<Pane>,
    bytes: usize,
}

impl Spare {
    /// A pane without groups.
    ///
    /// # Errors
    /// As [`Pane::new`].
    pub(super) fn pane(&mut self, aggregate: &Aggregate) -> Result<Pane> {
        match self.panes.pop() {
            Some(pane) => {
                self.bytes -= pane.bytes();
                Ok(pane)
            }
            None => Pane::new(aggregate),
        }
    }

    /// Keeps a pane that is over, if it is worth it.
    pub(super) fn keep(&mut self, mut pane: Pane) {
        let bytes = pane.bytes();
        if bytes <= PANE_BYTES_MAX && self.bytes + bytes <= BYTES_MAX && pane.clear() {
            self.bytes += bytes;
            self.panes.push(pane);
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    use super::*;
    use crate::graph::{AggregateCall, AggregateFunction, Panes};

    fn aggregate(function: AggregateFunction) -> Aggregate {
        let field = |name| Arc::new(Field::new(name, DataType::Int64, true));
        let input = Arc::new(Schema::new(vec![field("key"), field("value")]));
        let call = AggregateCall { function, args: vec![1], filter: None, field: field("answer") };
        let output = Arc::new(Schema::new(vec![field("key"), field("answer")]));
        let (keys, panes, lateness) = (vec![0], Panes::Whole, 0);
        Aggregate { input, keys, panes, lateness, calls: vec![call], output }
    }

    /// A pane of so many groups.
    fn used(spare: &mut Spare, aggregate: &Aggregate, groups: i64) -> Pane {
        let mut pane = spare.pane(aggregate).unwrap();
        assert!(pane.table.is_empty());
        let column = Arc::new(arrow::array::Int64Array::from_iter_values(0..groups));
        let rows = vec![column.clone() as _, column as _];
        let rows = arrow::array::RecordBatch::try_new(aggregate.input.clone(), rows).unwrap();
        pane.update(aggregate, &rows, &mut Vec::new()).unwrap();
        pane
    }

    #[test]
    fn small_panes_are_kept_and_their_memory_is_used_again() {
        let (sum, mut spare) = (aggregate(AggregateFunction::Sum), Spare::default());
        let pane = used(&mut spare, &sum, 100);
        let bytes = pane.bytes();
        spare.keep(pane);
        assert_eq!((spare.panes.len(), spare.bytes), (1, bytes));
        let pane = used(&mut spare, &sum, 100);
        assert_eq!((spare.panes.len(), spare.bytes, pane.bytes()), (0, 0, bytes));
    }

    #[test]
    fn what_is_kept_is_limited() {
        let (sum, mut spare) = (aggregate(AggregateFunction::Sum), Spare::default());
        let pane = used(&mut spare, &sum, 100_000);
        assert!(pane.bytes() > PANE_BYTES_MAX);
        spare.keep(pane);
        assert_eq!((spare.panes.len(), spare.bytes), (0, 0));
        let panes: Vec<_> = (0..2000).map(|_| used(&mut spare, &sum, 100)).collect();
        assert!(panes.iter().map(Pane::bytes).sum::<usize>() > BYTES_MAX);
        panes.into_iter().for_each(|pane| spare.keep(pane));
        assert!(spare.bytes <= BYTES_MAX && spare.bytes > BYTES_MAX / 2);
    }

    #[test]
    fn panes_that_cannot_be_cleared_are_not_kept() {
        let (distinct, mut spare) = (aggregate(AggregateFunction::CountDistinct), Spare::default());
        let pane = used(&mut spare, &distinct, 3);
        spare.keep(pane);
        assert_eq!((spare.panes.len(), spare.bytes), (0, 0));
    }
}

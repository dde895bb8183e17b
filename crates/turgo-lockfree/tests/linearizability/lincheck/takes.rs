//! What a history says about values before the search begins: when each was taken out.
//!
//! Pushes that overlap may have happened in any order, and the number of orders is a factorial. Most of them do not fit the pops that follow, but a
//! search sees that only when it gets there. What leaves a queue or a stack is known in advance, so it is asked at once.
//!
//! # Invariants
//!
//! - **L6** Where every value is put in once and taken out once at most, what lies before a value leaves before it. A state in which a value lies before
//!   another whose taker had returned before its own was called is a dead end; so is one in which a value that nobody takes lies before one that somebody
//!   does. Values that nobody takes come last, and the rest of the history is the same in whatever order they lie.

use std::collections::HashMap;

/// When each value was taken out: the call and the return of the operation that did.
#[derive(Debug)]
pub(crate) struct Takes(HashMap<u32, (u64, u64)>);

/// A value, and the call and the return of the operation that took it.
pub(crate) type Take = (u32, u64, u64);

impl Takes {
    /// Nothing where a value is put in twice or taken out twice: then L6 does not hold.
    pub(crate) fn new(
        put: impl IntoIterator<Item = u32>,
        taken: impl IntoIterator<Item = Take>,
    ) -> Option<Self> {
        let mut put: Vec<u32> = put.into_iter().collect();
        put.sort_unstable();
        let mut takes = HashMap::new();
        let is_first =
            |(value, called, returned)| takes.insert(value, (called, returned)).is_none();
        let is_once = put.windows(2).all(|pair| pair[0] != pair[1]);
        (is_once && taken.into_iter().all(is_first)).then_some(Self(takes))
    }

    /// Sorts the values that nobody takes; false where no order of what is left takes out the others (L6). The first of `values` leaves first.
    pub(crate) fn settle(&self, values: &mut [u32]) -> bool {
        let taken = values.iter().take_while(|value| self.0.contains_key(value)).count();
        let (before, behind) = values.split_at_mut(taken);
        behind.sort_unstable();
        // The latest call among the takers of what lies further in front.
        let mut called_last = 0;
        let in_order = before.iter().all(|value| {
            let (called, returned) = self.0[value];
            called_last = called_last.max(called);
            called_last < returned
        });
        in_order && !behind.iter().any(|value| self.0.contains_key(value))
    }
}

//! Where the next push or pop of an [`ArrayQueue`](super::ArrayQueue) takes place.

/// A lap and a slot in one word: `lap * one_lap + slot`, with `slot < capacity < one_lap` and `one_lap` a power of two.
///
/// A position plus one is no position of the same slot (`one_lap > capacity`), so that a slot's sequence number tells "free for this
/// position" from "filled at this position".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(pub(super) usize);

/// The sizes all positions of a queue share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Laps {
    pub(super) capacity: usize,
    one_lap: usize,
}

impl Laps {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, one_lap: (capacity + 1).next_power_of_two() }
    }

    pub(super) fn slot(self, position: Position) -> usize {
        position.0 & (self.one_lap - 1)
    }

    /// The position after this one.
    pub(super) fn next(self, position: Position) -> Position {
        let slot = self.slot(position);
        if slot + 1 < self.capacity {
            Position(position.0 + 1)
        } else {
            Position((position.0 - slot).wrapping_add(self.one_lap))
        }
    }

    /// The same slot one lap on.
    pub(super) fn next_lap(self, position: Position) -> Position {
        Position(position.0.wrapping_add(self.one_lap))
    }

    /// Items between two positions, where `head` is at most one lap behind `tail`.
    pub(super) fn distance(self, head: Position, tail: Position) -> usize {
        let (first, end) = (self.slot(head), self.slot(tail));
        if first < end {
            end - first
        } else if first > end {
            self.capacity - first + end
        } else if head == tail {
            0
        } else {
            self.capacity
        }
    }
}

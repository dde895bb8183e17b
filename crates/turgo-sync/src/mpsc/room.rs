//! What limits a channel: permits, or nothing.

use core::fmt;

use crate::access::Access;
use crate::fairness::Fifo;
use crate::lane::Lane;
use crate::permits::Permits;

/// What limits a channel.
pub(super) trait Room {
    /// So much room is free again.
    fn give(&self, count: usize);
    /// No more values are accepted but those that room was reserved for.
    fn close<T, A: Access>(&self, lane: &Lane<T, A>);
    /// Whether it was closed.
    fn is_closed<T, A: Access>(&self, lane: &Lane<T, A>) -> bool;
    /// Whether all was received and nothing is reserved.
    fn is_idle<T, A: Access>(&self, lane: &Lane<T, A>) -> bool;
}

/// Room for so many values.
pub(super) struct Bounded<A: Access> {
    pub(super) permits: Permits<Fifo, A>,
    pub(super) max: usize,
}

/// Room for any number of values.
#[derive(Debug)]
pub(super) struct Unbounded;

impl<C: Access> Room for Bounded<C> {
    #[inline(always)]
    fn give(&self, count: usize) {
        self.permits.give(count as u64);
    }

    fn close<T, A: Access>(&self, _lane: &Lane<T, A>) {
        self.permits.close();
    }

    fn is_closed<T, A: Access>(&self, _lane: &Lane<T, A>) -> bool {
        self.permits.is_closed()
    }

    fn is_idle<T, A: Access>(&self, _lane: &Lane<T, A>) -> bool {
        self.permits.available() == self.max as u64
    }
}

impl Room for Unbounded {
    #[inline(always)]
    fn give(&self, _count: usize) {}

    fn close<T, A: Access>(&self, lane: &Lane<T, A>) {
        lane.close();
    }

    fn is_closed<T, A: Access>(&self, lane: &Lane<T, A>) -> bool {
        lane.is_closed()
    }

    fn is_idle<T, A: Access>(&self, lane: &Lane<T, A>) -> bool {
        lane.len() == 0
    }
}

impl<A: Access> fmt::Debug for Bounded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("permits", &self.permits).field("max", &self.max).finish()
    }
}

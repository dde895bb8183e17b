//! What limits a channel: permits, or nothing.

use core::fmt;

use turgo_machine::CachePadded;
use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use crate::access::{Access, Word};
use crate::fairness::Fifo;
use crate::lane::Lane;
use crate::permits::{PERMITS_MAX, Permits};

/// Somebody waits for room, or did; in the word of freed room, below the number.
const WANTED: u64 = 1;
/// Room for one value more is freed.
const FREED: u64 = 1 << 1;

const _: () = assert!(PERMITS_MAX <= u64::MAX / FREED, "all room may be freed");

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
///
/// Senders take permits from one word, and receivers put what they free into another: so neither waits for the other's processor to let go of a
/// word, but once in as many values as were freed meanwhile (C5).
pub(super) struct Bounded<A: Access> {
    pub(super) permits: CachePadded<Permits<Fifo, A>>,
    freed: CachePadded<A::Word>,
    pub(super) max: usize,
}

/// Room for any number of values.
#[derive(Debug)]
pub(super) struct Unbounded;

impl<A: Access> Bounded<A> {
    pub(super) fn new(max: usize) -> Self {
        let permits = CachePadded::new(Permits::new(max as u64));
        Self { permits, freed: CachePadded::new(A::Word::new(0)), max }
    }

    /// How much there is for the taking. What is just becoming permits is not counted.
    pub(super) fn available(&self) -> usize {
        let permits = self.permits.available();
        // Acquire: comes after who freed it.
        let freed = self.freed.load(Ordering::Acquire) / FREED;
        // What was taken and freed in between was counted twice.
        ((permits + freed) as usize).min(self.max)
    }

    /// Makes permits of what was freed. Answers whether there was any.
    pub(super) fn collect(&self) -> bool {
        // Relaxed: what was freed before this call is seen; who waits looks by an exchange, in `want`.
        if self.freed.load(Ordering::Relaxed) < FREED {
            return false;
        }
        // AcqRel: in the order of all who free, who want and who ask whether it is idle (C5, C6).
        let freed = self.freed.fetch_and(WANTED, Ordering::AcqRel) / FREED;
        self.permits.give(freed);
        freed > 0
    }

    /// Somebody waits, in the queue already: what was freed before becomes permits now, and what is freed from here on when it is freed.
    pub(super) fn want(&self) {
        // AcqRel: the queue comes before, for who frees (C5); what was freed is found.
        if self.freed.fetch_or(WANTED, Ordering::AcqRel) >= FREED {
            self.hand_over(0);
        }
    }

    /// Makes permits of so much and of what was freed, and stops doing so when nobody waits. A waker that panics leaves it wanted.
    #[cold]
    fn hand_over(&self, mut count: u64) {
        loop {
            // Relaxed: as in `collect`; who freed it in between does this, too.
            if self.freed.load(Ordering::Relaxed) >= FREED {
                // AcqRel: as in `collect`.
                count += self.freed.fetch_and(WANTED, Ordering::AcqRel) / FREED;
            }
            self.permits.give(count);
            count = 0;
            if self.permits.may_have_waiters() && !mutant!("C5 not wanted any more") {
                return;
            }
            // AcqRel, Acquire: who has said before that he wants it is in the queue, and seen there below. Release: for the order of all.
            self.freed.fetch_and(!WANTED, Ordering::AcqRel);
            if !self.permits.may_have_waiters() || mutant!("C5 not wanted any more") {
                return;
            }
            // AcqRel: as in `want`.
            self.freed.fetch_or(WANTED, Ordering::AcqRel);
        }
    }
}

impl<C: Access> Room for Bounded<C> {
    #[inline(always)]
    fn give(&self, count: usize) {
        if count == 0 {
            return;
        }
        let count = count as u64;
        // Relaxed: only a shorter way.
        if self.freed.load(Ordering::Relaxed) & WANTED != 0 {
            self.hand_over(count);
        // AcqRel: in the order of all who free, who want and who ask whether it is idle (C5, C6).
        } else if self.freed.fetch_add(count * FREED, Ordering::AcqRel) & WANTED != 0 {
            self.hand_over(0);
        }
    }

    fn close<T, A: Access>(&self, _lane: &Lane<T, A>) {
        self.permits.close();
    }

    fn is_closed<T, A: Access>(&self, _lane: &Lane<T, A>) -> bool {
        self.permits.is_closed()
    }

    fn is_idle<T, A: Access>(&self, _lane: &Lane<T, A>) -> bool {
        let freed = if mutant!("C6 looked at and not exchanged") {
            self.freed.load(Ordering::Acquire)
        } else {
            // AcqRel: comes after all who asked before, and they after what they gave (C6).
            self.freed.fetch_add(0, Ordering::AcqRel)
        };
        self.permits.available() + freed / FREED == self.max as u64
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
        f.debug_struct("Bounded").field("room", &self.available()).field("max", &self.max).finish()
    }
}

//! What the owner and the thieves of a deque share, and the thieves' side of the protocol. Invariants: [the module above](super).

use core::mem::MaybeUninit;

use turgo_machine::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use turgo_machine::{CachePadded, mutant};

use super::steal::Steal;
use super::top::Top;
use super::words::{View, Words, free_all};
use crate::drain::drop_all;
use crate::pause;

/// The most items one compare-and-swap may take out of a last-in-first-out deque (D3).
pub(super) const CLAIM_MAX: u32 = if cfg!(loom) { 2 } else { 8 };

/// Which end the owner pops from. Thieves always take the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Lifo,
    Fifo,
}

/// What both sides read and write, on one line: a steal and a pop each look at both ends and write to one, so two lines would come over from the other
/// processor where one does.
struct Ends<T> {
    top: AtomicU64,
    bottom: AtomicU32,
    buffer: AtomicPtr<Words<T>>,
}

pub(super) struct Shared<T> {
    ends: CachePadded<Ends<T>>,
    pub(super) order: Order,
}

// SAFETY: D4. An item moves to the one thread that took it; slots are atomic words.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: owning the deque is owning its items and buffers.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn new(order: Order, slots: u32) -> Self {
        let buffer = Words::new(slots, core::ptr::null_mut());
        Self {
            ends: CachePadded::new(Ends {
                top: AtomicU64::new(Top::START.0),
                bottom: AtomicU32::new(Top::START.index()),
                buffer: AtomicPtr::new(buffer),
            }),
            order,
        }
    }

    /// The top as it is: at least what any earlier load of this thread saw.
    #[inline]
    pub(super) fn top(&self) -> Top {
        // Acquire: pairs with the Release in `try_claim`: thieves are done with the slots below, which the owner may overwrite.
        Top(self.ends.top.load(Ordering::Acquire))
    }

    /// By the owner: the items below `bottom` are there for thieves.
    #[inline]
    pub(super) fn set_bottom(&self, bottom: u32) {
        let order =
            if mutant!("D5 Relaxed publication") { Ordering::Relaxed } else { Ordering::Release };
        // Release: hands the items below to the Acquire in `bottom`. Also where the index falls: a thief that reads the lower one
        // must see the items below it, and a later store does not continue the release of an earlier one.
        self.ends.bottom.store(bottom, order);
    }

    fn bottom(&self) -> u32 {
        // Acquire: pairs with the Release in `set_bottom`.
        self.ends.bottom.load(Ordering::Acquire)
    }

    /// By the owner: moves thieves to a buffer that holds all items.
    pub(super) fn set_buffer(&self, buffer: *mut Words<T>) {
        // Release: hands the copied items to the Acquire in `buffer`.
        self.ends.buffer.store(buffer, Ordering::Release);
    }

    pub(super) fn buffer(&self) -> *mut Words<T> {
        // Acquire: pairs with the Release in `set_buffer`.
        self.ends.buffer.load(Ordering::Acquire)
    }

    /// By the owner, who has lowered `bottom`: makes every thief fail that has read the top, and gives the top that they have read last.
    #[inline]
    pub(super) fn fend_off(&self) -> Top {
        let step = if mutant!("D2 pop keeps the version") { 0 } else { Top::VERSION };
        // AcqRel, Release: a thief that reads the new version sees the lower bottom (Acquire in `top`). Acquire: as in `top`.
        Top(self.ends.top.fetch_add(step, Ordering::AcqRel))
    }

    /// By the owner of a first-in-first-out deque, who knows `bottom`: takes the oldest item's index. Gives the top where there is none.
    #[inline]
    pub(super) fn take_oldest(&self, bottom: u32) -> Result<u32, Top> {
        // AcqRel, Acquire: as in `top`. Release: keeps up the one of the thief before.
        let top = Top(self.ends.top.fetch_add(1, Ordering::AcqRel));
        if top.distance(bottom) > 0 {
            return Ok(top.index());
        }
        // Release: as above. No thief has moved the top: past `bottom` all find it empty (D1).
        self.ends.top.store(top.0, Ordering::Release);
        Err(top)
    }

    pub(super) fn len(&self) -> usize {
        let top = self.top();
        // SeqCst: pairs with itself and the owner's fence, as in `view`.
        fence(Ordering::SeqCst);
        usize::try_from(top.distance(self.bottom())).unwrap_or(0)
    }

    /// By a thief: the top, the items there are, and the buffer they are in.
    fn view(&self) -> (Top, u32, *mut Words<T>) {
        let early = if mutant!("D6 buffer read before bottom") {
            self.buffer()
        } else {
            core::ptr::null_mut()
        };
        let top = self.top();
        if !mutant!("D3 no fence in steal") {
            // SeqCst: pairs with the fence in `Owner::pop_newest`: the owner sees this top or a later one, or we its lower bottom (D3).
            fence(Ordering::SeqCst);
        }
        let length = u32::try_from(top.distance(self.bottom())).unwrap_or(0);
        // D6: after `bottom`.
        let buffer = if early.is_null() { self.buffer() } else { early };
        (top, length, buffer)
    }

    /// How many of `length` items one compare-and-swap may take.
    fn claimable(&self, wanted: u32) -> u32 {
        match self.order {
            Order::Lifo if !mutant!("D3 claim past the limit") => wanted.min(CLAIM_MAX),
            _ => wanted,
        }
    }

    /// By a thief: takes `count` items from `top` on, or finds that somebody else has moved it.
    fn try_claim(&self, top: Top, count: u32) -> bool {
        // Release: we are done with the slots, which the owner overwrites only after its Acquire in `top`. Relaxed on failure: what was read
        // is thrown away.
        let order = Ordering::Release;
        self.ends.top.compare_exchange(top.0, top.claim(count).0, order, Ordering::Relaxed).is_ok()
    }

    pub(super) fn steal(&self) -> Steal<T> {
        let (top, length, buffer) = self.view();
        if length == 0 {
            return Steal::Empty;
        }
        // SAFETY: D7, no buffer is freed before the deque.
        let view = unsafe { &*buffer }.view();
        pause::point("deque steal");
        let item = view.read(top.index());
        if !self.try_claim(top, 1) && !mutant!("D4 claim not looked at") {
            return Steal::Retry;
        }
        // SAFETY: D4, D6: the claim succeeded, so the words are the item's and the item is ours.
        Steal::Success(unsafe { item.assume_init() })
    }

    /// By a thief: half of the items, rounded up and at most `limit`, the oldest first. `place` is told for each its number and the buffer and
    /// index it is at, and copies the words away before it is known whether they are ours. Says how many of them are.
    pub(super) fn steal_many(
        &self,
        limit: u32,
        mut place: impl FnMut(u32, View<T>, u32),
    ) -> Steal<u32> {
        let (mut taken, mut target) = (0, limit);
        loop {
            let (top, length, buffer) = self.view();
            if taken == 0 {
                if length == 0 {
                    return Steal::Empty;
                }
                target = limit.min(length.div_ceil(2));
            }
            let count = self.claimable((target - taken).min(length));
            if count == 0 {
                return Steal::Success(taken);
            }
            // SAFETY: D7, no buffer is freed before the deque.
            let view = unsafe { &*buffer }.view();
            for number in 0..count {
                place(taken + number, view, top.index().wrapping_add(number));
            }
            pause::point("deque claim");
            if self.try_claim(top, count) || mutant!("W3 words of a lost claim") {
                taken += count;
            } else if taken == 0 {
                return Steal::Retry;
            } else {
                return Steal::Success(taken);
            }
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        struct Buffers<T>(*mut Words<T>);

        impl<T> Drop for Buffers<T> {
            fn drop(&mut self) {
                // SAFETY: the deque goes, so nobody reads from its buffers any more; D7 chains all of them.
                unsafe { free_all(self.0) };
            }
        }

        let buffers = Buffers(self.buffer());
        let (mut top, bottom) = (self.top(), self.bottom());
        drop_all(|| {
            if top.distance(bottom) <= 0 {
                return None;
            }
            // SAFETY: `buffers` frees it later.
            let view = unsafe { &*buffers.0 }.view();
            let item: MaybeUninit<T> = view.read(top.index());
            top = top.claim(1);
            // SAFETY: D4: nobody took the items from top to bottom.
            Some(unsafe { item.assume_init() })
        });
    }
}

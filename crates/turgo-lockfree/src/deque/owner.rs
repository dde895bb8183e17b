//! The owner's side of the protocol, for growable and bounded deques alike. Invariants: [the module above](super).

use alloc::sync::Arc;
use core::cell::Cell;

use turgo_machine::atomic::{Ordering, fence};
use turgo_machine::mutant;

use super::shared::{CLAIM_MAX, Order, Shared};
use super::steal::Steal;
use super::top::Top;
use super::words::{View, Words, free_all};

/// The most slots a buffer can have: the items between two indices stay below 2^31.
const SLOTS_MAX: u32 = 1 << 30;

pub(super) struct Owner<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// `Shared::bottom`, which only we store. A copy on a line that no thief reads: where one does, the owner would wait for its own line.
    bottom: Cell<u32>,
    /// A top of the past: there is at least the room it tells of (D8).
    seen: Cell<Top>,
    /// The slots of `Shared::buffer`, which only we store.
    view: Cell<View<T>>,
    order: Order,
}

// SAFETY: the cells move with the owner, of which there is one; items are reached through `Shared`, which is `Send` where they are.
unsafe impl<T: Send> Send for Owner<T> {}

impl<T> Owner<T> {
    pub(super) fn new(order: Order, slots: u32) -> Self {
        let shared = Arc::new(Shared::new(order, slots));
        // SAFETY: D7, no buffer is freed before the deque.
        let view = Cell::new(unsafe { &*shared.buffer() }.view());
        Self { shared, bottom: Cell::new(0), seen: Cell::new(Top::START), view, order }
    }

    #[inline(always)]
    fn set_bottom(&self, bottom: u32) {
        self.bottom.set(bottom);
        self.shared.set_bottom(bottom);
    }

    pub(super) fn len(&self) -> usize {
        usize::try_from(self.shared.top().distance(self.bottom.get())).unwrap_or(0)
    }

    /// How many items fit into `capacity`, looking at the top only if fewer than `wanted` seem to (D8).
    #[inline]
    pub(super) fn room(&self, capacity: u32, wanted: u32) -> u32 {
        let bottom = self.bottom.get();
        let room = capacity.wrapping_sub(bottom.wrapping_sub(self.seen.get().index()));
        if room >= wanted { room } else { self.look_for_room(capacity, bottom) }
    }

    fn look_for_room(&self, capacity: u32, bottom: u32) -> u32 {
        self.seen.set(self.shared.top());
        capacity - bottom.wrapping_sub(self.seen.get().index())
    }

    /// Writes an item where there is room, and shows it to thieves.
    #[inline]
    pub(super) fn put(&self, value: T) {
        let (bottom, view) = (self.bottom.get(), self.view.get());
        view.write(bottom, value);
        self.set_bottom(bottom.wrapping_add(1));
    }

    /// As `put`, where the deque holds less than `capacity` items as far as we know (D8); else gives the item back.
    #[inline]
    pub(super) fn put_below(&self, capacity: u32, value: T) -> Result<(), T> {
        let (bottom, view) = (self.bottom.get(), self.view.get());
        if bottom.wrapping_sub(self.seen.get().index()) >= capacity {
            return Err(value);
        }
        view.write(bottom, value);
        self.set_bottom(bottom.wrapping_add(1));
        Ok(())
    }

    #[inline]
    pub(super) fn slots(&self) -> u32 {
        self.view.get().slots()
    }

    /// Moves all items to a buffer with room for `wanted` more.
    ///
    /// # Panics
    ///
    /// Where the deque would need more than 2^30 slots.
    #[cold]
    pub(super) fn grow(&self, wanted: u32) {
        // The look that found no room, not another one: the buffer would be as large as the one before where thieves have made room since (D7).
        let (top, bottom) = (self.seen.get(), self.bottom.get());
        let needed = bottom.wrapping_sub(top.index()).checked_add(wanted);
        let needed = needed.filter(|needed| *needed <= SLOTS_MAX).expect("a deque past 2^30 items");
        let slots = needed.next_power_of_two();
        debug_assert!(slots > self.slots(), "it had room");
        let is_freed = mutant!("D7 buffer freed when it grows");
        let smaller = self.shared.buffer();
        let previous = if is_freed { core::ptr::null_mut() } else { smaller };
        let larger = Words::new(slots, previous);
        // SAFETY: `new` allocated it, and nobody else knows it yet.
        let view = unsafe { &*larger }.view();
        let mut index = top.index();
        while index != bottom {
            self.view.get().copy(index, view, index);
            index = index.wrapping_add(1);
        }
        self.view.set(view);
        self.shared.set_buffer(larger);
        if is_freed {
            // SAFETY: wrong on purpose: a thief may still read from it.
            unsafe { free_all(smaller) };
        }
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<T> {
        // Nothing has been pushed since the deque was seen empty.
        if self.seen.get().index() == self.bottom.get() && !mutant!("D1 pop underflow") {
            return None;
        }
        match self.order {
            Order::Lifo => self.pop_newest(),
            Order::Fifo => self.pop_oldest(),
        }
    }

    fn pop_oldest(&self) -> Option<T> {
        let view = self.view.get();
        let index = match self.shared.take_oldest(self.bottom.get()) {
            Ok(index) => index,
            Err(top) => {
                self.seen.set(top);
                return None;
            }
        };
        let item = view.read(index);
        // SAFETY: D4: the index was ours alone to take.
        Some(unsafe { item.assume_init() })
    }

    #[inline]
    fn pop_newest(&self) -> Option<T> {
        let limit = CLAIM_MAX as i32;
        // A reference, for it to be at hand on the other side of the fence.
        let shared = &*self.shared;
        let bottom = self.bottom.get().wrapping_sub(1);
        // `seen` is no later than the top, so a short distance to it is no longer to the top.
        if self.seen.get().distance(bottom) < limit {
            shared.set_bottom(bottom);
            return self.pop_near_top(bottom);
        }
        // Before the fence, so that nothing has to be waited for after it: only we write to the slot, and what it holds is ours only below.
        let item = self.view.get().read(bottom);
        shared.set_bottom(bottom);
        if !mutant!("D3 no fence in pop") {
            // SeqCst: pairs with the fence in `Shared::view`: a thief sees this bottom, or we its top or a later one (D3).
            fence(Ordering::SeqCst);
        }
        let top = shared.top();
        if top.distance(bottom) < limit {
            return self.pop_near_top(bottom);
        }
        if self.seen.get() != top {
            // What is stored here has to be out before the next fence is through.
            self.seen.set(top);
        }
        self.bottom.set(bottom);
        // SAFETY: D4: we have taken the item at `bottom`, which we wrote.
        Some(unsafe { item.assume_init() })
    }

    /// Takes the item at `bottom`, which thieves may be about to take (D2). `shared.bottom` is lowered to it.
    #[inline]
    fn pop_near_top(&self, bottom: u32) -> Option<T> {
        let top = self.shared.fend_off();
        self.seen.set(top);
        if top.distance(bottom) < 0 && !mutant!("D1 pop underflow") {
            // It was the last and was stolen. The index goes back up.
            self.shared.set_bottom(bottom.wrapping_add(1));
            return None;
        }
        self.bottom.set(bottom);
        Some(self.take(bottom))
    }

    #[inline]
    fn take(&self, index: u32) -> T {
        let item = self.view.get().read(index);
        // SAFETY: D4: the caller has taken the item at `index`, which we wrote.
        unsafe { item.assume_init() }
    }

    /// Steals up to `limit` items into the room there is for them, which the caller has made sure of, and shows them to thieves. With `one` the
    /// item that this deque would have popped first is given back instead: stolen items keep the order in which their owner
    /// would have popped them.
    pub(super) fn steal_from(&self, from: &Shared<T>, limit: u32, one: bool) -> Steal<Option<T>> {
        let (bottom, words) = (self.bottom.get(), self.view.get());
        from.steal_many(limit, |number, buffer, index| {
            buffer.copy(index, words, bottom.wrapping_add(number));
        })
        .map(|count| {
            let at = |number: u32| bottom.wrapping_add(number);
            // Now ours, the oldest first. The order in which our own pops give them must be that of their owner.
            if from.order != self.order {
                (0..count / 2).for_each(|number| words.swap(at(number), at(count - 1 - number)));
            }
            if !one {
                self.set_bottom(at(count));
                return None;
            }
            let first = match self.order {
                Order::Lifo => at(count - 1),
                Order::Fifo => at(0),
            };
            let item = self.take(first);
            if first == bottom {
                (1..count).for_each(|number| words.copy(at(number), words, at(number - 1)));
            }
            self.set_bottom(at(count - 1));
            Some(item)
        })
    }

    /// Writes up to `limit` items into the room there is for them, which the caller has made sure of, so that this deque pops the first of them
    /// first, and shows them to thieves. Says how many there were. `take` puts up to as many items as it is told, and says whether there may be more.
    pub(super) fn take_in(
        &self,
        limit: u32,
        take: impl Fn(usize, &mut dyn FnMut(T)) -> bool,
    ) -> u32 {
        let (bottom, words) = (self.bottom.get(), self.view.get());
        let at = |number: u32| bottom.wrapping_add(number);
        let mut count = 0;
        while count < limit {
            let wanted = (limit - count) as usize;
            let more = take(wanted, &mut |item| {
                words.write(at(count), item);
                count += 1;
            });
            if !more {
                break;
            }
        }
        if self.order == Order::Lifo {
            (0..count / 2).for_each(|number| words.swap(at(number), at(count - 1 - number)));
        }
        self.set_bottom(at(count));
        count
    }
}

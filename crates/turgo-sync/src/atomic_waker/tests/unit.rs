//! What one thread can see.

use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::access::{Access, Local, Shared};
use crate::atomic_waker::AtomicWaker;
use crate::tests::probe::{Wakes, each_access};

each_access!(
    the_last_waker_is_woken_once,
    the_same_waker_is_not_cloned_again,
    a_waker_may_use_the_slot_while_it_is_cloned_or_dropped,
);

fn the_last_waker_is_woken_once<A: Access>() {
    let slot = AtomicWaker::<A>::new();
    slot.wake();
    let ((first, one), (last, other)) = (Wakes::new(), Wakes::new());
    slot.register(&one);
    slot.register(&other);
    assert_eq!(Arc::strong_count(&first), 2, "it was replaced");
    slot.wake();
    slot.wake();
    assert_eq!((first.count(), last.count()), (0, 1));
    slot.register(&one);
    assert!(slot.take().is_some_and(|waker| waker.will_wake(&one)));
    assert!(slot.take().is_none());
}

fn the_same_waker_is_not_cloned_again<A: Access>() {
    let slot = AtomicWaker::<A>::new();
    let (wakes, waker) = Wakes::new();
    for _ in 0..3 {
        slot.register(&waker);
        assert_eq!(Arc::strong_count(&wakes), 3);
    }
    drop(slot);
    assert_eq!(Arc::strong_count(&wakes), 2);
}

/// A waker that uses its own slot whenever it is cloned, woken or dropped.
struct Uses<A: Access>(AtomicWaker<A>);

impl<A: Access> Uses<A> {
    const TABLE: RawWakerVTable =
        RawWakerVTable::new(Self::clone, Self::touch, Self::touch, Self::touch);

    fn waker(&'static self) -> Waker {
        let raw = RawWaker::new(std::ptr::from_ref(self).cast(), &Self::TABLE);
        // SAFETY: the functions take pointers to what lives for ever.
        unsafe { Waker::from_raw(raw) }
    }

    fn touch(this: *const ()) {
        // SAFETY: as above.
        let this = unsafe { &*this.cast::<Self>() };
        let (_, waker) = Wakes::new();
        this.0.register(&waker);
        let kept = this.0.take();
        assert!(kept.is_some_and(|kept| kept.will_wake(&waker)), "nobody holds the slot");
    }

    fn clone(this: *const ()) -> RawWaker {
        Self::touch(this);
        RawWaker::new(this, &Self::TABLE)
    }
}

fn a_waker_may_use_the_slot_while_it_is_cloned_or_dropped<A: Access>() {
    let uses: &'static Uses<A> = Box::leak(Box::new(Uses(AtomicWaker::new())));
    let waker = uses.waker();
    uses.0.register(&waker);
    let (wakes, other) = Wakes::new();
    uses.0.register(&other);
    uses.0.wake();
    assert!(wakes.count() <= 1);
    assert!(uses.0.take().is_none());
}

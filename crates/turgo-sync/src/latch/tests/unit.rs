//! What one thread can see.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::access::{Access, Local, Shared};
use crate::latch::{Latch, WaitGroup};
use crate::tests::probe::{Wakes, each_access, poll, poll_idle};

each_access!(
    a_latch_lets_all_go_at_zero,
    a_group_can_be_used_again,
    more_than_there_is_cannot_be_done,
    who_comes_and_waits_comes_once,
);

fn a_latch_lets_all_go_at_zero<A: Access>() {
    let latch = Latch::<A>::new(3);
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(latch.wait());
    assert!(poll(&mut waits, &waker).is_pending());
    latch.count_down();
    latch.count_down_by(0);
    assert_eq!((latch.count(), latch.try_wait(), wakes.count()), (2, false, 0));
    latch.count_down_by(2);
    assert_eq!((latch.count(), latch.try_wait(), wakes.count()), (0, true, 1));
    assert!(poll_idle(&mut waits).is_ready());
    assert!(poll_idle(&mut Box::pin(latch.wait())).is_ready());
    assert!(poll_idle(&mut Box::pin(Latch::<A>::new(0).wait())).is_ready());
}

fn a_group_can_be_used_again<A: Access>() {
    let group = WaitGroup::<A>::new();
    assert!(poll_idle(&mut Box::pin(group.wait())).is_ready(), "there is no work");
    group.add(2);
    let guard = group.done_on_drop();
    let mut first = Box::pin(group.wait());
    assert!(poll_idle(&mut first).is_pending());
    group.done();
    drop(guard);
    group.add(1);
    let mut second = Box::pin(group.wait());
    assert!(poll_idle(&mut second).is_pending());
    assert!(poll_idle(&mut first).is_ready(), "its work was done");
    group.done();
    assert!(poll_idle(&mut second).is_ready());
}

fn more_than_there_is_cannot_be_done<A: Access>() {
    let latch = Latch::<A>::new(1);
    assert!(catch_unwind(AssertUnwindSafe(|| latch.count_down_by(2))).is_err());
    assert_eq!(latch.count(), 1, "nothing was counted");
    let group = WaitGroup::<A>::new();
    assert!(catch_unwind(AssertUnwindSafe(|| group.done())).is_err());
    group.add((1 << 30) - 1);
    assert!(catch_unwind(AssertUnwindSafe(|| group.add(1))).is_err());
    assert_eq!(group.count(), (1 << 30) - 1);
}

fn who_comes_and_waits_comes_once<A: Access>() {
    let latch = Latch::<A>::new(2);
    let mut one = Box::pin(latch.arrive_and_wait());
    assert!(poll_idle(&mut one).is_pending());
    assert!(poll_idle(&mut one).is_pending());
    assert_eq!(latch.count(), 1);
    assert!(poll_idle(&mut Box::pin(latch.arrive_and_wait())).is_ready());
    assert!(poll_idle(&mut one).is_ready());
}

#[test]
fn threads_wait_for_threads() {
    static LATCH: crate::Latch = crate::Latch::const_new(4);
    static GROUP: crate::WaitGroup = crate::WaitGroup::const_new();
    for _ in 0..4 {
        GROUP.add(1);
        turgo_machine::thread::spawn(|| {
            let _done = GROUP.done_on_drop();
            LATCH.count_down();
        });
    }
    LATCH.blocking_wait();
    GROUP.blocking_wait();
    assert_eq!((LATCH.count(), GROUP.count()), (0, 0));
}

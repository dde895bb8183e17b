//! One thread with many reservations, and many threads.

use proptest::collection::vec;
use proptest::prelude::*;
use turgo_machine::thread;

use super::*;

fn needs() -> impl Strategy<Value = Resources> {
    let lane = prop_oneof![2 => Just(0.0f32), 3 => 0.0..0.6f32];
    proptest::array::uniform8(lane).prop_map(Resources)
}

proptest! {
    #[test]
    fn what_is_free_and_what_is_held_is_all(steps in vec((needs(), 0..40usize), 1..60)) {
        let capacity = Resources([1.0, 0.5, 1.0, 0.7, 1.0, 1.0, 0.6, 1.0]);
        let node = Capacity::new(capacity);
        let mut held = Vec::new();
        for (need, at) in steps {
            if at < held.len() {
                drop(held.swap_remove(at));
            }
            let before = node.free();
            let fits = node.parts(need).is_ok_and(|parts| {
                parts.iter().zip(before.0).all(|(&part, free)| part as f32 <= free * WHOLE as f32)
            });
            match node.reserve(need) {
                Ok(reservation) => {
                    prop_assert!(fits, "R1");
                    held.push(reservation);
                }
                Err(refused) => {
                    prop_assert!(!fits, "{}", refused);
                    prop_assert_eq!(node.free(), before, "R2");
                    prop_assert_eq!(refused.never, !need.fits(capacity));
                }
            }
            for lane in Lane::ALL {
                let sum: f32 = held.iter().map(|held| held.held().get(lane)).sum();
                prop_assert!((sum + node.free().get(lane) - 1.0).abs() < 1e-5, "R1: {:?}", lane);
            }
        }
        held.clear();
        prop_assert_eq!(node.free(), Resources::WHOLE, "R3");
    }
}

#[test]
fn ten_tenths_fit_and_no_more() {
    let node = Capacity::new(pair(1.0, 0.0));
    let held: Vec<_> = (0..10).map(|_| node.reserve(pair(0.1, 0.0)).expect("fits")).collect();
    assert!(node.reserve(pair(0.1, 0.0)).is_err_and(|refused| !refused.never));
    assert!(node.reserve(pair(1.1, 0.0)).is_err_and(|refused| refused.never));
    let nothing = node.reserve(pair(0.0, 1e-9)).expect_err("there is none");
    assert_eq!(nothing, Refused { lane: Lane::Memory, never: true });
    assert!(node.reserve(pair(f32::NAN, 0.0)).is_err());
    assert!(node.reserve(pair(-1.0, 0.0)).is_err());
    drop(held);
    assert!(node.reserve(pair(1.0, 0.0)).is_ok());
}

#[test]
fn a_panic_gives_back_once() {
    let node = Capacity::new(pair(1.0, 1.0));
    let _outer = node.reserve(pair(0.5, 0.0));
    let panics = || {
        let _held = node.reserve(pair(0.25, 0.5)).expect("fits");
        panic!("planned");
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(node.free().get(Lane::Cpu), 0.5, "R3");
    assert_eq!(node.free().get(Lane::Memory), 1.0, "R3");
}

#[test]
fn threads_never_hold_more_than_there_is() {
    use turgo_machine::atomic::{AtomicU32, Ordering};
    let node: &'static Capacity = Box::leak(Box::new(Capacity::new(pair(4.0, 3.0))));
    let holders: &'static AtomicU32 = Box::leak(Box::new(AtomicU32::new(0)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                let mut granted = 0u32;
                for round in 0..20_000 {
                    let Ok(held) = node.reserve(pair(1.0, 1.0)) else { continue };
                    // Relaxed: counts only.
                    let beside = holders.fetch_add(1, Ordering::Relaxed);
                    assert!(beside < 3, "R1: {beside} others hold a third each");
                    if round % 64 == 0 {
                        thread::yield_now();
                    }
                    // Relaxed: as above.
                    holders.fetch_sub(1, Ordering::Relaxed);
                    granted += 1;
                    drop(held);
                }
                granted
            })
        })
        .collect();
    let granted: u32 = threads.into_iter().map(|thread| thread.join().expect("ends")).sum();
    assert!(granted > 20_000);
    assert_eq!(node.free(), pair(1.0, 1.0), "R1");
}

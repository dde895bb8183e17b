//! The operations against lanes in a loop, and against the algebra.

use proptest::prelude::*;

use super::*;
use crate::octonion::Octonion;

/// Amounts that are exact in `f32`, and so are their sums and products.
fn vectors() -> impl Strategy<Value = Resources> {
    proptest::array::uniform8(0..64u8).prop_map(|lanes| Resources(lanes.map(f32::from)))
}

proptest! {
    #[test]
    fn operations_are_lane_by_lane(a in vectors(), b in vectors(), factor in 0..8u8) {
        for lane in Lane::ALL {
            let (x, y) = (a.get(lane), b.get(lane));
            prop_assert_eq!((a + b).get(lane), x + y);
            prop_assert_eq!(a.saturating_sub(b).get(lane), (x - y).max(0.0), "V1");
            prop_assert_eq!(a.scale(factor.into()).get(lane), x * f32::from(factor));
        }
        prop_assert_eq!(a.fits(b), a.0.iter().zip(b.0).all(|(x, y)| *x <= y));
        prop_assert_eq!(a.saturating_sub(b) + b, b.saturating_sub(a) + a, "the larger of each");
        let sum = |lanes: [f32; 8]| lanes.iter().sum::<f32>();
        prop_assert_eq!(a.total(), sum(a.0));
        prop_assert_eq!(a.dot(b), sum(std::array::from_fn(|lane| a.0[lane] * b.0[lane])));
        prop_assert_eq!(a.length(), a.dot(a).sqrt());
        let (lane, share) = a.dominant();
        prop_assert_eq!(share, a.0.iter().copied().fold(0.0, f32::max));
        prop_assert_eq!((a.get(lane), a.largest()), (share, share));
    }

    #[test]
    fn products_are_those_of_octonions(a in vectors(), b in vectors()) {
        let (x, y) = (Octonion::from(a), Octonion::from(b));
        prop_assert_eq!(f64::from(a.dot(b)), x.packing_score(y), "V3");
        let (ours, theirs) = (f64::from(a.mismatch(b)), x.mismatch(y));
        prop_assert!((ours - theirs).abs() < 1e-3, "V3: {} and {}", ours, theirs);
        prop_assert!((0.0..=1.0).contains(&ours));
    }

    #[test]
    fn what_is_not_there_does_not_fit(need in vectors(), capacity in vectors(), lane in 0..8usize, amount in 1e-3..1e6f32) {
        let (mut little, mut but) = (Resources::NONE, Resources::WHOLE);
        (little.0[lane], but.0[lane]) = (amount, 0.0);
        prop_assert!(!little.normalised(but).fits(Resources::WHOLE), "V2");
        let shares = need.normalised(capacity);
        prop_assert_eq!(shares.fits(Resources::WHOLE), need.fits(capacity), "V2");
    }
}

#[test]
fn shapes_differ_by_their_angle() {
    let [cpu, io] = [Lane::Cpu, Lane::Io].map(|lane| Resources::NONE.with(lane, 0.5));
    assert_eq!(cpu.mismatch(io), 1.0, "V3");
    assert_eq!(cpu.mismatch(cpu.scale(0.1)), 0.0, "V3");
    assert!((cpu.mismatch(cpu + io) - 0.5f32.sqrt()).abs() < 1e-6);
    assert_eq!(cpu.mismatch(Resources::NONE), 0.0);
}

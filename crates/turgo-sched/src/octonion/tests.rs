//! The identities of the algebra, exactly: over integers so small that all products fit 53 bits.

use proptest::prelude::*;

use super::*;

fn octonions() -> impl Strategy<Value = Octonion> {
    proptest::array::uniform8(-9..=9i8).prop_map(|lanes| Octonion(lanes.map(f64::from)))
}

proptest! {
    #[test]
    fn the_norm_is_multiplicative(a in octonions(), b in octonions()) {
        let product = a * b;
        prop_assert_eq!(product.norm_squared(), a.norm_squared() * b.norm_squared(), "O1");
        let is_zero = a == Octonion::ZERO || b == Octonion::ZERO;
        prop_assert_eq!(product == Octonion::ZERO, is_zero, "O1: no zero divisors");
    }

    #[test]
    fn two_factors_associate(a in octonions(), b in octonions()) {
        prop_assert_eq!(a * (a * b), (a * a) * b, "O2: left");
        prop_assert_eq!((a * b) * b, a * (b * b), "O2: right");
        prop_assert_eq!((a * b) * a, a * (b * a), "O2: flexible");
        prop_assert_eq!(a.associator(a, b), Octonion::ZERO, "O2");
    }

    #[test]
    fn the_identities_of_moufang_hold(x in octonions(), y in octonions(), z in octonions()) {
        prop_assert_eq!(z * (x * (z * y)), ((z * x) * z) * y, "O2");
        prop_assert_eq!(x * (z * (y * z)), ((x * z) * y) * z, "O2");
        prop_assert_eq!((z * x) * (y * z), (z * (x * y)) * z, "O2");
        prop_assert_eq!((z * x) * (y * z), z * ((x * y) * z), "O2");
    }

    #[test]
    fn the_associator_alternates(x in octonions(), y in octonions(), z in octonions()) {
        let associator = x.associator(y, z);
        prop_assert_eq!(y.associator(x, z), -associator, "O2");
        prop_assert_eq!(y.associator(z, x), associator, "O2");
        prop_assert_eq!(associator.real(), 0.0);
        prop_assert_eq!(x.commutator(y), -y.commutator(x));
    }

    #[test]
    fn conjugates_turn_products_round(a in octonions(), b in octonions()) {
        prop_assert_eq!((a * b).conjugate(), b.conjugate() * a.conjugate(), "O3");
        let square = Octonion::ONE.scale(a.norm_squared());
        prop_assert_eq!((a * a.conjugate(), a.conjugate() * a), (square, square), "O3");
        prop_assert_eq!(a + a.conjugate(), Octonion::ONE.scale(2.0 * a.real()));
        prop_assert_eq!(a.imaginary() + Octonion::ONE.scale(a.real()), a);
    }

    #[test]
    fn what_has_a_length_has_an_inverse(a in octonions(), b in octonions()) {
        let Some(inverse) = a.inverse() else {
            prop_assert_eq!(a, Octonion::ZERO);
            return Ok(());
        };
        for one in [a * inverse, inverse * a] {
            prop_assert!((one - Octonion::ONE).norm() < 1e-12, "O1");
        }
        prop_assert!((inverse * (a * b) - b).norm() < 1e-9, "O1: one can divide");
    }

    #[test]
    fn the_product_distributes(a in octonions(), b in octonions(), c in octonions()) {
        prop_assert_eq!(a * (b + c), a * b + a * c);
        prop_assert_eq!((a + b) * c, a * c + b * c);
        prop_assert_eq!(a * Octonion::ONE, a);
        prop_assert_eq!(Octonion::ONE * a, a);
    }

    #[test]
    fn the_product_with_the_conjugate_has_a_meaning(a in octonions(), b in octonions()) {
        let inner: f64 = a.0.iter().zip(b.0).map(|(x, y)| x * y).sum();
        prop_assert_eq!(a.packing_score(b), inner);
        let area = a.norm_squared() * b.norm_squared() - inner * inner;
        prop_assert_eq!((a * b.conjugate()).imaginary().norm_squared(), area);
    }
}

#[test]
fn order_and_brackets_matter() {
    let unit = |at: usize| Octonion(std::array::from_fn(|lane| f64::from(u8::from(lane == at))));
    let (i, j, l) = (unit(1), unit(2), unit(4));
    assert_eq!(i * j, unit(3));
    assert_eq!(j * i, -unit(3));
    assert_ne!(i.commutator(j), Octonion::ZERO);
    assert_ne!(i.associator(j, l), Octonion::ZERO);
    for at in 1..8 {
        assert_eq!(unit(at) * unit(at), -Octonion::ONE);
    }
}

//! Octonions: the numbers of eight dimensions in which one can divide.
//!
//! [`Resources`] are read as octonions for the sake of one product. Of `a * conj(b)` the real part is the inner product of the two vectors, which is the
//! packing score of a demand against what is free, and the imaginary part is as long as the area they span, so that its length over both lengths is their
//! mismatch in shape ([`Octonion::packing_score`], [`Octonion::mismatch`]). The scheduler computes both without the product
//! ([`Resources::dot`], [`Resources::mismatch`]); here is where they come from, and what tests compare them with.
//!
//! What is *not* used, since it says nothing about resources: that the product depends on the order of two factors (the [commutator](Octonion::commutator)) and
//! on the order in which three are multiplied (the [associator](Octonion::associator)); they are there for diagnostics. There are no zero divisors, so a product
//! that vanishes reveals nothing, least of all a deadlock: only zero itself makes one. There is no exponential, logarithm or power either.
//!
//! The product is that of Cayley and Dickson (Baez, "The octonions", Bulletin of the AMS 39, 2002): an octonion is a pair of quaternions, and
//! `(a, b)(c, d) = (ac - conj(d)b, da + b conj(c))`.
//!
//! # Invariants
//!
//! All hold exactly where all products do: for small integers.
//!
//! - **O1** The norm is multiplicative, `|ab| = |a||b|`, so there are no zero divisors and every octonion but zero has an inverse.
//! - **O2** The algebra is alternative: `a(ab) = (aa)b` and `(ab)b = a(bb)`, and the identities of Moufang hold.
//! - **O3** `conj(ab) = conj(b) conj(a)`, and `a conj(a)` is the square of the norm.

use std::ops::{Add, Mul, Neg, Sub};

use turgo_machine::mutant;

use crate::resources::Resources;

/// An octonion: its real part first. Eight `f64`, so that products of small integers are exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(C, align(64))]
pub struct Octonion(pub [f64; 8]);

/// A quaternion, of which an octonion is a pair.
type Quaternion = [f64; 4];

impl Octonion {
    /// Nothing.
    pub const ZERO: Self = Self([0.0; 8]);
    /// The neutral element of the product.
    pub const ONE: Self = Self([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);

    /// The real part: the first number.
    #[must_use]
    pub fn real(self) -> f64 {
        self.0[0]
    }

    /// The imaginary part: the other seven, with 0 for the first.
    #[must_use]
    pub fn imaginary(mut self) -> Self {
        self.0[0] = 0.0;
        self
    }

    /// The same real part, the imaginary part negated (O3).
    #[must_use]
    pub fn conjugate(self) -> Self {
        let mut lanes = self.0.map(|x| -x);
        lanes[0] = self.0[0];
        Self(lanes)
    }

    /// Each number times a real one.
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        Self(self.0.map(|x| x * factor))
    }

    /// The square of the length: exact where [`norm`](Self::norm) has to round.
    #[must_use]
    pub fn norm_squared(self) -> f64 {
        self.0.iter().map(|x| x * x).sum()
    }

    /// The length (O1).
    #[must_use]
    pub fn norm(self) -> f64 {
        self.norm_squared().sqrt()
    }

    /// What it is to be multiplied with, from either side, to give one; `None` for zero (O1).
    #[must_use]
    pub fn inverse(self) -> Option<Self> {
        let square = self.norm_squared();
        (square > 0.0).then(|| self.conjugate().scale(1.0 / square))
    }

    /// `ab - ba`: zero if the order of the factors does not matter. A diagnostic; no decision uses it.
    #[must_use]
    pub fn commutator(self, other: Self) -> Self {
        self * other - other * self
    }

    /// `(ab)c - a(bc)`: zero if it does not matter where brackets are. A diagnostic; no decision uses it.
    #[must_use]
    pub fn associator(self, b: Self, c: Self) -> Self {
        (self * b) * c - self * (b * c)
    }

    /// The real part of `self * conj(other)`, which is the inner product: of a demand with what is free, the packing score.
    #[must_use]
    pub fn packing_score(self, other: Self) -> f64 {
        (self * other.conjugate()).real()
    }

    /// The length of the imaginary part of `self * conj(other)` over both lengths, which is the sine of the angle: 0 for vectors of the same shape,
    /// 1 for vectors that share no lane; 0 if one of them is zero.
    #[must_use]
    pub fn mismatch(self, other: Self) -> f64 {
        let lengths = self.norm() * other.norm();
        if lengths == 0.0 {
            return 0.0;
        }
        (self * other.conjugate()).imaginary().norm() / lengths
    }

    fn halves(self) -> (Quaternion, Quaternion) {
        let [a, b, c, d, e, f, g, h] = self.0;
        ([a, b, c, d], [e, f, g, h])
    }
}

impl From<Resources> for Octonion {
    fn from(vector: Resources) -> Self {
        Self(vector.0.map(f64::from))
    }
}

impl Add for Octonion {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }
}

impl Sub for Octonion {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Octonion {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.map(|x| -x))
    }
}

impl Mul for Octonion {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let ((a, b), (c, d)) = (self.halves(), other.halves());
        let second = if mutant!("O2 factors of the second half in the wrong order") {
            product(a, d)
        } else {
            product(d, a)
        };
        let sign = if mutant!("O1 the first half with a wrong sign") { 1.0 } else { -1.0 };
        let first: Quaternion = sum(product(a, c), product(conjugate(d), b).map(|x| sign * x));
        let second_factor = if mutant!("O3 a conjugate forgotten") { c } else { conjugate(c) };
        let second: Quaternion = sum(second, product(b, second_factor));
        let mut lanes = [0.0; 8];
        lanes[..4].copy_from_slice(&first);
        lanes[4..].copy_from_slice(&second);
        Self(lanes)
    }
}

/// Hamilton's product.
fn product([a, b, c, d]: Quaternion, [e, f, g, h]: Quaternion) -> Quaternion {
    [
        a * e - b * f - c * g - d * h,
        a * f + b * e + c * h - d * g,
        a * g - b * h + c * e + d * f,
        a * h + b * g - c * f + d * e,
    ]
}

fn conjugate([a, b, c, d]: Quaternion) -> Quaternion {
    [a, -b, -c, -d]
}

fn sum(a: Quaternion, b: Quaternion) -> Quaternion {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

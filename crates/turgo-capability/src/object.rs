//! What a capability is for: an object, or all objects below a prefix.
//!
//! - **O1** A child's object lies within its parent's. So a right over one stream never becomes a right over another one.

use core::fmt;

use turgo_machine::mutant;

/// The first bits of 63-bit identifiers: everything, a tenant, a kind of a tenant's objects, one object.
///
/// A service lays out its identifiers from the left, for instance 16 bits of tenant, 8 of kind, 39 of number; a capability then covers all
/// identifiers that begin as its object does. Kept in one word: the prefix, a one, zeros.
///
/// ```
/// use turgo_capability::Object;
/// let tenant = Object::prefix(7 << 47, 16);
/// let stream = Object::one(7 << 47 | 3 << 39 | 12);
/// assert!(tenant.covers(stream) && !stream.covers(tenant));
/// assert!(!tenant.covers(Object::one(8 << 47)));
/// assert!(Object::ANY.covers(tenant));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object(u64);

impl Object {
    /// Every object.
    pub const ANY: Self = Self(1 << 63);

    /// Bits of an identifier.
    pub const BITS: u32 = 63;

    /// The object with this identifier, of which the lowest 63 bits count.
    #[must_use]
    pub const fn one(id: u64) -> Self {
        Self(id << 1 | 1)
    }

    /// All objects whose identifiers begin with the first `length` bits of `id`.
    ///
    /// # Panics
    ///
    /// If `length` is above 63.
    #[must_use]
    pub const fn prefix(id: u64, length: u32) -> Self {
        assert!(length <= Self::BITS, "an identifier has 63 bits");
        let mark = 1 << (Self::BITS - length);
        Self((id << 1) & !(mark | (mark - 1)) | mark)
    }

    /// Whether all that `other` names is named here, too.
    #[inline]
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        if mutant!("O1 any object will do") {
            return true;
        }
        // Two shifts: a prefix of no bits leaves nothing to compare.
        let below = self.0.trailing_zeros();
        other.0.trailing_zeros() <= below && (self.0 ^ other.0) >> below >> 1 == 0
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// What [`bits`](Self::bits) gave; nothing for zero, which names nothing.
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        (bits != 0).then_some(Self(bits))
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = self.0.trailing_zeros();
        let id = (self.0 & (self.0 - 1)) >> 1;
        match Self::BITS - below {
            Self::BITS => write!(f, "{id:#x}"),
            length => write!(f, "{id:#x}/{length}"),
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_what_begins_with_it() {
        let ids = [0, 1, 2, 5, 1 << 62, (1 << 63) - 1, 0x1234_5678_9abc_def0 >> 1];
        for a in ids {
            for length in [0, 1, 16, 62, 63] {
                let outer = Object::prefix(a, length);
                for b in ids {
                    let shift = Object::BITS - length;
                    let same = length == 0 || a >> shift == b >> shift;
                    assert_eq!(outer.covers(Object::one(b)), same, "O1: {outer:?} {b:#x}");
                }
                for shorter in 0..length {
                    assert!(Object::prefix(a, shorter).covers(outer));
                    assert!(!outer.covers(Object::prefix(a, shorter)), "O1");
                }
            }
        }
        assert_eq!(Object::prefix(9, 63), Object::one(9));
        assert_eq!(Object::prefix(9, 0), Object::ANY);
        assert_eq!(
            format!("{:?} {:?}", Object::one(9), Object::prefix(1 << 62, 1)),
            "0x9 0x4000000000000000/1"
        );
    }
}

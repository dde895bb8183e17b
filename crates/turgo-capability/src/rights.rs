//! What a capability allows: sixteen rights as bits.
//!
//! - **R1** A test asks for *all* bits of what is needed. Any-bit tests let whoever may read also write.
//! - **R2** There is no operation that adds a right to a capability: rights come with a mint, and with a delegation no more than the parent has.
//!   [`Rights`] themselves are plain values and can be joined; what counts is that the table only ever intersects them.

use core::fmt;
use core::ops::{BitAnd, BitOr, Sub};

use turgo_machine::mutant;

/// A set of rights. The empty set asks for nothing but that the capability is alive.
///
/// ```
/// use turgo_capability::Rights;
/// let reader = Rights::READ | Rights::SUBSCRIBE;
/// assert!(reader.contains(Rights::READ));
/// assert!(!reader.contains(Rights::READ | Rights::WRITE), "all of them are needed");
/// assert_eq!(format!("{reader:?}"), "READ|SUBSCRIBE");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rights(u16);

/// The names, lowest bit first.
const NAMES: [&str; 16] = [
    "READ",
    "WRITE",
    "CREATE",
    "DROP",
    "ALTER",
    "SUBSCRIBE",
    "CANCEL",
    "EXPLAIN",
    "GRANT",
    "REVOKE",
    "ADMIN",
    "QUOTA",
    "CHECKPOINT",
    "UDF",
    "CALL",
    "SEND",
];

impl Rights {
    /// No right at all.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(u16::MAX);
    /// Read rows or state.
    pub const READ: Self = Self(1);
    /// Write rows.
    pub const WRITE: Self = Self(1 << 1);
    /// Create objects.
    pub const CREATE: Self = Self(1 << 2);
    /// Drop objects.
    pub const DROP: Self = Self(1 << 3);
    /// Change objects.
    pub const ALTER: Self = Self(1 << 4);
    /// Follow a stream.
    pub const SUBSCRIBE: Self = Self(1 << 5);
    /// Stop a query.
    pub const CANCEL: Self = Self(1 << 6);
    /// See plans.
    pub const EXPLAIN: Self = Self(1 << 7);
    /// Delegate: a capability without it has no children.
    pub const GRANT: Self = Self(1 << 8);
    /// Revoke and attenuate what was delegated from here.
    pub const REVOKE: Self = Self(1 << 9);
    /// Administer.
    pub const ADMIN: Self = Self(1 << 10);
    /// Set quotas.
    pub const QUOTA: Self = Self(1 << 11);
    /// Take checkpoints.
    pub const CHECKPOINT: Self = Self(1 << 12);
    /// Define functions.
    pub const UDF: Self = Self(1 << 13);
    /// Call functions.
    pub const CALL: Self = Self(1 << 14);
    /// Send messages.
    pub const SEND: Self = Self(1 << 15);

    /// The set of these bits, the lowest of which is [`READ`](Self::READ).
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether all of `need` are in here (R1).
    #[inline(always)]
    #[must_use]
    pub fn contains(self, need: Self) -> bool {
        if mutant!("R1 any bit will do") {
            return self.0 & need.0 != 0 || need.0 == 0;
        }
        self.0 & need.0 == need.0
    }

    /// What is left of a capability's rights when it keeps only these (R2).
    pub(crate) fn narrowed(self, keep: Self) -> Self {
        if mutant!("R2 rights are joined") { self | keep } else { self & keep }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Rights {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Rights {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = (0..16).filter(|bit| self.0 >> bit & 1 == 1).map(|bit| NAMES[bit]);
        f.write_str(names.next().unwrap_or("NONE"))?;
        names.try_for_each(|name| write!(f, "|{name}"))
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn all_bits_are_needed() {
        let both = Rights::READ | Rights::WRITE;
        assert!(both.contains(Rights::WRITE), "R1");
        assert!(!Rights::READ.contains(both), "R1");
        assert!(!Rights::NONE.contains(Rights::READ), "R1");
        assert!(Rights::NONE.contains(Rights::NONE));
        assert_eq!(both - Rights::READ, Rights::WRITE);
        assert_eq!((both & Rights::READ).bits(), 1);
    }

    #[test]
    fn rights_are_printed_by_name() {
        assert_eq!(Rights::NONE.to_string(), "NONE");
        assert_eq!((Rights::GRANT | Rights::SEND).to_string(), "GRANT|SEND");
    }
}

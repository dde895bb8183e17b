//! Why something was refused.

use core::fmt;

use crate::limit::Throttled;

/// Why a capability does not do for what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It or an ancestor was revoked or has expired, or there never was such a capability. Which one, nobody is told.
    Dead,
    /// It or an ancestor lacks a right.
    Rights,
    /// It is for something else.
    Object,
    /// A caveat does not hold, or was not asked: see [`check_request`](crate::Table::check_request).
    Caveat,
    /// The actor is no ancestor of what it would change.
    Authority,
    /// A rate is exceeded.
    Rate(Throttled),
    /// No budget, or an empty one.
    Gas,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dead => "the capability is not valid any more",
            Self::Rights => "the capability lacks a right",
            Self::Object => "the capability is for another object",
            Self::Caveat => "a caveat of the capability does not hold",
            Self::Authority => "the capability has no authority over that one",
            Self::Rate(throttled) => return throttled.fmt(f),
            Self::Gas => "the budget is used up",
        })
    }
}

impl core::error::Error for Denied {}

/// Why nothing was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantError {
    /// The parent is dead, or has not what it would grant.
    Denied(Denied),
    /// The tree has as many levels as trees may have: 64.
    TooDeep,
    /// The table has as many capabilities as it may.
    Full,
    /// The budget above does not hold as much, or all budgets together would overflow.
    Gas,
    /// The caveat has more than 64 parts.
    CaveatTooLarge,
    /// The log did not take the record.
    Unrecorded,
}

impl From<Denied> for GrantError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied(denied) => return denied.fmt(f),
            Self::TooDeep => "the tree of capabilities has 64 levels",
            Self::Full => "the table of capabilities is full",
            Self::Gas => "the budget does not hold as much",
            Self::CaveatTooLarge => "the caveat has more than 64 parts",
            Self::Unrecorded => "the audit log refused the record",
        })
    }
}

impl core::error::Error for GrantError {}

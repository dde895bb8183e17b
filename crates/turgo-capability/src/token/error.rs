//! Why a token was refused: what, and what to do; never the token.

use core::fmt;

use crate::bytes::Ended;
use crate::denied::GrantError;
use crate::limit::BadCaveat;

/// Why a token was not made, not narrowed or not exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It is no token: not base64url, cut off, of another version, or with lengths that do not fit.
    Malformed,
    /// It is longer than tokens are: 4096 characters, 1024 bytes a block.
    TooLong,
    /// It was narrowed 15 times.
    TooDeep,
    /// It was made with a key that is not known, or not any more.
    UnknownKey(u32),
    /// There is a key of this number already.
    KnownKey(u32),
    /// Nobody who knows the key made it.
    Forged,
    /// Its time is over.
    Expired,
    /// The capability it was exchanged for, or one above, has ended.
    Revoked,
    /// Nobody answers for this tenant.
    UnknownTenant(u64),
    /// It says something that tokens cannot say.
    Terms(&'static str),
    /// As many tokens are remembered as may be.
    Full,
    /// The table did not grant what it says.
    Grant(GrantError),
    /// The system has no random numbers.
    Random,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no token: give all of the text that was issued",
            Self::TooLong => "the token is too long: narrow an earlier one",
            Self::TooDeep => "the token was narrowed 15 times: narrow an earlier one",
            Self::UnknownKey(key) => {
                return write!(f, "key {key} of the token is not known: ask for a new token");
            }
            Self::KnownKey(key) => {
                return write!(f, "there is a key {key} already: take another number");
            }
            Self::Forged => "the token was changed, or made with another key: ask for a new one",
            Self::Expired => "the token's time is over: ask for a new one",
            Self::Revoked => "the token was revoked",
            Self::UnknownTenant(tenant) => {
                return write!(f, "tenant {tenant} of the token is not known here");
            }
            Self::Terms(what) => what,
            Self::Full => "too many tokens at a time: try again when some have ended",
            Self::Grant(error) => return write!(f, "the token is good, but {error}"),
            Self::Random => "the system has no random numbers",
        })
    }
}

impl core::error::Error for TokenError {}

impl From<Ended> for TokenError {
    fn from(_: Ended) -> Self {
        Self::Malformed
    }
}

impl From<BadCaveat> for TokenError {
    fn from(_: BadCaveat) -> Self {
        Self::Malformed
    }
}

impl From<GrantError> for TokenError {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

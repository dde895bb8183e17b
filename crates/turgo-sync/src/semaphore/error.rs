//! Why a semaphore gives no permit.

use core::error::Error;
use core::fmt;

use crate::permits::Refused;

/// The semaphore is closed: it will give no permit any more.
#[derive(Debug)]
pub struct AcquireError(pub(super) ());

/// A permit cannot be had at once.
#[derive(Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore is closed: it will give no permit any more.
    Closed,
    /// There are too few permits at this moment, or others wait for them.
    NoPermits,
}

impl From<Refused> for TryAcquireError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closed => Self::Closed,
            Refused::Short => Self::NoPermits,
        }
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl Error for AcquireError {}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "semaphore closed",
            Self::NoPermits => "no permits available",
        })
    }
}

impl Error for TryAcquireError {}

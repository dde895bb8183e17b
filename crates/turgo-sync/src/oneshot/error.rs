//! Why there is no value.

use core::error::Error;
use core::fmt;

/// The sender is gone and has sent nothing.
#[derive(Debug, Eq, PartialEq, Clone)]
pub struct RecvError(pub(super) ());

/// Why there is no value at this moment.
#[derive(Debug, Eq, PartialEq, Clone)]
pub enum TryRecvError {
    /// It was not sent yet.
    Empty,
    /// The sender is gone and has sent nothing, or the value was received before.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl Error for RecvError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "channel empty",
            Self::Closed => "channel closed",
        })
    }
}

impl Error for TryRecvError {}

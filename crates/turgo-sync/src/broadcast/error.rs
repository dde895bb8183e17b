//! Why a value was not sent or received.

use core::error::Error;
use core::fmt;

/// Nobody receives. Holds the value.
#[derive(Debug)]
pub struct SendError<T>(pub T);

/// Why there is no value.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum RecvError {
    /// All senders are gone, and all values were received.
    Closed,
    /// So many values were overwritten before they were received. The next to be received is the oldest there is.
    Lagged(u64),
}

/// Why there is no value at this moment.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum TryRecvError {
    /// All that were sent were received.
    Empty,
    /// All senders are gone, and all values were received.
    Closed,
    /// So many values were overwritten before they were received. The next to be received is the oldest there is.
    Lagged(u64),
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T: fmt::Debug> Error for SendError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("channel closed"),
            Self::Lagged(count) => write!(f, "channel lagged by {count}"),
        }
    }
}

impl Error for RecvError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("channel empty"),
            Self::Closed => f.write_str("channel closed"),
            Self::Lagged(count) => write!(f, "channel lagged by {count}"),
        }
    }
}

impl Error for TryRecvError {}

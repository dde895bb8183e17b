//! What an attempt to steal came to.

use core::fmt;

/// The outcome of a steal.
#[must_use]
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum Steal<T> {
    /// There was nothing to steal.
    Empty,
    /// This was stolen.
    Success(T),
    /// Another thread came first; there may be more.
    Retry,
}

impl<T> Steal<T> {
    /// Whether there was nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether something was stolen.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success(_))
    }

    /// Whether it is worth trying again.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry)
    }

    /// What was stolen.
    #[must_use]
    pub fn success(self) -> Option<T> {
        match self {
            Self::Success(stolen) => Some(stolen),
            Self::Empty | Self::Retry => None,
        }
    }

    /// This where something was stolen, else what `f` comes to; `Retry` where either asked for it and neither stole.
    ///
    /// ```
    /// use turgo_lockfree::deque::Steal::{self, Empty, Retry, Success};
    /// assert_eq!(Success(1).or_else(|| Success(2)), Success(1));
    /// assert_eq!(Retry.or_else(|| Success(2)), Success(2));
    /// assert_eq!(Retry.or_else(|| Empty), Retry::<u8>);
    /// ```
    pub fn or_else<F: FnOnce() -> Steal<T>>(self, f: F) -> Steal<T> {
        match self {
            Self::Success(_) => self,
            Self::Empty => f(),
            Self::Retry => match f() {
                Self::Success(stolen) => Self::Success(stolen),
                Self::Empty | Self::Retry => Self::Retry,
            },
        }
    }

    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Steal<U> {
        match self {
            Self::Success(stolen) => Steal::Success(f(stolen)),
            Self::Empty => Steal::Empty,
            Self::Retry => Steal::Retry,
        }
    }
}

impl<T> fmt::Debug for Steal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "Empty",
            Self::Success(_) => "Success(..)",
            Self::Retry => "Retry",
        })
    }
}

/// The first success; else `Retry` if there was one, else `Empty`.
impl<T> FromIterator<Steal<T>> for Steal<T> {
    fn from_iter<I: IntoIterator<Item = Steal<T>>>(all: I) -> Self {
        let mut otherwise = Self::Empty;
        for steal in all {
            match steal {
                Self::Success(_) => return steal,
                Self::Retry => otherwise = Self::Retry,
                Self::Empty => {}
            }
        }
        otherwise
    }
}

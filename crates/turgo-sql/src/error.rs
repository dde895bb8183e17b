//! Errors of a statement: what is wrong, where in the text, and how to mend it.

use std::ops::Range;

/// The crate's result type.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

/// A statement that cannot be understood, planned or run as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// What is wrong, as a sentence without a full stop: ``there is no column `pirce` ``.
    pub message: String,
    /// Bytes of the text at fault: the word itself where it is known, otherwise the nearest
    /// enclosing clause; `None` where there is no text to point at.
    pub span: Option<Range<usize>>,
    /// How to mend it: ``did you mean `price`?``.
    pub help: Option<String>,
}

impl SqlError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, help: None }
    }

    /// The same error at `span`, unless it has a place already.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// The same error with a remedy, unless it has one already.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.get_or_insert_with(|| help.into());
        self
    }
}

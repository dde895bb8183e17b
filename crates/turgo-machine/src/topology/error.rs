//! What can be wrong with the kernel's files: an error stops the reading, a note does not.

use std::fmt;

/// A file of the kernel has a content that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyError {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) expected: &'static str,
}

impl TopologyError {
    /// The file, from the root on.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What stands in it, or its beginning.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} should hold {}, and holds {:?}", self.file, self.expected, self.text)
    }
}

impl std::error::Error for TopologyError {}

/// Something that had to be guessed, and the file that would have said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub(super) file: String,
    /// Files of the same kind that had the same fault.
    pub(super) more: usize,
    pub(super) fault: String,
    pub(super) consequence: &'static str,
}

impl Note {
    /// The file, from the root on; the first of several.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What was taken instead.
    #[must_use]
    pub fn consequence(&self) -> &'static str {
        self.consequence
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.file)?;
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        write!(f, ": {}; {}", self.fault, self.consequence)
    }
}

//! Why nothing was restored: where, what, and what to do.

use core::fmt;

use super::image::VERSION;
use crate::bytes::Ended;
use crate::limit::BadCaveat;

/// Nothing was restored, and nothing granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotError {
    at: usize,
    fault: SnapshotFault,
}

impl SnapshotError {
    pub(super) fn new(at: usize, fault: SnapshotFault) -> Self {
        Self { at, fault }
    }

    /// The byte, from 0, up to which the snapshot was understood.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> SnapshotFault {
        self.fault
    }
}

/// What is wrong with a snapshot, or with the table it is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// It does not begin as snapshots do.
    NotASnapshot,
    /// It is of another version.
    Version(u32),
    /// It says that it has so many bytes, and has others.
    Length {
        /// Bytes it should have.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Its bytes are not those that were written.
    Checksum,
    /// It ends in the middle of something.
    Ended,
    /// This cannot be in a snapshot.
    Nonsense(&'static str),
    /// The table to be is to have fewer capabilities at a time than there are slots.
    Capabilities {
        /// What is needed.
        needed: u32,
    },
    /// The table to be is to have fewer shards.
    Shards {
        /// What is needed.
        needed: usize,
    },
}

impl SnapshotFault {
    fn remedy(self) -> &'static str {
        match self {
            Self::NotASnapshot => "give the file that `Snapshot::write_to` wrote",
            Self::Version(_) => "use the release that wrote it",
            Self::Capabilities { .. } => "raise `Config::capabilities_max`",
            Self::Shards { .. } => "raise `Config::shards`",
            Self::Length { .. } | Self::Checksum | Self::Ended | Self::Nonsense(_) => {
                "take an older snapshot, or start with an empty table and grant anew"
            }
        }
    }
}

impl fmt::Display for SnapshotFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str("this is no snapshot of capabilities"),
            Self::Version(version) => {
                write!(f, "it is of version {version}, and {VERSION} is read")
            }
            Self::Length { expected, found } => {
                write!(f, "it has {found} bytes and should have {expected}: cut off or added to")
            }
            Self::Checksum => f.write_str("its checksum is wrong: the file was damaged"),
            Self::Ended => f.write_str("it ends in the middle of something"),
            Self::Nonsense(what) => f.write_str(what),
            Self::Capabilities { needed } => write!(f, "it has {needed} slots, more than allowed"),
            Self::Shards { needed } => write!(f, "it has {needed} shards, more than allowed"),
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, fault } = self;
        write!(f, "byte {at} of the snapshot: {fault}. Nothing was granted; {}", fault.remedy())
    }
}

impl core::error::Error for SnapshotError {}

impl From<Ended> for SnapshotFault {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl From<BadCaveat> for SnapshotFault {
    fn from(bad: BadCaveat) -> Self {
        match bad {
            BadCaveat::Ended => Self::Ended,
            BadCaveat::TooLarge => Self::Nonsense("a caveat has more than 64 parts"),
            BadCaveat::Kind(_) => Self::Nonsense("a caveat is of no kind that there is"),
            BadCaveat::Object => Self::Nonsense("a caveat names no object"),
        }
    }
}

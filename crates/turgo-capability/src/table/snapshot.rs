//! Everything a table holds, as bytes that outlive the process.
//!
//! A service takes a [`Snapshot`] from time to time and when it stops, writes it to a file, and restores the table when it starts. Handles go
//! with it under names, as nobody can make a handle from a number: the service keeps `"session of alice"` and gets her handle back.
//!
//! # What a snapshot taken beside other threads promises
//!
//! The slots are gone through, again and again until nothing has changed between two passes, at most eight times. In a shard that two passes found
//! alike every word was what it is at the moment between them: words never come again, as generations grow and rights shrink.
//! The cut through that shard is exact; a tree lies in one shard. Of a shard that never held still
//! ([`Snapshot::shards_moving`]) the following is true, and of the others all the more, for some moment *m* during the call:
//!
//! - **P1** What a revocation or an attenuation ended that returned before *m* is not in it. So nothing comes back with a restart that was
//!   revoked before the snapshot began, nor what was revoked before a grant that is in it.
//! - **P2** What was granted before the call and not revoked before it returned is in it, and nothing has a right in it that it did not have at *m*.
//! - **P3** What is in it has all its ancestors in it. What was dead by ancestry is not.
//! - **P4** Gas is never more than there was: each unit is counted in one place at most. What was lent counts as spent, as the worker that holds
//!   the lease ends with the process.
//!
//! What happens after *m* is not in it: a service that stops without a snapshot starts with the last one. A revocation that must outlive that has to be followed by
//! a snapshot, or be done again from the log.
//!
//! # What a restored table promises
//!
//! - **P5** Either all of the snapshot is taken over or nothing: bytes that are not exactly what was written are refused by length and BLAKE3 checksum, and what
//!   they say is looked at before a table is made of it, so that no wrong count, link or number is believed. The checksum is against accidents: whoever
//!   may write the file may grant anything, so keep it as you keep keys.
//! - **P6** Generations go on: a handle that was revoked, replaced or swept before is refused ever after.
//! - **P7** Time goes on. The table's nanoseconds continue where they were, and the time without a process is added as the wall clock shows it; a
//!   wall clock that was set back adds nothing. So a deadline is never later than it was, and comes during a stop, too; a bucket has refilled meanwhile.
//!   Monotonic clocks begin anew with every start of the machine and cannot tell how long a stop was.
//!
//! Handles made after the snapshot are of the table they were made by and mean nothing in the restored one.
//!
//! # Format
//!
//! ```text
//! "TURGOCAP" | version u32 = 2 | length of all that follows but the checksum u64
//! unix ns u64 | table's ns u64 | shards u8 | epoch u64 each | five counts u64 | gas granted u64, returned u64
//! slots u32 | of each: word u64; if alive: parent's handle u64, object u64, deadline u64; if the word says so: limits
//! limits: marks u8 (1 caveat, 2 gas, 4 rate) | caveat | balance u64 | interval ns u64, burst u64, full at u64
//! kept u32 | of each: length u16, name, handle u64
//! BLAKE3 of all before it, 32 bytes
//! ```
//! Numbers are stored lowest byte first. A snapshot of another version is refused: its release reads it.

use core::fmt;
use std::io;
use std::path::Path;

use crate::handle::Handle;
use crate::table::Table;

mod cut;
mod fault;
mod file;
mod image;
mod restore;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

pub use fault::{SnapshotError, SnapshotFault};

/// A table as of a moment, made by [`Table::snapshot`]. The bytes give no authority but to whoever can have them restored.
///
/// ```
/// use std::time::SystemTime;
/// use turgo_capability::{Config, Grant, Rights, Table};
///
/// let table = Table::default();
/// let alice = table.mint(1, Grant::new(Rights::READ))?;
/// let bob = table.mint(1, Grant::new(Rights::READ))?;
/// table.revoke(bob);
/// let kept = [("alice", alice), ("bob", bob)];
/// let snapshot = table.snapshot(&kept, SystemTime::now()).expect("both are of this table");
/// drop(table);
///
/// let restored = Table::restore(Config::default(), snapshot.as_bytes(), SystemTime::now())?;
/// let table = restored.table;
/// let alice = restored.kept.find("alice").expect("it was kept");
/// assert!(table.check(alice, Rights::READ).is_ok());
/// let bob = restored.kept.find("bob").expect("what is revoked is kept, too");
/// assert!(table.check(bob, Rights::READ).is_err(), "and stays revoked");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Taken beside other threads, it is of a moment during the call: what was revoked before that is not in it, what was granted before the call is.
/// In a shard where something changed all the time ([`shards_moving`](Self::shards_moving)) some of the grants made *during* the call may be in it and others
/// not; revocations are as above. Gas that was lent counts as spent. What happens afterwards is not in it, so a
/// revocation that must outlive the process needs a snapshot after it, or a log to do it again from.
///
/// A restored table goes on: with the generations of its slots, so that handles to what was revoked are refused as before, and in
/// its time, to which the time of the stop is added as the wall clock shows it. A wall clock that was set back adds nothing; no deadline gets later.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    bytes: Vec<u8>,
    shards_moving: usize,
}

impl Snapshot {
    /// What [`Table::restore`] takes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Shards in which something changed during every pass, so that their cut is not of one moment; P1 to P4 hold all the same.
    #[must_use]
    pub fn shards_moving(&self) -> usize {
        self.shards_moving
    }

    /// Writes it to a file so that there is at any time the old one or the new one: to a file beside it that is flushed to the disk and then
    /// renamed; the folder is flushed, too. Readable by this user only. Blocking.
    ///
    /// # Errors
    ///
    /// What the system says. The file is then the old one, or the new one where only flushing the folder failed.
    pub fn write_to(&self, path: impl AsRef<Path>) -> io::Result<()> {
        file::replace(path.as_ref(), &self.bytes)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("bytes", &self.bytes.len())
            .field("shards_moving", &self.shards_moving)
            .finish()
    }
}

/// What was in a snapshot.
#[derive(Debug)]
pub struct Restored<L: crate::audit::AuditLog> {
    /// The table.
    pub table: Table<L>,
    /// The handles that were kept.
    pub kept: Kept,
}

/// Handles by the names they were kept under, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept(Vec<(String, Handle)>);

impl Kept {
    /// The first handle that was kept under this name. It may have been revoked before.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Handle> {
        self.iter().find(|(known, _)| *known == name).map(|(_, handle)| handle)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Handle)> {
        self.0.iter().map(|(name, handle)| (name.as_str(), *handle))
    }
}

/// Why a handle cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepError {
    /// The handle with this number, from 0, was not made by this table.
    Foreign(usize),
    /// The name with this number, from 0, has more than 65535 bytes.
    Name(usize),
    /// There are more than 2³² - 1.
    TooMany,
}

impl fmt::Display for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(number) => {
                write!(f, "handle {number} to keep is not of this table: keep it with its own")
            }
            Self::Name(number) => write!(f, "name {number} to keep has more than 65535 bytes"),
            Self::TooMany => f.write_str("more than 4294967295 handles to keep"),
        }
    }
}

impl core::error::Error for KeepError {}

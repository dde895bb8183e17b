//! What was changed, by whom and when: records that are written before the change becomes visible.
//!
//! A log that was cut off names at least what happened (the table's T6). A grant whose record is refused is not made; a revocation goes on, as authority
//! must not outlive a full disk, and is counted (T7).
//!
//! Records say what is about to be done. Of two who revoke the same capability both write one; a log can be replayed, as doing either twice changes nothing.

use core::fmt;
use std::io;

use turgo_lockfree::counter::Counter;
use turgo_lockfree::queue::ArrayQueue;

use crate::handle::Handle;
use crate::object::Object;
use crate::rights::Rights;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// A root comes to be.
    Mint,
    /// A child comes to be.
    Delegate,
    /// Rights are taken away.
    Attenuate,
    /// A capability and all below it end.
    Revoke,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds of the table's clock.
    pub time_ns: u64,
    /// What is done.
    pub change: Change,
    /// Who does it; nobody where the owner of the table does.
    pub actor: Option<Handle>,
    /// To which capability.
    pub subject: Handle,
    /// Its rights, from now on.
    pub rights: Rights,
    /// What it is for.
    pub object: Object,
    /// The epoch of its shard before the change.
    pub epoch: u64,
}

impl fmt::Display for Record {
    /// A line of JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time_ns, change, actor, subject, rights, object, epoch } = self;
        write!(f, "{{\"time_ns\":{time_ns},\"change\":\"{change:?}\",")?;
        if let Some(actor) = actor {
            write!(f, "\"actor\":\"{actor:?}\",")?;
        }
        write!(f, "\"subject\":\"{subject:?}\",\"rights\":\"{rights}\",")?;
        write!(f, "\"object\":\"{object:?}\",\"epoch\":{epoch}}}")
    }
}

/// The log does not take the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// Takes records.
///
/// `append` is called by whoever makes a change, on their thread, before the change; it should not wait.
pub trait AuditLog: Send + Sync {
    /// Whether records are wanted. If not, none is made, and the clock is not read for them.
    const ENABLED: bool = true;

    /// Takes a record.
    ///
    /// # Errors
    ///
    /// [`Refused`] if it cannot: a grant is not made then.
    fn append(&self, record: &Record) -> Result<(), Refused>;
}

/// No log.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAudit;

impl AuditLog for NoAudit {
    const ENABLED: bool = false;

    fn append(&self, _record: &Record) -> Result<(), Refused> {
        Ok(())
    }
}

/// A ring in memory, which somebody writes out from time to time. It refuses when it is full. Appending is as [`ArrayQueue::push`] is.
#[derive(Debug)]
pub struct RingLog {
    ring: ArrayQueue<Record>,
    refused: Counter,
}

impl RingLog {
    /// A ring for so many records, in the order in which they were appended.
    ///
    /// # Panics
    ///
    /// If that is zero.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { ring: ArrayQueue::new(capacity), refused: Counter::new() }
    }

    /// Takes the oldest record out.
    pub fn pop(&self) -> Option<Record> {
        self.ring.pop()
    }

    /// Records that found the ring full.
    pub fn refused(&self) -> u64 {
        self.refused.sum()
    }

    /// Writes the records out, a line of JSON each. How many there were.
    ///
    /// # Errors
    ///
    /// What the writer says; the record that it did not take is lost.
    pub fn write_to(&self, out: &mut impl io::Write) -> io::Result<usize> {
        let mut count = 0;
        while let Some(record) = self.pop() {
            writeln!(out, "{record}")?;
            count += 1;
        }
        Ok(count)
    }
}

impl AuditLog for RingLog {
    fn append(&self, record: &Record) -> Result<(), Refused> {
        self.ring.push(*record).map_err(|_| {
            self.refused.increment();
            Refused
        })
    }
}

//! A domain as its threads see it: something with records that one joins and leaves.

use super::{Record, Registry};

/// A domain as its threads' tables see it.
pub(crate) trait Member: Sized + 'static {
    /// What a record holds.
    type Payload;

    /// Its records.
    fn registry(&self) -> &Registry<Self::Payload>;

    /// A payload for a new record.
    fn payload(&self) -> Self::Payload;

    /// The owner of `record` ends.
    fn leave(&self, record: &Record<Self::Payload>);

    /// A record for the calling thread.
    fn join(&self) -> &Record<Self::Payload> {
        self.registry().acquire(|| self.payload())
    }
}

//! What is there.

use super::Table;
use crate::audit::AuditLog;
use crate::handle::Handle;
use crate::limit::{Caveat, Rate};
use crate::object::Object;
use crate::rights::Rights;

/// What a capability is, at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What it was given, and was not taken from it.
    pub rights: Rights,
    /// What it may do: its rights and those of all its ancestors.
    pub effective: Rights,
    /// What it is for.
    pub object: Object,
    /// Levels above it.
    pub depth: u8,
    /// Which epoch it depends on.
    pub shard: usize,
    /// Whose child it is.
    pub parent: Option<Handle>,
    /// When it ends, in nanoseconds of the table's clock; its ancestors may end before.
    pub deadline_ns: Option<u64>,
    /// Its own caveat.
    pub caveat: Option<Caveat>,
    /// Its own rate.
    pub rate: Option<Rate>,
    /// What is in its own budget.
    pub gas: Option<u64>,
}

/// What happened in a table so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Roots.
    pub minted: u64,
    /// Children.
    pub delegated: u64,
    /// Attenuations.
    pub attenuated: u64,
    /// Revocations.
    pub revoked: u64,
    /// Taken back because an ancestor had been revoked, or the deadline had passed.
    pub swept: u64,
    /// Grants that were not made, and revocations that were, because the log refused their record.
    pub unrecorded: u64,
    /// Slots given up because their generations are used up.
    pub retired: u64,
}

impl Statistics {
    /// Capabilities that have slots; those dead by ancestry and not swept yet are among them.
    #[must_use]
    pub fn present(&self) -> u64 {
        (self.minted + self.delegated).saturating_sub(self.revoked + self.swept)
    }

    /// How often the table changed. Of two numbers read one after the other the second is no lower, and it is higher if a change ended between.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.minted + self.delegated + self.attenuated + self.revoked + self.swept
    }
}

impl<L: AuditLog> Table<L> {
    /// What a capability is; nothing if it is not valid.
    pub fn describe(&self, handle: Handle) -> Option<Description> {
        let effective = self.forest.effective(handle)?;
        let own = self.forest.look(handle)?;
        let limits = self.limits_of(handle);
        let limits = limits.as_ref();
        Some(Description {
            rights: own.word.rights(),
            effective: effective.rights,
            object: own.object,
            depth: own.word.depth(),
            shard: own.word.shard(),
            parent: own.parent,
            deadline_ns: own.deadline_ns,
            caveat: limits.and_then(|limits| limits.caveat.clone()),
            rate: limits.and_then(|limits| limits.bucket.as_ref()).map(|bucket| bucket.rate()),
            gas: limits.and_then(|limits| limits.account.as_ref()).map(|a| a.balance()),
        })
    }

    /// What a valid capability may do: its rights and those of all its ancestors. Caveats come on top.
    pub fn effective_rights(&self, handle: Handle) -> Option<Rights> {
        self.forest.effective(handle).map(|effective| effective.rights)
    }

    /// The capability, its parent, and so on up to the root; nothing if it is not valid.
    pub fn ancestry(&self, handle: Handle) -> Vec<Handle> {
        let chain: Vec<_> = self.forest.ancestry(handle).collect();
        let whole = chain.last().is_some_and(|last| last.parent.is_none());
        let chain = chain.into_iter().map(|ancestor| ancestor.handle);
        chain.filter(|_| whole && self.forest.effective(handle).is_some()).collect()
    }

    /// Whether revoking `upper` would end `lower`: both are valid, and it is the same or an ancestor.
    pub fn dominates(&self, upper: Handle, lower: Handle) -> bool {
        self.is_above(upper, lower) && self.forest.effective(lower).is_some()
    }

    /// Every valid capability, each as of some moment of the walk.
    pub fn handles(&self) -> impl Iterator<Item = Handle> {
        self.forest.occupants().filter(|handle| self.forest.effective(*handle).is_some())
    }

    /// What happened so far.
    pub fn statistics(&self) -> Statistics {
        let counts = &self.counts;
        Statistics {
            minted: counts.minted.sum(),
            delegated: counts.delegated.sum(),
            attenuated: counts.attenuated.sum(),
            revoked: counts.revoked.sum(),
            swept: counts.swept.sum(),
            unrecorded: counts.unrecorded.sum(),
            retired: self.forest.slab().retired(),
        }
    }
}

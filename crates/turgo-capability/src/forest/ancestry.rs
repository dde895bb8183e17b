//! Looking at trees: who is above whom.

use super::{Forest, NEVER};
use crate::handle::Handle;
use crate::object::Object;
use crate::state::Word;

/// A capability on the way to the root, as it was looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ancestor {
    pub(crate) handle: Handle,
    pub(crate) word: Word,
    pub(crate) object: Object,
    /// Nanoseconds.
    pub(crate) deadline_ns: Option<u64>,
    pub(crate) parent: Option<Handle>,
}

impl Forest {
    /// One capability, if it is alive itself; its ancestors may not be.
    pub(crate) fn look(&self, handle: Handle) -> Option<Ancestor> {
        let slot = self.slab.slot(handle)?;
        if !slot.word.load().is(handle) {
            return None;
        }
        let (link, object, deadline) = (slot.link.load(), slot.object.load(), slot.deadline.load());
        // F3: whose they were.
        let word = slot.word.reload();
        if !word.is(handle) {
            return None;
        }
        Some(Ancestor {
            handle,
            word,
            object: Object::from_bits(object)?,
            deadline_ns: (deadline != NEVER).then_some(deadline),
            parent: Handle::from_bits(link),
        })
    }

    /// The capability and its ancestors up to the root, or up to the first that is dead.
    pub(crate) fn ancestry(&self, handle: Handle) -> impl Iterator<Item = Ancestor> {
        let mut next = Some(handle);
        core::iter::from_fn(move || {
            let ancestor = self.look(next?)?;
            next = ancestor.parent;
            Some(ancestor)
        })
    }

    /// Every occupant at some moment of the walk.
    pub(crate) fn occupants(&self) -> impl Iterator<Item = Handle> {
        (0..self.slab.len()).filter_map(|count| {
            let (index, slot) = self.slab.nth(count)?;
            let word = slot.word.load();
            word.is_alive().then(|| Handle::new(index, word.generation()))
        })
    }
}

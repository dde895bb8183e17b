//! The table of capabilities that textbooks describe, done right: a hash table of chains that hazard pointers protect, entries that count
//! their references, and a list of children in each entry that a revocation walks.
//!
//! What such a table gets wrong as it is usually written is mended here: chains are unlinked with marks, a list of children is closed by the
//! revocation and takes no child afterwards, rights are tested as a whole, identifiers are never used twice, and the hash takes all bits. What cannot be
//! mended is its cost: a lookup counts a reference, and a revocation walks all that it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;
use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::map::RcuHashMap;

const ALIVE: u32 = 1 << 16;

/// One capability. Its rights and whether it lives are one word.
struct Entry {
    word: AtomicU32,
    /// Nothing once it was revoked.
    children: Mutex<Option<Vec<u64>>>,
}

/// Capabilities by number.
pub(crate) struct Chained {
    entries: RcuHashMap<u64, Arc<Entry>, ahash::RandomState, Hazard>,
    next: AtomicU64,
}

impl Default for Chained {
    fn default() -> Self {
        let entries = RcuHashMap::new_in(0, ahash::RandomState::default(), Hazard);
        Self { entries, next: AtomicU64::new(1) }
    }
}

impl Chained {
    pub(crate) fn mint(&self, rights: u16) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let word = AtomicU32::new(ALIVE | u32::from(rights));
        self.entries.insert(id, Arc::new(Entry { word, children: Mutex::new(Some(Vec::new())) }));
        id
    }

    /// All of `need`, as an entry that lives has them. Counts a reference, so that the entry cannot go meanwhile.
    pub(crate) fn check(&self, id: u64, need: u16) -> bool {
        let need = ALIVE | u32::from(need);
        self.entries.get(&id).is_some_and(|entry| entry.word.load(Ordering::Acquire) & need == need)
    }

    pub(crate) fn delegate(&self, parent: u64, rights: u16) -> Option<u64> {
        let above = self.entries.get(&parent)?;
        let mut children = above.children.lock();
        let children = children.as_mut()?;
        let child = self.mint(rights & above.word.load(Ordering::Acquire) as u16);
        children.push(child);
        Some(child)
    }

    /// Ends it and all below it, one by one.
    pub(crate) fn revoke(&self, id: u64) -> bool {
        let mut ended = false;
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            let Some(entry) = self.entries.get(&id) else { continue };
            ended |= entry.word.swap(0, Ordering::AcqRel) & ALIVE != 0;
            left.extend(entry.children.lock().take().into_iter().flatten());
            self.entries.remove(&id);
        }
        ended
    }
}

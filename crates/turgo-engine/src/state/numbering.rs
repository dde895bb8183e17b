//! Numbers for small keys: 0, 1, 2 ... in order of first appearance.
//!
//! The hash table holds the keys themselves beside their numbers, so that a lookup touches one cache
//! line and never the list of keys. Its seed is drawn at random: input cannot be made to collide.

use std::fmt::{self, Debug};
use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::error::{EngineError, Result};

/// Keys and their numbers.
pub(super) struct Numbering<K> {
    table: HashTable<(K, u32)>,
    hasher: DefaultHashBuilder,
    /// The keys by number.
    keys: Vec<K>,
}

impl<K: Copy + Eq + Hash> Numbering<K> {
    /// The number of `key`, the next one where it is new.
    ///
    /// # Errors
    /// `Data` when there are more than [`u32::MAX`] keys.
    #[inline]
    pub(super) fn number(&mut self, key: K) -> Result<u32> {
        let hash = hash_one(&self.hasher, key);
        match self.table.find(hash, |&(other, _)| other == key) {
            Some(&(_, number)) => Ok(number),
            None => self.add(hash, key),
        }
    }

    /// The number of `key`, if [`Numbering::number`] gave it one.
    pub(super) fn find(&self, key: K) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let hash = hash_one(&self.hasher, key);
        self.table.find(hash, |&(other, _)| other == key).map(|&(_, number)| number)
    }

    /// Numbers a key that is not there.
    fn add(&mut self, hash: u64, key: K) -> Result<u32> {
        let number = next_number(self.keys.len())?;
        self.table.insert_unique(hash, (key, number), |&(key, _)| hash_one(&self.hasher, key));
        self.keys.push(key);
        Ok(number)
    }
}

impl<K> Numbering<K> {
    /// Without keys.
    pub(super) fn new() -> Self {
        Self { table: HashTable::new(), hasher: DefaultHashBuilder::default(), keys: Vec::new() }
    }

    /// The next number, under which `key` is listed but not found.
    ///
    /// # Errors
    /// As [`Numbering::number`].
    pub(super) fn list(&mut self, key: K) -> Result<u32> {
        let number = next_number(self.keys.len())?;
        self.keys.push(key);
        Ok(number)
    }

    /// Forgets all keys and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.keys.clear();
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys in order of their numbers.
    pub(super) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Memory held, in bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size() + self.keys.capacity() * size_of::<K>()
    }
}

impl<K> Debug for Numbering<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbering").field("len", &self.keys.len()).finish()
    }
}

/// The hash of a key.
#[inline(always)]
#[expect(clippy::manual_hash_one, reason = "that is a call for each key, not a part of the loop")]
pub(super) fn hash_one(hasher: &DefaultHashBuilder, key: impl Hash) -> u64 {
    let mut hasher = hasher.build_hasher();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The number after `len` others.
#[inline]
pub(super) fn next_number(len: usize) -> Result<u32> {
    match u32::try_from(len) {
        Ok(number) if number < u32::MAX => Ok(number),
        _ => Err(too_many()),
    }
}

#[cold]
fn too_many() -> EngineError {
    EngineError::data(format!(
        "more than {} groups, or distinct values, in one table; group by fewer keys, or by windows",
        u32::MAX
    ))
}

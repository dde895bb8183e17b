//! Hash maps that a service might keep rights in: from a number to a set of rights.
//!
//! They know no delegation, so a revocation in them ends one entry and not a tree: the comparison favours them.

use std::collections::HashMap;
use std::hash::RandomState;

/// From a key to rights.
pub(crate) trait Map: Send + Sync + Default + 'static {
    fn insert(&self, key: u64, rights: u16);
    fn remove(&self, key: u64) -> bool;
    fn rights(&self, key: u64) -> Option<u16>;

    fn allows(&self, key: u64, need: u16) -> bool {
        self.rights(key).is_some_and(|rights| rights & need == need)
    }
}

pub(crate) type Dash = dashmap::DashMap<u64, u16, RandomState>;
pub(crate) type DashAhash = dashmap::DashMap<u64, u16, ahash::RandomState>;
pub(crate) type Papaya = papaya::HashMap<u64, u16, ahash::RandomState>;
pub(crate) type Locked = parking_lot::RwLock<HashMap<u64, u16, ahash::RandomState>>;

impl<S: std::hash::BuildHasher + Clone + Default + Send + Sync + 'static> Map
    for dashmap::DashMap<u64, u16, S>
{
    fn insert(&self, key: u64, rights: u16) {
        dashmap::DashMap::insert(self, key, rights);
    }

    fn remove(&self, key: u64) -> bool {
        dashmap::DashMap::remove(self, &key).is_some()
    }

    fn rights(&self, key: u64) -> Option<u16> {
        self.get(&key).map(|rights| *rights)
    }
}

impl Map for Papaya {
    fn insert(&self, key: u64, rights: u16) {
        self.pin().insert(key, rights);
    }

    fn remove(&self, key: u64) -> bool {
        self.pin().remove(&key).is_some()
    }

    fn rights(&self, key: u64) -> Option<u16> {
        self.pin().get(&key).copied()
    }
}

impl Map for Locked {
    fn insert(&self, key: u64, rights: u16) {
        self.write().insert(key, rights);
    }

    fn remove(&self, key: u64) -> bool {
        self.write().remove(&key).is_some()
    }

    fn rights(&self, key: u64) -> Option<u16> {
        self.read().get(&key).copied()
    }
}

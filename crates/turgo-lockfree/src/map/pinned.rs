//! A map in a read section: references to values instead of copies.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use turgo_machine::atomic::Ordering;

use super::list::{Entry, MARK, Place, place};
use super::session::Session;
use super::{RcuHashMap, Slot};
use crate::reclaim::{Reclaim, Shared};

/// A map and a read section of its domain: what is read stays alive until this is dropped.
///
/// While it lives the domain frees nothing that it might read: keep it for some operations, not for ever. What they unlink
/// is retired when it is dropped.
pub struct Pinned<'m, K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    map: &'m RcuHashMap<K, V, S, R>,
    session: Session<'m, R>,
}

impl<K, V, S, R> RcuHashMap<K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    /// Begins a read section in which values are read in place. Only with a domain whose guard protects everything, such as RCU: with
    /// hazard pointers this does not compile: there [`read`](Self::read), [`for_each`](Self::for_each) and [`retain`](Self::retain) do.
    #[inline]
    pub fn pin(&self) -> Pinned<'_, K, V, S, R> {
        const { assert!(R::REGION, "a reference needs a guard that protects everything: use `read`") };
        Pinned { map: self, session: self.session() }
    }
}

impl<K, V, S, R> Pinned<'_, K, V, S, R>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: BuildHasher,
    R: Reclaim,
{
    /// The value of a key. Lock-free.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // SAFETY: `pin` has checked the domain, and the session lives as long as `self`.
        unsafe { self.map.walk(key) }.map(|entry| &entry.value)
    }

    /// Sets the value of a key and returns the one before. Lock-free.
    pub fn insert(&self, key: K, value: V) -> Option<&V> {
        self.map.insert_in(key, value, &self.session).map(|entry| self.value(entry))
    }

    /// Removes a key and returns its value. Lock-free.
    pub fn remove<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map.remove_in(key, |_| true, &self.session).map(|entry| self.value(entry))
    }

    /// Removes the entries that `f` does not want kept. Entries that come meanwhile may be missed.
    pub fn retain(&self, mut f: impl FnMut(&K, &V) -> bool) {
        for (key, value) in self.iter() {
            if !f(key, value) {
                self.map.remove_in(key, |now| core::ptr::eq(now, value), &self.session);
            }
        }
    }

    /// Removes all entries that are there when it comes by.
    pub fn clear(&self) {
        self.retain(|_, _| false);
    }

    fn value<'s>(&'s self, entry: Shared<'s, Entry<K, V>>) -> &'s V {
        // SAFETY: it was in the list when the session had begun, and the guard protects it; `pin` has checked the domain.
        let entry = unsafe { entry.deref() };
        &entry.value
    }
}

impl<K, V, S, R> Pinned<'_, K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    /// All entries, in no order that means anything. An entry that is there from the first step to the last comes once, others
    /// may come.
    pub fn iter(&self) -> Iter<'_, K, V> {
        let first: &Slot<K, V> = self.map.table.slot(0);
        // Acquire: M1, pairs with the Release that linked what it leads to.
        Iter { at: first.next.load(Ordering::Acquire) }
    }
}

impl<'s, K, V, S, R> IntoIterator for &'s Pinned<'_, K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    type Item = (&'s K, &'s V);
    type IntoIter = Iter<'s, K, V>;

    fn into_iter(self) -> Iter<'s, K, V> {
        self.iter()
    }
}

impl<K, V, S, R> fmt::Debug for Pinned<'_, K, V, S, R>
where
    K: fmt::Debug + Send + Sync + 'static,
    V: fmt::Debug + Send + Sync + 'static,
    R: Reclaim,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Entries of a map, made by [`Pinned::iter`].
pub struct Iter<'s, K, V> {
    at: Shared<'s, Entry<K, V>>,
}

impl<K, V> fmt::Debug for Iter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<'s, K, V> Iterator for Iter<'s, K, V> {
    type Item = (&'s K, &'s V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // SAFETY: M4, and the guard of the `Pinned` that is borrowed for `'s`.
            match unsafe { place(self.at) } {
                Place::End => return None,
                // Acquire: M1, as in `iter`.
                Place::Slot(slot) => self.at = slot.next.load(Ordering::Acquire),
                Place::Entry(entry) => {
                    // Acquire: M1, as in `iter`.
                    let next = entry.next.load(Ordering::Acquire);
                    self.at = next.with_tag(next.tag() & !MARK);
                    if next.tag() & MARK == 0 {
                        return Some((&entry.key, &entry.value));
                    }
                }
            }
        }
    }
}

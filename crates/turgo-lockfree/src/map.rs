//! A hash map without locks whose readers write nothing and whose growth moves nothing.
//!
//! All entries are in one linked list, sorted by their hashes with the bits reversed, after Shalev and Shavit ("Split-Ordered Lists", JACM
//! 2006) over Michael's list (SPAA 2002). A bucket is a place in that list, its *slot*. When the number of buckets doubles, a new
//! slot is put into the middle of an old bucket the first time somebody looks there.
//!
//! # Invariants
//!
//! - **M1** A link holds null, a slot or an entry, and whoever reads it sees what it leads to as it was published. Along the list orders never fall.
//! - **M2** An entry is removed when its link is marked, by one exchange that only one thread wins. A marked link never changes again:
//!   it leads to the entry that took the place of this one, or to what stood behind. Only then is the entry unlinked, once, and
//!   whoever unlinks it retires it.
//! - **M3** A link that is not marked belongs to a slot or an entry in the list, so what it leads to is in the list, too, and a shield that
//!   validates against it protects what is not retired yet. Behind a removed entry a walk goes on only after it has unlinked
//!   that entry itself: its exchange shows that the entry was in the list until then, and so was what stood behind. A walk
//!   holds the entry before, the one it is at and the one behind with a shield each.
//! - **M4** Slots stay in the list and in memory as long as the map.
//! - **M5** An operation begins at a slot that is in the list: at its bucket's, or while another thread still links that one, at that of the
//!   bucket it was split from. Every slot that is not behind an order will do; a nearer one is faster.
//! - **M6** Code of the user (`Hash`, `Eq`, closures, drops) runs while nothing is half done: a panic leaves the map as it was. What an
//!   operation unlinked is retired when its read section has ended, also when it ends by a panic.

mod list;
mod order;
mod pinned;
mod session;
mod table;
#[cfg(all(test, not(shuttle)))]
mod tests;
mod visit;

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::mutant;

use crate::drain::drop_all;
use crate::rcu::Rcu;
use crate::reclaim::{Reclaim, Shared, Shield};
use list::{Entry, Hands, Place, find, place, walk};
use order::{Order, parent};
pub use pinned::{Iter, Pinned};
use session::Session;
use table::{Slot, Table};

/// Slots are small and entries are not: a bucket without an entry costs less than a walk past one that was not looked for.
const BUCKETS_PER_ENTRY: usize = 2;

/// A concurrent hash map.
///
/// Reading is lock-free, and with RCU it writes nothing at all: threads that read do not slow each other down. Inserting, replacing and
/// removing are lock-free. A value is replaced as a whole, by one exchange: a reader finds the old one or the new one, never none.
/// The map grows, one bucket at a time, and does not shrink.
///
/// Keys and values are dropped some time after they were removed, on any thread of the domain, when nobody reads them any more.
///
/// ```
/// use turgo_lockfree::map::RcuHashMap;
/// let ports = RcuHashMap::new();
/// assert!(ports.insert("http", 80));
/// assert!(!ports.insert("http", 8080), "it was there and is replaced");
/// assert_eq!(ports.get("http"), Some(8080));
/// let pinned = ports.pin();
/// assert_eq!(pinned.remove("http"), Some(&8080));
/// assert!(ports.is_empty());
/// ```
pub struct RcuHashMap<K, V, S = RandomState, R = Rcu>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    table: Table<K, V>,
    len: CachePadded<AtomicUsize>,
    hasher: S,
    reclaim: R,
}

impl<K: Send + Sync + 'static, V: Send + Sync + 'static> RcuHashMap<K, V> {
    /// An empty map of the default RCU domain.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty map with room for so many entries before it grows.
    ///
    /// # Panics
    ///
    /// Where that is more than fits into memory.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, RandomState::new())
    }
}

impl<K: Send + Sync + 'static, V: Send + Sync + 'static, S> RcuHashMap<K, V, S> {
    /// An empty map that hashes with `hasher`.
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self::with_capacity_and_hasher(0, hasher)
    }

    /// An empty map that hashes with `hasher`, with room for so many entries before it grows.
    ///
    /// # Panics
    ///
    /// Where that is more than fits into memory.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        Self::new_in(capacity, hasher, Rcu)
    }
}

impl<K, V, S, R> RcuHashMap<K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    /// An empty map of a domain, with room for so many entries before it grows.
    ///
    /// # Panics
    ///
    /// Where that is more than fits into memory.
    #[must_use]
    pub fn new_in(capacity: usize, hasher: S, reclaim: R) -> Self {
        let len = CachePadded::new(AtomicUsize::new(0));
        Self { table: Table::new(capacity.saturating_mul(BUCKETS_PER_ENTRY)), len, hasher, reclaim }
    }

    /// The domain.
    pub fn domain(&self) -> &R {
        &self.reclaim
    }

    /// How keys are hashed.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// How many entries there are; while threads change the map, how many there were a moment ago, give or take one for each.
    pub fn len(&self) -> usize {
        // Relaxed: a count and nothing else. An entry may be removed before whoever inserted it has counted it.
        self.len.load(Ordering::Relaxed).cast_signed().max(0).cast_unsigned()
    }

    /// Whether there are no entries, as [`len`](Self::len) sees it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries fit before the map grows.
    pub fn capacity(&self) -> usize {
        self.table.buckets() / BUCKETS_PER_ENTRY
    }

    fn session(&self) -> Session<'_, R> {
        Session::new(&self.reclaim)
    }

    /// One entry more.
    fn count_insert(&self) {
        // Relaxed: as in `len`.
        let len = self.len.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let buckets = self.table.buckets();
        if len.cast_signed() > (buckets / BUCKETS_PER_ENTRY).cast_signed() {
            self.table.grow(buckets);
        }
    }

    /// One entry less.
    fn count_remove(&self) {
        // Relaxed: as in `len`.
        self.len.fetch_sub(1, Ordering::Relaxed);
    }

    /// The slot to begin at for a hash (M5).
    #[inline(always)]
    fn start(&self, hash: u64) -> &Slot<K, V> {
        let bucket = hash as usize & (self.table.buckets() - 1);
        let slot = self.table.slot(bucket);
        if slot.is_linked() { slot } else { self.link(bucket) }
    }

    /// Puts the slot of a bucket into the list, or returns one that stands before it if another thread is about to.
    #[cold]
    fn link(&self, bucket: usize) -> &Slot<K, V> {
        let slot = self.table.slot(bucket);
        if slot.is_linked() {
            return slot;
        }
        let before = self.link(parent(bucket));
        let order = Order::of_slot(bucket);
        if !slot.claim(order) {
            return if mutant!("M5 begins at a slot on its way") { slot } else { before };
        }
        let session = self.session();
        let mut hands = Hands::of(session.guard());
        while !find(before, order, |_| false, &mut hands, &session.unlinked).insert_slot(slot) {}
        slot.set_linked(order);
        slot
    }
}

impl<K, V, S, R> RcuHashMap<K, V, S, R>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: BuildHasher,
    R: Reclaim,
{
    /// Calls `f` with the value of a key. Lock-free.
    #[inline]
    pub fn read<Q, U>(&self, key: &Q, f: impl FnOnce(&V) -> U) -> Option<U>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if R::REGION {
            let _guard = self.reclaim.enter();
            // SAFETY: the guard protects everything until it is dropped.
            return unsafe { self.walk(key) }.map(|entry| f(&entry.value));
        }
        let session = self.session();
        let hash = self.hasher.hash_one(key);
        let mut hands = Hands::of(session.guard());
        let start = self.start(hash);
        let found = self.find(start, hash, key, &mut hands, &session);
        found.hit.map(|hit| f(&hit.entry.value))
    }

    /// A copy of the value of a key. Lock-free.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.read(key, V::clone)
    }

    /// Whether there is such a key. Lock-free.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.read(key, |_| ()).is_some()
    }

    /// Sets the value of a key; true where the key was not there. Lock-free. Where it was, the key is replaced as well.
    pub fn insert(&self, key: K, value: V) -> bool {
        let session = self.session();
        self.insert_in(key, value, &session).is_none()
    }

    /// Sets the value of a key that is not there. Lock-free.
    ///
    /// # Errors
    ///
    /// Key and value, where the key is there.
    pub fn try_insert(&self, key: K, value: V) -> Result<(), (K, V)> {
        let session = self.session();
        let hash = self.hasher.hash_one(&key);
        let mut entry = self.entry(hash, key, value);
        let mut hands = Hands::of(session.guard());
        let start = self.start(hash);
        loop {
            let found = self.find(start, hash, &entry.key, &mut hands, &session);
            if found.hit.is_some() {
                let Entry { key, value, .. } = entry.into_inner();
                return Err((key, value));
            }
            match found.insert(entry) {
                Ok(()) => {
                    self.count_insert();
                    return Ok(());
                }
                Err(back) => entry = back,
            }
        }
    }

    /// Sets the value of a key to what `f` makes of the one before, if there is one; true where the key was not there. Lock-free.
    /// Where another thread is faster `f` is called again.
    pub fn upsert(&self, key: K, mut f: impl FnMut(Option<&V>) -> V) -> bool {
        // What was made in vain, dropped behind the session.
        let mut in_vain = Vec::new();
        let session = self.session();
        let hash = self.hasher.hash_one(&key);
        let mut key = key;
        let mut hands = Hands::of(session.guard());
        let start = self.start(hash);
        loop {
            let found = self.find(start, hash, &key, &mut hands, &session);
            let value = f(found.hit.as_ref().map(|hit| &hit.entry.value));
            let entry = self.entry(hash, key, value);
            let done = if found.hit.is_some() {
                found.replace(entry, &session.unlinked).map(|()| false)
            } else {
                found.insert(entry).map(|()| true)
            };
            match done {
                Ok(new) => {
                    if new {
                        self.count_insert();
                    }
                    return new;
                }
                Err(back) => {
                    let back = back.into_inner();
                    key = back.key;
                    in_vain.push(back.value);
                }
            }
        }
    }

    /// Removes a key; true where it was there. Lock-free.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.remove_if(key, |_| true)
    }

    /// Removes a key if its value is one that `f` wants removed; true where it was. Lock-free. Where another thread is faster
    /// `f` is called again.
    pub fn remove_if<Q>(&self, key: &Q, f: impl FnMut(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let session = self.session();
        self.remove_in(key, f, &session).is_some()
    }

    /// The entry that was replaced.
    fn insert_in<'s>(
        &self,
        key: K,
        value: V,
        session: &'s Session<'_, R>,
    ) -> Option<Shared<'s, Entry<K, V>>> {
        let hash = self.hasher.hash_one(&key);
        let mut entry = self.entry(hash, key, value);
        let mut hands = Hands::of(session.guard());
        let start = self.start(hash);
        loop {
            let found = self.find(start, hash, &entry.key, &mut hands, session);
            let done = match found.hit {
                None => found.insert(entry).map(|()| None),
                // SAFETY: dereferenced by a caller only whose guard protects everything.
                Some(_) => found
                    .replace(entry, &session.unlinked)
                    .map(|()| Some(unsafe { found.here.rebind() })),
            };
            match done {
                Ok(before) => {
                    if before.is_none() {
                        self.count_insert();
                    }
                    return before;
                }
                Err(back) => entry = back,
            }
        }
    }

    /// The entry that was removed.
    fn remove_in<'s, Q>(
        &self,
        key: &Q,
        mut f: impl FnMut(&V) -> bool,
        session: &'s Session<'_, R>,
    ) -> Option<Shared<'s, Entry<K, V>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut hands = Hands::of(session.guard());
        let start = self.start(hash);
        loop {
            let found = self.find(start, hash, key, &mut hands, session);
            if !f(&found.hit.as_ref()?.entry.value) {
                return None;
            }
            if found.remove(&session.unlinked) {
                self.count_remove();
                // SAFETY: dereferenced by a caller only whose guard protects everything.
                return Some(unsafe { found.here.rebind() });
            }
        }
    }

    fn entry(&self, hash: u64, key: K, value: V) -> crate::Owned<Entry<K, V>> {
        let order = Order::of_entry(hash);
        crate::Owned::new(Entry { order, next: crate::Atomic::null(), key, value })
    }

    fn find<'m, Q, H: Shield>(
        &self,
        start: &'m Slot<K, V>,
        hash: u64,
        key: &Q,
        hands: &mut Hands<H>,
        session: &Session<'_, R>,
    ) -> list::Found<'m, K, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        find(start, Order::of_entry(hash), |k| k.borrow() == key, hands, &session.unlinked)
    }

    /// # Safety
    ///
    /// The domain is one whose guard protects everything, and the calling thread holds one as long as the result is used.
    #[inline]
    unsafe fn walk<Q>(&self, key: &Q) -> Option<&Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let start = self.start(hash);
        // SAFETY: the caller's promise.
        unsafe { walk(start, Order::of_entry(hash), |k| k.borrow() == key) }
    }
}

impl<K, V, S, R> Drop for RcuHashMap<K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    fn drop(&mut self) {
        // Relaxed: `&mut` means that nobody else uses the map.
        let mut at = self.table.slot(0).next.load(Ordering::Relaxed);
        drop_all(|| {
            loop {
                // SAFETY: nobody else uses the map, so what is in the list is not freed.
                at = match unsafe { place(at) } {
                    Place::End => return None,
                    // Relaxed: as above.
                    Place::Slot(slot) => slot.next.load(Ordering::Relaxed),
                    Place::Entry(entry) => {
                        // Relaxed: as above.
                        let next = entry.next.load(Ordering::Relaxed);
                        // SAFETY: M2, an entry in the list is not retired, and nobody else uses it.
                        let entry = unsafe { at.into_owned() };
                        at = next.with_tag(next.tag() & !list::MARK);
                        return Some(entry);
                    }
                };
            }
        });
    }
}

impl<K, V, S, R> fmt::Debug for RcuHashMap<K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, capacity) = (self.len(), self.capacity());
        f.debug_struct("RcuHashMap")
            .field("len", &len)
            .field("capacity", &capacity)
            .finish_non_exhaustive()
    }
}

impl<K, V, S, R> Default for RcuHashMap<K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Default,
    R: Reclaim + Default,
{
    fn default() -> Self {
        Self::new_in(0, S::default(), R::default())
    }
}

//! The one sorted list of all entries, and how threads walk along it and change it.

use core::cell::Cell;
use core::cmp::Ordering as Compared;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::order::Order;
use super::table::Slot;
use crate::pause;
use crate::reclaim::{Atomic, List, Owned, ReadGuard, Retired, Shared, Shield};

/// Tag of a link whose entry is removed (M2).
pub(super) const MARK: usize = 1;

/// Tag of a pointer to a slot.
pub(super) const SLOT: usize = 2;

/// A key and its value.
pub(super) struct Entry<K, V> {
    pub(super) order: Order,
    pub(super) next: Atomic<Entry<K, V>>,
    pub(super) key: K,
    pub(super) value: V,
}

/// What a link leads to.
pub(super) enum Place<'a, K, V> {
    End,
    Slot(&'a Slot<K, V>),
    Entry(&'a Entry<K, V>),
}

/// What `link` leads to, whether the entry before it is removed or not.
///
/// # Safety
///
/// `link` was read from the list, and for all of `'a` a shield or a guard protects what it leads to (M3, M4).
#[inline(always)]
pub(super) unsafe fn place<'a, K, V>(link: Shared<'a, Entry<K, V>>) -> Place<'a, K, V> {
    if link.tag() & SLOT != 0 {
        let slot = link.with_tag(0).raw().cast::<Slot<K, V>>();
        // SAFETY: M1, the tag says that it is a slot; M4, slots live as long as the map.
        return Place::Slot(unsafe { &*slot });
    }
    // SAFETY: the caller says that it is protected.
    match unsafe { link.as_ref() } {
        None => Place::End,
        Some(entry) => Place::Entry(entry),
    }
}

/// Entries that were taken out of the list and wait for the end of the read section to be retired.
#[derive(Default)]
pub(super) struct Unlinked(Cell<List>);

impl Unlinked {
    fn push(&self, entry: Retired) {
        let mut list = self.0.take();
        list.push(entry);
        self.0.set(list);
    }

    pub(super) fn pop(&self) -> Option<Retired> {
        let mut list = self.0.take();
        let entry = list.pop();
        self.0.set(list);
        entry
    }
}

/// Three shields: for the entry whose link is held, for the one it leads to, and for the one behind.
pub(super) struct Hands<S> {
    before: S,
    here: S,
    after: S,
}

impl<S: Shield> Hands<S> {
    pub(super) fn of<'g, G: ReadGuard<Shield<'g> = S>>(guard: &'g G) -> Self {
        Self { before: guard.shield(), here: guard.shield(), after: guard.shield() }
    }
}

/// Where an order is in the list, or where it would be. Good as long as the hands are not used for another search.
pub(super) struct Found<'a, K, V> {
    /// The link that leads to `here`.
    pub(super) link: &'a Atomic<Entry<K, V>>,
    /// The entry that was looked for, or what stands behind its place.
    pub(super) here: Shared<'a, Entry<K, V>>,
    /// The entry that was looked for.
    pub(super) hit: Option<Hit<'a, K, V>>,
}

/// An entry, and what its link held: it was not removed then.
pub(super) struct Hit<'a, K, V> {
    pub(super) entry: &'a Entry<K, V>,
    next: Shared<'a, Entry<K, V>>,
}

/// Goes from `start` to the first entry of `order` for which `is` is true, or to where it would be.
///
/// `is` may panic: nothing is half done while it runs.
#[inline]
pub(super) fn find<'a, K, V, S: Shield>(
    start: &'a Slot<K, V>,
    order: Order,
    mut is: impl FnMut(&K) -> bool,
    hands: &mut Hands<S>,
    unlinked: &Unlinked,
) -> Found<'a, K, V> {
    let judge = |entry: &Entry<K, V>| match entry.order.cmp(&order) {
        Compared::Less => Judged::Passed,
        Compared::Equal if is(&entry.key) => Judged::Wanted,
        Compared::Equal => Judged::Passed,
        Compared::Greater => Judged::Past,
    };
    search(start, order, judge, hands, unlinked)
}

/// What an entry is to a search.
pub(super) enum Judged {
    /// The search goes on behind it.
    Passed,
    /// It is what is looked for.
    Wanted,
    /// What is looked for would stand before it.
    Past,
}

/// Goes from `start` to the first entry that `judge` does not pass, or to the first slot of `end` or behind. Removed entries on the way are
/// unlinked and put into `unlinked`. Lock-free: it begins anew where another thread has changed the list.
#[inline]
pub(super) fn search<'a, K, V, S: Shield>(
    start: &'a Slot<K, V>,
    end: Order,
    mut judge: impl FnMut(&Entry<K, V>) -> Judged,
    hands: &mut Hands<S>,
    unlinked: &Unlinked,
) -> Found<'a, K, V> {
    'again: loop {
        let mut link = &start.next;
        // SAFETY: M3, dereferenced only while a hand protects it, and `Found` says so.
        let mut here: Shared<'a, _> = unsafe { hands.here.protect(link).rebind() };
        loop {
            // SAFETY: M3, `here` is protected by its hand, and was in `link` when that was validated.
            let entry = match unsafe { place(here) } {
                Place::Entry(entry) => entry,
                Place::Slot(slot) if slot.order() < end => {
                    link = &slot.next;
                    // SAFETY: as above.
                    here = unsafe { hands.here.protect(link).rebind() };
                    continue;
                }
                Place::End | Place::Slot(_) => return Found { link, here, hit: None },
            };
            // SAFETY: as above.
            let next: Shared<'a, _> = unsafe { hands.after.protect(&entry.next).rebind() };
            if next.tag() & MARK != 0 {
                let behind = next.with_tag(next.tag() & !MARK);
                if mutant!("M3 walks on from a removed entry") {
                    link = &entry.next;
                } else if !unlink(link, here, behind, unlinked) {
                    continue 'again;
                }
                hands.here.swap(&mut hands.after);
                here = behind;
                continue;
            }
            match judge(entry) {
                Judged::Passed => {}
                Judged::Wanted => return Found { link, here, hit: Some(Hit { entry, next }) },
                Judged::Past => return Found { link, here, hit: None },
            }
            link = &entry.next;
            hands.before.swap(&mut hands.here);
            hands.here.swap(&mut hands.after);
            here = next;
        }
    }
}

/// The entry of `order` for which `is` is true, without a look at removed ones on the way and without helping anybody: wait-free but for
/// entries that come in front of it all the time.
///
/// An entry that was removed still leads on: its link never changes again (M2). Whatever is reached so was in the list at some
/// time since the walk began.
///
/// # Safety
///
/// As long as the result is used the calling thread is in a read section of a domain whose guard protects everything.
#[inline]
pub(super) unsafe fn walk<K, V>(
    start: &Slot<K, V>,
    order: Order,
    mut is: impl FnMut(&K) -> bool,
) -> Option<&Entry<K, V>> {
    let mut link = &start.next;
    loop {
        // Acquire: M1, pairs with the Release that linked what it leads to.
        let here = link.load(Ordering::Acquire);
        // SAFETY: M4 and the caller's guard.
        let entry = match unsafe { place(here) } {
            Place::Entry(entry) if entry.order <= order => entry,
            Place::Slot(slot) if slot.order() < order => {
                link = &slot.next;
                continue;
            }
            _ => return None,
        };
        if entry.order == order && is(&entry.key) {
            // Acquire: M2, pairs with the exchange that removed it; what replaced it stands right behind.
            let removed = entry.next.load(Ordering::Acquire).tag() & MARK != 0;
            if !removed || mutant!("M2 removed entries are found") {
                return Some(entry);
            }
        }
        link = &entry.next;
    }
}

/// Takes a removed entry out of the list; false where `link` has changed.
pub(super) fn unlink<K, V>(
    link: &Atomic<Entry<K, V>>,
    entry: Shared<'_, Entry<K, V>>,
    behind: Shared<'_, Entry<K, V>>,
    unlinked: &Unlinked,
) -> bool {
    // AcqRel: M3, whoever finds `behind` here sees its entry, as this thread does. Relaxed: nothing is read.
    let done = link.compare_exchange(entry, behind, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    if done {
        // SAFETY: M2, the exchange succeeds once for a removed entry: this thread alone retires it.
        let entry = unsafe { entry.into_owned() };
        // SAFETY: M2, it is unlinked and its key and value may be dropped anywhere later, as the map's bounds say.
        unlinked.push(unsafe { entry.into_retired() });
    }
    done
}

/// What a thread does with a link it has found.
impl<K, V> Found<'_, K, V> {
    /// Puts a new entry in front of what stands here.
    ///
    /// # Errors
    ///
    /// The entry, where the list has changed.
    pub(super) fn insert(&self, entry: Owned<Entry<K, V>>) -> Result<(), Owned<Entry<K, V>>> {
        // Relaxed: published with the entry.
        entry.next.store(self.here, Ordering::Relaxed);
        let release =
            if mutant!("M1 published relaxed") { Ordering::Relaxed } else { Ordering::Release };
        pause::point("map insert");
        // Release: M1, publishes the entry to the Acquire of whoever walks here. Relaxed: it is searched again.
        let linked = self.link.compare_exchange(self.here, entry, release, Ordering::Relaxed);
        linked.map(|_| ()).map_err(|error| error.new)
    }

    /// Puts a slot in front of what stands here; false where the list has changed.
    pub(super) fn insert_slot(&self, slot: &Slot<K, V>) -> bool {
        // Relaxed: published with the slot.
        slot.next.store(self.here, Ordering::Relaxed);
        let (old, new) = (self.here, slot.link());
        // Release: M1, publishes order and link of the slot. Relaxed: it is searched again.
        self.link.compare_exchange(old, new, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Removes the entry that was found; false where somebody else has removed or replaced it.
    pub(super) fn remove(&self, unlinked: &Unlinked) -> bool {
        let Some(Hit { entry, next }) = self.hit else { return false };
        if mutant!("M2 removed without a mark") {
            return unlink(self.link, self.here, next, unlinked);
        }
        let marked = next.with_tag(next.tag() | MARK);
        // AcqRel: M2, whoever sees the mark sees what this thread saw, and what was linked behind it before. Relaxed: it is searched again.
        let removed =
            entry.next.compare_exchange(next, marked, Ordering::AcqRel, Ordering::Relaxed);
        if removed.is_err() {
            return false;
        }
        pause::point("map marked");
        // Where this fails, somebody else has come by or will: removed entries are unlinked by every walk past them.
        unlink(self.link, self.here, next, unlinked);
        true
    }

    /// Puts `new` in the place of the entry that was found, which has the same key: readers find one or the other.
    ///
    /// # Errors
    ///
    /// The entry, where the one found was removed or replaced by somebody else.
    pub(super) fn replace(
        &self,
        new: Owned<Entry<K, V>>,
        unlinked: &Unlinked,
    ) -> Result<(), Owned<Entry<K, V>>> {
        let Some(Hit { entry, next }) = self.hit else { return Err(new) };
        if mutant!("M2 replaced in two steps") {
            if !self.remove(unlinked) {
                return Err(new);
            }
            turgo_machine::thread::spin_loop();
            let found = Found { link: self.link, here: next, hit: None };
            return found.insert(new);
        }
        // Relaxed: published with the entry.
        new.next.store(next, Ordering::Relaxed);
        // AcqRel: M1 and M2, publishes the new entry and the mark at once. Relaxed: it is searched again.
        let new = new.with_tag(MARK);
        let replaced = entry.next.compare_exchange(next, new, Ordering::AcqRel, Ordering::Relaxed);
        match replaced {
            Ok(new) => {
                pause::point("map replaced");
                // As in `remove`.
                unlink(self.link, self.here, new.with_tag(0), unlinked);
                Ok(())
            }
            Err(error) => Err(error.new.with_tag(0)),
        }
    }
}

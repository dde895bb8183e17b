//! Going through all entries, with any kind of domain: one entry after the other is protected, and none of them for longer than it is looked at.
//!
//! - **M7** A visit goes on from the order of the entry it saw last, at that order's bucket, and tells entries of one order apart by their addresses:
//!   what it has seen of that order it passes. So an entry that is there from the first step to the last is seen once, whatever goes on around it. A new
//!   entry at the address of one that was seen and freed may be missed; it was not there all the while.

use alloc::vec::Vec;

use turgo_machine::mutant;

use super::RcuHashMap;
use super::list::{Hands, Judged, search};
use super::order::Order;
use crate::reclaim::Reclaim;

impl<K, V, S, R> RcuHashMap<K, V, S, R>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: Reclaim,
{
    /// Calls `f` with each entry, in no order that means anything. An entry that is there from the first step to the last comes once, others
    /// may come. With RCU it is one read section; there [`pin`](Self::pin) has an iterator, too.
    pub fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        self.visit(|key, value| {
            f(key, value);
            true
        });
    }

    /// Removes the entries that `f` does not want kept. Of entries that come meanwhile some may be missed.
    pub fn retain(&self, f: impl FnMut(&K, &V) -> bool) {
        self.visit(f);
    }

    /// Removes all entries that are there when it comes by.
    pub fn clear(&self) {
        self.visit(|_, _| false);
    }

    fn visit(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        let session = self.session();
        let mut hands = Hands::of(session.guard());
        let mut last = Order::FIRST;
        // The entries of order `last` that were seen: one, but for hashes that are alike.
        let mut seen: Vec<usize> = Vec::new();
        loop {
            let is_seen = |address| seen.contains(&address) || mutant!("M7 one entry of an order");
            let found = search(
                self.start(last.hash()),
                Order::LAST,
                |entry| {
                    let address = core::ptr::from_ref(entry).addr();
                    let passed = entry.order < last || entry.order == last && is_seen(address);
                    if passed { Judged::Passed } else { Judged::Wanted }
                },
                &mut hands,
                &session.unlinked,
            );
            let Some(hit) = &found.hit else { return };
            if hit.entry.order != last {
                last = hit.entry.order;
                seen.clear();
            }
            seen.push(core::ptr::from_ref(hit.entry).addr());
            // Where somebody else was faster, it is gone, or another entry is in its place and comes next.
            if !keep(&hit.entry.key, &hit.entry.value) && found.remove(&session.unlinked) {
                self.count_remove();
            }
        }
    }
}

//! Tags never become part of the address that is followed.

use turgo_machine::atomic::Ordering;

use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Atomic, Owned};

#[test]
fn a_tagged_pointer_leads_to_its_node() {
    let census = Census::leaked();
    for tag in 0..8 {
        let owned = Owned::new(Canary::new(census)).with_tag(tag);
        assert_eq!(owned.tag(), tag);
        owned.check();
        let cell = Atomic::null();
        cell.store(owned.into_shared(), Ordering::Relaxed);
        let shared = cell.load(Ordering::Relaxed);
        assert_eq!((shared.tag(), shared.with_tag(0).tag()), (tag, 0));
        // SAFETY: nobody else knows the node.
        unsafe { shared.deref() }.check();
        // SAFETY: as above.
        let owned = unsafe { shared.into_owned() };
        drop(if tag == 3 { Owned::new(owned.into_inner()) } else { owned });
    }
    assert_eq!(census.alive(), 0);
    assert!(crate::Shared::<u32>::null().with_tag(1).is_null(), "P3: null has tags, too");
}

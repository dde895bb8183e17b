//! A thread has a record of its own in each domain.

use crate::{Reclaim, hazard, rcu};

#[test]
fn a_thread_has_a_record_in_each_domain() {
    let (first, second) = (rcu::Domain::new(), rcu::Domain::new());
    drop((first.read_lock(), second.read_lock()));
    assert_eq!((first.stats().records, second.stats().records), (1, 1), "L1");
    let (first, second) = (hazard::Domain::new(), hazard::Domain::new());
    drop((first.hazard_pointer(), second.hazard_pointer()));
    assert_eq!((first.stats().records, second.stats().records), (1, 1), "L1");
}

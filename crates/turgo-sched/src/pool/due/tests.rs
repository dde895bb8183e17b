//! The order of a queue of deadlines.

use super::*;

#[test]
fn the_earliest_deadline_of_a_class_comes_first() {
    let due = Due::new();
    for (id, deadline_ns) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
        due.push(Class::Normal, deadline_ns, id, id + 10);
    }
    due.push(Class::Background, 1, 5, 0);
    assert_eq!((due.len(), due.has(Class::High), due.has(Class::Background)), (5, false, true));
    let popped: Vec<(u32, u32)> = std::iter::from_fn(|| due.pop(Class::Normal)).collect();
    assert_eq!(popped, [2, 4, 3, 1].map(|id| (id, id + 10)), "U1");
    assert!(!due.is_empty() && !due.has(Class::Normal), "U2");
    assert_eq!(due.pop(Class::Background), Some((5, 0)));
    assert!(due.is_empty(), "U2");
}

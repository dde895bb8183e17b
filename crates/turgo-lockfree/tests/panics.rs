//! Drops, comparisons, hashes, closures and iterators of the user's that panic: what they were called in stays whole, and nothing is dropped twice
//! or lost.

#![cfg(not(any(loom, shuttle)))]

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use turgo_lockfree::deque::Injector;
use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::queue::{ArrayQueue, MsQueue, SegmentQueue};
use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::ring::spsc;
use turgo_lockfree::stack::TreiberStack;
use turgo_lockfree::{hazard, rcu};
use turgo_machine::atomic::{AtomicUsize, Ordering};

/// Counts drops; the first of its kind panics.
struct Bomb(&'static AtomicUsize);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 0, "the first drop");
    }
}

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it was to panic");
}

/// How many are dropped by what panics with the first of them.
fn dropped(make: impl FnOnce(&dyn Fn() -> Bomb) -> Box<dyn FnOnce()>) -> usize {
    let count: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    panics(make(&|| Bomb(count)));
    count.load(Ordering::Relaxed)
}

fn containers<R: Reclaim + Clone + 'static>(domain: R) {
    let of = domain.clone();
    let queue = dropped(|bomb| {
        let queue = MsQueue::new_in(of);
        (0..10).for_each(|_| queue.push(bomb()));
        Box::new(|| drop(queue))
    });
    let segments = dropped(|bomb| {
        let queue = SegmentQueue::new();
        (0..100).for_each(|_| queue.push(bomb()));
        Box::new(|| drop(queue))
    });
    let of = domain.clone();
    let stack = dropped(|bomb| {
        let stack = TreiberStack::new_in(of);
        (0..10).for_each(|_| stack.push(bomb()));
        Box::new(|| drop(stack))
    });
    let of = domain.clone();
    let taken = dropped(|bomb| {
        let stack = TreiberStack::new_in(of);
        (0..10).for_each(|_| stack.push(bomb()));
        Box::new(move || {
            let mut all = stack.take_all();
            std::mem::forget(all.next());
            drop(all);
        })
    });
    let of = domain.clone();
    let map = dropped(|bomb| {
        let map = RcuHashMap::new_in(0, Plain::default(), of);
        (0..10).for_each(|key| _ = map.insert(Key(key), bomb()));
        Box::new(|| drop(map))
    });
    assert_eq!((queue, segments, stack, taken, map), (10, 100, 10, 9, 10));
    domain.flush();
    assert_eq!(domain.stats().pending(), 0, "what was retired meanwhile is freed");
}

#[test]
fn a_drop_that_panics_loses_no_other_item() {
    containers(rcu::Domain::new());
    containers(hazard::Domain::new());
    let array = dropped(|bomb| {
        let queue = ArrayQueue::new(10);
        (0..10).for_each(|_| assert!(queue.push(bomb()).is_ok()));
        Box::new(|| drop(queue))
    });
    let ring = dropped(|bomb| {
        let (mut producer, consumer) = spsc::new(10);
        (0..10).for_each(|_| assert!(producer.push(bomb()).is_ok()));
        Box::new(|| drop((producer, consumer)))
    });
    let injector = dropped(|bomb| {
        let injector = Injector::new();
        (0..10).for_each(|_| injector.push(bomb()));
        Box::new(|| drop(injector))
    });
    assert_eq!((array, ring, injector), (10, 10, 10));
}

/// Yields three values and panics.
fn three() -> impl Iterator<Item = Box<u32>> {
    (0..4).map(|number| {
        assert_ne!(number, 3, "told to");
        Box::new(number)
    })
}

fn iterators<R: Reclaim + Clone + 'static>(domain: &R) {
    let (queue, segments) = (MsQueue::new_in(domain.clone()), SegmentQueue::new());
    let stack = TreiberStack::new_in(domain.clone());
    panics(|| queue.push_batch(three()));
    panics(|| segments.push_batch(three()));
    panics(|| stack.push_all(three()));
    assert_eq!((queue.pop(), segments.pop(), stack.pop()), (None, None, None), "all or nothing");
    queue.push(Box::new(7));
    segments.push(Box::new(7));
    stack.push(Box::new(7));
    let seven = || Some(Box::new(7));
    assert_eq!((queue.pop(), segments.pop(), stack.pop()), (seven(), seven(), seven()));
    domain.flush();
    assert_eq!(domain.stats().pending(), 0, "no section was left open");
}

#[test]
fn an_iterator_that_panics_adds_nothing() {
    iterators(&rcu::Domain::new());
    iterators(&hazard::Domain::new());
}

/// A key whose hash or comparison panics: the hash of 100, comparisons with 101.
#[derive(Debug, Clone, Copy)]
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert_ne!(self.0, 100, "told to");
        state.write_u32(self.0 % 3);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        assert!(self.0 != 101 && other.0 != 101, "told to");
        self.0 == other.0
    }
}

impl Eq for Key {}

type Plain = BuildHasherDefault<std::collections::hash_map::DefaultHasher>;

fn users_code<R: Reclaim + Clone + 'static>(domain: &R) {
    let map = RcuHashMap::new_in(0, Plain::default(), domain.clone());
    (0..10).for_each(|key| _ = map.insert(Key(key), key));
    for key in [Key(100), Key(101)] {
        panics(|| _ = map.insert(key, 0));
        panics(|| _ = map.try_insert(key, 0));
        panics(|| _ = map.upsert(key, |_| 0));
        panics(|| _ = map.remove(&key));
        panics(|| _ = map.get(&key));
    }
    assert_eq!(map.len(), 10);
    for key in 0..10 {
        assert_eq!((map.get(&Key(key)), map.remove(&Key(key))), (Some(key), true));
    }
    assert!(map.is_empty());
    domain.flush();
    assert_eq!(domain.stats().pending(), 0, "no section was left open");
}

#[test]
fn hashes_comparisons_and_closures_that_panic_leave_a_map_whole() {
    users_code(&rcu::Domain::new());
    users_code(&hazard::Domain::new());
}

#[test]
fn a_walk_that_panics_leaves_a_map_whole() {
    let domain = rcu::Domain::new();
    let map = RcuHashMap::new_in(0, Plain::default(), domain.clone());
    (0..10).for_each(|key| _ = map.insert(Key(key), key));
    panics(|| _ = map.pin().get(&Key(101)));
    let mut seen = 0;
    panics(|| {
        map.pin().retain(|_, _| {
            seen += 1;
            assert_ne!(seen, 4, "told to");
            false
        });
    });
    assert_eq!((map.len(), map.pin().iter().count()), (7, 7), "three were removed before");
    map.pin().clear();
    assert!(map.is_empty());
    domain.flush();
    assert_eq!(domain.stats().pending(), 0, "no section was left open");
}

#[test]
fn queues_and_stacks_may_be_used_after_a_panic_that_was_caught_as_crossbeams_may() {
    fn is<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}

    type Inside = std::cell::Cell<u8>;
    is::<ArrayQueue<Inside>>();
    is::<SegmentQueue<Inside>>();
    is::<MsQueue<Inside, rcu::Domain>>();
    is::<MsQueue<Inside, hazard::Hazard>>();
    is::<TreiberStack<Inside>>();
}

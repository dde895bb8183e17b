//! What happens where memory runs out: what frees memory needs none, and what needs some changes nothing before it has it.

#![cfg(not(any(loom, shuttle)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use turgo_lockfree::counter::{Average, Counter, Histogram};
use turgo_lockfree::deque::{BoundedWorker, Injector, Steal, Worker};
use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::queue::{ArrayQueue, MsQueue, SegmentQueue};
use turgo_lockfree::reclaim::{Atomic, Owned, Reclaim, Shared};
use turgo_lockfree::ring::spsc;
use turgo_lockfree::stack::TreiberStack;
use turgo_lockfree::{RcuCell, hazard, rcu};
use turgo_machine::atomic::Ordering;

thread_local! {
    /// Whether the calling thread gets memory, and how often it was refused.
    static DENIED: Cell<bool> = const { Cell::new(false) };
    static REFUSALS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which refuses those threads that want it to.
struct Miser;

// SAFETY: it is the system's allocator, or none.
unsafe impl GlobalAlloc for Miser {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if DENIED.get() {
            REFUSALS.set(REFUSALS.get() + 1);
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static MISER: Miser = Miser;

/// Runs `f` without memory. Whatever asks for some ends the process, unless it can do without: how often it was told so.
fn without_memory<T>(f: impl FnOnce() -> T) -> (T, usize) {
    REFUSALS.set(0);
    DENIED.set(true);
    let result = f();
    DENIED.set(false);
    (result, REFUSALS.get())
}

/// As [`without_memory`], for what does not ask.
fn unasked<T>(f: impl FnOnce() -> T) -> T {
    let (result, refusals) = without_memory(f);
    assert_eq!(refusals, 0, "memory was asked for");
    result
}

fn containers<R: Reclaim + Clone + 'static>(domain: R) {
    let queue = MsQueue::new_in(domain.clone());
    let segments = SegmentQueue::new();
    let stack = TreiberStack::new_in(domain.clone());
    let cell = RcuCell::new_in(0, domain.clone());
    let map = RcuHashMap::new_in(0, std::hash::RandomState::new(), domain.clone());
    for value in 0..200 {
        queue.push(value);
        segments.push(value);
        stack.push(value);
        map.insert(value, value);
    }
    let replaced = cell.swap(1);
    unasked(|| {
        for value in 0..200 {
            assert_eq!((queue.pop(), segments.pop()), (Some(value), Some(value)));
            assert_eq!(stack.pop(), Some(199 - value));
            assert_eq!((map.get(&value), map.remove(&value)), (Some(value), true));
        }
        assert_eq!((queue.pop(), segments.pop(), stack.pop()), (None, None, None));
        drop(replaced);
        assert_eq!(cell.read(|value| *value), 1);
        domain.flush();
        domain.flush();
    });
    assert_eq!(domain.stats().pending(), 0, "and all of it was freed");
    unasked(|| drop((queue, segments, stack, cell, map)));
}

#[test]
fn retiring_and_leaving_ask_for_no_memory() {
    containers(rcu::Domain::new());
    containers(hazard::Domain::new());
    let domain = rcu::Domain::new();
    (0..10).for_each(|_| domain.call(|| ()));
    unasked(|| {
        let guard = domain.read_lock();
        drop(guard);
        domain.synchronize();
        domain.barrier().expect("in no section");
    });
}

#[test]
fn a_scan_that_gets_no_memory_frees_all_the_same() {
    let domain = hazard::Domain::new();
    let cells: Vec<Atomic<usize>> = (0..40).map(Atomic::new).collect();
    let mut hazards: Vec<_> = cells.iter().map(|_| domain.hazard_pointer()).collect();
    hazards.iter_mut().zip(&cells).step_by(2).for_each(|(hazard, cell)| _ = hazard.protect(cell));
    for cell in &cells {
        let old = cell.swap(Shared::null(), Ordering::AcqRel);
        // SAFETY: the swap made it ours.
        let node: Owned<usize> = unsafe { old.into_owned() };
        // SAFETY: nobody finds it any more.
        unsafe { domain.retire(node) };
    }
    let ((), refusals) = without_memory(|| domain.flush());
    assert!(refusals > 0, "it asks");
    assert_eq!(domain.stats().pending(), 20, "what is protected stays, and nothing else");
    drop(hazards);
    domain.flush();
    assert_eq!(domain.stats().pending(), 0);
}

#[test]
fn what_is_bounded_asks_for_no_memory() {
    let (array, worker) = (ArrayQueue::new(3), BoundedWorker::new_lifo(3));
    let (mut producer, mut consumer) = spsc::new(3);
    let stealer = worker.stealer();
    let (counter, histogram, average) = (Counter::new(), Histogram::new(), Average::new(3));
    counter.add(1);
    histogram.record(1);
    unasked(|| {
        for item in 0..3 {
            assert_eq!((array.push(item), worker.push(item)), (Ok(()), Ok(())));
            assert_eq!(producer.push(item), Ok(()));
        }
        assert_eq!((array.push(3), worker.push(3), producer.push(3)), (Err(3), Err(3), Err(3)));
        assert_eq!((array.force_push(3), stealer.steal()), (Some(0), Steal::Success(0)));
        assert_eq!((array.pop(), worker.pop(), consumer.pop()), (Some(1), Some(2), Some(0)));
        counter.add(1);
        histogram.record(2);
        average.record(3);
        assert_eq!(counter.sum(), 2);
    });
    let (worker, injector) = (Worker::new_fifo(), Injector::new());
    (0..60).for_each(|item| worker.push(item));
    (0..60).for_each(|item| injector.push(item));
    let dest = Worker::new_lifo();
    unasked(|| {
        assert_eq!(worker.stealer().steal_batch_and_pop(&dest), Steal::Success(0));
        assert_eq!((worker.pop(), injector.steal()), (Some(30), Steal::Success(0)));
        assert_eq!(injector.steal_batch_with_limit(&dest, 8), Steal::Success(()));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_push_that_gets_no_memory_ends_the_process() {
    let (queue, stack) = (MsQueue::new(), TreiberStack::new());
    for push in [&(|| queue.push(1)) as &dyn Fn(), &|| stack.push(1)] {
        // SAFETY: the child asks for memory that it does not get, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // What it has to say is not of interest.
            // SAFETY: closes a file of the child's.
            unsafe { libc::close(2) };
            DENIED.set(true);
            push();
            // SAFETY: it ends the child at once.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: `status` is ours.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
        assert_eq!(signal, Some(libc::SIGABRT));
    }
}

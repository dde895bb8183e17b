//! Waiting allocates nothing: counted, over a whole wait from the first poll to the end.

#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use turgo_sync::{
    Barging, Barrier, Condvar, Event, Latch, Mutex, Notify, OnceCell, RwLock,
    RwLockUpgradableReadGuard, Semaphore, SetOnce, WaitGroup, WaiterQueue, local,
};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's, and a number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Polls a future that has to wait, lets it be served, and polls it to its end.
fn waits<T>(future: impl Future<Output = T>, serve: impl FnOnce()) {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    let before = COUNT.get();
    assert!(future.as_mut().poll(&mut context).is_pending());
    serve();
    let Poll::Ready(value) = future.poll(&mut context) else { panic!("was served") };
    assert_eq!(COUNT.get(), before, "allocations while it waited");
    drop(value);
}

#[test]
fn waiting_allocates_nothing() {
    let semaphore = Semaphore::new(0);
    waits(semaphore.acquire(), || semaphore.add_permits(1));
    let semaphore = Semaphore::<Barging>::with_fairness(0);
    waits(semaphore.acquire_many(3), || semaphore.add_permits(3));
    let semaphore = local::Semaphore::new(0);
    waits(semaphore.acquire(), || semaphore.add_permits(1));
    let mutex = Mutex::new(1);
    let mut guard = mutex.try_lock().ok();
    waits(mutex.lock(), || drop(guard.take()));
    let notify = Notify::new();
    waits(notify.notified(), || notify.notify_one());
    waits(notify.notified(), || notify.notify_waiters());
    primitives();
    let counted = COUNT.get();
    drop(Box::new(1));
    assert_eq!(COUNT.get(), counted + 1, "the count counts");
}

#[test]
fn waiting_at_a_channel_allocates_nothing() {
    let (sender, mut receiver) = turgo_sync::mpsc::channel(1);
    waits(receiver.recv(), || sender.try_send(1).unwrap());
    sender.try_send(2).unwrap();
    waits(sender.send(3), || assert_eq!(receiver.try_recv(), Ok(2)));
    let (sender, receiver) = turgo_sync::mpmc::channel(1);
    waits(receiver.recv(), || sender.try_send(1).unwrap());
    let (sender, receiver) = turgo_sync::oneshot::channel();
    waits(receiver, || sender.send(1).unwrap());
    let (sender, mut receiver) = turgo_sync::broadcast::channel(1);
    waits(receiver.recv(), || assert_eq!(sender.send(1).unwrap(), 1));
    let (sender, mut receiver) = turgo_sync::watch::channel(1);
    waits(receiver.changed(), || sender.send(2).unwrap());
    let token = turgo_sync::CancellationToken::new();
    let child = token.child_token();
    waits(child.cancelled(), || token.cancel());
}

fn primitives() {
    let event = Event::new();
    waits(event.wait(), || _ = event.set());
    let latch = Latch::new(1);
    waits(latch.wait(), || latch.count_down());
    let group = WaitGroup::new();
    group.add(1);
    waits(group.wait(), || group.done());
    let queue = WaiterQueue::new();
    waits(queue.add_waiter_if(|| false), || queue.wake_one());
    waits(queue.add_waiter_if(|| false), || queue.wake_all());
    let barrier = Barrier::new(2);
    waits(barrier.wait(), || {
        let last = pin!(barrier.wait());
        assert!(last.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    });
    let cell = SetOnce::new();
    waits(cell.wait(), || cell.set(1).unwrap());
    let cell = OnceCell::new();
    let mut first = Some(Box::pin(cell.get_or_init(std::future::pending)));
    let polled = first.as_mut().map(|first| first.as_mut().poll(&mut context()).is_pending());
    assert_eq!(polled, Some(true));
    waits(cell.get_or_init(|| async { 1 }), || drop(first.take()));
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    waits(condvar.wait(mutex.try_lock().unwrap()), || condvar.notify_one());
    let lock = RwLock::new(());
    let mut reader = lock.try_read().ok();
    let upgradable = lock.try_upgradable_read().unwrap();
    waits(RwLockUpgradableReadGuard::upgrade(upgradable), || drop(reader.take()));
    let mut writer = lock.try_write().ok();
    waits(lock.upgradable_read(), || drop(writer.take()));
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

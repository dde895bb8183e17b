//! The queues that compio-sync's plan compares, under one semaphore: a count, and wakers that are kept until somebody gives back.
//!
//! - `std Mutex`: wakers in a deque under the standard library's mutex.
//! - `parking_lot + AtomicWaker`: each waiter has a slot for its waker, and the slots are in a deque under parking_lot's mutex.
//! - `SegQueue`: wakers in a queue without locks, from which nothing can be taken out when a wait is given up.
//! - `intrusive`: tokio's semaphore, nodes in the futures under a mutex.
//! - ours.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use bench_harness::{Case, shared};
use crossbeam_queue::SegQueue;
use turgo_sync::Barging;

use super::polls::{Blocking, now};

/// Where wakers are kept.
pub(crate) trait Wakers: Default + Send + Sync + 'static {
    type Ticket: Default + Unpin;
    fn keep(&self, ticket: &mut Self::Ticket, waker: &Waker);
    fn wake_one(&self);
    /// The wait is over; `served` or given up.
    fn leave(&self, ticket: &mut Self::Ticket, served: bool);
}

#[derive(Default)]
pub(crate) struct StdMutex {
    queue: Mutex<VecDeque<(u64, Waker)>>,
    next: AtomicU64,
}

impl Wakers for StdMutex {
    type Ticket = Option<u64>;

    fn keep(&self, ticket: &mut Option<u64>, waker: &Waker) {
        let mut queue = self.queue.lock().expect("nobody panics");
        let id = *ticket.get_or_insert_with(|| self.next.fetch_add(1, Ordering::Relaxed));
        match queue.iter_mut().find(|(other, _)| *other == id) {
            Some((_, kept)) => kept.clone_from(waker),
            None => queue.push_back((id, waker.clone())),
        }
    }

    fn wake_one(&self) {
        let first = self.queue.lock().expect("nobody panics").pop_front();
        if let Some((_, waker)) = first {
            waker.wake();
        }
    }

    fn leave(&self, ticket: &mut Option<u64>, served: bool) {
        let Some(id) = ticket.take() else { return };
        let mut queue = self.queue.lock().expect("nobody panics");
        let place = queue.iter().position(|(other, _)| *other == id);
        let was_woken = place.and_then(|place| queue.remove(place)).is_none();
        drop(queue);
        if was_woken && !served {
            self.wake_one();
        }
    }
}

#[derive(Default)]
pub(crate) struct ParkingLot {
    queue: parking_lot::Mutex<VecDeque<Arc<AtomicWaker>>>,
}

impl Wakers for ParkingLot {
    type Ticket = Option<Arc<AtomicWaker>>;

    fn keep(&self, ticket: &mut Self::Ticket, waker: &Waker) {
        let slot = ticket.get_or_insert_with(Arc::default);
        slot.register(waker);
        let mut queue = self.queue.lock();
        if !queue.iter().any(|other| Arc::ptr_eq(other, slot)) {
            queue.push_back(slot.clone());
        }
    }

    fn wake_one(&self) {
        let first = self.queue.lock().pop_front();
        if let Some(slot) = first {
            slot.wake();
        }
    }

    fn leave(&self, ticket: &mut Self::Ticket, served: bool) {
        let Some(slot) = ticket.take() else { return };
        let mut queue = self.queue.lock();
        let place = queue.iter().position(|other| Arc::ptr_eq(other, &slot));
        let was_woken = place.and_then(|place| queue.remove(place)).is_none();
        drop(queue);
        if was_woken && !served {
            self.wake_one();
        }
    }
}

/// Nothing can be taken out, so who gives up leaves its waker behind, and a wake that goes there is lost.
#[derive(Default)]
pub(crate) struct Segments {
    queue: SegQueue<Waker>,
}

impl Wakers for Segments {
    type Ticket = ();

    fn keep(&self, _ticket: &mut (), waker: &Waker) {
        self.queue.push(waker.clone());
    }

    fn wake_one(&self) {
        if let Some(waker) = self.queue.pop() {
            waker.wake();
        }
    }

    fn leave(&self, _ticket: &mut (), _served: bool) {}
}

/// A count of permits, and wakers.
pub(crate) struct Counted<W> {
    permits: AtomicUsize,
    wakers: W,
}

impl<W: Wakers> Counted<W> {
    pub(crate) fn new(permits: usize) -> Self {
        Self { permits: AtomicUsize::new(permits), wakers: W::default() }
    }

    fn try_take(&self) -> bool {
        let fewer = |permits: usize| permits.checked_sub(1);
        self.permits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok()
    }

    pub(crate) fn give(&self) {
        self.permits.fetch_add(1, Ordering::SeqCst);
        self.wakers.wake_one();
    }

    pub(crate) fn acquire(&self) -> Taking<'_, W> {
        Taking { semaphore: self, ticket: W::Ticket::default(), is_over: false }
    }
}

/// A wait for a permit of [`Counted`].
pub(crate) struct Taking<'a, W: Wakers> {
    semaphore: &'a Counted<W>,
    ticket: W::Ticket,
    is_over: bool,
}

impl<W: Wakers> Future for Taking<'_, W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut taken = this.semaphore.try_take();
        if !taken {
            this.semaphore.wakers.keep(&mut this.ticket, context.waker());
            // Somebody may have given one back before the waker was there.
            taken = this.semaphore.try_take();
        }
        if !taken {
            return Poll::Pending;
        }
        this.is_over = true;
        this.semaphore.wakers.leave(&mut this.ticket, true);
        Poll::Ready(())
    }
}

impl<W: Wakers> Drop for Taking<'_, W> {
    fn drop(&mut self) {
        if !self.is_over {
            self.semaphore.wakers.leave(&mut self.ticket, false);
        }
    }
}

macro_rules! counted {
    ($name:literal, $wakers:ty, $run:expr) => {
        Case {
            name: $name,
            make: |threads| {
                shared(threads, Counted::<$wakers>::new(1), |semaphore, operations| {
                    let run = $run;
                    for _ in 0..operations {
                        run.run(semaphore.acquire());
                        semaphore.give();
                    }
                    operations
                })
            },
        }
    };
}

macro_rules! semaphore {
    ($name:literal, $type:ty, $make:expr, $run:expr) => {
        Case {
            name: $name,
            make: |threads| {
                shared(threads, $make, |semaphore: &$type, operations| {
                    let run = $run;
                    for _ in 0..operations {
                        drop(run.run(semaphore.acquire()));
                    }
                    operations
                })
            },
        }
    };
}

/// Polls a future that has no reason to wait.
struct AtOnce;

impl AtOnce {
    #[inline(always)]
    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        now(future)
    }
}

pub(crate) fn alone() -> Vec<Case> {
    vec![
        counted!("std Mutex", StdMutex, AtOnce),
        counted!("parking_lot + AtomicWaker", ParkingLot, AtOnce),
        counted!("SegQueue (loses wakeups)", Segments, AtOnce),
        semaphore!(
            "intrusive (tokio)",
            tokio::sync::Semaphore,
            tokio::sync::Semaphore::new(1),
            AtOnce
        ),
        semaphore!("turgo Fifo", turgo_sync::Semaphore, turgo_sync::Semaphore::new(1), AtOnce),
        semaphore!(
            "turgo Barging",
            turgo_sync::Semaphore<Barging>,
            turgo_sync::Semaphore::with_fairness(1),
            AtOnce
        ),
    ]
}

/// Without the one that loses wakeups: a thread would sleep for ever.
pub(crate) fn contended() -> Vec<Case> {
    vec![
        counted!("std Mutex", StdMutex, Blocking::new()),
        counted!("parking_lot + AtomicWaker", ParkingLot, Blocking::new()),
        semaphore!(
            "intrusive (tokio)",
            tokio::sync::Semaphore,
            tokio::sync::Semaphore::new(1),
            Blocking::new()
        ),
        semaphore!(
            "turgo Fifo",
            turgo_sync::Semaphore,
            turgo_sync::Semaphore::new(1),
            Blocking::new()
        ),
        semaphore!(
            "turgo Barging",
            turgo_sync::Semaphore<Barging>,
            turgo_sync::Semaphore::with_fairness(1),
            Blocking::new()
        ),
    ]
}

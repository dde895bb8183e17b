//! A wait in steps: asked once, then asked again until it is over, or given up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use turgo_machine::thread::{self, Thread};

/// How often one who gives up lets others go first.
const YIELDS: usize = 3;

/// Wakes a thread. It has a flag of its own, for what is waited for may park the thread, too.
struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, SeqCst);
        self.thread.unpark();
    }
}

/// A wait that was not over when it was asked for the first time.
pub(crate) struct Waiting<F> {
    future: Pin<Box<F>>,
    parker: Arc<Parker>,
}

impl<F: Future> Waiting<F> {
    /// Asks once.
    pub(crate) fn begin(future: F) -> Result<F::Output, Self> {
        let parker = Arc::new(Parker { thread: thread::current(), woken: AtomicBool::new(false) });
        let mut waiting = Self { future: Box::pin(future), parker };
        waiting.ask().ok_or(waiting)
    }

    fn ask(&mut self) -> Option<F::Output> {
        let waker = Waker::from(self.parker.clone());
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// Sleeps until it is over.
    pub(crate) fn finish(mut self) -> F::Output {
        loop {
            while !self.parker.woken.swap(false, SeqCst) {
                thread::park();
            }
            if let Some(answer) = self.ask() {
                return answer;
            }
        }
    }

    /// Asks again without having been woken, after others had time to go on.
    pub(crate) fn hurry(mut self) -> Result<F::Output, Self> {
        for _ in 0..YIELDS {
            thread::yield_now();
            if let Some(answer) = self.ask() {
                return Ok(answer);
            }
        }
        Err(self)
    }
}

/// Waits for what is not recorded in steps.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    Waiting::begin(future).unwrap_or_else(Waiting::finish)
}

/// What belongs to one thread each: taken by it, once.
pub(crate) struct Seats<T>(Vec<Seat<T>>);

type Seat<T> = std::sync::Mutex<Option<T>>;

impl<T> Seats<T> {
    pub(crate) fn new(all: impl IntoIterator<Item = T>) -> Self {
        Self(all.into_iter().map(|one| Some(one).into()).collect())
    }

    pub(crate) fn take(&self, thread: u32) -> T {
        self.0[thread as usize].lock().unwrap().take().unwrap()
    }
}

/// What one thread has to know so that no other sleeps for ever.
pub(crate) struct Sleepers {
    /// How many went to sleep since it last looked.
    asleep: AtomicU32,
    /// How many threads may still do so.
    active: AtomicU32,
}

impl Sleepers {
    pub(crate) fn new(active: u32) -> Self {
        Self { asleep: AtomicU32::new(0), active: AtomicU32::new(active) }
    }

    /// Before one who has a place goes to sleep there.
    pub(crate) fn one_more(&self) {
        self.asleep.fetch_add(1, SeqCst);
    }

    /// A thread will not sleep any more.
    pub(crate) fn leave(&self) {
        self.active.fetch_sub(1, SeqCst);
    }

    /// Rouses each sleeper once, until there can be no more.
    pub(crate) fn rouse(&self, mut one: impl FnMut()) {
        while self.active.load(SeqCst) > 0 {
            (0..self.asleep.swap(0, SeqCst)).for_each(|_| one());
            thread::yield_now();
        }
    }
}

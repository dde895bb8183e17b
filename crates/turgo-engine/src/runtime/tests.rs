//! The parts of the runtime one by one, without a whole graph around them.
//!
//! Tests of numbered rules name the rule. Whatever could hang runs under [`within`].

mod chain;
mod dispenser;
mod executor;
mod inlet;
mod letters;
mod ring;
mod sink;
mod timer;

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use crate::message::Batch;
use crate::time::WATERMARK_NONE;

/// Does `work` on a thread of its own; one that hangs fails the test instead of blocking it.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let worker = move || {
        // A work that panics drops the sender, which the receiver notices.
        let _ = done.send(work());
    };
    thread::Builder::new().spawn(worker).unwrap();
    result.recv_timeout(Duration::from_secs(20)).expect("ends in time and without a panic")
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(Mutex<usize>);

impl Wakes {
    fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    fn count(&self) -> usize {
        *self.0.lock().unwrap()
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() += 1;
    }
}

/// Wakes a thread that parks itself.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn this_thread() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// Rows of one column.
fn rows(values: &[i64]) -> Batch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let rows = RecordBatch::try_from_iter([("value", column)]).unwrap();
    Batch::derived(rows, WATERMARK_NONE)
}

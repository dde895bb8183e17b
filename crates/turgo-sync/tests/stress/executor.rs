//! A bare executor: threads, one queue of tasks, and nothing that knows what the tasks wait for.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use turgo_machine::thread;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    work: Mutex<Option<Work>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ready: Mutex<VecDeque<Arc<Task>>>,
    changed: Condvar,
    alive: AtomicUsize,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let shared = self.shared.clone();
        shared.ready.lock().unwrap().push_back(self);
        shared.changed.notify_one();
    }
}

/// Threads that run tasks until all are done.
pub(crate) struct Executor {
    shared: Arc<Shared>,
    threads: usize,
}

impl Executor {
    pub(crate) fn new(threads: usize) -> Self {
        Self { shared: Arc::default(), threads }
    }

    /// Adds a task, and answers its waker.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Waker {
        self.shared.alive.fetch_add(1, SeqCst);
        let work: Work = Box::pin(work);
        let task = Arc::new(Task { work: Mutex::new(Some(work)), shared: self.shared.clone() });
        task.clone().wake();
        Waker::from(task)
    }

    /// Runs all tasks to their end.
    pub(crate) fn finish(self) {
        let threads: Vec<_> = (0..self.threads)
            .map(|_| {
                let shared = self.shared.clone();
                thread::spawn(move || run(&shared))
            })
            .collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

fn run(shared: &Shared) {
    loop {
        let mut ready = shared.ready.lock().unwrap();
        let task = loop {
            if shared.alive.load(SeqCst) == 0 {
                return;
            }
            match ready.pop_front() {
                Some(task) => break task,
                None => ready = shared.changed.wait(ready).unwrap(),
            }
        };
        drop(ready);
        let waker = Waker::from(task.clone());
        let mut work = task.work.lock().unwrap();
        let done = work
            .as_mut()
            .is_some_and(|work| work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        if done {
            *work = None;
            if shared.alive.fetch_sub(1, SeqCst) == 1 {
                // Under the lock, so that nobody is between looking and waiting.
                let _ready = shared.ready.lock().unwrap();
                shared.changed.notify_all();
            }
        }
    }
}

/// Lets others run.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What a future answers, or nothing if so many polls, each of which is followed by a wake, do not suffice.
pub(crate) async fn give_up_after<T>(
    future: impl Future<Output = T>,
    polls: Option<u64>,
) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        let Some(polls) = polls else { return Poll::Pending };
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Counts the polls of a future.
pub(crate) async fn counted<T>(future: impl Future<Output = T>, polls: Arc<AtomicUsize>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| {
        polls.fetch_add(1, Relaxed);
        future.as_mut().poll(context)
    })
    .await
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// How often this thread gave up its processor of its own accord.
pub(crate) fn switches() -> i64 {
    // SAFETY: zero is a value of every field.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a structure of the right type.
    let answer = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    assert_eq!(answer, 0);
    usage.ru_nvcsw
}

/// Does nothing for a while.
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Marsaglia's xorshift.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

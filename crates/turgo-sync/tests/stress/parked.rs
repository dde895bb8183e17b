//! Nobody runs while everybody waits: counted over ten seconds, on threads with every runtime and with none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use turgo_machine::thread;
use turgo_sync::{Barging, Condvar, Event, Latch, Mutex, Notify, Semaphore, WaiterQueue};

use crate::executor::{self, counted, switches};

/// What is waited for.
#[derive(Default)]
struct All {
    event: Event,
    notify: Notify,
    queue: WaiterQueue,
    changed: Condvar,
    done: Mutex<bool>,
}

type Waited = (All, Semaphore<Barging>, Latch);

/// Waits for all of them, one after the other, and answers how often it was polled.
async fn wait(all: Arc<Waited>) -> usize {
    let polls = Arc::new(AtomicUsize::new(0));
    let waits = async {
        let (all, semaphore, latch) = &*all;
        latch.wait().await;
        semaphore.acquire().await.unwrap().forget();
        all.event.wait().await;
        let guard = all.done.lock().await;
        drop(all.changed.wait_while(guard, |done| !*done).await);
    };
    counted(waits, polls.clone()).await;
    polls.load(Relaxed)
}

/// Half of those who wait do so at the first, the others have come to the last.
#[test]
fn parked_waiters_sleep_ten_seconds() {
    let all = Arc::new((All::default(), Semaphore::<Barging>::with_fairness(0), Latch::new(1)));
    let on = |run: fn(Arc<Waited>) -> usize| {
        let all = all.clone();
        thread::spawn(move || {
            let start = switches();
            let polls = run(all);
            (switches() - start, polls)
        })
    };
    let notified = thread::spawn({
        let all = all.clone();
        move || {
            let start = switches();
            executor::block_on(async {
                all.0.notify.notified().await;
            });
            switches() - start
        }
    });
    let queued = thread::spawn({
        let all = all.clone();
        move || {
            compio::runtime::Runtime::new().unwrap().block_on(async {
                let start = switches();
                all.0.queue.add_waiter_if(|| false).await;
                switches() - start
            })
        }
    });
    let threads = [
        on(|all| executor::block_on(wait(all))),
        on(|all| compio::runtime::Runtime::new().unwrap().block_on(wait(all))),
        on(|all| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(wait(all))
        }),
    ];
    executor::pause(Duration::from_secs(10));
    all.0.notify.notify_one();
    all.0.queue.wake_one();
    all.2.count_down();
    all.1.add_permits(3);
    all.0.event.set();
    *all.0.done.blocking_lock() = true;
    all.0.changed.notify_all();
    for thread in threads {
        let (switches, polls) = thread.join().unwrap();
        // Four waits; starting and ending a runtime switches, too.
        assert!(switches <= 30, "{switches} voluntary switches in ten seconds");
        assert!(polls <= 8, "{polls} polls");
    }
    for thread in [notified, queued] {
        let switches = thread.join().unwrap();
        assert!(switches <= 10, "{switches} voluntary switches in ten seconds");
    }
}

//! What is not a time per operation: how long single waits are, how large a waiter is, and which queue loses wakeups.

use std::mem::size_of_val;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};
use std::{hint, pin::pin, thread};

use turgo_sync::{Barging, Notify, Semaphore};

use crate::cases::plan::{Counted, ParkingLot, Segments, StdMutex, Wakers};
use crate::cases::polls::Blocking;

/// Measures and prints all three.
pub(crate) fn run(rounds: usize) {
    println!("\nwait for a semaphore of one permit, 2 threads, a microsecond held: ns");
    println!("  {:<26} {:>9} {:>9} {:>9} {:>11}", "", "p50", "p99", "p99.9", "turns/s");
    macro_rules! row {
        ($name:literal, $make:expr) => {{
            let semaphore = $make;
            waits(
                $name,
                rounds,
                |blocking| drop(blocking.run(semaphore.acquire())),
                |blocking| blocking.run(semaphore.acquire()),
            );
        }};
    }
    row!("turgo Fifo", Semaphore::new(1));
    row!("turgo Barging<100>", Semaphore::<Barging<100>>::with_fairness(1));
    row!("turgo Barging", Semaphore::<Barging>::with_fairness(1));
    row!("tokio", tokio::sync::Semaphore::new(1));
    row!("async-lock", async_lock::Semaphore::new(1));
    sizes();
    println!("\nwakeups lost of 1000, where one of two waiters gives up and a permit comes back");
    lost::<StdMutex>("std Mutex");
    lost::<ParkingLot>("parking_lot + AtomicWaker");
    lost::<Segments>("SegQueue");
    lost_by_turgo();
}

/// Lets two threads take turns for a while and prints how long they waited.
#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn waits<G>(
    name: &str,
    rounds: usize,
    warm_up: impl Fn(&Blocking) + Sync,
    take: impl Fn(&Blocking) -> G + Sync,
) {
    let end = AtomicBool::new(false);
    let length = Duration::from_millis(100 * rounds as u64);
    let mut all: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let blocking = Blocking::new();
                    warm_up(&blocking);
                    let mut waits = Vec::with_capacity(1 << 20);
                    while !end.load(Ordering::Relaxed) {
                        let begin = Instant::now();
                        let permit = take(&blocking);
                        let had = Instant::now();
                        waits.push((had - begin).as_nanos() as u64);
                        while had.elapsed() < Duration::from_micros(1) {
                            hint::spin_loop();
                        }
                        drop(permit);
                    }
                    waits
                })
            })
            .collect();
        thread::sleep(length);
        end.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
    });
    all.sort_unstable();
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let turns = all.len() as f64 / length.as_secs_f64();
    let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
    println!("  {name:<26} {p50:>9} {p99:>9} {p999:>9} {turns:>11.0}");
}

/// What a future takes that waits: there is nothing else.
fn sizes() {
    println!("\nbytes of a wait (async-lock, event-listener: and an allocation)");
    let ours = (Semaphore::new(1), turgo_sync::Mutex::new(()), Notify::new());
    let tokio =
        (tokio::sync::Semaphore::new(1), tokio::sync::Mutex::new(()), tokio::sync::Notify::new());
    let semaphore = async_lock::Semaphore::new(1);
    let event = event_listener::Event::<()>::new();
    let queue = maitake_sync::WaitQueue::new();
    for (name, bytes) in [
        ("turgo Semaphore", size_of_val(&ours.0.acquire())),
        ("turgo Mutex", size_of_val(&ours.1.lock())),
        ("turgo Notify", size_of_val(&ours.2.notified())),
        ("tokio Semaphore", size_of_val(&tokio.0.acquire())),
        ("tokio Mutex", size_of_val(&tokio.1.lock())),
        ("tokio Notify", size_of_val(&tokio.2.notified())),
        ("async-lock Semaphore", size_of_val(&semaphore.acquire())),
        ("event-listener", size_of_val(&event.listen())),
        ("maitake WaitQueue", size_of_val(&queue.wait())),
    ] {
        println!("  {name:<26} {bytes:>9}");
    }
}

#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const ROUNDS: usize = 1000;

fn lost<W: Wakers>(name: &str) {
    let rounds = (0..ROUNDS).filter(|_| {
        let semaphore = Counted::<W>::new(0);
        let second = Arc::<Woken>::default();
        let mut stays = pin!(semaphore.acquire());
        {
            let mut goes = pin!(semaphore.acquire());
            assert!(goes.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let waker = Waker::from(second.clone());
            assert!(stays.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        semaphore.give();
        second.0.load(Ordering::Relaxed) == 0
    });
    println!("  {name:<26} {:>9}", rounds.count());
}

fn lost_by_turgo() {
    let rounds = (0..ROUNDS).filter(|_| {
        let semaphore = Semaphore::new(0);
        let second = Arc::<Woken>::default();
        let mut stays = pin!(semaphore.acquire());
        {
            let mut goes = pin!(semaphore.acquire());
            assert!(goes.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let waker = Waker::from(second.clone());
            assert!(stays.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        semaphore.add_permits(1);
        second.0.load(Ordering::Relaxed) == 0
    });
    println!("  {:<26} {:>9}", "turgo", rounds.count());
}

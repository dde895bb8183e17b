//! What a pool does when there is nothing to do, and when one worker is held up.

#![cfg(all(target_os = "linux", not(any(loom, shuttle))))]

use std::fs;
use std::sync::mpsc::channel;
use std::time::Duration;

use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::topology::Topology;
use turgo_sched::Pool;

fn pool(name: &str, workers: usize) -> Pool {
    let machine = Topology::simulate("1x8").expect("a machine");
    Pool::builder(&machine).workers(workers).name(name).build().expect("threads")
}

/// How often threads with this name have gone to sleep so far.
fn switches(name: &str) -> u64 {
    let tasks = fs::read_dir("/proc/self/task").expect("the kernel lists threads").flatten();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    let of_pool = texts.filter(|text| text.starts_with(&format!("Name:\t{name}-")));
    let count = |text: String| {
        let line = text.lines().find(|line| line.starts_with("voluntary"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    of_pool.filter_map(count).sum()
}

/// Seconds that nothing happens; ten where somebody asks for it.
fn seconds() -> u64 {
    std::env::var("TURGO_IDLE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

#[test]
fn nobody_wakes_up_when_nothing_is_to_be_done() {
    let pool = pool("calm", 4);
    let count = AtomicUsize::new(0);
    pool.parallel_for(0..50_000, |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    std::thread::sleep(Duration::from_millis(500));
    let (before, parks) = (switches("calm"), pool.statistics().total().parks);
    assert!(before > 0, "they sleep");
    std::thread::sleep(Duration::from_secs(seconds()));
    assert_eq!(switches("calm"), before);
    assert_eq!(pool.statistics().total().parks, parks);
}

#[test]
fn one_task_wakes_one_worker() {
    let pool = pool("one", 4);
    std::thread::sleep(Duration::from_millis(100));
    let before = pool.statistics().wakeups[0];
    for number in 0..50 {
        assert_eq!(pool.spawn(async move { number }).wait().expect("a number"), number);
        std::thread::sleep(Duration::from_millis(2));
    }
    let woken = pool.statistics().wakeups[0] - before;
    assert!((25..=50).contains(&woken), "{woken} wakeups for 50 tasks");
}

#[test]
fn others_do_the_work_of_one_that_is_held_up() {
    let pool = pool("held", 3);
    let (done, all) = channel();
    pool.scope(move |scope| {
        for _ in 0..500 {
            let done = done.clone();
            scope.spawn(move |_| done.send(()).expect("somebody counts"));
        }
        // This worker runs none of them before the others have run all.
        for _ in 0..500 {
            all.recv_timeout(Duration::from_secs(20)).expect("S3: nobody sleeps on them");
        }
    });
    assert_eq!(pool.statistics().total().promotions, 0);
}

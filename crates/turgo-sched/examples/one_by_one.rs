//! Tasks that come one by one, and a pool that learns to wait for them. Its `main` is run as a test, for a shorter time.
//!
//! A worker that finds nothing looks on for a while before it sleeps, and who sleeps has to be woken: that is most of what a task waits that comes alone. How long to look on is a knob;
//! the pool turns it by what it measures. `cargo run --release --example one_by_one -- 20` lets it learn for twenty seconds.

#![cfg(not(any(loom, shuttle)))]

use std::thread;
use std::time::Duration;

use turgo_machine::clock::Clock;
use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::policy::Knobs;
use turgo_sched::tune::Objective;

/// Between two tasks, at least.
const GAP: Duration = Duration::from_micros(100);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).filter(|_| !cfg!(test));
    let learning = match seconds {
        Some(seconds) => Duration::from_secs(seconds.parse()?),
        None => Duration::from_millis(500),
    };
    let measuring = learning / 10;
    let machine = Topology::detect()?;
    let builder = || Pool::builder(&machine).workers(1).latency(true);
    let before = builder().build()?;
    trickle(&before, measuring);
    show("as built", &before);

    let pool = builder().tune(Duration::from_millis(100)).objective(Objective::Latency).build()?;
    trickle(&pool, learning);
    let learnt = pool.knobs();
    println!("{}", pool.tuning().ok_or("it tunes itself")?);
    pool.set_tuning(false);
    assert_eq!(pool.knobs(), Knobs::default(), "the kill switch");

    let after = builder().knobs(learnt).build()?;
    trickle(&after, measuring);
    show("as learnt", &after);
    Ok(())
}

/// Spawns tasks one by one for so long.
fn trickle(pool: &Pool, time: Duration) {
    let clock = Clock::real();
    while u128::from(clock.now_ns()) < time.as_nanos() {
        thread::sleep(GAP);
        drop(pool.spawn(async {}));
    }
}

fn show(what: &str, pool: &Pool) {
    let spin_us = pool.knobs().spin_ns as f64 / 1e3;
    if let Some(latency) = pool.statistics().latency {
        let us = |ns: u64| ns as f64 / 1e3;
        println!(
            "{what:<10} spin {spin_us} us: {} tasks, half of them within {:.1} us, 99 of 100 within {:.1} us",
            latency.tasks,
            us(latency.p50_ns),
            us(latency.p99_ns),
        );
    }
}

#[test]
fn the_example_runs() {
    main().expect("it runs");
}

//! Three tenants on one worker: how many tasks each of them has, and how long their steps are, does not matter; weights do. Its `main` is run as a test.

#![cfg(not(any(loom, shuttle)))]

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::clock::Clock;
use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::admission::Tenant;
use turgo_sched::dag::Dag;
use turgo_sched::fair::Interleaving;
use turgo_sched::task::{Budget, Rearmed, Step, TaskOptions};

/// Computes for a while in each step, until it is told to end.
struct Busy {
    step: Duration,
    clock: Clock,
    is_over: Arc<AtomicBool>,
}

impl Rearmed for Busy {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        let until_ns = self.clock.now_ns() + self.step.as_nanos() as u64;
        while self.clock.now_ns() < until_ns {
            std::hint::spin_loop();
        }
        if self.is_over.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
    }
}

/// Name, weight, tasks, and how long a step of theirs takes.
const TENANTS: [(&str, u32, u32, Duration); 3] = [
    ("exports", 1, 500, Duration::from_micros(400)),
    ("reports", 2, 20, Duration::from_micros(100)),
    ("alerts", 4, 1, Duration::from_micros(10)),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let weights = TENANTS.map(|(_, weight, ..)| weight);
    let machine = Topology::detect()?;
    let pool = Pool::builder(&machine).workers(1).tenants(&weights, Interleaving::Tijdeman);
    let pool = pool.build()?;

    let is_over = Arc::new(AtomicBool::new(false));
    for (tenant, (_, _, tasks, step)) in (0..).zip(TENANTS) {
        let options = TaskOptions { tenant, ..TaskOptions::default() };
        for _ in 0..tasks {
            let task = Busy { step, clock: Clock::real(), is_over: Arc::clone(&is_over) };
            drop(pool.spawn_rearmed(task, options));
        }
    }
    // All are there: from here on shares are compared.
    let before = pool.statistics().tenants;
    while pool.statistics().tenants.iter().map(|had| had.ran_ns).sum::<u64>() < 400_000_000 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let after = pool.statistics().tenants;

    let time = |tenant: usize| (after[tenant].ran_ns - before[tenant].ran_ns) as f64 / 1e6;
    let all: f64 = (0..3).map(time).sum();
    println!("tenant   weight  tasks  steps      ms  share    lag");
    for (tenant, (name, weight, tasks, _)) in TENANTS.into_iter().enumerate() {
        let (steps, lag) = (after[tenant].steps - before[tenant].steps, after[tenant].lag);
        let (ms, share) = (time(tenant), time(tenant) / all);
        println!("{name:<8} {weight:>6} {tasks:>6} {steps:>6} {ms:>7.1}  {share:.3} {lag:>6.2}");
        // The chairman's bound, of now and of when they came.
        assert!(lag.abs() <= 2.0 * 0.75, "{name} is {lag} turns behind");
    }

    // A graph is run for a tenant, too; it waits in that one's turns.
    let mut dag = Dag::new();
    let load = dag.node(|_| ()).name("load").id();
    dag.node(|_| ()).name("report").after(load);
    let report = pool.run_for(Tenant(1), &dag.seal()?).wait()?;
    println!("a graph of the reports: {} tasks beside all others", report.completed);
    is_over.store(true, Ordering::Relaxed);
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("nothing fails");
}

//! Failures, panics, cancellation, and a graph that grows while it runs. Its `main` is run as a test.

#![cfg(not(any(loom, shuttle)))]

use std::time::Duration;

use turgo_machine::topology::Topology;
use turgo_sched::Pool;
use turgo_sched::dag::{Context, Dag, EditError, OnFailure, RunError};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder(&Topology::detect()?).pin(false).build()?;

    // A failure poisons what comes after it, and nothing else.
    for policy in [OnFailure::PoisonDownstream, OnFailure::FailNode] {
        let mut dag = Dag::new();
        dag.on_failure(policy);
        let fetch =
            dag.node(|_: &Context<'_>| Err::<(), _>("the server is away")).name("fetch").id();
        dag.node(|_| ()).name("parse").after(fetch);
        dag.node(|_| ()).name("something else");
        let error = pool.run(&dag.seal()?).wait().expect_err("fetching fails");
        let report = error.report();
        println!(
            "{policy:?}: {error}; {} completed, {} not run",
            report.completed, report.cancelled
        );
        let poisoned = u32::from(policy == OnFailure::PoisonDownstream);
        assert_eq!((report.failed, report.cancelled), (1, poisoned));
    }

    // A run is cancelled from outside; a long task looks whether it was.
    let mut dag = Dag::new();
    let patient = dag.node(|cx| {
        while !cx.cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let patient = patient.id();
    dag.node(|_| -> () { unreachable!("it is never begun") }).after(patient);
    let run = pool.run(&dag.seal()?);
    std::thread::sleep(Duration::from_millis(5));
    println!("{:?}", run.progress());
    run.cancel();
    let error = run.wait().expect_err("it was cancelled");
    assert!(matches!(error, RunError::Cancelled(_)));
    println!("{error}");

    // A task adds others, as many as it finds work for.
    let mut dag = Dag::new();
    dag.room(10);
    dag.node(|cx| {
        let mut last = cx.me();
        for part in 0..10 {
            last = cx.spawn_after(&[last], move |_| println!("part {part}"))?;
        }
        assert_eq!(cx.spawn_after(&[], |_| ()), Err(EditError::NoRoom));
        Ok::<_, EditError>(())
    });
    let report = pool.run(&dag.seal()?).wait()?;
    assert_eq!(report.completed, 11);
    Ok(())
}

#[test]
fn the_example_runs() {
    main().expect("it runs");
}

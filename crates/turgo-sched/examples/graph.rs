//! A task graph with homes, needs and deadlines on a pool: a nightly report. With the name of a file, it writes a trace there, for <https://ui.perfetto.dev>.

#![cfg(not(any(loom, shuttle)))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use turgo_machine::topology::{NodeId, Topology};
use turgo_sched::Pool;
use turgo_sched::dag::{Context, Dag, TaskId};
use turgo_sched::policy::Priority;
use turgo_sched::resources::{Lane, Resources};
use turgo_sched::trace::chrome_json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run(std::env::args().nth(1))
}

fn run(trace: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
    let machine = Topology::detect()?;
    let home = machine.nodes()[0].id;
    let events = if trace.is_some() { 1_000 } else { 0 };
    let pool = Pool::builder(&machine).pin(false).trace(events).build()?;

    let sums: Arc<Vec<AtomicU64>> = Arc::new((0..4).map(|_| AtomicU64::new(0)).collect());
    let total = Arc::new(AtomicU64::new(0));
    let mut dag = Dag::new();
    dag.timed(true);
    let mut parts: Vec<TaskId> = Vec::new();
    for part in 0..4u64 {
        let sums = Arc::clone(&sums);
        let load = dag
            .node(|_: &Context<'_>| std::thread::sleep(Duration::from_micros(300)))
            .name(format!("load {part}"))
            // The second node is there on larger machines only; elsewhere the wish is passed over.
            .home(if part % 2 == 0 { home } else { NodeId(1) })
            .need(Resources::NONE.with(Lane::Memory, 0.1))
            .bytes(1 << 20)
            .id();
        let add = dag
            .node(move |_| sums[part as usize].store((0..=part * 1_000).sum(), Ordering::Relaxed))
            .name(format!("add {part}"))
            .after(load)
            .need(Resources::NONE.with(Lane::Cpu, 1.0))
            .id();
        parts.push(add);
    }
    let (all, result) = (Arc::clone(&sums), Arc::clone(&total));
    let report = dag
        .node(move |_| {
            let sum = all.iter().map(|sum| sum.load(Ordering::Relaxed)).sum();
            result.store(sum, Ordering::Relaxed);
        })
        .name("report")
        .after_all(&parts)
        .priority(Priority::High)
        .deadline(Duration::from_secs(10))
        .id();
    dag.node(|_| ()).name("tidy up").after(report).priority(Priority::Background);

    let graph = dag.seal()?;
    for night in 1..=2 {
        let run = pool.run(&graph);
        let report = run.wait()?;
        assert_eq!(report.completed, report.total);
        assert_eq!(total.load(Ordering::Relaxed), 7_003_000);
        assert_eq!(report.late().count(), 0, "ten seconds are enough");
        let names = report.span().path.into_iter().filter_map(|task| report.name(task));
        let path: Vec<String> = names.map(|name| name.to_string()).collect();
        println!(
            "night {night}: {} tasks in {:.2} ms, speed-up {:.2}; the longest path: {}",
            report.total,
            report.makespan_ns as f64 / 1e6,
            report.speed_up(),
            path.join(" -> "),
        );
        if let Some(file) = &trace {
            let name = |subject| Some(report.name(report.traced(subject)?)?.to_string());
            std::fs::write(file, chrome_json(&pool.trace(), pool.layout(), name))?;
        }
    }

    refused();
    Ok(())
}

/// What waits for itself is refused, by name.
fn refused() {
    let mut dag = Dag::new();
    let egg = dag.node(|_| ()).name("egg").id();
    let hen = dag.node(|_| ()).name("hen").after(egg).id();
    dag.edge(hen, egg);
    let cycle = dag.seal().expect_err("nobody knows who was first");
    println!("{cycle}");
    assert_eq!(cycle.path.len(), 2);
}

#[test]
fn the_example_runs() {
    run(None).expect("it runs");
}

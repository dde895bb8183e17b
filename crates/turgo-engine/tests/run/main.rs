//! Whole runs: graphs built by hand over tables in memory, against a model that reads each
//! partition from its first row to its last. Results must not depend on workers, chunks, or time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod checkpoints;
mod failures;
mod graphs;
mod letters;
mod model;
mod pressure;
mod shown;
mod table;
mod unflushed;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use turgo_engine::error::Result;
use turgo_engine::graph::TaskGraph;
use turgo_engine::run::{Config, Control, Report, run};

/// Runs a graph; a run that hangs fails the test instead of blocking it.
fn run_in_time(graph: &TaskGraph, config: &Config, control: &Control) -> Result<Report> {
    let (graph, config, control) = (graph.clone(), config.clone(), control.clone());
    let (done, report) = mpsc::channel();
    let work = move || {
        // Nobody listens any more where the test has given up.
        let _ = done.send(run(&graph, &config, &control));
    };
    thread::Builder::new().spawn(work).unwrap();
    report.recv_timeout(Duration::from_secs(20)).expect("the run ends in time, without a panic")
}

/// A configuration with edges that hold a batch or two.
fn tight(workers: usize) -> Config {
    Config { workers, chunk_bytes: 1, batch_rows: 3, edge_bytes: 300, ..Config::default() }
}

/// A configuration with room.
fn roomy(workers: usize) -> Config {
    Config { workers, batch_rows: 64, ..Config::default() }
}

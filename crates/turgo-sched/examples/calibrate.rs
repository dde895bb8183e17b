//! What things cost on this machine, and how well the simulator predicts it with them. Times mean something only in a release build.

#![cfg(not(any(loom, shuttle)))]

use turgo_machine::topology::Topology;
use turgo_sched::sim::calibrate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run(["random:20000", "stream:20000/1x2"], 15)
}

fn run(graphs: [&str; 2], rounds: u32) -> Result<(), Box<dyn std::error::Error>> {
    let calibration = calibrate(&Topology::detect()?, &graphs.map(String::from), rounds)?;
    println!("{:#?}", calibration.costs);
    println!("two at once: {} permille", calibration.two_permille);
    for prediction in &calibration.predictions {
        println!(
            "{} on {} workers: simulated {:.3} ms, measured {:.3} ms, error {:+.1} %",
            prediction.graph,
            prediction.workers,
            prediction.simulated_ns as f64 / 1e6,
            prediction.measured_ns as f64 / 1e6,
            100.0 * prediction.error(),
        );
    }
    assert_eq!(calibration.predictions.len(), 4);
    Ok(())
}

#[test]
fn the_example_runs() {
    run(["random:200", "tree:300"], 1).expect("it runs");
}

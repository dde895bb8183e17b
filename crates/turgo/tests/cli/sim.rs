//! Machines that are not there.

use serde_json::Value;
use turgo_machine::topology::{NodeId, Topology};
use turgo_sched::Pool;
use turgo_sched::dag::Dag;
use turgo_sched::trace::RecordedRun;

use crate::Place;

#[test]
fn a_graph_is_run_on_a_simulated_machine() {
    let place = Place::new();
    let args = ["sim", "run", "--machine", "2x4", "--graph", "random:2000/2", "--seed", "3"];
    let shown = place.turgo(&args);
    for part in ["8 workers", "2000 tasks", "hierarchical/aware", "efficiency", "node-local"] {
        assert!(shown.rows().contains(part), "no {part:?} in:\n{}", shown.out);
    }
    let rows: Value =
        serde_json::from_str(place.turgo(&[&args[..], &["--json"]].concat()).rows()).expect("JSON");
    assert_eq!(rows[0]["tasks"].as_u64(), Some(2_000));
    assert!(rows[0]["efficiency"].as_f64().is_some_and(|efficiency| efficiency > 0.3), "{rows}");
    let hash = rows[0]["hash"].as_str().expect("a hash").to_string();
    assert!(shown.rows().contains(&hash), "the same seed, the same trace: {hash}\n{}", shown.out);
}

/// A chain of three tasks that two threads ran, the last of which has a home and a name.
fn recorded() -> RecordedRun {
    let mut dag = Dag::new();
    dag.timed(true);
    let first = dag.node(|_| ()).id();
    let second = dag.node(|_| ()).after(first).id();
    dag.node(|_| ()).after(second).home(NodeId(1)).bytes(1 << 20).name("the last");
    let machine = Topology::simulate("2x1").expect("a machine");
    let pool = Pool::builder(&machine).workers(2).record(true).build().expect("threads");
    let report = pool.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
    report.recorded().expect("a whole run")
}

#[test]
fn a_run_of_threads_is_gone_along() {
    let (place, run) = (Place::new(), recorded());
    let mut file = Vec::new();
    run.write(&mut file).expect("memory takes it");
    place.write("run.txt", &file);
    let args = ["sim", "replay", "run.txt"];
    let shown = place.turgo(&[&args[..], &["--trace", "trace.json"]].concat());
    let on_threads = format!("on threads      {:.3} ms", run.recording.makespan_ns as f64 / 1e6);
    for part in
        ["2x1, 2 workers", "costs measured, 3 tasks", "as recorded", &on_threads, "node-local"]
    {
        assert!(shown.rows().contains(part), "no {part:?} in:\n{}", shown.out);
    }
    assert!(place.read("trace.json").contains("the last"));
    let far = ["--machine", "2x1,distances=10-254/254-10", "--json"];
    let rows: Value =
        serde_json::from_str(place.turgo(&[&args[..], &far].concat()).rows()).expect("JSON");
    assert_eq!(rows[0]["tasks"].as_u64(), Some(3));
    assert_eq!(rows[0]["measured_ns"].as_u64(), Some(run.recording.makespan_ns));
}

#[test]
fn a_file_that_is_no_recording_says_where_and_why() {
    let (place, run) = (Place::new(), recorded());
    let mut file = Vec::new();
    run.write(&mut file).expect("memory takes it");
    place.write("cut.txt", &file[..file.len() - 4]);
    place.turgo(&["sim", "replay", "cut.txt"]).fails(1, &["cut.txt: line 1", "the file ends here"]);
    place.turgo(&["sim", "replay", "ev.sql"]).fails(1, &["ev.sql: line 1: no recording"]);
    place.turgo(&["sim", "replay", "none.txt"]).fails(2, &["cannot open none.txt"]);
    place.write("run.txt", &file);
    let args = ["sim", "replay", "run.txt", "--machine", "2y1"];
    place.turgo(&args).fails(2, &["no shape of a machine", "--machine:1:1"]);
}

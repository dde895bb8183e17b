//! Machines that are not there.

use serde_json::Value;

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

//! Two threads before one gate.

use core::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::reserve::Capacity;
use crate::resources::{Lane, Resources};

#[test]
fn a_token_is_taken_once() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let cpus = |count| Resources::NONE.with(Lane::Cpu, count);
        let rate = Rate::new(Duration::from_nanos(10), 1);
        let gate = Arc::new(Gate::new(rate, Capacity::new(cpus(4.0))));
        let other = Arc::clone(&gate);
        let enters = thread::spawn(move || other.admit(1, cpus(1.0), 0).is_ok());
        let entered = gate.admit(1, cpus(1.0), 0).is_ok();
        assert!(enters.join().expect("ends") ^ entered, "A1");
        assert!(gate.admit(1, cpus(4.0), 10).is_ok(), "A1: it has come back");
    });
}

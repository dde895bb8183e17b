//! Who moves where, and that nobody is kept there.

use std::sync::Arc;

use turgo_machine::topology::Topology;

use super::*;
use crate::layout::{Layout, NodeIndex};
use crate::pool::Pool;
use crate::sleep::Pushed;

fn two_nodes() -> (Layout, Sleep) {
    let layout = Layout::new(&Topology::simulate("2x3").expect("a machine"), 6);
    let sleep = Sleep::new(&layout).keeping_apart();
    (layout, sleep)
}

#[test]
fn whoever_wakes_up_beside_another_goes_where_none_is() {
    let (layout, sleep) = two_nodes();
    let &[first, second, third] = layout.on_node(NodeIndex(0)) else { panic!("three on each") };
    let far = layout.on_node(NodeIndex(1))[0];
    let cpu = |worker| layout.seat(worker).cpu;
    let better = |worker, here| sleep.better(worker, here);
    assert_eq!(better(second, cpu(first)), None, "nobody is there");
    sleep.places.take(first, cpu(first));
    assert_eq!(better(first, cpu(first)), None, "it is there itself");
    assert_eq!(better(second, cpu(third)), None, "nobody is there");
    assert_eq!(better(second, cpu(first)), Some(cpu(second)), "I1: home");
    sleep.places.take(third, cpu(second));
    assert_eq!(better(second, cpu(first)), Some(cpu(third)), "I1: that of one that is elsewhere");
    sleep.places.take(far, cpu(third));
    assert_eq!(better(second, cpu(first)), None, "I1: the other node is not its");
    assert_eq!(better(first, CpuId(4_000)), None, "of which nothing is known");
}

#[test]
fn whoever_sleeps_is_nowhere() {
    let (layout, sleep) = two_nodes();
    let [first, second] = [0, 1].map(WorkerId);
    let cpu = layout.seat(first).cpu;
    sleep.places.take(first, cpu);
    sleep.places.leave(first, cpu);
    assert_eq!(sleep.better(second, cpu), None, "I2");
    // Joined where it slept: the other one stays there.
    sleep.places.take(first, cpu);
    sleep.places.take(second, cpu);
    sleep.places.leave(first, cpu);
    assert!(sleep.places.has_other(cpu, first));
}

/// The waker stands where a worker is awake, and the sleeper could run on either of two processors.
#[test]
fn whoever_is_woken_rises_apart_and_may_run_anywhere() {
    let machine = Topology::detect().expect("a machine");
    let layout = Layout::new(&machine, 2);
    let [waker, sleeper] = [0, 1].map(WorkerId);
    let cpus = [waker, sleeper].map(|worker| layout.seat(worker).cpu);
    if layout.nodes() > 1 || cpus[0] == cpus[1] {
        return; // Nowhere to go.
    }
    let sleep = Arc::new(Sleep::new(&layout).keeping_apart());
    let before = affinity::current().expect("a set");
    let _here = affinity::pin(cpus[0]).expect("a processor of ours");
    sleep.places.take(waker, cpus[0]);
    for round in 0..100 {
        let (beds, all) = (Arc::clone(&sleep), before.clone());
        let risen = turgo_machine::thread::spawn(move || {
            affinity::set(&all).expect("what was ours");
            // SAFETY: its thread, which has slept each time before the next one begins.
            unsafe { beds.introduce(sleeper) };
            beds.search(sleeper);
            beds.lie_down(sleeper);
            beds.sleep(sleeper);
            let was_sent = beds.bed(sleeper).0.place.get();
            beds.leave_place(sleeper, beds.bed(sleeper).0);
            beds.leave(sleeper, || false);
            (was_sent, affinity::current().expect("a set"))
        });
        // Nothing happens until it has lain down.
        while sleep.wakeups(NodeIndex(0)) == round {
            sleep.notify(NodeIndex(0), Pushed::Within);
        }
        let (rose, may) = risen.join().expect("it was woken");
        assert_eq!(rose, Some(cpus[1]), "I1");
        assert_eq!(may, before, "I3");
    }
}

/// Wherever the system puts them: what workers may use is afterwards what it was before.
#[test]
fn workers_may_run_anywhere() {
    let machine = Topology::detect().expect("a machine");
    let before = affinity::current().expect("a set");
    let pool = Pool::builder(&machine).workers(2).build().expect("threads");
    for _ in 0..200 {
        let (one, other) = pool.join(|_| affinity::current(), |_| affinity::current());
        assert_eq!((one.expect("a set"), other.expect("a set")), (before.clone(), before.clone()));
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

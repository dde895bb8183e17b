//! Who moves where, and that nobody is kept there.

use turgo_machine::topology::Topology;

use super::*;
use crate::layout::NodeIndex;
use crate::pool::Pool;

fn two_nodes() -> (Layout, Places) {
    let layout = Layout::new(&Topology::simulate("2x3").expect("a machine"), 6);
    let places = Places::new(&layout);
    (layout, places)
}

#[test]
fn whoever_wakes_up_beside_another_goes_where_none_is() {
    let (layout, places) = two_nodes();
    let &[first, second, third] = layout.on_node(NodeIndex(0)) else { panic!("three on each") };
    let far = layout.on_node(NodeIndex(1))[0];
    let cpu = |worker| layout.seat(worker).cpu;
    let better = |worker, here| places.better(worker, here, &layout);
    assert_eq!(better(second, cpu(first)), None, "nobody is there");
    places.take(first, cpu(first));
    assert_eq!(better(first, cpu(first)), None, "it is there itself");
    assert_eq!(better(second, cpu(third)), None, "nobody is there");
    assert_eq!(better(second, cpu(first)), Some(cpu(second)), "I1: home");
    places.take(third, cpu(second));
    assert_eq!(better(second, cpu(first)), Some(cpu(third)), "I1: that of one that is elsewhere");
    places.take(far, cpu(third));
    assert_eq!(better(second, cpu(first)), None, "I1: the other node is not its");
    assert_eq!(better(first, CpuId(4_000)), None, "of which nothing is known");
}

#[test]
fn whoever_sleeps_is_nowhere() {
    let (layout, places) = two_nodes();
    let [first, second] = [0, 1].map(WorkerId);
    let cpu = layout.seat(first).cpu;
    places.take(first, cpu);
    places.leave(first, cpu);
    assert_eq!(places.better(second, cpu, &layout), None, "I2");
    // Joined where it slept: the other one stays there.
    places.take(first, cpu);
    places.take(second, cpu);
    places.leave(first, cpu);
    assert!(places.has_other(cpu, first));
}

/// Wherever the system puts them: what workers may use is afterwards what it was before.
#[test]
fn moved_workers_may_run_anywhere() {
    let machine = Topology::detect().expect("a machine");
    let before = affinity::current().expect("a set");
    let pool = Pool::builder(&machine).workers(2).build().expect("threads");
    for _ in 0..200 {
        let (one, other) = pool.join(|_| affinity::current(), |_| affinity::current());
        assert_eq!((one.expect("a set"), other.expect("a set")), (before.clone(), before.clone()));
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

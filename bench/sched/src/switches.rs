//! Ours with one thing turned off: what each is worth.

use std::hint::black_box;

use turgo_machine::topology::Topology;
use turgo_sched::policy::{Amount, Knobs, Standard};
use turgo_sched::{Pool, Worker};

use crate::measure::{Case, Group};

const MANY: u64 = 1 << 20;

fn pool(workers: usize, policy: Standard, knobs: Knobs) -> Pool {
    let machine = Topology::detect().expect("a machine");
    let builder = Pool::builder(&machine).workers(workers).policy(policy).knobs(knobs);
    builder.build().expect("threads")
}

fn spawn(pool: &Pool) -> u64 {
    pool.scope(|scope| {
        (0..MANY).for_each(|number| {
            scope.spawn(move |_| {
                black_box(number);
            })
        });
    });
    MANY
}

/// A tree whose leaves take a while: something that is worth giving away.
fn tree(worker: &Worker, leaves: u64) -> u64 {
    if leaves == 1 {
        return (0..3_000).fold(1, |state: u64, step| black_box(state | step)) & 1;
    }
    let half = leaves / 2;
    let (left, right) = worker.join(|worker| tree(worker, half), |worker| tree(worker, half));
    left + right
}

fn forks(pool: &Pool, leaves: u64) -> u64 {
    pool.install(|worker| tree(worker, leaves))
}

pub fn groups<'a>(workers: usize) -> Vec<Group<'a>> {
    let (default, normal) = (Standard::default(), Knobs::default());
    let one = Standard { amount: Amount::One, ..default };
    let eager = Knobs { heartbeat_ns: 0, ..normal };
    let sleepy = Knobs { spin_ns: 0, ..normal };
    let over_spawn = |name, policy, knobs| {
        let pool = pool(workers, policy, knobs);
        Case::new(name, move || spawn(&pool))
    };
    let over_tree = |name, policy, knobs| {
        let pool = pool(workers, policy, knobs);
        Case::new(name, move || forks(&pool, 1 << 14))
    };
    let spawns = vec![
        over_spawn("turgo", default, normal),
        over_spawn("turgo, steals one task", one, normal),
        over_spawn("turgo, parks at once", default, sleepy),
    ];
    let trees = vec![
        over_tree("turgo", default, normal),
        over_tree("turgo, promotes every fork", default, eager),
        over_tree("turgo, parks at once", default, sleepy),
    ];
    vec![
        Group {
            name: "switches, spawn",
            unit: "closure",
            operations: MANY,
            answer: Some(MANY),
            cases: spawns,
            checks: Vec::new(),
        },
        Group {
            name: "switches, tree",
            unit: "leaf",
            operations: 1 << 14,
            answer: Some(1 << 14),
            cases: trees,
            checks: Vec::new(),
        },
    ]
}

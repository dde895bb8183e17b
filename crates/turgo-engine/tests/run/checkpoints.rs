//! What was written before a barrier, and what a run restored from its checkpoint writes, are
//! together what one run to the end writes.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use turgo_engine::graph::{Every, Panes, TaskGraph};
use turgo_engine::message::Batch;
use turgo_engine::run::{Checkpoints, Control};

use crate::graphs::{
    aggregate, allowing, by_states, changes, changes_every, distinct, panes, scan,
};
use crate::model::{answers, folded, folded_held, keys, model, model_late, random_rows};
use crate::shown::Shown;
use crate::table::Table;
use crate::{run_in_time, tight};

/// Runs with a barrier every few chunks, then goes on from each checkpoint with other workers;
/// `check` is given what each such pair of runs wrote.
fn restore_everywhere(
    graph: impl Fn(Table, &Shown) -> TaskGraph,
    check: impl Fn(&Table, &[Batch]),
) {
    for (seed, workers, others) in [(21, 1, 3), (22, 3, 1), (23, 2, 7), (24, 4, 2)] {
        let table = Table { uneven: true, ..Table::new(random_rows(seed, 3, 120), 6) };
        let checkpoints = Checkpoints::every(4);
        let first = Shown::default();
        let control = Control::with_checkpoints(checkpoints.clone(), None);
        run_in_time(&graph(table.clone(), &first), &tight(workers), &control).unwrap();
        check(&table, &first.batches());
        let complete = checkpoints.complete();
        assert!(complete.len() >= 14, "60 chunks, a barrier after every fourth");
        for checkpoint in complete {
            let mut written = first.before(checkpoint.generation());
            let second = Shown::default();
            let control = Control::with_checkpoints(Checkpoints::default(), Some(checkpoint));
            run_in_time(&graph(table.clone(), &second), &tight(others), &control).unwrap();
            written.extend(second.batches());
            check(&table, &written);
        }
    }
}

fn check_windows(size: i64, slide: i64) {
    let aggregate = aggregate(panes(size, slide));
    restore_everywhere(
        |table, sink| by_states(vec![scan(table)], &[], &aggregate, sink),
        |table, written| {
            let (expected, _) = model(&table.partitions, Some((size, slide)));
            assert_eq!(answers(written), expected);
        },
    );
}

#[test]
fn tumbling_windows_go_on_from_every_checkpoint() {
    check_windows(8, 8);
}

#[test]
fn hopping_windows_go_on_from_every_checkpoint() {
    check_windows(9, 3);
}

#[test]
fn windows_that_have_been_emitted_go_on_from_every_checkpoint() {
    for (size, slide) in [(8, 8), (9, 3)] {
        let aggregate = aggregate(panes(size, slide));
        restore_everywhere(
            |table, sink| allowing(by_states(vec![scan(table)], &[], &aggregate, sink), 15),
            |table, written| {
                let (expected, _) = model_late(&table.partitions, Some((size, slide)), 15);
                assert_eq!(folded_held(written), expected);
            },
        );
    }
}

#[test]
fn a_group_by_over_everything_goes_on_from_every_checkpoint() {
    let aggregate = aggregate(Panes::Whole);
    restore_everywhere(
        |table, sink| by_states(vec![scan(table)], &[], &aggregate, sink),
        |table, written| assert_eq!(answers(written), model(&table.partitions, None).0),
    );
}

#[test]
fn changelogs_go_on_from_every_checkpoint() {
    let aggregate = aggregate(Panes::Whole);
    restore_everywhere(
        |table, sink| changes(scan(table), &aggregate, true, sink),
        |table, written| assert_eq!(folded(written), model(&table.partitions, None).0),
    );
}

#[test]
fn changelogs_that_are_held_back_go_on_from_every_checkpoint() {
    let aggregate = aggregate(Panes::Whole);
    for every in [Every::Time(Duration::from_secs(3_600)), Every::Rows(NonZeroU64::MAX)] {
        restore_everywhere(
            |table, sink| changes_every(scan(table), &aggregate, (true, Some(every)), sink),
            |table, written| assert_eq!(folded_held(written), model(&table.partitions, None).0),
        );
    }
}

#[test]
fn distinct_keys_go_on_from_every_checkpoint() {
    let aggregate = distinct();
    restore_everywhere(
        |table, sink| changes(scan(table), &aggregate, false, sink),
        |table, written| {
            let (expected, _) = model(&table.partitions, None);
            assert_eq!(keys(written), expected.keys().map(|(key, _)| *key).collect::<Vec<_>>());
        },
    );
}

/// One scan ends long before the other: its barriers are not waited for.
#[test]
fn a_union_goes_on_from_every_checkpoint() {
    let (short, long) = (random_rows(25, 1, 30), random_rows(26, 2, 120));
    let (expected, _) = model(&[short.clone(), long.clone()].concat(), Some((8, 8)));
    let graph = |sink: &Shown| {
        let scans = [&short, &long].map(|rows| scan(Table::new(rows.clone(), 6)));
        by_states(scans.into(), &[], &Arc::clone(&aggregate(panes(8, 8))), sink)
    };
    let (first, checkpoints) = (Shown::default(), Checkpoints::every(3));
    let control = Control::with_checkpoints(checkpoints.clone(), None);
    run_in_time(&graph(&first), &tight(3), &control).unwrap();
    assert!(checkpoints.complete().len() > 5);
    for checkpoint in checkpoints.complete() {
        let mut written = first.before(checkpoint.generation());
        let second = Shown::default();
        let control = Control::with_checkpoints(Checkpoints::default(), Some(checkpoint));
        run_in_time(&graph(&second), &tight(2), &control).unwrap();
        written.extend(second.batches());
        assert_eq!(answers(&written), expected);
    }
}

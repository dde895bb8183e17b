//! Runs that do not reach their end: what they say, and that they do end.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use turgo_engine::error::{EngineError, Result};
use turgo_engine::graph::{
    Distribution, Every, Input, OnError, OperatorSpec, Output, Panes, TaskGraph,
};
use turgo_engine::run::{Control, Report};

use crate::graphs::{aggregate, by_states, changes_every, narrowed, panes, rows, scan};
use crate::model::{answers, folded_held, model, random_rows};
use crate::shown::{Manner, Shown};
use crate::table::{BROKEN, Break, GARBLED, Row, Table};
use crate::{roomy, run_in_time, tight};

/// Rows of which the one at `index` is special.
fn rows_with(index: usize, change: impl Fn(&mut Row)) -> Vec<Row> {
    let mut rows = random_rows(41, 1, 60).remove(0);
    change(&mut rows[index]);
    rows
}

fn broken() -> Vec<Row> {
    rows_with(37, |row| row.value = BROKEN)
}

/// Runs a graph on one and on several workers and returns what they say.
fn both(graph: &TaskGraph) -> [Result<Report>; 2] {
    [tight(1), roomy(3)].map(|config| run_in_time(graph, &config, &Control::default()))
}

fn error_of(report: Result<Report>) -> EngineError {
    report.expect_err("the run fails")
}

#[test]
fn a_bad_row_is_named_by_its_place_or_counted() {
    let garbled = rows_with(37, |row| row.value = GARBLED);
    let timeless = rows_with(37, |row| row.time = None);
    for (table, reason) in [(garbled, "garbled"), (timeless, "the event time `time` is NULL")] {
        let mut scan = scan(Table::new(vec![vec![], table], 8));
        let sink = Shown::default();
        for report in both(&rows(scan.clone(), vec![], &sink)) {
            let message = error_of(report).to_string();
            assert!(message.starts_with("p1:37: "), "{message}");
            assert!(message.contains(reason) && message.contains("'skip'"), "{message}");
        }
        assert!(!sink.committed());
        scan.on_error = OnError::Skip;
        for report in both(&rows(scan, vec![], &Shown::default())) {
            let report = report.unwrap();
            assert_eq!((report.counts.rejected, report.counts.used), (1, 59));
        }
    }
}

#[test]
fn a_row_an_expression_cannot_take_is_named_by_its_place() {
    let table = Table::new(vec![rows_with(37, |row| row.value = 1_000)], 8);
    let project = OperatorSpec::Project(vec![narrowed()]);
    let mut graph = rows(scan(table.clone()), vec![project], &Shown::default());
    graph.stages[0].schema = Arc::new(arrow::datatypes::Schema::new(vec![narrowed().field]));
    for report in both(&graph) {
        let error = error_of(report);
        assert_eq!(error.code(), "data");
        assert!(error.to_string().starts_with("p0:37: "), "{error}");
    }
    // The same in a computed column of the scan.
    let mut scan = scan(table);
    scan.columns.push(narrowed());
    for report in both(&rows(scan, vec![], &Shown::default())) {
        let error = error_of(report);
        assert!(error.to_string().starts_with("p0:37: "), "{error}");
    }
}

#[test]
fn a_source_that_fails_or_panics_ends_the_run() {
    for (breaks, code, text) in [
        (Break::ReadPanics, "internal", "in a read"),
        (Break::DecodePanics, "internal", "in a decoder"),
        (Break::ReadFails, "external", "cannot read"),
    ] {
        let sink = Shown::default();
        let scan = scan(Table::breaking(broken(), breaks));
        for report in both(&by_states(vec![scan], &[], &aggregate(panes(10, 10)), &sink)) {
            let error = error_of(report);
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        }
        assert!(!sink.committed());
    }
}

#[test]
fn a_writer_that_fails_or_panics_ends_the_run() {
    for (manner, code) in [(Manner::Panic, "internal"), (Manner::Fail, "external")] {
        let sink = Shown::with(manner);
        let scan = scan(Table::new(random_rows(42, 2, 2_000), 10));
        for report in both(&rows(scan, vec![], &sink)) {
            assert_eq!(error_of(report).code(), code);
        }
        assert!(!sink.committed());
    }
}

#[test]
fn a_reader_of_results_who_goes_away_ends_the_run_without_an_error() {
    let sink = Shown::with(Manner::Close);
    let table = Table::new(random_rows(43, 2, 2_000), 10);
    for report in both(&rows(scan(table), vec![], &sink)) {
        let report = report.unwrap();
        assert!(report.closed && !report.interrupted);
        assert_eq!(report.rows_out(), 0);
    }
}

/// All tasks wait for a read that does not return: nobody else waits for it.
#[test]
fn a_run_ends_while_a_read_is_blocked() {
    let table = Table::breaking(broken(), Break::ReadBlocks);
    let control = Control::default();
    let stop = control.clone();
    let later = move || {
        thread::sleep(Duration::from_millis(50));
        stop.stop();
    };
    thread::Builder::new().spawn(later).unwrap();
    let sink = Shown::default();
    let graph = rows(scan(table.clone()), vec![], &sink);
    let report = run_in_time(&graph, &tight(2), &control).unwrap();
    assert!(report.interrupted && !sink.committed());
    assert_eq!(report.rows_out(), 36, "the chunks before the blocked one");

    let graph = rows(scan(table.clone()), vec![], &Shown::with(Manner::Fail));
    let error = error_of(run_in_time(&graph, &tight(2), &Control::default()));
    assert_eq!(error.code(), "external");
    let (open, changed) = &*table.gate;
    *open.lock().unwrap() = true;
    changed.notify_all();
}

/// A quiet table does not keep changes back that are due, and Ctrl-C shows what was not.
#[test]
fn changes_are_shown_while_a_read_is_blocked_and_when_the_run_is_stopped() {
    for interval in [Duration::from_millis(5), Duration::from_secs(3_600)] {
        let table = Table::breaking(broken(), Break::ReadBlocks);
        let control = Control::default();
        let (stop, sink) = (control.clone(), Shown::default());
        let shown = sink.clone();
        let due = interval < Duration::from_secs(1);
        // The chunks before the blocked one.
        let (expected, _) = model(&[broken()[..36].to_vec()], None);
        let all = expected.clone();
        let later = move || {
            thread::sleep(Duration::from_millis(100));
            while due && folded_held(&shown.batches()) != all {
                thread::sleep(Duration::from_millis(5));
            }
            assert!(due || shown.batches().is_empty(), "an hour has not passed");
            stop.stop();
        };
        let later = thread::Builder::new().spawn(later).unwrap();
        let every = Some(Every::Time(interval));
        let aggregate = aggregate(Panes::Whole);
        let graph = changes_every(scan(table.clone()), &aggregate, (true, every), &sink);
        let report = run_in_time(&graph, &tight(2), &control).unwrap();
        later.join().unwrap();
        assert!(report.interrupted && !sink.committed());
        assert_eq!(folded_held(&sink.batches()), expected);
        let (open, changed) = &*table.gate;
        *open.lock().unwrap() = true;
        changed.notify_all();
    }
}

/// What a stopped run has said is true: no window is emitted before its rows are in.
#[test]
fn a_run_that_is_stopped_ends_soon_and_says_nothing_incomplete() {
    for (millis, workers) in (0..16).map(|round| (2 + round * 3, 2 + round as usize % 3)) {
        let table = Table { uneven: true, ..Table::new(random_rows(44, 3, 3_000), 5) };
        let (expected, _) = model(&table.partitions, Some((2, 2)));
        let control = Control::default();
        let stop = control.clone();
        let later = move || {
            thread::sleep(Duration::from_millis(millis));
            stop.stop();
        };
        thread::Builder::new().spawn(later).unwrap();
        let sink = Shown::with(Manner::Slow);
        let graph = by_states(vec![scan(table)], &[], &aggregate(panes(2, 2)), &sink);
        let report = run_in_time(&graph, &tight(workers), &control).unwrap();
        assert!(report.interrupted, "stopped after {millis} ms");
        assert!(!sink.committed());
        for (group, answer) in answers(&sink.batches()) {
            assert_eq!(Some(&answer), expected.get(&group), "{group:?}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_before_it_starts_reads_nothing() {
    let control = Control::default();
    control.stop();
    let graph = rows(scan(Table::new(random_rows(45, 1, 100), 5)), vec![], &Shown::default());
    let report = run_in_time(&graph, &tight(2), &control).unwrap();
    assert!(report.interrupted);
    assert_eq!(report.rows_in(), 0);
}

#[test]
fn a_graph_whose_stages_do_not_fit_is_refused() {
    let aggregate = aggregate(panes(2, 2));
    let graph = || {
        let table = Table::new(random_rows(46, 1, 10), 5);
        by_states(vec![scan(table)], &[], &aggregate, &Shown::default())
    };
    let mut unfed = graph();
    unfed.stages.remove(0);
    let mut unread = graph();
    unread.stages[1].input = Input::Source(scan(Table::new(vec![], 5)));
    let mut backwards = graph();
    backwards.stages[0].output = Output::Exchange { to: 0, distribution: Distribution::One };
    for graph in [unfed, unread, backwards] {
        let report = run_in_time(&graph, &tight(2), &Control::default());
        assert_eq!(error_of(report).code(), "internal");
    }
}

//! Answers and counts are those of the model, whatever the workers, chunks and delays.

use std::num::NonZeroU64;
use std::time::Duration;

use turgo_engine::graph::{Distribution, Every, Instances, OnError, OperatorSpec, Output, Panes};
use turgo_engine::run::{Config, Control};

use crate::graphs::{
    aggregate, allowing, by_rows, by_states, changes, changes_every, distinct, even, panes, rows,
    scan,
};
use crate::model::{Dice, answers, folded, folded_held, keys, model, model_late, random_rows};
use crate::shown::Shown;
use crate::table::{GARBLED, Row, Table};
use crate::{roomy, run_in_time, tight};

const WORKERS: [usize; 4] = [1, 2, 4, 7];

/// The late rows, too, are a matter of the data alone.
fn check_windows(size: i64, slide: i64) {
    for (seed, workers) in (1..).zip(WORKERS.into_iter().cycle().take(12)) {
        let mut dice = Dice(seed);
        let partitions = random_rows(seed, 1 + dice.roll(4) as usize, 400);
        let (expected, counts) = model(&partitions, Some((size, slide)));
        assert!(counts.late > 0, "the input has late rows");
        let chunk_rows = 1 + dice.roll(40) as usize;
        let table = Table { uneven: true, ..Table::new(partitions, chunk_rows) };
        let aggregate = aggregate(panes(size, slide));
        let config = if seed % 2 == 0 { tight(workers) } else { roomy(workers) };
        let sink = Shown::default();
        let graph = by_states(vec![scan(table.clone())], &[], &aggregate, &sink);
        let report = run_in_time(&graph, &config, &Control::default()).unwrap();
        let case = format!("seed {seed}, {workers} workers, {chunk_rows} rows in a chunk");
        assert_eq!(report.counts, counts, "{case}");
        assert_eq!(answers(&sink.batches()), expected, "{case}");
        assert!(sink.committed());

        let sink = Shown::default();
        let owner = OperatorSpec::RowAggregate(aggregate.clone());
        let graph = by_rows(scan(table), owner, aggregate.output.clone(), &sink);
        let report = run_in_time(&graph, &config, &Control::default()).unwrap();
        assert_eq!(report.counts, counts, "rows: {case}");
        assert_eq!(answers(&sink.batches()), expected, "rows: {case}");
    }
}

#[test]
fn tumbling_windows_are_those_of_the_model() {
    check_windows(10, 10);
}

#[test]
fn hopping_windows_are_those_of_the_model() {
    check_windows(10, 4);
}

#[test]
fn a_group_by_over_everything_is_that_of_the_model() {
    for workers in WORKERS {
        let partitions = random_rows(5, 3, 300);
        let (expected, counts) = model(&partitions, None);
        let sink = Shown::default();
        let table = Table::new(partitions, 9);
        let graph = by_states(vec![scan(table)], &[], &aggregate(Panes::Whole), &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!(report.counts, counts);
        assert_eq!(answers(&sink.batches()), expected);
    }
}

/// Held back, too; by the clock longer than the run lasts, or so shortly that it matters.
#[test]
fn changes_that_are_held_back_fold_to_the_answer() {
    let rows = |rows| Every::Rows(NonZeroU64::new(rows).unwrap());
    let clock = |millis| Every::Time(Duration::from_millis(millis));
    for workers in WORKERS {
        for every in [rows(1), rows(7), rows(1_000_000), clock(1), clock(3_600_000)] {
            let table = Table { uneven: true, ..Table::new(random_rows(6, 3, 200), 7) };
            let (expected, _) = model(&table.partitions, None);
            let sink = Shown::default();
            let aggregate = aggregate(Panes::Whole);
            let graph = changes_every(scan(table), &aggregate, (true, Some(every)), &sink);
            let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
            assert_eq!(report.counts.used, 600);
            assert_eq!(folded_held(&sink.batches()), expected);
            if matches!(every, Every::Rows(rows) if rows.get() > 600) || every == clock(3_600_000) {
                assert_eq!(report.rows_out(), expected.len() as u64, "each group left once");
            }
        }
    }
}

#[test]
fn changes_fold_to_the_answer_and_distinct_keys_come_once() {
    for workers in WORKERS {
        let table = Table { uneven: true, ..Table::new(random_rows(6, 3, 200), 7) };
        let (expected, _) = model(&table.partitions, None);
        let sink = Shown::default();
        let graph = changes(scan(table.clone()), &aggregate(Panes::Whole), true, &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!(report.counts.used, 600);
        assert_eq!(folded(&sink.batches()), expected);
        let sink = Shown::default();
        let graph = changes(scan(table), &distinct(), false, &sink);
        run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!(keys(&sink.batches()), expected.keys().map(|(key, _)| *key).collect::<Vec<_>>());
    }
}

/// The late rows are those of a watermark so much further behind, and windows leave before it.
#[test]
fn windows_that_late_rows_change_fold_to_the_answer() {
    let mut updates = 0;
    for (seed, workers) in (1..).zip(WORKERS.into_iter().cycle().take(12)) {
        let mut dice = Dice(seed);
        let partitions = random_rows(seed, 1 + dice.roll(4) as usize, 400);
        let chunk_rows = 1 + dice.roll(40) as usize;
        let lateness = [1, 10, 40][seed as usize % 3];
        let table = Table { uneven: true, ..Table::new(partitions, chunk_rows) };
        let config = if seed % 2 == 0 { tight(workers) } else { roomy(workers) };
        for (size, slide) in [(10, 10), (10, 4)] {
            let (expected, counts) = model_late(&table.partitions, Some((size, slide)), lateness);
            let sink = Shown::default();
            let aggregate = aggregate(panes(size, slide));
            let graph = by_states(vec![scan(table.clone())], &[], &aggregate, &sink);
            let graph = allowing(graph, lateness);
            let report = run_in_time(&graph, &config, &Control::default()).unwrap();
            let case = format!("seed {seed}, {workers} workers, {lateness} s, every {slide} s");
            assert_eq!(report.counts, counts, "{case}");
            assert_eq!(folded_held(&sink.batches()), expected, "{case}");
            updates += report.rows_out() - expected.len() as u64;
        }
    }
    assert!(updates > 100, "late rows have changed what had left");
}

#[test]
fn a_union_of_two_scans_is_one_input() {
    for workers in WORKERS {
        let (first, second) = (random_rows(7, 2, 150), random_rows(8, 1, 350));
        // Lateness is a matter of each partition, so the model reads them as one table.
        let (expected, counts) = model(&[first.clone(), second.clone()].concat(), Some((5, 5)));
        let scans = vec![scan(Table::new(first, 5)), scan(Table::new(second, 11))];
        let sink = Shown::default();
        let graph = by_states(scans, &[], &aggregate(panes(5, 5)), &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!(report.sources.len(), 2);
        assert_eq!(report.counts, counts);
        assert_eq!(answers(&sink.batches()), expected);
    }
}

#[test]
fn every_row_read_is_accounted_for_once() {
    let mut partitions = random_rows(9, 2, 500);
    let mut garbled = 0;
    for row in partitions.iter_mut().flatten().step_by(17) {
        garbled += 1;
        row.value = GARBLED;
    }
    let without: Vec<Vec<Row>> = partitions
        .iter()
        .map(|rows| rows.iter().filter(|row| row.value != GARBLED).copied().collect())
        .collect();
    let odd = without.iter().flatten().filter(|row| row.value % 2 != 0).count() as u64;
    let scan = || {
        let mut scan = scan(Table { uneven: true, ..Table::new(partitions.clone(), 13) });
        scan.on_error = OnError::Skip;
        scan
    };
    let filter = [OperatorSpec::Filter(even())];
    for workers in WORKERS {
        let sink = Shown::default();
        let graph = by_states(vec![scan()], &filter, &aggregate(panes(10, 10)), &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        let counts = report.counts;
        assert_eq!((counts.rejected, counts.filtered), (garbled, odd));
        assert_eq!(report.rows_in(), 1_000);
        assert_eq!(counts.used + counts.late, 1_000 - garbled - odd);
        let sink = Shown::default();
        let graph = rows(scan(), filter.to_vec(), &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!((report.counts.late, report.counts.used), (0, report.rows_out()));
        assert_eq!(report.rows_out(), 1_000 - garbled - odd);
    }
}

/// A scan of one instance into many, and many into one.
#[test]
fn stages_of_one_instance_and_of_many_meet() {
    let table = Table::new(random_rows(10, 3, 200), 8);
    let (expected, counts) = model(&table.partitions, Some((10, 10)));
    for distribution in [Distribution::Forward, Distribution::One] {
        let aggregate = aggregate(panes(10, 10));
        let sink = Shown::default();
        let mut graph = by_states(vec![scan(table.clone())], &[], &aggregate, &sink);
        graph.stages[0].output = Output::Exchange { to: 1, distribution };
        for (first, second) in [
            (Instances::Workers, Instances::One),
            (Instances::One, Instances::Workers),
            (Instances::One, Instances::One),
        ] {
            (graph.stages[0].instances, graph.stages[1].instances) = (first, second);
            let before = sink.batches().len();
            let report = run_in_time(&graph, &tight(3), &Control::default()).unwrap();
            assert_eq!(report.counts, counts);
            assert_eq!(answers(&sink.batches()[before..]), expected);
        }
    }
}

#[test]
fn a_table_without_event_time_or_rows_is_read_to_its_end() {
    for workers in WORKERS {
        let table = Table::new(vec![vec![], random_rows(11, 1, 300).remove(0), vec![]], 10);
        let mut scan = scan(table);
        scan.event_time = None;
        let sink = Shown::default();
        let graph = rows(scan, vec![], &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!((report.rows_in(), report.rows_out()), (300, 300));
        let empty = rows(crate::graphs::scan(Table::new(vec![], 1)), vec![], &Shown::default());
        let report = run_in_time(&empty, &Config::default(), &Control::default()).unwrap();
        assert_eq!(report.rows_in(), 0);
    }
}

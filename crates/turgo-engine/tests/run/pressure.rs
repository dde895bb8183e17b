//! Memory is bounded: by the slowest consumer, and by how far partitions lie apart.

use std::sync::Arc;

use turgo_engine::graph::{Panes, TaskGraph};
use turgo_engine::run::Control;

use crate::graphs::{aggregate, by_states, changes, panes, rows, scan};
use crate::model::{answers, model, random_rows};
use crate::shown::{Manner, Shown};
use crate::table::{Row, Table};
use crate::{run_in_time, tight};

/// How many rows were read and not written at most, over a slow sink.
fn behind_max(graph: impl Fn(Table, &Shown) -> TaskGraph, rows: usize) -> usize {
    let table = Table::new(random_rows(31, 1, rows), 4);
    let mut sink = Shown::with(Manner::Slow);
    sink.of = Some(table.clone());
    run_in_time(&graph(table, &sink), &tight(2), &Control::default()).unwrap();
    *sink.behind_max.lock().unwrap()
}

#[test]
fn a_slow_sink_holds_the_source_back() {
    for table_rows in [300, 1_200] {
        let behind = behind_max(|table, sink| rows(scan(table), vec![], sink), table_rows);
        assert!(behind < 80, "{behind} of {table_rows} rows wait in one stage");
        let whole = aggregate(Panes::Whole);
        let behind =
            behind_max(|table, sink| changes(scan(table), &whole, false, sink), table_rows);
        assert!(behind < 160, "{behind} of {table_rows} rows wait in two stages");
    }
}

/// What waits in windows does not grow with the tables: the later one waits for the earlier one.
#[test]
fn tables_days_apart_are_read_one_after_another() {
    const CHUNKS: usize = 100;
    let day = |day: i64| -> Vec<Row> {
        let time = |row: i64| Some(day * 86_400_000 + row * 100);
        (0..4 * CHUNKS as i64).map(|row| Row { key: row % 5, time: time(row), value: 1 }).collect()
    };
    for workers in [1, 2, 4] {
        let early = Table { uneven: true, ..Table::new(vec![day(0)], 4) };
        let mut late = Table::new(vec![day(14)], 4);
        // Notes its reads among those of the other.
        late.reads = Arc::clone(&early.reads);
        late.first = 1;
        let both = [early.partitions[0].clone(), late.partitions[0].clone()];
        let (expected, counts) = model(&both, Some((10, 10)));
        let sink = Shown::default();
        let scans = vec![scan(late), scan(early.clone())];
        let graph = by_states(scans, &[], &aggregate(panes(10, 10)), &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!((report.counts, report.rows_in()), (counts, 8 * CHUNKS as u64));
        assert_eq!(answers(&sink.batches()), expected);
        let mut read = [0; 2];
        for (table, _) in early.reads.lock().unwrap().iter() {
            read[*table] += 1;
            let [first, ahead] = read;
            assert!(
                first == CHUNKS || ahead <= 2 + 2 * workers,
                "{ahead} chunks ahead, {workers} workers"
            );
        }
    }
}

/// The early partition is read to its end first, but for a first look into the late one.
#[test]
fn partitions_days_apart_are_read_one_after_another() {
    const CHUNKS: usize = 100;
    let day = |day: i64| -> Vec<Row> {
        let time = |row: i64| Some(day * 86_400_000 + row * 100);
        (0..4 * CHUNKS as i64).map(|row| Row { key: row % 5, time: time(row), value: 1 }).collect()
    };
    for workers in [1, 2, 4] {
        let table = Table { uneven: true, ..Table::new(vec![day(9), day(0), day(5)], 4) };
        let (expected, counts) = model(&table.partitions, Some((10, 10)));
        let sink = Shown::default();
        let graph = by_states(vec![scan(table.clone())], &[], &aggregate(panes(10, 10)), &sink);
        let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
        assert_eq!((report.counts, report.rows_in()), (counts, 12 * CHUNKS as u64));
        assert_eq!(answers(&sink.batches()), expected);
        // Until times are known partitions are read in order, 2 * workers chunks and one at most.
        let reads = table.reads.lock().unwrap();
        let mut read = [0; 3];
        for (partition, _) in reads.iter() {
            read[*partition] += 1;
            let [last, first, middle] = read;
            if first < CHUNKS {
                let ahead = last.max(middle);
                assert!(ahead <= 2 + 2 * workers, "{ahead} chunks ahead, {workers} workers");
            } else if middle < CHUNKS {
                assert!(last <= 2 + 2 * workers, "{last} chunks ahead, {workers} workers");
            }
        }
    }
}

//! Dead letters: one for each row that is left out, however the run ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use turgo_engine::graph::{DeadLetters, OnError, OperatorSpec, Scan, TaskGraph};
use turgo_engine::run::{Control, LettersReport, Report};

use crate::graphs::{aggregate, by_rows, by_states, narrowed, panes, rows, scan};
use crate::model::{Dice, random_rows};
use crate::shown::{Manner, Shown};
use crate::table::{BOUND, GARBLED, Row, Table, record};
use crate::{roomy, run_in_time, tight};

/// A scan of `table` that keeps what it leaves out.
fn keeping(table: Table, letters: &Shown) -> Scan {
    let mut scan = scan(table);
    scan.on_error = OnError::Skip;
    let sink = Arc::new(letters.clone());
    scan.letters = Some(DeadLetters { name: "letters".into(), sink, bad: true, late: true });
    scan
}

/// What a letter says, as one line.
fn shown(letters: &Shown) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in letters.batches() {
        let text = |column: &str| {
            let column = batch.rows.column_by_name(column).unwrap().as_string::<i32>();
            column.iter().map(|text| text.unwrap().to_owned()).collect::<Vec<_>>()
        };
        let positions = batch.rows.column_by_name("position").unwrap();
        let positions = positions.as_primitive::<UInt64Type>().values().to_vec();
        let [tables, places, kinds, reasons, raw] =
            ["table", "place", "kind", "reason", "raw"].map(text);
        for row in 0..batch.len() {
            let (table, place, position) = (&tables[row], &places[row], positions[row]);
            let (kind, reason, raw) = (&kinds[row], &reasons[row], &raw[row]);
            lines.push(format!("{table} {place} {position} {kind} {raw}: {reason}"));
        }
    }
    lines.sort();
    lines
}

/// The time of the first day of 1970 at `millis`.
fn instant(millis: i64) -> String {
    let (seconds, millis) = (millis.div_euclid(1_000), millis.rem_euclid(1_000));
    let day = if seconds < 0 { "1969-12-31" } else { "1970-01-01" };
    let seconds = seconds.rem_euclid(86_400);
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{day} {:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The letters of windows of `size` every `slide` seconds over rows of which some are bad.
fn expected(partitions: &[Vec<Row>], size: i64, slide: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for (partition, rows) in partitions.iter().enumerate() {
        let mut watermark = i64::MIN;
        for (position, row) in rows.iter().enumerate() {
            let raw = String::from_utf8(record(partition, position)).unwrap();
            let mut line = |kind: &str, reason: &str| {
                lines.push(format!("t p{partition}:{position} {position} {kind} {raw}: {reason}"));
            };
            if row.value == GARBLED {
                line("bad", "garbled");
                continue;
            }
            let Some(time) = row.time else {
                line("bad", "the event time `time` is NULL");
                continue;
            };
            let last_end = time.div_euclid(slide * 1_000) * slide * 1_000 + size * 1_000;
            if last_end <= watermark {
                let (time, watermark) = (instant(time), instant(watermark));
                let reason = format!(
                    "late: event time {time} is behind the watermark {watermark}, which has closed \
                     its windows"
                );
                line("late", &reason);
            }
            watermark = watermark.max(time - BOUND);
        }
    }
    lines.sort();
    lines
}

/// Rows of which every thirteenth is bad in one of two ways.
fn partly_bad(seed: u64, partitions: usize, count: usize) -> Vec<Vec<Row>> {
    let mut partitions = random_rows(seed, partitions, count);
    for (index, row) in partitions.iter_mut().flatten().step_by(13).enumerate() {
        match index % 2 {
            0 => row.value = GARBLED,
            _ => row.time = None,
        }
    }
    partitions
}

/// As many letters as rows were left out, of each kind.
fn check_counts(report: &Report) {
    let [LettersReport { name, bad, late }] = &report.letters[..] else { panic!("one place") };
    assert_eq!((&**name, *bad, *late), ("letters", report.counts.rejected, report.counts.late));
}

#[test]
fn every_row_that_is_left_out_leaves_one_letter_and_no_other_row_does() {
    for (seed, workers) in (1..).zip([1, 2, 4, 7].into_iter().cycle().take(8)) {
        let mut dice = Dice(seed);
        let partitions = partly_bad(seed, 1 + dice.roll(3) as usize, 400);
        let chunk_rows = 1 + dice.roll(40) as usize;
        let table = Table { uneven: true, ..Table::new(partitions, chunk_rows) };
        let config = if seed % 2 == 0 { tight(workers) } else { roomy(workers) };
        for (size, slide) in [(10, 10), (10, 4)] {
            let aggregate = aggregate(panes(size, slide));
            let expected = expected(&table.partitions, size, slide);
            assert!(expected.iter().any(|letter| letter.contains(" late ")));
            let owner = OperatorSpec::RowAggregate(aggregate.clone());
            let graphs: [&dyn Fn(Scan) -> TaskGraph; 2] = [
                &|scan| by_states(vec![scan], &[], &aggregate, &Shown::default()),
                // Here rows with their letters cross an exchange.
                &|scan| by_rows(scan, owner.clone(), aggregate.output.clone(), &Shown::default()),
            ];
            for graph in graphs {
                let letters = Shown::default();
                let graph = graph(keeping(table.clone(), &letters));
                let report = run_in_time(&graph, &config, &Control::default()).unwrap();
                assert_eq!(shown(&letters), expected, "seed {seed}, {workers} workers");
                check_counts(&report);
                assert!(letters.committed());
            }
        }
    }
}

#[test]
fn a_row_that_a_filter_drops_is_filtered_and_no_letter() {
    let table = Table::new(random_rows(3, 1, 400), 10);
    let late = expected(&table.partitions, 10, 10);
    let even = |letter: &&String| {
        let position = letter.split(' ').nth(2).unwrap().parse::<usize>().unwrap();
        table.partitions[0][position].value % 2 == 0
    };
    let even: Vec<String> = late.iter().filter(even).cloned().collect();
    assert!(!even.is_empty() && even.len() < late.len());
    let filter = [OperatorSpec::Filter(crate::graphs::even())];
    for workers in [1, 3] {
        let letters = Shown::default();
        let scan = keeping(table.clone(), &letters);
        let graph = by_states(vec![scan], &filter, &aggregate(panes(10, 10)), &Shown::default());
        check_counts(&run_in_time(&graph, &tight(workers), &Control::default()).unwrap());
        assert_eq!(shown(&letters), even);
    }
}

#[test]
fn tables_with_one_sink_share_its_writer() {
    let letters = Shown::default();
    let (mut first, second) = (
        keeping(Table::new(partly_bad(5, 2, 100), 7), &letters),
        keeping(Table::new(partly_bad(6, 1, 100), 7), &letters),
    );
    first.letters.clone_from(&second.letters);
    first.table = "u".into();
    let graph = by_states(vec![first, second], &[], &aggregate(panes(5, 5)), &Shown::default());
    check_counts(&run_in_time(&graph, &tight(2), &Control::default()).unwrap());
    let by_table = shown(&letters).iter().fold(BTreeMap::new(), |mut tables, letter| {
        *tables.entry(letter[..1].to_owned()).or_insert(0) += 1;
        tables
    });
    let [first, second] = [partly_bad(5, 2, 100), partly_bad(6, 1, 100)];
    let counts = [("u", expected(&first, 5, 5)), ("t", expected(&second, 5, 5))];
    assert_eq!(by_table, counts.map(|(name, letters)| (name.to_owned(), letters.len())).into());
}

/// Letters wait for their disk, and rows for them.
#[test]
fn a_slow_writer_of_letters_holds_the_source_back() {
    let all_bad = |count: usize| {
        let mut rows = random_rows(7, 1, count);
        rows[0].iter_mut().for_each(|row| row.value = GARBLED);
        Table::new(rows, 4)
    };
    for count in [300, 1_200] {
        let table = all_bad(count);
        let mut letters = Shown::with(Manner::Slow);
        letters.of = Some(table.clone());
        let graph = rows(keeping(table, &letters), vec![], &Shown::default());
        check_counts(&run_in_time(&graph, &tight(2), &Control::default()).unwrap());
        let behind = *letters.behind_max.lock().unwrap();
        assert!(behind < 100, "{behind} of {count} letters wait");
    }
}

#[test]
fn a_run_that_fails_keeps_its_letters_and_shows_no_result() {
    let mut table = partly_bad(8, 1, 200).remove(0);
    table[150] = Row { key: 1, time: Some(0), value: 1_000 };
    let before: Vec<Row> = table[..150].to_vec();
    // One instance reads the chunks in order, so all letters before the failure are known.
    let (results, letters) = (Shown::default(), Shown::with(Manner::Slow));
    let project = OperatorSpec::Project(vec![narrowed()]);
    let mut graph = rows(keeping(Table::new(vec![table], 10), &letters), vec![project], &results);
    graph.stages[0].schema = Arc::new(arrow::datatypes::Schema::new(vec![narrowed().field]));
    let error = run_in_time(&graph, &tight(1), &Control::default()).unwrap_err();
    assert!(error.to_string().starts_with("p0:150: "), "{error}");
    assert!(letters.committed() && !results.committed());
    let bad = expected(&[before], 10, 10).into_iter().filter(|letter| letter.contains(" bad "));
    for letter in bad {
        assert!(shown(&letters).contains(&letter), "{letter} is missing");
    }
    // Nothing to keep: an earlier run's letters stay where they are.
    let letters = Shown::default();
    let fails = Row { key: 1, time: Some(0), value: 1_000 };
    let scan = keeping(Table::new(vec![vec![fails]], 10), &letters);
    graph.stages[0].input = turgo_engine::graph::Input::Source(scan);
    run_in_time(&graph, &tight(1), &Control::default()).unwrap_err();
    assert!(!letters.committed());
}

#[test]
fn a_run_that_is_stopped_keeps_the_letters_of_all_rows_it_left_out() {
    for round in 0..12 {
        let table = Table { uneven: true, ..Table::new(partly_bad(9, 3, 3_000), 5) };
        let all = expected(&table.partitions, 2, 2);
        let control = Control::default();
        let stop = control.clone();
        let later = move || {
            thread::sleep(Duration::from_millis(5 + round * 4));
            stop.stop();
        };
        thread::Builder::new().spawn(later).unwrap();
        let letters = Shown::default();
        let results = Shown::with(Manner::Slow);
        let scan = keeping(table, &letters);
        let graph = by_states(vec![scan], &[], &aggregate(panes(2, 2)), &results);
        let report = run_in_time(&graph, &tight(2 + round as usize % 3), &control).unwrap();
        assert!(report.interrupted && !results.committed());
        check_counts(&report);
        let kept = shown(&letters);
        assert_eq!(letters.committed(), !kept.is_empty());
        assert!(kept.iter().all(|letter| all.contains(letter)));
    }
}

/// Other than a reader of results, one of letters does not go away unheard.
#[test]
fn a_writer_of_letters_that_fails_ends_the_run() {
    for (manner, code) in
        [(Manner::Panic, "internal"), (Manner::Fail, "external"), (Manner::Close, "external")]
    {
        for workers in [1, 3] {
            let (results, letters) = (Shown::default(), Shown::with(manner));
            let scan = keeping(Table::new(partly_bad(10, 2, 2_000), 10), &letters);
            let graph = rows(scan, vec![], &results);
            let error = run_in_time(&graph, &tight(workers), &Control::default()).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(!letters.committed() && !results.committed());
        }
    }
}

//! Tables whose end closes no window: what stays unsaid is a matter of the data alone.

use turgo_engine::graph::{OperatorSpec, Scan};
use turgo_engine::run::Control;

use crate::graphs::{aggregate, allowing, by_rows, by_states, panes, scan};
use crate::model::{Answers, Dice, answers, folded_held, model, model_late, random_rows};
use crate::shown::Shown;
use crate::table::{BOUND, Row, Table};
use crate::{roomy, run_in_time, tight};

fn unflushed(table: Table) -> Scan {
    Scan { flush_at_end: false, ..scan(table) }
}

/// The answers in windows of `size` seconds that are closed when all rows have been read, and how
/// many are not.
fn closed(partitions: &[Vec<Row>], size: i64, all: Answers) -> (Answers, u64) {
    let times = partitions.iter().flatten().filter_map(|row| row.time);
    let last = times.max().expect("there are rows") - BOUND;
    let (closed, open): (Answers, Answers) =
        all.into_iter().partition(|((_, start), _)| start + size * 1_000 <= last);
    (closed, open.len() as u64)
}

#[test]
fn windows_that_no_row_has_closed_stay_unsaid() {
    for (seed, workers) in (1..).zip([1, 2, 4, 7].into_iter().cycle().take(12)) {
        let mut dice = Dice(seed);
        let partitions = random_rows(seed, 1 + dice.roll(4) as usize, 400);
        let chunk_rows = 1 + dice.roll(40) as usize;
        let table = Table { uneven: true, ..Table::new(partitions, chunk_rows) };
        let config = if seed % 2 == 0 { tight(workers) } else { roomy(workers) };
        for (size, slide) in [(10, 10), (10, 4)] {
            let (all, mut counts) = model(&table.partitions, Some((size, slide)));
            let (closed, open) = closed(&table.partitions, size, all);
            assert!(open > 0 && !closed.is_empty(), "some of both");
            counts.unsaid = open;
            let aggregate = aggregate(panes(size, slide));
            let owner = OperatorSpec::RowAggregate(aggregate.clone());
            let output = aggregate.output.clone();
            let sinks = [Shown::default(), Shown::default()];
            let graphs = [
                by_states(vec![unflushed(table.clone())], &[], &aggregate, &sinks[0]),
                by_rows(unflushed(table.clone()), owner, output, &sinks[1]),
            ];
            for (graph, sink) in graphs.iter().zip(sinks) {
                let report = run_in_time(graph, &config, &Control::default()).unwrap();
                let case = format!("seed {seed}, {workers} workers, windows every {slide}");
                assert_eq!(report.counts, counts, "{case}");
                assert_eq!(answers(&sink.batches()), closed, "{case}");
                assert!(sink.committed());
            }
        }
    }
}

/// One table that is not flushed is enough, and who ends last does not matter: the last watermark
/// is the largest of both.
#[test]
fn a_union_with_a_table_that_is_not_flushed_is_not_flushed() {
    for (seed, workers) in (20..).zip([1, 2, 4, 7, 2, 3]) {
        let (short, long) = (random_rows(seed, 1, 60), random_rows(seed + 100, 2, 300));
        for (first, second) in [(&short, &long), (&long, &short)] {
            let both = [first.clone(), second.clone()].concat();
            let (all, mut counts) = model(&both, Some((5, 5)));
            let (closed, open) = closed(&both, 5, all);
            counts.unsaid = open;
            let scans =
                vec![unflushed(Table::new(first.clone(), 5)), scan(Table::new(second.clone(), 11))];
            let sink = Shown::default();
            let graph = by_states(scans, &[], &aggregate(panes(5, 5)), &sink);
            let report = run_in_time(&graph, &tight(workers), &Control::default()).unwrap();
            assert_eq!(report.counts, counts);
            assert_eq!(answers(&sink.batches()), closed);
        }
    }
}

/// What the watermark has passed is shown, with all rows that lateness allows.
#[test]
fn lateness_keeps_no_window_from_being_shown() {
    for (seed, workers) in (40..).zip([1, 2, 4, 7]) {
        let table = Table { uneven: true, ..Table::new(random_rows(seed, 3, 300), 7) };
        let (all, mut counts) = model_late(&table.partitions, Some((10, 4)), 20);
        let (closed, open) = closed(&table.partitions, 10, all);
        counts.unsaid = open;
        let sink = Shown::default();
        let graph = by_states(vec![unflushed(table)], &[], &aggregate(panes(10, 4)), &sink);
        let report = run_in_time(&allowing(graph, 20), &tight(workers), &Control::default());
        assert_eq!(report.unwrap().counts, counts);
        assert_eq!(folded_held(&sink.batches()), closed);
    }
}

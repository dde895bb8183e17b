//! Rows, and the answers to a grouped aggregation over them worked out row by row.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::operator::RowCounts;
use crate::time::{EventTime, WATERMARK_NONE};
use crate::window::Windows;

/// What proptest chooses for a row.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    partition: usize,
    key: Option<i64>,
    step: i64,
    back: i64,
    value: Option<i64>,
    flag: bool,
    cut: bool,
    mark: bool,
}

/// An input row, and what follows it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: Option<i64>,
    /// Milliseconds.
    pub(super) time: i64,
    pub(super) value: Option<i64>,
    /// Whether the sum counts it.
    pub(super) flag: bool,
    /// The watermark of its partition just before it, in microseconds.
    pub(super) under: EventTime,
    /// Its batch ends here.
    pub(super) cut: bool,
    /// The watermark all partitions have reached, sent after it.
    pub(super) mark: Option<EventTime>,
}

/// A group: key, and window as in [`Answer`].
pub(super) type Group = (Option<i64>, Option<[i64; 3]>);

/// A result row: key, window (start, end, time; milliseconds), count(*), sum(value) of flagged
/// rows, min(value), max(value).
pub(super) type Answer =
    (Option<i64>, Option<[i64; 3]>, i64, Option<i64>, Option<i64>, Option<i64>);

const PARTITIONS: usize = 3;
const BOUND_MILLIS: i64 = 5_000;

/// Windows with and without overlap, gaps and a size that slides do not divide, and growing ones.
pub(super) fn any_windows() -> impl Strategy<Value = Windows> {
    let hops = [(10, 10), (10, 5), (10, 3), (3, 10), (7, 2)]
        .map(|(size, slide)| Windows::hop(size * 1_000_000, slide * 1_000_000));
    let cumulating = [(10, 2), (12, 4), (5, 5)]
        .map(|(size, step)| Windows::cumulate(size * 1_000_000, step * 1_000_000));
    prop::sample::select([&hops[..], &cumulating].concat())
}

/// Gaps of sessions in milliseconds: shorter than the steps of time, and longer.
pub(super) fn any_gap() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![1, 400, 1_000, 2_500, 10_000])
}

/// Rows of three partitions with disorder inside and beyond the bound.
pub(super) fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let draw = (
        0..PARTITIONS,
        prop::option::of(0..4_i64),
        0..3_000_i64,
        prop_oneof![2 => Just(0), 2 => 0..5_000_i64, 1 => 0..30_000_i64],
        prop::option::of(-100..100_i64),
        any::<bool>(),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(partition, key, step, back, value, flag, cut, mark)| Draw {
            partition,
            key,
            step,
            back,
            value,
            flag,
            cut,
            mark,
        });
    prop::collection::vec(draw, 0..120).prop_map(|draws| rows(&draws))
}

fn rows(draws: &[Draw]) -> Vec<Row> {
    let mut clocks = [0; PARTITIONS];
    let mut watermarks = [WATERMARK_NONE; PARTITIONS];
    draws
        .iter()
        .map(|draw| {
            let clock = &mut clocks[draw.partition];
            *clock += draw.step;
            let time = *clock - draw.back;
            let watermark = &mut watermarks[draw.partition];
            let under = *watermark;
            *watermark = under.max((time - BOUND_MILLIS) * 1_000);
            let reached = watermarks.iter().copied().min().expect("there are partitions");
            Row {
                key: draw.key,
                time,
                value: draw.value,
                flag: draw.flag,
                under,
                cut: draw.cut || draw.mark,
                mark: draw.mark.then_some(reached),
            }
        })
        .collect()
}

/// Start and end of all windows that hold `time`, by trying every window near it.
pub(super) fn holding(windows: &Windows, time: EventTime) -> Vec<(EventTime, EventTime)> {
    let (size, step) = (i128::from(windows.size()), i128::from(windows.step()));
    let cumulates = windows.cumulates();
    let apart = if cumulates { size } else { step };
    let near = i128::from(time) / apart;
    let reach = size / apart + 2;
    let starts = (near - reach..=near + reach).map(|k| k * apart);
    let ends = move |start: i128| match cumulates {
        true => (1..=size / step).map(|j| start + j * step).collect(),
        false => vec![start + size],
    };
    starts
        .flat_map(|start| ends(start).into_iter().map(move |end| (start, end)))
        .filter(|(start, end)| *start <= i128::from(time) && i128::from(time) < *end)
        .filter_map(|(start, end)| Some((start.try_into().ok()?, end.try_into().ok()?)))
        .collect()
}

/// The answers, sorted, and the counts; without `windows`, over the whole input.
pub(super) fn answers(rows: &[Row], windows: Option<&Windows>) -> (Vec<Answer>, RowCounts) {
    let mut counts = RowCounts::default();
    let mut groups: BTreeMap<Group, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let Some(windows) = windows else {
            counts.used += 1;
            groups.entry((row.key, None)).or_default().push(row);
            continue;
        };
        let all = holding(windows, row.time * 1_000);
        let open: Vec<_> = all.iter().filter(|(_, end)| *end > row.under).collect();
        match (all.len(), open.len()) {
            (0, _) => counts.filtered += 1,
            (_, 0) => counts.late += 1,
            (all, open) => {
                counts.used += 1;
                counts.late_partial += u64::from(open < all);
            }
        }
        for (start, end) in open {
            let (start, end) = (start / 1_000, end / 1_000);
            groups.entry((row.key, Some([start, end, end - 1]))).or_default().push(row);
        }
    }
    (groups.into_iter().map(|((key, window), rows)| answer(key, window, &rows)).collect(), counts)
}

/// The answers by session, sorted, and the counts: gaps and islands over the rows that are not late.
pub(super) fn sessions(rows: &[Row], gap: i64) -> (Vec<Answer>, RowCounts) {
    let mut counts = RowCounts::default();
    let mut keys: BTreeMap<Option<i64>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if (row.time + gap) * 1_000 <= row.under {
            counts.late += 1;
        } else {
            counts.used += 1;
            keys.entry(row.key).or_default().push(row);
        }
    }
    let mut answers = Vec::new();
    for (key, mut rows) in keys {
        rows.sort_by_key(|row| row.time);
        for session in rows.chunk_by(|a, b| b.time - a.time <= gap) {
            let (start, end) = (session[0].time, session[session.len() - 1].time + gap);
            answers.push(answer(key, Some([start, end, end - 1]), session));
        }
    }
    answers.sort_unstable();
    (answers, counts)
}

fn answer(key: Option<i64>, window: Option<[i64; 3]>, rows: &[&Row]) -> Answer {
    let values = || rows.iter().filter_map(|row| row.value);
    let flagged: Vec<i64> = rows.iter().filter(|r| r.flag).filter_map(|row| row.value).collect();
    let sum = (!flagged.is_empty()).then(|| flagged.iter().sum());
    let count = i64::try_from(rows.len()).expect("few rows");
    (key, window, count, sum, values().min(), values().max())
}

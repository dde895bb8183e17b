//! What the answers are: each partition read row by row, every row kept.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use turgo_engine::message::Batch;
use turgo_engine::operator::RowCounts;

use crate::table::{BOUND, Row};

/// (key, start of the window in milliseconds) to (count, sum).
pub(crate) type Answers = BTreeMap<(i64, i64), (i64, i64)>;

/// The start that stands for the whole input.
pub(crate) const WHOLE: i64 = i64::MIN;

/// Pseudo-random numbers below `below`.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> i64 {
        // Steele, Lea and Flood's SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % below).unwrap()
    }
}

/// Partitions of rows with disorder within and beyond the bound.
pub(crate) fn random_rows(seed: u64, partitions: usize, rows: usize) -> Vec<Vec<Row>> {
    let mut dice = Dice(seed);
    let partition = |_| {
        let mut clock = dice.roll(5_000);
        let mut row = || {
            clock += dice.roll(300);
            let back = if dice.roll(10) == 0 { dice.roll(30_000) } else { dice.roll(2_000) };
            Row { key: dice.roll(7), time: Some(clock - back), value: dice.roll(100) }
        };
        (0..rows).map(|_| row()).collect()
    };
    (0..partitions).map(partition).collect()
}

/// The answers and counts of windows of `size` every `slide` seconds, or of the whole input.
pub(crate) fn model(partitions: &[Vec<Row>], windows: Option<(i64, i64)>) -> (Answers, RowCounts) {
    model_late(partitions, windows, 0)
}

/// The same with a watermark that stays so many seconds further behind.
pub(crate) fn model_late(
    partitions: &[Vec<Row>],
    windows: Option<(i64, i64)>,
    lateness: i64,
) -> (Answers, RowCounts) {
    let (mut answers, mut counts) = (Answers::new(), RowCounts::default());
    let mut add = |key, start, value| {
        let answer = answers.entry((key, start)).or_insert((0, 0));
        *answer = (answer.0 + 1, answer.1 + value);
    };
    for partition in partitions {
        let mut watermark = i64::MIN;
        for row in partition {
            let time = row.time.expect("rows of the model have a time");
            let under = watermark;
            watermark = watermark.max(time - BOUND - lateness * 1_000);
            let Some((size, slide)) = windows else {
                counts.used += 1;
                add(row.key, WHOLE, row.value);
                continue;
            };
            let (size, slide) = (size * 1_000, slide * 1_000);
            let last = time.div_euclid(slide) * slide;
            let starts: Vec<i64> =
                (0..).map(|k| last - k * slide).take_while(|start| start + size > time).collect();
            let open: Vec<_> = starts.iter().filter(|start| **start + size > under).collect();
            counts.late += u64::from(open.is_empty());
            counts.used += u64::from(!open.is_empty());
            counts.late_partial += u64::from(!open.is_empty() && open.len() < starts.len());
            open.into_iter().for_each(|start| add(row.key, *start, row.value));
        }
    }
    (answers, counts)
}

fn numbers(rows: &RecordBatch, column: &str) -> Vec<i64> {
    rows.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn starts(rows: &RecordBatch) -> Vec<i64> {
    match rows.column_by_name("window_start") {
        Some(starts) => starts.as_primitive::<TimestampMillisecondType>().values().to_vec(),
        None => vec![WHOLE; rows.num_rows()],
    }
}

/// The rows of a result that is emitted once per group; a group that comes twice fails the test.
pub(crate) fn answers(batches: &[Batch]) -> Answers {
    let mut answers = Answers::new();
    for Batch { rows, .. } in batches {
        let starts = starts(rows);
        let columns = [numbers(rows, "key"), numbers(rows, "count"), numbers(rows, "sum")];
        for (row, start) in starts.into_iter().enumerate() {
            let [key, count, sum] = [0, 1, 2].map(|column| columns[column][row]);
            let twice = answers.insert((key, start), (count, sum));
            assert_eq!(twice, None, "key {key} of window {start} is emitted once");
        }
    }
    answers
}

/// The last version of each group of a changelog with a change for each row; a sequence that is not
/// valid fails the test.
pub(crate) fn folded(batches: &[Batch]) -> Answers {
    fold(batches, |old, new| new == old + 1)
}

/// The same where a change may stand for several rows.
pub(crate) fn folded_held(batches: &[Batch]) -> Answers {
    fold(batches, |old, new| new > old)
}

/// `follows` says whether a count may follow another.
fn fold(batches: &[Batch], follows: impl Fn(i64, i64) -> bool) -> Answers {
    use turgo_engine::message::Change::{Delete, Insert, UpdateAfter, UpdateBefore};
    let mut versions = Answers::new();
    for batch in batches {
        let [keys, counts, sums] =
            ["key", "count", "sum"].map(|column| numbers(&batch.rows, column));
        let groups = keys.into_iter().zip(starts(&batch.rows));
        for (row, ((group, count), sum)) in groups.zip(counts).zip(sums).enumerate() {
            let old = versions.get(&group).copied();
            match batch.change(row) {
                Insert => assert!(old.is_none() && follows(0, count), "{group:?} is new"),
                UpdateBefore => {
                    assert_eq!(old, Some((count, sum)), "what {group:?} was");
                    continue;
                }
                UpdateAfter => {
                    assert!(old.is_some_and(|old| follows(old.0, count)), "{group:?} goes on");
                }
                Delete => panic!("nothing is deleted"),
            }
            versions.insert(group, (count, sum));
        }
    }
    versions
}

/// The keys of a result, sorted, as often as they come.
pub(crate) fn keys(batches: &[Batch]) -> Vec<i64> {
    let mut keys: Vec<i64> = batches.iter().flat_map(|batch| numbers(&batch.rows, "key")).collect();
    keys.sort_unstable();
    keys
}

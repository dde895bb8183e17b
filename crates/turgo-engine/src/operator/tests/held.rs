//! Aggregates whose changes are held back, against diffs of the model's answers; the clock is the
//! test's.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use proptest::prelude::*;

use super::changes::{fold, log, row};
use super::drive::{
    ATTACHED, Chain, aggregate, aggregate_by, aggregate_of, answers_of, batch, by_time, deal,
    hand_over, input_schema, messages, rows_of, with_window,
};
use super::model::{self, Answer, Group, Row, any_rows, any_windows};
use crate::error::EngineError;
use crate::graph::{Every, Panes};
use crate::message::{Batch, Change, Message};
use crate::operator::Output;
use crate::operator::aggregate_held::HeldChanges;
use crate::operator::assign_windows::AssignWindows;
use crate::window::Windows;

const BY_CLOCK: Every = Every::Time(Duration::from_secs(1));

fn every(rows: u64) -> Every {
    Every::Rows(NonZeroU64::new(rows).unwrap())
}

fn held(before: bool, every: Every) -> HeldChanges {
    HeldChanges::new(aggregate(Panes::Whole), before, every).unwrap()
}

fn windowed(windows: Windows, before: bool, every: Every) -> Chain {
    let schema = with_window(&input_schema(), input_schema().field(1).data_type());
    let held = HeldChanges::new(aggregate(ATTACHED), before, every).unwrap();
    Chain::of(AssignWindows::new(1, windows, true, schema).unwrap()).then(held)
}

/// What the last operator of a chain lets go of.
fn released(chain: &mut Chain) -> Vec<Batch> {
    let mut out = Output::default();
    chain.operators.last_mut().unwrap().release(&mut out).unwrap();
    out.messages.into_iter().filter_map(rows_of).collect()
}

/// The rows of a changelog that are not old versions, with whether they are new groups.
fn versions(batches: &[Batch]) -> Vec<(bool, Answer)> {
    let rows = batches.iter().flat_map(|batch| {
        (0..batch.len())
            .zip(answers_of(&batch.rows))
            .map(|(row, answer)| (batch.change(row), answer))
    });
    rows.filter(|(change, _)| *change != Change::UpdateBefore)
        .map(|(change, answer)| (change == Change::Insert, answer))
        .collect()
}

/// What differs between the answers after every `every` rows, and at the end; sorted for each.
fn expected(rows: &[Row], every: usize) -> Vec<Vec<(bool, Answer)>> {
    let mut before: BTreeMap<Group, Answer> = BTreeMap::new();
    let ends = (every..rows.len()).step_by(every).chain([rows.len()]);
    ends.map(|end| {
        let mut changed = Vec::new();
        for answer in model::answers(&rows[..end], None).0 {
            let old = before.insert((answer.0, answer.1), answer);
            if old != Some(answer) {
                changed.push((old.is_none(), answer));
            }
        }
        changed.sort_unstable();
        changed
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn groups_leave_once_after_so_many_rows_whatever_the_batches(
        rows in any_rows(),
        every_rows in 1..40_usize,
        before in any::<bool>(),
    ) {
        let mut chain = Chain::of(held(before, every(every_rows as u64)));
        let results = chain.run(messages(&rows)).unwrap();
        prop_assert_eq!(fold(&results, before)?, model::answers(&rows, None).0);
        let mut left = &versions(&results)[..];
        for expected in expected(&rows, every_rows) {
            prop_assert!(left.len() >= expected.len());
            let (now, later) = left.split_at(expected.len());
            let mut now = now.to_vec();
            now.sort_unstable();
            prop_assert_eq!(now, expected);
            left = later;
        }
        prop_assert!(left.is_empty());
    }

    #[test]
    fn windows_let_their_changes_go_before_they_close(
        rows in any_rows(),
        windows in any_windows(),
        every_rows in prop::option::of(1..40_u64),
        before in any::<bool>(),
        ticks in any::<u64>(),
    ) {
        let mut chain = windowed(windows, before, every_rows.map_or(BY_CLOCK, every));
        let mut results = Vec::new();
        for (at, message) in messages(&rows).into_iter().enumerate() {
            results.extend(chain.run(vec![message]).unwrap());
            if ticks >> (at % 64) & 1 == 1 {
                results.extend(released(&mut chain));
            }
        }
        let (expected, counts) = model::answers(&rows, Some(&windows));
        prop_assert_eq!(fold(&results, before)?, expected);
        prop_assert_eq!(chain.counts, counts);
    }

    #[test]
    fn a_held_changelog_goes_on_after_its_state_was_handed_over(
        rows in any_rows(),
        after in 1..5_usize,
        at in any::<prop::sample::Index>(),
        every_rows in prop::option::of(1..40_u64),
    ) {
        let every = every_rows.map_or(BY_CLOCK, every);
        let messages = messages(&rows);
        let (first, second) = messages.split_at(at.index(messages.len()));
        let mut start = [Chain::of(held(true, every))];
        let mut results = start[0].run(first.to_vec()).unwrap();
        let mut out = Output::default();
        start[0].operators[0].before_barrier(&mut out).unwrap();
        results.extend(out.messages.into_iter().filter_map(rows_of));
        let mut owners: Vec<_> = (0..after).map(|_| Chain::of(held(true, every))).collect();
        hand_over(&mut start, &mut owners).unwrap();
        for message in second {
            results.extend(deal(&mut owners, message, 0).unwrap());
        }
        prop_assert_eq!(fold(&results, true)?, model::answers(&rows, None).0);
    }
}

#[test]
fn an_interval_ends_when_the_clock_says_so() {
    let mut chain = Chain::of(held(true, BY_CLOCK));
    assert_eq!(chain.operators[0].interval(), Some(Duration::from_secs(1)));
    let rows = [row(1, 5), row(2, 6), row(1, 7)];
    assert!(chain.run(vec![Message::Batch(batch(&rows))]).unwrap().is_empty());
    assert_eq!(log(&released(&mut chain)), [("+I", Some(1), 2), ("+I", Some(2), 1)]);
    assert!(released(&mut chain).is_empty(), "nothing has changed since");
    chain.run(vec![Message::Batch(batch(&rows[1..]))]).unwrap();
    chain.run(vec![Message::Batch(batch(&rows[2..]))]).unwrap();
    let expected = [("-U", Some(2), 1), ("+U", Some(2), 2), ("-U", Some(1), 2), ("+U", Some(1), 4)];
    assert_eq!(log(&released(&mut chain)), expected);
    chain.run(vec![Message::Batch(batch(&rows[1..2]))]).unwrap();
    let end = chain.run(vec![Message::End]).unwrap();
    assert_eq!(log(&end), [("-U", Some(2), 2), ("+U", Some(2), 3)]);
}

/// Without `count(*)`: a group may have new rows and the values it had.
#[test]
fn a_group_that_has_the_values_it_had_does_not_leave() {
    let all = aggregate(Panes::Whole);
    let aggregate = aggregate_of(vec![0], Panes::Whole, all.calls[2..].to_vec());
    let mut chain = Chain::of(HeldChanges::new(aggregate, false, BY_CLOCK).unwrap());
    let changes = |batches: &[Batch]| -> Vec<Change> {
        batches.iter().flat_map(|batch| (0..batch.len()).map(|row| batch.change(row))).collect()
    };
    let null = Row { value: None, ..row(2, 0) };
    let mut give = |rows: &[Row]| {
        chain.run(vec![Message::Batch(batch(rows))]).unwrap();
        changes(&released(&mut chain))
    };
    assert_eq!(give(&[row(1, 5), row(1, 9), null.clone()]), [Change::Insert; 2]);
    assert_eq!(give(&[row(1, 7), row(1, 9), null.clone()]), []);
    assert_eq!(give(&[row(1, 10), null]), [Change::UpdateAfter]);
    assert_eq!(give(&[row(2, 0)]), [Change::UpdateAfter], "from NULL to a value");
}

#[test]
fn distinct_keys_leave_once() {
    let aggregate = aggregate_of(vec![0], Panes::Whole, vec![]);
    let mut chain = Chain::of(HeldChanges::new(aggregate, true, every(2)).unwrap());
    let rows = [row(1, 5), row(2, 6), row(1, 7)];
    let first = chain.run(vec![Message::Batch(batch(&rows))]).unwrap();
    assert_eq!(first.iter().map(Batch::len).collect::<Vec<_>>(), [2]);
    assert!(chain.run(vec![Message::Batch(batch(&rows)), Message::End]).unwrap().is_empty());
}

#[test]
fn no_rows_are_no_changes_even_without_keys() {
    let aggregate = aggregate_by(vec![], Panes::Whole);
    let mut chain = Chain::of(HeldChanges::new(aggregate, true, BY_CLOCK).unwrap());
    assert!(chain.run(vec![Message::Batch(batch(&[])), Message::End]).unwrap().is_empty());
}

/// A window that closes lets go of its own changes, under the watermark before; the others wait.
#[test]
fn a_watermark_takes_only_the_windows_it_completes() {
    let windows = Windows::tumble(1_000_000);
    let mut chain = windowed(windows, false, BY_CLOCK);
    let late = Row { time: 1_500, ..row(1, 5) };
    chain.send(Message::Batch(batch(&[late, row(1, 5)]))).unwrap();
    let sent = chain.send(Message::Watermark(1_000_000)).unwrap();
    let [Message::Batch(first), Message::Watermark(1_000_000)] = &sent[..] else {
        panic!("changes, then the watermark: {sent:?}")
    };
    assert_eq!(answers_of(&first.rows)[0].1, Some([0, 1_000, 999]));
    assert_eq!(first.len(), 1);
    let rest = released(&mut chain);
    assert_eq!(answers_of(&rest[0].rows)[0].1, Some([1_000, 2_000, 1_999]));
    assert_eq!(chain.operators[1].freeze().unwrap().unwrap().num_rows(), 1, "one window is left");
}

#[test]
fn many_changes_leave_in_parts_that_keep_updates_together() {
    let rows: Vec<Row> = (0..10_000).map(|key| row(key, 1)).collect();
    let mut chain = Chain::of(held(true, BY_CLOCK));
    // A new group in front makes the pairs begin at odd rows.
    chain.run(vec![Message::Batch(batch(&rows[1..]))]).unwrap();
    assert!(released(&mut chain).len() > 1);
    chain.run(vec![Message::Batch(batch(&rows))]).unwrap();
    let parts = released(&mut chain);
    assert!(parts.len() > 2);
    for part in &parts {
        assert!(part.len() <= 8_193);
        assert_ne!(part.change(0), Change::UpdateAfter, "its -U is in another batch");
    }
    let sum: usize = parts.iter().map(Batch::len).sum();
    assert_eq!(sum, 1 + 2 * 9_999);
}

#[test]
fn what_the_runtime_never_does_is_refused() {
    let windows = by_time(Windows::tumble(1_000_000));
    let error = HeldChanges::new(aggregate(windows), true, BY_CLOCK).unwrap_err();
    assert!(matches!(error, EngineError::Internal(_)), "{error}");
    let mut chain = Chain::of(held(true, BY_CLOCK));
    chain.run(vec![Message::Batch(batch(&[row(1, 5)]))]).unwrap();
    let error = chain.operators[0].freeze().unwrap_err();
    assert!(error.to_string().contains("held back"), "{error}");
    let mut changelog = batch(&[row(1, 5)]);
    changelog.changes = Some([Change::Delete].into());
    assert!(matches!(chain.run(vec![Message::Batch(changelog)]), Err(EngineError::Internal(_))));
}

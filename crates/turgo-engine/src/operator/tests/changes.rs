//! Aggregates that emit every change.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::drive::{
    ATTACHED, Chain, aggregate, aggregate_by, aggregate_of, answers_of, batch, by_time, hand_over,
    input_schema, messages, with_window,
};
use super::model::{self, Answer, Group, Row, any_rows, any_windows};
use crate::error::EngineError;
use crate::graph::Panes;
use crate::message::{Batch, Change, Message};
use crate::operator::aggregate_changes::ChangesAggregate;
use crate::operator::assign_windows::AssignWindows;
use crate::window::Windows;

fn chain(panes: Panes, windows: Windows, before: bool) -> Chain {
    let changes = ChangesAggregate::new(aggregate(panes), before).unwrap();
    if panes == Panes::Whole {
        return Chain::of(changes);
    }
    let schema = with_window(&input_schema(), input_schema().field(1).data_type());
    Chain::of(AssignWindows::new(1, windows, true, schema).unwrap()).then(changes)
}

/// Folds a changelog into its last version per group, checking each step against the version
/// before it.
pub(super) fn fold(batches: &[Batch], before: bool) -> Result<Vec<Answer>, TestCaseError> {
    let mut current: BTreeMap<Group, Answer> = BTreeMap::new();
    let mut replaced: Option<Answer> = None;
    for batch in batches {
        prop_assert!(!batch.unaccounted);
        for (row, answer) in answers_of(&batch.rows).into_iter().enumerate() {
            let group = (answer.0, answer.1);
            match batch.change(row) {
                Change::Insert => {
                    prop_assert_eq!(replaced, None);
                    prop_assert_eq!(current.insert(group, answer), None, "one +I per group");
                }
                Change::UpdateBefore => {
                    prop_assert!(before, "-U was not asked for");
                    prop_assert_eq!(replaced.replace(answer), None);
                    prop_assert_eq!(current.get(&group), Some(&answer), "-U is the version before");
                }
                Change::UpdateAfter => {
                    let old = current.insert(group, answer);
                    prop_assert!(old.is_some(), "+U follows +I");
                    prop_assert_eq!(replaced.take(), old.filter(|_| before));
                }
                Change::Delete => prop_assert!(false, "nothing is deleted"),
            }
        }
    }
    Ok(current.into_values().collect())
}

/// One change per row and window, in row order, each with the values up to that row.
fn versions(batches: &[Batch]) -> Vec<Answer> {
    let kept = |batch: &Batch, row: usize| batch.change(row) != Change::UpdateBefore;
    let answers = batches.iter().flat_map(|batch| {
        answers_of(&batch.rows).into_iter().enumerate().filter(|(row, _)| kept(batch, *row))
    });
    answers.map(|(_, answer)| answer).collect()
}

/// The versions the model expects: its answers over ever longer beginnings of the rows.
fn expected_versions(rows: &[Row], windows: Option<&Windows>) -> Vec<Answer> {
    let mut before: BTreeMap<Group, Answer> = BTreeMap::new();
    let mut versions = Vec::new();
    for end in 1..=rows.len() {
        for answer in model::answers(&rows[..end], windows).0 {
            if before.insert((answer.0, answer.1), answer) != Some(answer) {
                versions.push(answer);
            }
        }
    }
    versions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_row_emits_its_group_and_the_last_versions_are_the_answers(
        rows in any_rows(),
        windows in any_windows(),
        attached in any::<bool>(),
        before in any::<bool>(),
    ) {
        let panes = if attached { ATTACHED } else { Panes::Whole };
        let windows_used = attached.then_some(&windows);
        let mut chain = chain(panes, windows, before);
        let results = chain.run(messages(&rows)).unwrap();
        let (expected, counts) = model::answers(&rows, windows_used);
        prop_assert_eq!(fold(&results, before)?, expected);
        prop_assert_eq!(versions(&results), expected_versions(&rows, windows_used));
        prop_assert_eq!(chain.counts, counts);
    }

    #[test]
    fn a_changelog_goes_on_after_its_state_was_handed_over(
        rows in any_rows(),
        after in 1..5_usize,
        at in any::<prop::sample::Index>(),
    ) {
        let windows = Windows::hop(1, 1);
        let messages = messages(&rows);
        let (first, second) = messages.split_at(at.index(messages.len()));
        let mut start = [chain(Panes::Whole, windows, true)];
        let mut results = start[0].run(first.to_vec()).unwrap();
        let mut owners: Vec<_> = (0..after).map(|_| chain(Panes::Whole, windows, true)).collect();
        hand_over(&mut start, &mut owners).unwrap();
        for message in second {
            results.extend(super::drive::deal(&mut owners, message, 0).unwrap());
        }
        prop_assert_eq!(fold(&results, true)?, model::answers(&rows, None).0);
    }
}

pub(super) fn row(key: i64, value: i64) -> Row {
    let under = i64::MIN;
    Row { key: Some(key), time: 0, value: Some(value), flag: true, under, cut: false, mark: None }
}

pub(super) fn log(batches: &[Batch]) -> Vec<(&'static str, Option<i64>, i64)> {
    let rows = batches.iter().flat_map(|batch| {
        (0..batch.len()).zip(answers_of(&batch.rows)).map(|(row, a)| (batch.change(row), a))
    });
    rows.map(|(change, answer)| (change.symbol(), answer.0, answer.2)).collect()
}

#[test]
fn changes_follow_the_order_of_the_rows() {
    let mut chain = chain(Panes::Whole, Windows::hop(1, 1), true);
    let rows = [row(1, 5), row(2, 6), row(1, 7)];
    let first = chain.run(vec![Message::Batch(batch(&rows))]).unwrap();
    let expected = [("+I", Some(1), 1), ("+I", Some(2), 1), ("-U", Some(1), 1), ("+U", Some(1), 2)];
    assert_eq!(log(&first), expected);
    let second = chain.run(vec![Message::Batch(batch(&rows[..1]))]).unwrap();
    assert_eq!(log(&second), [("-U", Some(1), 2), ("+U", Some(1), 3)]);
    assert!(chain.run(vec![Message::End]).unwrap().is_empty());
}

#[test]
fn distinct_emits_each_key_once() {
    let aggregate = aggregate_of(vec![0], Panes::Whole, vec![]);
    let mut chain = Chain::of(ChangesAggregate::new(aggregate, true).unwrap());
    let rows = [row(1, 5), row(2, 6), row(1, 7)];
    let first = chain.run(vec![Message::Batch(batch(&rows))]).unwrap();
    assert_eq!(first.iter().map(Batch::len).collect::<Vec<_>>(), [2]);
    assert!((0..2).all(|row| first[0].change(row) == Change::Insert));
    assert!(chain.run(vec![Message::Batch(batch(&rows))]).unwrap().is_empty());
}

#[test]
fn no_rows_are_no_changes_even_without_keys() {
    let aggregate = aggregate_by(vec![], Panes::Whole);
    let mut chain = Chain::of(ChangesAggregate::new(aggregate, true).unwrap());
    assert!(chain.run(vec![Message::Batch(batch(&[])), Message::End]).unwrap().is_empty());
}

#[test]
fn groups_of_complete_windows_are_forgotten() {
    let windows = Windows::hop(1_000_000, 1_000_000);
    let mut chain = chain(ATTACHED, windows, true);
    chain.send(Message::Batch(batch(&[row(1, 5)]))).unwrap();
    let [_, changes] = &mut chain.operators[..] else { panic!("two operators") };
    assert_eq!(changes.freeze().unwrap().unwrap().num_rows(), 1);
    chain.send(Message::Watermark(1_000_000)).unwrap();
    assert_eq!(chain.operators[1].freeze().unwrap().unwrap().num_rows(), 0);
}

#[test]
fn what_the_planner_never_sends_is_refused() {
    let windows = Windows::hop(1_000_000, 1_000_000);
    let error = ChangesAggregate::new(aggregate(by_time(windows)), true).unwrap_err();
    assert!(matches!(error, EngineError::Internal(_)), "{error}");

    let mut changelog = batch(&[row(1, 5)]);
    changelog.changes = Some([Change::Delete].into());
    let error = chain(Panes::Whole, windows, true).run(vec![Message::Batch(changelog)]);
    assert!(matches!(error, Err(EngineError::Internal(_))));
}

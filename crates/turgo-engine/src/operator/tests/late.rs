//! Windows that leave before their watermark, and again when late rows change them.

use std::sync::Arc;

use proptest::prelude::*;

use super::changes::{fold, log};
use super::drive::{
    ATTACHED, Chain, Exchange, aggregate, aggregate_of, answers_of, batch, by_time, hand_over,
    input_schema, messages, rows_of, with_window,
};
use super::model::{self, Answer, Row, any_rows, any_windows};
use crate::error::EngineError;
use crate::graph::{Aggregate, Panes};
use crate::message::{Batch, Change, Message};
use crate::operator::aggregate_final::FinalAggregate;
use crate::operator::aggregate_partial::{Limits, PartialAggregate};
use crate::operator::assign_windows::AssignWindows;
use crate::operator::{Operator, Output, RowCounts};
use crate::time::WATERMARK_NONE;
use crate::window::Windows;

const SECOND: i64 = 1_000_000;

fn allowing(lateness: i64, aggregate: &Aggregate) -> Arc<Aggregate> {
    Arc::new(Aggregate { lateness, ..aggregate.clone() })
}

/// A producer of states.
fn producer(aggregate: &Arc<Aggregate>, windows: Windows, limits: Limits) -> Chain {
    let partial = PartialAggregate::with_limits(Arc::clone(aggregate), limits).unwrap();
    let Panes::Attached { .. } = aggregate.panes else { return Chain::of(partial) };
    let schema = with_window(&input_schema(), input_schema().field(1).data_type());
    Chain::of(AssignWindows::new(1, windows, true, schema).unwrap()).then(partial)
}

fn owners(aggregate: &Arc<Aggregate>, count: usize) -> Vec<Chain> {
    let owner = || Chain::of(FinalAggregate::of_states(Arc::clone(aggregate)).unwrap());
    (0..count).map(|_| owner()).collect()
}

/// One producer and its owner in one chain.
fn chain(panes: Panes, windows: Windows, lateness: i64) -> Chain {
    let aggregate = allowing(lateness, &aggregate(panes));
    let chain = producer(&aggregate, windows, Limits::default());
    chain.then(FinalAggregate::of_states(aggregate).unwrap())
}

fn any_lateness() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![1, SECOND, 4 * SECOND, 15 * SECOND, 3_600 * SECOND])
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let few = Limits { groups_max: 3, probe_rows: 5, bypass_rows: 10, ..Limits::default() };
    prop::sample::select(vec![Limits::default(), few])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn versions_come_to_the_answer_of_a_watermark_so_much_later(
        rows in any_rows(),
        windows in any_windows(),
        attached in any::<bool>(),
        lateness in any_lateness(),
        producers in 1..4_usize,
        instances in (1..4_usize, 1..4_usize),
        limits in any_limits(),
        at in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let panes = if attached { ATTACHED } else { by_time(windows) };
        let aggregate = allowing(lateness, &aggregate(panes));
        let producers = (0..producers).map(|_| producer(&aggregate, windows, limits)).collect();
        let mut exchange = Exchange::of_states(producers, owners(&aggregate, instances.0));
        let messages = messages(&rows);
        let barrier = at.map(|at| at.index(messages.len()));
        let mut results = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            if barrier == Some(number) {
                results.extend(exchange.send(&Message::Barrier(1)).unwrap());
                for owner in &mut exchange.owners {
                    results.extend(owner.run(vec![Message::Barrier(1)]).unwrap());
                }
                let mut others = owners(&aggregate, instances.1);
                hand_over(&mut exchange.owners, &mut others).unwrap();
                exchange.owners = others;
            }
            results.extend(exchange.send(message).unwrap());
        }
        let (expected, counts) = model::answers(&rows, Some(&windows));
        prop_assert_eq!(fold(&results, true)?, expected);
        let mut counted = RowCounts::default();
        exchange.producers.iter().for_each(|producer| counted.add(&producer.counts));
        prop_assert_eq!(counted, counts);
    }

    /// Behind a watermark, all windows that it emits have all their rows so far, and no others are there.
    #[test]
    fn each_watermark_emits_its_windows_as_they_are(
        rows in any_rows(),
        windows in any_windows(),
        attached in any::<bool>(),
        lateness in any_lateness(),
    ) {
        let panes = if attached { ATTACHED } else { by_time(windows) };
        let mut chain = chain(panes, windows, lateness);
        let (mut seen, mut results) = (0, Vec::new());
        for message in messages(&rows) {
            let mark = match &message {
                Message::Watermark(time) => Some(*time),
                Message::Batch(batch) => {
                    seen += batch.len();
                    None
                }
                Message::Barrier(_) | Message::End => None,
            };
            results.extend(chain.run(vec![message]).unwrap());
            let Some(mark) = mark else { continue };
            let emitted = |answer: &Answer| answer.1.unwrap()[1] * 1_000 <= mark + lateness;
            let expected = model::answers(&rows[..seen], Some(&windows)).0;
            let expected: Vec<_> = expected.into_iter().filter(emitted).collect();
            prop_assert_eq!(fold(&results, true)?, expected, "behind watermark {}", mark);
        }
    }
}

/// A row on time for everything that is open under `under` seconds.
fn row(key: i64, time: i64, under: i64) -> Row {
    let under = if under < 0 { WATERMARK_NONE } else { under * SECOND };
    let (key, value) = (Some(key), Some(1));
    Row { key, time: time * 1_000, value, flag: true, under, cut: false, mark: None }
}

fn give(chain: &mut Chain, rows: &[Row]) {
    assert!(chain.run(vec![Message::Batch(batch(rows))]).unwrap().is_empty(), "nothing is due");
}

fn watermark(chain: &mut Chain, seconds: i64) -> Vec<Batch> {
    chain.run(vec![Message::Watermark(seconds * SECOND)]).unwrap()
}

fn frozen_rows(chain: &mut Chain) -> usize {
    chain.operators.last_mut().unwrap().freeze().unwrap().unwrap().num_rows()
}

/// Windows of ten seconds, of which the watermarks here say so five seconds later.
#[test]
fn a_window_leaves_early_and_again_with_what_late_rows_change() {
    let windows = Windows::tumble(10 * SECOND);
    let mut chain = chain(by_time(windows), windows, 5 * SECOND);
    give(&mut chain, &[row(1, 3, -1), row(2, 4, -1), row(1, 12, 0)]);
    assert!(watermark(&mut chain, 4).is_empty(), "nine seconds have passed");
    assert_eq!(log(&watermark(&mut chain, 5)), [("+I", Some(1), 1), ("+I", Some(2), 1)]);
    assert!(watermark(&mut chain, 6).is_empty(), "nothing has changed");
    give(&mut chain, &[row(3, 8, 6), row(1, 9, 6), row(1, 7, 6)]);
    let changes = [("+I", Some(3), 1), ("-U", Some(1), 1), ("+U", Some(1), 3)];
    assert_eq!(log(&watermark(&mut chain, 7)), changes);
    give(&mut chain, &[row(2, 8, 7)]);
    let last = watermark(&mut chain, 10);
    let window = |batch: &Batch| answers_of(&batch.rows)[0].1.unwrap()[0];
    assert_eq!(last.iter().map(window).collect::<Vec<_>>(), [0]);
    assert_eq!(log(&last), [("-U", Some(2), 1), ("+U", Some(2), 2)]);
    assert_eq!(frozen_rows(&mut chain), 0, "the window is forgotten");
    let end = chain.run(vec![Message::End]).unwrap();
    assert_eq!(log(&end), [("+I", Some(1), 1)]);
}

#[test]
fn a_window_that_is_emitted_and_closed_at_once_is_not_kept() {
    let windows = Windows::hop(10 * SECOND, 5 * SECOND);
    let mut chain = chain(by_time(windows), windows, 5 * SECOND);
    give(&mut chain, &[row(1, 3, -1), row(1, 6, -1)]);
    assert_eq!(watermark(&mut chain, 100).iter().map(Batch::len).sum::<usize>(), 3);
    assert_eq!(frozen_rows(&mut chain), 0);
}

#[test]
fn a_group_that_late_rows_leave_as_it_was_does_not_leave_again() {
    let windows = Windows::tumble(10 * SECOND);
    let all = aggregate(by_time(windows));
    let maximum = aggregate_of(vec![0], by_time(windows), all.calls[3..].to_vec());
    for (aggregate, updates) in [
        (allowing(5 * SECOND, &maximum), vec![Change::UpdateBefore, Change::UpdateAfter]),
        // Keys alone: they are there or not.
        (allowing(5 * SECOND, &aggregate_of(vec![0], by_time(windows), vec![])), vec![]),
    ] {
        let mut chain = producer(&aggregate, windows, Limits::default())
            .then(FinalAggregate::of_states(aggregate).unwrap());
        let changes = |batches: Vec<Batch>| -> Vec<Change> {
            batches.iter().flat_map(|batch| (0..batch.len()).map(|row| batch.change(row))).collect()
        };
        give(&mut chain, &[row(1, 3, -1)]);
        assert_eq!(changes(watermark(&mut chain, 5)), [Change::Insert]);
        give(&mut chain, &[row(1, 4, 5)]);
        assert_eq!(changes(watermark(&mut chain, 6)), []);
        give(&mut chain, &[Row { value: Some(9), ..row(1, 4, 6) }]);
        assert_eq!(changes(watermark(&mut chain, 7)), updates);
        give(&mut chain, &[row(2, 4, 7)]);
        assert_eq!(changes(watermark(&mut chain, 8)), [Change::Insert]);
    }
}

/// Neither a stop nor the end of an input that closes no window keeps a change of what has left.
#[test]
fn changes_leave_when_the_run_is_stopped_and_when_it_ends() {
    let windows = Windows::tumble(10 * SECOND);
    let aggregate = allowing(5 * SECOND, &aggregate(by_time(windows)));
    let started = || {
        let owner = FinalAggregate::of_states(Arc::clone(&aggregate)).unwrap().unflushed();
        let mut chain = producer(&aggregate, windows, Limits::default()).then(owner);
        give(&mut chain, &[row(1, 3, -1)]);
        watermark(&mut chain, 5);
        give(&mut chain, &[row(1, 4, 5), row(2, 12, 5), row(3, 33, 5)]);
        chain
    };
    let expected = [("-U", Some(1), 1), ("+U", Some(1), 2)];
    let mut ended = started();
    assert_eq!(log(&ended.run(vec![Message::End]).unwrap()), expected);
    assert_eq!(ended.counts.unsaid, 2);

    let mut stopped = started();
    let [partial, owner] = &mut stopped.operators[..] else { panic!("two operators") };
    let mut sent = Output::default();
    partial.release(&mut sent).unwrap();
    let mut out = Output::default();
    for states in sent.messages.into_iter().filter_map(rows_of) {
        owner.batch(states, &mut out).unwrap();
    }
    owner.release(&mut out).unwrap();
    let shown: Vec<_> = out.messages.into_iter().filter_map(rows_of).collect();
    assert_eq!(log(&shown), expected);
}

#[test]
fn what_the_runtime_never_does_is_refused() {
    let windows = Windows::tumble(10 * SECOND);
    let allowed = allowing(5 * SECOND, &aggregate(by_time(windows)));
    let error = FinalAggregate::of_rows(Arc::clone(&allowed)).unwrap_err();
    assert!(matches!(error, EngineError::Internal(_)), "{error}");

    // States of a window that the watermark has closed.
    let mut partial = producer(&allowed, windows, Limits::default());
    give(&mut partial, &[row(1, 3, -1)]);
    let states = partial.send(Message::Watermark(5 * SECOND)).unwrap().remove(0);
    let mut owner = FinalAggregate::of_states(Arc::clone(&allowed)).unwrap();
    owner.watermark(10 * SECOND, &mut Output::default()).unwrap();
    while owner.resume(&mut Output::default()).unwrap() {}
    let late = owner.batch(rows_of(states.clone()).unwrap(), &mut Output::default());
    assert!(matches!(late, Err(EngineError::Internal(_))));

    // A barrier that does not let changes go first.
    let mut owner = FinalAggregate::of_states(allowed).unwrap();
    owner.watermark(5 * SECOND, &mut Output::default()).unwrap();
    while owner.resume(&mut Output::default()).unwrap() {}
    owner.batch(rows_of(states).unwrap(), &mut Output::default()).unwrap();
    let error = owner.freeze().unwrap_err();
    assert!(error.to_string().contains("held back"), "{error}");
}

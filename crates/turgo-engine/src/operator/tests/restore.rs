//! Freezing state in the middle and going on elsewhere.

use std::sync::Arc;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::drive::{
    ATTACHED, Chain, Exchange, aggregate, answers, by_session, by_time, hand_over, input_schema,
    messages, with_window,
};
use super::model::{self, any_gap, any_rows, any_windows};
use crate::error::EngineError;
use crate::graph::{Aggregate, Panes};
use crate::message::Message;
use crate::operator::Operator;
use crate::operator::aggregate_final::FinalAggregate;
use crate::operator::aggregate_partial::PartialAggregate;
use crate::operator::assign_windows::AssignWindows;
use crate::window::Windows;

fn owners(aggregate: &Arc<Aggregate>, count: usize) -> Vec<Chain> {
    let owner = || Chain::of(FinalAggregate::of_states(aggregate.clone()).unwrap());
    (0..count).map(|_| owner()).collect()
}

fn partials(aggregate: &Arc<Aggregate>, panes: Panes, windows: Windows) -> Vec<Chain> {
    let schema = with_window(&input_schema(), input_schema().field(1).data_type());
    let partial = || {
        let partial = PartialAggregate::new(aggregate.clone()).unwrap();
        match panes {
            Panes::Attached { .. } => {
                Chain::of(AssignWindows::new(1, windows, true, schema.clone()).unwrap())
                    .then(partial)
            }
            Panes::Whole | Panes::Time { .. } | Panes::Session { .. } => Chain::of(partial),
        }
    };
    vec![partial(), partial()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn state_handed_to_other_instances_gives_the_same_answers(
        rows in any_rows(),
        windows in any_windows(),
        gap in any_gap(),
        kind in 0..4_usize,
        before in 1..4_usize,
        after in 1..5_usize,
        at in any::<prop::sample::Index>(),
    ) {
        let panes = [Panes::Whole, by_time(windows), ATTACHED, by_session(gap)][kind];
        let aggregate = aggregate(panes);
        let messages = messages(&rows);
        let (first, second) = messages.split_at(at.index(messages.len()));
        let mut exchange =
            Exchange::of_states(partials(&aggregate, panes, windows), owners(&aggregate, before));
        let mut results = Vec::new();
        for message in first.iter().chain([&Message::Barrier(1)]) {
            results.extend(exchange.send(message).unwrap());
        }
        let mut restored = owners(&aggregate, after);
        hand_over(&mut exchange.owners, &mut restored).unwrap();
        exchange.owners = restored;
        for message in second {
            results.extend(exchange.send(message).unwrap());
        }
        let (expected, _) = match panes {
            Panes::Whole => model::answers(&rows, None),
            Panes::Session { .. } => model::sessions(&rows, gap),
            Panes::Time { .. } | Panes::Attached { .. } => model::answers(&rows, Some(&windows)),
        };
        prop_assert_eq!(answers(&results), expected);
    }

    #[test]
    fn freezing_does_not_disturb(
        rows in any_rows(),
        windows in any_windows(),
        gap in any_gap(),
    ) {
        for (panes, expected) in [
            (by_time(windows), model::answers(&rows, Some(&windows)).0),
            (by_session(gap), model::sessions(&rows, gap).0),
        ] {
            let mut chain = Chain::of(FinalAggregate::of_rows(aggregate(panes)).unwrap());
            let mut results = Vec::new();
            for message in messages(&rows) {
                let once = chain.operators[0].freeze().unwrap();
                let twice = chain.operators[0].freeze().unwrap();
                prop_assert_eq!(once, twice);
                results.extend(chain.run(vec![message]).unwrap());
            }
            prop_assert_eq!(answers(&results), expected);
        }
    }
}

#[test]
fn the_state_of_another_query_is_refused() {
    let windows = Windows::hop(1_000_000, 1_000_000);
    let mut operator = FinalAggregate::of_rows(aggregate(by_time(windows))).unwrap();
    let error = operator.restore(&RecordBatch::new_empty(input_schema())).unwrap_err();
    assert!(matches!(error, EngineError::Data { .. }), "{error}");
}

//! Histories made at random: what a sequential object did is accepted under any overlap, and a changed result is refused exactly where
//! a search without any cleverness finds no order either.

use proptest::prelude::*;

use crate::lincheck::spec::{Queue, QueueCall, QueueResult, Spec, Stack, StackCall, StackResult};
use crate::lincheck::{History, Operation, check};

/// Runs calls one after the other on the sequential type, each by a thread, and stretches each one's interval around its instant.
fn overlapping<S: Spec>(
    threads: usize,
    done: Vec<(S::Call, S::Result)>,
    choices: &[(usize, u64, u64)],
) -> History<S::Call, S::Result> {
    const STEP: u64 = 100;
    let mut history: Vec<Vec<Operation<S::Call, S::Result>>> =
        (0..threads).map(|_| vec![]).collect();
    for (index, ((call, result), &(thread, before, after))) in
        done.into_iter().zip(choices).enumerate()
    {
        let instant = (index as u64 + 10) * STEP;
        let own = &mut history[thread % threads];
        // An operation starts after its thread's last one returned, whose return is cut back to this one's instant.
        let earliest = match own.last_mut() {
            Some(last) => {
                last.returned = last.returned.min(instant - 2);
                last.returned + 1
            }
            None => 0,
        };
        let called = (instant - before % (4 * STEP)).max(earliest).min(instant - 1);
        own.push(Operation::new(call, result, called, instant + 1 + after % (4 * STEP)));
    }
    History::new(history)
}

/// Tries every order of all operations.
fn any_order<S: Spec>(
    spec: &S,
    history: &History<S::Call, S::Result>,
    positions: &mut [usize],
    state: &S::State,
) -> bool {
    let left = |positions: &[usize]| {
        let next = |(thread, at): (usize, &usize)| history.threads[thread].get(*at).map(|_| thread);
        positions.iter().enumerate().filter_map(next).collect::<Vec<usize>>()
    };
    let threads = left(positions);
    if threads.is_empty() {
        return true;
    }
    for &thread in &threads {
        let next = &history.threads[thread][positions[thread]];
        let is_first = threads.iter().all(|&other| {
            let rest = &history.threads[other][positions[other]..];
            rest.iter().all(|unplaced| unplaced.returned > next.called)
        });
        let mut after = Vec::new();
        if is_first {
            spec.steps(state, &next.call, next.result.as_ref(), &mut after);
        }
        for state in after {
            positions[thread] += 1;
            let found = any_order(spec, history, positions, &state);
            positions[thread] -= 1;
            if found {
                return true;
            }
        }
    }
    false
}

/// The result the sequential type gives, and the state after it.
fn run<S: Spec>(spec: &S, state: &mut S::State, call: &S::Call, all: Vec<S::Result>) -> S::Result {
    for result in all {
        let mut after = Vec::new();
        spec.steps(state, call, Some(&result), &mut after);
        if let Some(next) = after.pop() {
            *state = next;
            return result;
        }
    }
    panic!("no result fits {call:?}");
}

fn queue_history(calls: &[Option<u32>]) -> Vec<(QueueCall, QueueResult)> {
    let spec = Queue { bound: Some(3) };
    let mut state = spec.initial();
    let did = |(index, call): (usize, &Option<u32>)| {
        let call = call.map_or(QueueCall::Pop, |_| QueueCall::Push(index as u32));
        let mut all = vec![QueueResult::Pushed, QueueResult::Full, QueueResult::Popped(None)];
        all.extend(state.front().map(|front| QueueResult::Popped(Some(*front))));
        let result = run(&spec, &mut state, &call, all);
        (call, result)
    };
    calls.iter().enumerate().map(did).collect()
}

fn stack_history(calls: &[Option<u32>]) -> Vec<(StackCall, StackResult)> {
    let mut state = Stack.initial();
    let did = |(index, call): (usize, &Option<u32>)| {
        let call = call.map_or(StackCall::Pop, |_| StackCall::Push(index as u32));
        let mut all = vec![StackResult::Pushed, StackResult::Popped(None)];
        all.extend(state.last().map(|top| StackResult::Popped(Some(*top))));
        let result = run(&Stack, &mut state, &call, all);
        (call, result)
    };
    calls.iter().enumerate().map(did).collect()
}

fn agrees<S: Spec>(spec: &S, history: &History<S::Call, S::Result>) -> Result<bool, TestCaseError> {
    let mut positions = vec![0; history.threads.len()];
    let expected = any_order(spec, history, &mut positions, &spec.initial());
    prop_assert_eq!(check(spec, history).is_ok(), expected);
    Ok(expected)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_queue_did_is_accepted_and_a_changed_result_judged_right(
        calls in prop::collection::vec(prop::option::of(any::<u32>()), 1..11),
        choices in prop::collection::vec((0_usize..3, any::<u64>(), any::<u64>()), 11),
        changed in any::<prop::sample::Index>(),
        value in 0_u32..11,
    ) {
        let done = queue_history(&calls);
        let mut history = overlapping::<Queue>(3, done, &choices);
        let bounded = Queue { bound: Some(3) };
        prop_assert!(agrees(&bounded, &history)?);
        let mut all: Vec<_> = history.threads.iter_mut().flatten().collect();
        let one = changed.index(all.len());
        all[one].result = Some(match &all[one].result {
            Some(QueueResult::Pushed) => QueueResult::Full,
            Some(QueueResult::Popped(_)) => QueueResult::Popped((value < 10).then_some(value)),
            _ => QueueResult::Pushed,
        });
        agrees(&bounded, &history)?;
    }

    #[test]
    fn what_a_stack_did_is_accepted_and_a_changed_result_judged_right(
        calls in prop::collection::vec(prop::option::of(any::<u32>()), 1..11),
        choices in prop::collection::vec((0_usize..3, any::<u64>(), any::<u64>()), 11),
        changed in any::<prop::sample::Index>(),
        value in 0_u32..11,
    ) {
        let mut history = overlapping::<Stack>(3, stack_history(&calls), &choices);
        prop_assert!(agrees(&Stack, &history)?);
        let mut all: Vec<_> = history.threads.iter_mut().flatten().collect();
        let one = changed.index(all.len());
        if let Some(StackResult::Popped(_)) = &all[one].result {
            all[one].result = Some(StackResult::Popped((value < 10).then_some(value)));
        }
        agrees(&Stack, &history)?;
    }
}

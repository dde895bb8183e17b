//! The search for a sequential order, after Wing and Gong (1993) with the memory of Lowe (2017).
//!
//! Every thread's operations happen one after the other, so a set of operations that can have happened is one position per thread.
//! The search extends such a set by an operation that no other unplaced one returned before, and remembers each pair of set
//! and state it has left: the same pair has the same future.
//!
//! # Invariants
//!
//! - **L3** An operation may come next only if no unplaced operation returned before it was called. By L2 each thread's next one
//!   returns first in its thread, so comparing these is enough.
//! - **L4** A pair of positions and state is explored once: what follows depends on nothing else.
//! - **L5** An operation that has not returned may be placed or left out; all others must be placed.
//!
//! L6, which leaves out states that lead nowhere, is in [`takes`](super::takes).

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;

use super::history::{History, Operation};
use super::spec::Spec;
use super::takes::Takes;

/// Pairs of positions and state a search may look at before it gives up.
const PAIRS_MAX: usize = 4_000_000;

/// Why a history has no sequential order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The largest number of operations that could be placed.
    pub(crate) placed: usize,
    /// How far each thread got then.
    pub(crate) positions: Vec<usize>,
    /// What could not follow.
    pub(crate) stuck: String,
}

/// The operations of each thread.
type Threads<S> = Vec<Vec<Operation<<S as Spec>::Call, <S as Spec>::Result>>>;

/// A point of the search: what has been placed, the state after it, and the choices not yet tried.
struct Node<State> {
    positions: Vec<usize>,
    choices: Vec<(usize, State)>,
}

/// Whether a history agrees with a sequential type.
///
/// # Panics
///
/// Where the search looks at more than four million pairs: the history is too long for its number of threads.
pub(crate) fn check<S: Spec>(
    spec: &S,
    history: &History<S::Call, S::Result>,
) -> Result<(), Rejected> {
    assert_ordered(history);
    let start = vec![0; history.threads.len()];
    let mut seen: HashSet<(Vec<usize>, S::State)> = HashSet::new();
    let mut furthest = start.clone();
    if all_placed(history, &start) {
        return Ok(());
    }
    let takes = spec.takes(history);
    let choices = choices_after(spec, history, takes.as_ref(), &start, &spec.initial());
    let mut path = vec![Node { positions: start, choices }];
    while let Some(node) = path.last_mut() {
        let Some((thread, state)) = node.choices.pop() else {
            path.pop();
            continue;
        };
        let mut positions = node.positions.clone();
        positions[thread] += 1;
        if all_placed(history, &positions) {
            return Ok(());
        }
        if !seen.insert((positions.clone(), state.clone())) {
            continue;
        }
        assert!(seen.len() <= PAIRS_MAX, "a history of {} operations", history.operations());
        if positions.iter().sum::<usize>() > furthest.iter().sum() {
            furthest.clone_from(&positions);
        }
        let choices = choices_after(spec, history, takes.as_ref(), &positions, &state);
        path.push(Node { positions, choices });
    }
    let stuck = format!("{:?}", next_of_all(history, &furthest).collect::<Vec<_>>());
    Err(Rejected { placed: furthest.iter().sum(), positions: furthest, stuck })
}

/// As [`check`], for a type whose operations touch one key each: linearizable if the part of each key is (Herlihy and Wing's
/// locality). Far fewer pairs than one search over all keys.
pub(crate) fn check_partitions<S: Spec, K: Ord>(
    spec: &S,
    history: &History<S::Call, S::Result>,
    key: impl Fn(&S::Call) -> K,
) -> Result<(), Rejected>
where
    S::Call: Clone,
    S::Result: Clone,
{
    let threads = history.threads.len();
    let mut parts: BTreeMap<K, Threads<S>> = BTreeMap::new();
    for (thread, operations) in history.threads.iter().enumerate() {
        for operation in operations {
            let part = parts.entry(key(&operation.call)).or_insert_with(|| vec![vec![]; threads]);
            part[thread].push(operation.clone());
        }
    }
    parts.into_values().try_for_each(|part| check(spec, &History::new(part)))
}

/// Which threads' next operations may come next (L3), with the state each leads to unless that is a dead end (L6).
fn choices_after<S: Spec>(
    spec: &S,
    history: &History<S::Call, S::Result>,
    takes: Option<&Takes>,
    positions: &[usize],
    state: &S::State,
) -> Vec<(usize, S::State)> {
    let first_return =
        next_of_all(history, positions).map(|(_, next)| next.returned).min().unwrap_or(u64::MAX);
    let mut found = Vec::new();
    let mut after = Vec::new();
    // The last is tried first: the one that returned first is the likeliest to have happened first.
    let mut threads: Vec<_> = next_of_all(history, positions).collect();
    threads.sort_by_key(|(_, next)| std::cmp::Reverse(next.returned));
    for (thread, next) in threads {
        if next.called < first_return {
            spec.steps(state, &next.call, next.result.as_ref(), &mut after);
            let settled = |state| match takes {
                Some(takes) => spec.settle(state, takes),
                None => Some(state),
            };
            found.extend(after.drain(..).filter_map(settled).map(|state| (thread, state)));
        }
    }
    found
}

fn next_of_all<'a, C, R>(
    history: &'a History<C, R>,
    positions: &'a [usize],
) -> impl Iterator<Item = (usize, &'a Operation<C, R>)> {
    let next = |(thread, (operations, position)): (usize, (&'a Vec<_>, &'a usize))| {
        operations.get(*position).map(|operation| (thread, operation))
    };
    history.threads.iter().zip(positions).enumerate().filter_map(next)
}

/// L5: whether nothing but operations that have not returned is left.
fn all_placed<C, R>(history: &History<C, R>, positions: &[usize]) -> bool {
    next_of_all(history, positions).all(|(_, next)| next.result.is_none())
}

/// L2, and that nothing follows an operation that has not returned.
fn assert_ordered<C, R>(history: &History<C, R>) {
    for operations in &history.threads {
        for operation in operations {
            assert!(operation.called < operation.returned, "L1: an interval runs backwards");
        }
        for pair in operations.windows(2) {
            assert!(pair[0].result.is_some(), "L2: a thread went on without returning");
            assert!(pair[0].called <= pair[1].called, "L2: calls out of order");
            assert!(pair[0].returned <= pair[1].returned, "L2: returns out of order");
        }
    }
}

/// Bounds a type's state must meet.
pub(crate) trait State: Clone + Eq + Hash {}
impl<T: Clone + Eq + Hash> State for T {}

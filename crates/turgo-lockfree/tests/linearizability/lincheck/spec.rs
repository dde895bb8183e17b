//! The sequential types: what each operation may answer in each state, and what state it leaves.

use std::collections::VecDeque;
use std::fmt::Debug;

use super::check::State;
use super::history::{History, Operation};
use super::takes::{Take, Takes};

/// A sequential type.
pub(crate) trait Spec {
    type State: State;
    type Call: Debug;
    type Result: Debug + PartialEq;

    fn initial(&self) -> Self::State;

    /// Adds to `after` each state that `call` may leave behind where it answers `result`, or where it answers anything.
    fn steps(
        &self,
        state: &Self::State,
        call: &Self::Call,
        result: Option<&Self::Result>,
        after: &mut Vec<Self::State>,
    );

    /// When each value of a history was taken out, for a type from which values leave in the order of its state; only where all that take out values
    /// have returned.
    fn takes(&self, _history: &History<Self::Call, Self::Result>) -> Option<Takes> {
        None
    }

    /// The state that stands for all which the rest of the history cannot tell from this one, or nothing where it cannot follow (L6).
    fn settle(&self, state: Self::State, _takes: &Takes) -> Option<Self::State> {
        Some(state)
    }
}

/// All takes of a history; nothing where one that takes out values has not returned.
fn all_takes<C, R>(
    history: &History<C, R>,
    taken: impl Fn(&C, Option<&R>) -> Option<Vec<u32>>,
) -> Option<Vec<Take>> {
    let mut takes = Vec::new();
    for Operation { call, result, called, returned } in history.threads.iter().flatten() {
        let values = taken(call, result.as_ref())?;
        takes.extend(values.into_iter().map(|value| (value, *called, *returned)));
    }
    Some(takes)
}

/// Adds the one state and answer a deterministic operation has.
fn answer<S, R: PartialEq>(right: R, next: S, seen: Option<&R>, after: &mut Vec<S>) {
    if seen.is_none_or(|seen| *seen == right) {
        after.push(next);
    }
}

/// First in, first out. Without a bound `Push` never answers `Full`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue {
    pub(crate) bound: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueueCall {
    Push(u32),
    /// Takes the oldest out where there is no room.
    ForcePush(u32),
    Pop,
    Len,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueueResult {
    Pushed,
    Full,
    Displaced(Option<u32>),
    Popped(Option<u32>),
    Len(usize),
}

impl Spec for Queue {
    type State = VecDeque<u32>;
    type Call = QueueCall;
    type Result = QueueResult;

    fn initial(&self) -> VecDeque<u32> {
        VecDeque::new()
    }

    fn steps(
        &self,
        state: &VecDeque<u32>,
        call: &QueueCall,
        result: Option<&QueueResult>,
        after: &mut Vec<VecDeque<u32>>,
    ) {
        let mut next = state.clone();
        let full = self.bound.is_some_and(|bound| state.len() >= bound);
        let right = match *call {
            QueueCall::Push(_) if full => QueueResult::Full,
            QueueCall::Push(value) => {
                next.push_back(value);
                QueueResult::Pushed
            }
            QueueCall::ForcePush(value) => {
                let displaced = if full { next.pop_front() } else { None };
                next.push_back(value);
                QueueResult::Displaced(displaced)
            }
            QueueCall::Pop => QueueResult::Popped(next.pop_front()),
            QueueCall::Len => QueueResult::Len(next.len()),
        };
        answer(right, next, result, after);
    }

    fn takes(&self, history: &History<QueueCall, QueueResult>) -> Option<Takes> {
        let put = history.threads.iter().flatten().filter_map(|operation| match operation.call {
            QueueCall::Push(value) | QueueCall::ForcePush(value) => Some(value),
            QueueCall::Pop | QueueCall::Len => None,
        });
        let taken = |call: &QueueCall, result: Option<&QueueResult>| match (call, result) {
            (QueueCall::Pop | QueueCall::ForcePush(_), None) => None,
            (_, Some(QueueResult::Popped(value) | QueueResult::Displaced(value))) => {
                Some(value.iter().copied().collect())
            }
            _ => Some(Vec::new()),
        };
        Takes::new(put, all_takes(history, taken)?)
    }

    fn settle(&self, mut state: VecDeque<u32>, takes: &Takes) -> Option<VecDeque<u32>> {
        takes.settle(state.make_contiguous()).then_some(state)
    }
}

/// Last in, first out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StackCall {
    Push(u32),
    /// All at once; the last of them is on top.
    PushAll(Vec<u32>),
    Pop,
    TakeAll,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StackResult {
    Pushed,
    Popped(Option<u32>),
    /// From the top down.
    Taken(Vec<u32>),
}

impl Spec for Stack {
    type State = Vec<u32>;
    type Call = StackCall;
    type Result = StackResult;

    fn initial(&self) -> Vec<u32> {
        Vec::new()
    }

    fn steps(
        &self,
        state: &Vec<u32>,
        call: &StackCall,
        result: Option<&StackResult>,
        after: &mut Vec<Vec<u32>>,
    ) {
        let mut next = state.clone();
        let right = match call {
            StackCall::Push(value) => {
                next.push(*value);
                StackResult::Pushed
            }
            StackCall::PushAll(values) => {
                next.extend_from_slice(values);
                StackResult::Pushed
            }
            StackCall::Pop => StackResult::Popped(next.pop()),
            StackCall::TakeAll => StackResult::Taken(next.drain(..).rev().collect()),
        };
        answer(right, next, result, after);
    }

    fn takes(&self, history: &History<StackCall, StackResult>) -> Option<Takes> {
        let operations = history.threads.iter().flatten();
        let put = operations.flat_map(|operation| match &operation.call {
            StackCall::Push(value) => vec![*value],
            StackCall::PushAll(values) => values.clone(),
            StackCall::Pop | StackCall::TakeAll => Vec::new(),
        });
        let taken = |call: &StackCall, result: Option<&StackResult>| match (call, result) {
            (StackCall::Pop | StackCall::TakeAll, None) => None,
            (_, Some(StackResult::Popped(value))) => Some(value.iter().copied().collect()),
            (_, Some(StackResult::Taken(values))) => Some(values.clone()),
            _ => Some(Vec::new()),
        };
        Takes::new(put, all_takes(history, taken)?)
    }

    /// The top leaves first.
    fn settle(&self, mut state: Vec<u32>, takes: &Takes) -> Option<Vec<u32>> {
        state.reverse();
        let is_alive = takes.settle(&mut state);
        state.reverse();
        is_alive.then_some(state)
    }
}

/// A work-stealing deque: its owner pushes at the bottom and pops there, or at the top where it is first in, first out; others
/// steal at the top. A steal may ask to be tried again, which changes nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deque {
    pub(crate) lifo: bool,
    pub(crate) bound: Option<usize>,
    /// The most items one batch may take.
    pub(crate) batch_max: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DequeCall {
    Push(u32),
    Pop,
    Steal,
    StealBatch,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DequeResult {
    Pushed,
    Full,
    Popped(Option<u32>),
    Stolen(u32),
    /// Oldest first; at least one.
    Batch(Vec<u32>),
    Empty,
    Retry,
}

impl Spec for Deque {
    type State = VecDeque<u32>;
    type Call = DequeCall;
    type Result = DequeResult;

    fn initial(&self) -> VecDeque<u32> {
        VecDeque::new()
    }

    fn steps(
        &self,
        state: &VecDeque<u32>,
        call: &DequeCall,
        result: Option<&DequeResult>,
        after: &mut Vec<VecDeque<u32>>,
    ) {
        let mut next = state.clone();
        if matches!((call, result), (DequeCall::StealBatch, Some(DequeResult::Batch(_)) | None)) {
            self.batches(state, result, after);
            return;
        }
        let right = match (call, result) {
            (DequeCall::Steal | DequeCall::StealBatch, Some(DequeResult::Retry)) => {
                DequeResult::Retry
            }
            (DequeCall::Push(_), _) if self.bound.is_some_and(|bound| state.len() >= bound) => {
                DequeResult::Full
            }
            (DequeCall::Push(value), _) => {
                next.push_back(*value);
                DequeResult::Pushed
            }
            (DequeCall::Pop, _) if self.lifo => DequeResult::Popped(next.pop_back()),
            (DequeCall::Pop, _) => DequeResult::Popped(next.pop_front()),
            (DequeCall::Steal, _) => {
                next.pop_front().map_or(DequeResult::Empty, DequeResult::Stolen)
            }
            (DequeCall::StealBatch, _) if state.is_empty() => DequeResult::Empty,
            (DequeCall::StealBatch, _) => return,
        };
        answer(right, next, result, after);
    }
}

impl Deque {
    /// A batch of any length up to the longest; where it has not returned also none.
    fn batches(
        &self,
        state: &VecDeque<u32>,
        result: Option<&DequeResult>,
        after: &mut Vec<VecDeque<u32>>,
    ) {
        let longest = state.len().min(self.batch_max);
        let lengths = match result {
            Some(DequeResult::Batch(items)) => {
                let is_front = state.iter().zip(items).all(|(held, stolen)| held == stolen);
                if items.is_empty() || items.len() > longest || !is_front {
                    return;
                }
                items.len()..=items.len()
            }
            _ => 0..=longest,
        };
        after.extend(lengths.map(|length| state.iter().skip(length).copied().collect()));
    }
}

/// One entry of a map: histories of a map are parted by key before they are checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapEntry;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MapCall {
    Get(u32),
    Insert(u32, u32),
    Remove(u32),
    /// Inserts where the key has no value.
    InsertNew(u32, u32),
}

impl MapCall {
    pub(crate) fn key(&self) -> u32 {
        match *self {
            Self::Get(key) | Self::Insert(key, _) | Self::Remove(key) | Self::InsertNew(key, _) => {
                key
            }
        }
    }
}

/// The value there was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MapResult(pub Option<u32>);

impl Spec for MapEntry {
    type State = Option<u32>;
    type Call = MapCall;
    type Result = MapResult;

    fn initial(&self) -> Option<u32> {
        None
    }

    fn steps(
        &self,
        state: &Option<u32>,
        call: &MapCall,
        result: Option<&MapResult>,
        after: &mut Vec<Option<u32>>,
    ) {
        let next = match *call {
            MapCall::Get(_) => *state,
            MapCall::Insert(_, value) => Some(value),
            MapCall::Remove(_) => None,
            MapCall::InsertNew(_, value) => state.or(Some(value)),
        };
        answer(MapResult(*state), next, result, after);
    }
}

/// A register: one value, replaced as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Register;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegisterCall {
    Load,
    Store(u32),
    Swap(u32),
    CompareExchange(u32, u32),
    /// Replaces the value by itself and this.
    Add(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegisterResult {
    Stored,
    /// The value there was.
    Value(u32),
    Exchanged(bool),
}

impl Spec for Register {
    type State = u32;
    type Call = RegisterCall;
    type Result = RegisterResult;

    fn initial(&self) -> u32 {
        0
    }

    fn steps(
        &self,
        state: &u32,
        call: &RegisterCall,
        result: Option<&RegisterResult>,
        after: &mut Vec<u32>,
    ) {
        let (right, next) = match *call {
            RegisterCall::Load => (RegisterResult::Value(*state), *state),
            RegisterCall::Store(value) => (RegisterResult::Stored, value),
            RegisterCall::Swap(value) => (RegisterResult::Value(*state), value),
            RegisterCall::CompareExchange(old, new) => {
                let equal = *state == old;
                (RegisterResult::Exchanged(equal), if equal { new } else { *state })
            }
            RegisterCall::Add(value) => (RegisterResult::Value(*state), state.wrapping_add(value)),
        };
        answer(right, next, result, after);
    }
}

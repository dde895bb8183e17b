//! The checker itself, by bytes: what a sequential object did is accepted under any overlap, and one wrong answer is refused where
//! nothing overlaps.

use std::fmt::Debug;

use crate::lincheck::spec::{
    MapCall, MapEntry, MapResult, Queue, QueueCall, QueueResult, Register, RegisterCall,
    RegisterResult, Stack, StackCall, StackResult,
};
use crate::lincheck::{History, Operation, Spec, check};

const CALLS_MAX: usize = 14;
const THREADS: usize = 3;

/// Any bytes are a sequential history that is judged right, with and without a planted error.
///
/// # Panics
///
/// Where the checker is wrong.
pub(crate) fn judge(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let kind = bytes.next().unwrap_or(0);
    let bytes: Vec<u8> = bytes.collect();
    match kind % 4 {
        0 => {
            hold(&Queue { bound: None }, &bytes, queue_call, queue_result, |result| match result {
                QueueResult::Pushed => QueueResult::Full,
                QueueResult::Popped(None) => QueueResult::Popped(Some(0)),
                QueueResult::Len(length) => QueueResult::Len(length + 1),
                _ => QueueResult::Popped(None),
            })
        }
        1 => hold(&Stack, &bytes, stack_call, stack_result, |result| match result {
            StackResult::Pushed => StackResult::Popped(None),
            StackResult::Popped(None) => StackResult::Popped(Some(0)),
            StackResult::Popped(Some(value)) => StackResult::Popped(Some(value + 1)),
            StackResult::Taken(mut values) => {
                values.push(0);
                StackResult::Taken(values)
            }
        }),
        2 => hold(
            &MapEntry,
            &bytes,
            map_call,
            |state, _| MapResult(*state),
            |result| MapResult(if result.0.is_none() { Some(0) } else { None }),
        ),
        _ => hold(&Register, &bytes, register_call, register_result, |result| match result {
            RegisterResult::Value(value) => RegisterResult::Value(value.wrapping_add(1)),
            RegisterResult::Exchanged(done) => RegisterResult::Exchanged(!done),
            RegisterResult::Stored => RegisterResult::Exchanged(true),
        }),
    }
}

/// A byte is a call, the next one says by which thread and how far it reaches over others.
fn hold<S: Spec>(
    spec: &S,
    bytes: &[u8],
    call: fn(u8, u32) -> S::Call,
    result: fn(&S::State, &S::Call) -> S::Result,
    wrong: fn(S::Result) -> S::Result,
) where
    S::Call: Clone,
    S::Result: Clone + Debug,
{
    let mut state = spec.initial();
    let mut done = Vec::new();
    for (number, pair) in bytes.chunks_exact(2).take(CALLS_MAX).enumerate() {
        let call = call(pair[0], 1 + number as u32);
        let result = result(&state, &call);
        let mut after = Vec::new();
        spec.steps(&state, &call, Some(&result), &mut after);
        state = after.pop().expect("the sequential object's own answer");
        done.push((call, result, pair[1]));
    }
    assert_eq!(check(spec, &history::<S>(&done, true)), Ok(()), "under any overlap");
    assert_eq!(check(spec, &history::<S>(&done, false)), Ok(()), "one after the other");
    if let Some(last) = done.len().checked_sub(1) {
        let planted = usize::from(bytes[bytes.len() - 1]) % (last + 1);
        done[planted].1 = wrong(done[planted].1.clone());
        let judged = check(spec, &history::<S>(&done, false));
        assert!(judged.is_err(), "call {planted} cannot have answered {:?}", done[planted].1);
    }
}

/// The calls in their order, as intervals that reach over others or do not.
fn history<S: Spec>(done: &[(S::Call, S::Result, u8)], overlap: bool) -> History<S::Call, S::Result>
where
    S::Call: Clone,
    S::Result: Clone,
{
    const STEP: u64 = 100;
    let mut threads: Vec<Vec<Operation<S::Call, S::Result>>> = vec![Vec::new(); THREADS];
    for (number, (call, result, how)) in done.iter().enumerate() {
        let instant = (number as u64 + 10) * STEP;
        let (before, after) = if overlap { (how >> 2 & 7, how >> 5) } else { (0, 0) };
        let own = &mut threads[usize::from(*how) % THREADS];
        // A thread calls only after its last call has returned.
        let earliest = own.last_mut().map_or(0, |last| {
            last.returned = last.returned.min(instant - 2);
            last.returned + 1
        });
        let called = (instant - 1 - u64::from(before) * STEP).max(earliest);
        let returned = instant + 1 + u64::from(after) * STEP;
        own.push(Operation::new(call.clone(), result.clone(), called, returned));
    }
    History::new(threads)
}

fn queue_call(byte: u8, value: u32) -> QueueCall {
    match byte % 5 {
        0 | 1 => QueueCall::Push(value),
        2 | 3 => QueueCall::Pop,
        _ => QueueCall::Len,
    }
}

fn queue_result(state: &std::collections::VecDeque<u32>, call: &QueueCall) -> QueueResult {
    match call {
        QueueCall::Pop => QueueResult::Popped(state.front().copied()),
        QueueCall::Len => QueueResult::Len(state.len()),
        _ => QueueResult::Pushed,
    }
}

fn stack_call(byte: u8, value: u32) -> StackCall {
    match byte % 6 {
        0 | 1 => StackCall::Push(value),
        2 => StackCall::PushAll(vec![value, value + 100]),
        3 => StackCall::TakeAll,
        _ => StackCall::Pop,
    }
}

#[expect(clippy::ptr_arg, reason = "as the state of a stack is")]
fn stack_result(state: &Vec<u32>, call: &StackCall) -> StackResult {
    match call {
        StackCall::Pop => StackResult::Popped(state.last().copied()),
        StackCall::TakeAll => StackResult::Taken(state.iter().rev().copied().collect()),
        _ => StackResult::Pushed,
    }
}

fn map_call(byte: u8, value: u32) -> MapCall {
    match byte % 4 {
        0 => MapCall::Get(0),
        1 => MapCall::Insert(0, value),
        2 => MapCall::InsertNew(0, value),
        _ => MapCall::Remove(0),
    }
}

fn register_call(byte: u8, value: u32) -> RegisterCall {
    match byte % 5 {
        0 => RegisterCall::Load,
        1 => RegisterCall::Store(value),
        2 => RegisterCall::Swap(value),
        3 => RegisterCall::Add(value),
        _ => RegisterCall::CompareExchange(u32::from(byte >> 4), value),
    }
}

fn register_result(state: &u32, call: &RegisterCall) -> RegisterResult {
    match call {
        RegisterCall::Store(_) => RegisterResult::Stored,
        RegisterCall::CompareExchange(old, _) => RegisterResult::Exchanged(state == old),
        _ => RegisterResult::Value(*state),
    }
}

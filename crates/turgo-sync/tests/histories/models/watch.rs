//! A watched value: nobody sees an older one after a newer one, none is seen twice as new, and the last is seen by all.

use super::among;
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    pub(crate) senders: u32,
    pub(crate) receivers: u32,
}

/// Receivers have numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchCall {
    Replace(u32),
    Look,
    /// Looks, and counts what is seen as seen.
    Update(u32),
    /// Waits for what was not seen.
    Changed(u32),
    HasChanged(u32),
    /// A sender is gone.
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchResult {
    Done,
    Value(u32),
    /// And whether it is new.
    Seen(u32, bool),
    Is(bool),
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WatchState {
    senders: u32,
    value: u32,
    /// How often it was replaced.
    version: u32,
    /// Which version each receiver has seen.
    seen: Vec<u32>,
}

use WatchCall::{Changed, HasChanged, Leave, Look, Replace, Update};
use WatchResult::{Done, Is, Over, Seen, Value};

impl Spec for Watch {
    type State = WatchState;
    type Call = WatchCall;
    type Result = WatchResult;

    fn initial(&self) -> WatchState {
        let seen = vec![0; self.receivers as usize];
        WatchState { senders: self.senders, value: 0, version: 0, seen }
    }

    fn steps(
        &self,
        state: &WatchState,
        call: &WatchCall,
        result: Option<&WatchResult>,
        after: &mut Vec<WatchState>,
    ) {
        let mut next = state.clone();
        let is_new = |receiver: u32| state.seen[receiver as usize] != state.version;
        let right = match *call {
            Replace(value) => {
                next.value = value;
                next.version += 1;
                Value(state.value)
            }
            Look => Value(state.value),
            Update(receiver) => {
                next.seen[receiver as usize] = state.version;
                Seen(state.value, is_new(receiver))
            }
            Changed(receiver) if is_new(receiver) => {
                next.seen[receiver as usize] = state.version;
                Done
            }
            Changed(_) if state.senders == 0 => Over,
            Changed(_) => return,
            HasChanged(_) if state.senders == 0 => Over,
            HasChanged(receiver) => Is(is_new(receiver)),
            Leave => {
                next.senders -= 1;
                Done
            }
        };
        among([(right, next)], result, after);
    }
}

//! One value: received once if it was sent before the receiver closed, and refused otherwise.

use super::among;
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Oneshot;

/// What happens to which channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OneshotCall(pub(crate) u32, pub(crate) Act);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Send(u32),
    /// The sender is gone and has sent nothing.
    Leave,
    /// Waits until the receiver is closed or gone.
    Closed,
    IsClosed,
    Receive,
    TryReceive,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OneshotResult {
    Done,
    Refused,
    Is(bool),
    Received(u32),
    Empty,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct OneshotState {
    value: Option<u32>,
    left: bool,
    closed: bool,
}

use OneshotResult::{Done, Empty, Is, Over, Received, Refused};

impl Spec for Oneshot {
    type State = OneshotState;
    type Call = OneshotCall;
    type Result = OneshotResult;

    fn initial(&self) -> OneshotState {
        OneshotState::default()
    }

    fn steps(
        &self,
        state: &OneshotState,
        call: &OneshotCall,
        result: Option<&OneshotResult>,
        after: &mut Vec<OneshotState>,
    ) {
        let mut next = state.clone();
        let right = match call.1 {
            Act::Send(_) if state.closed => Refused,
            Act::Send(value) => {
                next.value = Some(value);
                Done
            }
            Act::Leave => {
                next.left = true;
                Done
            }
            Act::Closed if !state.closed => return,
            Act::Closed => Done,
            Act::IsClosed => Is(state.closed),
            Act::Receive | Act::TryReceive => match next.value.take() {
                Some(value) => {
                    next.closed = true;
                    Received(value)
                }
                None if state.left || state.closed => {
                    next.closed = true;
                    Over
                }
                None if call.1 == Act::TryReceive => Empty,
                None => return,
            },
            Act::Close => {
                next.closed = true;
                Done
            }
        };
        among([(right, next)], result, after);
    }
}

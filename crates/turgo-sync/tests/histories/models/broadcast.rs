//! A broadcast: each receiver sees all that is sent while it is one, in order, but for the oldest where it lags; how many these are it is told.

use super::among;
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Broadcast {
    /// How many values are kept.
    pub(crate) kept: usize,
    pub(crate) senders: u32,
    /// These are receivers from the beginning.
    pub(crate) receivers: u32,
}

/// Receivers have numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BroadcastCall {
    Send(u32),
    Receive(u32),
    TryReceive(u32),
    /// A new receiver.
    Join(u32),
    Leave(u32),
    /// A sender is gone.
    LeaveSender,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BroadcastResult {
    Done,
    Sent(usize),
    Nobody,
    Received(u32),
    Lagged(u64),
    Empty,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BroadcastState {
    senders: u32,
    sent: Vec<u32>,
    /// Receivers, and which value each gets next.
    receivers: Vec<(u32, usize)>,
}

use BroadcastCall::{Join, Leave, LeaveSender, Receive, Send, TryReceive};
use BroadcastResult::{Done, Empty, Lagged, Nobody, Over, Received, Sent};

impl Broadcast {
    /// What a receiver gets; nothing where it has to wait.
    fn received(&self, state: &mut BroadcastState, receiver: u32) -> Option<BroadcastResult> {
        let sent = state.sent.len();
        let next = state.receivers.iter_mut().find(|(one, _)| *one == receiver);
        let (_, next) = next.expect("a receiver");
        let missed = sent.saturating_sub(self.kept).saturating_sub(*next);
        if missed > 0 {
            *next += missed;
            return Some(Lagged(missed as u64));
        }
        if *next < sent {
            *next += 1;
            return Some(Received(state.sent[*next - 1]));
        }
        (state.senders == 0).then_some(Over)
    }
}

impl Spec for Broadcast {
    type State = BroadcastState;
    type Call = BroadcastCall;
    type Result = BroadcastResult;

    fn initial(&self) -> BroadcastState {
        let receivers = (0..self.receivers).map(|receiver| (receiver, 0)).collect();
        BroadcastState { senders: self.senders, sent: vec![], receivers }
    }

    fn steps(
        &self,
        state: &BroadcastState,
        call: &BroadcastCall,
        result: Option<&BroadcastResult>,
        after: &mut Vec<BroadcastState>,
    ) {
        let mut next = state.clone();
        let right = match *call {
            Send(_) if state.receivers.is_empty() => Nobody,
            Send(value) => {
                next.sent.push(value);
                Sent(state.receivers.len())
            }
            Receive(receiver) => match self.received(&mut next, receiver) {
                Some(answer) => answer,
                None => return,
            },
            TryReceive(receiver) => self.received(&mut next, receiver).unwrap_or(Empty),
            Join(receiver) => {
                next.receivers.push((receiver, state.sent.len()));
                next.receivers.sort_unstable();
                Done
            }
            Leave(receiver) => {
                next.receivers.retain(|(one, _)| *one != receiver);
                Done
            }
            LeaveSender => {
                next.senders -= 1;
                Done
            }
        };
        among([(right, next)], result, after);
    }
}

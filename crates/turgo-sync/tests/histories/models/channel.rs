//! A channel with room for so many values: what was accepted is received once and in its order, and the end comes behind all of it.

use std::collections::VecDeque;

use super::among;
use super::permits::{Permits, PermitsCall, PermitsResult, PermitsState};
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) room: u32,
    pub(crate) senders: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelCall {
    /// Room for one value is waited for, or goes back unused.
    Room(PermitsCall),
    /// A value goes where there was room reserved.
    Put(u32),
    /// The end of waiting for room, and putting a value there, in one.
    FinishSend(u32, u32),
    TrySend(u32),
    Receive,
    TryReceive,
    Close,
    /// A sender is gone.
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelResult {
    Room(PermitsResult),
    Done,
    Sent,
    Full,
    Closed,
    Received(u32),
    Empty,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChannelState {
    room: PermitsState,
    senders: u32,
    values: VecDeque<u32>,
}

use ChannelCall::{Close, FinishSend, Leave, Put, Receive, Room, TryReceive, TrySend};
use ChannelResult::{Closed, Done, Empty, Full, Over, Received, Sent};

type Possible = Vec<(ChannelResult, ChannelState)>;

impl Channel {
    /// What waiting for room may lead to; with a value, that is put there as soon as there is room.
    fn room(&self, state: &ChannelState, call: PermitsCall, value: Option<u32>) -> Possible {
        let in_order = Permits { permits: self.room, overtakes_max: None };
        let outcome = |(answer, room): (PermitsResult, PermitsState)| {
            let mut next = ChannelState { room, ..state.clone() };
            let answer = match (answer, value) {
                (PermitsResult::Taken, Some(value)) => {
                    next.values.push_back(value);
                    Sent
                }
                (PermitsResult::Closed, Some(_)) => Closed,
                (PermitsResult::Short, Some(_)) => Full,
                (answer, _) => ChannelResult::Room(answer),
            };
            (answer, next)
        };
        in_order.possible(&state.room, call).into_iter().map(outcome).collect()
    }

    fn received(&self, state: &ChannelState) -> Option<(ChannelResult, ChannelState)> {
        let mut next = state.clone();
        let value = next.values.pop_front()?;
        let (_, next) = self.room(&next, PermitsCall::Give(1), None).pop()?;
        Some((Received(value), next))
    }

    /// Whether no value can come any more.
    fn is_over(&self, state: &ChannelState) -> bool {
        let unused = state.room.is_nobody_served() && state.room.free() == self.room;
        state.values.is_empty() && unused && (state.room.is_closed() || state.senders == 0)
    }
}

impl Spec for Channel {
    type State = ChannelState;
    type Call = ChannelCall;
    type Result = ChannelResult;

    fn initial(&self) -> ChannelState {
        let room = PermitsState::new(self.room);
        ChannelState { room, senders: self.senders, values: VecDeque::new() }
    }

    fn steps(
        &self,
        state: &ChannelState,
        call: &ChannelCall,
        result: Option<&ChannelResult>,
        after: &mut Vec<ChannelState>,
    ) {
        let mut next = state.clone();
        let possible = match *call {
            Room(call) => self.room(state, call, None),
            Put(value) => {
                next.values.push_back(value);
                vec![(Done, next)]
            }
            FinishSend(asker, value) => self.room(state, PermitsCall::Finish(asker), Some(value)),
            TrySend(value) => self.room(state, PermitsCall::Try(1), Some(value)),
            Receive | TryReceive => {
                let mut all: Possible = self.received(state).into_iter().collect();
                all.extend(self.is_over(state).then(|| (Over, state.clone())));
                // Room of a closed channel may be on its way back, and so the end is not seen yet.
                let may_wait = !self.is_over(state) || state.senders > 0;
                let is_empty = *call == TryReceive && state.values.is_empty() && may_wait;
                all.extend(is_empty.then_some((Empty, next)));
                all
            }
            Close => {
                let closed = self.room(state, PermitsCall::Close, None).into_iter();
                closed.map(|(_, next)| (Done, next)).collect()
            }
            Leave => {
                next.senders -= 1;
                vec![(Done, next)]
            }
        };
        among(possible, result, after);
    }
}

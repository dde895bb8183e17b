//! A barrier: nobody goes on before so many have come, one of each round leads, and who has given up has not come.

use super::{among, take_out};
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Barrier {
    pub(crate) parties: usize,
}

/// Who comes, by a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BarrierCall {
    Begin(u32),
    Finish(u32),
    GiveUp(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BarrierResult {
    Leads,
    Waits,
    Follows,
    Done,
}

/// Who has come, and who may go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct BarrierState {
    came: Vec<u32>,
    go_on: Vec<u32>,
}

impl Spec for Barrier {
    type State = BarrierState;
    type Call = BarrierCall;
    type Result = BarrierResult;

    fn initial(&self) -> BarrierState {
        BarrierState::default()
    }

    fn steps(
        &self,
        state: &BarrierState,
        call: &BarrierCall,
        result: Option<&BarrierResult>,
        after: &mut Vec<BarrierState>,
    ) {
        let mut next = state.clone();
        let right = match *call {
            BarrierCall::Begin(_) if state.came.len() + 1 == self.parties => {
                next.go_on.append(&mut next.came);
                BarrierResult::Leads
            }
            BarrierCall::Begin(who) => {
                next.came.push(who);
                BarrierResult::Waits
            }
            BarrierCall::Finish(who) if !take_out(&mut next.go_on, who) => return,
            BarrierCall::Finish(_) => BarrierResult::Follows,
            BarrierCall::GiveUp(who) => {
                take_out(&mut next.came, who);
                take_out(&mut next.go_on, who);
                BarrierResult::Done
            }
        };
        next.came.sort_unstable();
        next.go_on.sort_unstable();
        among([(right, next)], result, after);
    }
}

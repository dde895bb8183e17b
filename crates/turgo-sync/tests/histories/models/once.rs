//! A value that is set once: all who see one see the same, and who is refused finds it.

use super::among;
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Once;

/// What happens to which cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnceCall(pub(crate) u32, pub(crate) Act);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Get,
    Set(u32),
    /// The value, made if there is none.
    Make(u32),
    /// The same, but the making fails.
    Fail,
    /// Waits until somebody else has set it.
    Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnceResult {
    Set,
    Refused,
    /// Somebody makes a value, or tried to.
    Busy,
    Failed,
    Value(u32),
    Empty,
}

use OnceResult::{Busy, Empty, Failed, Refused, Set, Value};

impl Spec for Once {
    type State = Option<u32>;
    type Call = OnceCall;
    type Result = OnceResult;

    fn initial(&self) -> Option<u32> {
        None
    }

    fn steps(
        &self,
        state: &Option<u32>,
        call: &OnceCall,
        result: Option<&OnceResult>,
        after: &mut Vec<Option<u32>>,
    ) {
        let possible = match (call.1, *state) {
            (Act::Get, None) => vec![(Empty, None)],
            (Act::Set(value), None) => vec![(Set, Some(value)), (Busy, None)],
            (Act::Make(value), None) => vec![(Value(value), Some(value))],
            (Act::Fail, None) => vec![(Failed, None)],
            (Act::Wait, None) => vec![],
            (Act::Set(_), there) => vec![(Refused, there)],
            (_, Some(value)) => vec![(Value(value), Some(value))],
        };
        among(possible, result, after);
    }
}

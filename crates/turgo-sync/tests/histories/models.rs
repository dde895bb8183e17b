//! Sequential models: what each primitive may answer in each state.

pub(crate) mod barrier;
pub(crate) mod broadcast;
pub(crate) mod channel;
pub(crate) mod notify;
pub(crate) mod once;
pub(crate) mod oneshot;
pub(crate) mod permits;
pub(crate) mod watch;

/// Adds the states behind all answers that fit what was seen.
fn among<R: PartialEq, S>(
    possible: impl IntoIterator<Item = (R, S)>,
    seen: Option<&R>,
    after: &mut Vec<S>,
) {
    let fits = |(answer, _): &(R, S)| seen.is_none_or(|seen| seen == answer);
    after.extend(possible.into_iter().filter(fits).map(|(_, state)| state));
}

/// Takes a number out of a list, if it is there.
fn take_out(list: &mut Vec<u32>, number: u32) -> bool {
    let at = list.iter().position(|one| *one == number);
    at.map(|at| list.remove(at)).is_some()
}

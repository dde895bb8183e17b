//! Permits: never more than were given, in the order of asking or with a bound on overtaking, and none after they were closed.
//!
//! A mutex is a single permit. A read-write lock has as many as there can be readers, of which a writer takes all.

use super::among;
use crate::lincheck::Spec;

/// So many permits, and how often those who wait may be overtaken before one of them is served; nothing for a strict order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permits {
    pub(crate) permits: u32,
    pub(crate) overtakes_max: Option<u32>,
}

/// Who asks, by a number of its own, and for how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PermitsCall {
    Try(u32),
    Begin(u32, u32),
    Finish(u32),
    GiveUp(u32),
    Give(u32),
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PermitsResult {
    Taken,
    Short,
    /// There is an answer already, but not whether it was there at once or came just after a place in the queue was taken.
    Asked,
    Queued,
    Closed,
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PermitsState {
    free: u32,
    overtakes: u32,
    closed: bool,
    /// Who waits, in the order of asking.
    queue: Vec<(u32, u32)>,
    /// Who was served and has not learnt of it.
    served: Vec<(u32, u32)>,
}

use PermitsCall::{Begin, Close, Finish, Give, GiveUp, Try};
use PermitsResult::{Asked, Closed, Done, Queued, Short, Taken};

impl PermitsState {
    pub(crate) fn new(permits: u32) -> Self {
        Self { free: permits, overtakes: 0, closed: false, queue: vec![], served: vec![] }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn free(&self) -> u32 {
        self.free
    }

    /// Whether nobody has been given one who does not know it.
    pub(crate) fn is_nobody_served(&self) -> bool {
        self.served.is_empty()
    }
}

impl Permits {
    fn is_in_order(&self, state: &PermitsState) -> bool {
        self.overtakes_max.is_none_or(|max| state.overtakes >= max)
    }

    /// Serves those whose turn it is.
    fn settled(&self, mut state: PermitsState) -> PermitsState {
        while let Some(&(asker, count)) = state.queue.first()
            && self.is_in_order(&state)
            && !state.closed
            && count <= state.free
        {
            state.queue.remove(0);
            state.free -= count;
            state.overtakes = 0;
            state.served.push((asker, count));
        }
        if state.queue.is_empty() {
            state.overtakes = 0;
        }
        state.served.sort_unstable();
        state
    }

    /// Taken by one who does not wait, perhaps in passing.
    fn taken(&self, state: &PermitsState, count: u32) -> Option<PermitsState> {
        let passes = !state.queue.is_empty();
        if state.closed || state.free < count || passes && self.is_in_order(state) {
            return None;
        }
        let mut next = state.clone();
        next.free -= count;
        next.overtakes += u32::from(passes);
        Some(next)
    }

    fn finished(&self, state: &PermitsState, asker: u32) -> Option<(PermitsResult, PermitsState)> {
        let mut next = state.clone();
        if let Some(at) = next.served.iter().position(|one| one.0 == asker) {
            next.served.remove(at);
            return Some((Taken, next));
        }
        let at = state.queue.iter().position(|one| one.0 == asker).expect("who asked");
        let (_, count) = next.queue.remove(at);
        if state.closed {
            return Some((Closed, next));
        }
        if self.overtakes_max.is_none() || at > 0 || state.free < count {
            return None;
        }
        next.free -= count;
        next.overtakes = 0;
        Some((Taken, self.settled(next)))
    }

    /// One who asks without waiting, or takes a place in the queue. Who does that though there are permits is served at once.
    fn begun(
        &self,
        state: &PermitsState,
        asker: u32,
        count: u32,
    ) -> Vec<(PermitsResult, PermitsState)> {
        let mut queued = state.clone();
        queued.queue.push((asker, count));
        if state.closed {
            return vec![(Asked, queued)];
        }
        let queued = self.settled(queued);
        let mut all = vec![(Queued, queued.clone()), (Asked, queued)];
        if let Some(mut taken) = self.taken(state, count) {
            taken.served.push((asker, count));
            taken.served.sort_unstable();
            all.push((Asked, taken));
        }
        all
    }

    /// No more are given out. Somebody else may be on the way to serve those whose turn it is, and find it closed; and the first, who was told to
    /// try where he may be passed, may have tried.
    fn closed(&self, state: &PermitsState) -> Vec<(PermitsResult, PermitsState)> {
        let mut all = vec![PermitsState { closed: true, ..state.clone() }];
        if self.overtakes_max.is_some()
            && let Some(&(asker, count)) = state.queue.first()
            && let Some((Taken, mut tried)) = self.finished(state, asker)
        {
            tried.served.push((asker, count));
            tried.served.sort_unstable();
            all.push(PermitsState { closed: true, ..tried });
        }
        for served in &state.served {
            for at in 0..all.len() {
                let mut next = all[at].clone();
                next.served.retain(|one| one != served);
                next.queue.insert(0, *served);
                next.free += served.1;
                all.push(next);
            }
        }
        all.into_iter().map(|next| (Done, next)).collect()
    }

    /// All that may be answered, and what follows.
    pub(crate) fn possible(
        &self,
        state: &PermitsState,
        call: PermitsCall,
    ) -> Vec<(PermitsResult, PermitsState)> {
        let mut next = state.clone();
        match call {
            Try(_) if state.closed => vec![(Closed, next)],
            // Somebody may be about to give out what is free, or about to find nobody to give it to.
            Try(count) => {
                let taken = self.taken(state, count).map(|taken| (Taken, taken));
                taken.into_iter().chain([(Short, next)]).collect()
            }
            Begin(asker, count) => self.begun(state, asker, count),
            Finish(asker) => self.finished(state, asker).into_iter().collect(),
            GiveUp(asker) => {
                let was_first = state.queue.first().is_none_or(|first| first.0 == asker);
                let served = next.served.iter().position(|one| one.0 == asker);
                next.free += served.map_or(0, |at| next.served.remove(at).1);
                next.queue.retain(|one| one.0 != asker);
                // The count may start again: each who was in front is passed so often, and those behind him.
                let again = was_first.then(|| PermitsState { overtakes: 0, ..next.clone() });
                let possible = again.into_iter().chain([next]);
                possible.map(|next| (Done, self.settled(next))).collect()
            }
            Give(count) => {
                next.free += count;
                vec![(Done, self.settled(next))]
            }
            Close => self.closed(state),
        }
    }
}

impl Spec for Permits {
    type State = PermitsState;
    type Call = PermitsCall;
    type Result = PermitsResult;

    fn initial(&self) -> PermitsState {
        PermitsState::new(self.permits)
    }

    fn steps(
        &self,
        state: &PermitsState,
        call: &PermitsCall,
        result: Option<&PermitsResult>,
        after: &mut Vec<PermitsState>,
    ) {
        among(self.possible(state, *call), result, after);
    }
}

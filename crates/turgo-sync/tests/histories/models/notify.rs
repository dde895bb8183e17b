//! Notifications: one is kept at most, one goes to whoever waits longest or came last, and one for all to exactly those whose wait had begun.

use super::{among, take_out};
use crate::lincheck::Spec;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Notify;

/// Who waits, by a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifyCall {
    /// The wait begins for notifications of all.
    Make(u32),
    /// It takes a place in the queue.
    Begin(u32),
    Finish(u32),
    GiveUp(u32),
    One,
    Last,
    All,
    /// Nobody else is about any more.
    Rest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifyResult {
    Done,
    /// There is an answer already, but not whether it was there at once or came just after a place in the queue was taken.
    Asked,
    Queued,
    /// Queued when nobody else was about.
    Idle,
    Told,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct NotifyState {
    /// How many are kept. More than one only for as long as somebody who was told may still look as if he waited: meanwhile all are counted (S3).
    kept: u8,
    /// Whose wait has begun and who has no place.
    made: Vec<u32>,
    /// Who waits, in the order of asking.
    queue: Vec<u32>,
    /// Who was told, with whom else, and has not learnt of it.
    told: Vec<(u32, With)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum With {
    NobodyAsTheFirst,
    NobodyAsTheLast,
    All,
}

use NotifyCall::{All, Begin, Finish, GiveUp, Last, Make, One, Rest};
use NotifyResult::{Asked, Done, Idle, Queued, Told};

impl NotifyState {
    /// A notification for one.
    fn notified(mut self, with: With) -> Vec<Self> {
        let one = match with {
            With::NobodyAsTheLast => self.queue.pop(),
            _ if self.queue.is_empty() => None,
            _ => Some(self.queue.remove(0)),
        };
        match one {
            Some(one) => {
                self.told.push((one, with));
                vec![self.sorted()]
            }
            None => self.keep(),
        }
    }

    /// Keeps one that met nobody.
    fn keep(&self) -> Vec<Self> {
        let one = Self { kept: self.kept.max(1), ..self.clone() };
        let counted = Self { kept: self.kept + 1, ..self.clone() };
        if self.told.is_empty() || counted == one { vec![one] } else { vec![one, counted] }
    }

    /// Lists whose order means nothing are one state in every order.
    fn sorted(mut self) -> Self {
        self.made.sort_unstable();
        self.told.sort_unstable();
        self
    }

    fn take_told(&mut self, waiter: u32) -> Option<With> {
        let at = self.told.iter().position(|told| told.0 == waiter)?;
        Some(self.told.remove(at).1)
    }

    fn begun(&self, waiter: u32) -> Vec<(NotifyResult, Self)> {
        let mut next = self.clone();
        take_out(&mut next.made, waiter);
        let mut all = Vec::new();
        // With all, before it had a place.
        let released = self.told.iter().any(|told| told.0 == waiter);
        if released {
            all.push((Asked, next.clone()));
        }
        // The one that is kept may be taken by one who was released, too. Or somebody has it in hand, and gives it to who was queued meanwhile.
        if self.kept > 0 {
            next.kept -= 1;
            next.take_told(waiter);
            next.told.push((waiter, With::NobodyAsTheFirst));
            let next = next.sorted();
            all.extend([(Asked, next.clone()), (Queued, next)]);
        } else if !released {
            next.queue.push(waiter);
            all.extend([(Asked, next.clone()), (Queued, next.clone()), (Idle, next)]);
        }
        all
    }

    /// A notification for all. Somebody may be on the way to tell one of them alone, and find him told: then that is kept for the next.
    fn all_notified(&self) -> Vec<(NotifyResult, Self)> {
        let mut next = self.clone();
        let all = next.made.drain(..).chain(next.queue.drain(..));
        next.told.extend(all.map(|waiter| (waiter, With::All)));
        let mut possible = vec![next.clone().sorted()];
        for alone in self.told.iter().filter(|told| told.1 != With::All) {
            for at in 0..possible.len() {
                let mut other = possible[at].clone();
                other.take_told(alone.0);
                other.told.push((alone.0, With::All));
                possible.extend(other.sorted().keep());
            }
        }
        done(possible)
    }

    fn given_up(&self, waiter: u32) -> Vec<Self> {
        let mut next = self.clone();
        take_out(&mut next.made, waiter);
        take_out(&mut next.queue, waiter);
        match next.take_told(waiter) {
            Some(With::All) | None => vec![next],
            Some(alone) => next.notified(alone),
        }
    }
}

impl Spec for Notify {
    type State = NotifyState;
    type Call = NotifyCall;
    type Result = NotifyResult;

    fn initial(&self) -> NotifyState {
        NotifyState::default()
    }

    fn steps(
        &self,
        state: &NotifyState,
        call: &NotifyCall,
        result: Option<&NotifyResult>,
        after: &mut Vec<NotifyState>,
    ) {
        let mut next = state.clone();
        let possible = match *call {
            Make(waiter) => {
                next.made.push(waiter);
                vec![(Done, next.sorted())]
            }
            Begin(waiter) => state.begun(waiter),
            Finish(waiter) => match next.take_told(waiter) {
                Some(_) => vec![(Told, next)],
                None => vec![],
            },
            GiveUp(waiter) => done(state.given_up(waiter)),
            One => done(next.notified(With::NobodyAsTheFirst)),
            Last => done(next.notified(With::NobodyAsTheLast)),
            All => state.all_notified(),
            Rest => done(vec![NotifyState { kept: state.kept.min(1), ..next }]),
        };
        among(possible, result, after);
    }
}

fn done(possible: Vec<NotifyState>) -> Vec<(NotifyResult, NotifyState)> {
    possible.into_iter().map(|next| (Done, next)).collect()
}

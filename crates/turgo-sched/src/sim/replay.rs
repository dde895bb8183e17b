//! Decisions of a simulated run, written down and made again.
//!
//! A run that is [recorded](super::Simulation::recorded) lists its decisions. One that [replays](super::Simulation::replaying) them does what the list says, and asks its
//! policy all the same: the same policy gives the same answers (P1), and another one shows where it would have gone another way with the same past.
//! What is recorded here are decisions of simulated runs; those of threads are gone along by [`Simulation::replay`](super::Simulation::replay).

use turgo_machine::mutant;

use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Order, Place, Source};

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Nanoseconds of virtual time.
    pub at_ns: u64,
    /// Who asked; nobody if a task came from outside.
    pub worker: Option<WorkerId>,
    /// The answer.
    pub answer: Answer,
}

/// What a policy answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Where a task goes that is ready.
    Put {
        /// The task.
        task: u32,
        /// To whom.
        place: Place,
        /// Where in the queue.
        order: Order,
    },
    /// Where a worker looks that has nothing.
    Look {
        /// The attempt of this search.
        attempt: u32,
        /// Where; `None` if the search is over.
        source: Option<Source>,
    },
    /// Which other node a worker calls that ends its search.
    Spread {
        /// The node, if any.
        node: Option<NodeIndex>,
    },
}

impl Answer {
    /// Whether both answer the same question.
    fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Put { task, .. }, Self::Put { task: same, .. }) => task == same,
            (Self::Look { attempt, .. }, Self::Look { attempt: same, .. }) => attempt == same,
            (Self::Spread { .. }, Self::Spread { .. }) => true,
            _ => false,
        }
    }
}

/// The decisions of a run while it goes on.
#[derive(Debug)]
pub(super) struct Log<'a> {
    made: Option<Vec<Decision>>,
    known: &'a [Decision],
    next: usize,
    pub(super) differing: u64,
}

impl<'a> Log<'a> {
    pub(super) fn new(recorded: bool, known: &'a [Decision]) -> Self {
        Self { made: recorded.then(Vec::new), known, next: 0, differing: 0 }
    }

    /// Whether decisions are written down or made again.
    pub(super) fn is_kept(&self) -> bool {
        self.made.is_some() || !self.known.is_empty()
    }

    /// Writes a decision down; returns what is to be done: what the list says, if it has an answer to this question.
    pub(super) fn decide(&mut self, decision: Decision) -> Answer {
        let known = self.known.get(self.next).filter(|known| {
            (known.at_ns, known.worker) == (decision.at_ns, decision.worker)
                && known.answer.is_about(&decision.answer)
        });
        let answer = match known {
            Some(known) => {
                self.next += 1;
                self.differing += u64::from(known.answer != decision.answer);
                if mutant!("V6 the list is not followed") { decision.answer } else { known.answer }
            }
            None => {
                // Past the end of the list, or beside it: every answer from here on is the policy's own.
                self.differing += u64::from(!self.known.is_empty());
                decision.answer
            }
        };
        if let Some(made) = &mut self.made {
            made.push(Decision { answer, ..decision });
        }
        answer
    }

    pub(super) fn take(&mut self) -> Vec<Decision> {
        self.made.take().unwrap_or_default()
    }
}

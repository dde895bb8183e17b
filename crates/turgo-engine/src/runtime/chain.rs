//! One instance of a stage: an inlet, operators in order, an outlet.
//!
//! - C1. An operator that has more to send is given nothing new; later operators are always served
//!   before earlier ones, and the inlet last, so that little waits inside a chain.
//! - C2. Watermarks, barriers and the end pass an operator after everything it sends because of the
//!   messages before them.
//! - C3. What operators hold back for a while leaves when the bell has rung, behind everything that
//!   came in before, even if nothing more comes; and when the chain is abandoned.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::{EngineError, Result};
use crate::message::{Batch, Message};
use crate::operator::{Operator, Output, RowCounts};
use crate::runtime::checkpoint::Checkpoints;
use crate::runtime::inlet::{Inlet, Input};
use crate::runtime::letters::LetterOutlet;
use crate::runtime::outlet::Outlet;
use crate::runtime::task::{Budget, Step, Task};
use crate::runtime::timer::Bell;

/// An operator with what waits in front of it.
struct Link {
    operator: Box<dyn Operator>,
    inbox: VecDeque<Message>,
    /// It may have more to send.
    more: bool,
    /// Passed on when it has not: the message it has just worked off.
    then: Option<Message>,
}

/// One instance of a stage.
pub(crate) struct Chain {
    stage: usize,
    inlet: Box<dyn Inlet>,
    links: Vec<Link>,
    outlet: Box<dyn Outlet>,
    letters: LetterOutlet,
    /// The batch the inlet gave last, for the place of a row that fails.
    last: Option<Batch>,
    ended: bool,
    /// Nothing follows, and no end is said.
    abandoned: bool,
    /// Rings when operators are to let go of what they hold back.
    bell: Option<Bell>,
    counts: Tally,
    checkpoints: Checkpoints,
}

/// What became of the input rows of a run, summed over its instances.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    // LOCK: taken once per instance, when it ends.
    sum: Mutex<RowCounts>,
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, RowCounts> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sum over the instances that have ended.
    pub(crate) fn get(&self) -> RowCounts {
        *self.lock()
    }
}

/// What one instance counts; it is added to the sum when the instance ends, however it does.
struct Tally {
    own: RowCounts,
    all: Arc<Counts>,
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.all.lock().add(&self.own);
    }
}

impl Chain {
    /// An instance of stage `stage`.
    pub(crate) fn new(
        stage: usize,
        inlet: Box<dyn Inlet>,
        operators: Vec<Box<dyn Operator>>,
        (outlet, letters): (Box<dyn Outlet>, LetterOutlet),
        counts: Arc<Counts>,
        checkpoints: Checkpoints,
    ) -> Self {
        let link = |operator| Link { operator, inbox: VecDeque::new(), more: false, then: None };
        Self {
            stage,
            inlet,
            links: operators.into_iter().map(link).collect(),
            outlet,
            letters,
            last: None,
            ended: false,
            abandoned: false,
            bell: None,
            counts: Tally { own: RowCounts::default(), all: counts },
            checkpoints,
        }
    }

    /// How often its operators are to let go of what they hold back, if one does so by the clock.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.links.iter().filter_map(|link| link.operator.interval()).min()
    }

    /// The same, heeding a bell that rings when that interval is over.
    pub(crate) fn with_bell(self, bell: Bell) -> Self {
        Self { bell: Some(bell), ..self }
    }

    /// Lets operators let go of what they hold back.
    fn release(&mut self) -> Result<()> {
        for index in 0..self.links.len() {
            let mut out = Output::default();
            let released = self.links[index].operator.release(&mut out);
            self.letters.put(out.letters);
            released?;
            self.counts.own.add(&out.counts);
            self.pass(index + 1, out.messages)?;
        }
        Ok(())
    }

    /// Hands messages to link `index`, or to the outlet behind the last one.
    fn pass(&mut self, index: usize, messages: impl IntoIterator<Item = Message>) -> Result<()> {
        for message in messages {
            match self.links.get_mut(index) {
                Some(link) => link.inbox.push_back(message),
                None => {
                    self.ended |= matches!(message, Message::End);
                    self.outlet.put(message)?;
                }
            }
        }
        Ok(())
    }

    /// Lets the last operator that can work do one thing; false: none can.
    fn step(&mut self) -> Result<bool> {
        for index in (0..self.links.len()).rev() {
            let link = &mut self.links[index];
            let mut out = Output::default();
            let worked = if link.more {
                link.operator.resume(&mut out).map(|more| link.more = more)
            } else if let Some(message) = link.then.take() {
                out.messages.push_back(message);
                Ok(())
            } else if let Some(message) = link.inbox.pop_front() {
                self.work(index, message, &mut out)
            } else {
                continue;
            };
            self.letters.put(out.letters);
            worked?;
            self.counts.own.add(&out.counts);
            self.pass(index + 1, out.messages)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Gives one message to an operator.
    fn work(&mut self, index: usize, message: Message, out: &mut Output) -> Result<()> {
        let link = &mut self.links[index];
        match message {
            Message::Batch(batch) => {
                if let Err(error) = link.operator.batch(batch, out) {
                    return Err(self.locate(index, error));
                }
            }
            Message::Watermark(time) => link.operator.watermark(time, out)?,
            Message::Barrier(generation) => {
                link.operator.before_barrier(out)?;
                if let Some(state) = link.operator.freeze()? {
                    self.checkpoints.part(generation, (self.stage, index), state);
                }
                link.then = Some(message);
            }
            Message::End => {
                link.operator.end(out)?;
                link.then = Some(message);
            }
        }
        self.links[index].more = true;
        Ok(())
    }

    /// Adds the place of the row that fails, where operators work row by row up to `index`: runs
    /// them again over single rows of the last batch read.
    fn locate(&mut self, index: usize, error: EngineError) -> EngineError {
        let known = !matches!(error, EngineError::Data { place: None, .. });
        let row_wise = self.links[..=index].iter().all(|link| link.operator.is_row_wise());
        let Some(batch) = self.last.take().filter(|_| !known && row_wise) else { return error };
        for row in 0..batch.len() {
            let mut rows = vec![batch.slice(row, 1)];
            for link in &mut self.links[..=index] {
                let mut out = Output::default();
                for rows in rows {
                    if let Err(error) = link.operator.batch(rows, &mut out) {
                        return match self.inlet.place(row) {
                            Some(place) => error.at(|| place),
                            None => error,
                        };
                    }
                }
                let batches = out.messages.into_iter().filter_map(|message| match message {
                    Message::Batch(batch) => Some(batch),
                    _ => None,
                });
                rows = batches.collect();
            }
        }
        error
    }

    fn turns(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Result<Step> {
        loop {
            if let Some(step) = self.turn(cx)? {
                return Ok(step);
            }
            if budget.is_spent() {
                return Ok(Step::Again);
            }
        }
    }

    /// Sends on what there is, and takes one message; `None`: it goes on.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<Option<Step>> {
        loop {
            let [outlet, letters] = [self.outlet.poll_flush(cx), self.letters.poll_flush(cx)];
            if outlet.is_pending() || letters.is_pending() {
                return Ok(Some(Step::Park));
            }
            if !self.step()? {
                break;
            }
        }
        if self.ended || self.abandoned {
            return Ok(Some(Step::Done));
        }
        if self.bell.as_ref().is_some_and(|bell| bell.poll(cx)) {
            self.release()?;
            return Ok(None);
        }
        let polled = self.inlet.poll(cx);
        self.letters.put(self.inlet.letters());
        match polled? {
            Poll::Pending => return Ok(Some(Step::Park)),
            Poll::Ready(Input::Abandoned) => {
                self.abandoned = true;
                self.release()?;
            }
            Poll::Ready(Input::Message(message)) => {
                if let Message::Batch(batch) = &message {
                    self.last = Some(batch.clone());
                }
                self.pass(0, [message])?;
            }
        }
        Ok(None)
    }
}

impl Task for Chain {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Result<Step> {
        let step = self.turns(cx, budget);
        self.counts.own.add(&self.inlet.counts());
        self.counts.own.add(&self.outlet.counts());
        step
    }
}

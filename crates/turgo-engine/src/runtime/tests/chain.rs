//! A chain of operators: C1 to C3, without threads, and panics, with them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use turgo_machine::clock::Clock;

use super::{Wakes, rows, within};
use crate::error::{EngineError, Result};
use crate::message::{Batch, Message};
use crate::operator::{Operator, Output};
use crate::runtime::chain::Chain;
use crate::runtime::checkpoint::Checkpoints;
use crate::runtime::executor::{Failure, Part, run};
use crate::runtime::inlet::{Inlet, Input};
use crate::runtime::letters::LetterOutlet;
use crate::runtime::outlet::Outlet;
use crate::runtime::task::{Budget, Step, Task};
use crate::runtime::timer::Bell;
use crate::time::EventTime;

/// Gives messages, then is abandoned.
struct Given(VecDeque<Message>);

impl Inlet for Given {
    fn poll(&mut self, _cx: &mut Context<'_>) -> Result<Poll<Input>> {
        Ok(Poll::Ready(self.0.pop_front().map_or(Input::Abandoned, Input::Message)))
    }
}

type Log = Arc<Mutex<Vec<String>>>;

/// Notes what leaves the chain; has room only every other time it is asked.
struct Notes {
    log: Log,
    full: bool,
}

impl Outlet for Notes {
    fn put(&mut self, message: Message) -> Result<()> {
        let text = match message {
            Message::Batch(batch) => format!("{} rows", batch.len()),
            Message::Watermark(time) => format!("watermark {time}"),
            Message::Barrier(generation) => format!("barrier {generation}"),
            Message::End => "end".into(),
        };
        self.log.lock().unwrap().push(text);
        Ok(())
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        self.full = !self.full;
        if self.full { Poll::Pending } else { Poll::Ready(()) }
    }
}

/// Keeps rows, and sends them on in parts of one row when told to.
#[derive(Default)]
struct Parts {
    kept: usize,
    due: usize,
}

impl Operator for Parts {
    fn batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        assert_eq!(self.due, 0, "C1: nothing new while there is more to send");
        self.kept += batch.len();
        Ok(())
    }

    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        assert_eq!(self.due, 0, "C1: nothing new while there is more to send");
        out.watermark(time);
        Ok(())
    }

    fn before_barrier(&mut self, _out: &mut Output) -> Result<()> {
        self.due = std::mem::take(&mut self.kept);
        Ok(())
    }

    fn end(&mut self, _out: &mut Output) -> Result<()> {
        self.due = std::mem::take(&mut self.kept);
        Ok(())
    }

    fn resume(&mut self, out: &mut Output) -> Result<bool> {
        if self.due == 0 {
            return Ok(false);
        }
        self.due -= 1;
        out.batch(rows(&[1]));
        Ok(self.due > 0)
    }
}

/// Keeps rows until it is told to let go.
#[derive(Default)]
struct Holds(usize);

impl Operator for Holds {
    fn batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        self.0 += batch.len();
        Ok(())
    }

    fn interval(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    fn release(&mut self, out: &mut Output) -> Result<()> {
        out.batch(rows(&vec![1; std::mem::take(&mut self.0)]));
        Ok(())
    }
}

/// Gives messages, and then nothing; always, and for ever.
struct Quiet(VecDeque<Message>);

impl Inlet for Quiet {
    fn poll(&mut self, _cx: &mut Context<'_>) -> Result<Poll<Input>> {
        Ok(self.0.pop_front().map_or(Poll::Pending, |message| Poll::Ready(Input::Message(message))))
    }
}

/// Panics when rows come.
struct Panics;

impl Operator for Panics {
    fn batch(&mut self, _batch: Batch, _out: &mut Output) -> Result<()> {
        panic!("in an operator");
    }
}

fn chain(operators: Vec<Box<dyn Operator>>, messages: Vec<Message>) -> (Chain, Log) {
    let log = Log::default();
    let outlet = Box::new(Notes { log: Arc::clone(&log), full: false });
    let inlet = Box::new(Given(messages.into()));
    let counts = Arc::default();
    let out = (outlet as Box<dyn Outlet>, LetterOutlet::default());
    (Chain::new(0, inlet, operators, out, counts, Checkpoints::default()), log)
}

/// Runs a chain until it is done.
fn drive(mut chain: Chain) {
    let (mut cx, clock) = (Context::from_waker(Waker::noop()), Clock::real());
    for _ in 0..1_000 {
        // Spent at once: one message at a time.
        if chain.run(&mut cx, Budget::until(&clock, 0)).unwrap() == Step::Done {
            return;
        }
    }
    panic!("the chain does not end");
}

/// C1 and C2, through two operators that both send in parts.
#[test]
fn barriers_and_the_end_pass_behind_everything_sent_before_them() {
    let messages = vec![
        Message::Batch(rows(&[1, 2, 3])),
        Message::Watermark(5),
        Message::Barrier(1),
        Message::Batch(rows(&[1, 2])),
        Message::End,
    ];
    let operators = vec![Box::<Parts>::default() as Box<dyn Operator>, Box::<Parts>::default()];
    let (chain, log) = chain(operators, messages);
    drive(chain);
    let expected =
        ["watermark 5", "1 rows", "1 rows", "1 rows", "barrier 1", "1 rows", "1 rows", "end"];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn an_abandoned_chain_says_no_end() {
    let (chain, log) = chain(vec![Box::<Parts>::default()], vec![Message::Batch(rows(&[1]))]);
    drive(chain);
    assert_eq!(*log.lock().unwrap(), Vec::<String>::new(), "what is incomplete stays unsaid");
}

/// C3, and what an operator lets go of passes those behind it.
#[test]
fn what_is_held_back_leaves_when_the_bell_rings_though_nothing_comes() {
    let log = Log::default();
    let outlet: Box<dyn Outlet> = Box::new(Notes { log: Arc::clone(&log), full: false });
    let inlet = Box::new(Quiet([Message::Batch(rows(&[1, 2, 3]))].into()));
    let operators: Vec<Box<dyn Operator>> = vec![Box::<Holds>::default(), Box::new(Passes)];
    let (counts, out) = (Arc::default(), (outlet, LetterOutlet::default()));
    let chain = Chain::new(0, inlet, operators, out, counts, Checkpoints::default());
    assert_eq!(chain.interval(), Some(Duration::from_secs(1)));
    let bell = Bell::default();
    let mut chain = chain.with_bell(bell.clone());
    let (wakes, waker) = Wakes::new();
    let (mut cx, clock) = (Context::from_waker(&waker), Clock::real());
    let mut settle = || {
        for _ in 0..10 {
            let budget = Budget::until(&clock, u64::MAX);
            assert_eq!(chain.run(&mut cx, budget).unwrap(), Step::Park);
        }
        log.lock().unwrap().clone()
    };
    assert_eq!(settle(), Vec::<String>::new());
    assert_eq!(wakes.count(), 0);
    bell.ring();
    bell.ring();
    assert_eq!(wakes.count(), 1, "it waits for the bell, too");
    assert_eq!(settle(), ["3 rows"]);
    bell.ring();
    assert_eq!((settle().len(), wakes.count()), (1, 2), "nothing is held");
}

#[test]
fn an_abandoned_chain_lets_go_of_what_it_holds_back() {
    let operators: Vec<Box<dyn Operator>> = vec![Box::<Holds>::default(), Box::new(Passes)];
    let (chain, log) = chain(operators, vec![Message::Batch(rows(&[1, 2]))]);
    drive(chain);
    assert_eq!(*log.lock().unwrap(), ["2 rows"]);
}

/// Sends on what comes.
struct Passes;

impl Operator for Passes {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        out.batch(batch);
        Ok(())
    }
}

#[test]
fn an_operator_that_panics_ends_the_run() {
    let error = within(|| {
        let failure = Arc::new(Failure::default());
        let (chain, _) = chain(vec![Box::new(Panics)], vec![Message::Batch(rows(&[1]))]);
        // The outlet has room the second time.
        let task: Box<dyn Task> = Box::new(Insistent(chain));
        run(vec![Part { stage: 0, instance: 0, task }], 2, 0, &failure).unwrap();
        failure.take()
    });
    assert!(matches!(error, Some(EngineError::Internal(text)) if text.contains("in an operator")));
}

/// Runs its chain again instead of parking.
struct Insistent(Chain);

impl Task for Insistent {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Result<Step> {
        let step = self.0.run(cx, budget)?;
        Ok(if step == Step::Park { Step::Again } else { step })
    }
}

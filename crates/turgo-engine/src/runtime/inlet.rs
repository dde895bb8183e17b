//! Where a chain's messages come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::Result;
use crate::letter::Letter;
use crate::message::{Batch, Message};
use crate::operator::RowCounts;
use crate::runtime::ring::{Received, Receiver, Weigh};
use crate::time::{EventTime, WATERMARK_END, WATERMARK_NONE};

/// What an inlet gives.
#[derive(Debug)]
pub(crate) enum Input {
    /// A message; watermarks never fall, [`Message::End`] is the last one.
    Message(Message),
    /// The run is being stopped: nothing follows, and what is incomplete stays unsaid.
    Abandoned,
}

/// Where a chain's messages come from.
pub(crate) trait Inlet: Send {
    /// The next message.
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Poll<Input>>;

    /// Where row `row` of the last batch was read, for people.
    fn place(&self, row: usize) -> Option<String> {
        let _ = row;
        None
    }

    /// What the inlet itself did with rows since it was last asked.
    fn counts(&mut self) -> RowCounts {
        RowCounts::default()
    }

    /// The letters of rows it has left out since it was last asked.
    fn letters(&mut self) -> Vec<Arc<Letter>> {
        Vec::new()
    }
}

impl Weigh for Message {
    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

struct Producer {
    ring: Receiver<Message>,
    watermark: EventTime,
    /// The barrier it has sent and others have not.
    barrier: Option<u64>,
    /// It has said [`Message::End`].
    ended: bool,
    /// It is gone without a word.
    abandoned: bool,
}

/// Merges what several instances send to one.
///
/// - X1. The watermark is the minimum over the producers that have not ended (rule T2); when all
///   have, the largest of their last ones. So who ends last does not matter.
/// - X2. A barrier passes when every producer that has not ended has sent it; until then nothing is
///   taken from those that have.
/// - X3. The input ends when all producers have; if one is gone without saying so, it is abandoned
///   instead, when the others are done. A producer that is gone has not ended: what it has not
///   promised is never promised (X1), and no barrier passes any more (X2), so that the others need
///   not wait for it.
pub(crate) struct ExchangeInlet {
    producers: Vec<Producer>,
    next: usize,
    promised: EventTime,
    finished: bool,
}

impl ExchangeInlet {
    /// Merges `rings`, one per producer.
    pub(crate) fn new(rings: Vec<Receiver<Message>>) -> Self {
        let producer = |ring| Producer {
            ring,
            watermark: WATERMARK_NONE,
            barrier: None,
            ended: false,
            abandoned: false,
        };
        let producers = rings.into_iter().map(producer).collect();
        Self { producers, next: 0, promised: WATERMARK_NONE, finished: false }
    }

    fn not_ended(&self) -> impl Iterator<Item = &Producer> {
        self.producers.iter().filter(|producer| !producer.ended)
    }

    fn abandoned(&self) -> bool {
        self.producers.iter().any(|producer| producer.abandoned)
    }

    /// What the producers have said together, if that is news.
    fn agreed(&mut self) -> Option<Input> {
        if self.not_ended().all(|producer| producer.abandoned) {
            let last = self.producers.iter().map(|producer| producer.watermark).max();
            if !self.abandoned()
                && let Some(news) = last.and_then(|last| self.promise(last))
            {
                return Some(news);
            }
            self.finished = true;
            return Some(match self.abandoned() {
                true => Input::Abandoned,
                false => Input::Message(Message::End),
            });
        }
        let barrier = self.not_ended().map(|producer| producer.barrier).min().flatten();
        if barrier.is_some() || self.abandoned() {
            self.producers.iter_mut().for_each(|producer| producer.barrier = None);
        }
        if let Some(generation) = barrier {
            return Some(Input::Message(Message::Barrier(generation)));
        }
        let watermark = self.not_ended().map(|producer| producer.watermark).min()?;
        self.promise(watermark)
    }

    /// Promises a watermark, if that is news.
    fn promise(&mut self, watermark: EventTime) -> Option<Input> {
        (watermark > self.promised && watermark < WATERMARK_END).then(|| {
            self.promised = watermark;
            Input::Message(Message::Watermark(watermark))
        })
    }

    /// Takes one message from the first producer, in turn, that has one: rows are handed on, the
    /// rest is noted. `None`: there is none.
    fn receive(&mut self, cx: &mut Context<'_>) -> Option<Option<Batch>> {
        let count = self.producers.len();
        for step in 0..count {
            let index = (self.next + step) % count;
            let producer = &mut self.producers[index];
            if producer.ended || producer.abandoned || producer.barrier.is_some() {
                continue;
            }
            let Poll::Ready(received) = producer.ring.poll_recv(cx) else { continue };
            match received {
                Received::Message(Message::Batch(batch)) => {
                    self.next = index + 1;
                    return Some(Some(batch));
                }
                Received::Message(Message::Watermark(time)) => {
                    assert!(time >= producer.watermark, "watermarks never fall");
                    producer.watermark = time;
                }
                Received::Message(Message::Barrier(generation)) => {
                    producer.barrier = Some(generation);
                }
                Received::Message(Message::End) => producer.ended = true,
                Received::Abandoned => producer.abandoned = true,
            }
            return Some(None);
        }
        None
    }
}

impl Inlet for ExchangeInlet {
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Poll<Input>> {
        assert!(!self.finished, "nothing is asked for after the end");
        loop {
            if let Some(input) = self.agreed() {
                return Ok(Poll::Ready(input));
            }
            match self.receive(cx) {
                Some(Some(batch)) => return Ok(Poll::Ready(Input::Message(Message::Batch(batch)))),
                Some(None) => {}
                None => return Ok(Poll::Pending),
            }
        }
    }
}

//! Where a chain's messages go.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, UInt32Array};

use crate::error::Result;
use crate::graph::Distribution;
use crate::io::{Block, Encode};
use crate::message::{Batch, Message};
use crate::operator::RowCounts;
use crate::runtime::ring::{Sender, Weigh};
use crate::state::key_group::{hash_keys, key_group, owner};

/// Where a chain's messages go.
pub(crate) trait Outlet: Send {
    /// Takes a message; there may be no room for it yet.
    ///
    /// # Errors
    /// Those of encoding.
    fn put(&mut self, message: Message) -> Result<()>;

    /// Passes on what was put, as far as there is room.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// What the outlet did with rows since it was last asked.
    fn counts(&mut self) -> RowCounts {
        RowCounts::default()
    }
}

/// To the instances of the next stage.
pub(crate) struct ExchangeOutlet {
    distribution: Distribution,
    /// One ring per instance that may get rows from this one.
    rings: Vec<Sender<Message>>,
    waiting: VecDeque<(usize, Message)>,
    hashes: Vec<u64>,
}

impl ExchangeOutlet {
    /// Deals rows out to `rings` by `distribution`; `Forward` and `One` have exactly one ring.
    pub(crate) fn new(distribution: Distribution, rings: Vec<Sender<Message>>) -> Self {
        Self { distribution, rings, waiting: VecDeque::new(), hashes: Vec::new() }
    }

    fn deal(&mut self, batch: Batch, keys: &[usize]) -> Result<()> {
        let keys: Vec<ArrayRef> = keys.iter().map(|key| batch.rows.column(*key).clone()).collect();
        hash_keys(&keys, batch.len(), &mut self.hashes)?;
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); self.rings.len()];
        for (row, hash) in self.hashes.iter().enumerate() {
            let row = u32::try_from(row).expect("a batch has fewer than 2^32 rows");
            rows_of[owner(key_group(*hash), self.rings.len())].push(row);
        }
        for (instance, rows) in rows_of.into_iter().enumerate() {
            if rows.len() == batch.len() {
                self.waiting.push_back((instance, Message::Batch(batch)));
                return Ok(());
            }
            if !rows.is_empty() {
                let part = batch.take(&UInt32Array::from(rows))?;
                self.waiting.push_back((instance, Message::Batch(part)));
            }
        }
        Ok(())
    }
}

impl Outlet for ExchangeOutlet {
    fn put(&mut self, message: Message) -> Result<()> {
        match (message, &self.distribution) {
            (Message::Batch(batch), Distribution::Hash { keys }) if self.rings.len() > 1 => {
                let keys = keys.clone();
                self.deal(batch, &keys)?;
            }
            (Message::Batch(batch), _) => self.waiting.push_back((0, Message::Batch(batch))),
            (control, _) => {
                let all = (0..self.rings.len()).map(|instance| (instance, control.clone()));
                self.waiting.extend(all);
            }
        }
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some((instance, _)) = self.waiting.front() {
            if self.rings[*instance].poll_ready(cx).is_pending() {
                return Poll::Pending;
            }
            let (instance, message) = self.waiting.pop_front().expect("it was at the front");
            self.rings[instance].send(message);
        }
        Poll::Ready(())
    }
}

/// What a sink thread receives, with the number of the instance it comes from.
#[derive(Debug)]
pub(crate) struct ToSink {
    pub(crate) from: usize,
    pub(crate) what: SinkMessage,
}

/// What crosses the edge to a sink.
#[derive(Debug)]
pub(crate) enum SinkMessage {
    /// Encoded rows and their number.
    Block(Block, u64),
    /// Everything before belongs to that checkpoint.
    Barrier(u64),
    /// Nothing follows.
    End,
}

impl Weigh for ToSink {
    fn bytes(&self) -> usize {
        let rows = match &self.what {
            SinkMessage::Block(Block::Bytes(bytes), _) => bytes.len(),
            SinkMessage::Block(Block::Rows(batch), _) => batch.bytes(),
            SinkMessage::Barrier(_) | SinkMessage::End => 0,
        };
        size_of::<Self>() + rows
    }
}

/// To a sink: encodes rows.
pub(crate) struct SinkOutlet {
    instance: usize,
    encoder: Box<dyn Encode>,
    ring: Sender<ToSink>,
    waiting: VecDeque<SinkMessage>,
    counts: RowCounts,
}

impl SinkOutlet {
    /// The end of instance `instance`.
    pub(crate) fn new(instance: usize, encoder: Box<dyn Encode>, ring: Sender<ToSink>) -> Self {
        let counts = RowCounts::default();
        Self { instance, encoder, ring, waiting: VecDeque::new(), counts }
    }
}

impl Outlet for SinkOutlet {
    fn put(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Batch(batch) => {
                let rows = batch.len() as u64;
                if batch.unaccounted {
                    self.counts.used += rows;
                }
                self.waiting.push_back(SinkMessage::Block(self.encoder.encode(&batch)?, rows));
            }
            // A sink shows rows when they come; it has no use for the time.
            Message::Watermark(_) => {}
            Message::Barrier(generation) => {
                self.waiting.push_back(SinkMessage::Barrier(generation))
            }
            Message::End => self.waiting.push_back(SinkMessage::End),
        }
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.waiting.is_empty() {
            if self.ring.poll_ready(cx).is_pending() {
                return Poll::Pending;
            }
            let what = self.waiting.pop_front().expect("it was not empty");
            self.ring.send(ToSink { from: self.instance, what });
        }
        Poll::Ready(())
    }

    fn counts(&mut self) -> RowCounts {
        std::mem::take(&mut self.counts)
    }
}

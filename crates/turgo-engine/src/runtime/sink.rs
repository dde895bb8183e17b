//! The thread that writes a sink.

use std::sync::Arc;

use turgo_machine::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::io::{Block, WriteBlocks};
use crate::runtime::outlet::{SinkMessage, ToSink};
use crate::runtime::ring::{Received, Receiver};

/// Rows a sink has written so far.
#[derive(Debug, Default)]
pub(crate) struct Written {
    rows: AtomicU64,
}

impl Written {
    /// The number of rows.
    pub(crate) fn rows(&self) -> u64 {
        // Relaxed: a number to show.
        self.rows.load(Ordering::Relaxed)
    }

    fn add(&self, rows: u64) {
        // Relaxed: as above.
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// How writing ended.
pub(crate) enum Ending {
    /// All rows are written. They are made final by whoever knows that none is missing.
    Complete(Box<dyn WriteBlocks>),
    /// The run was stopped: what was written is not final.
    Abandoned,
}

/// Writes what `producers` instances send, until all have ended.
///
/// Blocks of an instance that has passed a barrier are held back until all have, so that
/// [`WriteBlocks::barrier`] falls exactly between the rows before and behind it. They are not counted
/// against the ring; there are about as many as the others still send before their barriers.
///
/// # Errors
/// Those of the writer; nothing is final then.
pub(crate) fn write(
    mut writer: Box<dyn WriteBlocks>,
    ring: &mut Receiver<ToSink>,
    producers: usize,
    written: &Arc<Written>,
    mut barrier: impl FnMut(u64),
) -> Result<Ending> {
    let mut ended = vec![false; producers];
    let mut passed: Vec<Option<u64>> = vec![None; producers];
    let mut held: Vec<ToSink> = Vec::new();
    while !ended.iter().all(|ended| *ended) {
        let Received::Message(message) = ring.recv(|| writer.flush())? else {
            // What has been shown stays; whether it can be taken back is the writer's matter. The
            // barrier that blocks were held behind will never be complete.
            for message in held {
                if let SinkMessage::Block(block, rows) = message.what {
                    put(&mut *writer, block, rows, written)?;
                }
            }
            writer.flush()?;
            return Ok(Ending::Abandoned);
        };
        let mut arrived = vec![message];
        while let Some(message) = arrived.pop() {
            let from = message.from;
            if passed[from].is_some() {
                held.push(message);
                continue;
            }
            match message.what {
                SinkMessage::Block(block, rows) => put(&mut *writer, block, rows, written)?,
                SinkMessage::End => ended[from] = true,
                SinkMessage::Barrier(generation) => passed[from] = Some(generation),
            }
            let mut open = passed.iter().zip(&ended).filter(|(_, ended)| !**ended).peekable();
            if open.peek().is_none() {
                continue;
            }
            if let Some(generation) = open.map(|(passed, _)| *passed).min().flatten() {
                writer.barrier(generation)?;
                barrier(generation);
                passed.fill(None);
                arrived.extend(held.drain(..).rev());
            }
        }
    }
    Ok(Ending::Complete(writer))
}

fn put(
    writer: &mut dyn WriteBlocks,
    block: Block,
    rows: u64,
    written: &Arc<Written>,
) -> Result<()> {
    writer.write(block)?;
    written.add(rows);
    Ok(())
}

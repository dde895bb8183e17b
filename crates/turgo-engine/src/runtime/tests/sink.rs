//! The sink thread: where barriers fall, and what becomes final.

use std::sync::{Arc, Mutex};

use crate::error::{EngineError, Result};
use crate::io::{Block, WriteBlocks};
use crate::runtime::outlet::{SinkMessage, ToSink};
use crate::runtime::ring::{Sender, ring};
use crate::runtime::sink::{Ending, Written, write};

type Log = Arc<Mutex<Vec<String>>>;

/// Notes everything; refuses the block `fails_at`.
struct Notes {
    log: Log,
    fails_at: Option<&'static str>,
}

impl Notes {
    fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }
}

impl WriteBlocks for Notes {
    fn write(&mut self, block: Block) -> Result<()> {
        let Block::Bytes(bytes) = block else { panic!("bytes are sent") };
        let text = String::from_utf8(bytes).unwrap();
        if self.fails_at == Some(text.as_str()) {
            return Err(EngineError::Closed);
        }
        self.note(text);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.note("flush");
        Ok(())
    }

    fn barrier(&mut self, generation: u64) -> Result<()> {
        self.note(format!("barrier {generation}"));
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        self.note("commit");
        Ok(())
    }
}

fn block(text: &str) -> SinkMessage {
    SinkMessage::Block(Block::Bytes(text.into()), 1)
}

/// Writes messages of two instances that all wait already; after them the instances are gone. True:
/// all was written and is final.
fn written(
    messages: Vec<(usize, SinkMessage)>,
    fails_at: Option<&'static str>,
) -> (Result<bool>, Vec<String>, u64, Vec<u64>) {
    let log = Log::default();
    let (sender, mut receiver): (Sender<ToSink>, _) = ring(1 << 20);
    for (from, what) in messages {
        sender.send(ToSink { from, what });
    }
    drop(sender);
    let (rows, mut barriers) = (Arc::new(Written::default()), Vec::new());
    let notes = Box::new(Notes { log: Arc::clone(&log), fails_at });
    let ending = write(notes, &mut receiver, 2, &rows, |generation| barriers.push(generation));
    let ending = ending.map(|ending| match ending {
        Ending::Complete(writer) => writer.commit().is_ok(),
        Ending::Abandoned => false,
    });
    let log = std::mem::take(&mut *log.lock().unwrap());
    (ending, log, rows.rows(), barriers)
}

use SinkMessage::{Barrier, End};

#[test]
fn barriers_fall_between_the_rows_before_and_behind_them() {
    let (ending, log, rows, barriers) = written(
        vec![
            (0, block("a1")),
            (0, Barrier(1)),
            (0, block("a2")),
            (0, Barrier(2)),
            (0, block("a3")),
            (1, block("b1")),
            (1, Barrier(1)),
            (1, block("b2")),
            (0, End),
            (1, Barrier(2)),
            (1, End),
        ],
        None,
    );
    assert!(ending.unwrap());
    assert_eq!(log, ["a1", "b1", "barrier 1", "a2", "b2", "barrier 2", "a3", "commit"]);
    assert_eq!((rows, barriers), (5, vec![1, 2]));
}

#[test]
fn an_instance_that_has_ended_holds_no_barrier_back() {
    let (ending, log, ..) = written(
        vec![(0, Barrier(1)), (0, block("a1")), (1, block("b1")), (1, End), (0, End)],
        None,
    );
    assert!(ending.unwrap());
    assert_eq!(log, ["b1", "barrier 1", "a1", "commit"]);
}

#[test]
fn a_run_that_is_abandoned_shows_its_rows_and_commits_nothing() {
    let (ending, log, rows, barriers) = written(
        vec![(0, block("a1")), (0, Barrier(1)), (0, block("a2")), (1, block("b1")), (0, End)],
        None,
    );
    assert!(!ending.unwrap());
    assert_eq!(log, ["a1", "b1", "a2", "flush"], "a2 waited for the barrier of the other");
    assert_eq!((rows, barriers), (3, vec![]));
}

#[test]
fn a_block_that_cannot_be_written_ends_writing() {
    let (ending, log, rows, _) =
        written(vec![(0, block("a1")), (0, block("a2")), (0, End), (1, End)], Some("a2"));
    assert!(matches!(ending, Err(EngineError::Closed)));
    assert_eq!((log, rows), (vec!["a1".into()], 1));
}

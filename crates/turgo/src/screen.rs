//! A terminal that rows and progress share: progress stands on the last line, and makes room for
//! rows.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use turgo_connectors::{Format, StdoutSink};
use turgo_engine::Result;
use turgo_engine::io::{Block, Encode, Sink, WriteBlocks};

use crate::interrupt::Interrupt;

/// The last line of standard error; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastLine {
    // LOCK: taken for each block of rows that a terminal shows, and some times a second.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Progress stands there.
    drawn: bool,
    /// A part of a row may stand there.
    taken: bool,
}

impl LastLine {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows `text` in place of what stood there; not among rows.
    pub(crate) fn draw(&self, text: &str) {
        let mut state = self.lock();
        if !state.taken {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r\x1b[2K{text}").and_then(|()| out.flush());
            state.drawn = true;
        }
    }

    /// Takes away what stands there.
    pub(crate) fn clear(&self) {
        erase(&mut self.lock());
    }

    /// Writes rows where progress stood; `whole`: up to the end of a line.
    fn rows<T>(&self, whole: bool, write: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        erase(&mut state);
        let written = write();
        state.taken = !whole;
        written
    }
}

fn erase(state: &mut State) {
    if std::mem::take(&mut state.drawn) {
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "\r\x1b[2K").and_then(|()| out.flush());
    }
}

/// Where the rows of bare queries go, in `format`, and the line of their progress.
pub(crate) fn stdout(format: Format, interrupt: &Interrupt) -> (Arc<dyn Sink>, LastLine) {
    let last = LastLine::default();
    let rows = StdoutSink::new(format);
    let shared = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    let sink: Arc<dyn Sink> = match shared {
        true => Arc::new(Screen { rows, last: last.clone(), interrupt: interrupt.clone() }),
        false => Arc::new(rows),
    };
    (sink, last)
}

/// Standard output where progress is shown, too.
#[derive(Debug)]
struct Screen {
    rows: StdoutSink,
    last: LastLine,
    interrupt: Interrupt,
}

impl Sink for Screen {
    fn describe(&self) -> String {
        self.rows.describe()
    }

    fn accepts_changes(&self) -> bool {
        self.rows.accepts_changes()
    }

    fn encoder(&self, schema: &SchemaRef, changes: bool) -> Result<Box<dyn Encode>> {
        self.rows.encoder(schema, changes)
    }

    fn writer(&self, schema: &SchemaRef, changes: bool) -> Result<Box<dyn WriteBlocks>> {
        let rows = self.rows.writer(schema, changes)?;
        let (last, interrupt) = (self.last.clone(), self.interrupt.clone());
        Ok(Box::new(Rows { rows, last, interrupt }))
    }
}

struct Rows {
    rows: Box<dyn WriteBlocks>,
    last: LastLine,
    interrupt: Interrupt,
}

impl WriteBlocks for Rows {
    fn write(&mut self, block: Block) -> Result<()> {
        let Self { rows, last, interrupt } = self;
        // What is on its way may be much more than a terminal shows in the time people wait for
        // their prompt.
        match interrupt.seen_enough() {
            true => Ok(()),
            false => last.rows(false, || rows.write(block)),
        }
    }

    fn flush(&mut self) -> Result<()> {
        let Self { rows, last, .. } = self;
        last.rows(true, || rows.flush())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        let Self { rows, last, .. } = *self;
        last.rows(true, || rows.commit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the blocks that are written.
    #[derive(Clone, Default)]
    struct Counted(Arc<Mutex<usize>>); // LOCK: a test.

    impl WriteBlocks for Counted {
        fn write(&mut self, _: Block) -> Result<()> {
            *self.0.lock().unwrap() += 1;
            Ok(())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }

        fn commit(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn rows_on_their_way_are_not_shown_to_somebody_who_has_seen_enough() {
        let written = Counted::default();
        let interrupt = Interrupt::default();
        interrupt.begin();
        let mut rows = Rows {
            rows: Box::new(written.clone()),
            last: LastLine::default(),
            interrupt: interrupt.clone(),
        };
        rows.write(Block::Bytes(Vec::new())).unwrap();
        interrupt.signal(false);
        rows.write(Block::Bytes(Vec::new())).unwrap();
        assert_eq!(*written.0.lock().unwrap(), 1);
        interrupt.begin();
        rows.write(Block::Bytes(Vec::new())).unwrap();
        assert_eq!(*written.0.lock().unwrap(), 2);
    }
}

//! Dead letters on their way from the chains that find them to the threads that write them.
//!
//! - L1. A chain whose letters find no room is parked, as before a full edge: neither workers nor
//!   memory carry what a slow disk cannot take.
//! - L2. A letter that a chain has taken is written, however the run ends: what still waits when the
//!   chain goes away is sent without asking for room.
//! - L3. Tables with the same sink share one writer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, Scope, ScopedJoinHandle};

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::temporal_conversions::timestamp_us_to_datetime;

use crate::error::{EngineError, Result};
use crate::graph::TaskGraph;
use crate::io::{Encode, Position, Sink, Source, WriteBlocks};
use crate::letter::{Letter, Reason};
use crate::message::Batch;
use crate::run::LettersReport;
use crate::runtime::build::guard;
use crate::runtime::ring::{Received, Receiver, Sender, Weigh, ring};
use crate::time::{EventTime, WATERMARK_NONE};

/// Letters of one scan that travel together.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) letters: Vec<Arc<Letter>>,
    bytes: usize,
}

/// About the most bytes that travel together.
const MAIL_BYTES: usize = 64 << 10;
/// Most partitions in which places are found without starting anew: each may hold a file open.
const PLACES_MAX: usize = 64;

impl Weigh for Mail {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Where a chain's letters go.
#[derive(Default)]
pub(crate) struct LetterOutlet {
    boxes: Vec<Option<Sender<Mail>>>,
    waiting: VecDeque<(usize, Mail)>,
}

impl LetterOutlet {
    /// `boxes`: for each scan of the graph, where its letters are written, if anywhere.
    pub(crate) fn new(boxes: Vec<Option<Sender<Mail>>>) -> Self {
        Self { boxes, waiting: VecDeque::new() }
    }

    /// Takes letters; there may be no room for them yet.
    pub(crate) fn put(&mut self, letters: Vec<Arc<Letter>>) {
        for letter in letters {
            let (scan, bytes) = (letter.scan, letter.bytes());
            match self.waiting.back_mut() {
                Some((last, mail)) if *last == scan && mail.bytes < MAIL_BYTES => {
                    mail.letters.push(letter);
                    mail.bytes += bytes;
                }
                _ => self.waiting.push_back((scan, Mail { letters: vec![letter], bytes })),
            }
        }
    }

    /// Passes on what was put, as far as there is room.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some((scan, _)) = self.waiting.front() {
            if let Some(sender) = &self.boxes[*scan]
                && sender.poll_ready(cx).is_pending()
            {
                return Poll::Pending;
            }
            self.send();
        }
        Poll::Ready(())
    }

    /// Sends what waits in front, room or not.
    fn send(&mut self) {
        if let Some((scan, mail)) = self.waiting.pop_front()
            && let Some(sender) = &self.boxes[scan]
        {
            sender.send(mail);
        }
    }
}

impl Drop for LetterOutlet {
    /// L2.
    fn drop(&mut self) {
        while !self.waiting.is_empty() {
            self.send();
        }
    }
}

/// The writers of a run before their threads are started.
pub(crate) struct LetterWriters {
    /// Name and source of each scan of the graph.
    tables: Vec<(String, Arc<dyn Source>)>,
    boxes: Vec<Option<Sender<Mail>>>,
    desks: Vec<Desk>,
}

/// What one thread writes.
struct Desk {
    name: String,
    sink: Arc<dyn Sink>,
    ring: Receiver<Mail>,
}

/// What a thread has written. It is shown when it is published, otherwise taken back.
pub(crate) struct Kept {
    report: LettersReport,
    writer: Box<dyn WriteBlocks>,
}

impl LetterWriters {
    /// The writers that the tables of `graph` ask for, with rings of `edge_bytes`.
    pub(crate) fn new(graph: &TaskGraph, edge_bytes: usize) -> Self {
        let tables = graph.scans().map(|scan| (scan.table.clone(), Arc::clone(&scan.source)));
        let tables = tables.collect();
        let mut boxes = Vec::new();
        let mut senders: Vec<Sender<Mail>> = Vec::new();
        let mut desks: Vec<Desk> = Vec::new();
        for scan in graph.scans() {
            let Some(letters) = &scan.letters else {
                boxes.push(None);
                continue;
            };
            let known = desks.iter().position(|desk| Arc::ptr_eq(&desk.sink, &letters.sink));
            let desk = known.unwrap_or_else(|| {
                let (sender, ring) = ring(edge_bytes);
                let (name, sink) = (letters.name.clone(), Arc::clone(&letters.sink));
                senders.push(sender);
                desks.push(Desk { name, sink, ring });
                desks.len() - 1
            });
            boxes.push(Some(senders[desk].clone()));
        }
        Self { tables, boxes, desks }
    }

    /// The way of a chain's letters to them.
    pub(crate) fn outlet(&self) -> LetterOutlet {
        LetterOutlet::new(self.boxes.clone())
    }

    /// Opens all sinks, then starts the threads, which end when all outlets are gone. `fail` hears
    /// of what goes wrong later.
    ///
    /// # Errors
    /// When a place cannot be written.
    pub(crate) fn start<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        fail: impl Fn(EngineError) + Copy + Send + 'scope,
    ) -> Result<Vec<ScopedJoinHandle<'scope, Option<Kept>>>> {
        let clerks = self.desks.into_iter().map(|desk| guard(|| Clerk::new(desk)));
        let clerks = clerks.collect::<Result<Vec<_>>>()?;
        let tables = Arc::new(self.tables);
        let start = |clerk: Clerk| {
            let tables = Arc::clone(&tables);
            let write = move || guard(|| clerk.write(&tables)).map_err(fail).ok();
            let thread = thread::Builder::new().name("letters".into());
            let cannot = |error| EngineError::external("cannot start a thread for letters", error);
            thread.spawn_scoped(scope, write).map_err(cannot)
        };
        clerks.into_iter().map(start).collect()
    }
}

/// Makes the letters of a run final: where it went to its end, also where there are none, so that
/// nobody takes an earlier run's for its own; otherwise where there are any, which are evidence.
///
/// # Errors
/// The first that cannot be made final; the others are.
pub(crate) fn publish(kept: Vec<Kept>, complete: bool) -> Result<Vec<LettersReport>> {
    let mut first = Ok(());
    let mut reports = Vec::with_capacity(kept.len());
    for Kept { report, writer } in kept {
        if complete || report.bad + report.late > 0 {
            let committed = guard(|| writer.commit().map_err(|error| lost(&report.name, error)));
            first = first.and(committed);
        }
        reports.push(report);
    }
    first.map(|()| reports)
}

/// A reader of letters who goes away leaves rows without a trace: unlike one of results, an error.
fn lost(name: &str, error: EngineError) -> EngineError {
    match error {
        EngineError::Closed => EngineError::external(
            format!("cannot write dead letters to {name}"),
            "their reader closed its end",
        ),
        error => error,
    }
}

/// Writes letters.
struct Clerk {
    ring: Receiver<Mail>,
    report: LettersReport,
    writer: Box<dyn WriteBlocks>,
    /// For records that are text, and for those that are not.
    encoders: [(SchemaRef, Box<dyn Encode>); 2],
}

/// Finds places in a partition.
type Places<'a> = Box<dyn FnMut(Position) -> String + Send + 'a>;

impl Clerk {
    fn new(desk: Desk) -> Result<Self> {
        let Desk { name, sink, ring } = desk;
        let text = schema("raw", DataType::Utf8);
        let bytes = schema("raw_base64", DataType::Binary);
        let writer = sink.writer(&text, false).map_err(|error| lost(&name, error))?;
        let [text_encoder, bytes_encoder] = [&text, &bytes].map(|s| sink.encoder(s, false));
        let encoders = [(text, text_encoder?), (bytes, bytes_encoder?)];
        let report = LettersReport { name, ..LettersReport::default() };
        Ok(Self { ring, report, writer, encoders })
    }

    /// Writes what comes until nobody is left who could send.
    fn write(mut self, tables: &[(String, Arc<dyn Source>)]) -> Result<Kept> {
        let mut places = BTreeMap::new();
        loop {
            let writer = &mut self.writer;
            let received = self.ring.recv(|| writer.flush());
            match received.map_err(|error| lost(&self.report.name, error))? {
                Received::Message(mail) => self
                    .post(&mail.letters, tables, &mut places)
                    .map_err(|error| lost(&self.report.name, error))?,
                Received::Abandoned => break,
            }
        }
        Ok(Kept { report: self.report, writer: self.writer })
    }

    fn post<'a>(
        &mut self,
        letters: &[Arc<Letter>],
        tables: &'a [(String, Arc<dyn Source>)],
        places: &mut BTreeMap<(usize, usize), Places<'a>>,
    ) -> Result<()> {
        let (text, bytes): (Vec<&Letter>, Vec<&Letter>) =
            letters.iter().map(|letter| &**letter).partition(|l| str::from_utf8(&l.raw).is_ok());
        for (letters, (schema, encoder)) in [text, bytes].iter().zip(&mut self.encoders) {
            if letters.is_empty() {
                continue;
            }
            let place = letters.iter().map(|letter| {
                let (scan, partition) = (letter.scan, letter.partition);
                if places.len() >= PLACES_MAX && !places.contains_key(&(scan, partition)) {
                    places.clear();
                }
                let find = places.entry((scan, partition));
                find.or_insert_with(|| tables[scan].1.places(partition))(letter.position)
            });
            let rows = rows(letters, tables, place.collect(), schema)?;
            self.writer.write(encoder.encode(&Batch::derived(rows, WATERMARK_NONE))?)?;
            let bad = letters.iter().filter(|l| matches!(l.reason, Reason::Bad(_))).count() as u64;
            self.report.bad += bad;
            self.report.late += letters.len() as u64 - bad;
        }
        Ok(())
    }
}

/// The columns of letters; the record is the last.
fn schema(raw: &str, raw_type: DataType) -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![
        text("table"),
        text("place"),
        Field::new("position", DataType::UInt64, false),
        text("kind"),
        text("reason"),
        Field::new(raw, raw_type, false),
    ]))
}

fn rows(
    letters: &[&Letter],
    tables: &[(String, Arc<dyn Source>)],
    places: Vec<String>,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let tables = letters.iter().map(|letter| Some(&tables[letter.scan].0));
    let kinds = letters.iter().map(|letter| match letter.reason {
        Reason::Bad(_) => Some("bad"),
        Reason::Late { .. } => Some("late"),
    });
    let reasons = letters.iter().map(|letter| Some(reason(letter)));
    let raw = letters.iter().map(|letter| &letter.raw[..]);
    let raw: ArrayRef = match schema.field(schema.fields().len() - 1).data_type() {
        DataType::Utf8 => {
            Arc::new(raw.map(|raw| str::from_utf8(raw).ok()).collect::<StringArray>())
        }
        _ => Arc::new(BinaryArray::from_iter_values(raw)),
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(tables.collect::<StringArray>()),
        Arc::new(StringArray::from(places)),
        Arc::new(UInt64Array::from_iter_values(letters.iter().map(|letter| letter.position))),
        Arc::new(kinds.collect::<StringArray>()),
        Arc::new(reasons.collect::<StringArray>()),
        raw,
    ];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn reason(letter: &Letter) -> String {
    match &letter.reason {
        Reason::Bad(reason) => reason.clone(),
        Reason::Late { time, watermark } => format!(
            "late: event time {} is behind the watermark {}, which has closed its windows",
            instant(*time),
            instant(*watermark)
        ),
    }
}

/// An instant with as many digits as it needs.
fn instant(time: EventTime) -> String {
    timestamp_us_to_datetime(time).map_or_else(
        || format!("{time} microseconds from 1970"),
        |time| time.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
    )
}

//! The source end of a chain: takes chunks, decodes them, and works out under which watermark each
//! row was read (rule T1 of `time`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_physical_expr::PhysicalExpr;

use crate::error::{EngineError, Result};
use crate::graph::{OnError, PLACES, Scan};
use crate::io::{ChunkData, Decode, Decoded, Position, Rejected};
use crate::letter::{Letter, Reason, RowLetters};
use crate::message::{Batch, Message, RowWatermark};
use crate::operator::RowCounts;
use crate::runtime::dispenser::{Dispenser, Next, Ticket};
use crate::runtime::inlet::{Inlet, Input};
use crate::time::{EventTime, EventTimes, WATERMARK_END, WATERMARK_NONE};

/// The rows of one batch before their watermarks are known.
struct Read {
    rows: RecordBatch,
    starts: Vec<Position>,
    /// The event time of each row, which all have one; empty where the table has none.
    times: EventTimes,
    marks: Marks,
}

/// The watermarks that rows stand for.
#[derive(Debug, Clone)]
enum Marks {
    /// None: they promise nothing.
    Nothing,
    /// The event time less this; within the range of time.
    Behind(i64),
    /// One for each row.
    Each(Vec<EventTime>),
}

impl Marks {
    /// That of row `row`, whose event time is `time`.
    #[inline]
    fn of(&self, row: usize, time: EventTime) -> EventTime {
        match self {
            Self::Nothing => WATERMARK_NONE,
            Self::Behind(bound) => time - bound,
            Self::Each(marks) => marks[row],
        }
    }

    /// The highest of them; `times` are those of the rows.
    fn highest(&self, times: &EventTimes) -> EventTime {
        let last = times.range().map(|(_, last)| last);
        match self {
            Self::Nothing => WATERMARK_NONE,
            Self::Behind(bound) => last.map_or(WATERMARK_NONE, |last| last - bound),
            Self::Each(marks) => marks.iter().copied().fold(WATERMARK_NONE, EventTime::max),
        }
    }
}

/// What the expressions of a scan make of decoded rows.
struct Computed {
    /// The columns that leave the scan.
    rows: RecordBatch,
    /// The event time of each row, where the table has event times.
    times: Option<EventTimes>,
    marks: Marks,
}

enum Stage {
    /// Holds no chunk.
    Free,
    /// A chunk is decoded; the watermark before it is not known yet.
    Decoded { chunk: (usize, u64), reads: VecDeque<Read> },
    /// Its batches are being handed on; `running` is the watermark behind the last one.
    Handing { partition: usize, reads: VecDeque<Read>, running: EventTime },
}

/// A [`Scan`] as the input of one instance.
pub(crate) struct ScanInlet {
    scan: Arc<Scan>,
    /// Its number in the graph.
    number: usize,
    schema: SchemaRef,
    /// `schema` with the columns [`PLACES`].
    placed: SchemaRef,
    dispenser: Arc<Dispenser>,
    instance: usize,
    batch_rows: usize,
    decoder: Box<dyn Decode>,
    /// Where the decoder's chunk starts.
    start: Position,
    stage: Stage,
    promised: EventTime,
    last: Option<(usize, Vec<Position>)>,
    counts: RowCounts,
    letters: Vec<Arc<Letter>>,
    /// [`Scan::watermark_bound`]
    bound: Option<i64>,
}

impl ScanInlet {
    /// The input of instance `instance`; `scan` comes with its number in the graph.
    ///
    /// # Errors
    /// When the format cannot carry a column.
    pub(crate) fn new(
        (number, scan): (usize, Arc<Scan>),
        schema: SchemaRef,
        dispenser: Arc<Dispenser>,
        instance: usize,
        batch_rows: usize,
    ) -> Result<Self> {
        let decoder = scan.source.decoder(&scan.projection)?;
        let places = PLACES.map(|name| Arc::new(Field::new(name, DataType::UInt64, false)));
        let fields: Vec<_> = schema.fields().iter().cloned().chain(places).collect();
        Ok(Self {
            bound: scan.watermark_bound(),
            scan,
            number,
            placed: Arc::new(Schema::new(fields)),
            schema,
            dispenser,
            instance,
            batch_rows: batch_rows.max(1),
            decoder,
            start: 0,
            stage: Stage::Free,
            promised: WATERMARK_NONE,
            last: None,
            counts: RowCounts::default(),
            letters: Vec::new(),
        })
    }

    /// Decodes a whole chunk and publishes the watermark it stands for.
    fn decode(&mut self, ticket: Ticket) -> Result<()> {
        let Ticket { partition, sequence, chunk } = ticket;
        self.start = chunk.start;
        if let ChunkData::Skipped { rows, watermark } = chunk.data {
            self.counts.filtered += rows;
            let chunk = (partition, sequence);
            self.dispenser.publish(chunk, watermark, rows, 0);
            self.stage = Stage::Decoded { chunk, reads: VecDeque::new() };
            return Ok(());
        }
        let (mut reads, mut highest) = (VecDeque::new(), WATERMARK_NONE);
        let (mut rows_in, mut batches) = (0, 0);
        self.decoder.begin(chunk);
        while let Some(decoded) = self.decoder.next(self.batch_rows)? {
            rows_in += (decoded.rows.num_rows() + decoded.rejected.len()) as u64;
            batches += 1;
            let Decoded { rows, starts, rejected } = decoded;
            rejected.into_iter().try_for_each(|rejected| self.reject(partition, rejected))?;
            let starts = starts.iter().map(|offset| self.start + Position::from(*offset));
            let read = self.read(partition, starts.collect(), rows)?;
            highest = highest.max(read.marks.highest(&read.times));
            if read.rows.num_rows() > 0 {
                reads.push_back(read);
            }
        }
        let chunk = (partition, sequence);
        self.dispenser.publish(chunk, highest, rows_in, batches);
        self.stage = Stage::Decoded { chunk, reads };
        Ok(())
    }

    /// A record that cannot be used: an error, or counted and perhaps kept, as the table says.
    fn reject(&mut self, partition: usize, rejected: Rejected) -> Result<()> {
        let Rejected { at, reason, raw } = rejected;
        if self.scan.on_error == OnError::Fail {
            return Err(EngineError::Data {
                message: format!("{reason}; 'on-error' = 'skip' leaves such rows out"),
                place: Some(self.scan.source.place(partition, at)),
            });
        }
        self.counts.rejected += 1;
        if self.scan.letters.as_ref().is_some_and(|letters| letters.bad) {
            self.letters.push(self.letter((partition, at), Reason::Bad(reason), raw));
        }
        Ok(())
    }

    /// The same of a row that was decoded.
    fn reject_row(&mut self, partition: usize, at: Position, reason: String) -> Result<()> {
        let kept = self.scan.letters.as_ref().is_some_and(|letters| letters.bad);
        let raw = if kept { self.record(at) } else { Vec::new() };
        self.reject(partition, Rejected { at, reason, raw })
    }

    fn letter(&self, place: (usize, Position), reason: Reason, raw: Vec<u8>) -> Arc<Letter> {
        let (partition, position) = place;
        Arc::new(Letter { scan: self.number, partition, position, reason, raw })
    }

    /// The record at `at`, in the chunk that is decoded.
    fn record(&self, at: Position) -> Vec<u8> {
        let start = u32::try_from(at - self.start).ok();
        start.and_then(|start| self.decoder.record(start)).unwrap_or_default().to_vec()
    }

    /// Computes the columns of the scan and the event times, leaving out rows that have none.
    fn read(
        &mut self,
        partition: usize,
        starts: Vec<Position>,
        decoded: RecordBatch,
    ) -> Result<Read> {
        let (Computed { rows, times, marks }, starts) =
            self.computed(partition, starts, decoded)?;
        let scan = Arc::clone(&self.scan);
        let rows = self.with_places(partition, rows, &starts)?;
        let (Some(spec), Some(times)) = (&scan.event_time, times) else {
            return Ok(Read { rows, starts, times: EventTimes::of_all(vec![]), marks });
        };
        if times.are_known() {
            return Ok(Read { rows, starts, times, marks });
        }
        let column = &scan.columns[spec.column].field;
        let (mut kept, mut kept_times) = (Vec::new(), Vec::new());
        for (row, time) in times.iter().enumerate() {
            match time {
                Some(time) => {
                    kept.push(row);
                    kept_times.push(time);
                }
                None => {
                    let reason = match rows.column(spec.column).is_null(row) {
                        true => format!("the event time `{}` is NULL", column.name()),
                        false => format!("the event time `{}` is out of range", column.name()),
                    };
                    self.reject_row(partition, starts[row], reason)?;
                }
            }
        }
        let marks = match marks {
            Marks::Each(marks) => Marks::Each(kept.iter().map(|row| marks[*row]).collect()),
            other => other,
        };
        let starts = kept.iter().map(|row| starts[*row]).collect();
        let mask: BooleanArray = times.iter().map(|time| Some(time.is_some())).collect();
        Ok(Read {
            rows: filter_record_batch(&rows, &mask)?,
            starts,
            times: EventTimes::of_all(kept_times),
            marks,
        })
    }

    /// The rows with the columns [`PLACES`] behind theirs, where the scan has them.
    fn with_places(
        &self,
        partition: usize,
        rows: RecordBatch,
        starts: &[Position],
    ) -> Result<RecordBatch> {
        let Some(scan) = self.scan.places else { return Ok(rows) };
        let partition = u64::from(scan) << 32 | partition as u64;
        let places: [ArrayRef; 2] = [
            Arc::new(UInt64Array::from_value(partition, starts.len())),
            Arc::new(UInt64Array::from(starts.to_vec())),
        ];
        let columns: Vec<ArrayRef> = rows.columns().iter().cloned().chain(places).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.placed), columns)?)
    }

    /// Computes the columns of the scan and the watermarks; a row for which that fails is a bad one,
    /// and its neighbours are kept.
    fn computed(
        &mut self,
        partition: usize,
        mut starts: Vec<Position>,
        mut decoded: RecordBatch,
    ) -> Result<(Computed, Vec<Position>)> {
        let error = match self.compute(&decoded) {
            Ok(computed) => return Ok((computed, starts)),
            Err(error) => error,
        };
        let mut kept = vec![true; decoded.num_rows()];
        for row in 0..decoded.num_rows() {
            if let Err(EngineError::Data { message, .. }) = self.compute(&decoded.slice(row, 1)) {
                self.reject_row(partition, starts[row], message)?;
                kept[row] = false;
            }
        }
        if kept.iter().all(|kept| *kept) {
            return Err(error.at(|| self.scan.table.clone()));
        }
        starts = starts.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(s, _)| *s).collect();
        decoded = filter_record_batch(&decoded, &BooleanArray::from(kept))?;
        Ok((self.compute(&decoded)?, starts))
    }

    fn compute(&self, decoded: &RecordBatch) -> Result<Computed> {
        let evaluate = |expr: &Arc<dyn PhysicalExpr>, rows: &RecordBatch| -> Result<ArrayRef> {
            Ok(expr.evaluate(rows)?.into_array(rows.num_rows())?)
        };
        let columns = self.scan.columns.iter().map(|column| evaluate(&column.expr, decoded));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(decoded.num_rows()));
        let schema = Arc::clone(&self.schema);
        let rows = RecordBatch::try_new_with_options(schema, columns, &options)?;
        let Some(spec) = &self.scan.event_time else {
            return Ok(Computed { rows, times: None, marks: Marks::Nothing });
        };
        let times = EventTimes::of(rows.column(spec.column))?;
        let marks = match (self.bound.filter(|bound| stays(&times, *bound)), &spec.watermark) {
            (Some(bound), _) => Marks::Behind(bound),
            (None, Some(watermark)) => {
                let marks = EventTimes::of(&evaluate(watermark, &rows)?)?;
                let less = |mark: EventTime| mark.saturating_sub(spec.lateness);
                Marks::Each(marks.iter().map(|mark| mark.map_or(WATERMARK_NONE, less)).collect())
            }
            (None, None) => Marks::Nothing,
        };
        Ok(Computed { rows, times: Some(times), marks })
    }

    /// Gives each row of a batch the watermark before it, and moves the running one past them.
    fn under(read: &Read, running: &mut EventTime) -> RowWatermark {
        let Read { times, marks, .. } = read;
        let before = *running;
        let after = before.max(marks.highest(times));
        if times.range().is_none_or(|(first, _)| first >= after) {
            *running = after;
            return RowWatermark::Same(before);
        }
        let mut late = false;
        for (row, time) in times.iter().flatten().enumerate() {
            late |= time < *running;
            *running = (*running).max(marks.of(row, time));
        }
        if !late {
            return RowWatermark::Same(before);
        }
        let mut running = before;
        let each = times.iter().flatten().enumerate().map(|(row, time)| {
            let after = running.max(marks.of(row, time));
            std::mem::replace(&mut running, after)
        });
        RowWatermark::Each(each.collect())
    }

    /// What each row of a batch leaves behind where it turns out late; see [`crate::letter`].
    fn letters_of(
        &self,
        partition: usize,
        read: &Read,
        under: &RowWatermark,
    ) -> Option<RowLetters> {
        let RowWatermark::Each(under) = under else { return None };
        self.scan.letters.as_ref().filter(|letters| letters.late)?;
        let rows = read.times.iter().flatten().zip(under).zip(&read.starts);
        let letter = |((time, watermark), start): ((EventTime, &EventTime), &Position)| {
            let reason = Reason::Late { time, watermark: *watermark };
            let behind = time < *watermark;
            behind.then(|| self.letter((partition, *start), reason, self.record(*start)))
        };
        Some(rows.map(letter).collect())
    }

    /// The watermark an instance without a chunk may promise, if that is news.
    fn promise(&mut self) -> Option<Input> {
        let promise = self.dispenser.promise();
        (promise > self.promised && promise < WATERMARK_END).then(|| {
            self.promised = promise;
            Input::Message(Message::Watermark(promise))
        })
    }
}

/// Whether all times less `bound` are within the range of time; where one is not, the expression of
/// the watermark has to say so.
fn stays(times: &EventTimes, bound: i64) -> bool {
    let first = EventTime::MIN.saturating_add(bound.max(0));
    let span = first..=EventTime::MAX.saturating_add(bound.min(0));
    match times.range() {
        Some((first, last)) => span.contains(&first) && span.contains(&last),
        None => times.iter().flatten().all(|time| span.contains(&time)),
    }
}

impl Inlet for ScanInlet {
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Poll<Input>> {
        loop {
            match &mut self.stage {
                Stage::Handing { partition, reads, running } => {
                    if let Some(read) = reads.pop_front() {
                        let under = Self::under(&read, running);
                        let partition = *partition;
                        let letters = self.letters_of(partition, &read, &under);
                        self.last = Some((partition, read.starts));
                        let (rows, changes) = (read.rows, None);
                        let batch = Batch { rows, under, changes, unaccounted: true, letters };
                        return Ok(Poll::Ready(Input::Message(Message::Batch(batch))));
                    }
                    self.stage = Stage::Free;
                }
                Stage::Decoded { chunk, reads } => {
                    let running = match self.dispenser.poll_before(self.instance, *chunk, cx) {
                        Poll::Ready(before) => before,
                        Poll::Pending => return Ok(Poll::Pending),
                    };
                    let (partition, reads) = (chunk.0, std::mem::take(reads));
                    self.stage = Stage::Handing { partition, reads, running };
                }
                Stage::Free => {
                    if !self.letters.is_empty() {
                        // They find room before the next chunk brings more, whether or not this
                        // one had rows.
                        cx.waker().wake_by_ref();
                        return Ok(Poll::Pending);
                    }
                    if let Some(promise) = self.promise() {
                        return Ok(Poll::Ready(promise));
                    }
                    match self.dispenser.poll_next(self.instance, cx) {
                        Poll::Pending => return Ok(Poll::Pending),
                        Poll::Ready(Next::Chunk(ticket)) => self.decode(ticket)?,
                        Poll::Ready(Next::Barrier(generation)) => {
                            let message = Message::Barrier(generation);
                            return Ok(Poll::Ready(Input::Message(message)));
                        }
                        Poll::Ready(Next::End) => {
                            // What the last chunks have shown meanwhile comes before the end.
                            let last = self.promise();
                            return Ok(Poll::Ready(last.unwrap_or(Input::Message(Message::End))));
                        }
                        Poll::Ready(Next::Stopped) => return Ok(Poll::Ready(Input::Abandoned)),
                    }
                }
            }
        }
    }

    fn place(&self, row: usize) -> Option<String> {
        let (partition, starts) = self.last.as_ref()?;
        Some(self.scan.source.place(*partition, *starts.get(row)?))
    }

    fn counts(&mut self) -> RowCounts {
        std::mem::take(&mut self.counts)
    }

    fn letters(&mut self) -> Vec<Arc<Letter>> {
        std::mem::take(&mut self.letters)
    }
}

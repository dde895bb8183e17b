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
use crate::io::{Decode, Decoded, Position, Rejected};
use crate::letter::{Letter, Reason, RowLetters};
use crate::message::{Batch, Message, RowWatermark};
use crate::operator::RowCounts;
use crate::runtime::dispenser::{Dispenser, Next, Ticket};
use crate::runtime::inlet::{Inlet, Input};
use crate::time::{EventTime, WATERMARK_END, WATERMARK_NONE, event_times};

/// The rows of one batch before their watermarks are known.
struct Read {
    rows: RecordBatch,
    starts: Vec<Position>,
    /// Event time and watermark of each row; empty where the table has no event time.
    times: Vec<(EventTime, EventTime)>,
}

/// What the expressions of a scan make of decoded rows.
struct Computed {
    /// The columns that leave the scan.
    rows: RecordBatch,
    /// The event time of each row, `None` where it has none; empty without an event time.
    times: Vec<Option<EventTime>>,
    /// The watermark each row stands for, `None` where that is NULL; empty without an event time.
    marks: Vec<Option<EventTime>>,
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
    /// [`crate::graph::EventTimeSpec::bound`]
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
        let bound = scan.event_time.as_ref().and_then(|spec| {
            match scan.columns[spec.column].field.data_type() {
                DataType::Timestamp(unit, None) => spec.bound(*unit),
                _ => None,
            }
        });
        let places = PLACES.map(|name| Arc::new(Field::new(name, DataType::UInt64, false)));
        let fields: Vec<_> = schema.fields().iter().cloned().chain(places).collect();
        Ok(Self {
            bound,
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
            highest = read.times.iter().map(|(_, mark)| *mark).fold(highest, EventTime::max);
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
        let Some(spec) = &scan.event_time else {
            let rows = self.with_places(partition, rows, &starts)?;
            return Ok(Read { rows, starts, times: Vec::new() });
        };
        let column = &scan.columns[spec.column].field;
        let mut kept = vec![true; rows.num_rows()];
        for (row, time) in times.iter().enumerate() {
            if time.is_none() {
                let reason = match rows.column(spec.column).is_null(row) {
                    true => format!("the event time `{}` is NULL", column.name()),
                    false => format!("the event time `{}` is out of range", column.name()),
                };
                self.reject_row(partition, starts[row], reason)?;
                kept[row] = false;
            }
        }
        let pairs = times
            .iter()
            .zip(&marks)
            .filter_map(|(time, mark)| time.map(|time| (time, mark.unwrap_or(WATERMARK_NONE))));
        let times: Vec<_> = pairs.collect();
        let rows = self.with_places(partition, rows, &starts)?;
        if times.len() == kept.len() {
            return Ok(Read { rows, starts, times });
        }
        let starts = starts.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(s, _)| *s).collect();
        Ok(Read { rows: filter_record_batch(&rows, &BooleanArray::from(kept))?, starts, times })
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
            return Ok(Computed { rows, times: Vec::new(), marks: Vec::new() });
        };
        let times = event_times(rows.column(spec.column))?;
        let marks = match (self.bounded(&times), &spec.watermark) {
            (Some(marks), _) => marks,
            (None, Some(watermark)) => event_times(&evaluate(watermark, &rows)?)?,
            (None, None) => vec![None; rows.num_rows()],
        };
        Ok(Computed { rows, times, marks })
    }

    /// The watermarks where they are times less a bound; `None` also where one leaves the range of
    /// time, which the expression then has to report.
    fn bounded(&self, times: &[Option<EventTime>]) -> Option<Vec<Option<EventTime>>> {
        let bound = self.bound?;
        let behind = |time: &Option<EventTime>| match time {
            Some(time) => time.checked_sub(bound).map(Some),
            None => Some(None),
        };
        times.iter().map(behind).collect()
    }

    /// Gives each row of a batch the watermark before it, and moves the running one past them.
    fn under(read: &Read, running: &mut EventTime) -> RowWatermark {
        let before = *running;
        let mut late = false;
        for (time, mark) in &read.times {
            late |= time < running;
            *running = (*running).max(*mark);
        }
        if !late {
            return RowWatermark::Same(before);
        }
        let mut running = before;
        RowWatermark::Each(
            read.times
                .iter()
                .map(|(_, mark)| {
                    let after = running.max(*mark);
                    std::mem::replace(&mut running, after)
                })
                .collect(),
        )
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
        let rows = read.times.iter().zip(under).zip(&read.starts);
        let letter =
            |(((time, _), watermark), start): ((&(EventTime, _), &EventTime), &Position)| {
                let reason = Reason::Late { time: *time, watermark: *watermark };
                let behind = time < watermark;
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

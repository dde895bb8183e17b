//! Between the thread that reads a source and the instances that decode it: hands out chunks in
//! order, and keeps the watermark of every partition in the order of its rows.
//!
//! - D1. Chunks of a partition are handed out in order of their `sequence`; any instance may take
//!   the next one.
//! - D2. `Clock::watermark` of a partition covers exactly its first `Clock::sequenced` chunks: the
//!   maximum over them of the watermarks their rows stand for. An instance publishes its chunk's
//!   maximum when it has decoded it, and learns the watermark in force before its first row when all
//!   chunks before it have been published. Publishing waits for nothing, so nobody waits for ever.
//! - D3. An instance that holds no chunk may promise the smallest `Clock::watermark`: whatever chunk
//!   it takes later lies behind the sequenced ones of its partition. A partition that has ended does
//!   not hold the others back, so when all have ended the promise is the largest watermark that any
//!   row stands for: the same whichever of them ended last.
//! - D4. A barrier is taken once by each instance, when it holds no chunk, and no chunk behind it is
//!   handed out before all have taken it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::io::{Chunk, ChunkData, Partition, Position};
use crate::run::PartitionReport;
use crate::runtime::pace::Pace;
use crate::time::{EventTime, WATERMARK_END, WATERMARK_NONE};

/// A chunk and its place.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Index of its partition.
    pub(crate) partition: usize,
    /// Its number in the partition.
    pub(crate) sequence: u64,
    /// The records.
    pub(crate) chunk: Chunk,
}

/// What an instance gets.
#[derive(Debug)]
pub(crate) enum Next {
    /// A chunk to decode.
    Chunk(Ticket),
    /// A barrier to pass on.
    Barrier(u64),
    /// All partitions have been read.
    End,
    /// The run was stopped: there are more rows, but not for this run.
    Stopped,
}

#[derive(Debug)]
enum Entry {
    Chunk(Ticket),
    Barrier { generation: u64, taken: Vec<bool>, marks: Vec<PartitionMark> },
}

/// A partition as the instances and the reader see it.
#[derive(Debug, Clone, Default)]
struct Clock {
    report: PartitionReport,
    /// Its reader counts the bytes read.
    counted: bool,
    position: Position,
    dispatched: u64,
    sequenced: u64,
    watermark: EventTime,
    published: BTreeMap<u64, EventTime>,
    before: BTreeMap<u64, EventTime>,
}

impl Clock {
    fn done(&self) -> bool {
        !self.report.active && self.sequenced == self.dispatched
    }

    fn in_flight(&self) -> u64 {
        self.dispatched - self.sequenced
    }
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Entry>,
    clocks: Vec<Clock>,
    listed: bool,
    complete: bool,
    stopped: bool,
    waiting: Vec<Option<Waker>>,
    marks: Vec<(u64, Vec<PartitionMark>)>,
}

/// Where a partition stands at a barrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartitionMark {
    /// Its name.
    pub(crate) name: String,
    /// Where the next chunk starts.
    pub(crate) position: Position,
    /// Its watermark there.
    pub(crate) watermark: EventTime,
    /// It has been read to its end.
    pub(crate) done: bool,
}

/// Chunks and clocks of one scan.
#[derive(Debug)]
pub(crate) struct Dispenser {
    // LOCK: taken a few times per chunk of some MiB, never per row.
    state: Mutex<State>,
    // LOCK: only the source thread waits here.
    room: Condvar,
    instances: usize,
    /// The pace it keeps with other scans, and its number there.
    pace: Option<(Arc<Pace>, usize)>,
}

impl State {
    /// The lowest watermark of the partitions that are still read.
    fn lowest(&self) -> Option<EventTime> {
        let active = self.clocks.iter().filter(|clock| clock.report.active);
        active.map(|clock| clock.watermark).min()
    }

    /// The partition to read, where `lowest` is the lowest watermark and none above `limit` may be.
    fn next(&self, lowest: EventTime, limit: EventTime) -> Option<(usize, &Clock)> {
        let active = self.clocks.iter().enumerate().filter(|(_, clock)| clock.report.active);
        active.filter(|(_, clock)| clock.watermark <= limit).min_by_key(|(_, clock)| {
            let busy = match lowest == WATERMARK_NONE {
                // Nothing is known of the time of any: in order, but for a first look.
                true => u64::from(clock.dispatched > 0),
                false => clock.in_flight(),
            };
            (busy, clock.watermark)
        })
    }
}

impl Dispenser {
    /// A dispenser for `instances` instances.
    pub(crate) fn new(instances: usize) -> Self {
        let state = State { waiting: vec![None; instances], ..State::default() };
        Self { state: Mutex::new(state), room: Condvar::new(), instances, pace: None }
    }

    /// The same, keeping `pace` with other scans.
    pub(crate) fn with_pace(self, pace: Arc<Pace>) -> Self {
        let scan = pace.join();
        Self { pace: Some((pace, scan)), ..self }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(mut state: MutexGuard<'_, State>) {
        let wakers: Vec<Waker> = state.waiting.iter_mut().filter_map(Option::take).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells the other scans how far this one is.
    fn keep_pace(&self, state: &State) {
        if let Some((pace, scan)) = &self.pace {
            pace.set(*scan, state.lowest().unwrap_or(WATERMARK_END));
        }
    }

    // --- The reader's side.

    /// Names the partitions, and where reading starts in each.
    pub(crate) fn list(&self, partitions: Vec<Partition>, marks: &[PartitionMark]) {
        let mut state = self.lock();
        state.clocks = partitions
            .into_iter()
            .map(|partition| {
                let mark = marks.iter().find(|mark| mark.name == partition.name);
                let watermark = mark.map_or(WATERMARK_NONE, |mark| mark.watermark);
                Clock {
                    report: PartitionReport {
                        name: partition.name,
                        active: !mark.is_some_and(|mark| mark.done),
                        bytes_total: partition.bytes,
                        watermark,
                        ..PartitionReport::default()
                    },
                    position: mark.map_or(0, |mark| mark.position),
                    watermark,
                    ..Clock::default()
                }
            })
            .collect();
        state.listed = true;
        self.keep_pace(&state);
    }

    /// Waits until there is room for a chunk and says which partition to read and from where;
    /// `None` when there is nothing more to read, or the run was stopped.
    ///
    /// The partition with the lowest watermark is read first, one nobody has looked into before all
    /// others. While its rows are still being decoded, another may be read that leads by at most
    /// `drift_max`. A scan that leads the slowest of all scans by more waits for it.
    pub(crate) fn choose(&self, drift_max: i64) -> Option<(usize, Position)> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if state.queue.len() < self.instances {
                let own = state.lowest()?;
                let all = self.pace.as_ref().map_or(own, |(pace, _)| pace.lowest());
                if let Some((index, clock)) = state.next(own, all.saturating_add(drift_max)) {
                    return Some((index, clock.position));
                }
                let pace = self.pace.as_ref();
                let (pace, _) = pace.expect("one's own lowest watermark is within one's own limit");
                drop(state);
                pace.wait(all);
                state = self.lock();
                continue;
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether partition `index` has been read before; its first chunk is a small one.
    pub(crate) fn is_new(&self, index: usize) -> bool {
        self.lock().clocks[index].dispatched == 0
    }

    /// Puts a chunk of partition `index` at the end of the queue; `None`: the partition has ended.
    pub(crate) fn push(&self, index: usize, chunk: Option<Chunk>) {
        let mut state = self.lock();
        let clock = &mut state.clocks[index];
        match chunk {
            Some(chunk) => {
                let sequence = clock.dispatched;
                clock.dispatched += 1;
                clock.report.bytes += match chunk.data {
                    _ if clock.counted => 0,
                    // What a source repeats in every chunk has been read once.
                    ChunkData::Bytes(_) => chunk.end.saturating_sub(clock.position),
                    _ => chunk.bytes() as u64,
                };
                clock.position = chunk.end;
                let ticket = Ticket { partition: index, sequence, chunk };
                state.queue.push_back(Entry::Chunk(ticket));
            }
            None => clock.report.active = false,
        }
        self.keep_pace(&state);
        Self::wake_all(state);
    }

    /// So many bytes of partition `index` have been read: its reader counts them itself.
    pub(crate) fn count_bytes(&self, index: usize, bytes: u64) {
        let mut state = self.lock();
        let clock = &mut state.clocks[index];
        (clock.report.bytes, clock.counted) = (bytes, true);
    }

    /// Puts a barrier at the end of the queue.
    pub(crate) fn barrier(&self, generation: u64) {
        let mut state = self.lock();
        let taken = vec![false; self.instances];
        let marks = state.clocks.iter().map(Clock::mark).collect();
        state.queue.push_back(Entry::Barrier { generation, taken, marks });
        Self::wake_all(state);
    }

    /// All partitions have been read.
    pub(crate) fn complete(&self) {
        let mut state = self.lock();
        state.complete = true;
        Self::wake_all(state);
    }

    /// Hands out nothing more; what has been handed out is still worked off.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.queue.clear();
        self.room.notify_all();
        if let Some((pace, _)) = &self.pace {
            pace.stop();
        }
        Self::wake_all(state);
    }

    // --- The instances' side.

    /// The next thing for `instance`, which holds no chunk.
    pub(crate) fn poll_next(&self, instance: usize, cx: &mut Context<'_>) -> Poll<Next> {
        let mut state = self.lock();
        if state.stopped {
            return Poll::Ready(Next::Stopped);
        }
        match state.queue.front() {
            Some(Entry::Barrier { taken, .. }) if !taken[instance] => {
                return Poll::Ready(Next::Barrier(self.take_barrier(state, instance)));
            }
            Some(Entry::Chunk(_)) => {
                if let Some(Entry::Chunk(ticket)) = state.queue.pop_front() {
                    self.room.notify_all();
                    return Poll::Ready(Next::Chunk(ticket));
                }
            }
            None if state.complete => return Poll::Ready(Next::End),
            Some(Entry::Barrier { .. }) | None => {}
        }
        state.waiting[instance] = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Notes that `instance` has reached the barrier at the front, and lifts it after the last one.
    fn take_barrier(&self, mut state: MutexGuard<'_, State>, instance: usize) -> u64 {
        let Some(Entry::Barrier { generation, taken, mut marks }) = state.queue.pop_front() else {
            unreachable!("the caller has seen a barrier at the front");
        };
        let mut taken = taken;
        taken[instance] = true;
        if !taken.iter().all(|taken| *taken) {
            state.queue.push_front(Entry::Barrier { generation, taken, marks });
            return generation;
        }
        // Positions are those of the barrier; the watermark is exact now, because all chunks before
        // it are published and none behind it has been handed out (D4).
        for (mark, clock) in marks.iter_mut().zip(&state.clocks) {
            mark.watermark = clock.watermark;
        }
        state.marks.push((generation, marks));
        self.room.notify_all();
        Self::wake_all(state);
        generation
    }

    /// The rows of a chunk are decoded: `rows` of them, in `batches`, and the largest watermark they
    /// stand for is `highest` (D2).
    pub(crate) fn publish(&self, chunk: (usize, u64), highest: EventTime, rows: u64, batches: u64) {
        let (partition, sequence) = chunk;
        let mut state = self.lock();
        let clock = &mut state.clocks[partition];
        clock.report.rows += rows;
        clock.report.batches += batches;
        clock.published.insert(sequence, highest);
        while let Some(highest) = clock.published.remove(&clock.sequenced) {
            clock.before.insert(clock.sequenced, clock.watermark);
            clock.watermark = clock.watermark.max(highest);
            clock.sequenced += 1;
        }
        clock.report.watermark = clock.watermark;
        self.keep_pace(&state);
        self.room.notify_all();
        Self::wake_all(state);
    }

    /// The watermark in force before the first row of a published chunk.
    pub(crate) fn poll_before(
        &self,
        instance: usize,
        chunk: (usize, u64),
        cx: &mut Context<'_>,
    ) -> Poll<EventTime> {
        let (partition, sequence) = chunk;
        let mut state = self.lock();
        match state.clocks[partition].before.remove(&sequence) {
            Some(watermark) => Poll::Ready(watermark),
            None => {
                state.waiting[instance] = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The watermark an instance without a chunk may promise (D3).
    pub(crate) fn promise(&self) -> EventTime {
        let state = self.lock();
        if !state.listed {
            return WATERMARK_NONE;
        }
        let open = state.clocks.iter().filter(|clock| !clock.done());
        let lowest = open.map(|clock| clock.watermark).min();
        lowest.unwrap_or_else(|| {
            state.clocks.iter().map(|clock| clock.watermark).max().unwrap_or(WATERMARK_NONE)
        })
    }

    /// What has been read so far.
    pub(crate) fn partitions(&self) -> Vec<PartitionReport> {
        self.lock().clocks.iter().map(|clock| clock.report.clone()).collect()
    }

    /// Where each partition stood at barrier `generation`, or stands now if it had ended before.
    pub(crate) fn marks(&self, generation: u64) -> Vec<PartitionMark> {
        let state = self.lock();
        match state.marks.iter().find(|(of, _)| *of == generation) {
            Some((_, marks)) => marks.clone(),
            None => state.clocks.iter().map(Clock::mark).collect(),
        }
    }
}

impl Clock {
    fn mark(&self) -> PartitionMark {
        PartitionMark {
            name: self.report.name.clone(),
            position: self.position,
            watermark: self.watermark,
            done: !self.report.active,
        }
    }
}

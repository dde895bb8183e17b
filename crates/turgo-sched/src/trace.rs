//! What happened when: a ring of events per worker, written by the worker alone and read by anybody.
//!
//! Off, it costs one branch per event; on, a reading of the clock and four stores. When a ring is full the oldest events go. Browsers show it: see [`chrome_json`].
//!
//! Beside it, a [`Recording`] has the decisions of one run of a graph, all of them, in one order. With the graph it is a [`RecordedRun`], which can be written to a file and read.
//!
//! # Invariants
//!
//! - **E1** Only the owner writes to a ring. The head is raised with Release after an event was written, so what lies below it is written.
//! - **E2** A reader that finds the head further on after copying drops what may have been overwritten meanwhile: it reports no torn event.

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, Ordering, fence};
use turgo_machine::mutant;

use crate::layout::WorkerId;

mod chrome;
mod file;
mod recording;
mod run;

pub use chrome::chrome_json;
pub use file::FileError;
pub(crate) use recording::Log;
pub use recording::{Choice, Decision, Got, Recording, fingerprint};
pub use run::{NotRecorded, RecordedRun};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// A task begins to run. The subject is the task.
    Begin,
    /// It has run, or yields.
    End,
    /// Tasks were taken from another worker: the subject is the worker.
    Steal,
    /// The worker goes to sleep. The subject is 0.
    Park,
    /// The worker was woken. The subject is 0.
    Wake,
    /// A fork was made a task of its own. The subject is the task.
    Promote,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Begin, Self::End, Self::Steal, Self::Park, Self::Wake, Self::Promote];
}

/// Something that happened on a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds of the pool's clock.
    pub at_ns: u64,
    /// Who did it.
    pub worker: WorkerId,
    /// What it was.
    pub kind: Kind,
    /// What it was done to: see [`Kind`].
    pub subject: u32,
}

/// A worker's events.
#[derive(Debug)]
struct Ring {
    head: AtomicU64,
    /// Two words each: the time; the kind and the subject.
    words: Box<[[AtomicU64; 2]]>,
}

/// The events of all workers.
#[derive(Debug)]
pub(crate) struct Trace {
    rings: Box<[CachePadded<Ring>]>,
}

impl Trace {
    /// Rings for so many workers, with room for so many events each.
    pub(crate) fn new(workers: usize, events: usize) -> Self {
        let word = || [AtomicU64::new(0), AtomicU64::new(0)];
        let ring = || Ring {
            head: AtomicU64::new(0),
            words: (0..events.max(2)).map(|_| word()).collect(),
        };
        Self { rings: (0..workers).map(|_| CachePadded::new(ring())).collect() }
    }

    /// Writes an event of the calling worker's (E1). Wait-free.
    pub(crate) fn record(&self, worker: WorkerId, at_ns: u64, kind: Kind, subject: u32) {
        let ring = &*self.rings[worker.0 as usize];
        // Relaxed: only we write it.
        let head = ring.head.load(Ordering::Relaxed);
        // Release: a reader that finds one of the words below finds that the head is this far (E2).
        fence(Ordering::Release);
        let [time, what] = &ring.words[(head % ring.words.len() as u64) as usize];
        // Relaxed: the head publishes them.
        time.store(at_ns, Ordering::Relaxed);
        // Relaxed: as above.
        what.store(u64::from(kind as u8) << 32 | u64::from(subject), Ordering::Relaxed);
        // Release: publishes the words to the Acquire in `events`.
        ring.head.store(head + 1, Ordering::Release);
    }

    /// The events that are still there, worker by worker, the oldest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, ring) in self.rings.iter().enumerate() {
            let worker = WorkerId(u32::try_from(number).expect("workers have 32-bit numbers"));
            ring.copy(worker, &mut events);
        }
        events
    }
}

impl Ring {
    fn copy(&self, worker: WorkerId, events: &mut Vec<Event>) {
        let room = self.words.len() as u64;
        // Acquire: pairs with the Release in `record`.
        let head = self.head.load(Ordering::Acquire);
        let first = head.saturating_sub(room);
        let start = events.len();
        for index in first..head {
            let [time, what] = &self.words[(index % room) as usize];
            // Relaxed: the head was read with Acquire; what is overwritten meanwhile is dropped below.
            let (at_ns, what) = (time.load(Ordering::Relaxed), what.load(Ordering::Relaxed));
            let kind = Kind::ALL[((what >> 32) as usize).min(Kind::ALL.len() - 1)];
            events.push(Event { at_ns, worker, kind, subject: what as u32 });
        }
        // Acquire: pairs with the Release fence in `record`: a word of a later event is read before the head that counts it.
        fence(Ordering::Acquire);
        // Relaxed: the fence above.
        let moved = self.head.load(Ordering::Relaxed);
        // The event at `moved` may be under way, which overwrites the one a room before it.
        let valid = (moved + 1).saturating_sub(room);
        if !mutant!("E2 torn events are reported") && valid > first {
            let torn = (valid - first).min(head - first) as usize;
            events.drain(start..start + torn);
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_newest_events_are_kept() {
        let trace = Trace::new(2, 4);
        for at in 0..6 {
            trace.record(WorkerId(1), at, Kind::Begin, at as u32);
        }
        let events = trace.events();
        // One place may be under way, as far as a reader knows.
        let times: Vec<u64> = events.iter().map(|event| event.at_ns).collect();
        assert_eq!(times, [3, 4, 5]);
        assert!(events.iter().all(|event| event.worker == WorkerId(1)));
    }

    #[test]
    fn no_torn_event_is_reported() {
        let trace: &'static Trace = Box::leak(Box::new(Trace::new(1, 8)));
        let writer = turgo_machine::thread::spawn(move || {
            for at in 0..200_000u32 {
                trace.record(WorkerId(0), u64::from(at), Kind::Steal, at);
            }
        });
        while !writer.is_finished() {
            let events = trace.events();
            assert!(events.iter().all(|event| event.at_ns == u64::from(event.subject)), "E2");
            assert!(events.windows(2).all(|pair| pair[0].at_ns + 1 == pair[1].at_ns), "E2");
        }
        writer.join().expect("a writer");
        assert_eq!(trace.events().len(), 7);
    }
}

//! Running threads over one structure and judging what they saw: real threads, or shuttle's.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};

use turgo_machine::thread;

use crate::lincheck::{Clock, History, Operation, Recorder, Spec, check, check_partitions};
use crate::shared::Shared;

/// A generator of choices. Its seed moves on with each that is made, so that rounds differ.
#[derive(Debug)]
pub(crate) struct Random(u32);

static SEED: AtomicU32 = AtomicU32::new(1);

impl Random {
    pub(crate) fn new(thread: u32) -> Self {
        // Shuttle replays a schedule only if the program is the same each time.
        let seed = if cfg!(shuttle) { 1 } else { SEED.fetch_add(1, Ordering::Relaxed) };
        Self((seed.wrapping_mul(0x9E37_79B9) ^ (thread + 1).wrapping_mul(0x85EB_CA6B)) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        // Marsaglia's xorshift (2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) % end
    }
}

/// How large a history may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round;

impl Round {
    /// Threads, and operations of each.
    pub(crate) fn size(self) -> (u32, u32) {
        if cfg!(shuttle) { (4, 4) } else { (3, 20) }
    }
}

/// Runs `round` many times: under shuttle with other schedules, else with real threads.
pub(crate) fn histories(round: impl Fn(Round) + Send + Sync + 'static) {
    #[cfg(shuttle)]
    {
        let round = std::sync::Arc::new(round);
        let random = std::sync::Arc::clone(&round);
        shuttle::check_random(move || random(Round), 1000);
        shuttle::check_pct(move || round(Round), 1000, 3);
    }
    #[cfg(not(shuttle))]
    for _ in 0..200 {
        round(Round);
    }
}

/// One thread's operations, as handed back to the one that started it.
type Log<S> = Vec<Operation<<S as Spec>::Call, <S as Spec>::Result>>;

/// Runs `threads` threads over one object, and checks their history.
pub(crate) fn linearizable<S, O>(
    spec: &S,
    _round: Round,
    object: impl FnOnce() -> O,
    threads: u32,
    run: impl Fn(&O, &mut Recorder<'_, S::Call, S::Result>, u32) + Send + Sync + Clone + 'static,
) where
    S: Spec,
    S::Call: Send + 'static,
    S::Result: Send + 'static,
    S::State: Debug,
    O: Send + Sync + 'static,
{
    let history = history::<S, O>(object(), threads, run);
    if let Err(rejected) = check(spec, &history) {
        panic!("{rejected:?}\n{history:#?}");
    }
}

/// As [`linearizable`], with a history that is parted before it is checked: `key` says which part of the object a call is about.
pub(crate) fn linearizable_by<S, O, K: Ord>(
    spec: &S,
    key: impl Fn(&S::Call) -> K,
    object: impl FnOnce() -> O,
    threads: u32,
    run: impl Fn(&O, &mut Recorder<'_, S::Call, S::Result>, u32) + Send + Sync + Clone + 'static,
) where
    S: Spec,
    S::Call: Clone + Send + 'static,
    S::Result: Clone + Send + 'static,
    S::State: Debug,
    O: Send + Sync + 'static,
{
    let history = history::<S, O>(object(), threads, run);
    if let Err(rejected) = check_partitions(spec, &history, key) {
        panic!("{rejected:?}\n{history:#?}");
    }
}

/// What `threads` threads do to one object.
fn history<S, O>(
    object: O,
    threads: u32,
    run: impl Fn(&O, &mut Recorder<'_, S::Call, S::Result>, u32) + Send + Sync + Clone + 'static,
) -> History<S::Call, S::Result>
where
    S: Spec,
    S::Call: Send + 'static,
    S::Result: Send + 'static,
    O: Send + Sync + 'static,
{
    let shared = Shared::new((object, Clock::new()));
    let start = |thread_index: u32| {
        let (run, shared) = (run.clone(), shared.share());
        thread::spawn(move || {
            let (object, clock) = &*shared;
            let mut recorder = Recorder::new(clock);
            run(object, &mut recorder, thread_index);
            recorder.finish()
        })
    };
    let started: Vec<thread::JoinHandle<Log<S>>> = (0..threads).map(start).collect();
    let logs =
        started.into_iter().map(|thread| thread.join().expect("a thread has panicked")).collect();
    shared.free();
    History::new(logs)
}

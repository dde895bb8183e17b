//! Running threads over one structure and judging what they saw: real threads, or shuttle's.
//!
//! Every round is another program. One that fails prints what brings it back: with real threads `TURGO_SEED`, which chooses the program and not how its
//! threads are switched; under shuttle a schedule, which goes in `TURGO_SCHEDULE` and holds both.

use std::fmt::Debug;

use turgo_machine::thread;

use crate::lincheck::{Clock, History, Operation, Recorder, Spec, check, check_partitions};
use crate::shared::Shared;

/// A generator of choices.
#[derive(Debug)]
pub(crate) struct Random(u32);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        // Marsaglia's xorshift (2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) % end
    }
}

/// One run of all threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    seed: u32,
}

impl Round {
    /// Threads, and operations of each.
    pub(crate) fn size(self) -> (u32, u32) {
        if cfg!(shuttle) { (4, 4) } else { (3, 20) }
    }

    /// What a thread chooses with.
    pub(crate) fn random(self, thread: u32) -> Random {
        Random((self.seed.wrapping_mul(0x9E37_79B9) ^ (thread + 1).wrapping_mul(0x85EB_CA6B)) | 1)
    }
}

/// Runs `round` many times: under shuttle with other schedules, else with real threads.
#[cfg(shuttle)]
pub(crate) fn histories(round: impl Fn(Round) + Send + Sync + 'static) {
    use shuttle::rand::RngCore;
    // Shuttle's own number is part of the schedule: who replays that gets the same program.
    let run = move || round(Round { seed: shuttle::rand::thread_rng().next_u32() });
    if let Ok(schedule) = std::env::var("TURGO_SCHEDULE") {
        return shuttle::replay(run, &schedule);
    }
    let run = std::sync::Arc::new(run);
    let random = std::sync::Arc::clone(&run);
    shuttle::check_random(move || random(), 1000);
    shuttle::check_pct(move || run(), 1000, 3);
}

/// Runs `round` many times: under shuttle with other schedules, else with real threads.
#[cfg(not(shuttle))]
pub(crate) fn histories(round: impl Fn(Round) + Send + Sync + 'static) {
    use std::hash::{BuildHasher, RandomState};

    let chosen = std::env::var("TURGO_SEED").ok();
    let chosen = chosen.map(|seed| seed.parse().expect("TURGO_SEED is a number below 2^32"));
    for number in 0_u32..200 {
        let seed = chosen.unwrap_or_else(|| RandomState::new().hash_one(number) as u32);
        let judged =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round(Round { seed })));
        if let Err(panic) = judged {
            eprintln!("this program is TURGO_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// One thread's operations, as handed back to the one that started it.
type Log<S> = Vec<Operation<<S as Spec>::Call, <S as Spec>::Result>>;

/// Runs `threads` threads over one object, and checks their history.
pub(crate) fn linearizable<S, O>(
    spec: &S,
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

//! Histories of the semaphore, in both orders.

use turgo_machine::thread;
use turgo_sync::access::Shared;
use turgo_sync::semaphore::Semaphore;
use turgo_sync::{AcquireError, Barging, Fairness, Fifo, TryAcquireError};

use crate::lincheck::Recorder;
use crate::models::permits::{Permits, PermitsCall, PermitsResult};
use crate::threads::{Round, histories, linearizable};
use crate::waiting::Waiting;

pub(crate) type Calls<'a> = Recorder<'a, PermitsCall, PermitsResult>;

/// Waits in steps for so many permits; gives up now and then. Whatever came of it is in the history.
pub(crate) fn take<T, E>(
    calls: &mut Calls<'_>,
    asker: u32,
    count: u32,
    gives_up: bool,
    future: impl Future<Output = Result<T, E>>,
) -> Option<T> {
    let answered = |answer: &Result<T, E>| match answer {
        Ok(_) => PermitsResult::Taken,
        Err(_) => PermitsResult::Closed,
    };
    let mut asked = None;
    calls.record_all(|| match asked.insert(Waiting::begin(future)) {
        Ok(answer) => vec![
            (PermitsCall::Begin(asker, count), PermitsResult::Asked),
            (PermitsCall::Finish(asker), answered(answer)),
        ],
        Err(_) => vec![(PermitsCall::Begin(asker, count), PermitsResult::Queued)],
    });
    let waiting = match asked? {
        Ok(answer) => return answer.ok(),
        Err(waiting) => waiting,
    };
    let mut answer = None;
    if !gives_up {
        calls.record(PermitsCall::Finish(asker), || answered(answer.insert(waiting.finish())));
        return answer?.ok();
    }
    calls.record_all(|| match waiting.hurry() {
        Ok(came) => vec![(PermitsCall::Finish(asker), answered(answer.insert(came)))],
        Err(waiting) => {
            drop(waiting);
            vec![(PermitsCall::GiveUp(asker), PermitsResult::Done)]
        }
    });
    answer?.ok()
}

fn run<F: Fairness>(
    semaphore: &Semaphore<F, Shared>,
    calls: &mut Calls<'_>,
    round: Round,
    thread: u32,
) {
    let mut random = round.random(thread);
    let closes = thread == 0 && random.below(3) == 0;
    for number in 0..round.size().1 {
        let (count, asker) = (1 + random.below(2), thread * 1000 + number);
        let gives_up = random.below(3) == 0;
        let permit = if random.below(4) == 0 {
            let mut taken = None;
            calls.record(PermitsCall::Try(count), || match semaphore.try_acquire_many(count) {
                Ok(permit) => {
                    taken = Some(permit);
                    PermitsResult::Taken
                }
                Err(TryAcquireError::NoPermits) => PermitsResult::Short,
                Err(TryAcquireError::Closed) => PermitsResult::Closed,
            });
            taken
        } else {
            let wait = semaphore.acquire_many(count);
            take::<_, AcquireError>(calls, asker, count, gives_up, wait)
        };
        if let Some(permit) = permit {
            if random.below(2) == 0 {
                thread::yield_now();
            }
            calls.record(PermitsCall::Give(count), || {
                drop(permit);
                PermitsResult::Done
            });
        }
    }
    if closes {
        calls.record(PermitsCall::Close, || {
            semaphore.close();
            PermitsResult::Done
        });
    }
}

fn histories_with<F: Fairness>(overtakes_max: Option<u32>) {
    histories(move |round| {
        let permits = 2;
        let spec = Permits { permits, overtakes_max };
        let object = || Semaphore::<F, Shared>::with_fairness(permits as usize);
        linearizable(&spec, object, round.size().0, move |semaphore, calls, thread| {
            run(semaphore, calls, round, thread);
        });
    });
}

#[test]
fn semaphore_histories_are_in_order() {
    histories_with::<Fifo>(None);
}

#[test]
fn semaphore_histories_are_overtaken_within_bounds() {
    histories_with::<Barging<2>>(Some(2));
}

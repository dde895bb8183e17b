//! Histories of cells whose value is set once.

use turgo_machine::thread;
use turgo_sync::{OnceCell, SetError, SetOnce};

use crate::lincheck::Recorder;
use crate::models::once::{Act, Once, OnceCall, OnceResult};
use crate::threads::{Round, histories, linearizable_by};
use crate::waiting::{Waiting, wait};

type Calls<'a> = Recorder<'a, OnceCall, OnceResult>;

fn seen(value: Option<&u32>) -> OnceResult {
    value.map_or(OnceResult::Empty, |value| OnceResult::Value(*value))
}

/// Cells for so many operations of each thread, so that there are some which nobody has set.
fn cells<T: Default>(round: Round) -> Vec<T> {
    (0..round.size().1 / 2).map(|_| T::default()).collect()
}

/// Makes something, while others go on.
async fn made<T>(value: T) -> T {
    thread::yield_now();
    value
}

fn act(cell: &OnceCell<u32>, calls: &mut Calls<'_>, call: OnceCall) {
    calls.record(call, || match call.1 {
        Act::Set(value) => match cell.set(value) {
            Ok(()) => OnceResult::Set,
            Err(SetError::AlreadyInitializedError(_)) => OnceResult::Refused,
            Err(SetError::InitializingError(_)) => OnceResult::Busy,
        },
        Act::Make(value) => OnceResult::Value(*wait(cell.get_or_init(|| made(value)))),
        Act::Fail => match wait(cell.get_or_try_init(|| made(Err(())))) {
            Ok(value) => OnceResult::Value(*value),
            Err(()) => OnceResult::Failed,
        },
        _ => seen(cell.get()),
    });
}

/// A value is wanted, and its making given up.
fn give_up(cell: &OnceCell<u32>, calls: &mut Calls<'_>, number: u32) {
    calls.record_all(|| {
        let never = std::future::pending;
        let came = Waiting::begin(cell.get_or_init(never)).or_else(Waiting::hurry).ok();
        came.map(|value| (OnceCall(number, Act::Get), seen(Some(value)))).into_iter().collect()
    });
}

#[test]
fn a_cell_has_one_value_for_all() {
    histories(|round| {
        let (threads, operations) = round.size();
        let object = || cells::<OnceCell<u32>>(round);
        let key = |call: &OnceCall| call.0;
        linearizable_by(&Once, key, object, threads, move |cells, calls, thread| {
            let mut random = round.random(thread);
            for own in 0..operations {
                let number = own % cells.len() as u32;
                let (cell, value) = (&cells[number as usize], thread * 1000 + own);
                let one = match random.below(6) {
                    0 => Act::Set(value),
                    1 => Act::Make(value),
                    2 => Act::Fail,
                    3 => {
                        give_up(cell, calls, number);
                        continue;
                    }
                    _ => Act::Get,
                };
                act(cell, calls, OnceCall(number, one));
            }
        });
    });
}

/// The first thread sets all in the end, so all who wait go on.
#[test]
fn who_waits_for_a_value_sees_the_one_there_is() {
    histories(|round| {
        let (threads, operations) = round.size();
        let object = || cells::<SetOnce<u32>>(round);
        let key = |call: &OnceCall| call.0;
        linearizable_by(&Once, key, object, threads, move |cells, calls, thread| {
            let mut random = round.random(thread);
            for own in 0..operations {
                let number = own % cells.len() as u32;
                let (cell, value) = (&cells[number as usize], thread * 1000 + own);
                let sets = thread == 0 && own as usize >= operations as usize - cells.len();
                match random.below(4) {
                    _ if sets => {}
                    0 => {}
                    1 if thread > 0 => {
                        calls.record(OnceCall(number, Act::Wait), || seen(Some(wait(cell.wait()))));
                        continue;
                    }
                    2 => {
                        calls.record_all(|| {
                            let came = Waiting::begin(cell.wait()).or_else(Waiting::hurry).ok();
                            let noted =
                                came.map(|it| (OnceCall(number, Act::Wait), seen(Some(it))));
                            noted.into_iter().collect()
                        });
                        continue;
                    }
                    _ => {
                        calls.record(OnceCall(number, Act::Get), || seen(cell.get()));
                        continue;
                    }
                }
                calls.record(OnceCall(number, Act::Set(value)), || match cell.set(value) {
                    Ok(()) => OnceResult::Set,
                    Err(_) => OnceResult::Refused,
                });
            }
        });
    });
}

//! Histories of barriers.

use turgo_sync::Barrier;

use crate::lincheck::Recorder;
use crate::models::barrier::{Barrier as Model, BarrierCall, BarrierResult};
use crate::threads::{histories, linearizable};
use crate::waiting::{Sleepers, Waiting};

type Calls<'a> = Recorder<'a, BarrierCall, BarrierResult>;

/// Comes, and goes on or gives up.
fn come(barrier: &Barrier, sleepers: &Sleepers, calls: &mut Calls<'_>, who: u32, gives_up: bool) {
    let mut waiting = None;
    calls.record_all(|| match Waiting::begin(barrier.wait()) {
        Ok(result) if result.is_leader() => vec![(BarrierCall::Begin(who), BarrierResult::Leads)],
        // Another has come just then.
        Ok(_) => vec![
            (BarrierCall::Begin(who), BarrierResult::Waits),
            (BarrierCall::Finish(who), BarrierResult::Follows),
        ],
        Err(waits) => {
            waiting = Some(waits);
            vec![(BarrierCall::Begin(who), BarrierResult::Waits)]
        }
    });
    let Some(waits) = waiting else { return };
    if !gives_up {
        sleepers.one_more();
        return calls.record(BarrierCall::Finish(who), || {
            assert!(!waits.finish().is_leader());
            BarrierResult::Follows
        });
    }
    calls.record_all(|| match waits.hurry() {
        Ok(_) => vec![(BarrierCall::Finish(who), BarrierResult::Follows)],
        Err(waits) => {
            drop(waits);
            vec![(BarrierCall::GiveUp(who), BarrierResult::Done)]
        }
    });
}

#[test]
fn rounds_of_a_barrier_are_complete() {
    histories(|round| {
        let (threads, operations) = round.size();
        let object = || (Barrier::new(2), Sleepers::new(threads - 1));
        linearizable(
            &Model { parties: 2 },
            object,
            threads,
            move |(barrier, sleepers), calls, thread| {
                let mut random = round.random(thread);
                let mut who = thread * 1000;
                let mut come = |gives_up: bool| {
                    who += 1;
                    come(barrier, sleepers, calls, who, gives_up);
                };
                // The first thread sees to it that nobody is left alone.
                (0..operations).for_each(|_| come(thread == 0 || random.below(3) == 0));
                if thread == 0 {
                    sleepers.rouse(|| come(true));
                } else {
                    sleepers.leave();
                }
            },
        );
    });
}

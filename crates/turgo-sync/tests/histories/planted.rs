//! Histories written by hand, one step after the other: each model accepts all but the last step of each, and refuses that.

use crate::lincheck::{History, Operation, Spec, check};
use crate::models::barrier::{Barrier, BarrierCall, BarrierResult};
use crate::models::broadcast::{Broadcast, BroadcastCall, BroadcastResult};
use crate::models::channel::{Channel, ChannelCall, ChannelResult};
use crate::models::notify::{Notify, NotifyCall, NotifyResult};
use crate::models::once::{Once, OnceCall, OnceResult};
use crate::models::oneshot::{Oneshot, OneshotCall, OneshotResult};
use crate::models::permits::{Permits, PermitsCall, PermitsResult};
use crate::models::watch::{Watch, WatchCall, WatchResult};
use crate::models::{once, oneshot};

type Steps<S> = Vec<(<S as Spec>::Call, <S as Spec>::Result)>;

fn one_by_one<S: Spec>(steps: &[(S::Call, S::Result)]) -> History<S::Call, S::Result>
where
    S::Call: Clone,
    S::Result: Clone,
{
    let operation = |(number, (call, result)): (usize, &(S::Call, S::Result))| {
        let instant = number as u64 * 2;
        Operation::new(call.clone(), result.clone(), instant, instant + 1)
    };
    History::new(vec![steps.iter().enumerate().map(operation).collect()])
}

fn refuses_the_last<S: Spec>(spec: &S, cases: Vec<(&str, Steps<S>)>)
where
    S::Call: Clone,
    S::Result: Clone,
{
    for (name, steps) in cases {
        let all_but_one = &steps[..steps.len() - 1];
        assert_eq!(check(spec, &one_by_one::<S>(all_but_one)), Ok(()), "before: {name}");
        assert!(check(spec, &one_by_one::<S>(&steps)).is_err(), "accepted: {name}");
    }
}

#[test]
fn permits_beyond_what_there_is_and_out_of_order_are_refused() {
    use PermitsCall::{Begin, Close, Finish, Give, GiveUp, Try};
    use PermitsResult::{Asked, Closed, Done, Queued, Short, Taken};
    let in_order = Permits { permits: 2, overtakes_max: None };
    refuses_the_last(
        &in_order,
        vec![
            ("more than there are", vec![(Try(1), Taken), (Try(1), Taken), (Try(1), Taken)]),
            ("taken in passing", vec![(Try(1), Taken), (Begin(1, 2), Queued), (Try(1), Taken)]),
            (
                "the second first",
                vec![
                    (Try(2), Taken),
                    (Begin(1, 1), Queued),
                    (Begin(2, 1), Queued),
                    (Give(1), Done),
                    (Finish(2), Taken),
                ],
            ),
            (
                "served before a larger wish in front",
                vec![
                    (Try(1), Taken),
                    (Begin(1, 2), Queued),
                    (Begin(2, 1), Queued),
                    (Finish(2), Taken),
                ],
            ),
            (
                "told of an end that has not come",
                vec![(Try(2), Taken), (Begin(1, 1), Queued), (Finish(1), Closed)],
            ),
            (
                "after it was closed",
                vec![
                    (Try(2), Taken),
                    (Begin(1, 1), Queued),
                    (Close, Done),
                    (Give(2), Done),
                    (Finish(1), Taken),
                ],
            ),
            ("closed and tried", vec![(Close, Done), (Try(1), Short)]),
            (
                "given up, and nobody got it",
                vec![
                    (Try(2), Taken),
                    (Begin(1, 1), Queued),
                    (GiveUp(1), Done),
                    (Give(1), Done),
                    (Try(2), Taken),
                ],
            ),
            (
                "queued and taken at once",
                vec![(Try(2), Taken), (Begin(1, 1), Asked), (Finish(1), Taken)],
            ),
        ],
    );
}

#[test]
fn permits_taken_in_passing_too_often_are_refused() {
    use PermitsCall::{Begin, Finish, Give, Try};
    use PermitsResult::{Done, Queued, Taken};
    let barging = Permits { permits: 1, overtakes_max: Some(1) };
    let overtaken = vec![(Try(1), Taken), (Begin(1, 1), Queued), (Give(1), Done), (Try(1), Taken)];
    refuses_the_last(
        &barging,
        vec![
            ("overtaken once too often", {
                let again = [(Give(1), Done), (Try(1), Taken)];
                overtaken.iter().copied().chain(again).collect()
            }),
            ("served with nothing", overtaken.into_iter().chain([(Finish(1), Taken)]).collect()),
        ],
    );
}

#[test]
fn notifications_kept_twice_or_for_others_are_refused() {
    use NotifyCall::{All, Begin, Finish, GiveUp, Last, Make, One, Rest};
    use NotifyResult::{Asked, Done, Idle, Queued, Told};
    let wait = |waiter| [(Make(waiter), Done), (Begin(waiter), Queued)];
    let told = |waiter| [(Make(waiter), Done), (Begin(waiter), Asked), (Finish(waiter), Told)];
    let two = || wait(1).into_iter().chain(wait(2));
    refuses_the_last(
        &Notify,
        vec![
            ("of nothing", wait(1).into_iter().chain([(Finish(1), Told)]).collect()),
            ("two are kept", {
                [(One, Done), (One, Done)].into_iter().chain(told(1)).chain(told(2)).collect()
            }),
            ("two are kept at rest", {
                let meanwhile =
                    [(One, Done), (One, Done), (One, Done), (Finish(1), Told), (Rest, Done)];
                wait(1).into_iter().chain(meanwhile).chain(told(2)).chain(told(3)).collect()
            }),
            ("kept and not seen", vec![(One, Done), (Make(1), Done), (Begin(1), Idle)]),
            ("the last before the first", two().chain([(One, Done), (Finish(2), Told)]).collect()),
            ("the first before the last", two().chain([(Last, Done), (Finish(1), Told)]).collect()),
            ("all kept", [(All, Done)].into_iter().chain(told(1)).collect()),
            ("one for two", {
                two().chain([(One, Done), (Finish(1), Told), (Finish(2), Told)]).collect()
            }),
            ("made before all, and waits", vec![(Make(1), Done), (All, Done), (Begin(1), Queued)]),
            ("lost with who gave up", {
                let lost = [(One, Done), (GiveUp(1), Done), (Make(2), Done), (Begin(2), Idle)];
                wait(1).into_iter().chain(lost).collect()
            }),
        ],
    );
}

#[test]
fn channels_that_lose_double_or_overfill_are_refused() {
    use ChannelCall::{Close, FinishSend, Leave, Put, Receive, Room, TryReceive, TrySend};
    use ChannelResult::{Closed, Done, Empty, Over, Received, Sent};
    let sent = |value| (TrySend(value), Sent);
    let reserved = (Room(PermitsCall::Try(1)), ChannelResult::Room(PermitsResult::Taken));
    let queued =
        |asker| (Room(PermitsCall::Begin(asker, 1)), ChannelResult::Room(PermitsResult::Queued));
    let received = |value| (Receive, Received(value));
    refuses_the_last(
        &Channel { room: 2, senders: 1 },
        vec![
            ("more than there is room for", vec![sent(1), sent(2), sent(3)]),
            ("in room that was reserved", vec![reserved, sent(1), sent(2)]),
            ("lost", vec![sent(1), (TryReceive, Empty)]),
            ("twice", vec![sent(1), received(1), received(1)]),
            ("the second first", vec![sent(1), sent(2), received(2)]),
            ("over before it is received", vec![sent(1), (Leave, Done), (Receive, Over)]),
            ("over with a sender", vec![(Receive, Over)]),
            ("over while room is reserved", vec![reserved, (Close, Done), (Receive, Over)]),
            ("over and no end", vec![(Leave, Done), (TryReceive, Empty)]),
            ("sent after it was closed", vec![(Close, Done), sent(1)]),
            (
                "what was reserved comes twice",
                vec![reserved, (Put(1), Done), received(1), received(1)],
            ),
            ("no room for who waits", vec![sent(1), sent(2), queued(3), (FinishSend(3, 3), Sent)]),
            ("closed for who waits", vec![sent(1), sent(2), queued(3), (FinishSend(3, 3), Closed)]),
        ],
    );
}

#[test]
fn single_values_that_are_lost_or_made_up_are_refused() {
    use OneshotResult::{Done, Empty, Is, Over, Received, Refused};
    use oneshot::Act::{Close, Closed, IsClosed, Leave, Receive, Send, TryReceive};
    let cases = vec![
        ("accepted after it was closed", vec![(Close, Done), (Send(1), Done)]),
        ("refused by one who listens", vec![(Send(1), Refused)]),
        ("lost", vec![(Send(1), Done), (TryReceive, Empty)]),
        ("over with a value", vec![(Send(1), Done), (Receive, Over)]),
        ("another value", vec![(Send(1), Done), (Receive, Received(2))]),
        ("no end", vec![(Leave, Done), (TryReceive, Empty)]),
        ("lost in closing", vec![(Send(1), Done), (Close, Done), (TryReceive, Over)]),
        ("not closed", vec![(Close, Done), (IsClosed, Is(false))]),
        ("nobody closed it", vec![(Closed, Done)]),
    ];
    let of_one =
        |steps: Vec<_>| steps.into_iter().map(|(act, it)| (OneshotCall(0, act), it)).collect();
    let cases = cases.into_iter().map(|(name, steps)| (name, of_one(steps))).collect();
    refuses_the_last(&Oneshot, cases);
}

#[test]
fn broadcasts_with_gaps_are_refused() {
    use BroadcastCall::{Join, Leave, LeaveSender, Receive, Send, TryReceive};
    use BroadcastResult::{Done, Empty, Lagged, Nobody, Over, Received, Sent};
    let sent = |value| (Send(value), Sent(1));
    refuses_the_last(
        &Broadcast { kept: 2, senders: 1, receivers: 1 },
        vec![
            ("one is left out", vec![sent(1), sent(2), (Receive(0), Received(2))]),
            (
                "not told of what is gone",
                vec![sent(1), sent(2), sent(3), (Receive(0), Received(1))],
            ),
            ("gone and not counted", vec![sent(1), sent(2), sent(3), (Receive(0), Received(2))]),
            ("one too many is gone", vec![sent(1), sent(2), sent(3), (Receive(0), Lagged(2))]),
            ("gone though it is kept", vec![sent(1), sent(2), (Receive(0), Lagged(1))]),
            ("twice", vec![sent(1), (Receive(0), Received(1)), (Receive(0), Received(1))]),
            ("lost", vec![sent(1), (TryReceive(0), Empty)]),
            ("over with a sender", vec![(TryReceive(0), Over)]),
            ("over too early", vec![sent(1), (LeaveSender, Done), (Receive(0), Over)]),
            ("from before it came", vec![sent(1), (Join(1), Done), (Receive(1), Received(1))]),
            ("counted wrong", vec![(Join(1), Done), (Send(1), Sent(1))]),
            ("sent to nobody", vec![(Leave(0), Done), sent(1)]),
            ("refused by one who is there", vec![(Send(1), Nobody)]),
        ],
    );
}

#[test]
fn watched_values_that_go_back_are_refused() {
    use WatchCall::{Changed, HasChanged, Leave, Look, Replace, Update};
    use WatchResult::{Done, Is, Over, Seen, Value};
    let replaced = |old, value| (Replace(value), Value(old));
    refuses_the_last(
        &Watch { senders: 1, receivers: 1 },
        vec![
            ("an older value", vec![replaced(0, 1), replaced(1, 2), (Look, Value(1))]),
            ("a lost one", vec![replaced(0, 1), replaced(0, 2)]),
            ("new twice", vec![replaced(0, 1), (Changed(0), Done), (Changed(0), Done)]),
            (
                "new and seen",
                vec![replaced(0, 1), (Update(0), Seen(1, true)), (HasChanged(0), Is(true))],
            ),
            ("not seen and not new", vec![replaced(0, 1), (Update(0), Seen(1, false))]),
            ("the last is missed", vec![replaced(0, 1), (Leave, Done), (Changed(0), Over)]),
            ("over with a sender", vec![(Changed(0), Over)]),
            ("no end", vec![(Leave, Done), (HasChanged(0), Is(false))]),
        ],
    );
}

#[test]
fn rounds_that_are_not_complete_are_refused() {
    use BarrierCall::{Begin, Finish, GiveUp};
    use BarrierResult::{Done, Follows, Leads, Waits};
    let (one, two) = ((Begin(1), Waits), (Begin(2), Waits));
    refuses_the_last(
        &Barrier { parties: 3 },
        vec![
            ("goes on alone", vec![one, (Finish(1), Follows)]),
            ("leads with too few", vec![one, (Begin(2), Leads)]),
            ("nobody leads", vec![one, two, (Begin(3), Waits)]),
            ("with one who gave up", vec![one, two, (GiveUp(1), Done), (Begin(3), Leads)]),
            ("with one of the last round", vec![one, two, (Begin(3), Leads), (Begin(4), Leads)]),
            ("goes on twice", {
                vec![one, two, (Begin(3), Leads), (Finish(1), Follows), (Finish(1), Follows)]
            }),
        ],
    );
}

#[test]
fn cells_with_two_values_are_refused() {
    use OnceResult::{Busy, Empty, Failed, Refused, Set, Value};
    use once::Act::{Fail, Get, Make, Set as SetTo, Wait};
    let cases = vec![
        ("set twice", vec![(SetTo(1), Set), (SetTo(2), Set)]),
        ("another value", vec![(SetTo(1), Set), (Get, Value(2))]),
        ("made twice", vec![(Make(1), Value(1)), (Make(2), Value(2))]),
        ("set and empty", vec![(SetTo(1), Set), (Get, Empty)]),
        ("refused without a value", vec![(SetTo(1), Refused)]),
        ("made though the making failed", vec![(Fail, Failed), (Get, Value(1))]),
        ("failed though there is one", vec![(SetTo(1), Set), (Fail, Failed)]),
        ("busy though there is one", vec![(SetTo(1), Set), (SetTo(2), Busy)]),
        ("waited for nothing", vec![(Wait, Value(1))]),
    ];
    let of_one =
        |steps: Vec<_>| steps.into_iter().map(|(act, it)| (OnceCall(0, act), it)).collect();
    let cases = cases.into_iter().map(|(name, steps)| (name, of_one(steps))).collect();
    refuses_the_last(&Once, cases);
}

//! Histories written by hand: those no sequential order explains, and those that only look so.

use crate::lincheck::history::PENDING;
use crate::lincheck::spec::{
    Deque, DequeCall, DequeResult, MapCall, MapEntry, MapResult, Queue, QueueCall, QueueResult,
    Register, RegisterCall, RegisterResult, Spec, Stack, StackCall, StackResult,
};
use crate::lincheck::{History, Operation, check, check_partitions};

type Case<S> = (&'static str, Vec<Vec<(<S as Spec>::Call, Option<<S as Spec>::Result>, u64, u64)>>);

type Named<S> = (&'static str, History<<S as Spec>::Call, <S as Spec>::Result>);

fn histories<S: Spec>(cases: Vec<Case<S>>) -> Vec<Named<S>> {
    let operation = |(call, result, called, returned)| Operation { call, result, called, returned };
    let thread = |operations: Vec<_>| operations.into_iter().map(operation).collect();
    cases
        .into_iter()
        .map(|(name, threads)| (name, History::new(threads.into_iter().map(thread).collect())))
        .collect()
}

fn accepts<S: Spec>(spec: &S, cases: Vec<Case<S>>) {
    for (name, history) in histories::<S>(cases) {
        assert_eq!(check(spec, &history), Ok(()), "{name}");
    }
}

fn refuses<S: Spec>(spec: &S, cases: Vec<Case<S>>) {
    for (name, history) in histories::<S>(cases) {
        assert!(check(spec, &history).is_err(), "accepted: {name}");
    }
}

fn push(value: u32, called: u64, returned: u64) -> (QueueCall, Option<QueueResult>, u64, u64) {
    (QueueCall::Push(value), Some(QueueResult::Pushed), called, returned)
}

fn pop(
    value: Option<u32>,
    called: u64,
    returned: u64,
) -> (QueueCall, Option<QueueResult>, u64, u64) {
    (QueueCall::Pop, Some(QueueResult::Popped(value)), called, returned)
}

fn len(value: usize, called: u64, returned: u64) -> (QueueCall, Option<QueueResult>, u64, u64) {
    (QueueCall::Len, Some(QueueResult::Len(value)), called, returned)
}

#[test]
fn queue_histories_without_an_order_are_refused() {
    refuses(
        &Queue { bound: None },
        vec![
            ("out of nothing", vec![vec![pop(Some(1), 0, 1)]]),
            ("popped before pushed", vec![vec![pop(Some(1), 0, 1)], vec![push(1, 2, 3)]]),
            (
                "popped twice",
                vec![vec![push(1, 0, 1)], vec![pop(Some(1), 2, 5)], vec![pop(Some(1), 3, 4)]],
            ),
            ("lost", vec![vec![push(1, 0, 1)], vec![pop(None, 2, 3)]]),
            (
                "second in, first out",
                vec![vec![push(1, 0, 1), push(2, 2, 3)], vec![pop(Some(2), 4, 5)]],
            ),
            (
                "order of two producers seen both ways",
                vec![
                    vec![push(1, 0, 3)],
                    vec![push(2, 1, 2)],
                    vec![pop(Some(1), 4, 5), pop(Some(2), 6, 7), push(3, 8, 9)],
                    vec![pop(Some(2), 10, 11)],
                ],
            ),
            (
                "empty between two that were there all along",
                vec![
                    vec![push(1, 0, 1), push(2, 2, 3)],
                    vec![pop(Some(1), 4, 9)],
                    vec![pop(None, 5, 6)],
                ],
            ),
            (
                "a length nobody can have seen",
                vec![vec![push(1, 0, 1), push(2, 2, 3)], vec![len(1, 4, 5)]],
            ),
        ],
    );
    refuses(
        &Queue { bound: Some(1) },
        vec![
            ("past the bound", vec![vec![push(1, 0, 1), push(2, 2, 3)]]),
            ("full when empty", vec![vec![(QueueCall::Push(1), Some(QueueResult::Full), 0, 1)]]),
            (
                "displaces the newest",
                vec![vec![
                    push(1, 0, 1),
                    (QueueCall::ForcePush(2), Some(QueueResult::Displaced(None)), 2, 3),
                ]],
            ),
        ],
    );
}

#[test]
fn queue_histories_that_only_look_wrong_are_accepted() {
    accepts(
        &Queue { bound: None },
        vec![
            ("nothing", vec![vec![]]),
            (
                "popped while it was being pushed",
                vec![vec![push(1, 0, 3)], vec![pop(Some(1), 1, 2)]],
            ),
            (
                "two producers that overlap, in either order",
                vec![
                    vec![push(1, 0, 3)],
                    vec![push(2, 1, 2)],
                    vec![pop(Some(2), 4, 5), pop(Some(1), 6, 7)],
                ],
            ),
            (
                "a push that never returned has its effect",
                vec![vec![(QueueCall::Push(1), None, 0, PENDING)], vec![pop(Some(1), 1, 2)]],
            ),
            (
                "a push that never returned has none",
                vec![vec![(QueueCall::Push(1), None, 0, PENDING)], vec![pop(None, 1, 2)]],
            ),
            (
                "a pop that never returned takes one",
                vec![
                    vec![push(1, 0, 1), push(2, 2, 3)],
                    vec![(QueueCall::Pop, None, 4, PENDING)],
                    vec![pop(Some(2), 5, 6)],
                ],
            ),
            (
                "a long overlap bridges the two",
                vec![vec![pop(None, 0, 9)], vec![push(1, 1, 2), pop(Some(1), 3, 4), push(2, 5, 6)]],
            ),
            (
                "a batch keeps its order inside one interval",
                vec![
                    vec![push(1, 0, 5), push(2, 0, 5)],
                    vec![pop(Some(1), 1, 2), pop(Some(2), 3, 4)],
                ],
            ),
        ],
    );
    accepts(
        &Queue { bound: Some(1) },
        vec![(
            "full while a pop runs",
            vec![
                vec![push(1, 0, 1), (QueueCall::Push(2), Some(QueueResult::Full), 3, 4)],
                vec![pop(Some(1), 2, 5)],
            ],
        )],
    );
}

#[test]
fn stack_histories_are_judged_by_their_order() {
    let push = |value, called, returned| {
        (StackCall::Push(value), Some(StackResult::Pushed), called, returned)
    };
    let pop = |value, called, returned| {
        (StackCall::Pop, Some(StackResult::Popped(value)), called, returned)
    };
    let take = |values: &[u32], called, returned| {
        (StackCall::TakeAll, Some(StackResult::Taken(values.to_vec())), called, returned)
    };
    refuses(
        &Stack,
        vec![
            ("first in, first out", vec![vec![push(1, 0, 1), push(2, 2, 3), pop(Some(1), 4, 5)]]),
            (
                "popped twice",
                vec![vec![push(1, 0, 1)], vec![pop(Some(1), 2, 5)], vec![pop(Some(1), 3, 4)]],
            ),
            (
                "taken from the bottom up",
                vec![vec![push(1, 0, 1), push(2, 2, 3), take(&[1, 2], 4, 5)]],
            ),
            (
                "taken and still there",
                vec![vec![push(1, 0, 1), take(&[1], 2, 3)], vec![pop(Some(1), 4, 5)]],
            ),
            (
                "a hole in the middle of a batch",
                vec![
                    vec![(StackCall::PushAll(vec![1, 2]), Some(StackResult::Pushed), 0, 9)],
                    vec![pop(Some(1), 1, 2)],
                ],
            ),
        ],
    );
    accepts(
        &Stack,
        vec![
            (
                "eliminated: a pop that meets its push",
                vec![
                    vec![push(1, 0, 1), push(2, 2, 5)],
                    vec![pop(Some(2), 3, 4), pop(Some(1), 6, 7)],
                ],
            ),
            (
                "overlapping pushes",
                vec![vec![push(1, 0, 3)], vec![push(2, 1, 2)], vec![take(&[1, 2], 4, 5)]],
            ),
        ],
    );
}

#[test]
fn deque_histories_are_judged_by_their_ends() {
    let lifo = Deque { lifo: true, bound: None, batch_max: 2 };
    let fifo = Deque { lifo: false, ..lifo };
    let did = |call, result, called, returned| (call, Some(result), called, returned);
    let push = |value, called, returned| {
        (DequeCall::Push(value), Some(DequeResult::Pushed), called, returned)
    };
    let three = vec![push(1, 0, 1), push(2, 2, 3), push(3, 4, 5)];
    let with = |more| {
        let mut owner = three.clone();
        owner.push(more);
        owner
    };
    let stole = |value, called, returned| {
        did(DequeCall::Steal, DequeResult::Stolen(value), called, returned)
    };
    let popped = |value| did(DequeCall::Pop, DequeResult::Popped(Some(value)), 6, 9);
    let batch =
        |items: &[u32]| did(DequeCall::StealBatch, DequeResult::Batch(items.to_vec()), 7, 8);
    refuses(
        &lifo,
        vec![
            ("popped and stolen", vec![vec![push(1, 0, 1), popped(1)], vec![stole(1, 2, 3)]]),
            ("stolen from the bottom", vec![three.clone(), vec![stole(3, 6, 7)]]),
            ("popped from the top", vec![with(popped(1))]),
            ("a batch with a hole", vec![three.clone(), vec![batch(&[1, 3])]]),
            ("a batch past its limit", vec![three.clone(), vec![batch(&[1, 2, 3])]]),
            (
                "a batch over what was popped",
                vec![vec![push(1, 0, 1), push(2, 2, 3), popped(2)], vec![batch(&[1, 2])]],
            ),
            (
                "empty with three inside",
                vec![three.clone(), vec![did(DequeCall::Steal, DequeResult::Empty, 6, 7)]],
            ),
        ],
    );
    refuses(&fifo, vec![("popped from the bottom", vec![with(popped(3))])]);
    refuses(&Deque { bound: Some(2), ..lifo }, vec![("past the bound", vec![three.clone()])]);
    accepts(
        &lifo,
        vec![
            ("a batch beside a pop", vec![with(popped(3)), vec![batch(&[1, 2])]]),
            (
                "a steal that asks to be tried again",
                vec![
                    three.clone(),
                    vec![did(DequeCall::Steal, DequeResult::Retry, 6, 7), stole(1, 8, 9)],
                ],
            ),
            (
                "a batch that never returned took two",
                vec![
                    three.clone(),
                    vec![(DequeCall::StealBatch, None, 6, PENDING)],
                    vec![stole(3, 7, 8)],
                ],
            ),
        ],
    );
    accepts(&fifo, vec![("popped from the top", vec![with(popped(1))])]);
}

#[test]
fn map_histories_are_judged_key_by_key() {
    let did =
        |call, result, called, returned| Operation::new(call, MapResult(result), called, returned);
    let good = History::new(vec![
        vec![did(MapCall::Insert(1, 10), None, 0, 5), did(MapCall::Get(2), Some(20), 6, 7)],
        vec![did(MapCall::Get(1), Some(10), 1, 2), did(MapCall::Insert(2, 20), None, 3, 4)],
        vec![
            did(MapCall::InsertNew(1, 11), Some(10), 8, 9),
            did(MapCall::Remove(1), Some(10), 10, 11),
        ],
    ]);
    assert_eq!(check_partitions(&MapEntry, &good, MapCall::key), Ok(()));
    let bad = [
        (
            "gone and back",
            vec![
                vec![did(MapCall::Insert(1, 10), None, 0, 1)],
                vec![did(MapCall::Get(1), None, 2, 3)],
            ],
        ),
        (
            "removed twice",
            vec![
                vec![did(MapCall::Insert(1, 10), None, 0, 1)],
                vec![did(MapCall::Remove(1), Some(10), 2, 5)],
                vec![did(MapCall::Remove(1), Some(10), 3, 4)],
            ],
        ),
        (
            "a fault of the second key",
            vec![vec![
                did(MapCall::Insert(1, 10), None, 0, 1),
                did(MapCall::Get(2), Some(10), 2, 3),
            ]],
        ),
        (
            "inserted new over a value",
            vec![vec![
                did(MapCall::Insert(1, 10), None, 0, 1),
                did(MapCall::InsertNew(1, 11), None, 2, 3),
            ]],
        ),
    ];
    for (name, threads) in bad {
        let verdict = check_partitions(&MapEntry, &History::new(threads), MapCall::key);
        assert!(verdict.is_err(), "accepted: {name}");
    }
}

#[test]
fn register_histories_are_judged_by_what_was_stored() {
    let store = |value, called, returned| {
        (RegisterCall::Store(value), Some(RegisterResult::Stored), called, returned)
    };
    let load = |value, called, returned| {
        (RegisterCall::Load, Some(RegisterResult::Value(value)), called, returned)
    };
    let add = |before, called, returned| {
        (RegisterCall::Add(1), Some(RegisterResult::Value(before)), called, returned)
    };
    let exchange = |done, called, returned| {
        (
            RegisterCall::CompareExchange(0, 7),
            Some(RegisterResult::Exchanged(done)),
            called,
            returned,
        )
    };
    refuses(
        &Register,
        vec![
            ("stale", vec![vec![store(1, 0, 1)], vec![load(0, 2, 3)]]),
            ("new, then old", vec![vec![store(1, 0, 5)], vec![load(1, 1, 2), load(0, 3, 4)]]),
            (
                "two readers see two stores in two orders",
                vec![
                    vec![store(1, 0, 1)],
                    vec![store(2, 0, 1)],
                    vec![load(1, 2, 3), load(2, 4, 5)],
                ],
            ),
            ("a lost update", vec![vec![add(0, 0, 3)], vec![add(0, 1, 2)]]),
            ("exchanged twice", vec![vec![exchange(true, 0, 3)], vec![exchange(true, 1, 2)]]),
        ],
    );
    accepts(
        &Register,
        vec![
            (
                "old while the store runs",
                vec![vec![store(1, 0, 5)], vec![load(0, 1, 2), load(1, 3, 4)]],
            ),
            ("one exchange of two", vec![vec![exchange(true, 0, 3)], vec![exchange(false, 1, 2)]]),
            (
                "a swap between",
                vec![
                    vec![(RegisterCall::Swap(3), Some(RegisterResult::Value(1)), 2, 3)],
                    vec![store(1, 0, 1), load(3, 4, 5)],
                ],
            ),
        ],
    );
}

/// Eight values pushed by each of four threads at once, which are then popped one after the other in the given order.
fn pushed_at_once(popped: impl Iterator<Item = u32>) -> History<QueueCall, QueueResult> {
    let pushes = |thread: u32| {
        let push = |number| {
            Operation::new(QueueCall::Push(8 * thread + number), QueueResult::Pushed, 0, 9)
        };
        (0..8).map(push).collect::<Vec<_>>()
    };
    let mut threads: Vec<_> = (0..4).map(pushes).collect();
    let pop = |(at, value): (u64, u32)| {
        Operation::new(QueueCall::Pop, QueueResult::Popped(Some(value)), 10 * at, 10 * at + 5)
    };
    threads[0].extend((1..).zip(popped).map(pop));
    History::new(threads)
}

#[test]
fn pushes_that_overlap_are_put_in_order_by_what_pops_them() {
    let queue = Queue { bound: None };
    let in_turn = || (0..32).map(|number| 8 * (number % 4) + number / 4);
    assert_eq!(check(&queue, &pushed_at_once(in_turn())), Ok(()));
    assert_eq!(check(&queue, &pushed_at_once(in_turn().take(5))), Ok(()), "the others stay");
    let swapped = in_turn().map(|value| match value {
        25 => 26,
        26 => 25,
        value => value,
    });
    assert!(check(&queue, &pushed_at_once(swapped)).is_err(), "26 was pushed after 25");
}

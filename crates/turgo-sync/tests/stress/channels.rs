//! Channels with many tasks on a few threads: whatever is accepted is received, whoever gives up when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use turgo_sync::broadcast::error::RecvError;
use turgo_sync::{CancellationToken, broadcast, mpmc, mpsc, oneshot, watch};

use crate::executor::{Executor, Random, give_up_after, yield_now};

/// Four senders who give up now and then, and a receiver who does, too.
#[test]
fn what_is_sent_is_received_in_order() {
    let executor = Executor::new(2);
    let (sender, mut receiver) = mpsc::channel(3);
    let accepted = Arc::new(AtomicU64::new(0));
    for index in 0..4_u64 {
        let (sender, accepted) = (sender.clone(), accepted.clone());
        executor.spawn(async move {
            let mut random = Random::new(index);
            for round in 0..3000_u64 {
                let polls = (random.below(3) == 0).then(|| random.below(3));
                if let Some(permit) = give_up_after(sender.reserve(), polls).await {
                    permit.unwrap().send((index, round));
                    accepted.fetch_add(1, Relaxed);
                }
            }
        });
    }
    drop(sender);
    let received = Arc::new(AtomicU64::new(0));
    executor.spawn({
        let received = received.clone();
        async move {
            let mut last = [None; 4];
            let mut random = Random::new(9);
            loop {
                let polls = (random.below(4) == 0).then(|| random.below(2));
                match give_up_after(receiver.recv(), polls).await {
                    Some(Some((index, round))) => {
                        assert!(last[index as usize].replace(round) < Some(round));
                        received.fetch_add(1, Relaxed);
                    }
                    Some(None) => break,
                    None => yield_now().await,
                }
            }
            assert_eq!(receiver.capacity(), 3);
        }
    });
    executor.finish();
    assert_eq!(accepted.load(Relaxed), received.load(Relaxed));
}

/// The same with three receivers, each of whom gives up now and then.
#[test]
fn each_value_is_received_once() {
    let executor = Executor::new(2);
    let (sender, receiver) = mpmc::channel(2);
    for _ in 0..3 {
        let sender = sender.clone();
        executor.spawn(async move {
            for value in 0..3000_u64 {
                sender.send(value).await.unwrap();
            }
        });
    }
    drop(sender);
    let sum = Arc::new(AtomicU64::new(0));
    for index in 0..3 {
        let (receiver, sum) = (receiver.clone(), sum.clone());
        executor.spawn(async move {
            let mut random = Random::new(index);
            loop {
                let polls = (random.below(4) == 0).then(|| random.below(2));
                match give_up_after(receiver.recv(), polls).await {
                    Some(Some(value)) => _ = sum.fetch_add(value, Relaxed),
                    Some(None) => break,
                    None => yield_now().await,
                }
            }
        });
    }
    executor.finish();
    assert_eq!(sum.load(Relaxed), 3 * 2999 * 3000 / 2);
}

/// A request and its answer, a thousand times by sixteen tasks, until the token is cancelled.
#[test]
fn requests_are_answered_until_all_is_cancelled() {
    let executor = Executor::new(2);
    let (sender, mut receiver) = mpsc::unbounded_channel::<(u64, oneshot::Sender<u64>)>();
    let token = CancellationToken::new();
    let left = Arc::new(AtomicUsize::new(16));
    for index in 0..16_u64 {
        let (sender, token, left) = (sender.clone(), token.clone(), left.clone());
        executor.spawn(async move {
            for round in 0..500 {
                let (answers, answer) = oneshot::channel();
                sender.send((index + round, answers)).unwrap();
                assert_eq!(answer.await, Ok(index + round + 1));
            }
            if left.fetch_sub(1, Relaxed) == 1 {
                token.cancel();
            }
        });
    }
    let child = token.child_token();
    executor.spawn(async move {
        let serves = async {
            while let Some((value, answer)) = receiver.recv().await {
                answer.send(value + 1).unwrap();
            }
        };
        assert_eq!(child.run_until_cancelled(serves).await, None);
    });
    executor.finish();
    assert_eq!(left.load(Relaxed), 0);
    drop(sender);
}

#[test]
fn all_see_the_last_value_and_count_what_they_missed() {
    let executor = Executor::new(2);
    let (values, value) = watch::channel(0_u64);
    let (sender, receiver) = broadcast::channel(16);
    for _ in 0..3 {
        let (mut value, mut receiver) = (value.clone(), receiver.resubscribe());
        executor.spawn(async move {
            let last = value.wait_for(|value| *value == 3000).await;
            assert!(last.is_ok());
        });
        executor.spawn(async move {
            let mut seen = 0;
            loop {
                match receiver.recv().await {
                    Ok(value) => {
                        assert_eq!(value, seen);
                        seen += 1;
                    }
                    Err(RecvError::Lagged(missed)) => seen += missed,
                    Err(RecvError::Closed) => break,
                }
            }
            assert_eq!(seen, 3000);
        });
    }
    drop((value, receiver));
    executor.spawn(async move {
        for value in 0..3000 {
            sender.send(value).unwrap();
            values.send(value + 1).unwrap();
            if value % 8 == 0 {
                yield_now().await;
            }
        }
    });
    executor.finish();
}

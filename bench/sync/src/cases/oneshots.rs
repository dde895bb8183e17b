//! Channels for one value, made, used and dropped by one thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::polls::{Wakes, now};
use bench_harness::{Case, Work};

macro_rules! sent {
    ($name:literal, $channel:expr) => {
        Case {
            name: $name,
            make: |_| {
                vec![Box::new(|operations: u64| {
                    let mut received = 0;
                    for value in 0..operations {
                        let (sender, receiver) = $channel;
                        assert!(sender.send(value).is_ok());
                        received += u64::from(now(receiver).ok() == Some(value));
                    }
                    received
                }) as Work]
            },
        }
    };
}

pub(crate) fn sent() -> Vec<Case> {
    vec![
        sent!("turgo", turgo_sync::oneshot::channel()),
        sent!("turgo local", turgo_sync::local::oneshot::channel()),
        sent!("tokio", tokio::sync::oneshot::channel()),
        sent!("local-sync", local_sync::oneshot::channel()),
    ]
}

macro_rules! awaited {
    ($name:literal, $channel:expr) => {
        Case {
            name: $name,
            make: |_| {
                vec![Box::new(|operations: u64| {
                    let waker = Waker::from(Arc::<Wakes>::default());
                    let mut context = Context::from_waker(&waker);
                    let mut received = 0;
                    for value in 0..operations {
                        let (sender, receiver) = $channel;
                        let mut receiver = pin!(receiver);
                        assert!(receiver.as_mut().poll(&mut context).is_pending());
                        assert!(sender.send(value).is_ok());
                        let answer = receiver.as_mut().poll(&mut context);
                        let answered = matches!(answer, Poll::Ready(Ok(it)) if it == value);
                        received += u64::from(answered);
                    }
                    received
                }) as Work]
            },
        }
    };
}

pub(crate) fn awaited() -> Vec<Case> {
    vec![
        awaited!("turgo", turgo_sync::oneshot::channel()),
        awaited!("turgo local", turgo_sync::local::oneshot::channel()),
        awaited!("tokio", tokio::sync::oneshot::channel()),
        awaited!("local-sync", local_sync::oneshot::channel()),
    ]
}

//! Values for everybody, and tokens in a tree, on one thread.

use super::polls::now;
use bench_harness::{Case, Work};

const RECEIVERS: usize = 4;

macro_rules! broadcast {
    ($name:literal, $($path:ident)::+) => {
        Case {
            name: $name,
            make: |_| {
                vec![Box::new(|operations: u64| {
                    let (sender, first) = $($path)::+::channel(64);
                    let mut receivers = vec![first];
                    receivers.resize_with(RECEIVERS, || sender.subscribe());
                    let mut sent = 0;
                    for value in 0..operations {
                        sent += u64::from(sender.send(value).ok() == Some(RECEIVERS));
                        for receiver in &mut receivers {
                            assert_eq!(receiver.try_recv().ok(), Some(value));
                        }
                    }
                    sent
                }) as Work]
            },
        }
    };
}

/// Its sender waits for slow receivers, of which there are none here.
fn unsync() -> Case {
    Case {
        name: "unsync",
        make: |_| {
            vec![Box::new(|operations: u64| {
                let mut sender = unsync::broadcast::channel(64);
                let mut receivers: Vec<_> = (0..RECEIVERS).map(|_| sender.subscribe()).collect();
                let mut sent = 0;
                for value in 0..operations {
                    sent += u64::from(sender.try_send(value).ok() == Some(RECEIVERS));
                    for receiver in &mut receivers {
                        assert_eq!(now(receiver.recv()), Some(value));
                    }
                }
                sent
            }) as Work]
        },
    }
}

/// A value is sent, and received by each of four.
pub(crate) fn broadcasts() -> Vec<Case> {
    vec![
        broadcast!("turgo", turgo_sync::broadcast),
        broadcast!("turgo local", turgo_sync::local::broadcast),
        broadcast!("tokio", tokio::sync::broadcast),
        unsync(),
    ]
}

macro_rules! watch {
    ($name:literal, $($path:ident)::+) => {
        Case {
            name: $name,
            make: |_| {
                vec![Box::new(|operations: u64| {
                    let (sender, mut receiver) = $($path)::+::channel(u64::MAX);
                    let mut seen = 0;
                    for value in 0..operations {
                        assert!(sender.send(value).is_ok());
                        assert!(receiver.has_changed().is_ok_and(|changed| changed));
                        seen += u64::from(*receiver.borrow_and_update() == value);
                    }
                    seen
                }) as Work]
            },
        }
    };
}

/// A value is sent and looked at.
pub(crate) fn watches() -> Vec<Case> {
    vec![
        watch!("turgo", turgo_sync::watch),
        watch!("turgo local", turgo_sync::local::watch),
        watch!("tokio", tokio::sync::watch),
    ]
}

macro_rules! token {
    ($name:literal, $($path:ident)::+) => {
        Case {
            name: $name,
            make: |_| {
                vec![Box::new(|operations: u64| {
                    let root = $($path)::+::new();
                    let kept: Vec<_> = (0..16).map(|_| root.child_token()).collect();
                    let mut made = 0;
                    for _ in 0..operations {
                        made += u64::from(!root.child_token().is_cancelled());
                    }
                    root.cancel();
                    assert!(kept.iter().all(|token| token.is_cancelled()));
                    made
                }) as Work]
            },
        }
    };
}

/// A child is made and dropped, beside sixteen others.
pub(crate) fn tokens() -> Vec<Case> {
    vec![
        token!("turgo", turgo_sync::CancellationToken),
        token!("turgo local", turgo_sync::local::CancellationToken),
        token!("tokio-util", tokio_util::sync::CancellationToken),
    ]
}

//! Channels from senders to a receiver: values are numbers, and their sum is checked.

use std::future::Future;
use std::sync::Mutex;
use std::thread;

use super::polls::{Blocking, now};
use bench_harness::{Case, Work, two_sided};

/// Room of bounded channels.
const ROOM: usize = 1024;
/// How many values are sent before they are received, where one thread does both.
const BURST: u64 = 64;

/// What all channels can do.
trait Channel: 'static {
    type Sender: 'static;
    type Receiver: 'static;
    fn make(room: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()>;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

macro_rules! channel {
    (
        $name:ident, $sender:ty, $receiver:ty,
        |$room:pat_param| $make:expr, |$from:ident, $value:ident| $send:expr, |$to:ident| $receive:expr
    ) => {
        struct $name;

        impl Channel for $name {
            type Sender = $sender;
            type Receiver = $receiver;

            fn make($room: usize) -> (Self::Sender, Self::Receiver) {
                $make
            }

            #[inline]
            async fn send($from: &Self::Sender, $value: u64) {
                assert!($send.is_ok(), "it is open");
            }

            #[inline]
            async fn receive($to: &mut Self::Receiver) -> u64 {
                $receive.expect("it is open")
            }
        }
    };
}

macro_rules! channels {
    ($(
        $name:ident, $sender:ty, $receiver:ty,
        |$room:pat_param| $make:expr, |$from:ident, $value:ident| $send:expr, |$to:ident| $receive:expr;
    )*) => { $(
        channel!(
            $name, $sender, $receiver,
            |$room| $make, |$from, $value| $send, |$to| $receive
        );
    )* };
}

channels! {
    Turgo, turgo_sync::mpsc::Sender<u64>, turgo_sync::mpsc::Receiver<u64>,
    |room| turgo_sync::mpsc::channel(room), |it, value| it.send(value).await, |it| it.recv().await;
    TurgoMpmc, turgo_sync::mpmc::Sender<u64>, turgo_sync::mpmc::Receiver<u64>,
    |room| turgo_sync::mpmc::channel(room), |it, value| it.send(value).await, |it| it.recv().await;
    TurgoLocal, turgo_sync::local::mpsc::Sender<u64>, turgo_sync::local::mpsc::Receiver<u64>,
    |room| turgo_sync::local::mpsc::channel(room), |it, value| it.send(value).await,
    |it| it.recv().await;
    Tokio, tokio::sync::mpsc::Sender<u64>, tokio::sync::mpsc::Receiver<u64>,
    |room| tokio::sync::mpsc::channel(room), |it, value| it.send(value).await, |it| it.recv().await;
    AsyncChannel, async_channel::Sender<u64>, async_channel::Receiver<u64>,
    |room| async_channel::bounded(room), |it, value| it.send(value).await, |it| it.recv().await;
    Flume, flume::Sender<u64>, flume::Receiver<u64>,
    |room| flume::bounded(room), |it, value| it.send_async(value).await, |it| it.recv_async().await;
    Kanal, kanal::AsyncSender<u64>, kanal::AsyncReceiver<u64>,
    |room| kanal::bounded_async(room), |it, value| it.send(value).await, |it| it.recv().await;
    Tachyonix, tachyonix::Sender<u64>, tachyonix::Receiver<u64>,
    |room| tachyonix::channel(room), |it, value| it.send(value).await, |it| it.recv().await;
    LocalSync, local_sync::mpsc::bounded::Tx<u64>, local_sync::mpsc::bounded::Rx<u64>,
    |room| local_sync::mpsc::bounded::channel(room), |it, value| it.send(value).await,
    |it| it.recv().await;
    TurgoFree, turgo_sync::mpsc::UnboundedSender<u64>, turgo_sync::mpsc::UnboundedReceiver<u64>,
    |_| turgo_sync::mpsc::unbounded_channel(), |it, value| it.send(value), |it| it.recv().await;
    TurgoMpmcFree, turgo_sync::mpmc::UnboundedSender<u64>,
    turgo_sync::mpmc::UnboundedReceiver<u64>,
    |_| turgo_sync::mpmc::unbounded_channel(), |it, value| it.send(value), |it| it.recv().await;
    TurgoLocalFree, turgo_sync::local::mpsc::UnboundedSender<u64>,
    turgo_sync::local::mpsc::UnboundedReceiver<u64>,
    |_| turgo_sync::local::mpsc::unbounded_channel(), |it, value| it.send(value),
    |it| it.recv().await;
    TokioFree, tokio::sync::mpsc::UnboundedSender<u64>, tokio::sync::mpsc::UnboundedReceiver<u64>,
    |_| tokio::sync::mpsc::unbounded_channel(), |it, value| it.send(value), |it| it.recv().await;
    AsyncChannelFree, async_channel::Sender<u64>, async_channel::Receiver<u64>,
    |_| async_channel::unbounded(), |it, value| it.send(value).await, |it| it.recv().await;
    FlumeFree, flume::Sender<u64>, flume::Receiver<u64>,
    |_| flume::unbounded(), |it, value| it.send(value), |it| it.recv_async().await;
    KanalFree, kanal::AsyncSender<u64>, kanal::AsyncReceiver<u64>,
    |_| kanal::unbounded_async(), |it, value| it.send(value).await, |it| it.recv().await;
}

/// One thread sends a burst and receives it.
fn alone<C: Channel>(_threads: usize) -> Vec<Work> {
    vec![Box::new(|operations: u64| {
        let (sender, mut receiver) = C::make(ROOM);
        let mut received = 0;
        for burst in 0..operations / BURST {
            (0..BURST).for_each(|value| now(C::send(&sender, burst + value)));
            for value in 0..BURST {
                received += u64::from(now(C::receive(&mut receiver)) == burst + value);
            }
        }
        received
    })]
}

/// A thread sends, another receives, and each sleeps when it has to wait.
fn two<C: Channel>(threads: usize) -> Vec<Work>
where
    C::Sender: Send + Sync,
    C::Receiver: Send,
{
    let (sender, receiver) = C::make(ROOM);
    let ends = (sender, Mutex::new(receiver));
    two_sided(
        threads,
        ends,
        |(_, receiver), operations| receive_all::<C>(receiver, operations),
        |(sender, _), operations| {
            send_all::<C>(sender, operations);
            operations
        },
    )
}

/// Four threads send what one receives.
fn four<C: Channel>(threads: usize) -> Vec<Work>
where
    C::Sender: Send + Sync,
    C::Receiver: Send,
{
    let (sender, receiver) = C::make(ROOM);
    let ends = (sender, Mutex::new(receiver));
    two_sided(
        threads,
        ends,
        |(_, receiver), operations| receive_all::<C>(receiver, operations),
        |(sender, _), operations| {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| send_all::<C>(sender, operations / 4));
                }
            });
            operations
        },
    )
}

fn send_all<C: Channel>(sender: &C::Sender, operations: u64) {
    let blocking = Blocking::new();
    (0..operations).for_each(|value| blocking.run(C::send(sender, value % 7)));
}

/// What counts is what was received; where one sends, the sum must be right.
fn receive_all<C: Channel>(receiver: &Mutex<C::Receiver>, operations: u64) -> u64 {
    let blocking = Blocking::new();
    let mut receiver = receiver.lock().expect("nobody panics");
    let mut sum = 0;
    for _ in 0..operations {
        sum += blocking.run(C::receive(&mut receiver));
    }
    let sum_of = |count: u64| count / 7 * 21 + (0..count % 7).sum::<u64>();
    assert!(sum == sum_of(operations) || sum == 4 * sum_of(operations / 4), "all was received");
    operations
}

/// Two channels with room for one: a value goes there and comes back.
fn there_and_back<C: Channel>(threads: usize) -> Vec<Work>
where
    C::Sender: Send + Sync,
    C::Receiver: Send,
{
    let (there, arrives) = C::make(1);
    let (back, returns) = C::make(1);
    let ends = (there, Mutex::new(arrives), back, Mutex::new(returns));
    two_sided(
        threads,
        ends,
        |(there, _, _, returns), operations| {
            let blocking = Blocking::new();
            let mut returns = returns.lock().expect("nobody panics");
            let mut returned = 0;
            for value in 0..operations {
                blocking.run(C::send(there, value));
                returned += u64::from(blocking.run(C::receive(&mut returns)) == value);
            }
            returned
        },
        |(_, arrives, back, _), operations| {
            let blocking = Blocking::new();
            let mut arrives = arrives.lock().expect("nobody panics");
            for _ in 0..operations {
                let value = blocking.run(C::receive(&mut arrives));
                blocking.run(C::send(back, value));
            }
            operations
        },
    )
}

macro_rules! cases {
    ($($group:ident = $work:ident: $($name:literal $channel:ident),*;)*) => { $(
        pub(crate) fn $group() -> Vec<Case> {
            vec![$(Case { name: $name, make: $work::<$channel> }),*]
        }
    )* };
}

cases! {
    bounded_alone = alone: "turgo" Turgo, "turgo mpmc" TurgoMpmc, "turgo local" TurgoLocal, "tokio" Tokio,
        "async-channel" AsyncChannel, "flume" Flume, "kanal" Kanal, "tachyonix" Tachyonix,
        "local-sync" LocalSync;
    unbounded_alone = alone: "turgo" TurgoFree, "turgo mpmc" TurgoMpmcFree,
        "turgo local" TurgoLocalFree, "tokio" TokioFree, "async-channel" AsyncChannelFree,
        "flume" FlumeFree, "kanal" KanalFree;
    bounded = two: "turgo" Turgo, "turgo mpmc" TurgoMpmc, "tokio" Tokio,
        "async-channel" AsyncChannel, "flume" Flume, "kanal" Kanal, "tachyonix" Tachyonix;
    unbounded = two: "turgo" TurgoFree, "turgo mpmc" TurgoMpmcFree, "tokio" TokioFree,
        "async-channel" AsyncChannelFree, "flume" FlumeFree, "kanal" KanalFree;
    bounded_of_four = four: "turgo" Turgo, "turgo mpmc" TurgoMpmc, "tokio" Tokio,
        "async-channel" AsyncChannel, "flume" Flume, "kanal" Kanal, "tachyonix" Tachyonix;
    unbounded_of_four = four: "turgo" TurgoFree, "turgo mpmc" TurgoMpmcFree, "tokio" TokioFree,
        "async-channel" AsyncChannelFree, "flume" FlumeFree, "kanal" KanalFree;
    ping_pong = there_and_back: "turgo" Turgo, "tokio" Tokio, "async-channel" AsyncChannel,
        "flume" Flume, "kanal" Kanal, "tachyonix" Tachyonix;
}

//! 64 tasks that are notified, one by one or together, or give up. A figure is for one task, from queueing to its end.

use std::future::Future;
use std::sync::Arc;
use std::task::Waker;

use super::polls::{Places, Wakes};
use bench_harness::{Case, Work};

const TASKS: usize = 64;

/// What all of them can do.
trait Tells: 'static {
    fn make() -> Self;
    fn wait(&self) -> impl Future<Output = ()>;
    fn one(&self);
    fn all(&self);
}

macro_rules! tells {
    ($type:ty) => {
        impl Tells for $type {
            fn make() -> Self {
                Self::new()
            }

            fn wait(&self) -> impl Future<Output = ()> {
                self.notified()
            }

            fn one(&self) {
                self.notify_one();
            }

            fn all(&self) {
                self.notify_waiters();
            }
        }
    };
}

tells!(turgo_sync::Notify);
tells!(tokio::sync::Notify);

impl Tells for event_listener::Event {
    fn make() -> Self {
        Self::new()
    }

    fn wait(&self) -> impl Future<Output = ()> {
        self.listen()
    }

    fn one(&self) {
        self.notify_additional(1);
    }

    fn all(&self) {
        self.notify(usize::MAX);
    }
}

impl Tells for maitake_sync::WaitQueue {
    fn make() -> Self {
        Self::new()
    }

    async fn wait(&self) {
        _ = self.wait().await;
    }

    fn one(&self) {
        self.wake();
    }

    fn all(&self) {
        self.wake_all();
    }
}

/// Queues a round of tasks, has them told by `tell`, and polls them to their end.
fn rounds<T: Tells, const TASKS: usize>(tell: fn(&T)) -> Vec<Work> {
    vec![Box::new(move |operations| {
        let event = T::make();
        let waker = Waker::from(Arc::<Wakes>::default());
        let mut places = Places::new(TASKS, || event.wait());
        let mut served = 0;
        for _ in 0..operations / TASKS as u64 {
            for place in 0..TASKS {
                places.set(place, event.wait());
                assert!(places.poll(place, &waker).is_pending());
            }
            tell(&event);
            served += (0..TASKS).filter(|place| places.poll(*place, &waker).is_ready()).count();
        }
        served as u64
    })]
}

fn each_one<T: Tells>(_threads: usize) -> Vec<Work> {
    rounds::<T, TASKS>(|event| (0..TASKS).for_each(|_| event.one()))
}

fn only_one<T: Tells>(_threads: usize) -> Vec<Work> {
    rounds::<T, 1>(T::one)
}

fn all_at_once<T: Tells>(_threads: usize) -> Vec<Work> {
    rounds::<T, TASKS>(T::all)
}

/// Tasks that give up, in the order of their coming, by being replaced by the next.
fn given_up<T: Tells>(_threads: usize) -> Vec<Work> {
    vec![Box::new(move |operations| {
        let event = T::make();
        let waker = Waker::from(Arc::<Wakes>::default());
        let mut places = Places::new(TASKS, || event.wait());
        let mut queued = 0;
        for _ in 0..operations / TASKS as u64 {
            for place in 0..TASKS {
                places.set(place, event.wait());
                queued += u64::from(places.poll(place, &waker).is_pending());
            }
        }
        queued
    })]
}

macro_rules! each {
    ($work:ident) => {
        vec![
            Case { name: "turgo", make: $work::<turgo_sync::Notify> },
            Case { name: "tokio", make: $work::<tokio::sync::Notify> },
            Case { name: "maitake-sync", make: $work::<maitake_sync::WaitQueue> },
            Case { name: "event-listener", make: $work::<event_listener::Event> },
        ]
    };
}

pub(crate) fn single() -> Vec<Case> {
    each!(only_one)
}

pub(crate) fn one() -> Vec<Case> {
    each!(each_one)
}

pub(crate) fn all() -> Vec<Case> {
    each!(all_at_once)
}

pub(crate) fn cancel() -> Vec<Case> {
    each!(given_up)
}

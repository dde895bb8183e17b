//! One permit that goes through the hands of 64 tasks.

use std::future::Future;
use std::sync::Arc;
use std::task::Waker;

use super::polls::{Places, Wakes};
use bench_harness::{Case, Work};
use turgo_sync::{Barging, Semaphore};

const TASKS: usize = 64;

/// What all semaphores can do. The permit goes back as soon as a task has it and is polled.
trait Hands: 'static {
    fn make() -> Self;
    fn take(&self);
    fn give(&self);
    fn acquire(&self) -> impl Future<Output = ()>;
}

macro_rules! hands {
    ($type:ty, $make:expr, ($($one:literal)?), $answer:ident => $forget:expr) => {
        impl Hands for $type {
            fn make() -> Self {
                $make
            }

            fn take(&self) {
                let $answer = self.try_acquire($($one)?);
                $forget;
            }

            fn give(&self) {
                self.add_permits(1);
            }

            async fn acquire(&self) {
                drop(self.acquire($($one)?).await);
            }
        }
    };
}

hands!(Semaphore, Self::new(1), (), permit => permit.expect("it is there").forget());
hands!(
    Semaphore<Barging>, Self::with_fairness(1), (), permit => permit.expect("it is there").forget()
);
hands!(
    tokio::sync::Semaphore, Self::new(1), (), permit => permit.expect("it is there").forget()
);
hands!(async_lock::Semaphore, Self::new(1), (), permit => permit.expect("it is there").forget());
hands!(
    maitake_sync::Semaphore, Self::new(1), (1), permit => permit.expect("it is there").forget()
);
hands!(
    turgo_sync::local::Semaphore, Self::new(1), (), permit => permit.expect("it is there").forget()
);
hands!(
    local_sync::semaphore::Semaphore, Self::new(1), (),
    permit => permit.expect("it is there").forget()
);

/// Queues a round of tasks behind the permit, then lets it go through all hands.
fn hand_off<S: Hands>(_threads: usize) -> Vec<Work> {
    vec![Box::new(|operations| {
        let semaphore = S::make();
        let waker = Waker::from(Arc::<Wakes>::default());
        let mut places = Places::new(TASKS, || semaphore.acquire());
        let mut served = 0;
        for _ in 0..operations / TASKS as u64 {
            semaphore.take();
            for place in 0..TASKS {
                places.set(place, semaphore.acquire());
                assert!(places.poll(place, &waker).is_pending());
            }
            semaphore.give();
            served += (0..TASKS).filter(|place| places.poll(*place, &waker).is_ready()).count();
        }
        served as u64
    })]
}

pub(crate) fn semaphores() -> Vec<Case> {
    vec![
        Case { name: "turgo Fifo", make: hand_off::<Semaphore> },
        Case { name: "turgo Barging", make: hand_off::<Semaphore<Barging>> },
        Case { name: "tokio", make: hand_off::<tokio::sync::Semaphore> },
        Case { name: "async-lock", make: hand_off::<async_lock::Semaphore> },
        Case { name: "maitake-sync", make: hand_off::<maitake_sync::Semaphore> },
        Case { name: "turgo local", make: hand_off::<turgo_sync::local::Semaphore> },
        Case { name: "local-sync", make: hand_off::<local_sync::semaphore::Semaphore> },
    ]
}

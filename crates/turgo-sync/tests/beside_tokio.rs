//! The same random histories of one thread here and with `tokio::sync`: every answer, every count and every wake must be the same.
//!
//! What differs on purpose is not asked for: `docs/parity` lists it. A failing seed is in the message.

#![cfg(not(any(loom, shuttle, miri)))]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

const SEEDS: u64 = 2000;

/// Numbers that a seed decides (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    /// One of a list, which is not empty.
    fn of<'a, T>(&mut self, list: &'a mut [T]) -> &'a mut T {
        let index = self.below(list.len());
        &mut list[index]
    }

    /// Drops one of a list, if there is one.
    fn drop_of<T>(&mut self, list: &mut Vec<T>) {
        if !list.is_empty() {
            drop(list.remove(self.below(list.len())));
        }
    }
}

/// Counts its wakes.
#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(wakes.clone())))
}

/// A future and who was to be woken by it.
type Wait<T> = (Pin<Box<dyn Future<Output = T>>>, Arc<Wakes>);

/// Futures that are polled in any order.
struct Waits<T>(Vec<Wait<T>>);

impl<T> Waits<T> {
    fn add(&mut self, future: impl Future<Output = T> + 'static) {
        self.0.push((Box::pin(future), Arc::default()));
    }

    /// Polls one of them, if there is one, now and then for another task. Who is ready leaves.
    fn poll(&mut self, dice: &mut Dice) -> Option<Poll<T>> {
        if self.0.is_empty() {
            return None;
        }
        let index = dice.below(self.0.len());
        let (future, wakes) = &mut self.0[index];
        if dice.below(4) == 0 {
            *wakes = Arc::default();
        }
        let answer = poll(future.as_mut(), wakes);
        if answer.is_ready() {
            drop(self.0.remove(index));
        }
        Some(answer)
    }

    /// The next of those who were woken that is ready.
    fn woken(&mut self) -> Option<T> {
        (0..self.0.len()).find_map(|index| {
            let (future, wakes) = &mut self.0[index];
            if wakes.0.load(Ordering::Relaxed) == 0 {
                return None;
            }
            let Poll::Ready(value) = poll(future.as_mut(), wakes) else { return None };
            drop(self.0.remove(index));
            Some(value)
        })
    }

    fn wakes(&self) -> Vec<u64> {
        self.0.iter().map(|(_, wakes)| wakes.0.load(Ordering::Relaxed)).collect()
    }
}

/// The histories, for a library.
macro_rules! histories {
    ($library:ident = $sync:path) => {
        mod $library {
            use $sync as sync;

            use super::*;

            pub(super) fn semaphore(seed: u64) -> Vec<String> {
                let (mut dice, mut seen) = (Dice(2 * seed + 1), Vec::new());
                let semaphore = Arc::new(sync::Semaphore::new(dice.below(4)));
                let (mut waits, mut permits) = (Waits(Vec::new()), Vec::new());
                for _ in 0..60 {
                    let count = dice.below(4);
                    match dice.below(13) {
                        0..4 => waits.add(semaphore.clone().acquire_many_owned(count as u32)),
                        4..7 => match waits.poll(&mut dice) {
                            Some(Poll::Ready(Ok(permit))) => permits.push(permit),
                            other => seen.push(format!("{other:?}")),
                        },
                        7 => dice.drop_of(&mut waits.0),
                        8 => match semaphore.clone().try_acquire_many_owned(count as u32) {
                            Ok(permit) => permits.push(permit),
                            Err(refused) => seen.push(format!("{refused:?} {refused}")),
                        },
                        9 => dice.drop_of(&mut permits),
                        10 => semaphore.add_permits(count),
                        11 => seen.push(format!("forgot {}", semaphore.forget_permits(count))),
                        // Who was served before the end polls before the end.
                        _ if dice.below(12) == 0 => {
                            while let Some(permit) = waits.woken() {
                                permits.extend(permit);
                            }
                            semaphore.close();
                        }
                        _ => {}
                    }
                    let (free, closed) = (semaphore.available_permits(), semaphore.is_closed());
                    let out: Vec<_> = permits.iter().map(|permit| permit.num_permits()).collect();
                    seen.push(format!("{free} {closed} {out:?} {:?}", waits.wakes()));
                }
                seen
            }

            pub(super) fn notify(seed: u64) -> Vec<String> {
                let (mut dice, mut seen) = (Dice(2 * seed + 1), Vec::new());
                let notify = Arc::new(sync::Notify::new());
                let mut waits: Vec<(Pin<Box<sync::futures::OwnedNotified>>, _)> = Vec::new();
                for _ in 0..60 {
                    match dice.below(12) {
                        0..4 => waits.push((
                            Box::pin(notify.clone().notified_owned()),
                            Arc::<Wakes>::default(),
                        )),
                        4..6 if !waits.is_empty() => {
                            let index = dice.below(waits.len());
                            let (wait, wakes) = &mut waits[index];
                            let answer = poll(wait.as_mut(), wakes);
                            seen.push(format!("{answer:?}"));
                            if answer.is_ready() {
                                drop(waits.remove(index));
                            }
                        }
                        6 if !waits.is_empty() => {
                            seen.push(format!("{}", dice.of(&mut waits).0.as_mut().enable()));
                        }
                        7 => dice.drop_of(&mut waits),
                        8 => notify.notify_one(),
                        9 => notify.notify_last(),
                        10 if dice.below(3) == 0 => notify.notify_waiters(),
                        _ => {}
                    }
                    let wakes = waits.iter().map(|(_, wakes)| wakes.0.load(Ordering::Relaxed));
                    seen.push(format!("{:?}", wakes.collect::<Vec<_>>()));
                }
                seen
            }

            enum Guard {
                Read(sync::OwnedRwLockReadGuard<u64>),
                Write(sync::OwnedRwLockWriteGuard<u64>),
            }

            pub(super) fn rwlock(seed: u64) -> Vec<String> {
                let (mut dice, mut seen) = (Dice(2 * seed + 1), Vec::new());
                let lock = Arc::new(sync::RwLock::with_max_readers(0_u64, 3));
                let (mut waits, mut guards) = (Waits(Vec::new()), Vec::new());
                for _ in 0..60 {
                    let here = lock.clone();
                    match dice.below(12) {
                        0..2 => waits.add(async { Guard::Read(here.read_owned().await) }),
                        2 => waits.add(async { Guard::Write(here.write_owned().await) }),
                        3..7 => match waits.poll(&mut dice) {
                            Some(Poll::Ready(mut guard)) => {
                                seen.push(match &mut guard {
                                    Guard::Read(guard) => format!("read {}", **guard),
                                    Guard::Write(guard) => {
                                        **guard += 1;
                                        format!("wrote {}", **guard)
                                    }
                                });
                                guards.push(guard);
                            }
                            other => seen.push(format!("{}", other.is_some())),
                        },
                        7 => dice.drop_of(&mut waits.0),
                        8 => guards.extend(here.try_read_owned().ok().map(Guard::Read)),
                        9 => guards.extend(here.try_write_owned().ok().map(Guard::Write)),
                        10 => dice.drop_of(&mut guards),
                        _ => match guards.pop() {
                            Some(Guard::Write(guard)) => {
                                guards.push(Guard::Read(guard.downgrade()));
                            }
                            rest => drop(rest),
                        },
                    }
                    let value = lock.try_read().map(|value| *value);
                    let writers = guards.iter().filter(|guard| matches!(guard, Guard::Write(_)));
                    let (all, writers) = (guards.len(), writers.count());
                    seen.push(format!("{value:?} {writers} of {all} {:?}", waits.wakes()));
                }
                seen
            }

            pub(super) fn mpsc(seed: u64) -> Vec<String> {
                let (mut dice, mut seen) = (Dice(2 * seed + 1), Vec::new());
                let (sender, mut receiver) = sync::mpsc::channel(1 + dice.below(3));
                let (mut senders, mut waits) = (vec![sender], Waits(Vec::new()));
                let (mut room, task) = (Vec::new(), Arc::<Wakes>::default());
                for value in 0..70 {
                    let here = senders.first().cloned();
                    match (dice.below(14), here) {
                        (0..3, Some(here)) => {
                            waits.add(async move { here.send(value).await.map_err(|e| e.0) });
                        }
                        (3, Some(here)) => {
                            let count = dice.below(4);
                            waits.add(async move {
                                let permits = here.reserve_many(count).await.map_err(|_| value)?;
                                permits.take(2).for_each(|permit| permit.send(value));
                                Ok(())
                            });
                        }
                        (4..7, _) => seen.push(format!("{:?}", waits.poll(&mut dice))),
                        (7, _) => dice.drop_of(&mut waits.0),
                        (8, Some(here)) => {
                            let answer = here.try_send(value).map_err(|e| e.to_string());
                            seen.push(format!("{answer:?}"));
                        }
                        (9, Some(here)) => room.extend(here.try_reserve_owned()),
                        (10, _) => match room.pop() {
                            Some(permit) if dice.below(2) == 0 => drop(permit.send(value)),
                            permit => drop(permit),
                        },
                        (11..13, _) => {
                            let waker = Waker::from(task.clone());
                            let mut context = Context::from_waker(&waker);
                            seen.push(format!("{:?}", receiver.poll_recv(&mut context)));
                        }
                        (_, here) => match dice.below(6) {
                            0 => receiver.close(),
                            1 => senders.extend(here),
                            2 => dice.drop_of(&mut senders),
                            _ => seen.push(format!("{:?}", receiver.try_recv())),
                        },
                    }
                    let (len, free) = (receiver.len(), receiver.capacity());
                    let (closed, count) = (receiver.is_closed(), receiver.sender_strong_count());
                    seen.push(format!("{len} {free} {closed} {count} {:?}", waits.wakes()));
                }
                seen
            }

            pub(super) fn oneshot(seed: u64) -> Vec<String> {
                let (mut dice, mut seen) = (Dice(2 * seed + 1), Vec::new());
                let (sender, receiver) = sync::oneshot::channel();
                let (mut sender, mut receiver) = (Some(sender), Some(receiver));
                let (value, tasks) = (Arc::new(7), [(); 3].map(|()| Arc::<Wakes>::default()));
                for _ in 0..14 {
                    let task = Waker::from(tasks[dice.below(3)].clone());
                    let mut context = Context::from_waker(&task);
                    match (dice.below(10), &mut sender, &mut receiver) {
                        (0..3, _, Some(receiver)) if !receiver.is_terminated() => {
                            let answer = Pin::new(receiver).poll(&mut context);
                            seen.push(format!("{answer:?}"));
                        }
                        (3, sender @ Some(_), _) => {
                            let sent = sender.take().map(|sender| sender.send(value.clone()));
                            seen.push(format!("{sent:?}"));
                        }
                        (4, _, Some(receiver)) => receiver.close(),
                        (5, _, Some(receiver)) => seen.push(format!("{:?}", receiver.try_recv())),
                        (6, sender, _) if dice.below(3) == 0 => *sender = None,
                        (7, _, receiver) if dice.below(3) == 0 => *receiver = None,
                        (8.., Some(sender), _) => {
                            seen.push(format!("{:?}", sender.poll_closed(&mut context)));
                        }
                        _ => {}
                    }
                    let closed = sender.as_ref().map(|sender| sender.is_closed());
                    let empty = receiver.as_ref().map(|it| (it.is_empty(), it.is_terminated()));
                    seen.push(format!("{closed:?} {empty:?} {}", Arc::strong_count(&value)));
                }
                drop((sender, receiver));
                seen.push(format!("{:?}", tasks.map(|task| Arc::strong_count(&task))));
                seen
            }
        }
    };
}

histories!(ours = turgo_sync);
histories!(theirs = tokio::sync);

macro_rules! same {
    ($($name:ident),*) => { $(
        #[test]
        fn $name() {
            for seed in 1..=SEEDS {
                assert_eq!(ours::$name(seed), theirs::$name(seed), "seed {seed}");
            }
        }
    )* };
}

same!(semaphore, notify, rwlock, mpsc, oneshot);

/// The one difference of semaphores that is no matter of numbers.
#[test]
fn who_was_served_before_the_end_and_polls_after_it_has_his_permit() {
    let semaphore = turgo_sync::Semaphore::new(0);
    let mut wait = std::pin::pin!(semaphore.acquire());
    let wakes = Arc::default();
    assert!(poll(wait.as_mut(), &wakes).is_pending());
    semaphore.add_permits(1);
    semaphore.close();
    assert!(matches!(poll(wait.as_mut(), &wakes), Poll::Ready(Ok(_))));
    assert_eq!(semaphore.available_permits(), 1, "it went back");
}

//! Who may enter a read-write lock: permits for readers and writers, and one slot for who may become a writer.

use core::future::{Future, poll_fn};
use core::mem;
use core::pin::pin;
use core::task::Poll;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use crate::access::{Access, Word};
use crate::fairness::Fairness;
use crate::mutex::TryLockError;
use crate::permits::Permits;

/// All of a lock but its value.
pub(super) struct Entry<F: Fairness, A: Access> {
    pub(super) permits: Permits<F, A>,
    /// One permit: who has it may become a writer.
    pub(super) slot: Permits<F, A>,
    /// Whether who has the slot waits to become a writer.
    pub(super) upgrading: A::Word,
    pub(super) readers_max: u32,
}

/// What is held of a lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    permits: u32,
    slot: bool,
}

impl Held {
    /// Nothing.
    const NOTHING: Self = Self { permits: 0, slot: false };
    /// What a reader holds.
    pub(super) const READER: Self = Self { permits: 1, slot: false };
    /// What a reader holds who may become a writer.
    pub(super) const UPGRADABLE: Self = Self { permits: 1, slot: true };
}

impl<F: Fairness, A: Access> Entry<F, A> {
    pub(super) fn new(readers_max: u32) -> Self {
        Self {
            permits: Permits::new(u64::from(readers_max)),
            slot: Permits::new(1),
            upgrading: A::Word::new(0),
            readers_max,
        }
    }

    /// What a writer holds.
    #[inline(always)]
    pub(super) fn writer(&self) -> Held {
        Held { permits: self.readers_max, slot: false }
    }

    /// How many permits there are.
    #[inline(always)]
    fn all(&self) -> u64 {
        u64::from(self.readers_max)
    }

    /// Gives back what is held.
    #[inline(always)]
    pub(super) fn leave(&self, held: Held) {
        let _slot = held.slot.then(|| Slot(self));
        self.permits.give(u64::from(held.permits));
    }

    /// Takes what a reader holds.
    #[inline(always)]
    pub(super) fn try_read(&self) -> Result<(), TryLockError> {
        self.permits.try_take(1).map_err(|_| TryLockError::new())
    }

    /// Waits for what a reader holds.
    #[inline(always)]
    pub(super) async fn read(&self) {
        if self.try_read().is_err() {
            _ = self.permits.take(1).await;
        }
    }

    /// Takes what a writer holds.
    #[inline(always)]
    pub(super) fn try_write(&self) -> Result<(), TryLockError> {
        self.permits.try_take(self.all()).map_err(|_| TryLockError::new())?;
        if self.is_upgrading() {
            self.permits.give(self.all());
            return Err(TryLockError::new());
        }
        Ok(())
    }

    /// Waits for what a writer holds.
    #[inline(always)]
    pub(super) async fn write(&self) {
        loop {
            if self.permits.try_take(self.all()).is_err() {
                _ = self.permits.take(self.all()).await;
            }
            if !self.is_upgrading() {
                return;
            }
            // W4: the permits go on to who becomes a writer, and we queue behind him.
            self.permits.give(self.all());
            if F::OVERTAKES_MAX.is_some() {
                // Where we could take them again in passing, we wait for the slot, which he gives back when he is a writer.
                if self.slot.try_take(1).is_err() {
                    _ = self.slot.take(1).await;
                }
                drop(Slot(self));
            }
        }
    }

    #[inline(always)]
    fn is_upgrading(&self) -> bool {
        // Relaxed: who asks has all permits, also that of who upgrades, and comes after him by it.
        self.upgrading.load(Ordering::Relaxed) != 0
    }

    /// Takes what a reader holds who may become a writer.
    pub(super) fn try_upgradable(&self) -> Result<(), TryLockError> {
        let slot = self.try_slot()?;
        self.try_read()?;
        mem::forget(slot);
        Ok(())
    }

    /// Waits for what a reader holds who may become a writer.
    pub(super) async fn upgradable(&self) {
        // The slot first: who waited for it with a permit would be waited for by who has it and becomes a writer.
        if self.slot.try_take(1).is_err() {
            _ = self.slot.take(1).await;
        }
        let slot = Slot(self);
        self.read().await;
        mem::forget(slot);
    }

    fn try_slot(&self) -> Result<Slot<'_, F, A>, TryLockError> {
        self.slot.try_take(1).map_err(|_| TryLockError::new())?;
        Ok(Slot(self))
    }

    /// A writer becomes a reader: W3.
    pub(super) fn downgrade(&self, held: &mut Held) {
        let others = held.permits - 1;
        // Set first: a waker may panic.
        *held = Held::READER;
        self.permits.give(u64::from(others));
        if mutant!("W3 let go between") {
            self.permits.give(1);
            while self.permits.try_take(1).is_err() {}
        }
    }

    /// A writer becomes a reader who may become a writer, if nobody else has the slot.
    pub(super) fn try_downgrade_to_upgradable(&self, held: &mut Held) -> Result<(), TryLockError> {
        mem::forget(self.try_slot()?);
        let others = held.permits - 1;
        // Set first: a waker may panic.
        *held = Held::UPGRADABLE;
        self.permits.give(u64::from(others));
        Ok(())
    }

    /// A reader who may become a writer becomes one like others.
    pub(super) fn leave_slot(&self, held: &mut Held) {
        *held = Held::READER;
        drop(Slot(self));
    }

    /// A reader becomes a writer, if nobody else reads or waits.
    pub(super) fn try_upgrade(&self, held: &mut Held) -> Result<(), TryLockError> {
        self.permits.try_take(self.all() - 1).map_err(|_| TryLockError::new())?;
        *held = self.writer();
        drop(Slot(self));
        Ok(())
    }

    /// Waits until a reader is a writer. Dropped before, it holds nothing any more.
    pub(super) async fn upgrade(&self, held: &mut Held) {
        if self.try_upgrade(held).is_ok() {
            return;
        }
        *held = Held::NOTHING;
        let (own, slot) = (Own(self), Slot(self));
        let mut take = pin!(self.permits.take(self.all()));
        // Dropped before `take` is: where it says so, somebody is queued or has all.
        let announced = Announced::new(self);
        let queued = poll_fn(|context| Poll::Ready(take.as_mut().poll(context).is_pending())).await;
        debug_assert!(queued, "we have one of them");
        // W4: now that it was announced and is queued.
        drop(own);
        _ = take.await;
        *held = self.writer();
        drop(announced);
        drop(slot);
    }
}

/// The permit of a reader who becomes a writer.
struct Own<'a, F: Fairness, A: Access>(&'a Entry<F, A>);

impl<F: Fairness, A: Access> Drop for Own<'_, F, A> {
    fn drop(&mut self) {
        self.0.permits.give(1);
    }
}

/// The slot, given back when this is dropped.
struct Slot<'a, F: Fairness, A: Access>(&'a Entry<F, A>);

impl<F: Fairness, A: Access> Drop for Slot<'_, F, A> {
    fn drop(&mut self) {
        self.0.slot.give(1);
    }
}

/// Somebody upgrades, until this is dropped.
struct Announced<'a, F: Fairness, A: Access>(&'a Entry<F, A>);

impl<'a, F: Fairness, A: Access> Announced<'a, F, A> {
    fn new(entry: &'a Entry<F, A>) -> Self {
        if !mutant!("W4 not announced") {
            // Relaxed: published with the permit that is given up.
            entry.upgrading.store(1, Ordering::Relaxed);
        }
        Self(entry)
    }
}

impl<F: Fairness, A: Access> Drop for Announced<'_, F, A> {
    fn drop(&mut self) {
        // Relaxed: published with all permits, or the place in the queue, that are given up afterwards.
        self.0.upgrading.store(0, Ordering::Relaxed);
    }
}

//! The two sides of a watched value, over who may touch them: [`watch`](super) names those of any thread, [`local::watch`](crate::local::watch) those of one.
//! The module above numbers the invariants.

use core::fmt;
use core::mem;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::error::{RecvError, SendError};
use crate::access::{Access, Word};
use crate::brief::{ReadGuard, RwLock, read, write};
use crate::notify::Notify;

/// All senders are gone; the version is above it.
const CLOSED: u64 = 1;
/// From one version to the next.
const STEP: u64 = 1 << 1;

/// What all have in common.
pub(super) struct Watched<T, A: Access> {
    pub(super) value: RwLock<T, A>,
    /// The version, and whether all senders are gone.
    state: A::Word,
    receivers: A::Word,
    senders: A::Word,
    /// For those who wait for another version.
    changed: Notify<A>,
    /// For those who wait until no receiver is left.
    left: Notify<A>,
}

/// Sends values. The last one to be dropped closes the channel.
pub struct Sender<T, A: Access> {
    watched: A::Handle<Watched<T, A>>,
}

/// Sees the latest value.
pub struct Receiver<T, A: Access> {
    pub(super) watched: A::Handle<Watched<T, A>>,
    /// The version that was seen last.
    version: u64,
}

/// The value, which cannot change until this is dropped: senders wait.
#[clippy::has_significant_drop]
pub struct Ref<'a, T, A: Access> {
    value: ReadGuard<'a, T, A>,
    has_changed: bool,
}

// V4.
impl<T, A: Access> UnwindSafe for Watched<T, A> {}
impl<T, A: Access> RefUnwindSafe for Watched<T, A> {}

impl<T, A: Access> Watched<T, A> {
    fn version_and_closed(&self) -> (u64, bool) {
        // Acquire: comes after the last of the senders has left, and after the value was sent.
        let state = self.state.load(Ordering::Acquire);
        (state & !CLOSED, state & CLOSED != 0)
    }

    /// Waits for a version that was not seen.
    async fn changed(&self, seen: &mut u64) -> Result<(), RecvError> {
        loop {
            // V2: begun before the version is looked at.
            let changed = self.changed.notified();
            let (version, closed) = self.version_and_closed();
            if mem::replace(seen, version) != version {
                return Ok(());
            }
            if closed {
                return Err(RecvError(()));
            }
            changed.await;
        }
    }
}

impl<T, A: Access> Sender<T, A> {
    /// A value that nobody watches yet.
    #[must_use]
    pub fn new(init: T) -> Self {
        Self {
            watched: A::handle(Watched {
                value: RwLock::new(init),
                state: A::Word::new(0),
                receivers: A::Word::new(0),
                senders: A::Word::new(1),
                changed: Notify::new(),
                left: Notify::new(),
            }),
        }
    }

    /// Replaces the value.
    ///
    /// # Errors
    ///
    /// The value, if nobody watches. [`send_replace`](Self::send_replace) does not mind.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, if a [`Ref`] is held.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.receiver_count() == 0 {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Changes the value in place, and tells those who watch. `modify` runs while the value is held.
    ///
    /// # Panics
    ///
    /// If `modify` does. Nobody is told then; what it did to the value stays.
    /// With [`Local`](crate::access::Local) access, if a [`Ref`] is held.
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// The same if `modify` answers that it changed the value. Answers whether it did.
    ///
    /// # Panics
    ///
    /// If `modify` does. Nobody is told then; what it did to the value stays.
    /// With [`Local`](crate::access::Local) access, if a [`Ref`] is held.
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        let mut value = write(&self.watched.value);
        if !modify(&mut value) {
            return false;
        }
        let late = mutant!("V1 a version behind the value");
        if late {
            drop(value);
            // Release: as below, but too late.
            self.watched.state.fetch_add(STEP, Ordering::Release);
        } else {
            // Release: the value is what Acquire in `version_and_closed` finds with it. Those who read it are held off.
            self.watched.state.fetch_add(STEP, Ordering::Release);
            drop(value);
        }
        if !mutant!("V2 changed and nobody told") {
            self.watched.changed.notify_waiters();
        }
        true
    }

    /// Replaces the value, also if nobody watches, and answers the old one.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, if a [`Ref`] is held.
    pub fn send_replace(&self, mut value: T) -> T {
        // V3: the caller drops it.
        self.send_modify(|place| mem::swap(place, &mut value));
        value
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, from within a closure that changes the value.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, T, A> {
        Ref { value: read(&self.watched.value), has_changed: false }
    }

    /// Whether nobody watches.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until nobody watches.
    ///
    /// Cancel safe: a wait that is given up leaves nothing.
    pub async fn closed(&self) {
        loop {
            // Begun before it is looked at.
            let left = self.watched.left.notified();
            if self.is_closed() {
                return;
            }
            // Somebody may begin to watch again.
            left.await;
        }
    }

    /// One more who watches. The present value counts as seen.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T, A> {
        let (version, _) = self.watched.version_and_closed();
        Receiver::of(&self.watched, version)
    }

    /// How many watch.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        // Relaxed: a number.
        self.watched.receivers.load(Ordering::Relaxed) as usize
    }

    /// How many can send.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        // Relaxed: a number.
        self.watched.senders.load(Ordering::Relaxed) as usize
    }

    /// Whether two senders are of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        ptr::eq(&*self.watched, &*other.watched)
    }
}

impl<T, A: Access> Receiver<T, A> {
    fn of(watched: &A::Handle<Watched<T, A>>, version: u64) -> Self {
        // Relaxed: a number.
        watched.receivers.fetch_add(1, Ordering::Relaxed);
        Self { watched: watched.clone(), version }
    }

    /// The value. It does not count as seen by that.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, from within a closure that changes the value.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, T, A> {
        let value = read(&self.watched.value);
        // V1: the version of this value.
        let (version, _) = self.watched.version_and_closed();
        Ref { value, has_changed: version != self.version }
    }

    /// The value, which counts as seen.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, from within a closure that changes the value.
    #[must_use]
    pub fn borrow_and_update(&mut self) -> Ref<'_, T, A> {
        let value = read(&self.watched.value);
        // V1: the version of this value.
        let (version, _) = self.watched.version_and_closed();
        let has_changed = mem::replace(&mut self.version, version) != version;
        Ref { value, has_changed }
    }

    /// Whether there is a value that was not seen.
    ///
    /// # Errors
    ///
    /// If all senders are gone.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        match self.watched.version_and_closed() {
            (_, true) => Err(RecvError(())),
            (version, false) => Ok(version != self.version),
        }
    }

    /// Whether all senders are gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.watched.version_and_closed().1
    }

    /// Counts the present value as not seen.
    pub fn mark_changed(&mut self) {
        self.version = self.version.wrapping_sub(STEP);
    }

    /// Counts the present value as seen.
    pub fn mark_unchanged(&mut self) {
        self.version = self.watched.version_and_closed().0;
    }

    /// Waits for a value that was not seen, and counts it as seen.
    ///
    /// Cancel safe: a wait that is given up has counted nothing as seen. A spurious wake is possible; the wait goes on then.
    ///
    /// # Errors
    ///
    /// If all senders are gone and the last value was seen.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        self.watched.changed(&mut self.version).await
    }

    /// Waits for a value of which `f` is true, beginning with the present one. `f` runs while the value is held.
    ///
    /// Cancel safe: values that `f` refused count as seen, and no others.
    ///
    /// # Errors
    ///
    /// If all senders are gone and `f` refused the last value.
    ///
    /// # Panics
    ///
    /// If `f` does.
    /// With [`Local`](crate::access::Local) access, if it is polled from within a closure that changes the value.
    pub async fn wait_for(
        &mut self,
        mut f: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T, A>, RecvError> {
        let mut closed = false;
        loop {
            {
                let value = read(&self.watched.value);
                // V1: the version of this value.
                let (version, _) = self.watched.version_and_closed();
                let has_changed = mem::replace(&mut self.version, version) != version;
                if (!closed || has_changed) && f(&value) {
                    return Ok(Ref { value, has_changed });
                }
            }
            if closed {
                return Err(RecvError(()));
            }
            closed = self.watched.changed(&mut self.version).await.is_err();
        }
    }

    /// Whether two receivers are of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        ptr::eq(&*self.watched, &*other.watched)
    }
}

impl<T, A: Access> Clone for Sender<T, A> {
    fn clone(&self) -> Self {
        // Relaxed: a number.
        self.watched.senders.fetch_add(1, Ordering::Relaxed);
        Self { watched: self.watched.clone() }
    }
}

impl<T, A: Access> Drop for Sender<T, A> {
    fn drop(&mut self) {
        // AcqRel: the last comes after all others.
        if self.watched.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Release: what was sent is seen by who finds it closed.
            self.watched.state.fetch_or(CLOSED, Ordering::Release);
            self.watched.changed.notify_waiters();
        }
    }
}

impl<T: Default, A: Access> Default for Sender<T, A> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, A: Access> Clone for Receiver<T, A> {
    fn clone(&self) -> Self {
        Self::of(&self.watched, self.version)
    }
}

impl<T, A: Access> Drop for Receiver<T, A> {
    fn drop(&mut self) {
        // Relaxed: a number; telling orders what has to be.
        if self.watched.receivers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.watched.left.notify_waiters();
        }
    }
}

impl<T, A: Access> Ref<'_, T, A> {
    /// Whether the value had not been seen by the receiver that made this.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T, A: Access> Deref for Ref<'_, T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug, A: Access> fmt::Debug for Ref<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref")
            .field("value", &**self)
            .field("has_changed", &self.has_changed)
            .finish()
    }
}

impl<T: fmt::Debug, A: Access> fmt::Debug for Watched<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, closed) = self.version_and_closed();
        let mut shown = f.debug_struct("Watched");
        match self.value.try_read() {
            Ok(value) => shown.field("value", &*value),
            Err(_) => shown.field("value", &format_args!("<locked>")),
        };
        shown.field("version", &(version / STEP)).field("closed", &closed).finish()
    }
}

impl<T: fmt::Debug, A: Access> fmt::Debug for Sender<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("watched", &*self.watched).finish()
    }
}

impl<T: fmt::Debug, A: Access> fmt::Debug for Receiver<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("watched", &*self.watched)
            .field("version", &(self.version / STEP))
            .finish()
    }
}

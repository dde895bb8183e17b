//! Room that was reserved.

use core::fmt;
use core::iter::FusedIterator;
use core::mem;
use core::ptr;

use super::bounded::Sender;
use crate::access::{Access, Shared};

/// Room for a value, which is given back when this is dropped.
#[must_use = "room is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct Permit<'a, T, A: Access = Shared> {
    pub(super) sender: &'a Sender<T, A>,
}

/// Room for some values, which is handed out one by one; what is left is given back when this is dropped.
#[must_use = "room is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct PermitIterator<'a, T, A: Access = Shared> {
    pub(super) sender: &'a Sender<T, A>,
    pub(super) count: usize,
}

/// Room for a value, together with the sender. It is given back when this is dropped.
#[must_use = "room is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedPermit<T, A: Access = Shared> {
    /// Nothing once the room is used.
    pub(super) sender: Option<Sender<T, A>>,
}

impl<T, A: Access> Permit<'_, T, A> {
    /// Sends a value, at once. It is accepted even when the channel was closed meanwhile.
    pub fn send(self, value: T) {
        let sender = self.sender;
        mem::forget(self);
        sender.push(value);
    }
}

impl<T, A: Access> Drop for Permit<'_, T, A> {
    fn drop(&mut self) {
        self.sender.chan.give_back(1);
    }
}

impl<'a, T, A: Access> Iterator for PermitIterator<'a, T, A> {
    type Item = Permit<'a, T, A>;

    fn next(&mut self) -> Option<Self::Item> {
        self.count = self.count.checked_sub(1)?;
        Some(Permit { sender: self.sender })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl<T, A: Access> ExactSizeIterator for PermitIterator<'_, T, A> {}
impl<T, A: Access> FusedIterator for PermitIterator<'_, T, A> {}

impl<T, A: Access> Drop for PermitIterator<'_, T, A> {
    fn drop(&mut self) {
        if self.count > 0 {
            self.sender.chan.give_back(self.count);
        }
    }
}

impl<T, A: Access> OwnedPermit<T, A> {
    /// Sends a value, at once, and answers the sender. It is accepted even when the channel was closed meanwhile.
    pub fn send(mut self, value: T) -> Sender<T, A> {
        let sender = self.take();
        sender.push(value);
        sender
    }

    /// Gives back the room, and answers the sender.
    pub fn release(mut self) -> Sender<T, A> {
        let sender = self.take();
        sender.chan.give_back(1);
        sender
    }

    /// Whether two are of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        match (&self.sender, &other.sender) {
            (Some(one), Some(other)) => one.same_channel(other),
            _ => false,
        }
    }

    /// Whether it is of the channel of a sender.
    #[must_use]
    pub fn same_channel_as_sender(&self, sender: &Sender<T, A>) -> bool {
        self.sender.as_ref().is_some_and(|own| ptr::eq(&*own.chan, &*sender.chan))
    }

    fn take(&mut self) -> Sender<T, A> {
        self.sender.take().expect("only who consumes this takes it")
    }
}

impl<T, A: Access> Drop for OwnedPermit<T, A> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.chan.give_back(1);
        }
    }
}

impl<T, A: Access> fmt::Debug for Permit<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("sender", self.sender).finish()
    }
}

impl<T, A: Access> fmt::Debug for PermitIterator<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator")
            .field("sender", self.sender)
            .field("capacity", &self.count)
            .finish()
    }
}

impl<T, A: Access> fmt::Debug for OwnedPermit<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").field("sender", &self.sender).finish()
    }
}

//! What the senders and receivers of both kinds of channel can do.

/// Gives a receiver its methods.
macro_rules! receiver {
    ($receiver:ident, $access:ident) => {
        impl<T, $access: Access> $receiver<T, $access> {
            /// Waits for the next value; nothing when no more can come.
            ///
            /// What was sent before the channel was closed is received still, and a bounded channel waits for room that was reserved to be used or given back.
            ///
            /// Cancel safe: a value is taken in the poll that answers it. A spurious wake is possible; the wait goes on then.
            pub async fn recv(&mut self) -> Option<T> {
                poll_fn(|context| self.poll_recv(context)).await
            }

            /// Waits for values and puts up to `limit` of them behind what is in `buffer`. Answers how many: none when no more can come, or `limit` is
            /// zero.
            ///
            /// Cancel safe: values are taken in the poll that answers.
            pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                poll_fn(|context| self.poll_recv_many(context, buffer, limit)).await
            }

            /// The next value, if it is there.
            ///
            /// Waits shortly for a sender that was stopped while it sends.
            ///
            /// # Errors
            ///
            /// If it is not there, or none can come any more.
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                // SAFETY: we are the receiver.
                unsafe { self.chan.try_recv() }
            }

            /// [`recv`](Self::recv) for a future of one's own. The task of the last poll is woken.
            pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                // SAFETY: we are the receiver.
                unsafe { self.chan.poll_recv(cx) }
            }

            /// [`recv_many`](Self::recv_many) for a future of one's own. The task of the last poll is woken.
            pub fn poll_recv_many(
                &mut self,
                cx: &mut Context<'_>,
                buffer: &mut Vec<T>,
                limit: usize,
            ) -> Poll<usize> {
                // SAFETY: we are the receiver.
                unsafe { self.chan.poll_recv_many(cx, buffer, limit) }
            }

            /// Accepts no more values; those that were sent, or that room was reserved for, can be received still.
            pub fn close(&mut self) {
                self.chan.close();
            }

            /// Whether this was closed or all senders are gone.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.chan.is_closed_or_left()
            }

            /// Whether no value is on its way or there.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// How many values are there or on their way.
            #[must_use]
            pub fn len(&self) -> usize {
                self.chan.len()
            }

            /// How many senders there are.
            #[must_use]
            pub fn sender_strong_count(&self) -> usize {
                self.chan.strong_count()
            }

            /// How many weak senders there are.
            #[must_use]
            pub fn sender_weak_count(&self) -> usize {
                self.chan.weak_count()
            }
        }

        #[cfg(feature = "std")]
        impl<T> $receiver<T> {
            /// [`recv`](Self::recv) for a thread, which sleeps meanwhile.
            pub fn blocking_recv(&mut self) -> Option<T> {
                block_on(self.recv())
            }

            /// [`recv_many`](Self::recv_many) for a thread, which sleeps meanwhile.
            pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                block_on(self.recv_many(buffer, limit))
            }
        }

        impl<T, $access: Access> Unpin for $receiver<T, $access> {}

        impl<T, $access: Access> Drop for $receiver<T, $access> {
            fn drop(&mut self) {
                // SAFETY: we are the receiver.
                unsafe { self.chan.remove_receiver() };
            }
        }

        impl<T, $access: Access> fmt::Debug for $receiver<T, $access> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($receiver)).field("chan", &*self.chan).finish()
            }
        }
    };
}

/// Gives a sender and its weak twin the methods that both kinds have.
macro_rules! sender {
    ($sender:ident, $weak:ident, $access:ident) => {
        impl<T, $access: Access> $sender<T, $access> {
            /// Waits until the receiver is closed or dropped.
            ///
            /// Cancel safe: a wait that is given up leaves nothing.
            pub async fn closed(&self) {
                self.chan.closed().await;
            }

            /// Whether the receiver was closed or dropped.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.chan.is_closed()
            }

            /// Whether two senders are of one channel.
            #[must_use]
            pub fn same_channel(&self, other: &Self) -> bool {
                ptr::eq(&*self.chan, &*other.chan)
            }

            /// A sender that does not keep the channel open.
            #[must_use]
            pub fn downgrade(&self) -> $weak<T, $access> {
                self.chan.add_weak_sender();
                $weak { chan: self.chan.clone() }
            }

            /// How many senders there are.
            #[must_use]
            pub fn strong_count(&self) -> usize {
                self.chan.strong_count()
            }

            /// How many weak senders there are.
            #[must_use]
            pub fn weak_count(&self) -> usize {
                self.chan.weak_count()
            }
        }

        impl<T, $access: Access> Clone for $sender<T, $access> {
            fn clone(&self) -> Self {
                self.chan.add_sender();
                Self { chan: self.chan.clone() }
            }
        }

        impl<T, $access: Access> Drop for $sender<T, $access> {
            fn drop(&mut self) {
                self.chan.remove_sender();
            }
        }

        impl<T, $access: Access> fmt::Debug for $sender<T, $access> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($sender)).field("chan", &*self.chan).finish()
            }
        }

        impl<T, $access: Access> $weak<T, $access> {
            /// A sender, if there is one still: a channel that was left is not begun again.
            #[must_use]
            pub fn upgrade(&self) -> Option<$sender<T, $access>> {
                self.chan.revive_sender().then(|| $sender { chan: self.chan.clone() })
            }

            /// How many senders there are.
            #[must_use]
            pub fn strong_count(&self) -> usize {
                self.chan.strong_count()
            }

            /// How many weak senders there are.
            #[must_use]
            pub fn weak_count(&self) -> usize {
                self.chan.weak_count()
            }
        }

        impl<T, $access: Access> Clone for $weak<T, $access> {
            fn clone(&self) -> Self {
                self.chan.add_weak_sender();
                Self { chan: self.chan.clone() }
            }
        }

        impl<T, $access: Access> Drop for $weak<T, $access> {
            fn drop(&mut self) {
                self.chan.remove_weak_sender();
            }
        }

        impl<T, $access: Access> fmt::Debug for $weak<T, $access> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($weak)).finish_non_exhaustive()
            }
        }
    };
}

pub(super) use {receiver, sender};

//! What a cell can hold: a future, or a re-armed task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::pool::Shared;

use super::{Budget, Rearmed, Step};

/// What came of a step.
pub(crate) enum Outcome<T> {
    Again,
    Park,
    Done(T),
}

/// Something that is done in steps.
pub(crate) trait Work: Send + 'static {
    type Output: Send + 'static;

    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>, pool: &Shared) -> Outcome<Self::Output>;
}

/// A future, in the cell itself: an allocation of its own would be freed on another thread than the one that made it.
pub(crate) struct Polled<F>(pub(crate) F);

impl<F> Work for Polled<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = F::Output;

    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>, _pool: &Shared) -> Outcome<F::Output> {
        // SAFETY: the future is pinned where `self` is: nothing else gives it out, and it has no `Drop` of ours.
        let future = unsafe { self.map_unchecked_mut(|polled| &mut polled.0) };
        match future.poll(cx) {
            Poll::Ready(output) => Outcome::Done(output),
            Poll::Pending => Outcome::Park,
        }
    }
}

/// A re-armed task.
pub(crate) struct Stepped<R>(pub(crate) R);

/// Nothing in it is ever pinned.
impl<R> Unpin for Stepped<R> {}

impl<R: Rearmed> Work for Stepped<R> {
    type Output = ();

    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>, pool: &Shared) -> Outcome<()> {
        let until_ns = pool.clock.now_ns().saturating_add(pool.quantum_ns());
        let budget = Budget::until(&pool.clock, until_ns);
        match self.get_mut().0.run(cx, budget) {
            Step::Again => Outcome::Again,
            Step::Park => Outcome::Park,
            Step::Done => Outcome::Done(()),
        }
    }
}

//! What a cell can hold: a future, or a re-armed task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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

    fn step(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Outcome<Self::Output>;
}

/// A future.
pub(crate) struct Polled<F>(pub(crate) Pin<Box<F>>);

impl<F> Work for Polled<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = F::Output;

    fn step(&mut self, cx: &mut Context<'_>, _budget: Budget<'_>) -> Outcome<F::Output> {
        match self.0.as_mut().poll(cx) {
            Poll::Ready(output) => Outcome::Done(output),
            Poll::Pending => Outcome::Park,
        }
    }
}

/// A re-armed task.
pub(crate) struct Stepped<R>(pub(crate) R);

impl<R: Rearmed> Work for Stepped<R> {
    type Output = ();

    fn step(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Outcome<()> {
        match self.0.run(cx, budget) {
            Step::Again => Outcome::Again,
            Step::Park => Outcome::Park,
            Step::Done => Outcome::Done(()),
        }
    }
}

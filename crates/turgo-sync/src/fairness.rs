//! Who gets a permit that was given back while others wait: the one who waits longest, or whoever comes first, within bounds.

/// How permits go to those who want them. [`Fifo`] and [`Barging`] are all there are.
pub trait Fairness: sealed::Sealed + 'static {
    /// How often those who wait may be overtaken before one of them is served: none, or so often.
    #[doc(hidden)]
    const OVERTAKES_MAX: Option<u64>;
}

/// Strictly in the order of asking, as tokio does it: nobody passes somebody who waits, not even with a smaller wish.
///
/// A permit given back goes to a waiter's hands, so it is idle until that task runs. Where tasks on several threads contend for few permits,
/// that costs a thread's wake for each: see [`Barging`].
#[derive(Debug)]
pub struct Fifo;

/// Whoever runs may take what is there, even if others wait, at most `OVERTAKES_MAX` times before one who waits is served.
///
/// A permit given back stays takable, and one waiter is told to try. Running tasks need not wait until a sleeping one is awake, which is
/// what makes contended locks fast. Each permit that is taken in passing is counted, in the same exchange that takes it; when
/// the count is full nobody passes any more and permits go to the first in the queue as with [`Fifo`], until it is served or gives up; then the count
/// starts again. So who is the `k`th in the queue is overtaken by at most `k * OVERTAKES_MAX` later ones.
///
/// The bound may be from 1 to 65,535. The default is what a busy lock does in about half a millisecond, the time after which `parking_lot`
/// turns fair, too: where a sleeping thread takes some tens of microseconds to wake, as on virtual machines, a much smaller bound
/// spends most of the time waiting for it.
#[derive(Debug)]
pub struct Barging<const OVERTAKES_MAX: u16 = 30_000>;

impl Fairness for Fifo {
    const OVERTAKES_MAX: Option<u64> = None;
}

impl<const OVERTAKES_MAX: u16> Fairness for Barging<OVERTAKES_MAX> {
    const OVERTAKES_MAX: Option<u64> = {
        assert!(OVERTAKES_MAX > 0, "use Fifo where nobody may be overtaken");
        Some(OVERTAKES_MAX as u64)
    };
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else implements it")]
    pub trait Sealed {}
    impl Sealed for super::Fifo {}
    impl<const OVERTAKES_MAX: u16> Sealed for super::Barging<OVERTAKES_MAX> {}
}

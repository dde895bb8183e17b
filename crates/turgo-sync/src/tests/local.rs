//! What is of one thread is neither `Send` nor `Sync`: otherwise this does not compile.

use crate::local::{broadcast, cancellation, watch};

/// Two answers to the question which `Stays` is meant, for a type that is `Send` or `Sync`.
macro_rules! stays {
    ($($stays:ty),* $(,)?) => { $(
        const _: fn() = || {
            trait Stays<Why> {
                fn here() {}
            }
            impl<T> Stays<()> for T {}
            struct IsSend;
            impl<T: Send> Stays<IsSend> for T {}
            struct IsSync;
            impl<T: Sync> Stays<IsSync> for T {}
            <$stays as Stays<_>>::here();
        };
    )* };
}

stays!(watch::Sender<u8>, watch::Receiver<u8>, watch::Ref<'static, u8>);
stays!(broadcast::Sender<u8>, broadcast::WeakSender<u8>, broadcast::Receiver<u8>);
stays!(
    cancellation::CancellationToken,
    cancellation::DropGuard,
    cancellation::DropGuardRef<'static>,
    cancellation::WaitForCancellationFuture<'static>,
    cancellation::WaitForCancellationFutureOwned,
);

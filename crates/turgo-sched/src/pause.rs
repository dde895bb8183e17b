//! Places where a test can suspend a worker in the middle of something, to show that the others go on without it. Nothing is left of them outside of tests.

#[cfg(not(all(test, not(any(loom, shuttle)))))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}

#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) use suspended::{Pause, point};

#[cfg(all(test, not(any(loom, shuttle))))]
mod suspended {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::time::Duration;

    use turgo_machine::atomic::{AtomicU8, Ordering};

    const EXPECTED: u8 = 0;
    const SUSPENDED: u8 = 1;
    const RELEASED: u8 = 2;

    thread_local! {
        static AT: RefCell<Option<(&'static str, Arc<AtomicU8>)>> = const { RefCell::new(None) };
    }

    /// Waits here where the calling thread was told to.
    pub(crate) fn point(name: &str) {
        let is_here = AT.with_borrow(|at| at.as_ref().is_some_and(|(at, _)| *at == name));
        if !is_here {
            return;
        }
        let Some((_, state)) = AT.take() else { return };
        // Acquire: as in the loop. Nothing to wait for where the test has ended.
        if state.swap(SUSPENDED, Ordering::AcqRel) == RELEASED {
            return;
        }
        // Acquire: pairs with the Release in `drop`.
        while state.load(Ordering::Acquire) != RELEASED {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// A thread that is to be suspended once; it goes on when this is dropped, also where a test fails: others may wait for it.
    #[derive(Debug)]
    pub(crate) struct Pause(Arc<AtomicU8>);

    impl Pause {
        pub(crate) fn new() -> Self {
            Self(Arc::new(AtomicU8::new(EXPECTED)))
        }

        /// What tells the thread that calls it to wait when it comes to this place.
        pub(crate) fn arm(&self, name: &'static str) -> impl FnOnce() + Send + 'static {
            let state = Arc::clone(&self.0);
            move || AT.set(Some((name, state)))
        }

        /// Whether it waits there.
        pub(crate) fn is_reached(&self) -> bool {
            // Acquire: sees what it did before.
            self.0.load(Ordering::Acquire) == SUSPENDED
        }
    }

    impl Drop for Pause {
        fn drop(&mut self) {
            // Release: pairs with the Acquire in `point`.
            self.0.store(RELEASED, Ordering::Release);
        }
    }
}

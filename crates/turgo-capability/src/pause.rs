//! Places where a test can suspend a thread in the middle of an operation, to show that the others go on without it, and what comes of it.

#[cfg(not(all(test, not(any(loom, shuttle)))))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}

#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) use suspended::{point, suspend_at};

#[cfg(all(test, not(any(loom, shuttle))))]
mod suspended {
    use std::cell::RefCell;
    use std::sync::Arc;

    use turgo_machine::atomic::{AtomicU8, Ordering};
    use turgo_machine::thread;

    const RUNNING: u8 = 0;
    const SUSPENDED: u8 = 1;
    const RELEASED: u8 = 2;

    thread_local! {
        static AT: RefCell<Option<(&'static str, Arc<AtomicU8>)>> = const { RefCell::new(None) };
    }

    /// Waits here where the calling thread was told to, once.
    pub(crate) fn point(name: &str) {
        let Some((_, state)) = AT.with_borrow_mut(|told| told.take_if(|(at, _)| *at == name))
        else {
            return;
        };
        // Release: what this thread did so far, for the Acquire in `suspend_at`.
        state.store(SUSPENDED, Ordering::Release);
        // Acquire: pairs with the Release in `drop`.
        while state.load(Ordering::Acquire) != RELEASED {
            thread::yield_now();
        }
    }

    /// Lets a suspended thread go on, also where a test fails meanwhile.
    struct Resume(Arc<AtomicU8>);

    impl Drop for Resume {
        fn drop(&mut self) {
            // Release: what the others did, for the Acquire in `point`.
            self.0.store(RELEASED, Ordering::Release);
        }
    }

    /// Runs `stuck` in a thread until it comes to the place, then `others` here, then lets the thread go on. What `stuck` returned.
    pub(crate) fn suspend_at<T: Send>(
        name: &'static str,
        stuck: impl FnOnce() -> T + Send,
        others: impl FnOnce(),
    ) -> T {
        let state = Arc::new(AtomicU8::new(RUNNING));
        let told = Arc::clone(&state);
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                AT.set(Some((name, told)));
                stuck()
            });
            let resume = Resume(Arc::clone(&state));
            // Acquire: pairs with the Release in `point`.
            while state.load(Ordering::Acquire) != SUSPENDED {
                assert!(!thread.is_finished(), "it never came to {name}");
                thread::yield_now();
            }
            others();
            drop(resume);
            thread.join().expect("it does not panic")
        })
    }
}

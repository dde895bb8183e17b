//! Places where a test can suspend a thread in the middle of an operation, to show that the others go on without it.

#[cfg(not(all(test, not(any(loom, shuttle)))))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}

#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) use suspended::{point, suspend_at};

#[cfg(all(test, not(any(loom, shuttle))))]
mod suspended {
    use std::cell::Cell;

    use turgo_machine::atomic::{AtomicU8, Ordering};

    use turgo_machine::thread;

    const RUNNING: u8 = 0;
    const SUSPENDED: u8 = 1;
    const RELEASED: u8 = 2;

    thread_local! {
        static AT: Cell<Option<(&'static str, &'static AtomicU8)>> = const { Cell::new(None) };
    }

    /// Waits here where the calling thread was told to.
    pub(crate) fn point(name: &str) {
        let Some((at, state)) = AT.get() else { return };
        if at == name {
            AT.set(None);
            state.store(SUSPENDED, Ordering::Release);
            while state.load(Ordering::Acquire) != RELEASED {
                thread::yield_now();
            }
        }
    }

    /// Lets a suspended thread go on, also where a test fails meanwhile: others may wait for it.
    struct Resume(&'static AtomicU8);

    impl Drop for Resume {
        fn drop(&mut self) {
            self.0.store(RELEASED, Ordering::Release);
        }
    }

    /// Runs `stuck` in a thread until it comes to the place, then `others` here, then lets the thread go on.
    pub(crate) fn suspend_at<T: Send + 'static>(
        name: &'static str,
        stuck: impl FnOnce() -> T + Send + 'static,
        others: impl FnOnce(),
    ) -> T {
        let state: &'static AtomicU8 = Box::leak(Box::new(AtomicU8::new(RUNNING)));
        let thread = thread::spawn(move || {
            AT.set(Some((name, state)));
            stuck()
        });
        while state.load(Ordering::Acquire) != SUSPENDED {
            assert!(!thread.is_finished(), "it never came to {name}");
            thread::yield_now();
        }
        let resume = Resume(state);
        others();
        drop(resume);
        let result = thread.join().expect("the suspended thread has panicked");
        let state: *const AtomicU8 = state;
        // SAFETY: it came from `Box::leak`, and the thread it was shared with has ended.
        drop(unsafe { Box::from_raw(state.cast_mut()) });
        result
    }
}

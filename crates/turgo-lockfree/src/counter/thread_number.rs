//! The calling thread's number (C1, C2), and tables with a place for each.

use alloc::boxed::Box;
use core::ptr;

use turgo_machine::atomic::{AtomicPtr, Ordering};

const ROWS: usize = 32;
const COLUMNS: usize = 32;

/// Threads that can have a number at the same time.
pub(super) const NUMBERS_MAX: usize = ROWS * COLUMNS;

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod of_thread {
    //! The calling thread's number.

    use core::cell::Cell;

    use turgo_machine::thread::thread_local;

    use super::super::numbers::Numbers;

    pub(super) static NUMBERS: Numbers = Numbers::new();

    /// No number yet.
    const NEW: usize = usize::MAX;
    /// None any more, or none was left (C4).
    const NONE: usize = usize::MAX - 1;

    thread_local! {
        /// Without a destructor, so that reading it asks nothing.
        static NUMBER: Cell<usize> = const { Cell::new(NEW) };
        static EXIT: Exit = const { Exit };
    }

    struct Exit;

    impl Drop for Exit {
        fn drop(&mut self) {
            let number = NUMBER.replace(NONE);
            if number < NONE {
                NUMBERS.give_back(number);
            }
        }
    }

    #[inline(always)]
    pub(in crate::counter) fn thread_number() -> Option<usize> {
        let number = NUMBER.get();
        if number < NONE { Some(number) } else { join(number) }
    }

    #[cold]
    fn join(number: usize) -> Option<usize> {
        if number == NONE || EXIT.try_with(|_| ()).is_err() {
            return None;
        }
        let taken = NUMBERS.take();
        NUMBER.set(taken.unwrap_or(NONE));
        taken
    }
}

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub(super) use of_thread::thread_number;

/// Models and programs without `std` have no thread-local values: all threads share a slot (C4).
#[cfg(not(all(feature = "std", not(any(loom, shuttle)))))]
pub(super) fn thread_number() -> Option<usize> {
    None
}

/// Whether a reader is to leave out the slots of threads that have ended: never.
pub(super) fn is_forgotten(number: usize) -> bool {
    #[cfg(all(mutants, feature = "std", not(any(loom, shuttle))))]
    return turgo_machine::mutant!("C2 lost at thread exit")
        && !of_thread::NUMBERS.is_taken(number);
    #[cfg(not(all(mutants, feature = "std", not(any(loom, shuttle)))))]
    {
        let _ = number;
        false
    }
}

type Row<T> = [AtomicPtr<T>; COLUMNS];

/// A `T` for each thread that asked for one, and one that all others share.
pub(super) struct PerThread<T> {
    rows: [AtomicPtr<Row<T>>; ROWS],
    pub(super) shared: T,
}

impl<T: Default> PerThread<T> {
    #[cfg(not(any(loom, shuttle)))]
    pub(super) const fn new(shared: T) -> Self {
        Self { rows: [const { AtomicPtr::new(ptr::null_mut()) }; ROWS], shared }
    }

    #[cfg(any(loom, shuttle))]
    pub(super) fn new(shared: T) -> Self {
        Self { rows: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())), shared }
    }

    /// The place of a number.
    #[inline(always)]
    pub(super) fn at(&self, number: usize) -> &T {
        self.get(number).unwrap_or_else(|| self.add(number))
    }

    #[inline(always)]
    fn get(&self, number: usize) -> Option<&T> {
        // The remainder is the number of the row itself, and spares the fast path a check that could fail.
        let row = &self.rows[number / COLUMNS % ROWS];
        // Acquire: pairs with the Release in `install`.
        let row = row.load(Ordering::Acquire);
        // SAFETY: it is null or a row that lives as long as the table (C2).
        let row = unsafe { row.as_ref() }?;
        // Acquire: pairs with the Release in `install`.
        let place = row[number % COLUMNS].load(Ordering::Acquire);
        // SAFETY: it is null or a place that lives as long as the table.
        unsafe { place.as_ref() }
    }

    #[cold]
    fn add(&self, number: usize) -> &T {
        let new_row = || core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
        let row: &Row<T> = install(&self.rows[number / COLUMNS], new_row);
        install(&row[number % COLUMNS], T::default)
    }

    /// All places there are, the shared one last.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        let places = (0..NUMBERS_MAX).filter(|number| !is_forgotten(*number));
        places.filter_map(|number| self.get(number)).chain(core::iter::once(&self.shared))
    }
}

/// What `place` points to, or a new value, if nobody was faster.
fn install<T>(place: &AtomicPtr<T>, make: impl FnOnce() -> T) -> &T {
    // Acquire: pairs with the Release below.
    let mut found = place.load(Ordering::Acquire);
    if found.is_null() {
        let new = Box::into_raw(Box::new(make()));
        // Release: hands the value to the Acquires above and in `get`. Acquire: another's.
        let order = (Ordering::Release, Ordering::Acquire);
        match place.compare_exchange(ptr::null_mut(), new, order.0, order.1) {
            Ok(_) => found = new,
            Err(other) => {
                // SAFETY: nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                found = other;
            }
        }
    }
    // SAFETY: it is not null, came from a box, and lives as long as `place`: only `PerThread::drop` frees it.
    unsafe { &*found }
}

impl<T> Drop for PerThread<T> {
    fn drop(&mut self) {
        for row in &self.rows {
            // Relaxed: nobody else uses the table.
            let row = row.load(Ordering::Relaxed);
            if row.is_null() {
                continue;
            }
            // SAFETY: `install` made it, and nobody else uses the table.
            for place in *unsafe { Box::from_raw(row) } {
                // Relaxed: as above.
                let place = place.load(Ordering::Relaxed);
                if !place.is_null() {
                    // SAFETY: as above.
                    drop(unsafe { Box::from_raw(place) });
                }
            }
        }
    }
}

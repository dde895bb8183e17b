//! A task's code, with what its closure owns beside it where that is small: two words, such as a shared pointer and a number.
//!
//! What is larger is in a box. So a small task costs no allocation, and whoever runs it reads one line of memory.
//!
//! # Invariants
//!
//! - **B1** The space holds a value of the type that the functions were made for, from the making of the body to its end; it goes with the body.

use std::fmt;
use std::mem::{MaybeUninit, align_of, size_of};

use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use super::build::{Error, Outcome};
use super::execution::Context;

type Space = MaybeUninit<[usize; 2]>;

/// What can be done with the value in a space. Both get a pointer to that value (B1).
struct Functions {
    call: unsafe fn(*const Space, &Context<'_>) -> Result<(), Error>,
    discard: unsafe fn(*mut Space),
}

/// A closure that many threads may call at once.
pub(super) struct Body {
    functions: &'static Functions,
    /// In a cell, as what the closure owns may change while it is called.
    space: UnsafeCell<Space>,
}

// SAFETY: `new` takes what is `Send`, and a body is nothing else.
unsafe impl Send for Body {}
// SAFETY: `new` takes what is `Sync`, and a shared body does nothing but call that by reference.
unsafe impl Sync for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Body { .. }")
    }
}

impl Body {
    pub(super) fn new<F, O>(run: F) -> Self
    where
        F: Fn(&Context<'_>) -> O + Send + Sync + 'static,
        O: Outcome,
    {
        if size_of::<F>() <= size_of::<Space>() && align_of::<F>() <= align_of::<Space>() {
            Self::of(run)
        } else {
            Self::of(Box::new(run))
        }
    }

    fn of<F: Fn(&Context<'_>) -> O, O: Outcome>(run: F) -> Self {
        const {
            assert!(size_of::<Box<F>>() <= size_of::<Space>(), "a box fits");
        }
        assert!(size_of::<F>() <= size_of::<Space>(), "B1: it fits");
        assert!(align_of::<F>() <= align_of::<Space>(), "B1: it fits");
        let mut space = Space::uninit();
        // SAFETY: it fits, and the space is ours.
        unsafe { space.as_mut_ptr().cast::<F>().write(run) };
        Self { functions: const { &Functions::of::<F, O>() }, space: UnsafeCell::new(space) }
    }

    /// Runs it.
    #[inline(always)]
    pub(super) fn call(&self, context: &Context<'_>) -> Result<(), Error> {
        // SAFETY: B1.
        self.space.with(|space| unsafe { (self.functions.call)(space, context) })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if mutant!("B1 what a closure owns is kept for ever") {
            return;
        }
        // SAFETY: B1, and nobody calls it any more.
        self.space.with_mut(|space| unsafe { (self.functions.discard)(space) });
    }
}

impl Functions {
    const fn of<F: Fn(&Context<'_>) -> O, O: Outcome>() -> Self {
        Self { call: call::<F, O>, discard: discard::<F> }
    }
}

/// # Safety
///
/// The space holds an `F`.
unsafe fn call<F, O>(space: *const Space, context: &Context<'_>) -> Result<(), Error>
where
    F: Fn(&Context<'_>) -> O,
    O: Outcome,
{
    // SAFETY: the caller's promise.
    let run = unsafe { &*space.cast::<F>() };
    run(context).outcome()
}

/// # Safety
///
/// The space holds an `F`, which nobody uses afterwards.
unsafe fn discard<F>(space: *mut Space) {
    // SAFETY: the caller's promise.
    unsafe { space.cast::<F>().drop_in_place() };
}

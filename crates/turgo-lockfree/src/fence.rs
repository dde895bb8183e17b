//! The asymmetric fence of `turgo-machine`, and plain fences where there is no operating system to ask for one.

#[cfg(any(feature = "std", loom, shuttle))]
pub(crate) use turgo_machine::barrier::{heavy, light};

/// The fence of the side that runs often.
#[cfg(not(any(feature = "std", loom, shuttle)))]
#[inline(always)]
pub(crate) fn light() {
    // SeqCst: pairs with the same fence in `heavy`.
    turgo_machine::atomic::fence(turgo_machine::atomic::Ordering::SeqCst);
}

/// The fence of the side that runs seldom.
#[cfg(not(any(feature = "std", loom, shuttle)))]
pub(crate) fn heavy() {
    // SeqCst: pairs with the same fence in `light`.
    turgo_machine::atomic::fence(turgo_machine::atomic::Ordering::SeqCst);
}

/// Decides how fences are made, which takes two system calls: before that, `light` would be a full fence.
pub(crate) fn decide() {
    #[cfg(any(feature = "std", loom, shuttle))]
    let _ = turgo_machine::barrier::mode();
}

/// A function that is `const` but where a checker's atomics are not.
macro_rules! maybe_const {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[cfg(not(any(loom, shuttle)))]
        $(#[$meta])*
        $vis const fn $name($($arg: $type),*) -> $result $body

        #[cfg(any(loom, shuttle))]
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) -> $result $body
    };
}

pub(crate) use maybe_const;

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

/// How many nodes share one heavy fence so that each pays 16 ns of it at most.
pub(crate) fn nodes_per_heavy() -> usize {
    #[cfg(any(feature = "std", loom, shuttle))]
    let cost_ns = turgo_machine::barrier::heavy_cost();
    #[cfg(not(any(feature = "std", loom, shuttle)))]
    let cost_ns = 0;
    usize::try_from(cost_ns / 16).unwrap_or(usize::MAX).clamp(NODES_MIN, NODES_MAX)
}

/// The least: fewer would gain nothing where the fence is cheap, and it is not when more threads run.
const NODES_MIN: usize = 1024;

/// The most: memory that waits is cache that is lost.
const NODES_MAX: usize = 8192;

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

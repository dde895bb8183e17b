//! An asymmetric fence: almost free on the side that runs often, dear on the side that runs seldom.
//!
//! Two threads each store and then load what the other stored; at least one must see the other's store. With
//! [`light`] between store and load on one side and [`heavy`] on the other, one does. Where the kernel has
//! `membarrier(2)`, `light` only keeps the compiler from moving accesses, and `heavy` makes every running thread of the
//! process execute a full fence. Elsewhere, and in models, both are a sequentially consistent fence.
//!
//! What `heavy` costs is measured as it is used, a call in 64: whoever calls it once for many objects can work out how many
//! they should be from [`heavy_cost`].
//!
//! # Invariants
//!
//! - **A1** `light` may be a compiler fence only if every `heavy` from then on is a membarrier. The mode is decided once
//!   and never changes; before it is decided `light` is a full fence, which is right beside either `heavy`.
//! - **A2** A `heavy` that the kernel refuses after it has registered the process ends the process: going on with a fence
//!   would break A1 silently.
//! - **A3** `light` stands between the store and the load of its side: without it both sides can miss the other's store.
//! - **A4** `heavy` stands between the store and the load of its side, with the same consequence.
//! - **A5** One sample moves the measured cost by a bounded factor, so that a thread that was preempted within a `heavy` does
//!   not pass for a dear fence.

#[cfg(any(loom, shuttle))]
use crate::atomic::{Ordering, fence};

/// How the two sides are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `light` is a compiler fence, `heavy` a system call.
    Membarrier,
    /// Both are a sequentially consistent fence: the kernel has no `membarrier(2)`, or a checker runs the program.
    Fence,
}

/// The fence of the side that runs often. Wait-free.
#[inline(always)]
pub fn light() {
    if crate::mutant!("A3 no light barrier") {
        return;
    }
    #[cfg(any(loom, shuttle))]
    fence(Ordering::SeqCst);
    #[cfg(not(any(loom, shuttle)))]
    system::light();
}

/// The fence of the side that runs seldom.
///
/// With [`Mode::Membarrier`] it takes as long as an interrupt of every processor that runs a thread of this process: some 150 ns
/// where there is none, 16 µs with one such thread on a virtual machine. [`heavy_cost`] says what it takes here.
///
/// # Panics
///
/// Aborts the process if the kernel takes back a registration for `membarrier(2)` (A2); no kernel does.
#[inline]
pub fn heavy() {
    if crate::mutant!("A4 no heavy barrier") {
        return;
    }
    #[cfg(any(loom, shuttle))]
    fence(Ordering::SeqCst);
    #[cfg(not(any(loom, shuttle)))]
    system::heavy();
}

/// How this process orders the two sides; decides it on the first call of this or of [`heavy`].
///
/// That one registers the process, which is quick while it has one thread and takes the kernel some 10 ms when it has more: a program that wants to begin
/// soon calls this at the beginning of `main`.
#[must_use]
pub fn mode() -> Mode {
    #[cfg(any(loom, shuttle))]
    return Mode::Fence;
    #[cfg(not(any(loom, shuttle)))]
    system::mode()
}

/// What a [`heavy`] costs in nanoseconds, at least 1: an exponentially weighted mean of the calls that were measured.
///
/// The first call of this function or of [`heavy`] takes a sample, and so does every 64th `heavy`; the time of reading the clock (some 50 ns)
/// is in it. The mean follows the machine: it rises when more processors run threads of this process. In a model it is 1.
///
/// ```
/// use turgo_machine::barrier;
/// // A reclaimer that wants to spend at most 16 ns of its fence on an object:
/// let batch = (barrier::heavy_cost() / 16).clamp(64, 4096);
/// assert!(batch >= 64);
/// ```
#[must_use]
pub fn heavy_cost() -> u64 {
    #[cfg(any(loom, shuttle))]
    return 1;
    #[cfg(not(any(loom, shuttle)))]
    cost::current_ns()
}

#[cfg(not(any(loom, shuttle)))]
mod cost;
#[cfg(not(any(loom, shuttle)))]
mod system;

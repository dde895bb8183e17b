//! The fences of a real machine.

use super::Mode;
use crate::atomic::{AtomicU8, Ordering, compiler_fence, fence};

const UNDECIDED: u8 = 0;
const FENCE: u8 = 1;
const MEMBARRIER: u8 = 2;

/// Written once (A1). No access of it orders anything else.
static MODE: AtomicU8 = AtomicU8::new(UNDECIDED);

#[inline(always)]
pub(super) fn light() {
    // Relaxed: A1. A thread that does not see the decision yet makes a full fence.
    if MODE.load(Ordering::Relaxed) == MEMBARRIER {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

pub(super) fn heavy() {
    super::cost::measured(order);
}

/// The fence itself.
pub(super) fn order() {
    match mode() {
        Mode::Fence => fence(Ordering::SeqCst),
        Mode::Membarrier => {
            if !membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
                std::process::abort();
            }
        }
    }
}

pub(super) fn mode() -> Mode {
    // Relaxed: A1, the value is all that is read.
    match MODE.load(Ordering::Relaxed) {
        FENCE => Mode::Fence,
        MEMBARRIER => Mode::Membarrier,
        _ => decide(),
    }
}

#[cold]
fn decide() -> Mode {
    let registered = membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    let found = if registered { MEMBARRIER } else { FENCE };
    // Relaxed: as above. The first decision stays, also where two threads find different ones.
    let decided = MODE.compare_exchange(UNDECIDED, found, Ordering::Relaxed, Ordering::Relaxed);
    match decided.map_or_else(|earlier| earlier, |_| found) {
        MEMBARRIER => Mode::Membarrier,
        _ => Mode::Fence,
    }
}

/// Whether the kernel did as told.
#[cfg(target_os = "linux")]
fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: the call takes two integers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Only Linux has the call.
#[cfg(not(target_os = "linux"))]
fn membarrier(_command: libc::c_int) -> bool {
    false
}

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
            let is_made = membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
            if !is_made && !crate::mutant!("A2 refusal ignored") {
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
    settle(&MODE, membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
}

/// Decides, unless that has happened: the first decision stays, also where two threads find different things (A1).
fn settle(decision: &AtomicU8, registered: bool) -> Mode {
    let found = if registered { MEMBARRIER } else { FENCE };
    if crate::mutant!("A1 decided anew") {
        // Relaxed: as in `mode`.
        decision.store(UNDECIDED, Ordering::Relaxed);
    }
    // Relaxed: as in `mode`.
    let decided = decision.compare_exchange(UNDECIDED, found, Ordering::Relaxed, Ordering::Relaxed);
    match decided.map_or_else(|earlier| earlier, |_| found) {
        MEMBARRIER => Mode::Membarrier,
        _ => Mode::Fence,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;

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

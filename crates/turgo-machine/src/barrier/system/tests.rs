//! A decision is made once, and a kernel that takes its word back ends the process.

use super::*;

#[test]
fn the_first_decision_stays() {
    for (first, other) in [(Mode::Membarrier, false), (Mode::Fence, true)] {
        let decision = AtomicU8::new(UNDECIDED);
        assert_eq!(settle(&decision, first == Mode::Membarrier), first);
        assert_eq!(settle(&decision, other), first, "A1");
    }
}

/// Makes the kernel refuse `membarrier` to this process from now on.
fn refuse() {
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let jump = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let ret = (libc::BPF_RET | libc::BPF_K) as u16;
    let code = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut filter = [
        code(load, 0, 0),
        code(jump, 1, libc::SYS_membarrier as u32),
        code(ret, 0, libc::SECCOMP_RET_ALLOW),
        code(ret, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: takes numbers; this thread can gain no rights from now on.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: the kernel reads the program, which lives until the call returns.
    unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
}

#[test]
fn a_fence_that_is_refused_after_all_ends_the_process() {
    if mode() == Mode::Fence {
        // There was nothing to take back.
        return;
    }
    // SAFETY: the child makes system calls and ends: it allocates nothing.
    let child = unsafe { libc::fork() };
    if child == 0 {
        refuse();
        order();
        // SAFETY: it ends the child at once.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT, "A2: {status}");
}

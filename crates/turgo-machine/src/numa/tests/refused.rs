//! A kernel that refuses: what containers do, and what nodes that are not there lead to (N4).

use super::super::*;
use super::here;

#[test]
fn a_node_that_is_not_there_costs_locality_only() {
    let elsewhere = Numa::new(&Topology::simulate("64x1").expect("a machine"));
    let mut memory =
        elsewhere.map(1 << 13, Placement::Node(NodeId(63))).expect("pages all the same");
    assert_eq!(memory.refused(), Some(Refusal::Invalid));
    memory.as_mut_slice().fill(3);
    assert!(memory.as_slice().iter().all(|&byte| byte == 3));
    assert_eq!(memory.verify(), Ok(Verified { placed: 0, elsewhere: 2, absent: 0 }));
    let set =
        elsewhere.set_thread_policy(Placement::Node(NodeId(62))).expect("a node of the machine");
    assert_eq!(set, Err(Refusal::Invalid));
    let counted = elsewhere.statistics();
    assert_eq!((counted.refusals.invalid, counted.remote_pages), (2, 2));
}

/// Makes the kernel answer `errno` to `mbind`, `move_pages` and `set_mempolicy` of the calling thread, as containers do.
fn forbid(errno: i32) {
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let jump = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let ret = (libc::BPF_RET | libc::BPF_K) as u16;
    let calls = [libc::SYS_mbind, libc::SYS_move_pages, libc::SYS_set_mempolicy];
    let code = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut filter = vec![code(load, 0, 0)];
    for (at, call) in calls.iter().enumerate() {
        filter.push(code(jump, (calls.len() - at) as u8, *call as u32));
    }
    filter.push(code(ret, 0, libc::SECCOMP_RET_ALLOW));
    filter.push(code(ret, 0, libc::SECCOMP_RET_ERRNO | errno as u32));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: takes numbers; this thread and those it starts can gain no rights from now on.
    let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(done, 0);
    // SAFETY: the kernel reads the program, which lives until the call returns.
    let done =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn a_container_that_forbids_it_costs_locality_only() {
    let (_, numa) = here();
    let node = numa.nodes().first().expect("a node with memory");
    for (errno, reason) in [
        (libc::EPERM, Refusal::NotPermitted),
        (libc::ENOSYS, Refusal::NotImplemented),
        (libc::EIO, Refusal::Other(libc::EIO)),
    ] {
        let numa = numa.clone();
        // The filter holds for this thread only.
        let thread = move || {
            forbid(errno);
            let mut memory = numa.map(4096, Placement::Node(node)).expect("a page all the same");
            assert_eq!(memory.refused(), Some(reason));
            memory.as_mut_slice().fill(1);
            assert_eq!(memory.verify(), Err(reason));
            assert_eq!(memory.move_to(node), Err(reason));
            assert_eq!(numa.set_thread_policy(Placement::Interleaved), Ok(Err(reason)));
            assert!(!reason.to_string().is_empty());
        };
        std::thread::scope(|scope| scope.spawn(thread).join().expect("no panic"));
    }
    let counted = numa.statistics().refusals;
    assert_eq!(counted, Refusals { not_permitted: 3, not_implemented: 3, invalid: 0, other: 3 });
}

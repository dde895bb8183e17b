//! What is dropped is unmapped.

use super::super::*;
use super::here;

#[test]
fn a_region_that_is_dropped_is_unmapped() {
    let (_, numa) = here();
    let mut memory = numa.map(1 << 20, Placement::Local).expect("some pages");
    memory.populate();
    let address = memory.as_ptr().as_ptr();
    assert!(node_of(address).is_ok());
    // In a child, where no other thread maps anything at the same address.
    // SAFETY: the child unmaps, asks the kernel and ends; it allocates nothing.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(memory);
        let gone = node_of(address) == Err(Refusal::Other(libc::EFAULT));
        // SAFETY: it ends the child at once.
        unsafe { libc::_exit(i32::from(!gone)) };
    }
    let mut status = 0;
    // SAFETY: `status` is ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "N3");
}

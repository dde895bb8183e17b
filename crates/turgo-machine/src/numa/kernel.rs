//! The kernel's calls about memory policies. `libc` has their numbers and no functions for them.

use std::fmt;

use crate::topology::{Id, NodeId, NodeSet};

/// Where the kernel puts pages that are touched first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// The kernel's own choice: near the thread, unless the system says otherwise.
    Default,
    /// On the node of the thread that touches the page.
    Local,
    /// On this node while it has room, and on others then.
    Preferred(NodeId),
    /// On this node only.
    Bound(NodeId),
    /// On these nodes in turn.
    Interleaved(NodeSet),
    /// One that this crate never sets: the kernel's number of it, and its nodes.
    Other(i32, NodeSet),
}

/// Why the kernel did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not allowed to: containers forbid these calls unless they are told not to (`EPERM`, `EACCES`).
    NotPermitted,
    /// There is no such call (`ENOSYS`).
    NotImplemented,
    /// It makes no sense here: a node that is not online or not allowed (`EINVAL`).
    Invalid,
    /// Another reason, by its number.
    Other(i32),
}

impl Refusal {
    fn of(errno: i32) -> Self {
        match errno {
            libc::EPERM | libc::EACCES => Self::NotPermitted,
            libc::ENOSYS => Self::NotImplemented,
            libc::EINVAL => Self::Invalid,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted => f.write_str("the kernel does not permit it"),
            Self::NotImplemented => f.write_str("the kernel has no such call"),
            Self::Invalid => f.write_str("no such node is online and allowed"),
            Self::Other(errno) => std::io::Error::from_raw_os_error(*errno).fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl Policy {
    /// The mode and the nodes of a call.
    fn arguments(&self) -> (i32, NodeSet) {
        let one = |node: &NodeId| NodeSet::from_iter([*node]);
        match self {
            Self::Default => (MPOL_DEFAULT, NodeSet::new()),
            // "Preferred" without a node is the local one; a mode of that name came later.
            Self::Local => (MPOL_PREFERRED, NodeSet::new()),
            Self::Preferred(node) => (MPOL_PREFERRED, one(node)),
            Self::Bound(node) => (MPOL_BIND, one(node)),
            Self::Interleaved(nodes) => (MPOL_INTERLEAVE, nodes.clone()),
            Self::Other(mode, nodes) => (*mode, nodes.clone()),
        }
    }

    fn of(mode: i32, nodes: NodeSet) -> Self {
        match (mode, nodes.first(), nodes.len()) {
            (MPOL_DEFAULT, None, _) => Self::Default,
            (MPOL_LOCAL | MPOL_PREFERRED, None, _) => Self::Local,
            (MPOL_PREFERRED, Some(node), 1) => Self::Preferred(node),
            (MPOL_BIND, Some(node), 1) => Self::Bound(node),
            (MPOL_INTERLEAVE, ..) => Self::Interleaved(nodes),
            _ => Self::Other(mode, nodes),
        }
    }
}

// The numbers of `linux/mempolicy.h`. `libc` has some of them, and on Linux only.
const MPOL_DEFAULT: i32 = 0;
const MPOL_PREFERRED: i32 = 1;
const MPOL_BIND: i32 = 2;
const MPOL_INTERLEAVE: i32 = 3;
const MPOL_LOCAL: i32 = 4;
const MPOL_F_NODE: usize = 1;
const MPOL_F_ADDR: usize = 2;
const MPOL_MF_MOVE: usize = 2;

/// How many bits the kernel is told a mask has (N1): those up to the highest node, and one that it takes off again.
fn bits(nodes: &NodeSet) -> usize {
    let bits = nodes.iter().last().map_or(0, |last| last.number() as usize + 1);
    if crate::mutant!("N1 mask one bit short") { bits } else { bits + 1 }
}

/// Gives pages of a mapping their policy.
pub(super) fn bind(start: *mut u8, bytes: usize, policy: &Policy) -> Result<(), Refusal> {
    let (mode, nodes) = policy.arguments();
    let mask = nodes.words().as_ptr();
    let mode = mode as usize;
    let arguments = [start.addr(), bytes, mode, mask.expose_provenance(), bits(&nodes), 0];
    // SAFETY: N1: the kernel reads no bit of `mask` beyond the highest node's. It writes nothing, and where pages are is not
    // something that memory safety rests on.
    unsafe { system::call(system::MBIND, arguments) }.map(drop)
}

/// Gives the calling thread its policy.
pub(super) fn set_thread_policy(policy: &Policy) -> Result<(), Refusal> {
    let (mode, nodes) = policy.arguments();
    let mask = nodes.words().as_ptr();
    let arguments = [mode as usize, mask.expose_provenance(), bits(&nodes), 0, 0, 0];
    // SAFETY: as in `bind`.
    unsafe { system::call(system::SET_MEMPOLICY, arguments) }.map(drop)
}

/// The policy of the calling thread.
pub(super) fn thread_policy() -> Result<Policy, Refusal> {
    let mut mode: i32 = 0;
    let mut mask = vec![0u64; NodeId::LIMIT as usize / 64];
    let bits = NodeId::LIMIT as usize + 1;
    let mode_at = (&raw mut mode).expose_provenance();
    let arguments = [mode_at, mask.as_mut_ptr().expose_provenance(), bits, 0, 0, 0];
    // SAFETY: the kernel writes a number to `mode` and at most one bit less than `bits` to `mask`, which has as many.
    unsafe { system::call(system::GET_MEMPOLICY, arguments) }?;
    Ok(Policy::of(mode & 0xff, NodeSet::of_words(mask)))
}

/// The node that holds the page of an address.
pub(super) fn node_of(address: *const u8) -> Result<NodeId, Refusal> {
    let mut node: i32 = -1;
    let node_at = (&raw mut node).expose_provenance();
    let arguments = [node_at, 0, 0, address.addr(), MPOL_F_NODE | MPOL_F_ADDR, 0];
    // SAFETY: the kernel writes a number to `node`; it looks up `address` itself and refuses one that is not mapped.
    unsafe { system::call(system::GET_MEMPOLICY, arguments) }?;
    u32::try_from(node).map(NodeId).map_err(|_| Refusal::Invalid)
}

/// Where pages are, or would be put: a node, or a negated error number.
///
/// Moves each page to its node of `targets`, if there are any; fails as a whole only if the call is refused.
pub(super) fn page_nodes(pages: &[usize], targets: Option<&[i32]>) -> Result<Vec<i32>, Refusal> {
    assert!(targets.is_none_or(|targets| targets.len() == pages.len()), "a node for each page");
    let mut nodes = vec![-libc::ENOENT; pages.len()];
    let targets = targets.map_or(0, |targets| targets.as_ptr().expose_provenance());
    let (pages_at, nodes_at) =
        (pages.as_ptr().expose_provenance(), nodes.as_mut_ptr().expose_provenance());
    let arguments = [0, pages.len(), pages_at, targets, nodes_at, MPOL_MF_MOVE];
    // SAFETY: the kernel reads as many addresses and targets as there are pages, writes as many numbers to `nodes`, and looks up
    // the addresses itself; the content of a page that moves stays what it is.
    unsafe { system::call(system::MOVE_PAGES, arguments) }?;
    Ok(nodes)
}

#[cfg(target_os = "linux")]
mod system {
    use super::Refusal;

    pub(super) const MBIND: libc::c_long = libc::SYS_mbind;
    pub(super) const SET_MEMPOLICY: libc::c_long = libc::SYS_set_mempolicy;
    pub(super) const GET_MEMPOLICY: libc::c_long = libc::SYS_get_mempolicy;
    pub(super) const MOVE_PAGES: libc::c_long = libc::SYS_move_pages;

    /// # Safety
    ///
    /// The arguments must be such that the kernel reads and writes only memory that the caller may read and write.
    pub(super) unsafe fn call(
        number: libc::c_long,
        arguments: [usize; 6],
    ) -> Result<libc::c_long, Refusal> {
        let [a, b, c, d, e, f] = arguments;
        // SAFETY: the caller's promise.
        let outcome = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        if outcome >= 0 {
            return Ok(outcome);
        }
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        Err(Refusal::of(errno))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Refusal;

    pub(super) const MBIND: i64 = 0;
    pub(super) const SET_MEMPOLICY: i64 = 0;
    pub(super) const GET_MEMPOLICY: i64 = 0;
    pub(super) const MOVE_PAGES: i64 = 0;

    /// # Safety
    ///
    /// None is needed: other systems have no such calls.
    pub(super) unsafe fn call(_number: i64, _arguments: [usize; 6]) -> Result<i64, Refusal> {
        Err(Refusal::of(libc::ENOSYS))
    }
}

//! Whole pages with a policy of their own.

use std::ptr::{self, NonNull};
use std::slice;

use crate::topology::NodeId;

use super::{MapError, Numa, Policy, Refusal, kernel};

/// Bytes of a huge page on x86-64 and most others. Longer regions begin at a multiple of it.
pub(super) const HUGE_BYTES: usize = 2 << 20;

/// How large the pages of a region should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// As the system is set up.
    Any,
    /// The smallest: each can be on a node of its own.
    Small,
    /// Huge ones of 2 MiB where the kernel has them: fewer misses in the translation cache, and a whole one on one node.
    Huge,
}

/// Pages mapped for this process, zero at first, with a policy; unmapped when dropped (N3).
#[derive(Debug)]
pub struct NodeMemory {
    start: NonNull<u8>,
    bytes: usize,
    policy: Policy,
    refused: Option<Refusal>,
    numa: Numa,
}

// SAFETY: N3: the bytes belong to this value alone, like those of a `Box<[u8]>`, and `Numa` may be sent.
unsafe impl Send for NodeMemory {}
// SAFETY: shared access is to read the bytes, or to ask the kernel about them.
unsafe impl Sync for NodeMemory {}

/// Where a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePlace {
    /// On this node.
    Node(NodeId),
    /// Nowhere: nobody has touched it.
    Absent,
    /// The kernel does not say, by the number of its reason; a page that was only read, for one.
    Unknown(i32),
}

/// Pages of a region, by where they were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// On a node that the policy names.
    pub placed: usize,
    /// On another.
    pub elsewhere: usize,
    /// Touched by nobody, or not told.
    pub absent: usize,
}

impl NodeMemory {
    pub(super) fn map(
        numa: Numa,
        bytes: usize,
        policy: Policy,
        pages: Pages,
    ) -> Result<Self, MapError> {
        let refused = |errno| MapError::Refused { bytes, errno };
        let page = page_bytes();
        let rounded = bytes.checked_next_multiple_of(page).filter(|&rounded| rounded > 0);
        let rounded = rounded.ok_or(refused(libc::EINVAL))?;
        let start = system::map(rounded).map_err(refused)?;
        match pages {
            Pages::Any => {}
            Pages::Small => system::advise(start, rounded, system::SMALL),
            Pages::Huge => system::advise(start, rounded, system::HUGE),
        }
        let mut memory = Self { start, bytes: rounded, policy, refused: None, numa };
        if crate::mutant!("N2 touched before its policy") {
            memory.populate();
        }
        memory.numa.shared.counters.mapped(&memory.policy, rounded);
        if let Err(refusal) = kernel::bind(start.as_ptr(), rounded, &memory.policy) {
            memory.numa.shared.counters.refused(&refusal);
            memory.refused = Some(refusal);
        }
        Ok(memory)
    }

    /// Bytes, a multiple of the size of a page; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// The first byte. What is derived from it is valid until the region is dropped.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.start
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: N3, and nobody writes while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// The bytes, to write to.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: N3, and `self` is borrowed for this alone.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// The policy that was asked for.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Why the policy is not in force, if it is not (N4).
    #[must_use]
    pub fn refused(&self) -> Option<Refusal> {
        self.refused
    }

    /// Touches every page from this thread without changing a byte, so that all have their places.
    pub fn populate(&mut self) {
        let page = page_bytes();
        for byte in self.as_mut_slice().iter_mut().step_by(page) {
            let byte = ptr::from_mut(byte);
            // SAFETY: a byte of the region, which is borrowed for this alone.
            let value = unsafe { byte.read_volatile() };
            // SAFETY: as above. Volatile, because a store of what is there is else left out.
            unsafe { byte.write_volatile(value) };
        }
    }

    /// Where each page is.
    ///
    /// # Errors
    ///
    /// If the kernel does not say.
    pub fn places(&self) -> Result<Vec<PagePlace>, Refusal> {
        let nodes = kernel::page_nodes(&self.pages(), None)?;
        Ok(nodes.into_iter().map(place).collect())
    }

    /// Counts the pages by where they are; those that are not on a node of the policy are added to the
    /// [statistics](super::Statistics::remote_pages).
    ///
    /// # Errors
    ///
    /// If the kernel does not say.
    pub fn verify(&self) -> Result<Verified, Refusal> {
        let mut found = Verified::default();
        for place in self.places()? {
            match place {
                PagePlace::Node(node) if self.belongs(node) => found.placed += 1,
                PagePlace::Node(_) => found.elsewhere += 1,
                PagePlace::Absent | PagePlace::Unknown(_) => found.absent += 1,
            }
        }
        self.numa.shared.counters.found_elsewhere(found.elsewhere);
        Ok(found)
    }

    /// Moves the pages that have been touched to a node, from where the policy had put them; returns how many are there then.
    /// The policy stays: pages that are touched later follow it.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, which is counted; pages that it cannot move for a while are not an error.
    pub fn move_to(&mut self, node: NodeId) -> Result<usize, Refusal> {
        let pages = self.pages();
        let target = i32::try_from(node.0).map_err(|_| Refusal::Invalid)?;
        let moved = kernel::page_nodes(&pages, Some(&vec![target; pages.len()]));
        if let Err(refusal) = &moved {
            self.numa.shared.counters.refused(refusal);
        }
        moved?;
        let there = |place: &&PagePlace| **place == PagePlace::Node(node);
        Ok(self.places()?.iter().filter(there).count())
    }

    fn belongs(&self, node: NodeId) -> bool {
        match &self.policy {
            Policy::Bound(own) | Policy::Preferred(own) => *own == node,
            Policy::Interleaved(nodes) => nodes.contains(node),
            Policy::Default | Policy::Local | Policy::Other(..) => true,
        }
    }

    fn pages(&self) -> Vec<usize> {
        let start = self.start.addr().get();
        (start..start + self.bytes).step_by(page_bytes()).collect()
    }
}

impl Drop for NodeMemory {
    fn drop(&mut self) {
        self.numa.shared.counters.unmapped(&self.policy, self.bytes);
        if crate::mutant!("N3 never unmapped") {
            return;
        }
        // SAFETY: N3: mapped by `map`, and nothing is left that may use it.
        unsafe { system::unmap(self.start.as_ptr(), self.bytes) };
    }
}

fn place(node: i32) -> PagePlace {
    match u32::try_from(node) {
        Ok(node) => PagePlace::Node(NodeId(node)),
        Err(_) if node == -libc::ENOENT => PagePlace::Absent,
        Err(_) => PagePlace::Unknown(-node),
    }
}

/// Bytes of a small page.
pub(super) fn page_bytes() -> usize {
    // SAFETY: reads a constant of the system.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096).max(1)
}

mod system {
    //! Mappings.

    use std::ptr::{self, NonNull};

    use super::HUGE_BYTES;

    #[cfg(target_os = "linux")]
    pub(super) const SMALL: i32 = libc::MADV_NOHUGEPAGE;
    #[cfg(target_os = "linux")]
    pub(super) const HUGE: i32 = libc::MADV_HUGEPAGE;
    #[cfg(not(target_os = "linux"))]
    pub(super) const SMALL: i32 = libc::MADV_NORMAL;
    #[cfg(not(target_os = "linux"))]
    pub(super) const HUGE: i32 = libc::MADV_NORMAL;

    /// Fresh pages; from [`HUGE_BYTES`] on, aligned to as much. The error is the kernel's number.
    pub(super) fn map(bytes: usize) -> Result<NonNull<u8>, i32> {
        if bytes < HUGE_BYTES {
            return fresh(bytes);
        }
        let whole = bytes.checked_add(HUGE_BYTES).ok_or(libc::ENOMEM)?;
        let start = fresh(whole)?.as_ptr();
        let before = start.addr().next_multiple_of(HUGE_BYTES) - start.addr();
        // SAFETY: `before` is less than `HUGE_BYTES`, so it is within the mapping.
        let aligned = unsafe { start.add(before) };
        // SAFETY: the end of what is kept, within the mapping.
        let end = unsafe { aligned.add(bytes) };
        if before > 0 {
            // SAFETY: the mapping's first pages, which nobody knows of.
            unsafe { unmap(start, before) };
        }
        if before < HUGE_BYTES {
            // SAFETY: the mapping's last pages, which nobody knows of.
            unsafe { unmap(end, HUGE_BYTES - before) };
        }
        NonNull::new(aligned).ok_or(libc::ENOMEM)
    }

    fn fresh(bytes: usize) -> Result<NonNull<u8>, i32> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::ENOMEM));
        }
        NonNull::new(start.cast()).ok_or(libc::ENOMEM)
    }

    /// A kernel that knows no huge pages refuses, and then there is nothing to advise.
    pub(super) fn advise(start: NonNull<u8>, bytes: usize, advice: i32) {
        // SAFETY: neither advice changes what the bytes of the mapping are.
        let _ = unsafe { libc::madvise(start.as_ptr().cast(), bytes, advice) };
    }

    /// # Safety
    ///
    /// The pages belong to the caller, and nothing may use them from now on.
    pub(super) unsafe fn unmap(start: *mut u8, bytes: usize) {
        // SAFETY: the caller's promise.
        let done = unsafe { libc::munmap(start.cast(), bytes) };
        debug_assert_eq!(done, 0, "whole pages of a mapping of ours can be unmapped");
    }
}

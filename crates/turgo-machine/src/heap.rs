//! What the C library's allocator does with memory that was given back.

/// Freed memory that [`keep_freed`] may be asked to keep: more than this glibc returns at once whatever it is told.
pub const KEPT_MAX: usize = 32 << 20;

/// From now on the allocator keeps up to about so many freed bytes for whoever asks next, in each of its arenas, and has blocks of up to that size
/// from there, too. Answers whether it will; elsewhere than in glibc nothing changes. At most [`KEPT_MAX`] are kept.
///
/// By itself glibc returns what exceeds 128 KiB at the end of an arena and maps larger blocks one by one, until it has seen how large they are. A
/// program that allocates columns of that size for every batch then has the kernel clear their pages again and again. What it costs is memory: as much as
/// is kept.
///
/// For a program's first lines: blocks that are there already stay as they are.
///
/// ```
/// let kept = turgo_machine::heap::keep_freed(16 << 20);
/// assert_eq!(kept, cfg!(target_env = "gnu"));
/// ```
#[must_use]
pub fn keep_freed(bytes: usize) -> bool {
    let bytes = i32::try_from(bytes.min(KEPT_MAX)).unwrap_or(i32::MAX);
    system::keep_freed(bytes)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod system {
    pub(super) fn keep_freed(bytes: i32) -> bool {
        [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD].into_iter().all(|parameter| {
            // SAFETY: takes two numbers, under the allocator's own lock.
            unsafe { libc::mallopt(parameter, bytes) == 1 }
        })
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod system {
    pub(super) fn keep_freed(_bytes: i32) -> bool {
        false
    }
}

//! A hint that a line will be read soon.
//!
//! It helps where the addresses are known some steps ahead and each step's work depends on the last one's, so that the processor does not get to
//! the next load by itself: the next tasks of a list, the next keys of a batch. `examples/prefetch.rs` measures that case. It is of no use where the next
//! address stands in the line that is waited for, or where the loads are independent and the work between them is short.

/// Asks for the line of `address` to be brought into every cache. Costs an instruction; reads nothing, so any address will do. Nothing at all on
/// processors other than x86-64, whose hint stable Rust cannot name, in models, and with `--cfg turgo_without="prefetch"`. Wait-free.
///
/// ```
/// let tasks = [1u64, 2, 3, 4];
/// let mut sum = 0;
/// for (at, task) in tasks.iter().enumerate() {
///     turgo_machine::prefetch::read(tasks.as_ptr().wrapping_add(at + 4));
///     sum += task;
/// }
/// assert_eq!(sum, 10);
/// ```
#[inline(always)]
pub fn read<T>(address: *const T) {
    if cfg!(turgo_without = "prefetch") {
        return;
    }
    #[cfg(all(target_arch = "x86_64", not(any(loom, shuttle, miri))))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint: it reads no memory as far as the program can tell, and ignores addresses that are not mapped.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(any(loom, shuttle, miri)))))]
    let _ = address;
}

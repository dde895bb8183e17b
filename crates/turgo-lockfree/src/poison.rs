//! The allocator of this crate's tests: memory that is freed is overwritten first, so that whoever still reads it is found out.

use std::alloc::{GlobalAlloc, Layout, System};

struct Poison;

// SAFETY: it is the system's allocator, and writes to memory only that the caller has given back.
unsafe impl GlobalAlloc for Poison {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory is the caller's, who uses it no more.
        unsafe { memory.write_bytes(0xdd, layout.size()) };
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static POISON: Poison = Poison;

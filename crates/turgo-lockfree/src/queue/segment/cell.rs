//! Where one value is handed from a push to a pop. Invariants: [the module above](super).

use core::mem::MaybeUninit;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::fence::{heavy, light};
use crate::patience::Patience;
use crate::pause;

/// Which steps of its push and its pop a cell has behind it. Each is stored by one side only, but for `claimed`.
struct Steps {
    /// The push has written the value.
    filled: AtomicBool,
    /// The pop waits no longer.
    spoiled: AtomicBool,
    /// S3.
    claimed: AtomicBool,
    /// The push will not touch the cell any more (S4).
    push_left: AtomicBool,
    /// The pop will not touch the cell any more (S4).
    pop_left: AtomicBool,
}

impl Steps {
    fn new() -> Self {
        Self {
            filled: AtomicBool::new(false),
            spoiled: AtomicBool::new(false),
            claimed: AtomicBool::new(false),
            push_left: AtomicBool::new(false),
            pop_left: AtomicBool::new(false),
        }
    }
}

pub(super) struct Cell<T> {
    steps: Steps,
    /// S3.
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Cell<T> {
    pub(super) fn new() -> Self {
        Self { steps: Steps::new(), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Makes it a new cell.
    pub(super) fn reset(&mut self) {
        self.steps = Steps::new();
    }

    /// By the push that has the cell's number. Gives the value back where a pop has spoiled the cell.
    #[inline]
    pub(super) fn fill(&self, value: T) -> Result<(), T> {
        self.value.with_mut(|cell| {
            // SAFETY: S1, S3: until `filled` is stored the cell is the push's.
            let cell = unsafe { &mut *cell };
            cell.write(value);
        });
        pause::point("segment push");
        let order =
            if mutant!("S2 Relaxed publication") { Ordering::Relaxed } else { Ordering::Release };
        // Release: hands the value to the Acquire in `is_filled`.
        self.steps.filled.store(true, order);
        if !mutant!("S2 push without the light fence") {
            light();
        }
        // Relaxed: S2, the fence.
        let spoiled = self.steps.spoiled.load(Ordering::Relaxed);
        let back = if spoiled && self.claim() {
            // SAFETY: S3, we claimed it.
            Err(unsafe { self.take() })
        } else {
            Ok(())
        };
        // Release: S4, our accesses come before the Acquire in `is_left`.
        self.steps.push_left.store(true, Ordering::Release);
        back
    }

    /// By the pop that has the cell's number. Nothing where it spoiled the cell and the push takes another.
    #[inline]
    pub(super) fn empty(&self) -> Option<T> {
        pause::point("segment pop");
        // SAFETY: S3, it was filled, and we have not spoiled it.
        let value = if self.is_filled() { Some(unsafe { self.take() }) } else { self.wait() };
        let order = if mutant!("S4 Relaxed leave") { Ordering::Relaxed } else { Ordering::Release };
        // Release: S4, our accesses come before the Acquire in `is_left`.
        self.steps.pop_left.store(true, order);
        value
    }

    #[cold]
    fn wait(&self) -> Option<T> {
        let patience = Patience::new();
        while !patience.is_over() {
            patience.wait();
            if self.is_filled() {
                // SAFETY: S3, it was filled, and we have not spoiled it.
                return Some(unsafe { self.take() });
            }
        }
        self.spoil()
    }

    fn spoil(&self) -> Option<T> {
        // Relaxed: S2, the fence.
        self.steps.spoiled.store(true, Ordering::Relaxed);
        if !mutant!("S2 pop without the heavy fence") {
            heavy();
        }
        if !self.is_filled() || !self.claim() {
            return None;
        }
        // SAFETY: S3, we claimed it.
        Some(unsafe { self.take() })
    }

    fn is_filled(&self) -> bool {
        // Acquire: pairs with the Release in `fill`.
        self.steps.filled.load(Ordering::Acquire)
    }

    /// Whether the value is the caller's, of the two that might think so (S3).
    fn claim(&self) -> bool {
        // Relaxed: one of the two is the push itself, the other has acquired `filled`.
        !self.steps.claimed.swap(true, Ordering::Relaxed) || mutant!("S3 both claim")
    }

    /// Whether both its push and its pop have left it for good.
    pub(super) fn is_left(&self) -> bool {
        // Acquire: pairs with the Release in `fill`.
        self.steps.push_left.load(Ordering::Acquire)
            // Acquire: pairs with the Release in `empty`.
            && self.steps.pop_left.load(Ordering::Acquire)
    }

    /// # Safety
    ///
    /// The cell was filled, and the caller has its value by S3.
    unsafe fn take(&self) -> T {
        self.value.with(|cell| {
            // SAFETY: the caller has the value: nobody writes to it.
            let cell = unsafe { &*cell };
            // SAFETY: the cell was filled, and S3 gives its value to one.
            unsafe { cell.assume_init_read() }
        })
    }
}

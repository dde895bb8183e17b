//! Capacity that is taken for a whole vector or not at all.
//!
//! Each lane is a number of its own in one cache line. A request takes lane by lane, in the order of the lanes, each by one compare-exchange that looks and
//! subtracts; if a lane has too little, what was taken is given back.
//!
//! *Why not one word.* Eight lanes in 64 bits would leave a resolution of one in 255, and 128-bit exchanges are not to be had on stable Rust. A vector behind a pointer that is
//! exchanged would cost an allocation and a reclamation for each request, a lock would stop everyone while its holder is off the processor.
//!
//! *The price* is that others may see a request half done: one that would have fitted alone can be refused because of one that is then refused itself. Since all go in the
//! same order they cannot refuse each other in a circle: whoever stands in another's way at a lane has got further than it, and fails, if at all, at a later lane; the last of them is
//! granted, or refused for what is really held (R4). Nobody waits holding something, so there is no deadlock to be detected.
//!
//! # Invariants
//!
//! - **R1** What is free and what is held add up to the capacity, in each lane; no lane goes below zero.
//! - **R2** A request that is refused holds nothing.
//! - **R3** What was taken is given back once, whether the guard is dropped or what it guards panics.
//! - **R4** Of requests that overlap in time and are refused because of each other, at least one is granted, or is refused because of what is held.

use core::fmt;
use core::ops::Deref;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;

use crate::resources::{Lane, Resources};

/// Parts of a capacity that are told apart: a millionth of it.
const WHOLE: u32 = 1 << 20;

/// A request in parts of the capacity.
type Parts = [u32; Resources::LANES];

/// What a node, or a process, has of each resource, and how much of it is free.
///
/// A demand is rounded down to a millionth of the capacity, but to no less than that: ten tenths fit. Taking and giving back are lock-free (R4) and cost an atomic operation for each
/// lane that is asked for.
///
/// ```
/// use turgo_sched::reserve::Capacity;
/// use turgo_sched::resources::{Lane, Resources};
/// let node = Capacity::new(Resources::NONE.with(Lane::Cpu, 4.0).with(Lane::Memory, 64e9));
/// let query = Resources::NONE.with(Lane::Cpu, 1.0).with(Lane::Memory, 40e9);
/// let held = node.reserve(query)?;
/// assert_eq!(node.reserve(query).unwrap_err().lane, Lane::Memory);
/// assert_eq!(node.free().get(Lane::Cpu), 0.75, "the refusal took nothing");
/// drop(held);
/// assert!(node.reserve(query).is_ok());
/// # Ok::<(), turgo_sched::reserve::Refused>(())
/// ```
#[derive(Debug)]
pub struct Capacity {
    capacity: Resources,
    free: CachePadded<[AtomicU32; Resources::LANES]>,
}

/// A demand does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The first lane that has too little.
    pub lane: Lane,
    /// It has too little even if nobody else held anything.
    pub never: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = if self.never { "more than there is" } else { "more than is free" };
        write!(f, "{reason} of {:?}", self.lane)
    }
}

impl core::error::Error for Refused {}

impl Capacity {
    /// All of it free.
    ///
    /// # Panics
    ///
    /// If a lane is below 0, infinite or no number.
    #[must_use]
    pub fn new(capacity: Resources) -> Self {
        let is_amount = capacity.0.iter().all(|amount| amount.is_finite() && *amount >= 0.0);
        assert!(is_amount, "{capacity:?}: amounts are finite and at least 0");
        let whole = |lane: usize| if capacity.0[lane] > 0.0 { WHOLE } else { 0 };
        let free = core::array::from_fn(|lane| AtomicU32::new(whole(lane)));
        Self { capacity, free: CachePadded::new(free) }
    }

    /// All there is.
    #[must_use]
    pub fn capacity(&self) -> Resources {
        self.capacity
    }

    /// What is free, in shares of the capacity; a moment ago, and not all lanes at the same one.
    #[must_use]
    pub fn free(&self) -> Resources {
        // Relaxed: a hint; whoever relies on it has to reserve.
        let free = |lane: usize| self.free[lane].load(Ordering::Relaxed) as f32;
        Resources(core::array::from_fn(|lane| free(lane) / WHOLE as f32))
    }

    /// Takes all of a demand until the guard is dropped.
    ///
    /// # Errors
    ///
    /// If it does not fit; then nothing was taken.
    pub fn reserve(&self, need: Resources) -> Result<Reservation<&Self>, Refused> {
        Reservation::new(self, need)
    }

    /// Whether a demand would fit if nobody held anything.
    pub(crate) fn could_fit(&self, need: Resources) -> Result<(), Refused> {
        self.parts(need).map(drop)
    }

    /// Takes all of a demand, without a guard: for those who give it [back](Self::unhold) on another thread.
    pub(crate) fn hold(&self, need: Resources) -> Result<(), Refused> {
        Reservation::new(self, need).map(core::mem::forget)
    }

    /// Gives back what was [held](Self::hold).
    pub(crate) fn unhold(&self, need: Resources) {
        if let Ok(parts) = self.parts(need) {
            drop(Reservation { capacity: self, parts });
        }
    }

    /// Rounds a demand to parts.
    fn parts(&self, need: Resources) -> Result<Parts, Refused> {
        let mut parts = [0; Resources::LANES];
        for lane in Lane::ALL {
            let (need, capacity) = (need.get(lane), self.capacity.get(lane));
            // Not the other way round: what is no number does not fit.
            let fits = need <= capacity && need >= 0.0;
            if !fits {
                return Err(Refused { lane, never: true });
            }
            if need > 0.0 {
                let share = f64::from(need) / f64::from(capacity) * f64::from(WHOLE);
                parts[lane as usize] = (share as u32).max(1);
            }
        }
        Ok(parts)
    }

    fn take(&self, parts: &Parts) -> Result<(), Refused> {
        let mut order = Lane::ALL;
        if mutant!("R4 everyone begins elsewhere") && parts[0] > parts[1] {
            order.reverse();
        }
        for (done, &lane) in order.iter().enumerate() {
            if self.take_lane(lane as usize, parts[lane as usize]) {
                continue;
            }
            if !mutant!("R2 nothing is rolled back") {
                order[..done].iter().for_each(|&lane| self.give(lane as usize, parts));
            }
            return Err(Refused { lane, never: false });
        }
        Ok(())
    }

    /// Takes from one lane if it has enough (R1).
    fn take_lane(&self, lane: usize, part: u32) -> bool {
        if part == 0 {
            return true;
        }
        let free = &self.free[lane];
        if mutant!("R1 look and then subtract") {
            // Relaxed: planted.
            let enough = free.load(Ordering::Relaxed) >= part;
            if enough {
                // Relaxed: planted.
                free.fetch_sub(part, Ordering::Relaxed);
            }
            return enough;
        }
        // Relaxed: the exchange decides.
        let mut seen = free.load(Ordering::Relaxed);
        while let Some(rest) = seen.checked_sub(part) {
            // Acquire: what the last holder did with it came before its Release in `give`.
            // Relaxed: a failure only says what to try next.
            let done = free.compare_exchange_weak(seen, rest, Ordering::Acquire, Ordering::Relaxed);
            match done {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    fn give(&self, lane: usize, parts: &Parts) {
        if parts[lane] == 0 {
            return;
        }
        // Release: what was done with it comes before the Acquire in `take_lane` of whoever gets it next.
        let before = self.free[lane].fetch_add(parts[lane], Ordering::Release);
        debug_assert!(before + parts[lane] <= WHOLE, "R1: more is given back than there is");
    }
}

/// What a demand holds of a [`Capacity`], until it is dropped (R3).
///
/// `C` is how the capacity is kept: a reference, or an `Arc` for guards that go with a task.
#[derive(Debug)]
#[must_use = "what is reserved is given back when the guard is dropped"]
pub struct Reservation<C: Deref<Target = Capacity>> {
    capacity: C,
    parts: Parts,
}

impl<C: Deref<Target = Capacity>> Reservation<C> {
    /// Takes all of a demand.
    ///
    /// # Errors
    ///
    /// If it does not fit; then nothing was taken (R2).
    pub fn new(capacity: C, need: Resources) -> Result<Self, Refused> {
        let parts = capacity.parts(need)?;
        capacity.take(&parts)?;
        Ok(Self { capacity, parts })
    }

    /// What it holds, in shares of the capacity.
    #[must_use]
    pub fn held(&self) -> Resources {
        Resources(self.parts.map(|part| part as f32 / WHOLE as f32))
    }
}

impl<C: Deref<Target = Capacity>> Drop for Reservation<C> {
    fn drop(&mut self) {
        let times = if mutant!("R3 given back twice") { 2 } else { 1 };
        for _ in 0..times {
            (0..Resources::LANES).for_each(|lane| self.capacity.give(lane, &self.parts));
        }
    }
}

#[cfg(test)]
mod tests;

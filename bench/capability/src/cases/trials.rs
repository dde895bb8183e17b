//! Two ways to a faster check that were tried: a cache for each worker, and several checks at a time, which a compiler may make vectors of. Both stand
//! on a copy of the table's own check, in safe code, so that they can be compared with it and with the table.

use std::sync::atomic::{AtomicU64, Ordering};

use turgo_capability::Rights;

use super::checks::{handles, shuffle};
use bench_harness::{Case, Work};

macro_rules! trials {
    ($len:literal) => {
        vec![
            Case { name: "turgo", make: table::<$len> },
            Case { name: "turgo, batches of 256", make: table_batches::<$len> },
            Case { name: "copy", make: copy::<$len> },
            Case { name: "copy, cache of 64", make: cached::<$len, 64> },
            Case { name: "copy, cache of 1024", make: cached::<$len, 1024> },
            Case { name: "copy, four lanes", make: lanes::<$len> },
        ]
    };
}

pub(crate) fn sixteen() -> Vec<Case> {
    trials!(16)
}

pub(crate) fn thousand() -> Vec<Case> {
    trials!(1_000)
}

pub(crate) fn hundred_thousand() -> Vec<Case> {
    trials!(100_000)
}

/// As a slot of the table: its word and its stamp, on a line of its own.
#[repr(align(64))]
struct Slot {
    /// generation:32 | alive:1 | .. | rights:16 | shard:7 | ..
    word: AtomicU64,
    /// epoch:47 | caveats:1 | rights:16
    stamp: AtomicU64,
}

/// Its handles have the bit for being alive, too, and its epochs are counted where stamps have them.
struct Copy {
    slots: Vec<Slot>,
    epochs: [AtomicU64; 128],
}

const ALIVE: u64 = 1 << 31;
const EPOCH: u64 = 1 << 17;
const CAVEATS: u64 = 1 << 16;

/// The place of a handle's slot.
#[inline(always)]
fn place(handle: u64) -> usize {
    (handle & (ALIVE - 1)) as usize
}

/// Whether a stamp is of this epoch, without caveats, and has all of `need`.
#[inline(always)]
fn vouches(stamp: u64, epoch: u64, need: u64) -> bool {
    (stamp ^ epoch) & (!(EPOCH - 1) | CAVEATS | need) == need
}

impl Copy {
    fn new(len: usize) -> (Self, Vec<u64>) {
        let slot = |_| Slot {
            word: AtomicU64::new(1 << 32 | ALIVE | 0xffff << 14),
            stamp: AtomicU64::new(EPOCH | 0xffff),
        };
        let slots = (0..len).map(slot).collect();
        let mut handles: Vec<u64> = (0..len as u64).map(|index| 1 << 32 | ALIVE | index).collect();
        shuffle(&mut handles);
        (Self { slots, epochs: std::array::from_fn(|_| AtomicU64::new(EPOCH)) }, handles)
    }

    /// The epoch of its shard and its stamp, if it is alive.
    #[inline(always)]
    fn look(&self, handle: u64) -> Option<(u64, u64, usize)> {
        let slot = self.slots.get(place(handle))?;
        let shard = (slot.word.load(Ordering::Relaxed) >> 7) as usize % 128;
        let epoch = self.epochs[shard].load(Ordering::Acquire);
        let alive = (slot.word.load(Ordering::Acquire) ^ handle) >> 31 == 0;
        alive.then(|| (epoch, slot.stamp.load(Ordering::Relaxed), shard))
    }

    #[inline(always)]
    fn check(&self, handle: u64, need: u64) -> bool {
        self.look(handle).is_some_and(|(epoch, stamp, _)| vouches(stamp, epoch, need))
    }
}

/// Of one worker: capabilities that were checked, with the epoch in which they were good.
struct Cache<const LEN: usize> {
    lines: Vec<(u64, u64, u32, u16)>,
}

impl<const LEN: usize> Cache<LEN> {
    #[inline(always)]
    fn check(&mut self, copy: &Copy, handle: u64, need: u64) -> bool {
        let line = &mut self.lines[place(handle) % LEN];
        let (known, epoch, shard, rights) = *line;
        if known == handle && copy.epochs[shard as usize % 128].load(Ordering::Acquire) == epoch {
            return u64::from(rights) & need == need;
        }
        match copy.look(handle) {
            Some((epoch, stamp, shard)) if vouches(stamp, epoch, 0) => {
                *line = (handle, epoch, shard as u32, stamp as u16);
                stamp & need == need
            }
            _ => false,
        }
    }
}

fn column(handles: Vec<u64>, mut check: impl FnMut(u64) -> bool + Send + 'static) -> Vec<Work> {
    let mut at = 0;
    vec![Box::new(move |operations| {
        let mut passed = 0;
        for _ in 0..operations {
            passed += u64::from(check(handles[at]));
            at = if at + 1 == handles.len() { 0 } else { at + 1 };
        }
        passed
    })]
}

fn table<const LEN: usize>(_: usize) -> Vec<Work> {
    let (table, handles) = handles(LEN);
    let mut at = 0;
    vec![Box::new(move |operations| {
        let mut passed = 0;
        for _ in 0..operations {
            passed += u64::from(table.check(handles[at], Rights::READ).is_ok());
            at = if at + 1 == LEN { 0 } else { at + 1 };
        }
        passed
    })]
}

/// Pieces of a column, one after the other, for a check of many at once.
fn pieces<K: Send + 'static>(
    keys: Vec<K>,
    mut check: impl FnMut(&[K]) -> usize + Send + 'static,
) -> Vec<Work> {
    let mut at = 0;
    vec![Box::new(move |operations| {
        let (mut passed, mut left) = (0, operations as usize);
        while left > 0 {
            let len = left.min(256).min(keys.len() - at);
            passed += check(&keys[at..at + len]);
            at = (at + len) % keys.len();
            left -= len;
        }
        passed as u64
    })]
}

fn table_batches<const LEN: usize>(_: usize) -> Vec<Work> {
    let (table, handles) = handles(LEN);
    let mut allowed = [false; 256];
    pieces(handles, move |piece| {
        table.check_batch(piece, Rights::READ, std::hint::black_box(&mut allowed[..piece.len()]))
    })
}

fn copy<const LEN: usize>(_: usize) -> Vec<Work> {
    let (copy, handles) = Copy::new(LEN);
    column(handles, move |handle| copy.check(handle, 1))
}

fn cached<const LEN: usize, const LINES: usize>(_: usize) -> Vec<Work> {
    let (copy, handles) = Copy::new(LEN);
    let mut cache = Cache::<LINES> { lines: vec![(0, 0, 0, 0); LINES] };
    column(handles, move |handle| cache.check(&copy, handle, 1))
}

/// Four at a time, as a compiler can make vectors of it; one shard.
#[inline(always)]
fn four(copy: &Copy, handles: [u64; 4], need: u64, epoch: u64) -> [bool; 4] {
    let slots = handles.map(|handle| &copy.slots[place(handle)]);
    let words = slots.map(|slot| slot.word.load(Ordering::Acquire));
    let stamps = slots.map(|slot| slot.stamp.load(Ordering::Relaxed));
    std::array::from_fn(|at| {
        let alive = (words[at] ^ handles[at]) >> 31 == 0;
        alive & vouches(stamps[at], epoch, need)
    })
}

fn lanes<const LEN: usize>(_: usize) -> Vec<Work> {
    let (copy, handles) = Copy::new(LEN);
    let mut allowed = [false; 256];
    pieces(handles, move |piece| {
        let epoch = copy.epochs[0].load(Ordering::Acquire);
        let (fours, rest) = piece.as_chunks::<4>();
        for (piece, allowed) in fours.iter().zip(allowed.chunks_mut(4)) {
            allowed.copy_from_slice(&four(&copy, *piece, 1, epoch));
        }
        for (handle, allowed) in rest.iter().zip(&mut allowed[fours.len() * 4..]) {
            *allowed = copy.check(*handle, 1);
        }
        std::hint::black_box(&mut allowed)[..piece.len()].iter().filter(|yes| **yes).count()
    })
}

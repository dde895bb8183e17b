//! Small blocks on a node.
//!
//! Memory comes in regions of 2 MiB, each for blocks of one size: a power of two from 16 bytes to 64 KiB. Blocks that are given
//! back wait in a list within themselves and go out again first, because their lines are warm.
//!
//! # Invariants
//!
//! - **S1** A block is out, in its size's list, or not cut yet: never two of these, so none goes out twice.
//! - **S2** A region begins at a multiple of 2 MiB with a header that names the slabs it belongs to and its size of block: an address leads to
//!   its header, and a block that comes back to the wrong slabs is refused before anything is written.
//! - **S3** Blocks begin behind the header, at multiples of their size, and end within their region.
//! - **S4** Regions live as long as the slabs, and nobody is given their bytes: those belong to whoever has the blocks, and may be written at any time.

// Not a checker's atomics, which can be in no static: they only make numbers here.
use core::sync::atomic::{AtomicU64, Ordering};
use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

use crate::topology::NodeId;

use super::region::HUGE_BYTES;
use super::{MapError, NodeMemory, Numa, Pages, Placement, Refusal, Verified};

/// Bytes of the largest block.
pub const BLOCK_BYTES_MAX: usize = 1 << SHIFT_MAX;

const SHIFT_MIN: u32 = 4;
const SHIFT_MAX: u32 = 16;
const CLASSES: usize = (SHIFT_MAX - SHIFT_MIN + 1) as usize;

/// What stands at the beginning of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
struct Header {
    owner: u64,
    class: u64,
}

/// Bytes kept for the header: a line, so that it shares none with a block.
const HEADER_BYTES: usize = 64;

const _: () = assert!(size_of::<Header>() <= HEADER_BYTES);
const _: () = assert!(size_of::<Free>() <= 1 << SHIFT_MIN, "a free block holds its link");
const _: () = assert!(HUGE_BYTES >= 2 * BLOCK_BYTES_MAX, "S3: room for a block behind the header");

/// A free block, as it lies in its list.
type Free = Option<NonNull<u8>>;

/// Blocks of one size.
#[derive(Debug, Clone, Copy, Default)]
struct Class {
    free: Free,
    /// The next block to be cut, and how many there are left.
    next: Free,
    left: usize,
}

/// Small blocks of memory on one node, for one owner at a time: to give a block back from another thread, send it to the owner.
///
/// `allocate` and `deallocate` take a few nanoseconds and no atomic operation; one in thousands maps a region of 2 MiB. Regions are kept
/// until the slabs are dropped (S4).
///
/// ```
/// use std::alloc::Layout;
/// use turgo_machine::numa::{NodeSlabs, Numa};
/// use turgo_machine::topology::Topology;
///
/// let machine = Topology::detect()?;
/// let mut slabs = NodeSlabs::new(&Numa::new(&machine), machine.cpus()[0].node);
/// let layout = Layout::new::<[u64; 6]>();
/// let block = slabs.allocate(layout)?;
/// // SAFETY: it came from these slabs, with this layout, and is given back once.
/// unsafe { slabs.deallocate(block, layout) };
/// assert_eq!(slabs.blocks_out(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NodeSlabs {
    numa: Numa,
    node: NodeId,
    id: u64,
    classes: [Class; CLASSES],
    regions: Vec<NodeMemory>,
    out: usize,
}

// SAFETY: the pointers lead into `regions`, which this value owns and which may be sent.
unsafe impl Send for NodeSlabs {}

/// Why there is no block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlabError {
    /// Larger or more aligned than [`BLOCK_BYTES_MAX`].
    TooLarge(Layout),
    /// No memory for another region.
    Map(MapError),
}

impl fmt::Display for SlabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(layout) => write!(
                f,
                "a block of {} bytes aligned to {} is larger than {BLOCK_BYTES_MAX}: map it",
                layout.size(),
                layout.align()
            ),
            Self::Map(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SlabError {}

/// Slabs made so far.
static SLABS: AtomicU64 = AtomicU64::new(0);

impl NodeSlabs {
    /// Slabs on this node, or on the nearest that has memory. Maps nothing yet.
    #[must_use]
    pub fn new(numa: &Numa, node: NodeId) -> Self {
        // Relaxed: only that no two get the same number.
        let id = SLABS.fetch_add(1, Ordering::Relaxed);
        let classes = [Class::default(); CLASSES];
        Self { numa: numa.clone(), node, id, classes, regions: Vec::new(), out: 0 }
    }

    /// A block for this layout; its content is whatever was left there.
    ///
    /// # Errors
    ///
    /// If the layout is larger than [`BLOCK_BYTES_MAX`], or there is no memory.
    pub fn allocate(&mut self, layout: Layout) -> Result<NonNull<u8>, SlabError> {
        let class = class(layout).ok_or(SlabError::TooLarge(layout))?;
        let block = match self.classes[class].free {
            Some(block) => {
                // SAFETY: S1: a free block is nobody's, and holds the link that `deallocate` wrote.
                let link = unsafe { block.cast::<Free>().read() };
                if !crate::mutant!("S1 free blocks stay in the list") {
                    self.classes[class].free = link;
                }
                block
            }
            None => self.cut(class).map_err(SlabError::Map)?,
        };
        self.out += 1;
        Ok(block)
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// The block came from `allocate` of some [`NodeSlabs`] that is not dropped, for a layout of the same size and alignment; it was not given back since, and nobody uses it
    /// from now on.
    ///
    /// # Panics
    ///
    /// If the block belongs to other slabs, or to another size than the layout's (S2).
    pub unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        let class = class(layout).expect("no block of that layout was ever handed out");
        let header = block.as_ptr().map_addr(|at| at & !(HUGE_BYTES - 1)).cast::<Header>();
        // SAFETY: S2: the caller promises a block of some slabs, and their regions begin with a header.
        let found = unsafe { header.read() };
        if !crate::mutant!("S2 foreign blocks taken") {
            assert_eq!(
                found,
                Header { owner: self.id, class: class as u64 },
                "a block of other slabs or another size"
            );
        }
        // SAFETY: S1: the block is the caller's no more, S3: and has room for a link.
        unsafe { block.cast::<Free>().write(self.classes[class].free) };
        self.classes[class].free = Some(block);
        self.out -= 1;
    }

    /// The node asked for.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Blocks that are out.
    #[must_use]
    pub fn blocks_out(&self) -> usize {
        self.out
    }

    /// How many regions of 2 MiB the blocks are cut from.
    #[must_use]
    pub fn regions(&self) -> usize {
        self.regions.len()
    }

    /// Counts the pages of all regions by where they are, as [`NodeMemory::verify`] does.
    ///
    /// # Errors
    ///
    /// If the kernel does not say.
    pub fn verify(&self) -> Result<Verified, Refusal> {
        self.regions.iter().try_fold(Verified::default(), |sum, region| {
            let found = region.verify()?;
            Ok(Verified {
                placed: sum.placed + found.placed,
                elsewhere: sum.elsewhere + found.elsewhere,
                absent: sum.absent + found.absent,
            })
        })
    }

    /// Why the policy of a region is not in force, if there is one where it is not (N4).
    #[must_use]
    pub fn refused(&self) -> Option<Refusal> {
        self.regions.iter().find_map(NodeMemory::refused)
    }

    /// A block that was never out.
    fn cut(&mut self, class: usize) -> Result<NonNull<u8>, MapError> {
        if self.classes[class].left == 0 {
            self.map(class)?;
        }
        let bytes = bytes(class);
        let Class { next, left, .. } = &mut self.classes[class];
        let block = next.expect("`map` leaves a block to cut");
        *left -= 1;
        // SAFETY: S3: the next block is within the region, or `left` is 0 and this is one past its end.
        *next = Some(unsafe { block.add(bytes) });
        Ok(block)
    }

    /// A region for blocks of a size, with its header.
    #[cold]
    fn map(&mut self, class: usize) -> Result<(), MapError> {
        let placement = Placement::Nearest(self.node);
        let region = self.numa.map_pages(HUGE_BYTES, placement, Pages::Huge)?;
        let start = region.as_ptr();
        debug_assert!(start.addr().get().is_multiple_of(HUGE_BYTES), "S2");
        // SAFETY: N3: the region's first bytes, which nobody else has.
        unsafe { start.cast::<Header>().write(Header { owner: self.id, class: class as u64 }) };
        let first = if crate::mutant!("S3 blocks over the header") {
            0
        } else {
            HEADER_BYTES.max(bytes(class))
        };
        // SAFETY: S3: `HEADER_BYTES` and a block are less than a region.
        let next = unsafe { start.add(first) };
        self.classes[class].next = Some(next);
        self.classes[class].left = (HUGE_BYTES - first) / bytes(class);
        if crate::mutant!("S4 region unmapped at once") {
            drop(region);
            return Ok(());
        }
        self.regions.push(region);
        Ok(())
    }
}

/// The smallest size of block that holds a layout.
fn class(layout: Layout) -> Option<usize> {
    let bytes = layout.size().max(layout.align()).max(1 << SHIFT_MIN);
    let shift = bytes.checked_next_power_of_two()?.trailing_zeros();
    (shift <= SHIFT_MAX).then_some((shift - SHIFT_MIN) as usize)
}

/// Bytes of a block.
fn bytes(class: usize) -> usize {
    1 << (SHIFT_MIN as usize + class)
}

//! Blocks of slabs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::here;
use std::alloc::Layout;
use std::ptr::NonNull;

fn slabs() -> NodeSlabs {
    let (machine, numa) = here();
    NodeSlabs::new(&numa, machine.cpus()[0].node)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Blocks that are out never overlap, are aligned, keep what is written to them, and lie on their node.
    #[test]
    fn blocks_belong_to_one_owner(
        steps in prop::collection::vec((0usize..20_000, 0u32..8, any::<bool>(), any::<prop::sample::Index>()), 1..120),
    ) {
        let mut slabs = slabs();
        let mut out: BTreeMap<usize, (NonNull<u8>, Layout, u8)> = BTreeMap::new();
        for (step, (size, align, give_back, index)) in steps.into_iter().enumerate() {
            if give_back && !out.is_empty() {
                let key = *index.get(&out.keys().copied().collect::<Vec<_>>());
                let (block, layout, mark) = out.remove(&key).expect("a block that is out");
                // SAFETY: the block is out, for this layout.
                let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), layout.size()) };
                prop_assert!(bytes.iter().all(|byte| *byte == mark), "S1, S3");
                // SAFETY: as above; nobody uses it after this.
                unsafe { slabs.deallocate(block, layout) };
            } else {
                let layout = Layout::from_size_align(size, 1 << align).expect("a layout");
                let block = slabs.allocate(layout).expect("a block");
                let start = block.addr().get();
                prop_assert!(start.is_multiple_of(layout.align()), "S3");
                let before = out.range(..=start).next_back();
                prop_assert!(before.is_none_or(|(at, (_, l, _))| at + l.size().max(1) <= start), "S1");
                let after = out.range(start..).next();
                prop_assert!(after.is_none_or(|(at, _)| start + size.max(1) <= *at), "S1");
                // SAFETY: the block is out, for this layout.
                unsafe { block.write_bytes(step as u8, size) };
                out.insert(start, (block, layout, step as u8));
            }
            prop_assert_eq!(slabs.blocks_out(), out.len());
        }
    }
}

#[test]
fn what_comes_back_goes_out_first() {
    let mut slabs = slabs();
    let layout = Layout::new::<[u64; 5]>();
    let first = slabs.allocate(layout).expect("a block");
    let second = slabs.allocate(layout).expect("a block");
    assert_eq!(second.addr().get() - first.addr().get(), 64);
    for block in [first, second] {
        // SAFETY: out, and given back once.
        unsafe { slabs.deallocate(block, layout) };
    }
    assert_eq!(slabs.allocate(layout), Ok(second));
    assert_eq!(slabs.allocate(layout), Ok(first));
    assert_ne!(slabs.allocate(layout), Ok(first), "S1");
    assert_eq!((slabs.regions(), slabs.blocks_out()), (1, 3));
}

#[test]
fn regions_fill_up_and_keep_their_headers() {
    let mut slabs = slabs();
    let layout = Layout::from_size_align(BLOCK_BYTES_MAX, BLOCK_BYTES_MAX).expect("a layout");
    let blocks: Vec<NonNull<u8>> =
        (0..70).map(|_| slabs.allocate(layout).expect("a block")).collect();
    assert_eq!(slabs.regions(), 3, "31 blocks in each");
    for &block in &blocks {
        // SAFETY: the block is out, for this layout.
        unsafe { block.write_bytes(255, BLOCK_BYTES_MAX) };
    }
    let found = slabs.verify().expect("told");
    assert_eq!((found.elsewhere, slabs.refused()), (0, None));
    assert!(found.placed * 4096 >= blocks.len() * BLOCK_BYTES_MAX, "{found:?}");
    for block in blocks {
        // SAFETY: out, and given back once.
        unsafe { slabs.deallocate(block, layout) };
    }
    assert_eq!(slabs.blocks_out(), 0);
}

#[test]
#[should_panic(expected = "a block of other slabs or another size")]
fn a_block_of_other_slabs_is_refused() {
    let (mut own, mut other) = (slabs(), slabs());
    let layout = Layout::new::<u64>();
    let block = other.allocate(layout).expect("a block");
    let _ = own.allocate(layout).expect("a block");
    // SAFETY: a block of slabs that live, for this layout, given back once.
    unsafe { own.deallocate(block, layout) };
}

#[test]
#[should_panic(expected = "a block of other slabs or another size")]
fn a_block_of_another_size_is_refused() {
    let mut slabs = slabs();
    let block = slabs.allocate(Layout::new::<u64>()).expect("a block");
    let _ = slabs.allocate(Layout::new::<[u64; 9]>()).expect("a block");
    // SAFETY: not one: the layout is another's, and the call must find out before it writes.
    unsafe { slabs.deallocate(block, Layout::new::<[u64; 9]>()) };
}

#[test]
fn what_is_too_large_is_to_be_mapped() {
    let mut slabs = slabs();
    for layout in [
        Layout::from_size_align(BLOCK_BYTES_MAX + 1, 1).expect("a layout"),
        Layout::from_size_align(1, 2 * BLOCK_BYTES_MAX).expect("a layout"),
    ] {
        let error = slabs.allocate(layout).expect_err("too large");
        assert_eq!(error, SlabError::TooLarge(layout));
        assert!(error.to_string().ends_with("larger than 65536: map it"), "{error}");
    }
}

#[test]
fn slabs_may_be_sent() {
    let mut slabs = slabs();
    let block = slabs.allocate(Layout::new::<u64>()).expect("a block").addr();
    let (slabs, elsewhere) = std::thread::scope(|scope| {
        let next = scope.spawn(move || {
            let next = slabs.allocate(Layout::new::<u64>()).expect("a block").addr();
            (slabs, next)
        });
        next.join().expect("no panic")
    });
    assert_ne!(block, elsewhere);
    assert_eq!((slabs.blocks_out(), slabs.node()), (2, here().0.cpus()[0].node));
}

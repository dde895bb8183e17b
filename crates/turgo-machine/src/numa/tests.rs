//! Placement on the machine that the tests run on, which may have one node: `cargo xtask numa-guest` does the same on four.

use super::*;
use crate::topology::CpuId;

mod refused;
mod slab;
mod unmapped;

pub(super) fn here() -> (Topology, Numa) {
    let machine = Topology::detect().expect("this kernel's files");
    let numa = Numa::new(&machine);
    (machine, numa)
}

#[test]
fn memory_is_where_it_was_asked_for() {
    let (_, numa) = here();
    for node in numa.nodes().iter() {
        for placement in [Placement::Node(node), Placement::Nearest(node)] {
            let mut memory = numa.map(5 << 12, placement).expect("some pages");
            assert_eq!(memory.refused(), None, "{placement:?} in {:?}", numa.statistics());
            memory.as_mut_slice().fill(7);
            assert_eq!(node_of(memory.as_ptr().as_ptr()), Ok(node));
            assert_eq!(memory.places().expect("told"), vec![PagePlace::Node(node); 5]);
            assert_eq!(memory.verify(), Ok(Verified { placed: 5, elsewhere: 0, absent: 0 }));
        }
    }
}

#[test]
fn nothing_is_touched_before_its_owner_does() {
    let (_, numa) = here();
    let mut memory = numa.map(3 << 12, Placement::Local).expect("some pages");
    assert_eq!(memory.verify().map(|found| found.absent), Ok(3), "N2");
    memory.as_mut_slice()[1 << 12] = 5;
    assert_eq!(memory.verify(), Ok(Verified { placed: 1, elsewhere: 0, absent: 2 }));
    memory.populate();
    assert_eq!(memory.verify().map(|found| found.placed), Ok(3));
    assert_eq!(memory.as_slice()[1 << 12], 5, "populating changes nothing");
    assert!(memory.as_slice()[..1 << 12].iter().all(|&byte| byte == 0), "N3");
}

#[test]
fn bytes_are_counted_for_as_long_as_they_are_mapped() {
    let (_, numa) = here();
    let node = numa.nodes().first().expect("a node with memory");
    let bytes_of = || numa.statistics().node_bytes.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let local = numa.map(1, Placement::Local).expect("a page");
    let bound = numa.map(4097, Placement::Node(node)).expect("two pages");
    let interleaved = numa.clone().map(8192, Placement::Interleaved).expect("two pages");
    assert_eq!((local.len(), bound.len()), (4096, 8192));
    let now = numa.statistics();
    assert_eq!((now.local_bytes, bytes_of(), now.interleaved_bytes), (4096, 8192, 8192));
    drop((local, bound, interleaved));
    let now = numa.statistics();
    assert_eq!((now.local_bytes, bytes_of(), now.interleaved_bytes), (0, 0, 0));
    assert_eq!(now.refusals, Refusals::default());
}

#[test]
fn large_regions_are_aligned_and_whole() {
    let (_, numa) = here();
    for bytes in [region::HUGE_BYTES, region::HUGE_BYTES + 4096, 3 * region::HUGE_BYTES - 1] {
        let mut memory = numa.map(bytes, Placement::Local).expect("some MiB");
        assert!(memory.as_ptr().addr().get().is_multiple_of(region::HUGE_BYTES));
        memory.as_mut_slice().fill(1);
        assert!(memory.as_slice().iter().all(|&byte| byte == 1));
    }
}

#[test]
fn interleaved_memory_has_small_pages() {
    let (_, numa) = here();
    let mut memory = numa.map(2 * region::HUGE_BYTES, Placement::Interleaved).expect("some MiB");
    memory.populate();
    assert_eq!(memory.verify().map(|found| found.placed), Ok(2 * region::HUGE_BYTES / 4096));
    let mut huge =
        numa.map_pages(region::HUGE_BYTES, Placement::Local, Pages::Huge).expect("2 MiB");
    huge.populate();
    if std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        assert!(flags(memory.as_ptr().addr().get()).contains(" nh"), "N5: no huge pages");
        assert!(flags(huge.as_ptr().addr().get()).contains(" hg"), "huge pages");
    }
}

/// `VmFlags` of the mapping that holds an address: two letters for each piece of advice.
fn flags(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("the kernel's list of mappings");
    let mut within = false;
    for line in maps.lines() {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let hex = |digits| usize::from_str_radix(digits, 16).ok();
        if let Some((first, end)) = range.and_then(|(a, b)| Some((hex(a)?, hex(b)?))) {
            within = (first..end).contains(&address);
        } else if within && let Some(flags) = line.strip_prefix("VmFlags:") {
            return flags.to_owned();
        }
    }
    panic!("no mapping holds {address:#x}")
}

#[test]
fn pages_move() {
    let (_, numa) = here();
    let node = numa.nodes().first().expect("a node with memory");
    let mut memory = numa.map(2 << 12, Placement::Local).expect("two pages");
    memory.as_mut_slice()[0] = 9;
    assert_eq!(memory.move_to(node), Ok(1), "one page was touched");
    assert_eq!(memory.as_slice()[0], 9);
}

#[test]
fn a_thread_has_a_policy() {
    let (_, numa) = here();
    let node = numa.nodes().first().expect("a node with memory");
    // In a thread of its own: the policy is a thread's.
    let policies = std::thread::scope(|scope| {
        let set = |placement| {
            numa.set_thread_policy(placement).expect("a node").expect("the kernel permits it");
            thread_policy().expect("told")
        };
        let all = [
            Placement::Node(node),
            Placement::Nearest(node),
            Placement::Interleaved,
            Placement::Local,
        ];
        scope.spawn(move || all.map(set)).join().expect("no panic")
    });
    let expected = [
        Policy::Bound(node),
        Policy::Preferred(node),
        Policy::Interleaved(numa.nodes().clone()),
        Policy::Local,
    ];
    assert_eq!(policies, expected);
}

#[test]
fn a_node_without_memory_gives_way_to_its_neighbour() {
    // The neighbour is this machine's first node, so that the kernel plays along.
    let machine = Topology::simulate("2x1").expect("a machine");
    let mut nodes = machine.nodes().to_vec();
    nodes[1].memory = Some(crate::topology::Memory { total_bytes: 0, free_bytes: 0 });
    let machine = machine.with_nodes(nodes);
    let numa = Numa::new(&machine);
    let memory = numa.map(4096, Placement::Nearest(NodeId(1))).expect("a page of its neighbour");
    assert_eq!(*memory.policy(), Policy::Preferred(NodeId(0)), "N6");
    assert_eq!(numa.statistics().remote_fallbacks, 1);
    let error = numa.map(4096, Placement::Node(NodeId(1))).expect_err("N6");
    assert_eq!(error.to_string(), "node 1 has no memory that this process may use");
    assert_eq!(
        numa.map(4096, Placement::Nearest(NodeId(9))).err(),
        Some(MapError::NoMemory(NodeId(9)))
    );
    assert_eq!(numa.nodes().to_string(), "0");
    assert_eq!(machine.cpu(CpuId(1)).map(|cpu| cpu.node), Some(NodeId(1)));
}

#[test]
fn too_much_and_nothing_are_refused() {
    let (_, numa) = here();
    for bytes in [0, usize::MAX, usize::MAX - (3 << 20), 1 << 60] {
        let error = numa.map(bytes, Placement::Local).expect_err("no room");
        assert!(matches!(error, MapError::Refused { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("cannot map {bytes} bytes: ")), "{error}");
    }
    assert_eq!(numa.statistics().local_bytes, 0);
}

#[test]
fn an_address_of_nobody_has_no_node() {
    assert_eq!(node_of(std::ptr::without_provenance::<u8>(8)), Err(Refusal::Other(libc::EFAULT)));
    let value = Box::new(3u64);
    assert!(node_of(&raw const *value).is_ok());
}

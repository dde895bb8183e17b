//! Machines from strings.

use proptest::prelude::*;

use super::*;

#[test]
fn names_stand_for_shapes() {
    for (name, shape) in [
        ("uma", "1x8"),
        ("uma:12", "1x12"),
        ("dual", "2x16x2"),
        ("dual:4,ring", "2x4x2,ring"),
        ("quad", "4x16x2"),
        ("4x16,mesh", "4x16"),
        ("4x16x1,llc=16", "4x16"),
        ("1x1,memory=1024KiB", "1x1,memory=1MiB"),
        ("1x1,memory=16384MiB", "1x1"),
    ] {
        assert_eq!(name.parse::<Spec>().map(|spec| spec.to_string()).as_deref(), Ok(shape));
    }
}

#[test]
fn nodes_in_a_ring_are_as_far_as_the_shorter_way() {
    let ring = Topology::simulate("6x1,ring").expect("a machine");
    let row = |from: u32| -> Vec<u32> {
        (0..6).filter_map(|to| ring.distance(NodeId(from), NodeId(to))).collect()
    };
    assert_eq!(row(0), [10, 21, 31, 41, 31, 21]);
    assert_eq!(row(4), [31, 41, 31, 21, 10, 21]);
    let mesh = Topology::simulate("3x1").expect("a machine");
    assert_eq!(mesh.distance(NodeId(2), NodeId(0)), Some(21));
    let wide = Topology::simulate("64x2,ring").expect("a machine");
    assert_eq!(wide.distance(NodeId(0), NodeId(32)), Some(254));
}

#[test]
fn distances_may_be_given() {
    let machine = Topology::simulate("2x2,distances=10-40/50-10").expect("a machine");
    assert_eq!(machine.distance(NodeId(0), NodeId(1)), Some(40));
    assert_eq!(machine.distance(NodeId(1), NodeId(0)), Some(50));
}

#[test]
fn a_simulated_machine_keeps_every_invariant() {
    for spec in ["uma", "dual", "quad,ring", "3x5x4,llc=2", "64x8x2", "8192x1"] {
        let Ok(machine) = Topology::simulate(spec) else {
            assert_eq!(spec, "8192x1", "at most 64 nodes");
            continue;
        };
        check(&machine);
    }
    let uneven = Topology::simulate("3x5x4,llc=2").expect("a machine");
    let sizes: Vec<usize> = uneven.complexes().iter().map(|complex| complex.cpus.len()).collect();
    assert_eq!(sizes, [8, 8, 4, 8, 8, 4, 8, 8, 4]);
    assert_eq!(uneven.complexes()[2].size_bytes, Some(2 << 20));
    assert_eq!(uneven.cores()[7].to_string(), "7,22,37,52");
}

#[test]
fn an_error_has_a_place_and_a_remedy() {
    for (spec, part, message) in [
        ("", "", "the shape of the machine is missing"),
        ("big", "big", "this is no shape"),
        ("4", "4", "this is no shape"),
        ("x4", "x4", "this is no shape"),
        ("1x2x3x4", "1x2x3x4", "this is no shape"),
        ("4x", "", "the number of cores is missing"),
        ("0x4", "0", "too many or too few nodes"),
        ("65x4", "65", "too many or too few nodes"),
        ("4xa", "a", "this is no number of cores"),
        ("4x16x9", "9", "too many or too few threads of a core"),
        ("4x99999999999", "99999999999", "too many or too few cores"),
        ("64x8192x8", "64x8192x8", "4194304 processors are too many"),
        ("dual:x", "x", "this is no number of cores"),
        ("4x16,rnig", "rnig", "there is no such option"),
        ("4x16,", "", "an option is missing"),
        ("4x16,ring,mesh", "mesh", "this was said before"),
        ("4x16,ring=2", "ring=2", "there is no such option"),
        ("4x16,llc=17", "17", "too many or too few cores"),
        ("4x16,llc=", "", "the number of cores is missing"),
        ("4x16,memory=64", "64", "this is no size of memory"),
        ("4x16,memory=0GiB", "0GiB", "this is no size of memory"),
        ("4x16,memory=4294967295TiB", "4294967295TiB", "this is no size of memory"),
        ("2x1,distances=10-20", "10-20", "1 rows of distances for 2 nodes"),
        ("2x1,distances=10-20/20", "20", "1 distances for 2 nodes"),
        ("2x1,distances=10-20/20-11", "11", "this is no distance"),
        ("2x1,distances=10-10/20-10", "10", "this is no distance"),
        ("2x1,distances=10-255/20-10", "255", "this is no distance"),
        ("4x16,größe=1", "größe=1", "there is no such option"),
    ] {
        let error = Topology::simulate(spec).expect_err(spec);
        assert_eq!(&spec[error.at()], part, "{spec}: {error}");
        assert!(error.message().starts_with(message), "{spec}: {error}");
        assert!(!error.remedy().is_empty() && error.to_string().contains(error.remedy()));
    }
    let place = Topology::simulate("2x1,distances=10-20/20-11").expect_err("no machine").at();
    assert_eq!(place, 23..25, "the last of several such parts");
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(
        nodes in 1u32..9, cores in 1u32..9, threads in 1u32..4, links in 0u8..3,
        llc in 1u32..9, memory in 1u64..1 << 40, seed in 11u32..255,
    ) {
        let mut spec = format!("{nodes}x{cores}x{threads}");
        if links == 1 {
            spec += ",ring";
        } else if links == 2 {
            let cell = |a: u32, b: u32| if a == b { 10 } else { 11 + (seed + 3 * a + b) % 240 };
            let row = |a| (0..nodes).map(|b| cell(a, b).to_string()).collect::<Vec<_>>().join("-");
            spec += &format!(",distances={}", (0..nodes).map(row).collect::<Vec<_>>().join("/"));
        }
        spec += &format!(",llc={},memory={}KiB", llc.min(cores), memory.div_ceil(1024));
        let first: Spec = spec.parse().expect("a machine");
        let second: Spec = first.to_string().parse().expect("what was printed");
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(first.topology(), second.topology());
        check(&first.topology());
    }

    #[test]
    fn any_string_is_a_machine_or_an_error(text in "[0-9a-zäx:,=/-]{0,24}") {
        for spec in [text.clone(), format!("2x2,{text}"), format!("2x2,distances={text}")] {
            if let Err(error) = spec.parse::<Spec>() {
                prop_assert!(spec.get(error.at()).is_some());
            }
        }
    }
}

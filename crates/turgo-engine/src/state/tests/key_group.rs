//! Key groups: stable, even, and dealt out in ranges.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};

use crate::state::key_group::{KEY_GROUPS, hash_keys, key_group, owner};

fn hashes(keys: &[ArrayRef]) -> Vec<u64> {
    let mut hashes = Vec::new();
    hash_keys(keys, keys[0].len(), &mut hashes).unwrap();
    hashes
}

#[test]
fn every_instance_owns_one_range_and_none_more_than_one_group_extra() {
    for instances in 1..=KEY_GROUPS {
        let owners: Vec<usize> = (0..=255).map(|group| owner(group, instances)).collect();
        assert!(owners.is_sorted(), "{instances} instances do not own ranges");
        let mut owned = vec![0; instances];
        owners.iter().for_each(|&owner| owned[owner] += 1);
        let (least, most) = (owned.iter().min().unwrap(), owned.iter().max().unwrap());
        assert!(most - least <= 1 && *least > 0, "{instances} instances own {owned:?}");
    }
}

#[test]
fn keys_of_any_regular_pattern_spread_evenly_over_key_groups() {
    let rows = 256 * 200;
    let strides = [1, 2, 3, 10, 256, 1000, 10_000, 86_400_000, 1 << 32, 1 << 40];
    let mut columns: Vec<ArrayRef> = strides
        .iter()
        .map(|stride| Arc::new(Int64Array::from_iter_values((0..rows).map(|i| i * stride))) as _)
        .collect();
    columns.push(Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("user-{i}")))));
    columns.push(Arc::new(StringArray::from_iter_values((0..rows).map(|i| i.to_string()))));
    for column in &columns {
        let mut sizes = [0u32; KEY_GROUPS];
        hashes(std::slice::from_ref(column))
            .iter()
            .for_each(|&h| sizes[key_group(h) as usize] += 1);
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!((120..=200).contains(least) && (200..=280).contains(most), "{least}..{most} keys");
    }
}

#[test]
fn the_layout_of_a_column_does_not_change_its_hash() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a"),
        None,
        Some(""),
        Some("long enough not to be inlined"),
    ]));
    let packed = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for layout in [DataType::LargeUtf8, DataType::Utf8View, packed, DataType::Binary] {
        let other = cast(&texts, &layout).unwrap();
        assert_eq!(hashes(&[Arc::clone(&texts)]), hashes(&[other]), "{layout}");
    }
    assert_eq!(hashes(&[texts.slice(2, 2)]), hashes(&[Arc::clone(&texts)])[2..]);
}

#[test]
fn values_do_not_move_between_the_columns_of_a_key() {
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    assert_ne!(hashes(&[text("a"), text("bc")]), hashes(&[text("ab"), text("c")]));
    assert_ne!(hashes(&[text("a"), text("b")]), hashes(&[text("b"), text("a")]));
    assert_ne!(hashes(&[text("")]), hashes(&[text("\0")]));
}

/// Frozen state is filed by these numbers: if they change, older state is lost.
#[test]
fn the_hash_of_a_key_never_changes() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(-1), Some(42), None]));
    let times = cast(&numbers, &DataType::Timestamp(TimeUnit::Millisecond, None)).unwrap();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["", "apple", "twelve bytes", "x"]));
    assert_eq!(hashes(&[Arc::clone(&numbers)]), NUMBERS);
    assert_eq!(hashes(&[times]), NUMBERS);
    assert_eq!(hashes(&[Arc::clone(&texts)]), TEXTS);
    assert_eq!(hashes(&[numbers, texts]), BOTH);
}

const NUMBERS: [u64; 4] = [
    16_250_260_098_581_018_180,
    17_165_031_554_902_603_668,
    17_516_162_101_163_711_149,
    14_175_320_752_164_949_625,
];
const TEXTS: [u64; 4] = [
    9_089_205_949_411_343_203,
    4_972_015_328_302_230_143,
    18_259_837_662_400_968_931,
    8_968_011_582_258_473_995,
];
const BOTH: [u64; 4] = [
    4_487_724_548_125_205_680,
    6_522_785_015_573_227_918,
    13_587_995_676_933_342_161,
    3_910_071_363_412_960_916,
];

//! The group table against a list of keys searched from the front.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int8Array, Int64Array, NullArray, UnionArray,
    new_empty_array,
};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, TimeUnit, UnionFields, UnionMode};
use datafusion_common::ScalarValue;
use proptest::prelude::*;

use crate::error::EngineError;
use crate::state::GroupTable;
use crate::state::key_group::hash_keys;

fn key_types() -> Vec<Vec<DataType>> {
    use DataType::{Binary, Duration, LargeUtf8, Timestamp, Utf8, Utf8View};
    use DataType::{Boolean, Date32, Decimal128, Dictionary, Float64, Int8, Int32, Int64, UInt64};
    vec![
        vec![],
        vec![Int8],
        vec![Int64],
        vec![UInt64],
        vec![Date32],
        vec![Timestamp(TimeUnit::Millisecond, Some("+01:00".into()))],
        vec![Duration(TimeUnit::Microsecond)],
        vec![Utf8],
        vec![LargeUtf8],
        vec![Utf8View],
        vec![Binary],
        vec![Boolean],
        vec![Float64],
        vec![Decimal128(20, 2)],
        vec![DataType::Null],
        vec![Dictionary(Box::new(DataType::Int16), Box::new(Utf8))],
        vec![Utf8, Utf8],
        vec![LargeUtf8, Int8, Timestamp(TimeUnit::Millisecond, Some("+01:00".into()))],
        vec![Decimal128(20, 2), Utf8],
        vec![Int32, Utf8View, Float64],
        vec![Dictionary(Box::new(DataType::Int16), Box::new(Int64)), Boolean],
    ]
}

/// The key that a small number stands for.
fn key(raw: Option<i64>, data_type: &DataType) -> ScalarValue {
    let Some(raw) = raw else { return ScalarValue::try_from(data_type).unwrap() };
    match data_type {
        DataType::Null => ScalarValue::Null,
        DataType::Boolean => ScalarValue::Boolean(Some(raw % 2 == 0)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary => {
            let text = "abcdefgh-".repeat(3)[..(raw.unsigned_abs() % 27) as usize].to_owned();
            ScalarValue::from(text).cast_to(data_type).unwrap()
        }
        DataType::Float64 => ScalarValue::Float64(Some(match raw {
            3 => -0.0,
            4 => 0.0,
            5 => f64::NAN,
            raw => raw as f64 / 4.0,
        })),
        DataType::Dictionary(index, values) => {
            ScalarValue::Dictionary(index.clone(), Box::new(key(Some(raw), values)))
        }
        DataType::Date32 => ScalarValue::Date32(Some(raw as i32)),
        DataType::UInt64 => ScalarValue::UInt64(Some(raw.unsigned_abs().wrapping_neg())),
        _ => ScalarValue::Int64(Some(raw)).cast_to(data_type).unwrap(),
    }
}

/// The key as the table gives it back.
fn normal(key: ScalarValue) -> ScalarValue {
    let zero = ScalarValue::Float64(Some(0.0));
    if key == ScalarValue::Float64(Some(-0.0)) { zero } else { key }
}

fn column(rows: &[Vec<Option<i64>>], position: usize, data_type: &DataType) -> ArrayRef {
    if rows.is_empty() {
        return new_empty_array(data_type);
    }
    ScalarValue::iter_to_array(rows.iter().map(|row| key(row[position], data_type))).unwrap()
}

fn fields(types: &[DataType]) -> Vec<FieldRef> {
    let field = |(i, t): (usize, &DataType)| Arc::new(Field::new(format!("k{i}"), t.clone(), true));
    types.iter().enumerate().map(field).collect()
}

fn scalars(columns: &[ArrayRef], row: usize) -> Vec<ScalarValue> {
    columns.iter().map(|column| ScalarValue::try_from_array(column, row).unwrap()).collect()
}

/// Batches, each with whether all groups are forgotten before.
fn check(types: &[DataType], batches: &[(bool, Vec<Vec<Option<i64>>>)]) {
    let mut table = GroupTable::new(&fields(types)).unwrap();
    let mut model: Vec<(Vec<ScalarValue>, u64)> = Vec::new();
    let (mut groups, mut hashes) = (vec![99], vec![99]);
    for (cleared, rows) in batches {
        if *cleared && table.clear() {
            model.clear();
        }
        let keys: Vec<ArrayRef> =
            types.iter().enumerate().map(|(i, t)| column(rows, i, t)).collect();
        table.intern(&keys, rows.len(), &mut groups).unwrap();
        hash_keys(&keys, rows.len(), &mut hashes).unwrap();
        assert_eq!((groups.len(), hashes.len()), (rows.len(), rows.len()));
        for row in 0..rows.len() {
            let key: Vec<ScalarValue> = scalars(&keys, row).into_iter().map(normal).collect();
            let id = model.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                model.push((key.clone(), hashes[row]));
                model.len() - 1
            });
            assert_eq!(groups[row] as usize, id, "{key:?}");
            assert_eq!(hashes[row], model[id].1, "one key, two hashes: {key:?}");
        }
        assert_eq!((table.len(), table.is_empty()), (model.len(), model.is_empty()));
        let columns = table.keys().unwrap();
        for (column, data_type) in columns.iter().zip(types) {
            assert_eq!((column.data_type(), column.len()), (data_type, model.len()));
        }
        for (id, (key, _)) in model.iter().enumerate() {
            assert_eq!(&scalars(&columns, id), key, "key of group {id}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Guards G1, G2 and G3, and K2: equal keys hash alike whatever batch they stand in. Nothing is left of groups that were cleared.
    #[test]
    fn ids_number_distinct_keys_in_order_of_appearance(
        batches in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(
                prop::collection::vec(prop::option::weighted(0.8, -40i64..40), 3), 0..60)),
            1..5)
    ) {
        for types in key_types() {
            check(&types, &batches);
        }
    }
}

#[test]
fn tables_of_common_keys_keep_their_memory_when_they_are_cleared() {
    use DataType::{Int64, Utf8};
    for types in [vec![], vec![Int64], vec![Utf8], vec![Utf8, Int64]] {
        let mut table = GroupTable::new(&fields(&types)).unwrap();
        let rows: Vec<_> = (0..40).map(|key| vec![Some(key); 2]).collect();
        let keys: Vec<_> = types.iter().enumerate().map(|(i, t)| column(&rows, i, t)).collect();
        table.intern(&keys, rows.len(), &mut Vec::new()).unwrap();
        let bytes = table.bytes();
        assert!(table.clear() && table.is_empty(), "{types:?}");
        assert_eq!(table.bytes(), bytes, "{types:?}");
    }
}

#[test]
fn many_keys_survive_the_growth_of_the_table() {
    let mut table = GroupTable::new(&fields(&[DataType::Int64])).unwrap();
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((0..100_000).map(|i| i << 40)));
    let mut groups = Vec::new();
    table.intern(std::slice::from_ref(&keys), 100_000, &mut groups).unwrap();
    table.intern(std::slice::from_ref(&keys), 100_000, &mut groups).unwrap();
    assert!(groups.iter().copied().eq(0..100_000));
    assert_eq!(&table.keys().unwrap()[0], &keys);
    assert!(table.bytes() >= 100_000 * size_of::<i64>());
}

#[test]
fn nans_are_one_group_when_their_bits_are_equal_and_zeros_always() {
    let mut table = GroupTable::new(&fields(&[DataType::Float64])).unwrap();
    let keys = Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::NAN]);
    let mut groups = Vec::new();
    table.intern(&[Arc::new(keys)], 5, &mut groups).unwrap();
    assert_eq!(groups, [0, 0, 1, 2, 1]);
    assert!(table.keys().unwrap()[0].as_primitive::<Float64Type>().value(0).is_sign_positive());
}

#[test]
fn no_key_columns_make_one_group_once_there_is_a_row() {
    let mut table = GroupTable::new(&[]).unwrap();
    let mut groups = Vec::new();
    table.intern(&[], 0, &mut groups).unwrap();
    assert!(table.is_empty());
    table.intern(&[], 3, &mut groups).unwrap();
    assert_eq!((groups, table.len(), table.keys().unwrap().len()), (vec![0, 0, 0], 1, 0));
}

#[test]
fn one_more_group_than_ids_is_an_error() {
    let last = u32::MAX as usize - 1;
    assert_eq!(crate::state::numbering::next_number(last).unwrap(), u32::MAX - 1);
    let error = crate::state::numbering::next_number(last + 1).unwrap_err();
    assert!(matches!(error, EngineError::Data { .. }));
}

#[test]
fn keys_of_another_type_or_length_are_an_error_not_a_panic() {
    let mut table = GroupTable::new(&fields(&[DataType::Int64])).unwrap();
    let mut groups = Vec::new();
    let short: ArrayRef = Arc::new(Int8Array::from(vec![1]));
    assert!(matches!(table.intern(&[short], 1, &mut groups), Err(EngineError::Internal(_))));
    let long: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    assert!(matches!(table.intern(&[long], 2, &mut groups), Err(EngineError::Internal(_))));
    assert!(matches!(table.intern(&[], 1, &mut groups), Err(EngineError::Internal(_))));
}

#[test]
fn more_keys_than_a_dictionary_can_number_are_an_error_not_a_wrong_key() {
    let narrow = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64));
    let mut table = GroupTable::new(&fields(std::slice::from_ref(&narrow))).unwrap();
    let mut groups = Vec::new();
    for start in [0, 100] {
        let batch: ArrayRef = Arc::new(Int64Array::from_iter_values(start..start + 100));
        let batch = arrow::compute::cast(&batch, &narrow).unwrap();
        table.intern(&[batch], 100, &mut groups).unwrap();
    }
    assert_eq!(table.len(), 200);
    assert!(table.keys().is_err());
}

#[test]
fn keys_of_a_type_without_an_order_are_refused_by_name_or_work() {
    let union = UnionFields::try_new([0], [Field::new("a", DataType::Null, true)]).unwrap();
    let data_type = DataType::Union(union.clone(), UnionMode::Sparse);
    match GroupTable::new(&fields(std::slice::from_ref(&data_type))) {
        Err(EngineError::Unsupported(message)) => assert!(message.contains("Union"), "{message}"),
        Err(other) => panic!("{other}"),
        Ok(mut table) => {
            let children: Vec<ArrayRef> = vec![Arc::new(NullArray::new(2))];
            let column = UnionArray::try_new(union, vec![0, 0].into(), None, children).unwrap();
            let mut groups = Vec::new();
            table.intern(&[Arc::new(column)], 2, &mut groups).unwrap();
            assert_eq!(groups, [0, 0]);
        }
    }
}

/// Numbers that lie near each other are not hashed; whether they do changes with every key.
#[test]
fn a_number_keeps_its_group_when_others_come_near_it() {
    let field: FieldRef = Arc::new(Field::new("key", DataType::Int64, true));
    let mut table = GroupTable::new(&[field]).unwrap();
    let mut expected = Vec::new();
    // Far from each other at first, on both sides, round the ends of the range, and NULL among them.
    let far = [5_000, -5_000, i64::MIN, i64::MAX, 1 << 40].map(Some);
    let steps = far.into_iter().chain([None]).chain((0..3_000).map(Some)).chain(far);
    let steps: Vec<Option<i64>> = steps.chain((-3_000..6_000).map(Some)).chain([None]).collect();
    let mut groups = Vec::new();
    for keys in steps.chunks(700) {
        let column: ArrayRef = Arc::new(Int64Array::from(keys.to_vec()));
        table.intern(&[column], keys.len(), &mut groups).unwrap();
        for (key, group) in keys.iter().zip(&groups) {
            let known = expected.iter().position(|other| other == key);
            let known = known.unwrap_or_else(|| {
                expected.push(*key);
                expected.len() - 1
            });
            assert_eq!(*group as usize, known, "{key:?}");
        }
    }
    let keys = table.keys().unwrap();
    assert_eq!(keys[0].as_ref(), &Int64Array::from(expected) as &dyn Array);
}

//! Distinct values: where equality decides, and against DataFusion's accumulators.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array, ListArray,
    NullArray, StringArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion_functions_aggregate::count::count_udaf;
use datafusion_functions_aggregate::sum::sum_udaf;
use datafusion_physical_expr::aggregate::AggregateExprBuilder;
use proptest::prelude::*;

use super::accumulator;
use super::adapter::{columns, function};
use crate::error::EngineError;
use crate::graph::AggregateFunction::{self, AvgDistinct, CountDistinct, Other, SumDistinct};
use crate::state::Accumulate;

fn states(
    function: AggregateFunction,
    argument: &DataType,
    result: DataType,
) -> Box<dyn Accumulate> {
    accumulator(function, std::slice::from_ref(argument), result).unwrap()
}

/// COUNT(DISTINCT) over one group that got these values.
fn count(values: ArrayRef) -> i64 {
    let mut states = states(CountDistinct, values.data_type(), DataType::Int64);
    states.update(&vec![0; values.len()], &[values], None, 1).unwrap();
    states.read(&[0]).unwrap().as_primitive::<Int64Type>().value(0)
}

#[test]
fn floats_are_distinct_where_group_by_finds_them_so() {
    let odd = f64::from_bits(f64::NAN.to_bits() | 1);
    let values = vec![0.0, -0.0, 1.0, 1.0, f64::NAN, f64::NAN, odd, f64::INFINITY];
    assert_eq!(count(Arc::new(Float64Array::from(values))), 5);
    assert_eq!(count(Arc::new(Float32Array::from(vec![-0.0, 0.0, 0.5, f32::NAN]))), 3);
}

#[test]
fn a_zero_comes_back_from_a_state_without_its_sign() {
    let mut states = states(CountDistinct, &DataType::Float64, DataType::Int64);
    states.update(&[0], &[Arc::new(Float64Array::from(vec![-0.0]))], None, 1).unwrap();
    let state = states.state().unwrap().remove(0);
    let values = state.as_list::<i32>().value(0);
    assert_eq!(values.as_primitive::<Float64Type>().value(0).to_bits(), 0);
}

#[test]
fn null_is_no_value_of_any_type() {
    assert_eq!(count(Arc::new(NullArray::new(3))), 0);
    assert_eq!(count(Arc::new(Int64Array::from(vec![None, Some(0), None]))), 1);
    assert_eq!(count(Arc::new(StringArray::from(vec![None, Some(""), None]))), 1);
}

#[test]
fn nested_values_are_counted() {
    let lists = [Some(vec![Some(1)]), None, Some(vec![Some(1)]), Some(vec![None])];
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
    assert_eq!(count(Arc::new(lists)), 2);
}

#[test]
fn a_value_belongs_to_its_group_however_many_there_are() {
    // The same value in all of 200 groups, which are in several tables, and 64 bits that differ in
    // one half only.
    let groups: Vec<u32> = (0..200).chain(0..200).chain(0..200).collect();
    let values = [vec![7; 200], vec![7 << 32; 200], vec![7; 200]].concat();
    let mut states = states(CountDistinct, &DataType::Int64, DataType::Int64);
    states.update(&groups, &[Arc::new(Int64Array::from(values))], None, 200).unwrap();
    let all: Vec<u32> = (0..200).collect();
    let counts = states.read(&all).unwrap();
    assert!(counts.as_primitive::<Int64Type>().values().iter().all(|count| *count == 2));
    let state = states.state().unwrap().remove(0);
    assert!(state.as_list::<i32>().offsets().lengths().all(|values| values == 2));
    assert_eq!(states.distinct(), 400);
}

#[test]
fn sums_and_averages_of_distinct_integers_are_exact_beyond_the_floats() {
    let values = |values: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    let large = 1i64 << 60;
    let mut mean = states(AvgDistinct, &DataType::Int64, DataType::Float64);
    // As floats, all of these are one value.
    mean.update(&[0; 4], &[values(&[large, large + 1, large + 2, large])], None, 1).unwrap();
    assert_eq!(mean.read(&[0]).unwrap().as_primitive::<Float64Type>().value(0), large as f64);
    assert_eq!(mean.distinct(), 3);
    let mut sum = states(SumDistinct, &DataType::Int64, DataType::Int64);
    sum.update(&[0; 3], &[values(&[i64::MAX, i64::MAX, -1])], None, 1).unwrap();
    assert_eq!(sum.read(&[0]).unwrap().as_primitive::<Int64Type>().value(0), i64::MAX - 1);
    sum.update(&[0; 2], &[values(&[2, i64::MAX])], None, 1).unwrap();
    let error = sum.read(&[0]).unwrap_err();
    assert!(
        matches!(&error, EngineError::Data { message, .. } if message.contains("9223372036854775808")),
        "{error}"
    );
}

#[test]
fn values_that_the_filter_leaves_out_are_not_kept() {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..10_000).map(|number| format!("a text that takes some room, number {number}")),
    ));
    let passes: BooleanArray = (0..10_000).map(|row| Some(row == 9_999)).collect();
    let mut states = states(CountDistinct, &DataType::Utf8, DataType::Int64);
    states.update(&vec![0; 10_000], &[Arc::clone(&texts)], Some(&passes), 1).unwrap();
    assert_eq!(states.distinct(), 1);
    let few = states.bytes();
    assert!(few < 2_000, "{few} bytes for one text");
    states.update(&vec![0; 10_000], &[texts], None, 1).unwrap();
    assert_eq!(states.distinct(), 10_000);
    assert!(states.bytes() > 400_000, "memory is accounted");
}

#[test]
fn a_state_lists_the_values_of_each_group_once() {
    let mut states = states(CountDistinct, &DataType::Int64, DataType::Int64);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![-5, 9, 1, 9, -5, 7]));
    states.update(&[1, 0, 1, 0, 1, 1], &[values], None, 3).unwrap();
    let state = states.state().unwrap().remove(0);
    let lists = [Some(vec![Some(9)]), Some(vec![Some(-5), Some(1), Some(7)]), Some(vec![])];
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
    assert_eq!(state.as_list::<i32>(), &lists);
}

#[test]
fn a_state_that_is_no_list_of_such_values_is_an_error_not_a_panic() {
    let mut states = states(CountDistinct, &DataType::Int64, DataType::Int64);
    let others = ListArray::from_iter_primitive::<Float64Type, _, _>([Some([Some(1.0)])]);
    let null = ListArray::from_iter_primitive::<Int64Type, _, _>([None::<[Option<i64>; 1]>]);
    for wrong in [Arc::new(others) as ArrayRef, Arc::new(null), Arc::new(NullArray::new(1))] {
        let merged = states.merge(&[0], &[wrong], 1);
        assert!(matches!(merged, Err(EngineError::Internal(_))), "{merged:?}");
    }
}

/// A function of ours and DataFusion's, and the type of its argument.
fn pairs() -> Vec<(AggregateFunction, AggregateFunction, DataType)> {
    let count = |data_type: DataType| {
        let count = AggregateExprBuilder::new(count_udaf(), columns(1)).distinct();
        let count = function(count, std::slice::from_ref(&data_type));
        (CountDistinct, Other(count), data_type)
    };
    let sum = AggregateExprBuilder::new(sum_udaf(), columns(1)).distinct();
    let sum = (SumDistinct, Other(function(sum, &[DataType::Int64])), DataType::Int64);
    let types = [DataType::Int64, DataType::Int8, DataType::Utf8, DataType::Boolean];
    types.into_iter().map(count).chain([sum]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Guards: that a kernel of our own answers as the accumulators it took the place of.
    #[test]
    fn small_values_are_counted_and_added_up_as_datafusion_does(
        batches in prop::collection::vec(
            prop::collection::vec((0u32..150, prop::option::weighted(0.8, -9i64..9), any::<bool>()), 0..60),
            1..5,
        )
    ) {
        for (ours, theirs, data_type) in pairs() {
            let mut ours = states(ours, &data_type, DataType::Int64);
            let mut theirs = states(theirs, &data_type, DataType::Int64);
            for rows in &batches {
                let groups: Vec<u32> = rows.iter().map(|row| row.0).collect();
                let values: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
                let values = match data_type {
                    DataType::Boolean => {
                        Arc::new(rows.iter().map(|row| row.1.map(|v| v > 3)).collect::<BooleanArray>())
                    }
                    ref other => arrow::compute::cast(&values, other).unwrap(),
                };
                let filter: BooleanArray = rows.iter().map(|row| Some(row.2)).collect();
                for states in [&mut ours, &mut theirs] {
                    states.update(&groups, &[Arc::clone(&values)], Some(&filter), 150).unwrap();
                }
            }
            let all: Vec<u32> = (0..150).collect();
            prop_assert_eq!(&ours.read(&all).unwrap(), &theirs.read(&all).unwrap());
        }
    }
}

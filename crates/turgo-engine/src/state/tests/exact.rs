//! Answers where wide arithmetic, rounding or the order of floats decides.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, Decimal256Array, Float64Array, Int64Array, ListArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, i256};
use datafusion_functions_aggregate::sum::sum_udaf;
use datafusion_physical_expr::aggregate::AggregateExprBuilder;
use proptest::prelude::*;

use super::accumulator;
use super::adapter::{columns, function};
use crate::error::{EngineError, Result};
use crate::graph::AggregateFunction::{self, Avg, Max, Min, Other, Sum};
use crate::state::avg::divide;

/// The answer of one group that got these values.
fn over(function: AggregateFunction, values: ArrayRef, result: DataType) -> Result<ArrayRef> {
    let mut states = accumulator(function, &[values.data_type().clone()], result)?;
    states.update(&vec![0; values.len()], &[values], None, 1)?;
    states.read(&[0])
}

fn longs(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

#[test]
fn sum_that_does_not_fit_is_an_error_with_the_exact_value_where_datafusion_wraps() {
    let values = longs(&[i64::MAX, i64::MAX]);
    let wrapping =
        Other(function(AggregateExprBuilder::new(sum_udaf(), columns(1)), &[DataType::Int64]));
    let wrapped = over(wrapping, Arc::clone(&values), DataType::Int64).unwrap();
    assert_eq!(wrapped.as_primitive::<Int64Type>().value(0), -2, "DataFusion's SUM wraps");

    let error = over(Sum, values, DataType::Int64).unwrap_err();
    assert!(matches!(error, EngineError::Data { .. }));
    let message = error.to_string();
    for part in ["SUM", "\"answer\"", "18446744073709551614", "BIGINT", "cast"] {
        assert!(message.contains(part), "{part} is missing from: {message}");
    }
}

#[test]
fn sum_may_leave_its_type_on_the_way_and_come_back() {
    let sum = over(Sum, longs(&[i64::MAX, i64::MAX, i64::MIN, i64::MIN]), DataType::Int64).unwrap();
    assert_eq!(sum.as_primitive::<Int64Type>().value(0), -2);
}

#[test]
fn sum_of_decimals_leaves_128_bits_on_the_way_and_comes_back() {
    let large = 10i128.pow(38) - 1;
    let column = |values: Vec<i128>| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, 1).unwrap())
    };
    let result = DataType::Decimal128(38, 1);
    let back =
        over(Sum, column(vec![large, large, large, -large, -large]), result.clone()).unwrap();
    assert_eq!(back.as_primitive::<Decimal128Type>().value(0), large);
    let error = over(Sum, column(vec![large, large]), result).unwrap_err().to_string();
    assert!(error.contains("19999999999999999999999999999999999999.8"), "{error}");
}

#[test]
fn sum_beyond_256_bits_is_an_error() {
    let column = Decimal256Array::from(vec![i256::MAX, i256::MAX]);
    let column = column.with_precision_and_scale(76, 0).unwrap();
    let error = over(Sum, Arc::new(column), DataType::Decimal256(76, 0)).unwrap_err();
    assert!(matches!(error, EngineError::Data { .. }), "{error}");
}

#[test]
fn avg_of_decimals_truncates_towards_zero_with_four_more_digits() {
    let column = |values: Vec<i128>| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(10, 0).unwrap())
    };
    for (values, expected) in [(vec![1, 1, 0], 6_666), (vec![-1, -1, 0], -6_666)] {
        let mean = over(Avg, column(values), DataType::Decimal128(14, 4)).unwrap();
        assert_eq!(mean.as_primitive::<Decimal128Type>().value(0), expected);
    }
}

#[test]
fn min_and_max_put_nan_above_all_numbers_whatever_the_order_of_rows() {
    for values in [vec![f64::NAN, 1.0, -1.0], vec![1.0, f64::NAN, -1.0], vec![1.0, -1.0, f64::NAN]]
    {
        let column: ArrayRef = Arc::new(Float64Array::from(values));
        let min = over(Min, Arc::clone(&column), DataType::Float64).unwrap();
        let max = over(Max, column, DataType::Float64).unwrap();
        assert_eq!(min.as_primitive::<Float64Type>().value(0), -1.0);
        assert!(max.as_primitive::<Float64Type>().value(0).is_nan());
    }
}

#[test]
fn min_of_a_nested_type_is_refused_by_name() {
    let lists: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]));
    let list = lists.data_type().clone();
    let error = over(Min, lists, list).unwrap_err();
    assert!(
        matches!(&error, EngineError::Unsupported(text) if text.contains("ARRAY<INT>")),
        "{error}"
    );
}

/// Whether `mean` is as near to `sum / count` as any float next to it.
fn is_nearest(mean: f64, sum: i128, count: i64) -> bool {
    // Floats of this size are integers times 2^-64 or coarser, so both sides are integers.
    let distance = |float: f64| {
        let scaled = i256::from_f64(float * 2f64.powi(64)).unwrap();
        let exact = i256::from_i128(sum).wrapping_mul(i256::from_i128(1 << 64));
        scaled.wrapping_mul(i256::from(count)).wrapping_sub(exact).wrapping_abs()
    };
    distance(mean) <= distance(mean.next_up()) && distance(mean) <= distance(mean.next_down())
}

#[test]
fn a_remainder_breaks_the_tie_between_two_floats() {
    let (halfway, divisor) = ((1u128 << 64) + (1 << 11), (1u64 << 63) - 1);
    let exact = halfway * u128::from(divisor);
    assert_eq!(divide(exact, divisor), 2f64.powi(64));
    assert_eq!(divide(exact + 1, divisor), 2f64.powi(64).next_up());
}

proptest! {
    /// Guards: the sum is divided before it is rounded, and rounded once.
    #[test]
    fn avg_of_integers_is_the_float_nearest_to_the_exact_quotient(
        values in prop::collection::vec(
            prop_oneof![any::<i64>(), (1i64 << 53)..(1 << 54), Just(i64::MAX), Just(i64::MIN)],
            1..30,
        )
    ) {
        let sum: i128 = values.iter().copied().map(i128::from).sum();
        let mean = over(Avg, longs(&values), DataType::Float64).unwrap();
        let mean = mean.as_primitive::<Float64Type>().value(0);
        prop_assert!(is_nearest(mean, sum, values.len() as i64), "{mean} is not {values:?} / n");
    }
}

#[test]
fn states_of_another_function_are_an_error_not_a_panic() {
    let long = [DataType::Int64];
    let distinct = AggregateExprBuilder::new(sum_udaf(), columns(1)).distinct();
    let distinct = Other(function(distinct, &long));
    for (function, result) in [
        (Sum, DataType::Int64),
        (Avg, DataType::Float64),
        (Max, DataType::Int64),
        (AggregateFunction::Count, DataType::Int64),
        (distinct, DataType::Int64),
    ] {
        let mut states = accumulator(function.clone(), &long, result).unwrap();
        let wrong: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        for columns in [vec![], vec![Arc::clone(&wrong)], vec![wrong; 3]] {
            let merged = states.merge(&vec![0; columns.len().min(1)], &columns, 1);
            assert!(matches!(merged, Err(EngineError::Internal(_))), "{function} took {columns:?}");
        }
    }
}

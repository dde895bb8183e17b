//! COUNT, SUM, AVG, also of distinct values, MIN and MAX against lists of the values each group was
//! given.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Decimal128Array, DictionaryArray, Int8Array, Int64Array, StringArray,
    new_empty_array,
};
use arrow::datatypes::{DataType, TimeUnit, i256};
use datafusion_common::ScalarValue;
use proptest::prelude::*;

use super::{Route, Rows, accumulator, apply, filter_column, route};
use crate::error::EngineError;
use crate::graph::AggregateFunction;

const DECIMAL: DataType = DataType::Decimal128(38, 2);
const FLOAT: DataType = DataType::Float64;

/// A function, its argument's type and its result's.
#[derive(Debug, Clone)]
struct Case {
    function: AggregateFunction,
    argument: DataType,
    result: DataType,
}

fn cases() -> Vec<Case> {
    use AggregateFunction::{Avg, Count, CountDistinct, CountRows, Max, Min, Sum};
    use DataType::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    let case = |function: &AggregateFunction, argument: &DataType, result: DataType| Case {
        function: function.clone(),
        argument: argument.clone(),
        result,
    };
    let mut cases = vec![
        case(&CountRows, &Int64, Int64),
        case(&Sum, &DECIMAL, DECIMAL),
        case(&Sum, &DataType::Decimal64(18, 2), DataType::Decimal64(18, 2)),
        case(&Sum, &FLOAT, FLOAT),
        case(&Sum, &DataType::Float32, FLOAT),
        case(&Avg, &DECIMAL, DataType::Decimal128(38, 6)),
        case(&Avg, &DataType::Decimal32(9, 1), DataType::Decimal32(9, 5)),
        case(&Avg, &FLOAT, FLOAT),
    ];
    for signed in [Int8, Int16, Int32, Int64] {
        cases.push(case(&Sum, &signed, Int64));
        cases.push(case(&Avg, &signed, FLOAT));
    }
    for unsigned in [UInt8, UInt16, UInt32, UInt64] {
        cases.push(case(&Sum, &unsigned, UInt64));
        cases.push(case(&Avg, &unsigned, FLOAT));
    }
    let timestamp = DataType::Timestamp(TimeUnit::Millisecond, Some("+02:00".into()));
    let text = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];
    let bytes = [DataType::Binary, DataType::LargeBinary, DataType::Boolean];
    let fixed = [Int8, UInt64, Int64, DECIMAL, FLOAT, DataType::Float32, timestamp];
    for any in fixed.iter().chain(&text).chain(&bytes) {
        cases.push(case(&Count, any, Int64));
        cases.push(case(&CountDistinct, any, Int64));
        cases.push(case(&Min, any, any.clone()));
        cases.push(case(&Max, any, any.clone()));
    }
    let distinct = cases.iter().filter_map(|case| {
        let function = match case.function {
            Sum => AggregateFunction::SumDistinct,
            Avg => AggregateFunction::AvgDistinct,
            _ => return None,
        };
        Some(Case { function, ..case.clone() })
    });
    let distinct: Vec<Case> = distinct.collect();
    cases.extend(distinct);
    cases
}

/// The value that `raw` stands for in a column type. Float sums of these are exact.
fn value(raw: i128, data_type: &DataType) -> ScalarValue {
    let long = raw.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    match data_type {
        DataType::Int8 => ScalarValue::Int8(Some(long.clamp(-128, 127) as i8)),
        DataType::Int16 => ScalarValue::Int16(Some(long.clamp(-32_768, 32_767) as i16)),
        DataType::Int32 => {
            ScalarValue::Int32(Some(long.clamp(i32::MIN.into(), i32::MAX.into()) as i32))
        }
        DataType::Int64 => ScalarValue::Int64(Some(long)),
        DataType::UInt8 => ScalarValue::UInt8(Some(raw.clamp(0, 255) as u8)),
        DataType::UInt16 => ScalarValue::UInt16(Some(raw.clamp(0, 65_535) as u16)),
        DataType::UInt32 => ScalarValue::UInt32(Some(raw.clamp(0, u32::MAX.into()) as u32)),
        DataType::UInt64 => ScalarValue::UInt64(Some(raw.clamp(0, u64::MAX.into()) as u64)),
        DataType::Float32 => ScalarValue::Float32(Some((raw % 1000) as f32 / 2.0)),
        DataType::Float64 => ScalarValue::Float64(Some((raw % 1000) as f64 / 2.0)),
        &DataType::Decimal32(p, s) => {
            ScalarValue::Decimal32(Some((raw % 999_999_999) as i32), p, s)
        }
        &DataType::Decimal64(p, s) => {
            ScalarValue::Decimal64(Some((raw % 999_999_999_999_999_999) as i64), p, s)
        }
        &DataType::Decimal128(p, s) => {
            ScalarValue::Decimal128(Some(raw % (10i128.pow(38) - 1)), p, s)
        }
        DataType::Timestamp(_, zone) => ScalarValue::TimestampMillisecond(Some(long), zone.clone()),
        DataType::Boolean => ScalarValue::Boolean(Some(raw % 2 == 0)),
        DataType::Utf8 => ScalarValue::Utf8(Some(raw.to_string())),
        DataType::LargeUtf8 => ScalarValue::LargeUtf8(Some(raw.to_string())),
        DataType::Utf8View => ScalarValue::Utf8View(Some(raw.to_string())),
        DataType::Binary => ScalarValue::Binary(Some(raw.to_string().into_bytes())),
        DataType::LargeBinary => ScalarValue::LargeBinary(Some(raw.to_string().into_bytes())),
        other => panic!("no values of type {other}"),
    }
}

fn column(rows: &[Row], data_type: &DataType) -> ArrayRef {
    let null = ScalarValue::try_from(data_type).unwrap();
    let values = rows.iter().map(|row| row.raw.map_or(null.clone(), |raw| value(raw, data_type)));
    if rows.is_empty() {
        new_empty_array(data_type)
    } else {
        ScalarValue::iter_to_array(values).unwrap()
    }
}

/// An integer or decimal without its scale.
fn unscaled(value: &ScalarValue) -> i256 {
    match value {
        ScalarValue::Decimal32(Some(v), ..) => i256::from(*v),
        ScalarValue::Decimal64(Some(v), ..) => i256::from(*v),
        ScalarValue::Decimal128(Some(v), ..) => i256::from_i128(*v),
        ScalarValue::UInt64(Some(v)) => i256::from_i128((*v).into()),
        other => match other.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(Some(v))) => i256::from(v),
            _ => panic!("{other:?} is not an integer"),
        },
    }
}

/// The answer over these values, computed from scratch; `None` where it does not fit its type.
fn answer(case: &Case, rows: usize, values: &[ScalarValue]) -> Option<ScalarValue> {
    use AggregateFunction::{Avg, AvgDistinct, CountDistinct, Sum, SumDistinct};
    if let CountDistinct | SumDistinct | AvgDistinct = case.function {
        let mut distinct: Vec<ScalarValue> = Vec::new();
        for value in values {
            if !distinct.contains(value) {
                distinct.push(value.clone());
            }
        }
        let function = match case.function {
            CountDistinct => AggregateFunction::Count,
            SumDistinct => Sum,
            _ => Avg,
        };
        return answer(&Case { function, ..case.clone() }, rows, &distinct);
    }
    let null = ScalarValue::try_from(&case.result).unwrap();
    let float = |v: &ScalarValue| match v.cast_to(&FLOAT) {
        Ok(ScalarValue::Float64(Some(v))) => v,
        other => panic!("not a float: {other:?}"),
    };
    match &case.function {
        AggregateFunction::CountRows => return Some(ScalarValue::Int64(Some(rows as i64))),
        AggregateFunction::Count => return Some(ScalarValue::Int64(Some(values.len() as i64))),
        _ if values.is_empty() => return Some(null),
        AggregateFunction::Min => return values.iter().min_by(|a, b| order(a, b)).cloned(),
        AggregateFunction::Max => return values.iter().max_by(|a, b| order(a, b)).cloned(),
        _ => {}
    }
    let average = matches!(case.function, AggregateFunction::Avg);
    let count = if average { values.len() as i64 } else { 1 };
    if case.argument.is_floating() {
        let sum: f64 = values.iter().map(float).sum();
        return Some(ScalarValue::Float64(Some(sum / count as f64)));
    }
    let sum = values.iter().map(unscaled).fold(i256::ZERO, i256::wrapping_add);
    if average && case.argument.is_integer() {
        let sum = sum.to_i128().unwrap();
        return Some(ScalarValue::Float64(Some(sum as f64 / count as f64)));
    }
    let scale = if average { i256::from(10_000) } else { i256::ONE };
    let result = sum.wrapping_mul(scale).wrapping_div(i256::from(count)).to_i128()?;
    let limit = |precision: u8| 10i128.pow(precision.into());
    let fits = |precision| (-limit(precision) < result && result < limit(precision)).then_some(());
    Some(match case.result {
        DataType::Int64 => ScalarValue::Int64(Some(result.try_into().ok()?)),
        DataType::UInt64 => ScalarValue::UInt64(Some(result.try_into().ok()?)),
        DataType::Decimal32(p, s) => {
            fits(p).map(|()| ScalarValue::Decimal32(Some(result as i32), p, s))?
        }
        DataType::Decimal64(p, s) => {
            fits(p).map(|()| ScalarValue::Decimal64(Some(result as i64), p, s))?
        }
        DataType::Decimal128(p, s) => {
            fits(p).map(|()| ScalarValue::Decimal128(Some(result), p, s))?
        }
        ref other => panic!("no answers of type {other}"),
    })
}

fn order(a: &ScalarValue, b: &ScalarValue) -> std::cmp::Ordering {
    a.partial_cmp(b).expect("values of one type compare")
}

#[derive(Debug, Clone)]
struct Row {
    group: u32,
    raw: Option<i128>,
    filter: Option<bool>,
}

#[derive(Debug, Clone)]
struct Step {
    /// All groups are forgotten before.
    cleared: bool,
    rows: Vec<Row>,
    filtered: bool,
    route: Route,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let extremes = prop::sample::select(vec![
        i64::MIN.into(),
        i64::MAX.into(),
        u64::MAX.into(),
        10i128.pow(38) - 2,
        2 - 10i128.pow(38),
        0,
        -1,
    ]);
    let small = || -1000i128..1000;
    let all = prop_oneof![2 => small(), 1 => any::<i64>().prop_map(i128::from), 1 => extremes];
    // Small values, whose sums always fit; any values; and no NULLs, the kernels' fast path.
    let rows = prop_oneof![
        rows(prop::option::weighted(0.8, small())),
        rows(prop::option::weighted(0.8, all.clone())),
        rows(all.prop_map(Some)),
    ];
    let step = (prop::bool::weighted(0.2), rows, any::<bool>(), route());
    prop::collection::vec(
        step.prop_map(|(cleared, rows, filtered, route)| Step { cleared, rows, filtered, route }),
        1..6,
    )
}

fn rows(raw: impl Strategy<Value = Option<i128>> + 'static) -> BoxedStrategy<Vec<Row>> {
    let filter = prop::option::weighted(0.8, any::<bool>());
    let row = (0u32..5, raw, filter);
    let row = row.prop_map(|(group, raw, filter)| Row { group, raw, filter });
    prop::collection::vec(row, 0..40).boxed()
}

/// The rows a group was given: how many, and their values that are not NULL.
#[derive(Default, Clone)]
struct Given {
    rows: usize,
    values: Vec<ScalarValue>,
}

fn agree(case: &Case, got: &ArrayRef, row: usize, given: &Given) {
    assert_eq!(got.data_type(), &case.result, "{case:?}");
    let got = ScalarValue::try_from_array(got, row).unwrap();
    let expected = answer(case, given.rows, &given.values).expect("the answer fits");
    match (&got, &expected) {
        (ScalarValue::Float64(Some(got)), ScalarValue::Float64(Some(expected))) => {
            assert!((got - expected).abs() <= expected.abs() * 1e-14, "{got} is not {expected}");
        }
        _ => assert_eq!(got, expected, "{case:?} of {:?}", given.values),
    }
}

fn check(case: &Case, steps: &[Step]) {
    let new = || {
        accumulator(
            case.function.clone(),
            std::slice::from_ref(&case.argument),
            case.result.clone(),
        )
        .unwrap()
    };
    let mut states = new();
    let mut model = vec![Given::default(); 5];
    let mut total = 0;
    for step in steps {
        if step.cleared {
            if !states.clear() {
                states = new();
            }
            model.fill(Given::default());
            total = 0;
        }
        total = step.rows.iter().map(|row| row.group as usize + 1).max().unwrap_or(0).max(total);
        let groups: Vec<u32> = step.rows.iter().map(|row| row.group).collect();
        let args = [column(&step.rows, &case.argument)];
        let filter = filter_column(step.rows.iter().map(|row| row.filter));
        let filter = step.filtered.then_some(&filter);
        let args =
            if matches!(case.function, AggregateFunction::CountRows) { &args[..0] } else { &args };
        let rows = Rows { groups: &groups, args, filter, total };
        let applied = apply(&mut states, &rows, step.route, new);
        let mut fits = true;
        for (i, row) in step.rows.iter().enumerate() {
            let given = &mut model[row.group as usize];
            if !step.filtered || row.filter == Some(true) {
                given.rows += 1;
                given.values.extend(row.raw.map(|raw| value(raw, &case.argument)));
            }
            fits &= answer(case, given.rows, &given.values).is_some();
            if let (true, Ok(Some(after))) = (fits, &applied) {
                agree(case, after, i, given);
            }
        }
        if matches!(step.route, Route::UpdateReading) && !fits {
            assert!(
                matches!(applied, Err(EngineError::Data { .. })),
                "{case:?} read a wrong value"
            );
            return;
        }
        applied.unwrap();
        for group in (0..model.len() as u32).chain(0..2) {
            let read = states.read(&[group]);
            let given = &model[group as usize];
            match answer(case, given.rows, &given.values) {
                Some(_) => agree(case, &read.unwrap(), 0, given),
                None => assert!(matches!(read, Err(EngineError::Data { .. })), "{case:?} wrapped"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Guards: NULLs, filters and unseen groups; the empty answer; exact sums and the error where
    /// they do not fit; that merging states is adding their rows; that reading changes nothing;
    /// that nothing is left of what was cleared.
    #[test]
    fn any_interleaving_of_update_merge_read_and_restore_answers_as_a_list_of_values_does(
        steps in steps()
    ) {
        for case in cases() {
            check(&case, &steps);
        }
    }
}

#[test]
fn count_of_two_arguments_counts_rows_where_neither_is_null() {
    let types = [DataType::Int64, DataType::Utf8];
    let mut count = accumulator(AggregateFunction::Count, &types, DataType::Int64).unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
    count.update(&[0, 0, 0], &[numbers, texts], None, 1).unwrap();
    assert_eq!(ScalarValue::try_from_array(&count.read(&[0]).unwrap(), 0).unwrap(), 1i64.into());
}

#[test]
fn count_sees_nulls_that_a_dictionary_keeps_among_its_values() {
    let values = StringArray::from(vec![Some("a"), None]);
    let packed = DictionaryArray::new(Int8Array::from(vec![0, 1, 1]), Arc::new(values));
    let types = [packed.data_type().clone()];
    let mut count = accumulator(AggregateFunction::Count, &types, DataType::Int64).unwrap();
    count.update(&[0, 0, 0], &[Arc::new(packed)], None, 1).unwrap();
    assert_eq!(ScalarValue::try_from_array(&count.read(&[0]).unwrap(), 0).unwrap(), 1i64.into());
}

#[test]
fn count_of_rows_counts_nulls_whatever_columns_it_is_shown() {
    let types = [DataType::Int64];
    let mut count = accumulator(AggregateFunction::CountRows, &types, DataType::Int64).unwrap();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    count.update(&[0, 0], &[column], None, 1).unwrap();
    assert_eq!(ScalarValue::try_from_array(&count.read(&[0]).unwrap(), 0).unwrap(), 2i64.into());
}

#[test]
fn merging_a_sum_over_nothing_adds_nothing_whatever_lies_under_its_null() {
    let types = [DataType::Int64];
    let mut sum = accumulator(AggregateFunction::Sum, &types, DataType::Int64).unwrap();
    let state = Decimal128Array::new(vec![5, 99].into(), Some(vec![true, false].into()));
    let state = state.with_precision_and_scale(38, 0).unwrap();
    sum.merge(&[0, 0], &[Arc::new(state)], 1).unwrap();
    assert_eq!(ScalarValue::try_from_array(&sum.read(&[0]).unwrap(), 0).unwrap(), 5i64.into());
}

/// One group is a case of its own: nothing is looked up for its rows.
#[test]
fn the_only_group_adds_up_all_rows_and_goes_on_when_there_are_more() {
    let types = [DataType::Int64];
    let read = |function, result| {
        let mut call = accumulator(function, &types, result).unwrap();
        let column = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        call.update(&[0, 0, 0], &[column(vec![i64::MAX, 5, -1])], None, 1).unwrap();
        call.update(&[0, 0], &[column(vec![-5, -i64::MAX])], None, 1).unwrap();
        call.update(&[], &[column(vec![])], None, 1).unwrap();
        call.update(&[1, 0], &[column(vec![7, 41])], None, 2).unwrap();
        let results = call.read(&[0, 1]).unwrap();
        [0, 1].map(|group| ScalarValue::try_from_array(&results, group).unwrap())
    };
    assert_eq!(read(AggregateFunction::Sum, DataType::Int64), [40i64.into(), 7i64.into()]);
    assert_eq!(read(AggregateFunction::Count, DataType::Int64), [6i64.into(), 1i64.into()]);
    let mean = ScalarValue::Float64(Some(40.0 / 6.0));
    assert_eq!(read(AggregateFunction::Avg, DataType::Float64), [mean, 7.0.into()]);
}

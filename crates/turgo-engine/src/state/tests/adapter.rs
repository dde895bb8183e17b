//! Functions behind the adapter against one DataFusion accumulator that sees all rows of a group at
//! once and is evaluated once.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::ScalarValue;
use datafusion_functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion_functions_aggregate::array_agg::array_agg_udaf;
use datafusion_functions_aggregate::bool_and_or::bool_and_udaf;
use datafusion_functions_aggregate::count::count_udaf;
use datafusion_functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion_functions_aggregate::median::median_udaf;
use datafusion_functions_aggregate::stddev::stddev_udaf;
use datafusion_functions_aggregate::string_agg::string_agg_udaf;
use datafusion_functions_aggregate::sum::sum_udaf;
use datafusion_physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion_physical_expr::expressions::{Column, Literal};
use datafusion_physical_expr::{PhysicalExpr, PhysicalSortExpr};
use proptest::prelude::*;

use super::{Route, Rows, accumulator, apply, filter_column, route};
use crate::graph::AggregateFunction;
use crate::state::Accumulate;

/// References to the first columns of the input.
pub(super) fn columns(count: usize) -> Vec<Arc<dyn PhysicalExpr>> {
    (0..count).map(|i| Arc::new(Column::new(&format!("c{i}"), i)) as _).collect()
}

/// The function, over an input of these types.
pub(super) fn function(
    builder: AggregateExprBuilder,
    types: &[DataType],
) -> Arc<AggregateFunctionExpr> {
    let fields = types.iter().enumerate();
    let fields: Vec<Field> =
        fields.map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true)).collect();
    Arc::new(builder.schema(Arc::new(Schema::new(fields))).alias("f").build().unwrap())
}

/// Every function here, and the types of the columns it reads.
fn functions() -> Vec<(Arc<AggregateFunctionExpr>, Vec<DataType>)> {
    use DataType::{Boolean, Float64, Int64, Utf8};
    let one = columns(1);
    let comma: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(ScalarValue::from(",")));
    let by_second = PhysicalSortExpr::new(Arc::new(Column::new("c1", 1)), SortOptions::default());
    let ordered = |builder: AggregateExprBuilder| builder.order_by(vec![by_second.clone()]);
    let builders = [
        (AggregateExprBuilder::new(median_udaf(), one.clone()), vec![Int64]),
        (AggregateExprBuilder::new(stddev_udaf(), one.clone()), vec![Float64]),
        (
            AggregateExprBuilder::new(string_agg_udaf(), vec![Arc::clone(&one[0]), comma]),
            vec![Utf8, Utf8],
        ),
        (AggregateExprBuilder::new(array_agg_udaf(), one.clone()), vec![Int64]),
        (ordered(AggregateExprBuilder::new(array_agg_udaf(), one.clone())), vec![Int64, Int64]),
        (AggregateExprBuilder::new(approx_distinct_udaf(), one.clone()), vec![Utf8]),
        (AggregateExprBuilder::new(count_udaf(), one.clone()).distinct(), vec![Int64]),
        (AggregateExprBuilder::new(count_udaf(), one.clone()).distinct(), vec![Utf8]),
        (AggregateExprBuilder::new(sum_udaf(), one.clone()).distinct(), vec![Int64]),
        (AggregateExprBuilder::new(bool_and_udaf(), one.clone()), vec![Boolean]),
        (AggregateExprBuilder::new(first_value_udaf(), one.clone()), vec![Int64]),
        (AggregateExprBuilder::new(last_value_udaf(), one), vec![Utf8]),
    ];
    builders.into_iter().map(|(builder, types)| (function(builder, &types), types)).collect()
}

#[derive(Debug, Clone)]
struct Row {
    group: u32,
    value: Option<i64>,
    filter: Option<bool>,
}

#[derive(Debug, Clone)]
struct Step {
    rows: Vec<Row>,
    filtered: bool,
    route: Route,
}

/// Argument columns: the value; where there is a second, a rank to order by or a separator. Ranks
/// are distinct, so that the order is.
fn args(rows: &[(Option<i64>, i64)], types: &[DataType]) -> Vec<ArrayRef> {
    let values: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
    let values = match types[0] {
        DataType::Boolean => {
            Arc::new(rows.iter().map(|row| row.0.map(|v| v % 7 != 0)).collect::<BooleanArray>())
        }
        ref other => cast(&values, other).unwrap(),
    };
    let second = types.get(1).map(|second| match second {
        DataType::Utf8 => Arc::new(StringArray::from(vec![","; rows.len()])) as ArrayRef,
        _ => Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
    });
    std::iter::once(values).chain(second).collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop::option::weighted(0.8, -30i64..30);
    let row = (0u32..4, value, prop::option::weighted(0.8, any::<bool>()));
    let row = row.prop_map(|(group, value, filter)| Row { group, value, filter });
    let step = (prop::collection::vec(row, 0..20), any::<bool>(), route())
        .prop_map(|(rows, filtered, route)| Step { rows, filtered, route });
    prop::collection::vec(step, 1..6)
}

/// All rows of one group in one accumulator, evaluated once.
fn answer(
    function: &AggregateFunctionExpr,
    types: &[DataType],
    rows: &[(Option<i64>, i64)],
) -> ScalarValue {
    let mut accumulator = function.create_accumulator().unwrap();
    if !rows.is_empty() {
        accumulator.update_batch(&args(rows, types)).unwrap();
    }
    accumulator.evaluate().unwrap()
}

fn agree(got: &ArrayRef, row: usize, expected: &ScalarValue, name: &str) {
    let got = ScalarValue::try_from_array(got, row).unwrap();
    match (&got, expected) {
        (ScalarValue::Float64(Some(got)), ScalarValue::Float64(Some(expected))) => {
            assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{got}, {expected}");
        }
        _ => assert_eq!(&got, expected, "{name}"),
    }
}

fn check(function: &Arc<AggregateFunctionExpr>, types: &[DataType], steps: &[Step]) {
    let result = function.field().data_type().clone();
    let new = || -> Box<dyn Accumulate> {
        accumulator(AggregateFunction::Other(Arc::clone(function)), types, result.clone()).unwrap()
    };
    let name = function.fun().name();
    let mut states = new();
    let mut model: Vec<Vec<(Option<i64>, i64)>> = vec![Vec::new(); 4];
    let mut rank = 0;
    let mut total = 0;
    for step in steps {
        total = step.rows.iter().map(|row| row.group as usize + 1).max().unwrap_or(0).max(total);
        let groups: Vec<u32> = step.rows.iter().map(|row| row.group).collect();
        let ranked = step.rows.iter().map(|row| {
            rank += 17;
            (row.value, rank % 1009)
        });
        let ranked: Vec<(Option<i64>, i64)> = ranked.collect();
        let args = args(&ranked, types);
        let filter = filter_column(step.rows.iter().map(|row| row.filter));
        let filter = step.filtered.then_some(&filter);
        let rows = Rows { groups: &groups, args: &args, filter, total };
        let after = apply(&mut states, &rows, step.route, new).unwrap();
        for (i, row) in step.rows.iter().enumerate() {
            let given = &mut model[row.group as usize];
            if !step.filtered || row.filter == Some(true) {
                given.push(ranked[i]);
            }
            if let Some(after) = &after {
                agree(after, i, &answer(function, types, given), name);
            }
        }
        let all = [0, 1, 2, 3];
        let (once, again) = (states.read(&all).unwrap(), states.read(&all).unwrap());
        assert_eq!(&once, &again, "{name} changed when it was read");
        assert_eq!(once.data_type(), &result);
        for (group, given) in model.iter().enumerate() {
            agree(&once, group, &answer(function, types, given), name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Guards A1 and A2: reading and freezing never consume, and rows keep their order.
    #[test]
    fn any_interleaving_answers_as_one_accumulator_over_all_rows_does(steps in steps()) {
        for (function, types) in functions() {
            check(&function, &types, &steps);
        }
    }
}

#[test]
fn memory_is_accounted_as_groups_grow() {
    let count = AggregateExprBuilder::new(count_udaf(), columns(1)).distinct();
    let function = AggregateFunction::Other(function(count, &[DataType::Int64]));
    let mut states = accumulator(function, &[DataType::Int64], DataType::Int64).unwrap();
    assert_eq!(states.bytes(), 0);
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    states.update(&vec![0; 100_000], &[values], None, 1).unwrap();
    assert!(states.bytes() > 100_000 * size_of::<i64>());
}

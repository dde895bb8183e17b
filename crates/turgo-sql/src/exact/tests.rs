//! DataFusion's own plan wraps, ours does not.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int16Array, Int64Array, RecordBatch};
use datafusion_common::{DFSchema, DataFusionError};
use datafusion_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion_optimizer::analyzer::Analyzer;
use datafusion_physical_expr::create_physical_expr;

use crate::optimize;

fn rows() -> RecordBatch {
    let decimal = Decimal128Array::from(vec![99_999_999_999_999_999_999_999_999_999_999_999_999])
        .with_precision_and_scale(38, 0)
        .unwrap();
    RecordBatch::try_from_iter([
        ("big", Arc::new(Int64Array::from(vec![i64::MAX])) as ArrayRef),
        ("low", Arc::new(Int64Array::from(vec![i64::MIN]))),
        ("one", Arc::new(Int64Array::from(vec![1]))),
        ("zero", Arc::new(Int64Array::from(vec![0]))),
        ("small", Arc::new(Int16Array::from(vec![i16::MAX]))),
        ("digits", Arc::new(decimal)),
        ("none", Arc::new(Int64Array::from(vec![None::<i64>]))),
    ])
    .unwrap()
}

fn plan(expr: Expr) -> LogicalPlan {
    let schema = Arc::new(DFSchema::try_from(rows().schema()).unwrap());
    let input = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: true, schema });
    LogicalPlanBuilder::from(input).project([expr]).unwrap().build().unwrap()
}

fn compute(plan: &LogicalPlan) -> Result<ArrayRef, DataFusionError> {
    let schema = plan.inputs()[0].schema();
    let expr = create_physical_expr(
        &plan.expressions()[0],
        schema,
        &Default::default(),
        &Default::default(),
    )?;
    expr.evaluate(&rows())?.into_array(1)
}

fn theirs(expr: Expr) -> Result<ArrayRef, DataFusionError> {
    let options = optimize::options();
    compute(&Analyzer::new().execute_and_check(plan(expr), &options, |_, _| {})?)
}

fn ours(expr: Expr) -> Result<ArrayRef, DataFusionError> {
    compute(&optimize::analyze(plan(expr))?)
}

fn message(error: &DataFusionError) -> String {
    error.message().into_owned()
}

#[test]
fn integer_arithmetic_that_wraps_in_datafusion_is_an_error_here() {
    for (expr, said) in [
        (col("big") + col("one"), "`big + one`: 9223372036854775807 + 1"),
        (col("low") - col("one"), "`low - one`: -9223372036854775808 - 1"),
        (col("big") * lit(2_i64), "`big * 2`: 9223372036854775807 * 2"),
        ((col("one") + col("big")) - col("one"), "`one + big`: 1 + 9223372036854775807"),
        (col("small") + col("small"), "`small + small`: 32767 + 32767"),
    ] {
        assert!(theirs(expr.clone()).is_ok(), "DataFusion has stopped wrapping {expr}");
        let error = ours(expr).unwrap_err();
        assert_eq!(message(&error), format!("integer overflow in {said}"));
    }
}

#[test]
fn division_by_zero_names_the_expression() {
    let error = ours(col("one") / col("zero")).unwrap_err();
    assert_eq!(message(&error), "division by zero in `one / zero`: 1 / 0");
    let error = ours(col("one") % col("zero")).unwrap_err();
    assert_eq!(message(&error), "division by zero in `one % zero`: 1 % 0");
}

#[test]
fn negating_the_smallest_integer_is_an_error() {
    let error = ours(Expr::Negative(Box::new(col("low")))).unwrap_err();
    assert_eq!(message(&error), "integer overflow in `-low`: -(-9223372036854775808)");
}

#[test]
fn a_decimal_that_outgrows_its_digits_is_an_error() {
    let error = ours(col("digits") + col("digits")).unwrap_err();
    assert!(message(&error).starts_with("decimal overflow in `digits + digits`"), "{error}");
}

#[test]
fn null_operands_give_null_and_no_error() {
    let result = ours(col("big") + col("none")).unwrap();
    assert_eq!(result.null_count(), 1);
}

#[test]
fn names_and_types_of_columns_stay() {
    for expr in [
        col("big") + lit(1_i64) * col("one"),
        Expr::Negative(Box::new(col("big"))),
        col("digits") * col("digits"),
        col("small") % col("one"),
    ] {
        let options = optimize::options();
        let theirs =
            Analyzer::new().execute_and_check(plan(expr.clone()), &options, |_, _| {}).unwrap();
        let ours = optimize::analyze(plan(expr)).unwrap();
        let shape = |plan: &LogicalPlan| {
            let field = plan.schema().field(0);
            (field.name().clone(), field.data_type().clone(), field.is_nullable())
        };
        assert_eq!(shape(&theirs), shape(&ours));
        let optimized = optimize::optimize(ours.clone()).unwrap();
        assert_eq!(shape(&ours), shape(&optimized));
    }
}

#[test]
fn a_constant_that_overflows_is_an_error_of_the_plan_unless_it_is_guarded() {
    let overflow = || lit(i64::MAX) + lit(1_i64);
    let error = optimize::optimize(plan(overflow())).unwrap_err();
    assert_eq!(
        message(error.find_root()),
        "integer overflow in `9223372036854775807 + 1`: 9223372036854775807 + 1"
    );
    let guarded =
        datafusion_expr::when(col("one").eq(lit(2_i64)), overflow()).otherwise(lit(0_i64)).unwrap();
    let guarded = optimize::optimize(plan(guarded)).unwrap();
    assert_eq!(compute(&guarded).unwrap().len(), 1);
}

//! Conditions guard what stands behind them: in `v <> 0 AND 10 / v > 1` no row with `v = 0` divides.
//!
//! DataFusion computes both sides of AND and OR for all rows of a batch, and makes AND and OR of a
//! CASE whose values are Booleans. So [`guard`] makes the right side of an AND or OR that can fail the
//! branch of a CASE, which is computed for the rows that reach it and no others.
//!
//! - G1. A condition that cannot fail may be asked at any time, so those come first: [`safe_first`]
//!   sees to it before optimisation, which must not compute anything ahead of them, and [`guard`]
//!   again behind it, when the conditions of inner queries have come together with those of outer
//!   ones. The optimiser leaves the inner ones in front.
//! - G2. A condition that can fail is asked of no row that an earlier one has left out, whatever the
//!   size of batches; [`steps`] tells the lowering where one filter ends and the next begins.

use arrow::datatypes::DataType;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::{AggregateFunction, Case};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::utils::{
    conjunction, merge_schema, split_conjunction, split_conjunction_owned,
};
use datafusion_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, Filter, LogicalPlan, Operator, TryCast,
};

use crate::plan::widens;

/// Puts the conditions of each filter that cannot fail in front of the others.
///
/// # Errors
/// DataFusion's, when a type cannot be worked out; not expected after type coercion.
pub(crate) fn safe_first(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up(sorted)?.data)
}

fn sorted(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Filter(filter) = node else { return Ok(Transformed::no(node)) };
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for condition in split_conjunction_owned(filter.predicate) {
        match can_fail(&condition, filter.input.schema())? {
            false => first.push(condition),
            true => last.push(condition),
        }
    }
    first.append(&mut last);
    let predicate = conjunction(first).unwrap_or_else(|| truth(Some(true)));
    Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)))
}

/// Guards what can fail.
///
/// # Errors
/// As [`safe_first`].
pub(crate) fn guard(plan: LogicalPlan) -> Result<LogicalPlan> {
    let guarded = plan.transform_up(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let node = sorted(node)?.data;
        let filters = matches!(node, LogicalPlan::Filter(_));
        let guarded = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = if filters {
                let conditions = split_conjunction_owned(expr).into_iter();
                let guarded = conditions.map(|condition| guarded(condition, &schema));
                conjunction(guarded.collect::<Result<Vec<_>>>()?)
                    .unwrap_or_else(|| truth(Some(true)))
            } else {
                guarded(expr, &schema)?
            };
            Ok(Transformed::yes(name.restore(expr)))
        })?;
        guarded.map_data(|node| node.recompute_schema())
    });
    Ok(guarded?.data)
}

/// The conditions of a filter, in the order they are to be asked: all of one step at once, each step
/// only of the rows that are left (G2).
///
/// # Errors
/// As [`safe_first`].
pub(crate) fn steps(predicate: &Expr, schema: &DFSchema) -> Result<Vec<Expr>> {
    let mut steps: Vec<Vec<Expr>> = Vec::new();
    for condition in split_conjunction(predicate) {
        match steps.last_mut() {
            Some(step) if !can_fail(condition, schema)? => step.push(condition.clone()),
            _ => steps.push(vec![condition.clone()]),
        }
    }
    Ok(steps.into_iter().filter_map(conjunction).collect())
}

/// `expr` with a CASE in place of every AND and OR whose right side can fail, and around every
/// argument of an aggregate that can fail for rows which its FILTER leaves out.
fn guarded(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let guarded = expr.transform_up(|expr| match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right })
            if can_fail(&right, schema)? && is_small(&right)? =>
        {
            Ok(Transformed::yes(lazily(*left, op, *right)))
        }
        Expr::AggregateFunction(call) if call.params.filter.is_some() => {
            Ok(Transformed::yes(Expr::AggregateFunction(filtered(call, schema)?)))
        }
        other => Ok(Transformed::no(other)),
    });
    Ok(guarded?.data)
}

/// The largest right side that is guarded. It stands twice in its CASE, so what is nested in right
/// sides doubles at each level; beyond this it is computed for all rows.
const NODES_MAX: usize = 1_000;

fn is_small(expr: &Expr) -> Result<bool> {
    let mut nodes = 0;
    expr.apply(|_| {
        nodes += 1;
        Ok(match nodes > NODES_MAX {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(nodes <= NODES_MAX)
}

/// AND and OR in three-valued logic, with the right side computed only where the left leaves it open.
fn lazily(left: Expr, op: Operator, right: Expr) -> Expr {
    let decided = op == Operator::Or;
    let when = |value: bool, then: Expr| (Box::new(truth(Some(value))), Box::new(then));
    let unknown =
        Expr::BinaryExpr(BinaryExpr::new(Box::new(right.clone()), op, Box::new(truth(None))));
    Expr::Case(Case::new(
        Some(Box::new(left)),
        vec![when(decided, truth(Some(decided))), when(!decided, right)],
        Some(Box::new(unknown)),
    ))
}

fn filtered(mut call: AggregateFunction, schema: &DFSchema) -> Result<AggregateFunction> {
    if let Some(filter) = &call.params.filter {
        for arg in &mut call.params.args {
            if can_fail(arg, schema)? {
                let when = (filter.clone(), Box::new(arg.clone()));
                *arg = Expr::Case(Case::new(None, vec![when], None));
            }
        }
    }
    Ok(call)
}

fn truth(value: Option<bool>) -> Expr {
    Expr::Literal(ScalarValue::Boolean(value), None)
}

/// Whether computing `expr` can be an error for some row.
///
/// # Errors
/// As [`safe_first`].
pub(crate) fn can_fail(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    let fails = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Plus
            | Operator::Minus
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo => !(floats(left, schema)? && floats(right, schema)?),
            Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch => right.as_literal().is_none(),
            _ => false,
        },
        // Constants are folded only behind the marking.
        Expr::Cast(Cast { expr, field }) => match expr.as_literal() {
            Some(constant) => constant.cast_to(field.data_type()).is_err(),
            None => !widens(&expr.get_type(schema)?, field.data_type()),
        },
        Expr::ScalarFunction(call) => !SAFE.contains(&call.func.name()),
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::Literal(..)
        | Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::Like(_)
        | Expr::SimilarTo(_)
        | Expr::Case(_)
        | Expr::TryCast(TryCast { .. })
        | Expr::AggregateFunction(_) => false,
        _ => true,
    };
    if fails {
        return Ok(true);
    }
    let mut inside = false;
    expr.apply_children(|child| {
        inside |= can_fail(child, schema)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(inside)
}

/// Functions that have a value for every argument of their type.
const SAFE: [&str; 12] = [
    "coalesce",
    "nullif",
    "nvl",
    "get_field",
    "upper",
    "lower",
    "btrim",
    "character_length",
    "octet_length",
    "starts_with",
    "ends_with",
    "isnan",
];

fn floats(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(matches!(expr.get_type(schema)?, DataType::Float32 | DataType::Float64))
}

#[cfg(test)]
mod tests {
    use datafusion_expr::{col, lit};

    use super::*;

    #[test]
    fn nested_conditions_do_not_grow_without_bound() {
        let fields = vec![arrow::datatypes::Field::new("v", DataType::Int64, true)];
        let schema = DFSchema::from_unqualified_fields(fields.into(), Default::default()).unwrap();
        let fails = || (lit(10_i64) / col("v")).gt(lit(1_i64));
        let mut nested = fails();
        for level in 0..45 {
            let left = col("v").not_eq(lit(i64::from(level)));
            nested = if level % 2 == 0 { left.and(nested) } else { left.or(nested) };
        }
        let guarded = guarded(nested, &schema).unwrap();
        let mut nodes = 0;
        guarded
            .apply(|_| {
                nodes += 1;
                Ok(TreeNodeRecursion::Continue)
            })
            .unwrap();
        assert!((1_000..10_000).contains(&nodes), "{nodes}");
    }
}

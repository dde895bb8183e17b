//! Exact arithmetic: no integer or decimal result is ever wrapped.
//!
//! DataFusion's `+ - *` on integers and decimals wrap, at run time and when constants are folded.
//! After type coercion and before optimisation, [`rewrite`] replaces them, and `/ %` and unary
//! minus, by calls of [`Checked`], so that everything later, folding included, is checked.
//!
//! - X1. Names and types of columns do not change by the rewriting.
//! - X2. A constant that cannot be computed is an error of the plan, unless a CASE, COALESCE, AND
//!   or OR may skip it; then it is an error of the row that reaches it.
//!
//! What else was looked at in DataFusion's functions (`exact.slt` holds them to it): `abs`,
//! `factorial`, `gcd`, `lcm`, `CAST` and `round` of decimals check for overflow, `median` of
//! decimals halves before it adds, `power` computes in floating point. SUM and AVG wrap, and so do
//! those of distinct values; the engine has its own.

mod checked;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::{Cast, ScalarFunction};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::utils::merge_schema;
use datafusion_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF};
use datafusion_physical_expr::expressions::{BinaryExpr as BinaryPhysicalExpr, NegativeExpr};
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use self::checked::{Checked, Operation};

/// Replaces inexact arithmetic in all expressions of `plan`.
///
/// # Errors
/// DataFusion's, when a type cannot be worked out; not expected after type coercion.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_up(|expr| rewrite_one(expr, &schema))?;
            Ok(expr.update_data(|expr| name.restore(expr)))
        })?;
        node.map_data(|node| node.recompute_schema())
    })?;
    Ok(rewritten.data)
}

fn rewrite_one(expr: Expr, schema: &datafusion_common::DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let exact = match Operation::of(op) {
                Some(operation) if exact_type(&left, schema)? && exact_type(&right, schema)? => {
                    operation
                }
                _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            };
            let text = format!("{} {op} {}", operand(&left), operand(&right));
            Ok(Transformed::yes(call(Checked::new(exact, text), vec![*left, *right])))
        }
        Expr::Negative(inner) if exact_type(&inner, schema)? => {
            let text = format!("-{}", operand(&inner));
            Ok(Transformed::yes(call(Checked::new(Operation::Negate, text), vec![*inner])))
        }
        Expr::AggregateFunction(mut call) => {
            let changed = call.func.name() == "avg" && integers(&mut call.params.args, schema)?;
            let expr = Expr::AggregateFunction(call);
            Ok(Transformed::new(expr, changed, TreeNodeRecursion::Continue))
        }
        Expr::WindowFunction(mut call) => {
            let changed = call.fun.name() == "avg" && integers(&mut call.params.args, schema)?;
            let expr = Expr::WindowFunction(call);
            Ok(Transformed::new(expr, changed, TreeNodeRecursion::Continue))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Type coercion makes `AVG(integer)` an average of floating-point numbers. The engine divides the
/// exact sum once, so it gets the integers. Says whether there were any.
fn integers(args: &mut [Expr], schema: &datafusion_common::DFSchema) -> Result<bool> {
    let mut changed = false;
    for arg in args {
        if let Expr::Cast(Cast { expr, .. }) = arg
            && expr.get_type(schema)?.is_integer()
        {
            *arg = (**expr).clone();
            changed = true;
        }
    }
    Ok(changed)
}

fn exact_type(expr: &Expr, schema: &datafusion_common::DFSchema) -> Result<bool> {
    let data_type = expr.get_type(schema)?;
    Ok(data_type.is_integer() || data_type.is_decimal())
}

fn call(function: Checked, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(ScalarUDF::new_from_impl(function).into(), args))
}

/// An operand as the user would write it: no qualifiers, types or casts that type coercion added.
fn operand(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => column.name.clone(),
        Expr::Cast(Cast { expr, .. }) => operand(expr),
        Expr::ScalarFunction(inner) => match checked(inner) {
            Some(checked) => format!("({})", checked.text()),
            None => expr.human_display().to_string(),
        },
        _ => expr.human_display().to_string(),
    }
}

fn checked(function: &ScalarFunction) -> Option<&Checked> {
    function.func.inner().downcast_ref::<Checked>()
}

/// `expr` with the operators that [`rewrite`] replaced, for people to read.
pub(crate) fn as_written(expr: Expr) -> Result<Expr> {
    let written = expr.transform_up(|expr| {
        let Expr::ScalarFunction(call) = expr else { return Ok(Transformed::no(expr)) };
        let Some(operator) = checked(&call).map(Checked::operator) else {
            return Ok(Transformed::no(Expr::ScalarFunction(call)));
        };
        let mut args = call.args.into_iter();
        Ok(match (args.next(), args.next()) {
            (Some(left), Some(right)) => {
                Transformed::yes(datafusion_expr::binary_expr(left, operator, right))
            }
            (operand, _) => Transformed::yes(Expr::Negative(Box::new(operand.unwrap_or_default()))),
        })
    });
    Ok(written?.data)
}

/// [`as_written`] for an expression that runs.
pub(crate) fn operators_of(expr: &Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let written = Arc::clone(expr).transform_up(|expr| {
        let call = expr.downcast_ref::<ScalarFunctionExpr>();
        let operator = call.and_then(|call| call.fun().inner().downcast_ref::<Checked>());
        let Some(operator) = operator.map(Checked::operator) else {
            return Ok(Transformed::no(expr));
        };
        let operands: Vec<_> = expr.children().into_iter().map(Arc::clone).collect();
        Ok(match operands.as_slice() {
            [left, right] => Transformed::yes(Arc::new(BinaryPhysicalExpr::new(
                Arc::clone(left),
                operator,
                Arc::clone(right),
            ))),
            [operand] => Transformed::yes(Arc::new(NegativeExpr::new(Arc::clone(operand)))),
            _ => Transformed::no(expr),
        })
    });
    Ok(written?.data)
}

/// The first constant of `plan` that cannot be computed (X2), as the error of computing it.
///
/// # Errors
/// That one.
pub(crate) fn check_constants(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| match expr {
                Expr::Case(_)
                | Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }) => {
                    Ok(TreeNodeRecursion::Jump)
                }
                Expr::ScalarFunction(function) if function.func.short_circuits() => {
                    Ok(TreeNodeRecursion::Jump)
                }
                Expr::ScalarFunction(function) => {
                    if let Some(checked) = checked(function) {
                        checked.check_constant(&function.args)?;
                    }
                    Ok(TreeNodeRecursion::Continue)
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(())
}

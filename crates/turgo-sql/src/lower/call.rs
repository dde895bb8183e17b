//! Calls of aggregate functions: the engine's own kernels where it has them, DataFusion's
//! accumulators for the rest.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Column, DFSchema};
use datafusion_expr::expr::{AggregateFunction as LogicalCall, NullTreatment};
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::aggregate::AggregateExprBuilder;
use datafusion_physical_expr::expressions::{Column as ColumnExpr, Literal};
use turgo_engine::graph::{AggregateCall, AggregateFunction};

use super::rows::{Picked, Rows, field, plain_type};
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};
use crate::exact::as_written;

/// Functions whose result depends on the order of their rows: their states cannot be merged.
const ORDER_SENSITIVE: [&str; 5] =
    ["first_value", "last_value", "nth_value", "array_agg", "string_agg"];

/// Whether rows have to reach the function in their order.
pub(super) fn order_sensitive(function: &AggregateFunction) -> bool {
    match function {
        AggregateFunction::Other(function) => ORDER_SENSITIVE.contains(&function.fun().name()),
        _ => false,
    }
}

/// The calls of one aggregate, while its input columns are still being collected.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    kind: Kind,
    args: Vec<usize>,
    filter: Option<usize>,
    field: FieldRef,
}

#[derive(Debug)]
enum Kind {
    Native(AggregateFunction),
    Other {
        function: Arc<AggregateUDF>,
        /// The arguments that are constants, which functions may want to see.
        constants: Vec<Option<Literal>>,
        distinct: bool,
        ignore_nulls: bool,
    },
}

impl Calls {
    /// Adds a call, and its arguments to the aggregate's input.
    pub(super) fn add(
        &mut self,
        expr: &Expr,
        result: &Field,
        schema: &DFSchema,
        rows: &Rows,
        input: &mut Picked,
    ) -> Result<()> {
        let Expr::AggregateFunction(call) = expr.clone().unalias() else {
            return Err(SqlError::new(format!("`{}` is no aggregate", expr.human_display())));
        };
        if !call.params.order_by.is_empty() {
            return Err(SqlError::new(format!(
                "{}(...) with ORDER BY is not there yet",
                call.func.name()
            )));
        }
        let args = arguments(&call, schema, rows)?;
        let filter = match &call.params.filter {
            Some(filter) => {
                let expr = rows.expr(filter, schema)?;
                Some(input.add(expr, field("filter", &DataType::Boolean)))
            }
            None => None,
        };
        let result = field(&readable(expr), result.data_type());
        let types: Vec<&DataType> = args.iter().map(|(_, field)| field.data_type()).collect();
        let kind = match native(&call, &types) {
            Some(function) => Kind::Native(function),
            None => Kind::Other {
                constants: args
                    .iter()
                    .map(|(expr, _)| expr.downcast_ref::<Literal>().cloned())
                    .collect(),
                distinct: call.params.distinct,
                ignore_nulls: call.params.null_treatment == Some(NullTreatment::IgnoreNulls),
                function: call.func,
            },
        };
        let args = match kind {
            Kind::Native(AggregateFunction::CountRows) => vec![],
            _ => args.into_iter().map(|(expr, field)| input.add(expr, field)).collect(),
        };
        self.0.push(Call { kind, args, filter, field: result });
        Ok(())
    }

    /// The calls over the input as collected.
    pub(super) fn finish(self, input: &SchemaRef) -> Result<Vec<AggregateCall>> {
        let mut calls = Vec::with_capacity(self.0.len());
        for call in self.0 {
            let function = match call.kind {
                Kind::Native(function) => function,
                Kind::Other { function, constants, distinct, ignore_nulls } => {
                    let arg = |(at, constant): (&usize, Option<Literal>)| match constant {
                        Some(constant) => Arc::new(constant) as Arc<dyn PhysicalExpr>,
                        None => Arc::new(ColumnExpr::new(input.field(*at).name(), *at)),
                    };
                    let args = call.args.iter().zip(constants).map(arg).collect();
                    let built = AggregateExprBuilder::new(function, args)
                        .schema(Arc::clone(input))
                        .alias(call.field.name())
                        .with_distinct(distinct)
                        .with_ignore_nulls(ignore_nulls)
                        .build()
                        .map_err(|error| diagnose(&error, "", None))?;
                    AggregateFunction::Other(Arc::new(built))
                }
            };
            let (args, filter, field) = (call.args, call.filter, call.field);
            calls.push(AggregateCall { function, args, filter, field });
        }
        Ok(calls)
    }
}

type Argument = (Arc<dyn PhysicalExpr>, FieldRef);

/// The arguments of a call, computed from the rows.
fn arguments(call: &LogicalCall, schema: &DFSchema, rows: &Rows) -> Result<Vec<Argument>> {
    use datafusion_expr::ExprSchemable;
    call.params
        .args
        .iter()
        .map(|arg| {
            let data_type = arg.get_type(schema).map_err(|error| diagnose(&error, "", None))?;
            let column = plain_type(rows.expr(arg, schema)?, field(&readable(arg), &data_type));
            Ok((column.expr, column.field))
        })
        .collect()
}

/// An expression for people: `sum(price)`, not `sum(bid.price)`; `count(*)`, not `count(Int64(1))`.
pub(super) fn readable(expr: &Expr) -> String {
    let unqualified = expr.clone().transform(|expr| {
        Ok(match expr {
            Expr::Column(column) => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            other => Transformed::no(other),
        })
    });
    let written = unqualified.and_then(|expr| as_written(expr.data));
    let text = written.map_or_else(|_| String::new(), |expr| expr.human_display().to_string());
    text.replace("count(1)", "count(*)")
}

/// The engine's own kernel for a call, if it has one.
fn native(call: &LogicalCall, types: &[&DataType]) -> Option<AggregateFunction> {
    let (name, distinct) = (call.func.name(), call.params.distinct);
    if name == "count" {
        return match call.params.args.as_slice() {
            [_] if distinct => Some(AggregateFunction::CountDistinct),
            _ if distinct => None,
            [] => Some(AggregateFunction::CountRows),
            [Expr::Literal(value, _)] if !value.is_null() => Some(AggregateFunction::CountRows),
            [_] => Some(AggregateFunction::Count),
            _ => None,
        };
    }
    let [data_type] = types else { return None };
    match name {
        // MIN and MAX do not care about DISTINCT.
        "min" if ordered(data_type) => Some(AggregateFunction::Min),
        "max" if ordered(data_type) => Some(AggregateFunction::Max),
        "sum" | "avg" if !numeric(data_type) => None,
        "sum" if distinct => Some(AggregateFunction::SumDistinct),
        "sum" => Some(AggregateFunction::Sum),
        "avg" if distinct => Some(AggregateFunction::AvgDistinct),
        "avg" => Some(AggregateFunction::Avg),
        _ => None,
    }
}

fn numeric(data_type: &DataType) -> bool {
    use DataType::{Decimal128, Decimal256, Float32, Float64};
    data_type.is_integer()
        || matches!(data_type, Float32 | Float64 | Decimal128(..) | Decimal256(..))
}

fn ordered(data_type: &DataType) -> bool {
    use DataType::{Boolean, Date32, Timestamp, Utf8};
    numeric(data_type) || matches!(data_type, Boolean | Date32 | Timestamp(..) | Utf8)
}

//! Calls of aggregate functions: the engine's own kernels where it has them, DataFusion's
//! accumulators for the rest.

use std::sync::Arc;

use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef, SchemaRef,
};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Column, DFSchema};
use datafusion_expr::expr::{AggregateFunction as LogicalCall, NullTreatment};
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::aggregate::AggregateExprBuilder;
use datafusion_physical_expr::expressions::{CastExpr, Column as ColumnExpr, Literal};
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

/// Calls whose results are to be cast, and the columns to cast them to.
pub(super) type Casts = Vec<(usize, FieldRef)>;

/// The calls of one aggregate, while its input columns are still being collected.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    kind: Kind,
    args: Vec<usize>,
    filter: Option<usize>,
    field: FieldRef,
    /// The type the plan expects, where the function computes in a wider one.
    cast: Option<FieldRef>,
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
        let mut args = arguments(&call, schema, rows)?;
        let filter = match &call.params.filter {
            Some(filter) => {
                let expr = rows.expr(filter, schema)?;
                Some(input.add(expr, field("filter", &DataType::Boolean)))
            }
            None => None,
        };
        let result = field(&readable(expr), result.data_type());
        let types: Vec<&DataType> = args.iter().map(|(_, field)| field.data_type()).collect();
        let native = native(&call, &types);
        let (wide, cast) = match &native {
            None => widen_distinct_sum(&call, &mut args, &result),
            Some(_) => (None, None),
        };
        let kind = match native {
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
        self.0.push(Call { kind, args, filter, field: wide.unwrap_or(result), cast });
        Ok(())
    }

    /// The calls over the input as collected, and the ones whose results are to be cast.
    pub(super) fn finish(self, input: &SchemaRef) -> Result<(Vec<AggregateCall>, Casts)> {
        let mut casts = Vec::new();
        let mut calls = Vec::with_capacity(self.0.len());
        for (index, call) in self.0.into_iter().enumerate() {
            casts.extend(call.cast.map(|cast| (index, cast)));
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
        Ok((calls, casts))
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
    let name = call.func.name();
    if name == "count" && !call.params.distinct {
        return match call.params.args.as_slice() {
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
        _ if call.params.distinct => None,
        "sum" if numeric(data_type) => Some(AggregateFunction::Sum),
        "avg" if numeric(data_type) => Some(AggregateFunction::Avg),
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

/// DataFusion adds up distinct values with wrapping arithmetic. They get a type in which no sum
/// of them can wrap; the result is cast back, which checks it. Returns the wide result's field and
/// the one to cast to.
fn widen_distinct_sum(
    call: &LogicalCall,
    args: &mut [Argument],
    result: &FieldRef,
) -> (Option<FieldRef>, Option<FieldRef>) {
    let ("sum", [(expr, arg)]) = (call.func.name(), args) else { return (None, None) };
    let wide = match arg.data_type() {
        integer if integer.is_integer() => DataType::Decimal128(20, 0),
        DataType::Decimal128(precision, scale) if *precision + 10 > DECIMAL128_MAX_PRECISION => {
            DataType::Decimal256(*precision, *scale)
        }
        _ => return (None, None),
    };
    let sum = match &wide {
        DataType::Decimal128(precision, scale) => DataType::Decimal128(precision + 10, *scale),
        DataType::Decimal256(precision, scale) => {
            DataType::Decimal256((precision + 10).min(DECIMAL256_MAX_PRECISION), *scale)
        }
        _ => return (None, None),
    };
    *expr = Arc::new(CastExpr::new(Arc::clone(expr), wide.clone(), None));
    *arg = field(arg.name(), &wide);
    (Some(field(result.name(), &sum)), Some(Arc::clone(result)))
}

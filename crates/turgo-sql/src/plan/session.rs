//! What may stand between SESSION and its GROUP BY.
//!
//! A session is a thing of its rows: it is known when they have been aggregated, and a row that is
//! left out on the way could have held two parts of it together. So what is grouped must be the
//! session itself:
//!
//! - Its columns are grouped by, and not computed with before that.
//! - All columns of PARTITION BY are grouped by, and nothing else but what is computed from them.
//! - Rows are left out by these columns alone, for then whole partitions are.
//!
//! A grouping function has no PARTITION BY: its sessions are of the groups, of the rows that WHERE
//! has kept. The rules hold of the query as written, and are checked before it is optimised;
//! [`SessionGroups`] then keeps the optimiser from moving conditions on the window before the
//! aggregate.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchemaRef, DataFusionError, Result};
use datafusion_expr::{Distinct, Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::diagnose::carry;
use crate::error::SqlError;
use crate::plan::window::{Kind, as_window};

/// The groups of sessions: their input, which conditions on the window do not get past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionGroups {
    pub(crate) input: LogicalPlan,
    /// The names of the window's columns.
    window: Vec<String>,
}

impl Hash for SessionGroups {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.window.hash(state);
    }
}

impl PartialOrd for SessionGroups {
    /// Equal nodes are equal; others have no order.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for SessionGroups {
    fn name(&self) -> &'static str {
        "SessionGroups"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.window.iter().cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionGroups")
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let [input] = <[LogicalPlan; 1]>::try_from(inputs)
            .map_err(|_| DataFusionError::Internal("groups of sessions have one input".into()))?;
        Ok(Self { input, window: self.window.clone() })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// The groups of sessions that `plan` is, if it is some.
pub(crate) fn as_session_groups(plan: &LogicalPlan) -> Option<&SessionGroups> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
        _ => None,
    }
}

/// What a column of rows in sessions is to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A column of the window.
    Window,
    /// This column of PARTITION BY.
    Partition(usize),
    /// Computed from those.
    Derived,
    /// Anything else.
    Row,
}

/// Rows in sessions that are not grouped yet.
#[derive(Debug)]
struct Ungrouped {
    columns: Vec<Origin>,
    /// The names of the columns of PARTITION BY; `None` for a grouping function.
    partition: Option<Vec<String>>,
}

/// `plan` with its sessions checked and their groups marked.
///
/// # Errors
/// Where sessions are not grouped, or not as the rules of this module say.
pub(crate) fn group_sessions(plan: LogicalPlan) -> Result<LogicalPlan> {
    match check(plan)? {
        (plan, None) => Ok(plan),
        (_, Some(_)) => Err(carry(ungrouped())),
    }
}

/// The error for rows in sessions that are not grouped.
pub(crate) fn ungrouped() -> SqlError {
    SqlError::new("SESSION without GROUP BY is not there yet")
        .help("group by the columns of PARTITION BY and window_start, window_end")
}

fn check(plan: LogicalPlan) -> Result<(LogicalPlan, Option<Ungrouped>)> {
    let mut inputs = Vec::new();
    let plan = plan.map_children(|input| {
        let (input, rows) = check(input)?;
        inputs.push(rows);
        Ok(Transformed::yes(input))
    })?;
    let plan = plan.data;
    let Some(rows) = inputs.into_iter().flatten().next() else {
        let rows = begin(&plan)?;
        return Ok((plan, rows));
    };
    match &plan {
        LogicalPlan::SubqueryAlias(_) => Ok((plan, Some(rows))),
        LogicalPlan::Filter(filter) => {
            rows.filter(&filter.predicate, &filter.input)?;
            Ok((plan, Some(rows)))
        }
        LogicalPlan::Projection(projection) => {
            let columns = projection.expr.iter().map(|expr| rows.origin(expr, &projection.input));
            let columns = columns.collect::<Result<_>>()?;
            Ok((plan, Some(Ungrouped { columns, ..rows })))
        }
        LogicalPlan::Aggregate(aggregate) => {
            if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
                // Refused for all windows alike.
                return Ok((plan, None));
            }
            let (input, groups) = (&aggregate.input, &aggregate.group_expr);
            if aggregate.aggr_expr.iter().any(|expr| rows.reads_window(expr, input)) {
                return Err(carry(window_computed()));
            }
            let origins = groups.iter().map(|group| rows.origin(group, input));
            let origins: Vec<Origin> = origins.collect::<Result<_>>()?;
            rows.group(&origins, groups)?;
            Ok((mark(plan, &origins), None))
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let groups: Vec<_> = input.schema().columns().into_iter().map(Expr::Column).collect();
            rows.group(&rows.columns, &groups)?;
            Ok((mark(plan, &rows.columns), None))
        }
        _ => Err(carry(ungrouped())),
    }
}

/// The rows in sessions that begin with `plan`.
fn begin(plan: &LogicalPlan) -> Result<Option<Ungrouped>> {
    let Some(window) = as_window(plan) else { return Ok(None) };
    let Kind::Session { partition, .. } = &window.kind else { return Ok(None) };
    let schema = window.input.schema();
    let mut columns = vec![Origin::Row; plan.schema().fields().len()];
    columns[schema.fields().len()..].fill(Origin::Window);
    for (number, column) in partition.iter().flatten().enumerate() {
        columns[schema.index_of_column(column)?] = Origin::Partition(number);
    }
    let names = |columns: &Vec<datafusion_common::Column>| {
        columns.iter().map(|column| column.name.clone()).collect()
    };
    Ok(Some(Ungrouped { columns, partition: partition.as_ref().map(names) }))
}

impl Ungrouped {
    /// The origins of the columns that `expr` reads of `input`.
    fn reads(&self, expr: &Expr, input: &LogicalPlan) -> Vec<Origin> {
        let index = |column| input.schema().index_of_column(column);
        let columns = expr.column_refs().into_iter();
        columns.map(|column| index(column).map_or(Origin::Row, |at| self.columns[at])).collect()
    }

    fn reads_window(&self, expr: &Expr, input: &LogicalPlan) -> bool {
        self.reads(expr, input).contains(&Origin::Window)
    }

    /// The origin of a column computed over `input`.
    fn origin(&self, expr: &Expr, input: &LogicalPlan) -> Result<Origin> {
        let reads = self.reads(expr, input);
        if let (Expr::Column(_), [origin]) = (expr.clone().unalias_nested().data, &reads[..]) {
            return Ok(*origin);
        }
        if reads.contains(&Origin::Window) {
            return Err(carry(window_computed()));
        }
        let of_partition = !reads.contains(&Origin::Row) && !expr.is_volatile();
        Ok(if of_partition { Origin::Derived } else { Origin::Row })
    }

    /// Checks a condition on the rows.
    fn filter(&self, predicate: &Expr, input: &LogicalPlan) -> Result<()> {
        if self.reads_window(predicate, input) {
            let error = SqlError::new("a condition on the window of SESSION before its GROUP BY");
            return Err(carry(error.help("write it in HAVING")));
        }
        if self.partition.is_some() && self.origin(predicate, input)? == Origin::Row {
            return Err(carry(
                SqlError::new("a condition behind SESSION would tear rows out of its sessions")
                    .help(
                        "leave the rows out before, with SESSION(TABLE (SELECT ... WHERE ...) ...), \
                         or out of the aggregates, with FILTER (WHERE ...)",
                    ),
            ));
        }
        Ok(())
    }

    /// Checks that groups, written as `exprs`, are sessions.
    fn group(&self, groups: &[Origin], exprs: &[Expr]) -> Result<()> {
        if !groups.contains(&Origin::Window) {
            return Err(carry(
                SqlError::new("GROUP BY lacks the window of SESSION")
                    .help("add window_start, window_end to it"),
            ));
        }
        let Some(partition) = &self.partition else { return Ok(()) };
        let other = groups.iter().zip(exprs).find(|(origin, _)| **origin == Origin::Row);
        if let Some((_, expr)) = other {
            let name = match expr.clone().unalias_nested().data {
                Expr::Column(column) => column.name,
                other => other.human_display().to_string(),
            };
            return Err(carry(
                SqlError::new(format!(
                    "GROUP BY has `{name}`, by which the sessions are not partitioned"
                ))
                .help("name it in PARTITION BY as well, or leave it out of GROUP BY"),
            ));
        }
        let lacks = |number: &usize| !groups.contains(&Origin::Partition(*number));
        if let Some(number) = (0..partition.len()).find(lacks) {
            let name = &partition[number];
            return Err(carry(
                SqlError::new(format!(
                    "GROUP BY lacks `{name}`, by which the sessions are partitioned"
                ))
                .help("add it to GROUP BY, or leave it out of PARTITION BY"),
            ));
        }
        Ok(())
    }
}

fn window_computed() -> SqlError {
    SqlError::new("the window of SESSION is known behind its GROUP BY, and not before")
        .help("group by window_start, window_end as they are, and compute with them afterwards")
}

/// `plan`, whose first columns have these origins, as groups of sessions.
fn mark(plan: LogicalPlan, origins: &[Origin]) -> LogicalPlan {
    let fields = plan.schema().fields().iter().zip(origins);
    let window = fields.filter(|(_, origin)| **origin == Origin::Window);
    let window = window.map(|(field, _)| field.name().clone()).collect();
    LogicalPlan::Extension(Extension { node: Arc::new(SessionGroups { input: plan, window }) })
}

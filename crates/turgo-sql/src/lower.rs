//! From an optimised logical plan to the task graph that runs it.
//!
//! The plan is walked from its tables upwards. At each node the rows stand at the end of a stage
//! ([`Rows`]); a node adds operators to that stage or opens the next one behind an exchange. How
//! rows reach a stage is the table of the design: forward where nothing is grouped, partial states
//! by the hash of their key where states can be merged, rows by that hash otherwise.
//!
//! - L1. The columns of a logical plan and those of its rows are two things: plain projections
//!   only change how one lies in the other. Names and order are made right once, at the end.
//! - L2. Windows are assigned as late as possible: an aggregate that closes windows counts in panes,
//!   and rows are repeated only where something reads a window's columns before that.

mod aggregate;
mod bounds;
mod call;
mod constants;
mod letters;
mod over;
mod rows;
mod scan;
mod union;

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_expr::LogicalPlan;
use datafusion_physical_expr::expressions::Column as ColumnExpr;
use turgo_engine::graph::{
    Column, Distribution, Input, Instances, OperatorSpec, Output, Stage, TaskGraph,
};
use turgo_engine::io::{Connectors, Sink};
use turgo_engine::need::Bound;

use self::rows::{Rows, plain_type};
use crate::error::{Result, SqlError};
use crate::plan::session::as_session_groups;
use crate::plan::window::as_window;
use crate::statement::Emit;

/// What a query is lowered with.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) connectors: &'a dyn Connectors,
    /// `EMIT ...`, where it is given.
    pub(crate) emit: Option<Emit>,
    /// `max-drift` of tables that do not say their own.
    pub(crate) drift_max: i64,
}

/// Lowers `plan`, whose rows go to `sink`; says whether they are a changelog.
///
/// # Errors
/// When the plan holds what is not there yet, would need unbounded state, or gives a changelog to
/// a sink that cannot show one.
pub(crate) fn lower(
    plan: &LogicalPlan,
    request: &Request<'_>,
    sink: Arc<dyn Sink>,
) -> Result<(TaskGraph, bool)> {
    let mut lowering = Lowering { request, stages: vec![], letters: vec![], placed: false };
    let rows = lowering.node(plan)?;
    let changes = lowering.finish(rows, plan.schema(), sink)?;
    lowering.stages.iter_mut().for_each(Draft::narrow);
    let stages = lowering.stages.into_iter().map(Draft::into_stage).collect();
    let graph = TaskGraph { stages };
    letters::check(&graph)?;
    check_every(&graph, request.emit)?;
    Ok((graph, changes))
}

/// Checks that something holds changes back where the query says when they leave.
fn check_every(graph: &TaskGraph, emit: Option<Emit>) -> Result<()> {
    let Some(Emit::Changes(Some(_))) = emit else { return Ok(()) };
    let mut operators = graph.stages.iter().flat_map(|stage| &stage.operators);
    match operators.any(|operator| matches!(operator, OperatorSpec::ChangesAggregate { .. })) {
        true => Ok(()),
        false => Err(SqlError::new(
            "EMIT CHANGES EVERY holds back changes of groups, and this query has none",
        )
        .help("leave EVERY out, or group rows with GROUP BY")),
    }
}

/// A stage whose output is not known yet.
#[derive(Debug)]
struct Draft {
    instances: Instances,
    input: Input,
    operators: Vec<OperatorSpec>,
    schema: SchemaRef,
    output: Option<Output>,
    /// What the first `bounding` operators, filters that cannot fail, say of a table's rows.
    bounds: Vec<Bound>,
    bounding: usize,
}

impl Draft {
    fn into_stage(self) -> Stage {
        Stage {
            instances: self.instances,
            input: self.input,
            operators: self.operators,
            output: self.output.expect("every stage but the last was given one by its successor"),
            schema: self.schema,
        }
    }
}

/// Where an operator stands: a stage and a place in its chain.
type Place = (usize, usize);

/// The graph as far as it is built.
struct Lowering<'a> {
    request: &'a Request<'a>,
    stages: Vec<Draft>,
    /// Where dead letters go.
    letters: Vec<Arc<dyn Sink>>,
    /// Tables are read with the places of their rows, for an OVER above them.
    placed: bool,
}

impl Lowering<'_> {
    /// Lowers a node and everything below it.
    fn node(&mut self, plan: &LogicalPlan) -> Result<Rows> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(projection) => {
                let rows = self.node(&projection.input)?;
                let (input, output) = (projection.input.schema(), &projection.schema);
                self.project(rows, &projection.expr, input, output)
            }
            LogicalPlan::Filter(filter) => {
                let rows = self.node(&filter.input)?;
                self.filter(rows, &filter.predicate, filter.input.schema())
            }
            LogicalPlan::SubqueryAlias(alias) => self.node(&alias.input),
            LogicalPlan::Aggregate(aggregate) => {
                let rows = self.node(&aggregate.input)?;
                self.aggregate(rows, aggregate)
            }
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Window(window) => self.over(window),
            LogicalPlan::EmptyRelation(empty) => self.empty(empty),
            LogicalPlan::Values(values) => self.values(values),
            other => match (as_window(other), as_session_groups(other)) {
                (Some(window), _) => {
                    let rows = self.node(&window.input)?;
                    self.window(rows, window)
                }
                (None, Some(groups)) => self.node(&groups.input),
                (None, None) => Err(refused(other)),
            },
        }
    }

    /// Adds an operator at the end of a stage.
    fn push(&mut self, stage: usize, operator: OperatorSpec) -> Place {
        let operators = &mut self.stages[stage].operators;
        operators.push(operator);
        (stage, operators.len() - 1)
    }

    /// Adds a projection; one that only picks columns of a projection before it takes its place.
    fn push_project(&mut self, stage: usize, columns: Vec<Column>) {
        let operators = &mut self.stages[stage].operators;
        let picks: Option<Vec<usize>> = columns
            .iter()
            .map(|column| column.expr.downcast_ref::<ColumnExpr>().map(ColumnExpr::index))
            .collect();
        match (operators.last_mut(), picks) {
            (Some(OperatorSpec::Project(before)), Some(picks)) => {
                let pick = |(column, at): (Column, usize)| Column {
                    expr: Arc::clone(&before[at].expr),
                    field: column.field,
                };
                *before = columns.into_iter().zip(picks).map(pick).collect();
            }
            _ => operators.push(OperatorSpec::Project(columns)),
        }
    }

    /// Opens a stage.
    fn open(&mut self, instances: Instances, input: Input) -> usize {
        self.stages.push(Draft {
            instances,
            input,
            operators: Vec::new(),
            schema: Arc::new(Schema::empty()),
            output: None,
            bounds: Vec::new(),
            bounding: 0,
        });
        self.stages.len() - 1
    }

    /// Ends stage `from`, whose rows have `schema`, with an exchange to stage `to`.
    fn connect(&mut self, from: usize, schema: SchemaRef, to: usize, distribution: Distribution) {
        let from = &mut self.stages[from];
        from.schema = schema;
        from.output = Some(Output::Exchange { to, distribution });
    }

    /// Brings rows into the names, types and order of `schema` and sends them out; says whether
    /// they are a changelog.
    fn finish(&mut self, rows: Rows, schema: &DFSchema, sink: Arc<dyn Sink>) -> Result<bool> {
        let rows = self.with_window_columns(rows)?;
        let columns: Vec<Column> = (0..rows.columns.len())
            .map(|index| {
                let (expr, field) = rows.column(index);
                let name = schema.field(index).name();
                plain_type(expr, Arc::new(field.as_ref().clone().with_name(name)))
            })
            .collect();
        let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
        if fields != rows.fields || !rows.in_order() {
            self.push_project(rows.stage, columns);
        }
        let changes = rows.changelog.is_some();
        if let Some(changelog) = &rows.changelog {
            if !sink.accepts_changes() {
                let (when, remedy) = changelog.cause();
                return Err(SqlError::new(format!(
                    "the result changes {when}, and {} cannot show changes",
                    sink.describe()
                ))
                .help(remedy));
            }
            let upsert = changelog.upsert(&rows.columns);
            if changelog.before || !upsert {
                self.emit_before(&changelog.aggregates);
            }
            if changelog.before && upsert {
                self.push(rows.stage, OperatorSpec::DropUpdateBefore);
            }
        }
        let last = &mut self.stages[rows.stage];
        last.schema = Arc::new(Schema::new(fields));
        last.output = Some(Output::Sink { sink, changes });
        Ok(changes)
    }

    /// Makes aggregates send the old version of a row before the new one, unless they always do.
    fn emit_before(&mut self, aggregates: &[Place]) {
        for (stage, place) in aggregates {
            if let OperatorSpec::ChangesAggregate { before, .. } =
                &mut self.stages[*stage].operators[*place]
            {
                *before = true;
            }
        }
    }
}

/// The error of a node that cannot be run.
fn refused(plan: &LogicalPlan) -> SqlError {
    let what = match plan {
        LogicalPlan::Join(_) => "JOIN",
        LogicalPlan::Sort(_) => "ORDER BY",
        LogicalPlan::Limit(_) => "LIMIT",
        LogicalPlan::Unnest(_) => "UNNEST",
        LogicalPlan::Subquery(_) => "a subquery in an expression",
        LogicalPlan::RecursiveQuery(_) => "WITH RECURSIVE",
        LogicalPlan::Distinct(_) => "DISTINCT ON",
        other => return SqlError::new(format!("{} is not there yet", other.display())),
    };
    SqlError::new(format!("{what} is not there yet"))
}

//! From a plan as written to a plan worth running: types, exact arithmetic, optimisation.
//!
//! Each rule of DataFusion's that is used is named here with the reason why it may meet a
//! [`WindowAssign`](crate::plan::WindowAssign), which repeats rows and adds three columns. Left
//! out are the rules for joins, subqueries and limits, which never get here, and those that bring
//! aggregates into shapes the engine does not run: `SingleDistinctToGroupBy` (two levels of
//! grouping), `UnionsToFilter`, and the two that pull struct accesses apart.

use std::sync::{Arc, OnceLock};

use datafusion_common::config::ConfigOptions;
use datafusion_common::{DFSchemaRef, Result};
use datafusion_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion_optimizer::analyzer::Analyzer;
use datafusion_optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion_optimizer::eliminate_duplicated_expr::EliminateDuplicatedExpr;
use datafusion_optimizer::eliminate_filter::EliminateFilter;
use datafusion_optimizer::eliminate_group_by_constant::EliminateGroupByConstant;
use datafusion_optimizer::optimize_projections::OptimizeProjections;
use datafusion_optimizer::optimize_unions::OptimizeUnions;
use datafusion_optimizer::propagate_empty_relation::PropagateEmptyRelation;
use datafusion_optimizer::push_down_filter::PushDownFilter;
use datafusion_optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;
use datafusion_optimizer::simplify_expressions::SimplifyExpressions;
use datafusion_optimizer::{Optimizer, OptimizerContext, OptimizerRule};

use crate::{exact, lazy};

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The options of DataFusion every session uses.
pub(crate) fn options() -> Arc<ConfigOptions> {
    // LOCK: taken when a statement is planned.
    static OPTIONS: OnceLock<Arc<ConfigOptions>> = OnceLock::new();
    Arc::clone(OPTIONS.get_or_init(|| {
        let mut options = ConfigOptions::default();
        // A rule that fails is a bug to be seen, not a rule to be skipped.
        options.optimizer.skip_failed_rules = false;
        Arc::new(options)
    }))
}

/// Types, exact arithmetic and optimisation of a whole plan.
///
/// # Errors
/// DataFusion's on types; ours on constants that cannot be computed.
pub(crate) fn optimize(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = lazy::safe_first(analyze(plan)?)?;
    let plan = lazy::guard(run(rules(), plan)?)?;
    exact::check_constants(&plan)?;
    Ok(plan)
}

/// Types and exact arithmetic only: the plan as the user wrote it, checked.
///
/// # Errors
/// As [`optimize`].
pub(crate) fn analyze(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = Analyzer::new().execute_and_check(plan, &options(), |_, _| {})?;
    exact::rewrite(plan)
}

/// The same for expressions over `schema` that belong to no plan: computed columns, watermarks.
///
/// # Errors
/// As [`optimize`].
pub(crate) fn expressions(exprs: Vec<Expr>, schema: DFSchemaRef) -> Result<Vec<Expr>> {
    let count = exprs.len();
    let named = exprs.into_iter().enumerate().map(|(index, expr)| expr.alias(format!("_{index}")));
    let input = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: true, schema });
    let plan = LogicalPlanBuilder::from(input).project(named)?.build()?;
    let plan = run(vec![Arc::new(SimplifyExpressions::new())], analyze(plan)?)?;
    let plan = lazy::guard(plan)?;
    exact::check_constants(&plan)?;
    let exprs: Vec<_> = plan.expressions().into_iter().map(|expr| expr.unalias()).collect();
    assert_eq!(exprs.len(), count, "simplification keeps every column");
    Ok(exprs)
}

fn run(rules: Vec<Rule>, plan: LogicalPlan) -> Result<LogicalPlan> {
    let context = OptimizerContext::new_with_config_options(options());
    Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {})
}

fn rules() -> Vec<Rule> {
    vec![
        // Flattens UNION ALL of UNION ALL; a window node is an input like any other.
        Arc::new(OptimizeUnions::new()),
        // Works inside expressions; a window node has only a column.
        Arc::new(SimplifyExpressions::new()),
        // DISTINCT is a grouping by all columns, window columns among them.
        Arc::new(ReplaceDistinctWithAggregate::new()),
        // Drops repeated grouping expressions.
        Arc::new(EliminateDuplicatedExpr::new()),
        // Drops filters that are always true; makes those that never are an empty relation.
        Arc::new(EliminateFilter::new()),
        // Empties what stands on an empty relation; it stops at a window node, which is not one of
        // the nodes it knows.
        Arc::new(PropagateEmptyRelation::new()),
        // A condition on columns of the input holds for all copies of a row or for none, so it may
        // be asked first. One on the window's own columns stays above: the node names them.
        Arc::new(PushDownFilter::new()),
        // Drops constants from a grouping; a window column is not constant.
        Arc::new(EliminateGroupByConstant::new()),
        // Computes an expression once per node; it does not cross nodes.
        Arc::new(CommonSubexprEliminate::new()),
        // Drops unused columns below a window node; the node says which of its input it needs.
        Arc::new(OptimizeProjections::new()),
    ]
}

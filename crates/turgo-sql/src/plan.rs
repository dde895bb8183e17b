//! From a statement's tree to DataFusion's logical plan, with windows as nodes of their own.

mod column_names;
pub(crate) mod event_time;
mod fields;
mod implied_time;
mod insert;
mod over;
pub(crate) mod session;
pub(crate) mod window;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::TreeNode;
use datafusion_common::{DFSchema, DataFusionError, TableReference};
use datafusion_expr::planner::{ContextProvider, ExprPlanner};
use datafusion_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast;

pub(crate) use self::fields::FieldNames;
pub(crate) use self::insert::{InsertTarget, insert, widens};
pub(crate) use self::window::WindowAssign;
use crate::catalog::{Catalog, Files, Relation, TableScanSource, View};
use crate::diagnose::{carry, diagnose, span_bytes};
use crate::error::{Result, SqlError};
use crate::functions::Functions;
use crate::offer;
use crate::optimize;
use crate::parse::file::path_of;

/// Plans against the tables, views and functions of a session.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) functions: &'a Functions,
    pub(crate) files: Files<'a>,
    /// The view being declared: it may not be read, directly or through others.
    declares: Option<&'a str>,
    options: Arc<ConfigOptions>,
}

impl<'a> Planner<'a> {
    /// A planner for one statement.
    pub(crate) fn new(catalog: &'a Catalog, functions: &'a Functions, files: Files<'a>) -> Self {
        Self { catalog, functions, files, declares: None, options: optimize::options() }
    }

    /// The same planner, for the query of the view `name`.
    pub(crate) fn declaring(self, name: &'a str) -> Self {
        Self { declares: Some(name), ..self }
    }

    /// The plan of a query, as written: names resolved, windows found, views expanded. `text` is
    /// what the query's spans point into.
    ///
    /// # Errors
    /// What is wrong with the query, and where.
    pub(crate) fn query(&self, text: &str, query: &ast::Query) -> Result<LogicalPlan> {
        offer::check(query, text, self.functions)?;
        self.look_at_files(text, query)?;
        let mut named = query.clone();
        column_names::name(&mut named);
        implied_time::name(&mut named, self.catalog, text)?;
        let statement = ast::Statement::Query(Box::new(named));
        SqlToRel::new_with_options(self, parser_options())
            .sql_statement_to_plan(statement)
            .and_then(window::replace_markers)
            .map_err(|error| diagnose(&error, text, Some(query)))
            .and_then(|plan| over::check(&plan, text).map(|()| plan))
    }

    /// An expression over `schema`, typed, exact and simplified.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn expression(
        &self,
        text: &str,
        tree: &ast::Expr,
        schema: &Arc<DFSchema>,
    ) -> Result<Expr> {
        offer::check(tree, text, self.functions)?;
        let plan = || -> datafusion_common::Result<Expr> {
            let expr = SqlToRel::new_with_options(self, parser_options()).sql_to_expr(
                tree.clone(),
                schema,
                &mut PlannerContext::new(),
            )?;
            if expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_))))? {
                return Err(carry(SqlError::new("an aggregate has no place in a declaration")));
            }
            let mut exprs = optimize::expressions(vec![expr], Arc::clone(schema))?;
            exprs.pop().ok_or_else(|| DataFusionError::Internal("an expression was lost".into()))
        };
        plan().map_err(|error| diagnose(&error, text, None))
    }

    /// Finds the columns of the files that `query` reads; what is declared under the name of one
    /// comes first.
    fn look_at_files(&self, text: &str, query: &ast::Query) -> Result<()> {
        let look = ast::visit_relations(query, |relation| {
            let Some(path) = path_of(relation) else { return ControlFlow::Continue(()) };
            let found = match self.catalog.get(&path.value) {
                // It would mean the view as soon as that is there.
                _ if self.declares == Some(&path.value) => Err(reads_itself(&path.value)),
                Some(_) => Ok(()),
                None => self.files.table(&path.value).map(drop),
            };
            match (found, span_bytes(text, path.span)) {
                (Ok(()), _) => ControlFlow::Continue(()),
                (Err(error), Some(span)) => ControlFlow::Break(error.at(span)),
                (Err(error), None) => ControlFlow::Break(error),
            }
        });
        match look {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    fn view(&self, name: &str, view: &View) -> Result<LogicalPlan> {
        // The view's spans point into another text than the statement's.
        self.query(&view.text, &view.query).map_err(|error| SqlError {
            message: format!("in view `{name}`: {}", error.message),
            span: None,
            help: error.help,
        })
    }
}

fn reads_itself(view: &str) -> SqlError {
    SqlError::new(format!("view `{view}` would read itself")).help("give the new view another name")
}

fn parser_options() -> ParserOptions {
    ParserOptions::new()
        .with_collect_spans(true)
        .with_enable_ident_normalization(true)
        .with_map_string_types_to_utf8view(false)
}

/// A view as DataFusion's planner knows it: it puts the plan in place of the name.
struct ViewSource(LogicalPlan);

impl TableSource for ViewSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.0.schema().inner())
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.0))
    }
}

impl ContextProvider for Planner<'_> {
    fn get_table_source(
        &self,
        name: TableReference,
    ) -> datafusion_common::Result<Arc<dyn TableSource>> {
        match self.catalog.get(name.table()) {
            Some(_) if self.declares == Some(name.table()) => {
                Err(carry(reads_itself(name.table())))
            }
            Some(Relation::Table(table)) => Ok(Arc::new(TableScanSource(Arc::clone(table)))),
            Some(Relation::View(view)) => {
                Ok(Arc::new(ViewSource(self.view(name.table(), view).map_err(carry)?)))
            }
            None => match self.files.known(name.table()) {
                Some(table) => Ok(Arc::new(TableScanSource(table))),
                None => Err(carry(self.catalog.missing(name.table()))),
            },
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.functions.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.functions.scalar.get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.functions.higher_order.get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions.aggregate.get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.functions.window.get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.functions.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.functions.higher_order.keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.functions.aggregate.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.functions.window.keys().cloned().collect()
    }
}

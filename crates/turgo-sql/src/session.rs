//! A session: tables, views and settings, and what each statement does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_expr::LogicalPlan;
use turgo_engine::graph::TaskGraph;
use turgo_engine::io::{Connectors, Sink};

use crate::catalog::{Catalog, Files, Relation, Table, View};
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};
use crate::explain::{self, ExplainFormat};
use crate::functions::Functions;
use crate::lower::{self, Request};
use crate::optimize::optimize;
use crate::plan::session::group_sessions;
use crate::plan::{InsertTarget, Planner, event_time, insert};
use crate::settings::Settings;
use crate::show;
use crate::stack::with_room;
use crate::statement::{Name, Statement, StatementKind, StreamQuery};

/// Tables, views and settings of one user.
#[derive(Debug)]
pub struct Session {
    connectors: Arc<dyn Connectors>,
    catalog: Catalog,
    functions: Functions,
    settings: Settings,
    /// What this session's queries have replaced: a second one would destroy the first one's rows.
    replaced: BTreeSet<String>,
}

/// What a statement came to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; what was done, in a few words.
    Done(String),
    /// A table to show.
    Rows(RecordBatch),
    /// Text to show.
    Text(String),
    /// A query to run.
    Query(Planned),
}

/// A query, ready to run.
#[derive(Debug)]
pub struct Planned {
    /// What runs.
    pub graph: TaskGraph,
    /// Its result is a changelog.
    pub changes: bool,
    /// What the user should know before running it.
    pub warnings: Vec<String>,
    /// The optimised logical plan, as text.
    pub logical: String,
}

impl Session {
    /// A session without tables over `connectors`.
    pub fn new(connectors: Arc<dyn Connectors>) -> Self {
        Self {
            connectors,
            catalog: Catalog::default(),
            functions: Functions::new(),
            settings: Settings::default(),
            replaced: BTreeSet::new(),
        }
    }

    /// The settings as they are now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Does what a statement of the script `text` says; the rows of a bare query go to `results`.
    ///
    /// # Errors
    /// What is wrong with the statement, and where in `text`.
    pub fn execute(
        &mut self,
        text: &str,
        statement: &Statement,
        results: Arc<dyn Sink>,
    ) -> Result<Outcome> {
        with_room(|| self.execute_here(text, statement, results))
    }

    fn execute_here(
        &mut self,
        text: &str,
        statement: &Statement,
        results: Arc<dyn Sink>,
    ) -> Result<Outcome> {
        let place = |error: SqlError| error.at(statement.span.clone());
        match &statement.kind {
            StatementKind::CreateTable(create) => {
                if create.if_not_exists && self.catalog.get(&create.name.value).is_some() {
                    return done(format!("{} is there already", create.name.value));
                }
                let planner = self.planner();
                let span = statement.span.clone();
                let table = Table::declare(&planner, text, span, create, &*self.connectors);
                let table = Relation::Table(Arc::new(table.map_err(place)?));
                self.catalog.create(&create.name, table, create.or_replace)?;
                done(format!("table {} is declared", create.name.value))
            }
            StatementKind::CreateView { name, or_replace, query } => {
                let plan = self
                    .planner()
                    .declaring(&name.value)
                    .query(text, query)
                    .and_then(|plan| optimize(plan).map_err(|e| diagnose(&e, text, Some(query))))
                    .map_err(place)?;
                let fields = plan.schema().fields().iter();
                let columns = fields.map(|field| field.name().clone()).collect();
                let view = View { query: query.clone(), text: text.to_owned(), columns };
                self.catalog.create(name, Relation::View(Arc::new(view)), *or_replace)?;
                done(format!("view {} is declared", name.value))
            }
            StatementKind::Drop { name, view, if_exists } => {
                let there = self.catalog.remove(name, *view, *if_exists)?;
                let what = if there { "is dropped" } else { "was not there" };
                done(format!("{} {what}", name.value))
            }
            StatementKind::Set { key, value } => {
                self.settings.set(key, value)?;
                done(format!("{} is set", key.value))
            }
            StatementKind::Select(_) => {
                let planned = self.plan_here(text, statement, results)?;
                self.replace_letters(&planned).map_err(place)?;
                Ok(Outcome::Query(planned))
            }
            StatementKind::Insert { table, .. } => {
                let planned = self.plan_here(text, statement, results)?;
                self.replace(table, &planned)?;
                self.replace_letters(&planned).map_err(place)?;
                Ok(Outcome::Query(planned))
            }
            StatementKind::Explain(inner) => {
                let planned = self.plan_here(text, inner, results)?;
                Ok(Outcome::Text(self.explain(&planned, ExplainFormat::Text)))
            }
            StatementKind::ShowTables => show::relations(&self.catalog, "table").map(Outcome::Rows),
            StatementKind::ShowViews => show::relations(&self.catalog, "view").map(Outcome::Rows),
            StatementKind::ShowFunctions => show::functions(&self.functions).map(Outcome::Rows),
            StatementKind::ShowSettings => show::settings(&self.settings).map(Outcome::Rows),
            StatementKind::ShowCreate(name) => {
                Ok(Outcome::Text(declaration(name, self.catalog.find(name)?)))
            }
            StatementKind::ShowCreateFile(path) => {
                Ok(Outcome::Text(declaration(path, &self.file(path)?)))
            }
            StatementKind::Describe(name) => {
                self.describe(self.catalog.find(name)?).map(Outcome::Rows)
            }
            StatementKind::DescribeFile(path) => {
                self.describe(&self.file(path)?).map(Outcome::Rows)
            }
        }
    }

    /// Plans a query or an INSERT without running it; the rows of a bare query go to `results`.
    ///
    /// # Errors
    /// What is wrong with it, and where in `text`.
    pub fn plan(
        &self,
        text: &str,
        statement: &Statement,
        results: Arc<dyn Sink>,
    ) -> Result<Planned> {
        with_room(|| self.plan_here(text, statement, results))
    }

    fn plan_here(
        &self,
        text: &str,
        statement: &Statement,
        results: Arc<dyn Sink>,
    ) -> Result<Planned> {
        let planner = self.planner();
        let planned = match &statement.kind {
            StatementKind::Select(query) => planner
                .query(text, &query.query)
                .and_then(|plan| self.lower(text, query, plan, results)),
            StatementKind::Insert { table, columns, query } => {
                let there = self.writable(table)?;
                let schema = &there.spec.schema;
                planner
                    .query(text, &query.query)
                    .and_then(|plan| insert(plan, &InsertTarget { table, columns, schema }))
                    .and_then(|plan| {
                        let sink = there.sink(&*self.connectors);
                        let sink = sink.map_err(|error| error.at(table.span.clone()))?;
                        self.lower(text, query, plan, sink)
                    })
            }
            _ => Err(SqlError::new("EXPLAIN takes a SELECT or an INSERT")),
        };
        planned.map_err(|error| error.at(statement.span.clone()))
    }

    /// A planned query as text: its logical plan, its stages, and why rows travel as they do.
    pub fn explain(&self, planned: &Planned, format: ExplainFormat) -> String {
        explain::explain(planned, format)
    }

    fn lower(
        &self,
        text: &str,
        query: &StreamQuery,
        plan: LogicalPlan,
        sink: Arc<dyn Sink>,
    ) -> Result<Planned> {
        let warnings = event_time::warnings(&plan);
        let plan = group_sessions(plan)
            .and_then(optimize)
            .map_err(|error| diagnose(&error, text, Some(&query.query)))?;
        let request = Request {
            connectors: &*self.connectors,
            emit: query.emit,
            drift_max: self.settings.drift_max,
        };
        let (graph, changes) = lower::lower(&plan, &request, sink).map_err(|error| {
            match (&query.emit_span, error.message.starts_with("EMIT ")) {
                (Some(span), true) => error.at(span.clone()),
                _ => error,
            }
        })?;
        let logical = plan.display_indent().to_string();
        Ok(Planned { graph, changes, warnings, logical })
    }

    fn writable(&self, name: &Name) -> Result<&Arc<Table>> {
        match self.catalog.find(name)? {
            Relation::Table(table) => Ok(table),
            Relation::View(_) => {
                Err(SqlError::new(format!("`{}` is a view and cannot be written", name.value))
                    .at(name.span.clone()))
            }
        }
    }

    /// Remembers what `planned` replaces.
    ///
    /// # Errors
    /// When an earlier statement of this session has written it.
    fn replace(&mut self, table: &Name, planned: &Planned) -> Result<()> {
        for sink in planned.graph.sinks() {
            if let Some(place) = sink.replaces()
                && !self.replaced.insert(place)
            {
                return Err(SqlError::new(format!(
                    "this INSERT would replace the rows that an earlier one wrote to `{}`",
                    table.value
                ))
                .at(table.span.clone())
                .help("declare the table with 'write-mode' = 'append', or insert one UNION ALL"));
            }
        }
        Ok(())
    }

    /// Remembers which dead letters `planned` replaces.
    ///
    /// # Errors
    /// When an earlier statement of this session has written there.
    fn replace_letters(&mut self, planned: &Planned) -> Result<()> {
        let letters = planned.graph.scans().filter_map(|scan| scan.letters.as_ref());
        let places: BTreeMap<String, &str> =
            letters.filter_map(|l| Some((l.sink.replaces()?, &*l.name))).collect();
        for (place, name) in places {
            if !self.replaced.insert(place) {
                return Err(SqlError::new(format!(
                    "the dead letters of this query would replace what an earlier one wrote to \
                     '{name}'"
                ))
                .help("declare the table again with another 'dead-letter.path'"));
            }
        }
        Ok(())
    }

    /// Forgets what an INSERT was to replace, because `planned` failed or was interrupted and has
    /// replaced nothing: it may be tried again.
    pub fn withdraw(&mut self, planned: &Planned) {
        for place in planned.graph.sinks().filter_map(|sink| sink.replaces()) {
            self.replaced.remove(&place);
        }
    }

    fn planner(&self) -> Planner<'_> {
        let files = Files::new(&*self.connectors, self.settings.sample_rows);
        Planner::new(&self.catalog, &self.functions, files)
    }

    /// What a path in quotes stands for: what is declared under that name, or the file.
    fn file(&self, path: &Name) -> Result<Relation> {
        if let Some(declared) = self.catalog.get(&path.value) {
            return Ok(declared.clone());
        }
        let table = self.planner().files.table(&path.value);
        table.map(Relation::Table).map_err(|error| error.at(path.span.clone()))
    }

    fn describe(&self, relation: &Relation) -> Result<RecordBatch> {
        match relation {
            Relation::Table(table) => show::table(table),
            Relation::View(view) => {
                let planner = self.planner();
                let plan = planner.query(&view.text, &view.query);
                let plan = plan.map_err(|error| SqlError { span: None, ..error })?;
                show::plan(&plan)
            }
        }
    }
}

/// The statement that declares `relation`, which is called `name`.
fn declaration(name: &Name, relation: &Relation) -> String {
    match relation {
        Relation::Table(table) => table.text.clone(),
        Relation::View(view) => format!("CREATE VIEW {} AS {}", name.value, view.query),
    }
}

fn done(what: String) -> Result<Outcome> {
    Ok(Outcome::Done(what))
}

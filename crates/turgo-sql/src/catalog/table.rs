//! A declared table: its columns, its event time and what is said to its connector.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::{Column, DFSchema};
use datafusion_expr::{Expr, ExprSchemable, TableSource};
use datafusion_sql::sqlparser::ast;
use datafusion_sql::sqlparser::ast::Spanned;
use turgo_engine::graph::OnError;
use turgo_engine::io::{Connectors, OptionError, Sink, Source, TableSpec};
use turgo_engine::types::sql_type;

use super::file::SAMPLE_ROWS;
use super::options::{self, LetterOptions};
use crate::diagnose::{diagnose, span_bytes};
use crate::error::{Result, SqlError};
use crate::names::suggest_column;
use crate::plan::Planner;
use crate::plan::window::MILLIS;
use crate::statement::{ColumnKind, CreateTable, Watermark};

/// A declared table, checked.
#[derive(Debug)]
pub(crate) struct Table {
    /// What its connector is told.
    pub(crate) spec: TableSpec,
    /// All its columns in declared order.
    pub(crate) columns: Vec<TableColumn>,
    /// Its columns as queries see them.
    pub(crate) schema: SchemaRef,
    /// Its event time, where it declares a watermark.
    pub(crate) event_time: Option<EventTimeDef>,
    pub(crate) on_error: OnError,
    /// `max-drift` in microseconds, where it is given.
    pub(crate) drift_max: Option<i64>,
    /// Where rows that are left out are kept, where any are.
    pub(crate) letters: Option<LetterOptions>,
    /// `bounded`, where it is given.
    pub(crate) bounded: Option<bool>,
    /// `flush-at-end`.
    pub(crate) flush_at_end: bool,
    /// The statement that declared it, for SHOW CREATE TABLE.
    pub(crate) text: String,
    /// Its options as declared, for whoever lists them.
    pub(crate) options: BTreeMap<String, String>,
}

/// A column of a table.
#[derive(Debug)]
pub(crate) struct TableColumn {
    pub(crate) field: FieldRef,
    /// How it is computed from physical columns; `None`: it is one.
    pub(crate) computed: Option<Expr>,
    /// The same as it is declared, for DESCRIBE; empty for physical columns.
    pub(crate) text: String,
}

impl TableColumn {
    /// A physical column.
    pub(crate) fn physical(field: &FieldRef) -> Self {
        Self { field: Arc::clone(field), computed: None, text: String::new() }
    }
}

/// An event time.
#[derive(Debug)]
pub(crate) struct EventTimeDef {
    /// The time column, an index into [`Table::columns`]: a TIMESTAMP, or a BIGINT of milliseconds
    /// since 1970.
    pub(crate) column: usize,
    /// The watermark a row stands for, over the table's columns; the time column is a timestamp
    /// there.
    pub(crate) watermark: Expr,
    /// `allowed-lateness` in microseconds.
    pub(crate) lateness: i64,
    /// The same as it is declared, for DESCRIBE.
    pub(crate) text: String,
}

impl Table {
    /// Checks a declaration. `text` is the whole script, `span` the statement's bytes.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn declare(
        planner: &Planner<'_>,
        text: &str,
        span: Range<usize>,
        create: &CreateTable,
        connectors: &dyn Connectors,
    ) -> Result<Self> {
        let physical: Vec<Field> = create
            .columns
            .iter()
            .filter_map(|column| match &column.kind {
                ColumnKind::Physical { data_type, nullable } => {
                    Some(Field::new(&column.name.value, data_type.clone(), *nullable))
                }
                ColumnKind::Computed(_) => None,
            })
            .collect();
        let inferred = physical.is_empty();
        let physical = Arc::new(Schema::new(physical));
        let declared = create.options.iter();
        let declared =
            declared.map(|(key, option)| (key.clone(), option.value.value.clone())).collect();
        let options = options::read(create, &physical, connectors)?;
        let spec =
            TableSpec { name: create.name.value.clone(), schema: physical, options: options.own };
        let spec = match (inferred, create.options.get(SAMPLE_ROWS)) {
            (true, _) => planner.files.infer(&spec).map_err(|e| options::refused(e, create))?,
            (false, None) => spec,
            (false, Some(option)) => {
                return Err(SqlError::new("the columns of this table are declared, not inferred")
                    .at(option.key_span.clone())
                    .help(format!("leave out '{SAMPLE_ROWS}', or the columns")));
            }
        };
        let columns = columns(planner, text, create, &spec.schema, inferred)?;
        let schema =
            Arc::new(Schema::new(columns.iter().map(|c| Arc::clone(&c.field)).collect::<Vec<_>>()));
        let event_time = match &create.watermark {
            Some(watermark) => {
                let time = event_time(planner, text, watermark, &schema)?;
                Some(EventTimeDef { lateness: options.lateness, ..time })
            }
            None => None,
        };
        connectors.check(&spec).map_err(|error| options::refused(error, create))?;
        let table = Self {
            spec,
            columns,
            schema,
            event_time,
            on_error: options.on_error,
            drift_max: options.drift_max,
            letters: options.letters,
            bounded: options.bounded,
            flush_at_end: options.flush_at_end,
            text: text.get(span).unwrap_or_default().trim().to_owned(),
            options: declared,
        };
        if let Some(letters) = &table.letters {
            table.check_letters(letters, create, connectors)?;
        }
        Ok(table)
    }

    /// Checks that rows which are left out can be kept.
    fn check_letters(
        &self,
        letters: &LetterOptions,
        create: &CreateTable,
        connectors: &dyn Connectors,
    ) -> Result<()> {
        let source = connectors.source(&self.spec);
        let source = source.map_err(|error| options::refused(error, create))?;
        if !source.has_records() {
            let message = OptionError {
                key: Some("dead-letter.path".into()),
                message: format!("the rows of {} are not read from records", source.describe()),
                help: Some("only a record can be kept as a dead letter; skip or drop them".into()),
            };
            return Err(options::refused(message, create));
        }
        let sink = connectors.sink(&self.letters_spec(letters));
        let key =
            |error: OptionError| OptionError { key: Some("dead-letter.path".into()), ..error };
        sink.map(drop).map_err(|error| options::refused(key(error), create))
    }

    /// What the connector of dead letters is told.
    fn letters_spec(&self, letters: &LetterOptions) -> TableSpec {
        let options = [("connector", "filesystem"), ("path", &*letters.path), ("format", "json")];
        TableSpec {
            name: self.spec.name.clone(),
            schema: Arc::new(Schema::empty()),
            options: options.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        }
    }

    /// Where its dead letters are written.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(crate) fn letters_sink(
        &self,
        letters: &LetterOptions,
        connectors: &dyn Connectors,
    ) -> Result<Arc<dyn Sink>> {
        connectors.sink(&self.letters_spec(letters)).map_err(|error| self.refused(error))
    }

    /// The table as a source.
    ///
    /// # Errors
    /// When its connector cannot read it.
    pub(crate) fn source(&self, connectors: &dyn Connectors) -> Result<Arc<dyn Source>> {
        connectors.source(&self.spec).map_err(|error| self.refused(error))
    }

    /// The table as a sink.
    ///
    /// # Errors
    /// When its connector cannot write it.
    pub(crate) fn sink(&self, connectors: &dyn Connectors) -> Result<Arc<dyn Sink>> {
        connectors.sink(&self.spec).map_err(|error| self.refused(error))
    }

    fn refused(&self, error: OptionError) -> SqlError {
        let said = SqlError::new(format!("table `{}`: {}", self.spec.name, error.message));
        match error.help {
            Some(help) => said.help(help),
            None => said,
        }
    }
}

/// The columns of a declaration, computed ones typed.
fn columns(
    planner: &Planner<'_>,
    text: &str,
    create: &CreateTable,
    physical: &SchemaRef,
    inferred: bool,
) -> Result<Vec<TableColumn>> {
    let schema = df_schema(physical)?;
    let mut columns = Vec::with_capacity(create.columns.len());
    if inferred {
        columns.extend(physical.fields().iter().map(TableColumn::physical));
    }
    for column in &create.columns {
        let name = &column.name.value;
        if inferred && physical.index_of(name).is_ok() {
            return Err(SqlError::new(format!("the file has a column `{name}` already"))
                .at(column.name.span.clone())
                .help("give the computed column another name"));
        }
        columns.push(match &column.kind {
            ColumnKind::Physical { data_type, nullable } => {
                TableColumn::physical(&Arc::new(Field::new(name, data_type.clone(), *nullable)))
            }
            ColumnKind::Computed(tree) => {
                let (expr, data_type) = expression(planner, text, tree, &schema)
                    .map_err(|error| not_of_computed(error, create))?;
                TableColumn {
                    field: Arc::new(Field::new(name, data_type, true)),
                    computed: Some(expr),
                    text: tree.to_string(),
                }
            }
        });
    }
    Ok(columns)
}

/// A computed column may only read physical ones; says so where it names another computed one.
fn not_of_computed(error: SqlError, create: &CreateTable) -> SqlError {
    let computed = create.columns.iter().find(|column| {
        matches!(column.kind, ColumnKind::Computed(_))
            && error.message == format!("there is no column `{}`", column.name.value)
    });
    match computed {
        Some(column) => SqlError {
            message: format!("`{}` is a computed column", column.name.value),
            span: error.span,
            help: Some("a computed column may only use columns of the records".into()),
        },
        None => error,
    }
}

fn event_time(
    planner: &Planner<'_>,
    text: &str,
    declared: &Watermark,
    schema: &SchemaRef,
) -> Result<EventTimeDef> {
    let name = &declared.column;
    let Ok(column) = schema.index_of(&name.value) else {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let error = SqlError::new(format!("there is no column `{}`", name.value));
        let help = suggest_column(&name.value, names).unwrap_or_default();
        return Err(error.at(name.span.clone()).help(help));
    };
    let data_type = schema.field(column).data_type();
    if !matches!(data_type, DataType::Timestamp(..) | DataType::Int64) {
        return Err(SqlError::new(format!(
            "the time column `{}` is of type {}, not TIMESTAMP, and not BIGINT for milliseconds",
            name.value,
            sql_type(data_type)
        ))
        .at(name.span.clone())
        .help("declare it as TIMESTAMP(3), or compute one: t AS to_timestamp_millis(x)"));
    }
    let read = df_schema(&with_time(schema, column))?;
    let (watermark, data_type) = expression(planner, text, &declared.expr, &read)?;
    let place = span_bytes(text, declared.expr.span()).unwrap_or_else(|| declared.span.clone());
    if !matches!(data_type, DataType::Timestamp(..)) {
        return Err(SqlError::new(format!(
            "a watermark is of type TIMESTAMP, not {}",
            sql_type(&data_type)
        ))
        .at(place)
        .help(format!("such as {0} - INTERVAL '5' SECOND", name.value)));
    }
    if !watermark.column_refs().contains(&Column::new_unqualified(&name.value)) {
        return Err(SqlError::new(format!(
            "the watermark does not depend on its time column `{}`",
            name.value
        ))
        .at(place)
        .help(format!("such as {0} - INTERVAL '5' SECOND", name.value)));
    }
    Ok(EventTimeDef { column, watermark, lateness: 0, text: declared.expr.to_string() })
}

/// The columns as a watermark reads them: milliseconds in a BIGINT are a time there.
fn with_time(schema: &SchemaRef, column: usize) -> SchemaRef {
    let mut fields = schema.fields().to_vec();
    if fields[column].data_type() == &DataType::Int64 {
        fields[column] = Arc::new(fields[column].as_ref().clone().with_data_type(MILLIS));
    }
    Arc::new(Schema::new(fields))
}

/// Plans an expression of a declaration and works out its type.
fn expression(
    planner: &Planner<'_>,
    text: &str,
    tree: &ast::Expr,
    schema: &Arc<DFSchema>,
) -> Result<(Expr, DataType)> {
    let place = |error: SqlError| match span_bytes(text, tree.span()) {
        Some(span) => error.at(span),
        None => error,
    };
    let expr = planner.expression(text, tree, schema).map_err(place)?;
    let data_type = expr.get_type(schema).map_err(|error| place(diagnose(&error, text, None)))?;
    Ok((expr, data_type))
}

fn df_schema(schema: &SchemaRef) -> Result<Arc<DFSchema>> {
    DFSchema::from_unqualified_fields(schema.fields().clone(), Default::default())
        .map(Arc::new)
        .map_err(|error| diagnose(&error, "", None))
}

/// A table as DataFusion's planner knows it.
#[derive(Debug)]
pub(crate) struct TableScanSource(pub(crate) Arc<Table>);

impl TableSource for TableScanSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }
}

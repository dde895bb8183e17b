//! Reading a table: which columns are decoded, which are computed, and its event time.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::DFSchema;
use datafusion_expr::{Expr, TableScan};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column as ColumnExpr;
use datafusion_physical_expr::utils::collect_columns;
use turgo_engine::graph::{
    Column, Distribution, EventTimeSpec, Input, Instances, OperatorSpec, Output, PLACES, Scan,
};

use super::rows::{LogicalColumn, Rows, cast, field, physical_expr};
use super::{Draft, Lowering};
use crate::catalog::{EventTimeDef, Table, TableScanSource};
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};
use crate::plan::window::MILLIS;

impl Lowering<'_> {
    /// A table. Columns that only the watermark needs come behind the plan's own.
    pub(super) fn scan(&mut self, scan: &TableScan) -> Result<Rows> {
        let Some(table) = scan.source.downcast_ref::<TableScanSource>() else {
            return Err(SqlError::new(format!("`{}` is no table of ours", scan.table_name)));
        };
        let table = &table.0;
        let wanted = match &scan.projection {
            Some(projection) => projection.clone(),
            None => (0..table.columns.len()).collect(),
        };
        let mut leaving = wanted.clone();
        if let Some(time) = &table.event_time {
            for column in watermark_columns(table, time.column, &time.watermark) {
                if !leaving.contains(&column) {
                    leaving.push(column);
                }
            }
        }
        let projection = decoded(table, &leaving);
        let physical: Vec<FieldRef> = projection
            .iter()
            .map(|column| Arc::new(table.spec.schema.field(*column).clone()))
            .collect();
        let physical = unqualified(physical)?;
        let mut columns = leaving
            .iter()
            .map(|column| {
                let column = &table.columns[*column];
                let expr = match &column.computed {
                    Some(expr) => expr.clone(),
                    None => Expr::Column(datafusion_common::Column::new_unqualified(
                        column.field.name(),
                    )),
                };
                Ok(Column {
                    expr: physical_expr(&expr, &physical)?,
                    field: field(column.field.name(), column.field.data_type()),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let event_time = match &table.event_time {
            Some(time) => {
                let at = leaving.iter().position(|column| *column == time.column);
                let at = at.expect("the time column was added above");
                Some(event_time(&mut columns, at, time)?)
            }
            None => None,
        };
        let lateness = event_time.as_ref().map(|time| time.lateness);
        let fields: Vec<FieldRef> =
            columns.iter().map(|column| Arc::clone(&column.field)).collect();
        let source = table.source(self.request.connectors)?;
        let bounded = bounded(table, source.bounded())?;
        let letters = self.letters(table)?;
        let input = Input::Source(Scan {
            table: table.spec.name.clone(),
            source,
            projection,
            columns,
            event_time,
            on_error: table.on_error,
            drift_max: table.drift_max.unwrap_or(self.request.drift_max),
            letters,
            flush_at_end: table.flush_at_end,
            places: self.placed.then(|| self.scans()),
        });
        let columns = (0..wanted.len())
            .map(|at| LogicalColumn { at: Some(at), ..LogicalColumn::default() })
            .collect();
        let stage = self.open(Instances::Workers, input);
        let rows = Rows { lateness, ..Rows::new(stage, fields, columns, bounded) };
        Ok(self.placed_rows(rows))
    }

    /// How many tables are read so far.
    pub(super) fn scans(&self) -> u32 {
        let sources = self.stages.iter().filter(|stage| matches!(stage.input, Input::Source(_)));
        u32::try_from(sources.count()).expect("a query reads fewer than 2^32 tables")
    }

    /// Rows of a table, with their places where they are wanted.
    pub(super) fn placed_rows(&self, mut rows: Rows) -> Rows {
        if self.placed {
            let first = rows.fields.len();
            rows.fields.extend(PLACES.map(|name| field(name, &DataType::UInt64)));
            rows.places = Some([first, first + 1]);
        }
        rows
    }
}

impl Lowering<'_> {
    /// Makes column `column` of stage `stage` the event time of the tables it comes from unchanged,
    /// where they declare none: a row without a time is a bad row of its table, to be treated as
    /// the table says. A filter on the column decides for itself what becomes of NULLs.
    pub(super) fn require_time(&mut self, stage: usize, mut column: usize) {
        for operator in self.stages[stage].operators.iter().rev() {
            match operator {
                OperatorSpec::Project(columns) => {
                    match columns[column].expr.downcast_ref::<ColumnExpr>() {
                        Some(plain) => column = plain.index(),
                        None => return,
                    }
                }
                OperatorSpec::Filter(condition) if !reads(condition, column) => {}
                _ => return,
            }
        }
        if let Input::Source(scan) = &mut self.stages[stage].input {
            scan.event_time.get_or_insert(EventTimeSpec { column, watermark: None, lateness: 0 });
            return;
        }
        let forwards = |draft: &Draft| {
            matches!(&draft.output, Some(Output::Exchange { to, distribution: Distribution::Forward })
                if *to == stage)
        };
        let before: Vec<usize> =
            (0..stage).filter(|before| forwards(&self.stages[*before])).collect();
        for before in before {
            self.require_time(before, column);
        }
    }
}

/// The event time in column `at`, which is added as a timestamp where it is a number of
/// milliseconds. The watermark calls it by the name of the column.
fn event_time(
    columns: &mut Vec<Column>,
    at: usize,
    declared: &EventTimeDef,
) -> Result<EventTimeSpec> {
    let mut names: Vec<FieldRef> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
    let mut time = at;
    if names[at].data_type() == &DataType::Int64 {
        let millis = cast(Arc::clone(&columns[at].expr), &names[at], &MILLIS);
        time = columns.len();
        names.push(Arc::clone(&millis.field));
        names[at] = Arc::new(names[at].as_ref().clone().with_name("its milliseconds"));
        columns.push(millis);
    }
    let watermark = Some(physical_expr(&declared.watermark, &unqualified(names)?)?);
    Ok(EventTimeSpec { column: time, watermark, lateness: declared.lateness })
}

fn reads(expr: &Arc<dyn PhysicalExpr>, column: usize) -> bool {
    collect_columns(expr).iter().any(|read| read.index() == column)
}

/// Whether a query treats the table as one that ends; `ends`: it does.
fn bounded(table: &Table, ends: bool) -> Result<bool> {
    match table.bounded {
        Some(true) if !ends => {
            let message = format!("table `{}` is 'bounded', but never ends", table.spec.name);
            Err(SqlError::new(message).help("give it a number of rows, or leave 'bounded' out"))
        }
        declared => Ok(ends && declared != Some(false)),
    }
}

/// The table's columns a watermark needs: the time column first.
fn watermark_columns(table: &Table, time: usize, watermark: &Expr) -> Vec<usize> {
    let named = |column: &&datafusion_common::Column| {
        table.columns.iter().position(|c| c.field.name() == column.name())
    };
    let mut refs: Vec<_> = watermark.column_refs().iter().filter_map(named).collect();
    refs.sort_unstable();
    std::iter::once(time).chain(refs).collect()
}

/// The physical columns, ascending, from which `leaving` can be computed.
fn decoded(table: &Table, leaving: &[usize]) -> Vec<usize> {
    let mut needed = BTreeSet::new();
    for column in leaving {
        let column = &table.columns[*column];
        match &column.computed {
            Some(expr) => {
                let names = expr.column_refs();
                needed.extend(
                    names.iter().filter_map(|name| table.spec.schema.index_of(name.name()).ok()),
                );
            }
            None => needed.extend(table.spec.schema.index_of(column.field.name()).ok()),
        }
    }
    needed.into_iter().collect()
}

fn unqualified(fields: Vec<Arc<Field>>) -> Result<DFSchema> {
    DFSchema::from_unqualified_fields(fields.into(), Default::default())
        .map_err(|error| diagnose(&error, "", None))
}

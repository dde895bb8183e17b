//! Grouped aggregation: what bounds its groups in time, how rows reach the owner of their key, and
//! when results leave.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion_expr::{Aggregate as LogicalAggregate, Expr};
use turgo_engine::graph::{Aggregate, Distribution, Input, Instances, OperatorSpec, Output, Panes};
use turgo_engine::operator::aggregate_partial::STATE_KEYS_AT;

use super::call::{Calls, order_sensitive};
use super::rows::{
    Changelog, LogicalColumn, Part, Picked, RowWindow, RowWindowKind, Rows, field, plain_column,
    plain_type,
};
use super::{Lowering, Place};
use crate::error::{Result, SqlError};
use crate::plan::window::COLUMNS;
use crate::statement::Emit;

/// A grouping column.
enum Group {
    /// A key, a column of [`Aggregate::keys`].
    Key(usize),
    /// A column of the window.
    Window(Part),
}

impl Lowering<'_> {
    /// An aggregation, DISTINCT included.
    pub(super) fn aggregate(&mut self, rows: Rows, plan: &LogicalAggregate) -> Result<Rows> {
        let schema = plan.input.schema();
        if let Some(changelog) = &rows.changelog {
            return Err(changelog.refused("an aggregate or DISTINCT"));
        }
        if plan.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
            return Err(SqlError::new("GROUPING SETS, ROLLUP and CUBE are not there yet"));
        }
        let mut parts: Vec<_> = plan
            .group_expr
            .iter()
            .map(|expr| plain_column(expr, schema).and_then(|index| rows.columns[index].part))
            .collect();
        if !tell_windows_apart(&parts, rows.window.as_ref()) {
            parts.fill(None);
        }
        let windowed = parts.iter().any(Option::is_some);
        let changes = self.emits_changes(&rows, windowed)?;
        let rows = self.assign_if_read(rows, plan, &parts, changes, windowed)?;
        let bounded = rows.bounded;
        let lateness = if windowed && !changes { rows.lateness.unwrap_or(0) } else { 0 };

        let mut input = Picked::default();
        let mut groups = Vec::with_capacity(plan.group_expr.len());
        let mut keys = Vec::new();
        for (index, (expr, part)) in plan.group_expr.iter().zip(&parts).enumerate() {
            groups.push(match part {
                Some(part) => Group::Window(*part),
                None => {
                    let name = plan.schema.field(index);
                    let expr = rows.expr(expr, schema)?;
                    let key = plain_type(expr, field(name.name(), name.data_type()));
                    keys.push(input.add(key.expr, key.field));
                    Group::Key(keys.len() - 1)
                }
            });
        }
        let panes = if windowed { self.panes(&rows, &mut input) } else { Panes::Whole };
        let mut calls = Calls::default();
        for (index, expr) in plan.aggr_expr.iter().enumerate() {
            let result = plan.schema.field(plan.group_expr.len() + index);
            calls.add(expr, result, schema, &rows, &mut input)?;
        }
        let input_fields = input.fields();
        let input_schema = Arc::new(Schema::new(input_fields.clone()));
        let calls = calls.finish(&input_schema)?;
        let fields = output_fields(&keys, &panes, &input_fields, calls.iter().map(|c| &c.field));
        let aggregate = Arc::new(Aggregate {
            input: input_schema,
            keys,
            panes,
            lateness,
            calls,
            output: Arc::new(Schema::new(fields.clone())),
        });
        check_lateness(&aggregate)?;
        self.push_project(rows.stage, input.columns);
        let (stage, place) = self.distribute(rows.stage, &aggregate, changes)?;
        let kind = rows.window.as_ref().map(RowWindow::kind);
        let mut result = laid_out(stage, fields, &groups, &aggregate, kind, bounded);
        result.lateness = rows.lateness;
        let late = lateness > 0;
        if (changes || late) && !aggregate.calls.is_empty() {
            result.changelog = Some(Changelog {
                aggregates: vec![place],
                keys: Some(aggregate.keys.len() + usize::from(windowed)),
                before: late,
                late,
            });
        }
        Ok(result)
    }

    /// Whether an aggregate over `rows` emits with every row, or once.
    fn emits_changes(&self, rows: &Rows, windowed: bool) -> Result<bool> {
        match self.request.emit {
            Some(Emit::Changes(_)) => Ok(true),
            None => Ok(!rows.bounded && !windowed),
            Some(Emit::Final) if rows.bounded || windowed => Ok(false),
            Some(Emit::Final) => Err(SqlError::new(
                "EMIT FINAL over an input that does not end would never emit: nothing bounds its \
                 groups",
            )
            .help("group by a window, such as TUMBLE(ts, INTERVAL '1' MINUTE), or EMIT CHANGES")),
        }
    }

    /// Assigns the window where panes cannot take its place (L2).
    fn assign_if_read(
        &mut self,
        rows: Rows,
        plan: &LogicalAggregate,
        parts: &[Option<Part>],
        changes: bool,
        windowed: bool,
    ) -> Result<Rows> {
        if changes
            && let Some(RowWindowKind::Session(_)) = rows.window.as_ref().map(RowWindow::kind)
        {
            return Err(SqlError::new("EMIT CHANGES over SESSION is not there yet")
                .help("write EMIT FINAL, or use TUMBLE, HOP or CUMULATE"));
        }
        let schema = plan.input.schema();
        let computed = plan.group_expr.iter().zip(parts).filter(|(_, part)| part.is_none());
        let read = computed
            .map(|(expr, _)| expr)
            .chain(&plan.aggr_expr)
            .any(|expr| rows.reads_pending(expr, schema));
        // Without its columns among the groups a hopping window still repeats rows.
        if read || changes || !windowed { self.with_window_columns(rows) } else { Ok(rows) }
    }

    /// The panes of a windowed aggregate, and their columns in its input.
    fn panes(&mut self, rows: &Rows, input: &mut Picked) -> Panes {
        let mut add = |at: usize| {
            let (expr, field) = rows.at(at);
            input.add(expr, field)
        };
        match &rows.window {
            Some(RowWindow::Pending { time, kind }) => match *kind {
                RowWindowKind::Fixed(windows) => Panes::Time { column: add(*time), windows },
                RowWindowKind::Session(sessions) => Panes::Session { column: add(*time), sessions },
            },
            Some(RowWindow::Attached { start, end, assigns, .. }) => {
                let panes = Panes::Attached { start: add(*start), end: add(*end) };
                self.drop_late(assigns);
                panes
            }
            None => Panes::Whole,
        }
    }

    /// Lets windows leave out the rows that are late for them.
    fn drop_late(&mut self, assigns: &[Place]) {
        for (stage, place) in assigns {
            if let OperatorSpec::AssignWindows { drop_late, .. } =
                &mut self.stages[*stage].operators[*place]
            {
                *drop_late = true;
            }
        }
    }

    /// Brings rows or partial states to the owner of their key, by the table of the design.
    fn distribute(
        &mut self,
        from: usize,
        aggregate: &Arc<Aggregate>,
        changes: bool,
    ) -> Result<(usize, Place)> {
        let shared = || Arc::clone(aggregate);
        let ordered = aggregate.calls.iter().any(|call| order_sensitive(&call.function));
        if ordered {
            self.keep_order(from);
        }
        let merged = !changes && !ordered;
        let instances = match aggregate.keys.is_empty() {
            true => Instances::One,
            false => Instances::Workers,
        };
        let (schema, keys, owner) = if merged {
            self.push(from, OperatorSpec::PartialAggregate(shared()));
            let keys = (STATE_KEYS_AT..STATE_KEYS_AT + aggregate.keys.len()).collect();
            (state_schema(aggregate)?, keys, OperatorSpec::FinalAggregate(shared()))
        } else {
            let owner = if changes {
                let every = match self.request.emit {
                    Some(Emit::Changes(every)) => every,
                    Some(Emit::Final) | None => None,
                };
                OperatorSpec::ChangesAggregate { aggregate: shared(), before: false, every }
            } else {
                OperatorSpec::RowAggregate(shared())
            };
            (Arc::clone(&aggregate.input), aggregate.keys.clone(), owner)
        };
        let to = self.open(instances, Input::Exchange);
        let distribution = match instances {
            Instances::One => Distribution::One,
            Instances::Workers => Distribution::Hash { keys },
        };
        self.connect(from, schema, to, distribution);
        let place = self.push(to, owner);
        Ok((to, place))
    }

    /// Lets one instance carry the rows that end at `stage`, so that those of a file stay in order.
    fn keep_order(&mut self, stage: usize) {
        self.stages[stage].instances = Instances::One;
        for before in 0..stage {
            if matches!(self.stages[before].output, Some(Output::Exchange { to, .. }) if to == stage)
            {
                self.keep_order(before);
            }
        }
    }
}

/// Checks that windows of the kind can be emitted again, and what is computed in them, where late rows
/// are allowed.
fn check_lateness(aggregate: &Aggregate) -> Result<()> {
    if aggregate.lateness == 0 {
        return Ok(());
    }
    if let Panes::Session { .. } = aggregate.panes {
        return Err(late_refused("SESSION"));
    }
    match aggregate.calls.iter().find(|call| order_sensitive(&call.function)) {
        Some(call) => Err(late_refused(&format!("{}, which depends on order,", call.function))),
        None => Ok(()),
    }
}

/// The error of `what` over rows that may be late.
pub(super) fn late_refused(what: &str) -> SqlError {
    SqlError::new(format!("{what} over a table with 'allowed-lateness' is not there yet"))
        .help("leave 'allowed-lateness' out, or let the WATERMARK wait so much longer in its place")
}

/// Whether rows in different windows differ in the window's columns among the groups: of windows that
/// start together, the start does not say which one it is, and of the sessions of different keys
/// neither the start nor the end alone.
fn tell_windows_apart(parts: &[Option<Part>], window: Option<&RowWindow>) -> bool {
    let start = parts.contains(&Some(Part::Start));
    let end = parts.contains(&Some(Part::End)) || parts.contains(&Some(Part::Time));
    match window {
        Some(RowWindow::Attached { kind: RowWindowKind::Session(_), .. }) => start && end,
        // A key has one session at a time, and what they are partitioned by is among the groups.
        Some(RowWindow::Pending { kind: RowWindowKind::Session(_), .. }) | None => true,
        Some(window) => match window.kind() {
            RowWindowKind::Fixed(windows) if windows.cumulates() => end,
            RowWindowKind::Fixed(_) | RowWindowKind::Session(_) => true,
        },
    }
}

/// The columns that leave an aggregate: keys, window, calls.
fn output_fields<'a>(
    keys: &[usize],
    panes: &Panes,
    input: &[FieldRef],
    calls: impl Iterator<Item = &'a FieldRef>,
) -> Vec<FieldRef> {
    let time = match panes {
        Panes::Whole => None,
        Panes::Time { column, .. } | Panes::Session { column, .. } => Some(*column),
        Panes::Attached { start, .. } => Some(*start),
    };
    let window =
        time.into_iter().flat_map(|time| COLUMNS.map(|name| field(name, input[time].data_type())));
    let keys = keys.iter().map(|key| Arc::clone(&input[*key]));
    keys.chain(window).chain(calls.cloned()).collect()
}

/// How the plan's columns lie in those that leave an aggregate.
fn laid_out(
    stage: usize,
    fields: Vec<FieldRef>,
    groups: &[Group],
    aggregate: &Aggregate,
    kind: Option<RowWindowKind>,
    bounded: bool,
) -> Rows {
    let keys = aggregate.keys.len();
    let mut columns: Vec<LogicalColumn> = groups
        .iter()
        .map(|group| match group {
            Group::Key(key) => LogicalColumn { at: Some(*key), part: None, key: Some(*key) },
            Group::Window(part) => LogicalColumn {
                at: Some(keys + *part as usize),
                part: Some(*part),
                key: Some(keys),
            },
        })
        .collect();
    let window = kind.filter(|_| aggregate.panes != Panes::Whole).map(|kind| RowWindow::Attached {
        start: keys,
        end: keys + 1,
        kind,
        assigns: vec![],
    });
    let first = fields.len() - aggregate.calls.len();
    columns.extend((first..fields.len()).map(|at| LogicalColumn {
        at: Some(at),
        part: None,
        key: None,
    }));
    Rows { window, ..Rows::new(stage, fields, columns, bounded) }
}

/// The columns of the partial states of `aggregate`.
fn state_schema(aggregate: &Arc<Aggregate>) -> Result<SchemaRef> {
    turgo_engine::operator::aggregate_partial::state_schema(aggregate)
        .map_err(|error| SqlError::new(error.to_string()))
}

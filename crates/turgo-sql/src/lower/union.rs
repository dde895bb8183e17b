//! UNION ALL: the rows of several queries, one after the other or mixed.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion_expr::Union;
use turgo_engine::graph::{Column, Distribution, Input, Instances, PLACES};

use super::Lowering;
use super::rows::{Changelog, LogicalColumn, Picked, RowWindow, RowWindowKind, Rows, field};
use crate::error::Result;

impl Lowering<'_> {
    /// Lowers each input, brings all into the same columns and forwards them into one stage.
    pub(super) fn union(&mut self, union: &Union) -> Result<Rows> {
        let mut inputs = Vec::with_capacity(union.inputs.len());
        for input in &union.inputs {
            let rows = self.node(input)?;
            inputs.push(self.with_window_columns(rows)?);
        }
        let kind = same_windows(&inputs);
        let windowed = kind.is_some();
        let names = union.schema.fields();
        let mut fields: Vec<_> =
            names.iter().map(|name| field(name.name(), name.data_type())).collect();
        let width = fields.len();
        if windowed && let Some(RowWindow::Attached { start, end, .. }) = &inputs[0].window {
            fields.push(Arc::clone(&inputs[0].fields[*start]));
            fields.push(Arc::clone(&inputs[0].fields[*end]));
        }
        let placed = inputs.iter().all(|rows| rows.places.is_some());
        let places = placed.then(|| [fields.len(), fields.len() + 1]);
        if placed {
            fields.extend(PLACES.map(|name| field(name, &DataType::UInt64)));
        }
        let schema = Arc::new(Schema::new(fields.clone()));
        let to = self.open(Instances::Workers, Input::Exchange);
        let mut columns: Vec<LogicalColumn> = (0..width)
            .map(|at| LogicalColumn { at: Some(at), part: inputs[0].columns[at].part, key: None })
            .collect();
        let (mut assigned, mut aggregates) = (Vec::new(), Vec::new());
        let logs: Vec<_> = inputs.iter().filter_map(|rows| rows.changelog.as_ref()).collect();
        let (changelog, late) = (!logs.is_empty(), logs.iter().all(|log| log.late));
        let bounded = inputs.iter().all(|rows| rows.bounded);
        // Windows are emitted when the watermarks of all tables have passed them.
        let lateness = inputs.iter().filter_map(|rows| rows.lateness).min();
        for rows in inputs {
            let mut picked = Picked::default();
            for (index, column) in columns.iter_mut().enumerate() {
                let expr = rows.column(index).0;
                picked.columns.push(Column { expr, field: Arc::clone(&fields[index]) });
                if !windowed || column.part != rows.columns[index].part {
                    column.part = None;
                }
            }
            if let Some(RowWindow::Attached { start, end, assigns, .. }) = &rows.window {
                assigned.extend(assigns.iter().copied());
                for (at, place) in
                    [(start, width), (end, width + 1)].into_iter().filter(|_| windowed)
                {
                    let field = Arc::clone(&fields[place]);
                    picked.columns.push(Column { expr: rows.at(*at).0, field });
                }
            }
            for (place, at) in places.into_iter().flatten().zip(rows.places.into_iter().flatten()) {
                let field = Arc::clone(&fields[place]);
                picked.columns.push(Column { expr: rows.at(at).0, field });
            }
            if let Some(log) = &rows.changelog {
                aggregates.extend(log.aggregates.iter().copied());
            }
            self.push_project(rows.stage, picked.columns);
            self.connect(rows.stage, Arc::clone(&schema), to, Distribution::Forward);
        }
        let window = kind.map(|kind| RowWindow::Attached {
            start: width,
            end: width + 1,
            kind,
            assigns: assigned,
        });
        // The keys of one input say nothing about the rows of another.
        let changelog =
            changelog.then_some(Changelog { aggregates, keys: None, before: false, late });
        Ok(Rows { stage: to, fields, columns, window, places, bounded, lateness, changelog })
    }
}

/// The windows that all rows carry, if they are the same, in columns of one type: two windows that
/// start together may end apart.
fn same_windows(inputs: &[Rows]) -> Option<RowWindowKind> {
    let mut all = inputs.iter().map(|rows| match &rows.window {
        Some(RowWindow::Attached { start, kind, .. }) => {
            Some((*kind, rows.fields[*start].data_type()))
        }
        _ => None,
    });
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first.0)
}

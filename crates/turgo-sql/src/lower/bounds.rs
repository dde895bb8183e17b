//! Which rows of a table a query can do without, as far as single columns and constants say it.
//!
//! The conditions of the first filters behind a scan are looked at while they are asked of plain rows
//! and cannot fail: a row that does not meet them has no effect but being counted. What is not
//! understood here only means that more is read.

use std::ops::Bound as End;
use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion_expr::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{
    BinaryExpr, Column as ColumnExpr, InListExpr, IsNotNullExpr, Literal,
};
use turgo_engine::graph::{Input, Scan};
use turgo_engine::need::{Bound, Need, TimeNeed};

use super::Draft;
use crate::explain::sql;

impl Draft {
    /// Notes what `condition`, which cannot fail and is the next to be asked, says of the table's rows.
    pub(super) fn bound(&mut self, condition: &Arc<dyn PhysicalExpr>) {
        if self.bounding == self.operators.len()
            && let Input::Source(scan) = &self.input
        {
            self.bounds.extend(bounds(condition, scan));
            self.bounding += 1;
        }
    }

    /// Narrows the table to what is read of it.
    pub(super) fn narrow(&mut self) {
        let Input::Source(scan) = &mut self.input else { return };
        let mut need = Need { projection: scan.projection.clone(), ..Need::default() };
        // A computed column or a watermark may fail for a row, which is then a bad one.
        let plain = (0..scan.columns.len()).all(|column| physical(scan, column).is_some());
        let behind = scan.watermark_bound();
        let time = scan.event_time.as_ref();
        let simple = time.is_none_or(|time| time.watermark.is_none() || behind.is_some());
        if plain && simple {
            need.bounds = std::mem::take(&mut self.bounds);
            need.event_time = time
                .and_then(|time| physical(scan, time.column))
                .map(|column| TimeNeed { column, behind });
        }
        if let Some(source) = scan.source.narrow(&need) {
            scan.source = source;
        }
    }
}

/// The physical column that column `column` of a scan is, unless it is computed.
fn physical(scan: &Scan, column: usize) -> Option<usize> {
    let decoded = scan.columns.get(column)?.expr.downcast_ref::<ColumnExpr>()?;
    scan.projection.get(decoded.index()).copied()
}

/// Bounds that all hold where `condition` does.
fn bounds(condition: &Arc<dyn PhysicalExpr>, scan: &Scan) -> Vec<Bound> {
    if let Some(binary) = condition.downcast_ref::<BinaryExpr>() {
        let sides = || [binary.left(), binary.right()].map(|side| bounds(side, scan));
        match binary.op() {
            Operator::And => return sides().concat(),
            Operator::Or => return either(sides(), condition),
            _ => {}
        }
    }
    let bound = ranges(condition, scan).map(|(column, ranges)| Bound {
        column,
        ranges,
        text: sql(condition),
    });
    bound.into_iter().collect()
}

/// Bounds that hold where those of one side do, of columns that both sides bound.
fn either([left, right]: [Vec<Bound>; 2], condition: &Arc<dyn PhysicalExpr>) -> Vec<Bound> {
    let mut all = Vec::new();
    for bound in left {
        for other in right.iter().filter(|other| other.column == bound.column) {
            let ranges = [bound.ranges.as_slice(), &other.ranges].concat();
            all.push(Bound { column: bound.column, ranges, text: sql(condition) });
        }
    }
    all
}

/// The column that a condition is about, and the ranges its value lies in.
#[expect(clippy::type_complexity, reason = "it is the fields of a `Bound`")]
fn ranges(
    condition: &Arc<dyn PhysicalExpr>,
    scan: &Scan,
) -> Option<(usize, Vec<(End<ArrayRef>, End<ArrayRef>)>)> {
    if let Some(present) = condition.downcast_ref::<IsNotNullExpr>() {
        return Some((column(present.arg(), scan)?, vec![(End::Unbounded, End::Unbounded)]));
    }
    if let Some(list) = condition.downcast_ref::<InListExpr>().filter(|list| !list.negated()) {
        let column = column(list.expr(), scan)?;
        let equal = |value| Some(End::Included(constant(value, column, scan)?));
        let range = |value| Some((equal(value)?, equal(value)?));
        return Some((column, list.list().iter().map(range).collect::<Option<_>>()?));
    }
    let compared = condition.downcast_ref::<BinaryExpr>()?;
    let (left, right) = (compared.left(), compared.right());
    let (column, value, op) = match column(left, scan) {
        Some(column) => (column, constant(right, column, scan)?, *compared.op()),
        None => {
            let column = column(right, scan)?;
            (column, constant(left, column, scan)?, compared.op().swap()?)
        }
    };
    let range = match op {
        Operator::Eq => (End::Included(Arc::clone(&value)), End::Included(value)),
        Operator::Lt => (End::Unbounded, End::Excluded(value)),
        Operator::LtEq => (End::Unbounded, End::Included(value)),
        Operator::Gt => (End::Excluded(value), End::Unbounded),
        Operator::GtEq => (End::Included(value), End::Unbounded),
        _ => return None,
    };
    Some((column, vec![range]))
}

/// The physical column that `expr` is, where it is just one.
fn column(expr: &Arc<dyn PhysicalExpr>, scan: &Scan) -> Option<usize> {
    physical(scan, expr.downcast_ref::<ColumnExpr>()?.index())
}

/// The value of `expr` where it is a constant of physical column `column`'s type, and not NULL.
fn constant(expr: &Arc<dyn PhysicalExpr>, column: usize, scan: &Scan) -> Option<ArrayRef> {
    let value = expr.downcast_ref::<Literal>()?.value();
    let schema = scan.source.schema();
    let comparable = !value.is_null() && value.data_type() == *schema.field(column).data_type();
    value.to_array().ok().filter(|_| comparable)
}

//! The naive interpreter: a query over a table's records, row by row, in the most obvious way.
//!
//! It knows what a batch engine cannot: which rows are late, and what becomes of each record.
//!
//! - A row of a file stands under the largest `time - bound` of the good rows before it in that
//!   file, less the allowed lateness; other files do not matter.
//! - A row is late for a window whose end is not above the watermark it stands under, and for OVER
//!   where its time is below it.
//! - Each record of each scan ends as exactly one of used, late, filtered, rejected.

mod over;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use crate::aggregate::{aggregate, sum_may_overflow};
use crate::evaluate::{Trouble, evaluate, holds};
use crate::model::{Answer, Case, Counts, Emit, LeftOut, Record, Table, Value, Verdict, time_step};
use crate::query::{
    Body, Call, Expr, From, Function, GroupWindow, Item, Named, Pace, Query, Scope, Select,
    WINDOW_COLUMNS, Window,
};

/// What `case` must answer.
pub(crate) fn interpret(case: &Case) -> Verdict {
    let table = table_scope(&case.table);
    let mut run = Run { case, table: &table, scans: Vec::new(), may_fail: false };
    match run.query(&case.query) {
        Err(Trouble(why)) => Verdict::Fails(why),
        Ok(mut rows) => {
            for row in &mut rows {
                run.settle(row, Fate::Used { late_partial: false });
            }
            if case.emit == Emit::Changes && run.global_over_nothing() {
                rows.clear();
            }
            let answer = Answer {
                columns: case.query.scope(&table).into_iter().map(|named| named.ty).collect(),
                rows: rows.into_iter().map(|row| row.values).collect(),
                scans: run.scans.iter().map(|scan| counts(scan)).collect(),
                left_out: run.scans.iter().flat_map(|scan| left_out(scan)).collect(),
            };
            Verdict::Answers { answer, may_fail: run.may_fail }
        }
    }
}

/// The columns of the declared table.
pub(crate) fn table_scope(table: &Table) -> Scope {
    let named =
        |column: &crate::model::Column| Named { name: column.name.clone(), ty: column.ty.clone() };
    table.columns.iter().map(named).collect()
}

/// A row on its way.
#[derive(Debug, Clone)]
struct Row {
    values: Vec<Value>,
    /// The watermark it stands under.
    under: i64,
    /// The scan and the record it is, until it has been accounted for.
    record: Option<(usize, usize)>,
}

/// A group's key (keys, then window columns) and the results of the calls.
type Group = (Vec<Value>, Vec<Value>);

/// What became of a record.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Unknown,
    Rejected,
    Filtered,
    Late,
    Used { late_partial: bool },
}

struct Run<'a> {
    case: &'a Case,
    table: &'a [Named],
    scans: Vec<Vec<Fate>>,
    may_fail: bool,
}

impl Run<'_> {
    fn query(&mut self, query: &Query) -> Result<Vec<Row>, Trouble> {
        match query {
            Query::Select(select) => self.select(select),
            Query::Union { branches, distinct } => {
                let mut rows = Vec::new();
                for branch in branches {
                    rows.extend(self.query(branch)?);
                }
                Ok(if *distinct { self.distinct(rows) } else { rows })
            }
        }
    }

    fn select(&mut self, select: &Select) -> Result<Vec<Row>, Trouble> {
        let scope = select.from.scope(self.table);
        let rows = match (&select.from, &select.filter) {
            // A filter that does not ask for the window belongs before it: what it drops is
            // filtered, not late.
            (From::Window(window), Some(filter)) => {
                let input = window.input.scope(self.table);
                let mut rows = self.from(&window.input)?;
                let on_windows = filter.mentions_after(input.len());
                if !on_windows {
                    rows = self.filter(rows, filter, &input)?;
                }
                rows = self.windows(window, rows, &select.body)?;
                if on_windows { self.filter(rows, filter, &scope)? } else { rows }
            }
            (From::Window(window), None) => {
                let rows = self.from(&window.input)?;
                self.windows(window, rows, &select.body)?
            }
            (from, Some(filter)) => {
                let rows = self.from(from)?;
                self.filter(rows, filter, &scope)?
            }
            (from, None) => self.from(from)?,
        };
        match &select.body {
            Body::Rows { items, distinct } => self.rows(rows, items, *distinct, &scope),
            Body::Over { items, time, partition, calls } => {
                self.over(rows, items, *time, partition, calls, &scope)
            }
            Body::Groups { keys, window, calls, having, keys_shown, .. } => {
                let groups = self.groups(rows, keys, *window, calls, &scope)?;
                let shown = select.scope(self.table);
                if let (true, Some(having)) = (self.case.changes(), having) {
                    // It is asked of every version of a group, and here only of the last.
                    self.may_fail |= having.can_fail(&shown);
                }
                let mut kept = Vec::new();
                for (key, results) in groups {
                    let hidden = if *keys_shown { 0 } else { keys.len() };
                    let values: Vec<Value> = key.into_iter().skip(hidden).chain(results).collect();
                    if having.as_ref().map_or(Ok(true), |having| keeps(having, &shown, &values))? {
                        kept.push(Row { values, under: i64::MIN, record: None });
                    }
                }
                Ok(kept)
            }
        }
    }

    fn from(&mut self, from: &From) -> Result<Vec<Row>, Trouble> {
        match from {
            From::Table => self.scan(),
            From::Query { query, .. } => self.query(query),
            From::Window(_) => panic!("a window over a window goes through a query"),
        }
    }

    fn scan(&mut self) -> Result<Vec<Row>, Trouble> {
        let table = &self.case.table;
        let scan = self.scans.len();
        let mut fates = Vec::new();
        let mut rows = Vec::new();
        for file in &table.files {
            let mut watermark = i64::MIN;
            for record in file {
                let index = fates.len();
                let time = match (record, table.bound) {
                    (Record::Bad(_), _) => None,
                    (Record::Good(values), None) => Some((values, i64::MIN)),
                    (Record::Good(values), Some(bound)) => match values[table.time] {
                        Value::Time(time) => Some((values, time - bound - table.lateness)),
                        _ => None,
                    },
                };
                let Some((values, promise)) = time else {
                    if !table.skip_bad {
                        return Err(Trouble("a bad row".into()));
                    }
                    fates.push(Fate::Rejected);
                    continue;
                };
                fates.push(Fate::Unknown);
                let record = Some((scan, index));
                rows.push(Row { values: values.clone(), under: watermark, record });
                watermark = watermark.max(promise);
            }
        }
        self.scans.push(fates);
        Ok(rows)
    }

    fn filter(
        &mut self,
        rows: Vec<Row>,
        filter: &Expr,
        scope: &[Named],
    ) -> Result<Vec<Row>, Trouble> {
        let mut kept = Vec::new();
        for mut row in rows {
            if keeps(filter, scope, &row.values)? {
                kept.push(row);
            } else {
                self.settle(&mut row, Fate::Filtered);
            }
        }
        Ok(kept)
    }

    /// Repeats each row for each of its windows, without those it is late for where they count.
    fn windows(
        &mut self,
        window: &Window,
        rows: Vec<Row>,
        body: &Body,
    ) -> Result<Vec<Row>, Trouble> {
        let scope = window.input.scope(self.table);
        let crate::model::Type::Timestamp(digits) = scope[window.time].ty else {
            panic!("windows over a column that is not a time");
        };
        if window.pace == Pace::Session {
            return self.sessions(window, rows, body, &scope, digits);
        }
        let mut out = Vec::new();
        for mut row in rows {
            let time = time_of(&row, window)?;
            let mut spans = spans(window, time);
            let all = spans.len();
            if window.drops_late {
                spans.retain(|(_, end)| *end > row.under);
            }
            if spans.is_empty() && fails_on(body, &scope, &row.values) {
                // Whether its arguments are computed before it is dropped is nobody's promise.
                self.may_fail = true;
            }
            let fate = match (all, spans.len()) {
                (0, _) => Fate::Filtered,
                (_, 0) => Fate::Late,
                (all, kept) => Fate::Used { late_partial: kept < all },
            };
            // A row that one window only labels can be late for a later one.
            let labelled = window.tumbles() && !window.drops_late;
            if !labelled {
                self.settle(&mut row, fate);
            }
            for (start, end) in spans {
                let mut copy = row.clone();
                let times = [start, end, end - time_step(digits)];
                copy.values.extend(times.map(Value::Time));
                out.push(copy);
            }
        }
        Ok(out)
    }

    fn rows(
        &mut self,
        rows: Vec<Row>,
        items: &[Item],
        distinct: bool,
        scope: &[Named],
    ) -> Result<Vec<Row>, Trouble> {
        let mut out = Vec::new();
        for row in rows {
            let values = items
                .iter()
                .map(|item| evaluate(&item.expr, scope, &row.values))
                .collect::<Result<Vec<_>, _>>()?;
            out.push(Row { values, ..row });
        }
        Ok(if distinct { self.distinct(out) } else { out })
    }

    /// Each of `rows` once.
    fn distinct(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        let mut seen = BTreeSet::new();
        for row in &mut rows {
            self.settle(row, Fate::Used { late_partial: false });
        }
        rows.retain(|row| seen.insert(row.values.clone()));
        rows
    }

    /// The groups of `rows`.
    fn groups(
        &mut self,
        rows: Vec<Row>,
        keys: &[Item],
        window: GroupWindow,
        calls: &[Call],
        scope: &[Named],
    ) -> Result<Vec<Group>, Trouble> {
        let mut groups: BTreeMap<Vec<Value>, Vec<Vec<Value>>> = BTreeMap::new();
        if keys.is_empty() && window == GroupWindow::No {
            groups.insert(Vec::new(), vec![Vec::new(); calls.len()]);
        }
        for mut row in rows {
            self.settle(&mut row, Fate::Used { late_partial: false });
            let mut key = keys
                .iter()
                .map(|key| evaluate(&key.expr, scope, &row.values))
                .collect::<Result<Vec<_>, _>>()?;
            let first = scope.len().saturating_sub(WINDOW_COLUMNS.len());
            key.extend_from_slice(&row.values[first..][..window.names().len()]);
            let group = groups.entry(key).or_insert_with(|| vec![Vec::new(); calls.len()]);
            for (call, values) in calls.iter().zip(group) {
                values.extend(argument(call, scope, &row.values)?);
            }
        }
        let mut results = Vec::new();
        for (key, values) in groups {
            let mut result = Vec::new();
            for (call, values) in calls.iter().zip(values) {
                let ty = call.argument.as_ref().map(|argument| argument.ty(scope));
                if self.case.changes()
                    && matches!(call.function, Function::Sum | Function::SumDistinct)
                {
                    self.may_fail |= ty.as_ref().is_some_and(|ty| sum_may_overflow(ty, &values));
                }
                result.push(aggregate(call.function, ty.as_ref(), &values)?);
            }
            results.push((key, result));
        }
        Ok(results)
    }

    /// Accounts for a record, once.
    fn settle(&mut self, row: &mut Row, fate: Fate) {
        if let Some((scan, record)) = row.record.take() {
            let slot = &mut self.scans[scan][record];
            assert!(matches!(slot, Fate::Unknown), "a record is accounted for once");
            *slot = fate;
        }
    }

    /// An aggregate without keys over no rows: a changelog of it is empty, while its final answer
    /// is one row.
    fn global_over_nothing(&self) -> bool {
        let Query::Select(select) = &self.case.query else { return false };
        let Body::Groups { keys, window, .. } = &select.body else { return false };
        keys.is_empty()
            && *window == GroupWindow::No
            && !self.scans.iter().flatten().any(|fate| matches!(fate, Fate::Used { .. }))
    }
}

/// The time of a row for its windows.
fn time_of(row: &Row, window: &Window) -> Result<i64, Trouble> {
    time_of_column(row, window.time)
}

/// The time in a column.
fn time_of_column(row: &Row, column: usize) -> Result<i64, Trouble> {
    match row.values[column] {
        Value::Time(time) => Ok(time),
        _ => Err(Trouble("a NULL time belongs to no window".into())),
    }
}

/// Start and end of each window that holds `time`.
fn spans(window: &Window, time: i64) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    match window.pace {
        Pace::Slide(slide) => {
            let mut start = time.div_euclid(slide) * slide;
            while start + window.size > time {
                spans.push((start, start + window.size));
                start -= slide;
            }
        }
        Pace::Step(step) => {
            let start = time.div_euclid(window.size) * window.size;
            let mut end = start + step;
            while end <= start + window.size {
                if end > time {
                    spans.push((start, end));
                }
                end += step;
            }
        }
        Pace::Session => panic!("sessions depend on other rows"),
    }
    spans
}

fn counts(fates: &[Fate]) -> Counts {
    let mut counts = Counts { rows_in: fates.len() as u64, ..Counts::default() };
    for fate in fates {
        match fate {
            Fate::Unknown => panic!("a record was forgotten"),
            Fate::Rejected => counts.rejected += 1,
            Fate::Filtered => counts.filtered += 1,
            Fate::Late => counts.late += 1,
            Fate::Used { late_partial } => {
                counts.used += 1;
                counts.late_partial += u64::from(*late_partial);
            }
        }
    }
    counts
}

fn left_out(fates: &[Fate]) -> Vec<(LeftOut, usize)> {
    let why = |(record, fate): (usize, &Fate)| match fate {
        Fate::Rejected => Some((LeftOut::Bad, record)),
        Fate::Late => Some((LeftOut::Late, record)),
        _ => None,
    };
    fates.iter().enumerate().filter_map(why).collect()
}

/// Whether computing the keys or arguments of `body` fails for a row without window columns.
fn fails_on(body: &Body, scope: &[Named], row: &[Value]) -> bool {
    let Body::Groups { keys, calls, .. } = body else { return false };
    keys.iter().any(|key| evaluate(&key.expr, scope, row).is_err())
        || calls.iter().any(|call| argument(call, scope, row).is_err())
}

/// What a row adds to the values of `call`: nothing where FILTER leaves it out, and then nothing is
/// computed.
fn argument(call: &Call, scope: &[Named], row: &[Value]) -> Result<Option<Value>, Trouble> {
    if let Some(filter) = &call.filter
        && !holds(filter, scope, row)?
    {
        return Ok(None);
    }
    let value = call.argument.as_ref().map_or(Ok(Value::Null), |expr| evaluate(expr, scope, row));
    value.map(Some)
}

/// Whether a WHERE or HAVING keeps a row: the conditions that cannot fail are asked first, each
/// other one in its turn and only of a row that all before it have kept.
fn keeps(filter: &Expr, scope: &[Named], row: &[Value]) -> Result<bool, Trouble> {
    let mut conditions = filter.conditions();
    conditions.sort_by_key(|condition| condition.can_fail(scope));
    for condition in conditions {
        if !holds(condition, scope, row)? {
            return Ok(false);
        }
    }
    Ok(true)
}

//! OVER: each row looks back at the rows of its key, in the order of time, then of their places.

use std::collections::BTreeMap;

use super::{Fate, Row, Run, argument, time_of_column};
use crate::aggregate::aggregate;
use crate::evaluate::{Trouble, evaluate};
use crate::model::Value;
use crate::query::{Expr, Item, Named, OverCall};

impl Run<'_> {
    /// The rows that are not behind their watermark, each with the results of `calls`.
    pub(super) fn over(
        &mut self,
        rows: Vec<Row>,
        items: &[Item],
        time: usize,
        partition: &[Expr],
        calls: &[OverCall],
        scope: &[Named],
    ) -> Result<Vec<Row>, Trouble> {
        let mut keys: BTreeMap<Vec<Value>, Vec<(i64, Row)>> = BTreeMap::new();
        for mut row in rows {
            let at = time_of_column(&row, time)?;
            if at < row.under {
                self.settle(&mut row, Fate::Late);
                continue;
            }
            self.settle(&mut row, Fate::Used { late_partial: false });
            let key = partition.iter().map(|expr| evaluate(expr, scope, &row.values));
            keys.entry(key.collect::<Result<_, _>>()?).or_default().push((at, row));
        }
        let mut out = Vec::new();
        for mut rows in keys.into_values() {
            // Rows of one time stay in the order of their places.
            rows.sort_by_key(|(at, _)| *at);
            let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
            for last in 0..rows.len() {
                let row = &rows[last];
                let items = items.iter().map(|item| evaluate(&item.expr, scope, &row.values));
                let mut values: Vec<Value> = items.collect::<Result<_, _>>()?;
                for call in calls {
                    values.push(look_back(call, &rows[..=last], scope)?);
                }
                out.push(Row { values, ..row.clone() });
            }
        }
        Ok(out)
    }
}

/// What `call` sees from the last of `rows`.
fn look_back(call: &OverCall, rows: &[Row], scope: &[Named]) -> Result<Value, Trouble> {
    let frame = |length: &Option<usize>| {
        let length = length.unwrap_or(rows.len()).min(rows.len());
        &rows[rows.len() - length..]
    };
    match call {
        OverCall::Aggregate(call, length) => {
            let mut values = Vec::new();
            for row in frame(length) {
                values.extend(argument(call, scope, &row.values)?);
            }
            let ty = call.argument.as_ref().map(|argument| argument.ty(scope));
            aggregate(call.function, ty.as_ref(), &values)
        }
        OverCall::First(column, length, _) => Ok(frame(length)[0].values[*column].clone()),
        OverCall::Lag(column, back, _) => {
            let before = rows.len().checked_sub(1 + back);
            Ok(before.map_or(Value::Null, |at| rows[at].values[*column].clone()))
        }
    }
}

//! Sessions: gaps and islands among the rows of a partition that are not late.

use std::collections::BTreeMap;

use super::{Fate, Row, Run, fails_on, time_of};
use crate::evaluate::{Trouble, evaluate};
use crate::model::{Value, time_step};
use crate::query::{Body, Named, Window};

impl Run<'_> {
    /// The rows that are not late, each with the session it is in. `digits` are those of the time.
    pub(super) fn sessions(
        &mut self,
        window: &Window,
        rows: Vec<Row>,
        body: &Body,
        scope: &[Named],
        digits: u8,
    ) -> Result<Vec<Row>, Trouble> {
        let mut partitions: BTreeMap<Vec<Value>, Vec<(i64, Row)>> = BTreeMap::new();
        for mut row in rows {
            let time = time_of(&row, window)?;
            if time + window.size <= row.under {
                // Whether its arguments are computed before it is dropped is nobody's promise.
                self.may_fail |= fails_on(body, scope, &row.values);
                self.settle(&mut row, Fate::Late);
                continue;
            }
            self.settle(&mut row, Fate::Used { late_partial: false });
            let key = window.partition.iter().map(|expr| evaluate(expr, scope, &row.values));
            partitions.entry(key.collect::<Result<_, _>>()?).or_default().push((time, row));
        }
        let mut out = Vec::new();
        for mut rows in partitions.into_values() {
            rows.sort_by_key(|(time, _)| *time);
            for session in rows.chunk_by(|(a, _), (b, _)| b - a <= window.size) {
                let (start, end) = (session[0].0, session[session.len() - 1].0 + window.size);
                for (_, row) in session {
                    let mut row = row.clone();
                    let times = [start, end, end - time_step(digits)];
                    row.values.extend(times.map(Value::Time));
                    out.push(row);
                }
            }
        }
        Ok(out)
    }
}

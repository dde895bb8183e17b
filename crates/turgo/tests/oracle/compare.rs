//! Whether two answers are the same, and what a changelog comes to.
//!
//! Rows are compared sorted: doubles to 1e-9 of the larger one (and of one, near zero), everything
//! else exactly. Of a changelog, the sequence of each key must be valid and the folded final state
//! is the answer.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::model::{Case, Op, Value};
use crate::query::{Body, GroupWindow, Query};

/// How far two doubles may be apart, relative to the larger.
const DOUBLE_TOLERANCE: f64 = 1e-9;

/// Checks that `got` holds the rows of `expected`, in any order.
pub(crate) fn same_rows(expected: &[Vec<Value>], got: &[Vec<Value>]) -> Result<(), String> {
    let expected = sorted(expected);
    let got = sorted(got);
    let first = expected.iter().zip(&got).position(|(a, b)| !same_row(a, b));
    match first {
        Some(row) => Err(format!(
            "row {row} of {} and {} sorted rows differs\nexpected {:?}\ngot      {:?}",
            expected.len(),
            got.len(),
            expected[row],
            got[row]
        )),
        None if expected.len() != got.len() => {
            let shorter = expected.len().min(got.len());
            Err(format!(
                "expected {} rows, got {}; the first without a partner: {:?}",
                expected.len(),
                got.len(),
                expected.get(shorter).or(got.get(shorter))
            ))
        }
        None => Ok(()),
    }
}

/// Sorted by everything that is exact first, so that doubles in doubt do not move rows.
fn sorted(rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let inexact = |value: &&Value| matches!(value, Value::Double(_));
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| {
        let exact = a.iter().filter(|v| !inexact(v)).cmp(b.iter().filter(|v| !inexact(v)));
        exact.then_with(|| a.cmp(b))
    });
    rows
}

fn same_row(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => {
            let scale = a.abs().max(b.abs()).max(1.0);
            a == b || (a - b).abs() <= DOUBLE_TOLERANCE * scale
        }
        (Value::Decimal(_, s), Value::Decimal(_, t)) if s != t => false,
        (Value::Row(a), Value::Row(b)) => same_row(a, b),
        (a, b) => a.cmp(b) == Ordering::Equal,
    }
}

/// How the rows of a changelog are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Every row stands for itself and is only inserted.
    Inserts,
    /// By the first columns, so many of them: a new version replaces the old one.
    Key(usize),
    /// By all columns: an old version is taken back in full.
    Whole,
}

/// What identifies the rows of `case`'s results.
pub(crate) fn identity(case: &Case) -> Identity {
    let Query::Select(select) = &case.query else { return Identity::Inserts };
    match &select.body {
        _ if !case.changes() => Identity::Inserts,
        Body::Rows { .. } | Body::Over { .. } => Identity::Inserts,
        Body::Groups { keys, keys_shown: false, .. } if !keys.is_empty() => Identity::Whole,
        // The start of a window is enough to tell it: the rest of the key follows from it.
        Body::Groups { keys, window, .. } => Identity::Key(
            keys.len()
                + match window {
                    GroupWindow::No => 0,
                    window => window.names().len(),
                },
        ),
    }
}

/// The final state of a changelog.
///
/// # Errors
/// When the sequence of a key is not `+I`, then updates, then perhaps `-D`, then perhaps again.
pub(crate) fn fold(
    changes: &[(Op, Vec<Value>)],
    identity: &Identity,
) -> Result<Vec<Vec<Value>>, String> {
    match identity {
        Identity::Inserts => changes
            .iter()
            .map(|(op, row)| match op {
                Op::Insert => Ok(row.clone()),
                other => Err(format!("{other:?} of {row:?} where rows are only inserted")),
            })
            .collect(),
        Identity::Key(columns) => fold_by_key(changes, *columns),
        Identity::Whole => fold_whole(changes),
    }
}

/// The state of one key.
#[derive(Debug, Clone)]
enum Version {
    Absent,
    Present(Vec<Value>),
    /// Taken back; its successor must follow.
    Between,
}

fn fold_by_key(changes: &[(Op, Vec<Value>)], columns: usize) -> Result<Vec<Vec<Value>>, String> {
    let mut versions: BTreeMap<&[Value], Version> = BTreeMap::new();
    for (op, row) in changes {
        let version = versions.entry(&row[..columns]).or_insert(Version::Absent);
        *version = match (op, &*version) {
            (Op::Insert, Version::Absent)
            | (Op::UpdateAfter, Version::Present(_) | Version::Between) => {
                Version::Present(row.clone())
            }
            (Op::UpdateBefore, Version::Present(old)) if same_row(old, row) => Version::Between,
            (Op::Delete, Version::Present(_)) => Version::Absent,
            (op, version) => return Err(format!("{op:?} of {row:?} after {version:?}")),
        };
    }
    let mut rows = Vec::new();
    for version in versions.into_values() {
        match version {
            Version::Absent => {}
            Version::Present(row) => rows.push(row),
            Version::Between => return Err("the changelog ends between -U and +U".into()),
        }
    }
    Ok(rows)
}

fn fold_whole(changes: &[(Op, Vec<Value>)]) -> Result<Vec<Vec<Value>>, String> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for (op, row) in changes {
        match op {
            Op::Insert | Op::UpdateAfter => rows.push(row.clone()),
            Op::UpdateBefore | Op::Delete => {
                let found = rows.iter().rposition(|held| same_row(held, row));
                let found =
                    found.ok_or_else(|| format!("{op:?} of {row:?}, which is not there"))?;
                rows.swap_remove(found);
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: i128, value: i128) -> Vec<Value> {
        vec![Value::Int(key), Value::Int(value)]
    }

    #[test]
    fn a_changelog_folds_to_the_last_version_of_each_key() {
        let changes = [
            (Op::Insert, row(1, 10)),
            (Op::Insert, row(2, 20)),
            (Op::UpdateBefore, row(1, 10)),
            (Op::UpdateAfter, row(1, 11)),
            (Op::UpdateAfter, row(2, 21)),
            (Op::Delete, row(2, 21)),
        ];
        assert_eq!(fold(&changes, &Identity::Key(1)), Ok(vec![row(1, 11)]));
    }

    #[test]
    fn an_invalid_sequence_is_found() {
        let invalid: [&[(Op, Vec<Value>)]; 6] = [
            &[(Op::UpdateAfter, row(1, 1))],
            &[(Op::Insert, row(1, 1)), (Op::Insert, row(1, 2))],
            &[(Op::Insert, row(1, 1)), (Op::UpdateBefore, row(1, 2))],
            &[(Op::Insert, row(1, 1)), (Op::UpdateBefore, row(1, 1))],
            &[(Op::Delete, row(1, 1))],
            &[(Op::Insert, row(1, 1)), (Op::UpdateBefore, row(1, 1)), (Op::Delete, row(1, 1))],
        ];
        for changes in invalid {
            assert!(fold(changes, &Identity::Key(1)).is_err(), "{changes:?}");
        }
        assert!(fold(&[(Op::Delete, row(1, 1))], &Identity::Whole).is_err());
        assert!(fold(&[(Op::UpdateAfter, row(1, 1))], &Identity::Inserts).is_err());
    }

    #[test]
    fn only_doubles_have_a_tolerance() {
        let double = |value: f64| vec![vec![Value::Double(value)]];
        assert!(same_rows(&double(1e12), &double(1e12 + 0.5)).is_ok());
        assert!(same_rows(&double(1.0), &double(1.000_000_1)).is_err());
        assert!(same_rows(&[row(1, 1)], &[row(1, 2)]).is_err());
        assert!(same_rows(&[row(1, 1)], &[row(1, 1), row(1, 1)]).is_err());
        let scaled = |digits, scale| vec![vec![Value::Decimal(digits, scale)]];
        assert!(same_rows(&scaled(10, 1), &scaled(100, 2)).is_err(), "another type");
    }
}

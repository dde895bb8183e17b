//! Intervals of more than one unit: `INTERVAL '1 10:30:00' DAY TO SECOND`.
//!
//! DataFusion reads intervals of one unit and spelled-out ones. The compound ones of the standard
//! are spelled out here: `INTERVAL '1 DAY 10 HOUR 30 MINUTE 00 SECOND'`.

use datafusion_sql::sqlparser::ast::{DateTimeField, Expr, Interval, Value};

use crate::error::{Result, SqlError};

const YEARS: [DateTimeField; 2] = [DateTimeField::Year, DateTimeField::Month];
const DAYS: [DateTimeField; 4] =
    [DateTimeField::Day, DateTimeField::Hour, DateTimeField::Minute, DateTimeField::Second];

/// Spells out `interval` if it has two units. The error has no place.
pub(in crate::parse) fn spell_out(interval: &mut Interval) -> Result<()> {
    let (Some(first), Some(last)) = (&interval.leading_field, &interval.last_field) else {
        return Ok(());
    };
    let units = units(first, last).ok_or_else(|| {
        SqlError::new(format!("there is no interval {first} TO {last}"))
            .help("write YEAR TO MONTH, or two of DAY, HOUR, MINUTE and SECOND in this order")
    })?;
    let Expr::Value(value) = interval.value.as_mut() else {
        return Err(SqlError::new(format!("an interval {first} TO {last} needs a string")));
    };
    let Value::SingleQuotedString(text) = &mut value.value else {
        return Err(SqlError::new(format!("an interval {first} TO {last} needs a string")));
    };
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.trim()),
    };
    let parts: Vec<&str> = digits.split([' ', ':', '-']).collect();
    let numbers = parts.iter().all(|part| part.parse::<f64>().is_ok_and(|n| n >= 0.0));
    if parts.len() != units.len() || !numbers {
        let message = format!("`{text}` is not an interval {first} TO {last}");
        let example = if units[0] == DateTimeField::Year { "'1-6'" } else { "'1 12:30:00'" };
        return Err(SqlError::new(message).help(format!(
            "write one number for each of {}, as in {example}",
            units.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        )));
    }
    let spelled: Vec<String> =
        parts.iter().zip(units).map(|(part, unit)| format!("{sign}{part} {unit}")).collect();
    *text = spelled.join(" ");
    interval.leading_field = None;
    interval.last_field = None;
    Ok(())
}

/// The units from `first` to `last`.
fn units(first: &DateTimeField, last: &DateTimeField) -> Option<&'static [DateTimeField]> {
    [&YEARS[..], &DAYS[..]].into_iter().find_map(|fields| {
        let from = fields.iter().position(|field| field == first)?;
        let to = fields.iter().position(|field| field == last)?;
        (from < to).then(|| &fields[from..=to])
    })
}

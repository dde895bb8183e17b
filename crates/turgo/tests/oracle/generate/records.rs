//! Random records: values with NULLs and extremes, times with disorder, and bad rows.

use crate::model::{Format, Record, Table, Type, Value, time_step};
use crate::query::{Body, Expr, From, Query};
use crate::random::Random;

const TEXTS: [&str; 10] =
    ["", "a", "b", "c", "A", "ä", "日本語", "it's", "two words", "quote \" comma , back \\"];

/// A value without extremes, never NULL; few different ones, so that groups have several rows.
pub(super) fn ordinary(random: &mut Random, ty: &Type) -> Value {
    match ty {
        Type::Int | Type::BigInt => match random.percent(80) {
            true => Value::Int(random.between(-3, 4).into()),
            false => Value::Int(random.between(-1_000_000, 1_000_000).into()),
        },
        Type::Double => match random.percent(90) {
            // Exact in binary, so that the order of a sum changes nothing.
            true => Value::Double(random.between(-640, 6400) as f64 / 64.0),
            false => Value::Double(*random.pick(&[0.1, 0.25, 1e15, 12345.678])),
        },
        Type::Decimal(precision, scale) => {
            let limit = 10_i64.pow(u32::from(*precision).min(6)) - 1;
            let digits = match random.percent(70) {
                true => random.between(-5, 5) * limit / 10,
                false => random.between(-limit, limit),
            };
            Value::Decimal(digits.into(), *scale)
        }
        Type::Varchar => Value::Text((*random.pick(&TEXTS)).into()),
        Type::Boolean => Value::Bool(random.percent(50)),
        Type::Timestamp(digits) => {
            let step = time_step(*digits);
            Value::Time(random.between(-2_000_000, 1_900_000_000_000_000) / step * step)
        }
        Type::Row(fields) => {
            let field = |(_, ty): &(String, Type)| ordinary(random, ty);
            Value::Row(fields.iter().map(field).collect())
        }
    }
}

/// A value at an end of its type, where it has one.
fn extreme(random: &mut Random, ty: &Type) -> Value {
    match ty {
        Type::Int | Type::BigInt => {
            let (low, high) = ty.integer_range();
            Value::Int(*random.pick(&[low, low + 1, high - 1, high, 0]))
        }
        Type::Double => Value::Double(*random.pick(&[1e300, 5e-324, 1.797e308, 0.0])),
        Type::Decimal(precision, scale) => {
            let limit = crate::evaluate::ten_to(*precision) - 1;
            Value::Decimal(*random.pick(&[limit, -limit, 1, 0]), *scale)
        }
        Type::Varchar => match random.percent(50) {
            true => Value::Text("\u{1F600} e\u{301} \t\n\u{0}".replace('\0', "\u{1}")),
            false => Value::Text("long ".repeat(300)),
        },
        ty => ordinary(random, ty),
    }
}

fn value(random: &mut Random, ty: &Type, null_percent: usize, extremes: bool) -> Value {
    if random.percent(null_percent) {
        return Value::Null;
    }
    if let Type::Row(fields) = ty {
        let field = |(_, ty): &(String, Type)| value(random, ty, null_percent, extremes);
        return Value::Row(fields.iter().map(field).collect());
    }
    match extremes && random.percent(15) {
        true => extreme(random, ty),
        false => ordinary(random, ty),
    }
}

/// How far rows stray from the order of time.
struct Disorder {
    /// Share of rows that come late.
    percent: usize,
    /// By how much at most, in microseconds.
    most: i64,
}

/// Fills the files of `table` for `query`.
pub(super) fn fill(random: &mut Random, table: &mut Table, query: &Query, extremes: bool) {
    let digits = table.time_digits();
    let bound = table.bound.unwrap_or(0);
    let disorder = match random.below(5) {
        0 => Disorder { percent: 0, most: 0 },
        1 => Disorder { percent: 40, most: bound },
        _ => Disorder {
            percent: 30,
            most: bound + *random.pick(&[3_000_000, 20_000_000, 100_000_000]),
        },
    };
    let null_percent = *random.pick(&[0, 10, 40]);
    // Without a watermark it depends on the windows of the query whether a NULL time is a bad row;
    // `nulls.slt` holds what it comes to.
    let null_time_percent = if random.percent(25) && table.bound.is_some() { 3 } else { 0 };
    let bad_percent = if random.percent(if table.skip_bad { 50 } else { 10 }) { 5 } else { 0 };
    let epoch = *random.pick(&[1_705_312_800_000_000, -20_000_000, 2_147_483_640_000_000]);
    let apart = *random.pick(&[0, 0, 3_000_000, 86_400_000_000]);
    let pace = *random.pick(&[100_000, 1_000_000, 5_000_000, 20_000_000]);
    // Whole seconds meet the ends of windows, where lateness is decided.
    let grain = *random.pick(&[time_step(digits), 1_000_000, 1_000_000]);
    let rows_max = *random.pick(&[1, 8, 40, 120]);
    let wrong = wrong_typed(table, query);
    for file in 0..1 + random.below(5) {
        let mut clock = epoch + file as i64 * apart;
        let mut records = Vec::new();
        for _ in 0..random.below(rows_max + 1) {
            clock += random.between(0, 2 * pace);
            if random.percent(bad_percent) {
                records.push(Record::Bad(bad_line(random, table, wrong)));
                continue;
            }
            let back = match random.percent(disorder.percent) {
                true => random.between(0, disorder.most),
                false => 0,
            };
            let time = match random.percent(null_time_percent) {
                true => Value::Null,
                false => Value::Time((clock - back).div_euclid(grain) * grain),
            };
            let mut values: Vec<Value> = table
                .columns
                .iter()
                .map(|column| value(random, &column.ty, null_percent, extremes))
                .collect();
            values[table.time] = time;
            records.push(Record::Good(values));
        }
        table.files.push(records);
    }
}

/// A column of which a wrong value must be noticed: one that the query surely decodes.
fn wrong_typed(table: &Table, query: &Query) -> Option<usize> {
    if table.bound.is_some() {
        return Some(table.time);
    }
    let Query::Select(select) = query else { return None };
    let (From::Table, Body::Groups { calls, .. }) = (&select.from, &select.body) else {
        return None;
    };
    calls.iter().find_map(|call| match call.argument {
        Some(Expr::Column(column)) if !call.function.is_count() => Some(column),
        _ => None,
    })
}

/// A line that is no row of `table`; `wrong` is a column whose type matters.
fn bad_line(random: &mut Random, table: &Table, wrong: Option<usize>) -> String {
    if table.format == Format::Csv {
        let fields = table.columns.len();
        if let (Some(wrong), true) = (wrong, random.percent(40)) {
            let mut line = vec![""; fields];
            if !matches!(table.columns[wrong].ty, Type::Varchar) {
                line[wrong] = "yesterday";
                return line.join(",");
            }
        }
        return ",".repeat(if random.percent(50) { fields } else { fields - 2 });
    }
    if let (Some(wrong), true) = (wrong, random.percent(40)) {
        let name = &table.columns[wrong].name;
        return format!("{{\"{name}\": {{\"not\": [\"a\", \"value\"]}}}}");
    }
    let lines = [r#"{"ts":"#, "not json", "[1, 2]", "\"text\"", "{} {}", "{\"a\" 1}", "7", "null"];
    (*random.pick(&lines)).into()
}

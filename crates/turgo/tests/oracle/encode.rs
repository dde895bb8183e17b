//! Writes the records of a file as NDJSON or CSV, in the many ways a writer of such files may.
//!
//! The variations (order of keys, NULL as a missing key, `5.0` for `5`, duplicate keys, blank
//! lines, line ends) are chosen by the seed and never change what a record means.

use crate::model::{Column, Format, Record, Table, Type, Value};
use crate::random::Random;

/// A file, and what it is made of.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) text: String,
    /// The text of each record, without its line end.
    pub(crate) records: Vec<String>,
}

/// The files of `table`.
pub(crate) fn files(table: &Table, seed: u64) -> Vec<File> {
    let mut random = Random::new(seed ^ 0x656e_636f_6465);
    table.files.iter().map(|records| file(table, records, &mut random)).collect()
}

fn file(table: &Table, records: &[Record], random: &mut Random) -> File {
    let line_end = if random.percent(15) { "\r\n" } else { "\n" };
    let (mut text, mut texts) = (String::new(), Vec::new());
    if table.format == Format::Csv {
        let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        text.push_str(&names.join(","));
        text.push_str(line_end);
    }
    for record in records {
        let record = match (record, table.format) {
            (Record::Bad(line), Format::Json | Format::Csv) => line.clone(),
            (Record::Good(values), Format::Json) => object(&table.columns, values, random),
            (Record::Good(values), Format::Csv) => csv_line(&table.columns, values, random),
            (_, Format::Parquet) => panic!("Parquet is no text"),
        };
        text.push_str(&record);
        texts.push(record);
        text.push_str(line_end);
        if table.format == Format::Json && random.percent(3) {
            text.push_str(line_end);
        }
    }
    if !records.is_empty() && random.percent(20) {
        while text.ends_with(['\r', '\n']) {
            text.pop();
        }
    }
    File { text, records: texts }
}

fn object(columns: &[Column], values: &[Value], random: &mut Random) -> String {
    let mut members = Vec::new();
    for (column, value) in columns.iter().zip(values) {
        let key = serde_json::to_string(&column.name).expect("a string is JSON");
        if value.is_null() && random.percent(50) {
            continue;
        }
        members.push(format!("{key}:{}", json(&column.ty, value, random)));
    }
    if random.percent(10) {
        for index in (1..members.len()).rev() {
            members.swap(index, random.below(index + 1));
        }
    }
    if random.percent(5) {
        let extra = r#""unknown":{"a":[1,{"b":"}"}],"c":null}"#;
        members.insert(random.below(members.len() + 1), extra.into());
    }
    // The last of two members of one name counts.
    if random.percent(3) && !members.is_empty() {
        let again = members[random.below(members.len())].clone();
        members.push(again);
    }
    let separator = *random.pick(&[",", ", "]);
    format!("{{{}}}", members.join(separator))
}

fn json(ty: &Type, value: &Value, random: &mut Random) -> String {
    match (ty, value) {
        (_, Value::Null) => "null".into(),
        (_, Value::Int(number)) => match random.percent(5) && number.abs() < 1 << 40 {
            true => format!("{number}.0"),
            false => number.to_string(),
        },
        (_, Value::Double(number)) => format!("{number:?}"),
        (_, Value::Decimal(digits, scale)) => decimal(*digits, *scale),
        (_, Value::Text(text)) => serde_json::to_string(text).expect("a string is JSON"),
        (_, Value::Bool(truth)) => truth.to_string(),
        (Type::Timestamp(digits), Value::Time(time)) => match random.percent(20) {
            true => (time / crate::model::time_step(*digits)).to_string(),
            false => format!("\"{}\"", instant(*time, *digits, random)),
        },
        (Type::Row(fields), Value::Row(values)) => {
            let members: Vec<_> = fields
                .iter()
                .zip(values)
                .map(|((name, ty), value)| format!("\"{name}\":{}", json(ty, value, random)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        (ty, value) => panic!("{value:?} is not a {ty:?}"),
    }
}

fn csv_line(columns: &[Column], values: &[Value], random: &mut Random) -> String {
    let field = |(column, value): (&Column, &Value)| match value {
        Value::Null => String::new(),
        Value::Text(text) => {
            let special = text.is_empty() || text.contains([',', '"', '\n', '\r']);
            match special || random.percent(20) {
                true => format!("\"{}\"", text.replace('"', "\"\"")),
                false => text.clone(),
            }
        }
        Value::Time(time) => match column.ty {
            Type::Timestamp(digits) => instant(*time, digits, random),
            ref other => panic!("a time as {other:?}"),
        },
        Value::Int(number) => number.to_string(),
        other => json(&column.ty, other, random),
    };
    columns.iter().zip(values).map(field).collect::<Vec<_>>().join(",")
}

/// A decimal with all its digits.
pub(crate) fn decimal(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let digits = digits.unsigned_abs().to_string();
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{sign}{whole}.{fraction}")
}

/// An instant in one of the ways of ISO 8601.
fn instant(micros: i64, digits: u8, random: &mut Random) -> String {
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let separator = *random.pick(&['T', ' ']);
    let fraction = match digits {
        0 => String::new(),
        digits => {
            let all = format!("{micros:06}");
            format!(".{}", &all[..usize::from(digits)])
        }
    };
    let zone = if random.percent(20) { "Z" } else { "" };
    format!(
        "{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}{fraction}{zone}"
    )
}

/// The date `days` after 1970-01-01, found by walking years and months.
fn civil(days: i64) -> (i64, i64, i64) {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let (mut year, mut rest) = (1970, days);
    while rest < 0 {
        year -= 1;
        rest += 365 + i64::from(leap(year));
    }
    while rest >= 365 + i64::from(leap(year)) {
        rest -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while rest >= lengths[month] {
        rest -= lengths[month];
        month += 1;
    }
    (year, month as i64 + 1, rest + 1)
}

//! Reading NDJSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Fields, Float64Type, Int64Type, Schema, TimeUnit,
    TimestampMillisecondType,
};
use serde_json::value::RawValue;

use crate::{Random, columns, read};

const JSON: (&str, &str) = ("format", "json");

/// Reads one value between two good rows; the value as our own encoder would not show it.
fn value(data_type: &DataType, text: &str) -> Result<ArrayRef, String> {
    let schema = columns(&[("v", data_type.clone())]);
    let text = format!("{{}}\n{{\"v\":{text}}}\n{{\"v\":null}}\n");
    let content = read(text.as_bytes(), &schema, &[JSON]).unwrap();
    match content.rejected.as_slice() {
        [] => {
            assert_eq!(content.rows.num_rows(), 3);
            Ok(content.rows.column(0).slice(1, 1))
        }
        [rejected] => {
            assert_eq!((content.rows.num_rows(), rejected.at), (2, 3));
            assert_eq!(content.rows.column(0).null_count(), 2);
            Err(rejected.reason.clone())
        }
        more => panic!("{more:?}"),
    }
}

#[test]
fn values_are_read_exactly_or_refused() {
    use DataType as T;
    let long = T::Int64;
    let decimal = T::Decimal128(10, 2);
    let time = T::Timestamp(TimeUnit::Millisecond, None);
    let array = T::new_list(T::Int64, true);
    let row = T::Struct(Fields::from(vec![
        Field::new("a", T::Int64, true),
        Field::new("b", T::new_list(T::Utf8, false), true),
    ]));
    for (data_type, text, reason) in [
        (&long, "1.0", None),
        (&long, "1e3", None),
        (&long, "1.5", Some("1.5 is not a BIGINT: it has a fraction")),
        (&long, "\"1\"", Some("\"1\" is not a BIGINT")),
        (&long, "true", Some("true is not a BIGINT")),
        (
            &long,
            "9223372036854775808",
            Some("9223372036854775808 is not a BIGINT: it is out of range"),
        ),
        (&T::Int32, "2147483648", Some("2147483648 is not an INT: it is out of range")),
        (&T::Float64, "1e999", Some("1e999 is not a DOUBLE: it is out of range")),
        (&decimal, "12345678.90", None),
        (&decimal, "1.234", Some("1.234 is not a DECIMAL(10, 2): it has more fraction digits")),
        (&T::Utf8, "1", Some("1 is not a VARCHAR")),
        (&T::Utf8, "false", Some("false is not a VARCHAR")),
        (&T::Utf8View, "\"\\ud83d\\ude00\"", None),
        (&T::Boolean, "\"true\"", Some("\"true\" is not a BOOLEAN")),
        (&T::Binary, "\"AP8=\"", None),
        (&T::Binary, "\"00ff\\n\"", Some("\"00ff\\n\" is not a VARBINARY: expected base64")),
        (&T::Date32, "\"2024-02-30\"", Some("\"2024-02-30\" is not a DATE: there is no such day")),
        (&time, "1705312800000", None),
        (
            &time,
            "\"2024-01-15T10:00:00.0001\"",
            Some(
                "\"2024-01-15T10:00:00.0001\" is not a TIMESTAMP(3): its fraction is finer than the column's unit",
            ),
        ),
        (&array, "[1, 2,null]", None),
        (&array, "{}", Some("{} is not an ARRAY")),
        (&row, "{\"b\":[\"x\"],\"a\":1}", None),
        (&row, "[1]", Some("[1] is not a ROW")),
    ] {
        let expected = reason.map_or(Ok(()), |reason| Err(format!("column `v`: {reason}")));
        assert_eq!(value(data_type, text).map(drop), expected, "{text}");
    }
    let refused = |data_type: &DataType, text: &str| value(data_type, text).unwrap_err();
    assert_eq!(refused(&array, "[1,\"x\"]"), "column `v[1]`: \"x\" is not a BIGINT");
    assert_eq!(
        refused(&row, "{\"a\":1,\"b\":[\"x\",null]}"),
        "column `v.b[1]`: it is NULL and declared NOT NULL"
    );
    let rows = T::new_list(row, true);
    assert_eq!(refused(&rows, "[{},{\"a\":[]}]"), "column `v[1].a`: [] is not a BIGINT");
}

#[test]
fn lines_that_are_not_records_are_rejected_with_the_place() {
    let schema = columns(&[("v", DataType::Int64)]);
    for (line, reason) in [
        ("{\"v\":1,}", "invalid JSON at character 8: expected a string"),
        ("[1]", "invalid JSON at character 1: expected `{`: a record is an object"),
        ("{\"é\":x}", "invalid JSON at character 6: expected a value"),
        ("{\"v\":1", "invalid JSON at character 7: the line ends too early"),
        ("{\"v\":1} 2", "invalid JSON at character 9: expected the end of the line"),
        ("{\"unused\":[1 2],\"v\":1}", "invalid JSON at character 14: expected `,` or `]`"),
    ] {
        let content = read(format!("{{\"v\":1}}\n{line}").as_bytes(), &schema, &[JSON]).unwrap();
        assert_eq!(content.rejected[0].reason, reason);
        assert_eq!(content.rejected[0].raw, line.as_bytes());
        assert_eq!(content.rows.num_rows(), 1);
    }
    let content = read(b"{\"v\":\"\xff\"}\n{\"v\":2}\n", &schema, &[JSON]).unwrap();
    assert_eq!(content.rejected[0].reason, "invalid UTF-8 at byte 7 of the record");
    assert_eq!(content.rows.num_rows(), 1);
}

#[test]
fn a_not_null_column_refuses_null_and_keeps_its_neighbours() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Utf8, false),
        Field::new("b", DataType::Int64, true),
    ]));
    let text = b"{\"a\":\"x\",\"b\":1}\n{\"b\":2}\n{\"a\":null}\n{\"a\":null,\"a\":\"y\"}\n";
    let content = read(text, &schema, &[JSON]).unwrap();
    assert_eq!(content.rejected.len(), 2);
    assert_eq!(content.rejected[0].reason, "column `a`: it is NULL and declared NOT NULL");
    assert_eq!(content.rows.num_rows(), 2);
    assert_eq!(content.rows.column(0).as_string::<i32>().value(1), "y");
}

/// What a line means, by `serde_json` and plain arithmetic; `None`: it is rejected.
fn reference(line: &str) -> Option<[Option<String>; 5]> {
    let object: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).ok()?;
    let get = |key| object.get(key).map(|raw| raw.get()).filter(|raw| *raw != "null");
    let number = |raw: &str| raw.parse::<f64>().ok().filter(|_| !raw.contains(['n', 'i']));
    let string = |raw: &str| serde_json::from_str::<String>(raw).ok();
    let long = |raw: &str| match raw.parse::<i128>() {
        Ok(exact) => i64::try_from(exact).ok(),
        Err(_) => number(raw).filter(|v| v.fract() == 0.0 && v.abs() < 1e15).map(|v| v as i64),
    };
    let cents = |raw: &str| {
        let scaled = number(raw)? * 10_000.0;
        (scaled.abs() < 1e14 && scaled.round() % 100.0 == 0.0)
            .then(|| (scaled / 100.0).round() as i64)
    };
    let millis = |raw: &str| match string(raw) {
        None => long(raw),
        Some(text) => {
            let nanos = string_to_timestamp_nanos(&text).ok()?;
            (nanos % 1_000_000 == 0).then_some(nanos / 1_000_000)
        }
    };
    // The outer `None` rejects the row, the inner one is NULL.
    fn cell<T: ToString>(
        raw: Option<&str>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<String>> {
        match raw {
            None => Some(None),
            Some(raw) => read(raw).map(|value| Some(value.to_string())),
        }
    }
    Some([
        cell(get("long"), long)?,
        cell(get("dec"), cents)?,
        cell(get("text"), string)?,
        cell(get("time"), millis)?,
        cell(get("float"), number)?,
    ])
}

fn line(random: &mut Random) -> String {
    const VALUES: [&str; 28] = [
        "1",
        "-7",
        "0",
        "1.0",
        "1.5",
        "12e2",
        "5e-1",
        "1.23",
        "-0.001",
        "99999999999999999999",
        "9223372036854775807",
        "null",
        "true",
        "\"x\"",
        "\"é\\n\\u0041\"",
        "\"\"",
        "\"2024-01-15 10:00:00\"",
        "\"2024-01-15T10:00:00.5Z\"",
        "\"2024-02-29T23:59:59.999+02:00\"",
        "\"2023-02-29 00:00:00\"",
        "\"2024-01-15 10:00:00.0001\"",
        "[]",
        "{\"a\":[1,{}]}",
        "01",
        "-",
        "tru",
        "\"open",
        "[1,]",
    ];
    let keys = ["long", "dec", "text", "time", "float", "other"];
    let mut members = Vec::new();
    // Mostly values that fit, so that whole rows are good.
    let fitting: [&[&str]; 6] = [
        &["1", "-7", "1.0", "12e2"],
        &["1", "1.23", "-7"],
        &["\"x\"", "\"é\\n\\u0041\"", "\"\""],
        &["\"2024-01-15 10:00:00\"", "\"2024-02-29T23:59:59.999+02:00\"", "12e2"],
        &["1.5", "-0.001", "5e-1"],
        &["[]", "{\"a\":[1,{}]}", "true"],
    ];
    for (key, fitting) in keys.iter().zip(fitting) {
        let value = if random.below(12) == 0 { random.one(&VALUES) } else { random.one(fitting) };
        if random.below(8) > 0 {
            let space = random.one(&["", "", " ", "\t"]);
            members.push(format!("{space}\"{key}\"{space}:{space}{value}{space}"));
        }
    }
    if random.below(5) == 0 && !members.is_empty() {
        let moved = members.remove(random.below(members.len()));
        members.push(moved.clone());
        members.insert(0, moved);
    }
    let mut line = format!("{{{}}}", members.join(","));
    if random.below(15) == 0 {
        let at = line.floor_char_boundary(random.below(line.len() + 1));
        line.truncate(at);
    }
    line
}

#[test]
fn any_lines_are_read_as_the_reference_reads_them() {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let schema = columns(&[
        ("long", DataType::Int64),
        ("dec", DataType::Decimal128(10, 2)),
        ("text", DataType::Utf8),
        ("time", time),
        ("float", DataType::Float64),
    ]);
    let mut good = 0;
    for seed in 1..150 {
        let mut random = Random(seed);
        let lines: Vec<String> = (0..random.below(20)).map(|_| line(&mut random)).collect();
        let end = random.one(&["\n", "\r\n", "\n\n"]);
        let content = read(lines.join(end).as_bytes(), &schema, &[JSON]).unwrap();
        let lines = lines.iter().filter(|line| !line.is_empty());
        let (fit, bad): (Vec<_>, Vec<_>) =
            lines.map(|line| (line, reference(line))).partition(|(_, row)| row.is_some());
        let raw: Vec<&[u8]> = content.rejected.iter().map(|r| r.raw.as_slice()).collect();
        let expected: Vec<&[u8]> = bad.iter().map(|(line, _)| line.as_bytes()).collect();
        assert_eq!(raw, expected, "seed {seed}");
        assert_eq!(content.rows.num_rows(), fit.len(), "seed {seed}");
        for (row, (line, expected)) in fit.into_iter().enumerate() {
            let found = content.rows.columns().iter().map(|column| shown(column, row));
            let found: Vec<_> = found.collect();
            assert_eq!(found, expected.unwrap(), "seed {seed}: {line}");
            good += 1;
        }
    }
    assert!(good > 400, "{good} rows are too few to mean anything");
}

fn shown(column: &ArrayRef, row: usize) -> Option<String> {
    column.is_valid(row).then(|| match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Timestamp(..) => {
            column.as_primitive::<TimestampMillisecondType>().value(row).to_string()
        }
        _ => column.as_string::<i32>().value(row).to_owned(),
    })
}

//! Reading CSV.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use turgo_connectors::connectors;
use turgo_engine::io::{Chunk, ChunkData};

use crate::{Random, columns, read, table};

const CSV: (&str, &str) = ("format", "csv");

#[test]
fn columns_are_found_by_the_header() {
    let schema = columns(&[("a", DataType::Int64), ("b", DataType::Utf8)]);
    let content = read(b"\n\xEF\xBB\xBF", &schema, &[CSV, ("csv.header", "false")]).unwrap();
    assert_eq!(content.rejected.len(), 1);
    let text = "\u{feff}x,b,\"a\"\r\n1,two,3\r\n\r\n4,,6";
    let content = read(text.as_bytes(), &schema, &[CSV]).unwrap();
    assert_eq!(content.rows.column(0).as_primitive::<Int64Type>().values(), &[3, 6]);
    let b = content.rows.column(1).as_string::<i32>();
    assert_eq!((b.value(0), b.is_null(1)), ("two", true));
    assert_eq!(content.rejected, []);
    assert_eq!(read(b"", &schema, &[CSV]).unwrap().rows.num_rows(), 0);
    assert_eq!(read(b"b,a", &schema, &[CSV]).unwrap().rows.num_rows(), 0);
    let error = read(b"a,c\n1,2\n", &schema, &[CSV]).unwrap_err().to_string();
    assert!(error.contains(":1: the header has no column `b`; it has `a`, `c`"), "{error}");
    let error = read(b"a,b,a\n", &schema, &[CSV]).unwrap_err().to_string();
    assert!(error.contains("column `a` twice"), "{error}");
    let nested = columns(&[("a", DataType::new_list(DataType::Int64, true))]);
    assert_eq!(read(b"a\n", &nested, &[CSV]).unwrap_err().code(), "unsupported");
}

#[test]
fn records_that_do_not_fit_are_rejected_with_the_reason() {
    let schema = columns(&[
        ("n", DataType::Int64),
        ("b", DataType::Boolean),
        ("t", DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None)),
    ]);
    for (record, reason) in [
        ("1,true", Some("2 fields where 3 are expected")),
        ("x,true,0", Some("column `n`: \"x\" is not a BIGINT")),
        ("\"\",true,0", Some("column `n`: \"\" is not a BIGINT")),
        ("1.5,true,0", Some("column `n`: \"1.5\" is not a BIGINT: it has a fraction")),
        ("1,maybe,0", Some("column `b`: \"maybe\" is not a BOOLEAN")),
        (
            "1,true,2024-01-15",
            Some("column `t`: \"2024-01-15\" is not a TIMESTAMP(3): expected YYYY-MM-DD HH:MM:SS"),
        ),
        ("1,\"true\"x,0", Some("field 2: text after the closing quote")),
        ("1,TRUE,1705312800000", None),
        ("007,\"false\",2024-01-15 10:00:00", None),
        (",,", None),
    ] {
        let text = format!("n,b,t\n1,true,0\n{record}\n2,true,0\n");
        let content = read(text.as_bytes(), &schema, &[CSV]).unwrap();
        let found: Vec<&str> = content.rejected.iter().map(|r| r.reason.as_str()).collect();
        assert_eq!(found, reason.into_iter().collect::<Vec<_>>(), "{record}");
        assert_eq!(content.rows.num_rows(), 2 + usize::from(reason.is_none()));
    }
    let content = read(b"n,b,t\n1,\"true,0\n2,true,0\n", &schema, &[CSV]).unwrap();
    assert_eq!(content.rejected[0].reason, "field 2: unclosed quote");
}

#[test]
fn a_chunk_of_another_file_is_looked_at_afresh() {
    let schema = columns(&[("a", DataType::Utf8), ("b", DataType::Utf8)]);
    let source = connectors().source(&table(Path::new("unread"), &schema, &[CSV])).unwrap();
    let mut decoder = source.decoder(&[0, 1]).unwrap();
    // The record of the second begins where the next one of the first would. It has four fields,
    // but three to whoever starts 64 bytes behind where the first one was looked at.
    let second = format!("b,a,xxx\n1,{},2,3\n", "x".repeat(70));
    for (text, rows) in [("a,b\n1,2\n", 1), (&second, 0)] {
        let data = ChunkData::Bytes(text.as_bytes().to_vec());
        decoder.begin(Chunk { start: 0, end: text.len() as u64, data });
        let decoded = decoder.next(9).unwrap().unwrap();
        assert_eq!((decoded.rows.num_rows(), decoded.rejected.len()), (rows, 1 - rows));
    }
}

#[test]
fn empty_lines_are_no_records_of_one_column_either() {
    let schema = columns(&[("a", DataType::Utf8)]);
    let content = read(b"a\n\nx\n\r\n\"\"\r\n\r\n\n", &schema, &[CSV]).unwrap();
    let a = content.rows.column(0).as_string::<i32>();
    assert_eq!(a.iter().collect::<Vec<_>>(), [Some("x"), Some("")]);
}

#[test]
fn two_quotes_before_a_delimiter_close_nothing() {
    let schema = columns(&[("a", DataType::Utf8), ("b", DataType::Utf8)]);
    let content = read(b"a,b\n\"x\"\",y\"\n\"x\"\",y\",z\n", &schema, &[CSV]).unwrap();
    assert_eq!(content.rejected[0].reason, "1 field where 2 are expected");
    assert_eq!(content.rows.column(0).as_string::<i32>().value(0), "x\",y");
}

/// A record as fields, `None` for NULL, and whether it fits.
type Model = (Vec<Option<String>>, bool);

fn record(random: &mut Random, out: &mut String) -> Option<Model> {
    let start = out.len();
    if random.below(10) == 0 {
        out.push_str(random.one(&["\n", "\r\n"]));
        return None;
    }
    let width = if random.below(6) == 0 { 1 + random.below(5) } else { 3 };
    let mut fields = Vec::new();
    let mut fits = width == 3;
    for index in 0..width {
        if index > 0 {
            out.push(';');
        }
        let text =
            random.one(&["", "a", "é", "x y", "\"", "a;b", "line\nend", "\"\"", "cr\r\n", "#"]);
        let plain = !text.contains(['"', ';', '\n', '\r']);
        if random.below(8) == 0 {
            out.push_str("mid\"quote");
            fields.push(Some("mid\"quote".into()));
        } else if plain && random.below(2) == 0 {
            out.push_str(text);
            fields.push((text != "#").then(|| text.to_owned()));
        } else {
            out.push_str(&format!("\"{}\"", text.replace('"', "\"\"")));
            fields.push(Some(text.to_owned()));
            if random.below(20) == 0 {
                out.push_str("junk");
                fits = false;
            }
        }
    }
    if out.len() == start {
        out.push('x');
    }
    out.push_str(random.one(&["\n", "\r\n"]));
    Some((fields, fits))
}

#[test]
fn any_records_are_read_as_they_were_meant() {
    let schema =
        columns(&[("a", DataType::Utf8), ("b", DataType::Utf8View), ("c", DataType::Utf8)]);
    let options = [CSV, ("csv.header", "false"), ("csv.delimiter", ";"), ("csv.null", "#")];
    for seed in 1..60 {
        let mut random = Random(seed);
        let mut text = String::new();
        let records: Vec<Model> =
            (0..random.below(30)).filter_map(|_| record(&mut random, &mut text)).collect();
        let content = read(text.as_bytes(), &schema, &options).unwrap();
        let good: Vec<_> =
            records.iter().filter(|record| record.1).map(|record| &record.0).collect();
        assert_eq!(content.rows.num_rows(), good.len(), "seed {seed}");
        assert_eq!(content.rejected.len(), records.len() - good.len(), "seed {seed}");
        for (row, fields) in good.iter().enumerate() {
            for (column, expected) in content.rows.columns().iter().zip(*fields) {
                let plain = arrow::compute::cast(column, &DataType::Utf8).unwrap();
                let plain = plain.as_string::<i32>();
                let found = plain.is_valid(row).then(|| plain.value(row));
                assert_eq!(found, expected.as_deref(), "seed {seed}, row {row}");
            }
        }
    }
}

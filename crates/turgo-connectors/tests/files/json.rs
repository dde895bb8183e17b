//! Reading NDJSON.

use std::sync::Arc;

use crate::{columns, read};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, TimeUnit};

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
fn a_zero_byte_ends_nothing() {
    let schema = columns(&[("a", DataType::Int64)]);
    for text in [&b"{\"a\":1\0\n"[..], b"{\"a\":1\0\n{\"a\":2}\n{\"a\":2}\n", b"\0\n{\"a\":2}\n"] {
        let content = read(text, &schema, &[("format", "json")]).unwrap();
        assert_eq!(content.rejected.len(), 1, "{content:?}");
    }
}

#[test]
fn a_record_does_not_go_on_in_the_next_line() {
    let schema = columns(&[("v", DataType::Int64), ("w", DataType::Int64)]);
    for broken in ["{\n\"v\":1}", "{\"v\":\n1}", "{\"v\":1,\n\"w\":2}", "{\"v\":1\n}"] {
        let text = format!("{{\"v\":0}}\n{broken}\n{broken}\n{{\"v\":0}}\n");
        let content = read(text.as_bytes(), &schema, &[JSON]).unwrap();
        assert_eq!((content.rows.num_rows(), content.rejected.len()), (2, 4), "{broken}");
    }
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

#[test]
fn maps_are_read_from_objects() {
    let field = |name: &str, data_type, nullable| Field::new(name, data_type, nullable);
    let entry = DataType::Struct(Fields::from(vec![
        field("key", DataType::Utf8, false),
        field("value", DataType::Int64, true),
    ]));
    let map = DataType::Map(Arc::new(field("entries", entry, false)), false);
    let read = |text: &str| {
        value(&map, text).map(|array| {
            let array = array.as_map();
            let keys = array.keys().as_string::<i32>().iter().map(|key| key.unwrap().to_owned());
            let values = array.values().as_primitive::<Int64Type>().iter();
            keys.zip(values).collect::<Vec<_>>()
        })
    };
    assert_eq!(read("{}"), Ok(vec![]));
    assert_eq!(
        read("{\"b\":1,\"a\\u00e9\":null,\"b\": 2}"),
        Ok(vec![("aé".to_owned(), None), ("b".to_owned(), Some(2))])
    );
    let refused = |text: &str| read(text).unwrap_err();
    assert_eq!(refused("[1]"), "column `v`: [1] is not a MAP");
    assert_eq!(refused("{\"a\":1,\"b\":\"x\"}"), "column `v[\"b\"]`: \"x\" is not a BIGINT");
}
